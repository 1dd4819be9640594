"""Publishing: the folder offers the old index or the new one, whole, and never goes back."""

import dataclasses
import json
from datetime import timedelta
from pathlib import Path

import pytest

from sendguard.audience.index.delta import apply_delta, make_delta
from sendguard.audience.index.reader import Index
from sendguard.directories import publisher
from sendguard.directories.durable import only_one
from sendguard.directories.manifest import CHAIN, ManifestRefused, read_manifest
from sendguard.directories.packing import Unpackable, pack, unpack
from sendguard.directories.publisher import PublishRefused
from sendguard.published.signing import SigningKey
from tests.adapters.feed_rig import Works


@pytest.fixture
def works(tmp_path: Path) -> Works:
    return Works.at(tmp_path)


def files(works: Works) -> set[str]:
    return {path.name for path in works.folder.iterdir() if not path.name.startswith(".")}


def test_the_snapshot_is_the_index_octet_by_octet(works: Works) -> None:
    path = works.build()
    published = works.publish(path)
    snapshot = published.manifest.snapshot
    assert files(works) == {"manifest", "snapshot-1.zst"}
    assert unpack((works.folder / snapshot.file).read_bytes(), snapshot.unpacked) == path.read_bytes()
    assert works.manifest() == published.manifest


def test_each_day_a_delta_leads_from_the_day_before_octet_by_octet(works: Works) -> None:
    indexes = [works.build() for _ in range(3)]
    for path in indexes:
        works.publish(path)
    deltas = works.manifest().deltas
    assert [(delta.start, delta.end) for delta in deltas] == [(1, 2), (2, 3)]
    octets = indexes[0].read_bytes()
    for delta in deltas:
        octets = apply_delta(Index.of(octets), unpack((works.folder / delta.file).read_bytes(), delta.unpacked))
    assert octets == indexes[2].read_bytes()
    assert all(delta.size < works.manifest().snapshot.size / 2 for delta in deltas)


def test_a_week_of_deltas_is_kept_and_what_the_page_before_named_stays_one_publish_longer(works: Works) -> None:
    for _ in range(CHAIN + 3):
        works.publish()
    last = CHAIN + 3
    manifest = works.manifest()
    assert [(delta.start, delta.end) for delta in manifest.deltas] == [(n, n + 1) for n in range(last - CHAIN, last)]
    before = {f"snapshot-{last - 1}.zst", f"delta-{last - CHAIN - 1}-{last - CHAIN}.zst"}
    assert files(works) == {"manifest", *manifest.files(), *before}


def test_a_delta_that_is_no_shorter_way_is_left_out_with_those_before_it(works: Works) -> None:
    works.publish()
    works.publish()
    works.name = "somebody-else-"
    works.publish()
    assert works.manifest().sequence == 3
    assert works.manifest().deltas == ()
    works.publish()  # numbers everybody anew, as half of the numbers are of people who left
    works.publish()
    assert [delta.start for delta in works.manifest().deltas] == [4]


