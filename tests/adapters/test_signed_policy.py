"""The signed policy on a desktop: only what is to be believed is taken, and nothing ever loosens."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sendguard.audience.source import SourceFailed
from sendguard.published.signing import SigningKey
from sendguard.published.web import Patience, Web
from sendguard.remote.document import MOST_OCTETS, Document, DocumentRefused, open_document, read_payload
from sendguard.remote.feed import PolicyFeed, Trust, keys_of, rhythm
from tests.fakes import ManualClock
from tests.servers.static_site import Misbehaviour, StaticSite

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
ORGANISATION = "nhs.test"
BLOCK = {"BlockedLists": ["all@nhs.test | Do not reply."]}
SETTINGS = {**BLOCK, "AskAnyFrom": 30}


def policy(serial: int = 7, **changes: object) -> Document:
    made = Document(ORGANISATION, serial, NOON, NOON + timedelta(days=30), SETTINGS)
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return SigningKey.make(tmp_path_factory.mktemp("key") / "policy.key")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return SigningKey.make(tmp_path_factory.mktemp("key") / "stranger.key")


@dataclass
class Desk:
    """A desktop, and the web server its organisation publishes on."""

    site: StaticSite
    key: SigningKey
    folder: Path
    clock: ManualClock
    floor: int = 0

    def publish(self, document: Document, key: SigningKey | None = None) -> bytes:
        octets = document.signed(key or self.key)
        (self.site.folder / "policy").write_bytes(octets)
        return octets

    def feed(self, patience: Patience | None = None) -> PolicyFeed:
        trust = Trust(f"{self.site.url}policy", (self.key.public,), ORGANISATION, self.floor)
        web = Web(patience=patience or Patience(5, 5, 20))
        return PolicyFeed(trust, self.folder, now=self.clock, web=web)

    def serial(self) -> int:
        document = self.feed().outcome().document
        return document.serial if document else 0


@pytest.fixture
def desk(tmp_path: Path, key: SigningKey) -> Iterator[Desk]:
    folder = tmp_path / "site"
    folder.mkdir()
    clock = ManualClock(NOON)
    with StaticSite(folder) as site:
        yield Desk(site, key, tmp_path / "desktop", clock)


def test_a_published_policy_is_fetched_kept_and_believed_after_a_restart(desk: Desk) -> None:
    assert desk.feed().outcome().document is None
    desk.publish(policy())
    outcome = desk.feed().refresh()
    assert outcome.document is not None
    assert (outcome.document.serial, dict(outcome.document.settings)) == (7, SETTINGS)
    assert outcome.checked_at == NOON
    assert not outcome.why
    assert desk.feed().outcome() == outcome


def test_a_policy_that_has_not_changed_costs_no_second_download(desk: Desk) -> None:
    desk.publish(policy())
    desk.feed().refresh()
    desk.clock.move(minutes=5)
    again = desk.feed().refresh()
    assert [seen.status for seen in desk.site.asked("/policy")] == [200, 304]
    assert again.checked_at == NOON + timedelta(minutes=5)


def test_a_newer_policy_takes_the_place_of_the_older(desk: Desk) -> None:
    desk.publish(policy())
    desk.feed().refresh()
    desk.publish(policy(8, settings={}))
    outcome = desk.feed().refresh()
    assert outcome.document is not None
    assert (outcome.document.serial, dict(outcome.document.settings)) == (8, {})


# Tampering


def test_no_flipped_bit_is_believed(key: SigningKey) -> None:
    octets = policy().signed(key)
    for place in range(len(octets)):
        for bit in (0x01, 0x20, 0x80):
            flipped = bytearray(octets)
            flipped[place] ^= bit
            with pytest.raises(SourceFailed):
                open_document(bytes(flipped), [key.public], ORGANISATION)


def test_a_kept_policy_that_was_changed_on_this_computer_is_not_believed(desk: Desk) -> None:
    octets = desk.publish(policy())
    desk.feed().refresh()
    (desk.folder / "policy.signed").write_bytes(octets.replace(b"AskAnyFrom", b"AskAnyForm"))
    outcome = desk.feed().outcome()
    assert outcome.document is None
    assert outcome.refused
    assert desk.feed().refresh().document is not None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"organisation": "other.test"}, "another organisation's"),
        ({"serial": 6}, "older than one that was in force"),
        ({"settings": {"AskAnyFrom": 5}}, "bear one serial number"),
        ({"not_before": NOON + timedelta(minutes=6)}, "holds only from"),
        ({"serial": 8, "not_before": NOON - timedelta(9), "expires": NOON}, "expired"),
    ],
    ids=["organisation", "rollback", "two of one serial", "future", "expired"],
)
def test_a_policy_that_is_not_to_be_taken_leaves_the_one_in_force(
    desk: Desk, changes: dict[str, object], why: str
) -> None:
    desk.publish(policy())
    desk.feed().refresh()
    desk.publish(policy(**changes))  # type: ignore[arg-type]
    outcome = desk.feed().refresh()
    assert why in outcome.why
    assert outcome.refused
    assert outcome.document is not None
    assert (outcome.document.serial, dict(outcome.document.settings)) == (7, SETTINGS)


def test_a_strangers_signature_is_worth_nothing(desk: Desk, stranger: SigningKey) -> None:
    desk.publish(policy(9), stranger)
    assert desk.feed().refresh().refused
    desk.publish(policy())
    desk.feed().refresh()
    desk.publish(policy(9), stranger)
    assert "a key that this computer was not told to trust" in desk.feed().refresh().why
    assert desk.serial() == 7


def test_a_signature_on_something_else_is_no_signature_on_a_policy(desk: Desk) -> None:
    octets = desk.key.sign("sendguard-directory-1", policy().payload())
    (desk.site.folder / "policy").write_bytes(octets)
    assert desk.feed().refresh().refused


def test_an_old_policy_is_refused_even_after_the_newer_was_deleted(desk: Desk) -> None:
    old = desk.publish(policy(6))
    desk.publish(policy())
    desk.feed().refresh()
    (desk.folder / "policy.signed").unlink()
    (desk.site.folder / "policy").write_bytes(old)
    assert "older than one that was in force" in desk.feed().refresh().why


def test_a_wiped_desktop_does_not_go_below_machine_policys_floor(desk: Desk) -> None:
    desk.floor = 7
    desk.publish(policy(6))
    assert desk.feed().refresh().document is None
    desk.publish(policy())
    assert desk.feed().refresh().document is not None
    desk.floor = 8
    assert desk.feed().outcome().refused


def test_a_clock_a_few_minutes_behind_takes_a_fresh_policy(desk: Desk) -> None:
    desk.publish(policy(not_before=NOON + timedelta(minutes=4)))
    assert desk.serial() == 0
    assert not desk.feed().refresh().why


def test_what_an_expired_policy_tightened_stays_and_it_is_told(desk: Desk) -> None:
    desk.publish(policy())
    assert not desk.feed().refresh().is_expired(desk.clock())
    desk.clock.move(days=31)
    outcome = desk.feed().refresh()
    assert outcome.document is not None
    assert outcome.is_expired(desk.clock())
    assert "expired" in outcome.why


# Servers


def test_a_body_without_end_is_given_up_at_the_cap(desk: Desk) -> None:
    desk.publish(policy())
    desk.site.misbehave["/policy"] = Misbehaviour(headers={"Content-Length": str(1024**3)}, endless=True)
    outcome = desk.feed().refresh()
    assert outcome.why
    assert outcome.document is None
    assert desk.site.asked("/policy") == [] or desk.site.sent < 8 * 1024**2


def test_a_body_one_octet_too_large_is_refused_unread(desk: Desk) -> None:
    (desk.site.folder / "policy").write_bytes(b"x" * (MOST_OCTETS + 1))
    assert desk.feed().refresh().why
    with pytest.raises(DocumentRefused, match="larger than"):
        open_document(b"x" * (MOST_OCTETS + 1), [desk.key.public], "")


def test_a_server_that_sends_octet_by_octet_is_left(desk: Desk) -> None:
    desk.publish(policy())
    desk.site.misbehave["/policy"] = Misbehaviour(drip=True)
    outcome = desk.feed(Patience(1, 1, 0.5)).refresh()
    assert "was not there within" in outcome.why
    desk.site.heal()


@pytest.mark.parametrize("status", [404, 500, 503])
def test_a_server_without_a_policy_leaves_what_is_in_force(desk: Desk, status: int) -> None:
    desk.publish(policy())
    desk.feed().refresh()
    headers = {"Retry-After": "120"} if status == 503 else {}
    desk.site.misbehave["/policy"] = Misbehaviour(status=status, headers=headers)
    outcome = desk.feed().refresh()
    assert not outcome.refused
    assert outcome.document is not None
    assert outcome.retry_after == (120 if status == 503 else None)


def test_the_end_of_sendguard_ends_a_download_at_once(desk: Desk) -> None:
    octets = desk.publish(policy())
    desk.site.misbehave["/policy"] = Misbehaviour(stall_after=len(octets) // 2)
    feed = desk.feed()
    ended = threading.Thread(target=feed.refresh)
    ended.start()
    while not feed._web.is_busy:
        ended.join(0.01)
    feed.close()
    ended.join(5)
    assert not ended.is_alive()


def test_a_folder_that_cannot_be_written_is_told(desk: Desk) -> None:
    desk.folder.write_text("a file stands in the way")
    desk.publish(policy())
    assert "cannot be kept" in desk.feed().refresh().why


@pytest.mark.parametrize("left", [b"", b"{", b"[]", b'{"floor": "x", "etag": "", "checked_at": ""}',
                                  b'{"floor": 3, "etag": "", "checked_at": "2026-11-28"}'])  # fmt: skip
def test_a_damaged_memory_is_none(desk: Desk, left: bytes) -> None:
    desk.publish(policy())
    desk.feed().refresh()
    (desk.folder / "policy.json").write_bytes(left)
    assert desk.feed().outcome().checked_at is None
    assert desk.feed().refresh().checked_at == NOON


# Payloads


def said(**changes: object) -> bytes:
    return json.dumps(json.loads(policy().payload()) | changes).encode()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        policy().payload().replace(b'"serial"', b'"format"'),
        said(format=2),
        said(more=1),
        said(organisation=""),
        said(organisation=3),
        said(serial=0),
        said(serial=True),
        said(serial="7"),
        said(serial=2**32),
        said(settings=[]),
        said(not_before=3),
        said(not_before="2026-11-28T12:00"),
        said(expires="soon"),
        said(expires="2026-11-01T12:00+00:00"),
    ],
)
def test_a_payload_of_another_form_is_refused(payload: bytes) -> None:
    with pytest.raises(DocumentRefused):
        read_payload(payload)


def test_a_payload_comes_back_as_it_was_written() -> None:
    assert read_payload(policy().payload()) == policy()


def test_a_desktop_asks_at_the_latest_after_the_interval(key: SigningKey) -> None:
    assert rhythm(300.0).late == 0.0
    assert keys_of([str(key.public)]) == (key.public,)
