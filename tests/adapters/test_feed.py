"""The desktop's end of a feed: nothing is put in force that IT's key does not vouch for, and nothing ever goes back."""

import dataclasses
import json
import os
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sendguard.audience.index.reader import Index
from sendguard.directories.durable import only_one
from sendguard.directories.feed_state import Health, Outcome
from sendguard.directories.manifest import LARGEST
from sendguard.directories.packing import pack
from sendguard.published.signing import SigningKey
from sendguard.published.web import Patience, Web
from tests.adapters.feed_rig import FEED, Desktop, Works
from tests.indexes import MADE
from tests.servers.certificates import CertificateAuthority
from tests.servers.fault_proxy import Break, ServerSays
from tests.servers.fixtures import NewProxy
from tests.servers.processes import LOOPBACK, free_port, wait_until
from tests.servers.static_site import Misbehaviour, StaticSite


@pytest.fixture
def works(tmp_path: Path) -> Works:
    works = Works.at(tmp_path / "works")
    works.publish()
    return works


@pytest.fixture
def desktop(works: Works, tmp_path: Path) -> Iterator[Desktop]:
    with StaticSite(works.folder) as site:
        yield Desktop(site, works, tmp_path / "desktop")


def refused(desktop: Desktop, why: str, *, sequence: int = 0, **keywords: object) -> Outcome:
    """A refresh that fails with these words and leaves the index of this number in force."""
    outcome = desktop.feed(**keywords).refresh()
    assert why in outcome.why
    assert not outcome.changed
    assert outcome.health is (Health.STALE if sequence else Health.FAILED)
    assert desktop.sequence() == outcome.sequence == sequence
    return outcome


# From day to day


def test_the_first_time_the_snapshot_is_fetched_and_put_in_force(desktop: Desktop) -> None:
    outcome = desktop.feed().refresh()
    assert (outcome.health, outcome.sequence, outcome.changed, outcome.why) == (Health.FRESH, 1, True, "")
    assert outcome.made_at == desktop.works.made_at
    assert outcome.expires == desktop.works.made_at + timedelta(days=14)
    assert outcome.checked_at == desktop.now
    assert outcome.path is not None
    assert outcome.path.read_bytes() == (desktop.works.place / "day-1.index").read_bytes()
    assert desktop.fetched() == ["manifest", "snapshot-1.zst"]


def test_while_nothing_is_new_a_check_costs_one_answer_without_a_body(desktop: Desktop) -> None:
    desktop.feed().refresh()
    desktop.fetched()
    desktop.now += timedelta(days=1)
    outcome = desktop.feed().refresh()
    assert (outcome.health, outcome.changed, outcome.checked_at) == (Health.FRESH, False, desktop.now)
    assert [(seen.path, seen.status, seen.sent) for seen in desktop.site.requests] == [("/manifest", 304, 0)]


def test_up_to_a_week_comes_as_deltas_and_after_longer_the_snapshot(desktop: Desktop) -> None:
    desktop.feed().refresh()
    for days in (1, 7, 8):
        desktop.fetched()
        start = desktop.sequence()
        for _ in range(days):
            desktop.works.publish()
        desktop.now = desktop.works.made_at
        outcome = desktop.feed().refresh()
        assert outcome.health is Health.FRESH
        assert outcome.path is not None
        assert outcome.path.read_bytes() == (desktop.works.place / f"day-{desktop.works.today}.index").read_bytes()
        deltas = [f"delta-{n}-{n + 1}.zst" for n in range(start, start + days)]
        files = deltas if days <= 7 else [f"snapshot-{outcome.sequence}.zst"]
        assert desktop.fetched() == ["manifest", *files]


def test_deltas_larger_together_than_the_snapshot_are_not_fetched(tmp_path: Path) -> None:
    works = Works.at(tmp_path / "works", people=40)
    works.publish()
    with StaticSite(works.folder) as site:
        desktop = Desktop(site, works, tmp_path / "desktop")
        desktop.feed().refresh()
        for _ in range(7):
            works.publish()
        manifest = works.manifest()
        assert sum(delta.size for delta in manifest.deltas) >= manifest.snapshot.size
        desktop.now = works.made_at
        assert desktop.feed().refresh().sequence == 8
        assert desktop.fetched()[-1] == "snapshot-8.zst"