def test_a_delta_that_leads_elsewhere_than_to_the_new_index_is_never_published(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    works.publish()
    path = works.build()
    elsewhere = Index.open(works.build())
    monkeypatch.setattr(publisher, "make_delta", lambda old, new: make_delta(old, elsewhere))
    assert works.publish(path).manifest.deltas == ()


def test_desktops_never_go_back_so_no_publish_does(works: Works) -> None:
    first, second = works.build(), works.build()
    works.publish(second)
    before = (works.folder / "manifest").read_bytes()
    with pytest.raises(PublishRefused, match="number 1, but number 2"):
        works.publish(first)
    works.before = Index.of(first.read_bytes())
    works.people += 5
    with pytest.raises(PublishRefused, match="number 2, but number 2"):
        works.publish(works.build())
    assert (works.folder / "manifest").read_bytes() == before


def test_the_same_index_again_changes_nothing(works: Works) -> None:
    path = works.build()
    works.publish(path)
    before = (works.folder / "manifest").read_bytes()
    assert not works.publish(path, now=works.made_at + timedelta(days=1)).changed
    assert (works.folder / "manifest").read_bytes() == before


def test_another_feed_never_comes_into_the_same_folder(works: Works) -> None:
    works.publish()
    with pytest.raises(PublishRefused, match="not “other”"):
        works.publish(feed="other")


def test_warnings_are_told_and_with_strict_stand_in_the_way(works: Works) -> None:
    seen = []

    def grown(old: Index | None, new: Index) -> list[str]:
        seen.append((old.header.sequence if old else None, new.header.sequence))
        return ["everybody has grown"]

    assert works.publish(warnings=grown).warnings == ("everybody has grown",)
    path = works.build()
    with pytest.raises(PublishRefused) as refused:
        works.publish(path, warnings=grown, strict=True)
    assert refused.value.warnings == ("everybody has grown",)
    assert works.manifest().sequence == 1
    assert files(works) == {"manifest", "snapshot-1.zst"}
    assert works.publish(path, warnings=lambda old, new: [], strict=True).warnings == ()
    assert seen == [(None, 1), (1, 2)]


def test_what_is_no_whole_index_is_not_published(works: Works, tmp_path: Path) -> None:
    octets = works.build().read_bytes()
    wrong = tmp_path / "wrong.index"
    for content in (octets[:-1], octets[:-9000] + bytes(100) + octets[-8900:], b"", b"something else"):
        wrong.write_bytes(content)
        with pytest.raises(PublishRefused, match=r"wrong\.index cannot be published"):
            works.publish(wrong)
    with pytest.raises(PublishRefused, match="cannot be read"):
        works.publish(tmp_path / "missing.index")


def test_with_a_new_key_the_old_page_is_believed_only_where_the_old_key_is_named(works: Works, tmp_path: Path) -> None:
    works.publish()
    new = SigningKey.make(tmp_path / "new.pem")
    path = works.build()
    with pytest.raises(PublishRefused, match="not told to trust"):
        works.publish(path, key=new)
    assert works.publish(path, key=new, former_keys=[works.key.public]).manifest.deltas


def test_a_folder_somebody_else_wrote_into_is_not_gone_on_with(works: Works) -> None:
    works.publish()
    page = (works.folder / "manifest").read_bytes()
    snapshot = (works.folder / "snapshot-1.zst").read_bytes()
    path = works.build()
    (works.folder / "manifest").write_bytes(page.replace(b'"feed":"nhs.test"', b'"feed":"nhs.tesu"'))
    with pytest.raises(PublishRefused, match="signature is wrong"):
        works.publish(path)
    (works.folder / "manifest").write_bytes(page)
    other = unpack(snapshot, works.manifest().snapshot.unpacked)
    (works.folder / "snapshot-1.zst").write_bytes(pack(other[::-1], 3))
    with pytest.raises(PublishRefused, match="was changed"):
        works.publish(path)
    (works.folder / "snapshot-1.zst").unlink()
    with pytest.raises(PublishRefused, match="is missing"):
        works.publish(path)
    (works.folder / "snapshot-1.zst").write_bytes(snapshot)
    assert works.publish(path).manifest.sequence == 2


def test_two_publishes_do_not_run_into_each_other(works: Works) -> None:
    works.folder.mkdir()
    with only_one(works.folder / ".publish.lock"), pytest.raises(PublishRefused, match="under way"):
        works.publish()
    assert works.publish().changed


def test_the_web_server_may_read_what_is_published(works: Works) -> None:
    works.publish()
    works.publish()
    assert {path.stat().st_mode & 0o777 for path in works.folder.glob("[!.]*")} == {0o644}


# The page


def test_a_page_comes_back_as_it_was_written(works: Works) -> None:
    works.publish()
    works.publish()
    manifest = works.manifest()
    assert read_manifest(manifest.octets()) == manifest
    assert manifest.expires == works.made_at + timedelta(days=14)
    assert len(manifest.octets()) < 2000


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"format": "1"},
        {"feed": ""},
        {"feed": "x" * 201},
        {"feed": 1},
        {"sequence": 3},
        {"sequence": "2"},
        {"sequence": 2.0},
        {"sequence": True},
        {"sequence": -2},
        {"made_at": "yesterday"},
        {"made_at": "2026-11-24T07:00:00"},
        {"expires": None},
        {"expires": "9999-12-31T23:59:59-12:00"},
        {"snapshot": None},
        {"snapshot": {}},
        {"snapshot.file": "../snapshot-2.zst"},
        {"snapshot.file": "/etc/passwd"},
        {"snapshot.file": "https://other.test/snapshot-2.zst"},
        {"snapshot.file": "snapshot-3.zst"},
        {"snapshot.size": 0},
        {"snapshot.size": 1 << 40},
        {"snapshot.unpacked": 1 << 40},
        {"snapshot.sha256": "0" * 63},
        {"snapshot.sha256": "G" * 64},
        {"index_sha256": None},
        {"deltas": None},
        {"deltas": [1]},
        {"deltas.0.file": "..\\delta-1-2.zst"},
        {"deltas.0.start": 2},
        {"deltas.0.end": 1},
        {"deltas.0.size": -1},
    ],
)
def test_a_page_that_does_not_say_what_it_should_is_refused_although_it_is_signed(
    works: Works, change: dict[str, object]
) -> None:
    works.publish()
    works.publish()
    said = json.loads(works.manifest().octets())
    for place, value in change.items():
        *path, name = place.split(".")
        where = said
        for step in path:
            where = where[int(step) if step.isdigit() else step]
        where[name] = value
    with pytest.raises(ManifestRefused):
        read_manifest(json.dumps(said).encode())


@pytest.mark.parametrize("octets", [b"", b"[]", b"null", b"[" * 60_000, b"\xff", b'{"format":1}'])
def test_what_is_no_page_at_all_is_refused(octets: bytes) -> None:
    with pytest.raises(ManifestRefused):
        read_manifest(octets)


def test_a_chain_with_a_gap_is_refused(works: Works) -> None:
    for _ in range(4):
        works.publish()
    manifest = works.manifest()
    one, two, three = manifest.deltas
    for chain in ((one, three), (one, two), (two, one, three), (three, three)):
        with pytest.raises(ManifestRefused):
            read_manifest(dataclasses.replace(manifest, deltas=chain).octets())
    assert read_manifest(dataclasses.replace(manifest, deltas=(three,)).octets()).chain_from(3) == (three,)


# Packing


def test_not_an_octet_more_is_unpacked_than_was_announced() -> None:
    bomb = pack(bytes(50_000_000))
    assert len(bomb) < 5000
    for size in (0, 1, 49_999_999, 50_000_001):
        with pytest.raises(Unpackable):
            unpack(bomb, size)


def test_what_is_damaged_cut_off_or_added_to_is_not_unpacked() -> None:
    packed = pack(b"people" * 1000)
    for octets in (b"", b"nothing", packed[:-1], packed[: len(packed) // 2], packed + b"x", packed + packed):
        with pytest.raises(Unpackable):
            unpack(octets, 6000)
    assert unpack(packed, 6000) == b"people" * 1000
    assert unpack(pack(b""), 0) == b""