def test_the_index_before_stays_readable_while_it_is_in_use_and_goes_at_the_next_check(desktop: Desktop) -> None:
    first = desktop.feed().refresh().path
    assert first is not None
    in_use = Index.open(first)
    desktop.works.publish()
    second = desktop.feed().refresh().path
    assert second is not None
    in_use.verify()
    assert first.exists()
    desktop.feed().refresh()
    in_use.verify()
    assert list(desktop.feed().folder.glob("*.index")) == [second]


def test_two_feeds_on_one_computer_keep_apart(desktop: Desktop) -> None:
    desktop.feed().refresh()
    other = desktop.feed(name="other")
    assert "somebody else" in other.refresh().why
    assert other.current() is None
    assert desktop.sequence() == 1


def test_over_https_with_an_authority_of_ones_own(
    desktop: Desktop, certificate_authority: CertificateAuthority
) -> None:
    with StaticSite(desktop.works.folder, certificate_authority.issue()) as safe:
        refused(desktop, "certificate is not trusted", url=safe.url)
        outcome = desktop.feed(url=safe.url, web=Web(ca_file=certificate_authority.certificate)).refresh()
    assert outcome.health is Health.FRESH


# What must not be put in force


def test_what_is_not_signed_is_refused(desktop: Desktop) -> None:
    page = desktop.works.folder / "manifest"
    page.write_bytes(page.read_bytes().partition(b"\n")[2])
    refused(desktop, "not signed")
    assert desktop.fetched() == ["manifest"]


def test_what_somebody_else_signed_is_refused(desktop: Desktop, tmp_path: Path) -> None:
    other = SigningKey.make(tmp_path / "other.pem")
    desktop.works.sign(desktop.works.manifest().octets(), key=other)
    refused(desktop, "not told to trust")


def test_what_was_signed_for_another_purpose_is_refused(desktop: Desktop) -> None:
    desktop.works.sign(desktop.works.manifest().octets(), context="sendguard-policy-1")
    refused(desktop, "signature is wrong")


def test_a_page_changed_on_its_way_is_refused(desktop: Desktop) -> None:
    page = desktop.works.folder / "manifest"
    page.write_bytes(page.read_bytes().replace(b'"sequence":1', b'"sequence":2'))
    refused(desktop, "signature is wrong")


def test_an_old_page_that_is_served_again_is_refused_even_after_the_index_was_deleted(desktop: Desktop) -> None:
    old = (desktop.works.folder / "manifest").read_bytes()
    desktop.works.publish()
    path = desktop.feed().refresh().path
    (desktop.works.folder / "manifest").write_bytes(old)
    refused(desktop, "older than the one", sequence=2)
    assert path is not None
    path.unlink()
    refused(desktop, "older than the one")


def test_the_floor_stands_even_where_only_the_index_is_left(desktop: Desktop) -> None:
    old = (desktop.works.folder / "manifest").read_bytes()
    desktop.works.publish()
    feed = desktop.feed()
    feed.refresh()
    (desktop.works.folder / "manifest").write_bytes(old)
    for content in (b"", b"{}", b"[" * 9999, b'{"floor":"x"}'):
        (feed.folder / "feed.json").write_bytes(content)
        refused(desktop, "older than the one", sequence=2)


def test_two_indexes_under_one_number_are_refused(desktop: Desktop) -> None:
    desktop.feed().refresh()
    twin = Works(desktop.works.place / "twin", desktop.works.key, people=50)
    twin.place.mkdir()
    twin.publish()
    desktop.site.folder = twin.folder
    refused(desktop, "two different", sequence=1)
    path = desktop.feed().current()
    assert path is not None
    path.unlink()
    refused(desktop, "two different")


def test_another_feeds_page_is_refused_although_the_key_is_the_same(desktop: Desktop) -> None:
    desktop.works.sign(dataclasses.replace(desktop.works.manifest(), feed="trainees").octets())
    refused(desktop, "somebody else")


def test_a_page_that_has_expired_is_refused(desktop: Desktop) -> None:
    desktop.now += timedelta(days=30)
    refused(desktop, "has expired")


def test_a_page_from_the_future_is_refused(desktop: Desktop) -> None:
    desktop.now = MADE - timedelta(days=1)
    refused(desktop, "from the future")


def test_what_has_expired_here_says_so_until_there_is_a_new_one(desktop: Desktop) -> None:
    desktop.feed().refresh()
    desktop.now += timedelta(days=30)
    outcome = desktop.feed().refresh()
    assert (outcome.health, outcome.sequence) == (Health.EXPIRED, 1)
    assert desktop.feed().outcome().health is Health.EXPIRED
    desktop.works.today += 30
    desktop.works.publish()
    assert desktop.feed().refresh().health is Health.FRESH


@pytest.mark.parametrize(
    "name", ["../../evil", "/etc/passwd", "https://evil.test/x", "..\\evil", "snapshot-1.zst/../x"]
)
def test_a_page_that_names_a_file_elsewhere_is_refused(desktop: Desktop, name: str) -> None:
    said = json.loads(desktop.works.manifest().octets())
    said["snapshot"]["file"] = name
    desktop.works.sign(json.dumps(said).encode())
    refused(desktop, "cannot be understood")
    assert desktop.fetched() == ["manifest"]


def test_a_page_of_a_later_format_asks_for_an_update(desktop: Desktop) -> None:
    said = json.loads(desktop.works.manifest().octets())
    desktop.works.sign(json.dumps(said | {"format": 2}).encode())
    refused(desktop, "Update SendGuard")


def test_a_page_larger_than_any_real_one_is_not_read(desktop: Desktop) -> None:
    desktop.works.sign(b" " * 100_000 + desktop.works.manifest().octets())
    refused(desktop, "larger than the 65536 octets")


def test_wrong_octets_of_the_right_length_are_refused_and_not_kept(desktop: Desktop) -> None:
    size = desktop.works.manifest().snapshot.size
    desktop.site.misbehave["/snapshot-1.zst"] = Misbehaviour(body=os.urandom(size))
    refused(desktop, "not the file that was signed")
    assert list(desktop.feed().folder.glob("*.part*")) == []
    desktop.site.heal()
    assert desktop.feed().refresh().health is Health.FRESH


@pytest.mark.parametrize("more", [-1, 1, 1 << 40])
def test_a_file_of_another_length_is_refused(desktop: Desktop, more: int) -> None:
    size = desktop.works.manifest().snapshot.size
    desktop.site.misbehave["/snapshot-1.zst"] = Misbehaviour(headers={"Content-Length": str(size + more)}, cut_after=9)
    refused(desktop, "that were announced")


def test_a_bomb_is_not_unpacked_although_it_is_signed(desktop: Desktop) -> None:
    bomb = pack(bytes(200_000_000))
    manifest = desktop.works.manifest()
    snapshot = dataclasses.replace(manifest.snapshot, size=len(bomb), sha256=_sha256(bomb))
    (desktop.works.folder / snapshot.file).write_bytes(bomb)
    desktop.works.sign(dataclasses.replace(manifest, snapshot=snapshot).octets())
    refused(desktop, "not of the size it should have")


def test_what_is_signed_but_no_whole_index_is_refused(desktop: Desktop) -> None:
    octets = (desktop.works.place / "day-1.index").read_bytes()
    flipped = octets[:9000] + bytes((octets[9000] ^ 1,)) + octets[9001:]
    for wrong in (flipped, octets[:-4096] + bytes(4096), bytes(len(octets)), b"x"):
        packed = pack(wrong)
        manifest = desktop.works.manifest()
        snapshot = dataclasses.replace(manifest.snapshot, size=len(packed), sha256=_sha256(packed), unpacked=len(wrong))
        (desktop.works.folder / snapshot.file).write_bytes(packed)
        offer = dataclasses.replace(manifest, snapshot=snapshot, index_sha256=_sha256(wrong))
        desktop.works.sign(offer.octets())
        outcome = desktop.feed().refresh()
        assert (outcome.health, desktop.sequence()) == (Health.FAILED, 0)
        assert outcome.why


def test_an_index_with_another_digest_than_the_signed_one_is_refused(desktop: Desktop) -> None:
    desktop.works.sign(dataclasses.replace(desktop.works.manifest(), index_sha256="0" * 64).octets())
    refused(desktop, "not the one that was signed")


@pytest.mark.parametrize("change", [{"sequence": 7}, {"made_at": MADE}])
def test_an_index_that_is_not_what_its_page_says_is_refused(desktop: Desktop, change: dict[str, object]) -> None:
    manifest = desktop.works.manifest()
    name = f"snapshot-{change.get('sequence', 1)}.zst"
    (desktop.works.folder / manifest.snapshot.file).rename(desktop.works.folder / name)
    snapshot = dataclasses.replace(manifest.snapshot, file=name)
    desktop.works.sign(dataclasses.replace(manifest, snapshot=snapshot, **change).octets())  # type: ignore[arg-type]
    refused(desktop, "not the one its manifest speaks of")


# Deltas that fail are only a detour


def _wrong_delta(desktop: Desktop, manifest_of: Works) -> None:
    """A delta that is signed and leads elsewhere."""
    manifest = manifest_of.manifest()
    delta = manifest.deltas[-1]
    packed = pack(b"nothing that leads anywhere")
    (desktop.works.folder / delta.file).write_bytes(packed)
    wrong = dataclasses.replace(delta, size=len(packed), sha256=_sha256(packed), unpacked=27)
    desktop.works.sign(dataclasses.replace(manifest, deltas=(wrong,)).octets())


def _sha256(octets: bytes) -> str:
    import hashlib

    return hashlib.sha256(octets).hexdigest()


@pytest.mark.parametrize(
    "harm",
    [
        lambda desktop: desktop.site.misbehave.update({"/delta-1-2.zst": Misbehaviour(status=404)}),
        lambda desktop: (desktop.works.folder / "delta-1-2.zst").write_bytes(
            bytes((desktop.works.folder / "delta-1-2.zst").stat().st_size)
        ),
        lambda desktop: _wrong_delta(desktop, desktop.works),
    ],
    ids=["missing", "changed", "leads elsewhere"],
)
def test_where_a_delta_is_of_no_use_the_snapshot_is_fetched(
    desktop: Desktop, harm: Callable[[Desktop], object]
) -> None:
    desktop.feed().refresh()
    desktop.works.publish()
    harm(desktop)
    desktop.fetched()
    outcome = desktop.feed().refresh()
    assert (outcome.health, desktop.sequence()) == (Health.FRESH, 2)
    assert desktop.fetched()[-1] == "snapshot-2.zst"


# Lines that break, disks that are full


def test_a_download_that_was_cut_is_gone_on_with(desktop: Desktop) -> None:
    size = desktop.works.manifest().snapshot.size
    desktop.site.misbehave["/snapshot-1.zst"] = Misbehaviour(cut_after=size // 2)
    refused(desktop, "the connection was cut")
    desktop.site.heal()
    desktop.fetched()
    assert desktop.feed().refresh().health is Health.FRESH
    assert desktop.site.requests[-1].sent == size - size // 2


def test_a_part_that_turns_out_wrong_is_begun_anew_in_the_same_refresh(desktop: Desktop) -> None:
    size = desktop.works.manifest().snapshot.size
    desktop.site.misbehave["/snapshot-1.zst"] = Misbehaviour(cut_after=size // 2)
    refused(desktop, "the connection was cut")
    desktop.site.heal()
    part = desktop.feed().folder / "snapshot-1.zst.part"
    part.write_bytes(bytes(part.stat().st_size))
    assert desktop.feed().refresh().health is Health.FRESH


def test_a_part_of_a_snapshot_nobody_offers_any_more_is_removed(desktop: Desktop) -> None:
    desktop.site.misbehave["/snapshot-1.zst"] = Misbehaviour(cut_after=100)
    refused(desktop, "the connection was cut")
    desktop.site.heal()
    desktop.works.publish()
    assert desktop.feed().refresh().health is Health.FRESH
    assert {path.name for path in desktop.feed().folder.iterdir()} == {"directory-2.index", "feed.json", "feed.lock"}


@pytest.mark.parametrize("how", [Break.CLOSE, Break.RESET, Break.TRUNCATE, Break.GARBAGE, Break.STALL])
def test_however_the_line_breaks_what_is_in_force_stays(
    desktop: Desktop, new_fault_proxy: NewProxy, how: Break
) -> None:
    desktop.feed().refresh()
    desktop.works.publish()
    proxy = new_fault_proxy(desktop.site.port)
    url = f"http://{LOOPBACK}:{proxy.port}/"
    web = Web(patience=Patience(read=0.3))
    for at in (rb"HTTP/1.1 200", rb"\x28\xb5\x2f\xfd"):  # any answer; the first octets of what zstd packed
        proxy.inject(ServerSays(at), how)
        refused(desktop, "", sequence=1, url=url, web=web)
        proxy.heal()
    assert desktop.feed(url=url).refresh().health is Health.FRESH
    assert desktop.sequence() == 2


def test_where_the_server_is_away_or_busy_it_is_said(desktop: Desktop) -> None:
    refused(desktop, "nobody answers there", url=f"http://{LOOPBACK}:{free_port()}/")
    desktop.site.misbehave["/manifest"] = Misbehaviour(status=503, headers={"Retry-After": "90"})
    assert refused(desktop, "503").retry_after == 90.0


def test_where_the_disk_has_no_room_nothing_is_begun(desktop: Desktop) -> None:
    desktop.room = 1_000_000
    refused(desktop, "too little room")
    assert desktop.fetched() == ["manifest"]
    manifest = desktop.works.manifest()
    huge = dataclasses.replace(manifest.snapshot, size=LARGEST, unpacked=LARGEST)
    desktop.works.sign(dataclasses.replace(manifest, snapshot=huge).octets())
    desktop.room = 1 << 30
    refused(desktop, "2112 MB are needed")


def test_where_the_folder_cannot_be_made_it_is_said(desktop: Desktop) -> None:
    desktop.folder.write_text("in the way")
    assert "cannot be kept on this computer" in desktop.feed().refresh().why


def test_a_damaged_index_is_noticed_and_fetched_again(desktop: Desktop) -> None:
    path = desktop.feed().refresh().path
    assert path is not None
    octets = path.read_bytes()
    for wrong in (octets[:-1], octets[:-100] + bytes(100), b""):
        path.write_bytes(wrong)
        outcome = desktop.feed().refresh()
        assert (outcome.health, outcome.why, outcome.changed) == (Health.FRESH, "", True)
        assert path.read_bytes() == octets


def test_only_one_process_fetches_at_a_time(desktop: Desktop) -> None:
    feed = desktop.feed()
    feed.folder.mkdir(parents=True)
    with only_one(feed.folder / "feed.lock"):
        assert "another SendGuard" in feed.refresh().why
    assert desktop.fetched() == []
    assert feed.refresh().health is Health.FRESH


def test_closing_ends_a_refresh_that_is_under_way(desktop: Desktop) -> None:
    desktop.site.misbehave["/snapshot-1.zst"] = Misbehaviour(stall_after=10)
    web = Web()
    feed = desktop.feed(web=web)
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(feed.refresh()))
    thread.start()
    part = feed.folder / "snapshot-1.zst.part"
    wait_until(lambda: part.exists() and web.is_busy, "download under way")
    feed.close()
    thread.join(5)
    assert [outcome.why for outcome in outcomes] == ["stopped"]


# Keys that change


def test_a_key_is_changed_for_another_without_a_gap(desktop: Desktop, tmp_path: Path) -> None:
    old, new = desktop.works.key, SigningKey.make(tmp_path / "new.pem")
    keys = [old.public, new.public]
    assert desktop.feed(keys=keys).refresh().sequence == 1
    desktop.works.publish(key=new, former_keys=[old.public])
    assert desktop.feed(keys=keys).refresh().sequence == 2
    assert desktop.feed(keys=[new.public]).refresh().health is Health.FRESH


def test_a_key_that_is_trusted_no_longer_vouches_for_nothing_not_even_for_what_has_not_changed(
    desktop: Desktop, tmp_path: Path
) -> None:
    desktop.feed().refresh()
    new = SigningKey.make(tmp_path / "new.pem")
    refused(desktop, "not told to trust", sequence=1, keys=[new.public])


def test_no_request_tells_who_asks_or_what_is_here(desktop: Desktop) -> None:
    desktop.feed().refresh()
    desktop.works.publish()
    desktop.feed().refresh()
    said = {name for seen in desktop.site.requests for name in seen.headers}
    assert said == {"Accept-Encoding", "Host", "User-Agent", "Connection", "If-None-Match"}
    assert FEED not in str([seen.headers for seen in desktop.site.requests])
