"""What is kept on this computer: the ledger, list sizes, settings, accounts."""

import sqlite3
import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sendguard.audience.audience import Seen
from sendguard.audience.count import Basis
from sendguard.audience.history import day_number
from sendguard.guard.account import Account, ExchangeServer, Login, Security, Server
from sendguard.guard.ledger import UNHEARD, IllegalMove, LedgerFailed, Outcome, Record, Remembered, State
from sendguard.mail.kind import Kind
from sendguard.mail.submission import Hook
from sendguard.policy.action import Action
from sendguard.settings.layers import Fault, Layer, Offer, resolve
from sendguard.storage.database import Database
from sendguard.storage.files import FileUnreadable, load_accounts, load_settings, save_accounts, save_settings
from sendguard.storage.keyring_process import answer
from sendguard.storage.ledger import SqliteLedger
from sendguard.storage.places import Places, installation_key, replace_file
from sendguard.storage.secret import KeyringSecrets, SessionSecrets
from sendguard.storage.sizes import Pseudonyms, RememberedSizes
from tests.servers.display import Display

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
RECORD = Record(
    "1", Hook.SMTP_GATE, "work", State.HELD, Kind.REPLY_ALL, 2, 38, 40, Basis.AT_MOST, Action.CONFIRM,
    ("reply_reaches_many", "grown"), "v1", NOW, NOW, b"binding", b"retry", "<1@x>", asked=True,
)  # fmt: skip


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "folder" / "ledger.sqlite")
    yield database
    database.close()


@pytest.fixture
def ledger(database: Database) -> SqliteLedger:
    return SqliteLedger(database)


def test_a_row_comes_back_as_it_was_written(ledger: SqliteLedger) -> None:
    unknown_size = replace(RECORD, id="2", high=None, basis=Basis.UNKNOWN, reasons=(), outcome=Outcome.SEND)
    for record in (RECORD, unknown_size):
        ledger.put(record)
        assert ledger.get(record.id) == record
    assert ledger.get("3") is None
    assert ledger.history(1) == (unknown_size,)


def test_a_row_moves_only_as_it_may(ledger: SqliteLedger) -> None:
    ledger.put(RECORD)
    later = NOW + timedelta(seconds=5)
    with pytest.raises(IllegalMove):
        ledger.move("1", State.SENT, later)
    assert ledger.get("1") == RECORD
    moved = ledger.move("1", State.APPROVED, later, outcome=Outcome.SEND)
    assert (moved.state, moved.outcome, moved.changed_at) == (State.APPROVED, Outcome.SEND, later)
    assert ledger.move("1", State.SENDING, later, detail="x").outcome is Outcome.SEND
    assert ledger.move("1", State.UNKNOWN, later).detail == "x"
    assert ledger.perhaps_sent(later, b"retry") == ledger.get("1") == ledger.by_binding(b"binding")
    assert ledger.perhaps_sent(later) == ledger.get("1")
    assert ledger.perhaps_sent(later, b"other") is None
    assert ledger.in_states(State.UNKNOWN, State.HELD) == (ledger.get("1"),)
    with pytest.raises(LedgerFailed):
        ledger.move("no such row", State.SENT, later)


def test_a_send_its_client_did_not_hear_of_is_doubtful_for_a_while(ledger: SqliteLedger) -> None:
    ledger.put(replace(RECORD, state=State.SENT, detail=UNHEARD))
    assert ledger.perhaps_sent(NOW, b"retry") == ledger.get("1")
    assert ledger.perhaps_sent(NOW + timedelta(seconds=1)) is None


def test_an_answer_is_there_once_and_until_it_expires(ledger: SqliteLedger) -> None:
    answer = Remembered(b"retry", Outcome.SEND, "150-150-exact-0", "v1", NOW + timedelta(minutes=10))
    ledger.remember(answer)
    assert ledger.recall(b"other", NOW) is None
    assert ledger.recall(b"retry", NOW) == answer
    assert ledger.recall(b"retry", NOW) is None
    ledger.remember(answer)
    assert ledger.recall(b"retry", NOW + timedelta(minutes=10)) is None


def test_only_ended_rows_are_purged(ledger: SqliteLedger) -> None:
    for number, state in enumerate((State.SENT, State.REFUSED, State.UNKNOWN, State.SENT)):
        ledger.put(replace(RECORD, id=str(number), state=state, changed_at=NOW - timedelta(days=100 * (number < 3))))
    assert ledger.purge(NOW - timedelta(days=90)) == 2
    assert {record.id for record in ledger.history()} == {"2", "3"}


def test_every_commit_is_synced_and_the_file_is_private(database: Database, tmp_path: Path) -> None:
    with database.reading() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert stat.S_IMODE((tmp_path / "folder" / "ledger.sqlite").stat().st_mode) == 0o600


def test_a_ledger_of_a_newer_version_or_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    newer = tmp_path / "newer.sqlite"
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    other = tmp_path / "other.sqlite"
    other.write_bytes(b"this is no database" * 100)
    for path in (newer, other, tmp_path):
        with pytest.raises(LedgerFailed):
            Database(path)
    assert other.read_bytes().startswith(b"this is no database")


def test_a_damaged_row_is_an_error_and_not_a_guess(database: Database, ledger: SqliteLedger) -> None:
    ledger.put(RECORD)
    with database.transaction() as connection:
        connection.execute("UPDATE submissions SET state = 'nonsense'")
    with pytest.raises(LedgerFailed):
        ledger.history()


def test_a_write_that_fails_half_way_leaves_nothing(database: Database, ledger: SqliteLedger) -> None:
    def write() -> None:
        with database.transaction() as connection:
            connection.execute("INSERT INTO sizes VALUES (x'00', 1, 1, 1, NULL)")
            connection.execute("INSERT INTO nowhere VALUES (1)")

    with pytest.raises(LedgerFailed):
        write()
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM sizes").fetchone() == (0,)


@pytest.fixture
def sizes(database: Database) -> RememberedSizes:
    return RememberedSizes(database, Pseudonyms(b"k" * 32))


def kept(database: Database) -> list[tuple[int, int, bool]]:
    """Day, people and whether a person answered, of every row."""
    with database.reading() as connection:
        rows = connection.execute("SELECT day, people, answered FROM sizes ORDER BY list, day").fetchall()
    return [(day, people, answered is not None) for day, people, answered in rows]


def test_list_sizes_are_remembered_without_an_address(
    database: Database, sizes: RememberedSizes, tmp_path: Path
) -> None:
    later = NOW + timedelta(hours=1)
    sizes.remember({"canary-list@x.test": 14, "b@x.test": 3}, NOW, answered=False)
    sizes.remember({"canary-list@x.test": 15}, later, answered=False)
    asked_for = ("canary-list@x.test", "c@x.test")
    assert sizes.last(asked_for, later) == {"canary-list@x.test": Seen(14, NOW)}
    sizes.remember({"canary-list@x.test": 15}, later, answered=True)
    assert sizes.last(asked_for, later) == {"canary-list@x.test": Seen(15, later, answered=later)}
    assert not any(b"canary" in path.read_bytes() for path in (tmp_path / "folder").iterdir())


def test_a_list_has_one_row_a_day_with_the_smallest_size_since_the_days_answer(
    database: Database, sizes: RememberedSizes
) -> None:
    day = day_number(NOW)
    for people, answered, row in [
        (14, False, (day, 14, False)),
        (500, False, (day, 14, False)),
        (12, False, (day, 12, False)),
        (500, True, (day, 500, True)),
        (600, False, (day, 500, True)),
        (30, False, (day, 30, True)),
    ]:
        sizes.remember({"a@x.test": people}, NOW, answered=answered)
        assert kept(database) == [row]
    sizes.remember({"a@x.test": 30}, NOW + timedelta(days=1), answered=False)
    assert kept(database) == [(day, 30, True), (day + 1, 30, False)]


def test_what_today_says_already_is_not_written_again(
    database: Database, sizes: RememberedSizes, tmp_path: Path
) -> None:
    log = tmp_path / "folder" / "ledger.sqlite-wal"
    sizes.remember({"a@x.test": 14, "b@x.test": 3}, NOW, answered=False)
    before = log.read_bytes()
    sizes.remember({"a@x.test": 14, "b@x.test": 4}, NOW + timedelta(hours=1), answered=False)
    assert log.read_bytes() == before


def test_a_year_of_sizes_is_kept_and_no_more(database: Database, sizes: RememberedSizes) -> None:
    sizes.remember({"gone@x.test": 3}, NOW, answered=True)
    for number in range(400):
        sizes.remember({"a@x.test": 14 + number}, NOW + timedelta(days=number), answered=False)
    today = day_number(NOW) + 399
    assert kept(database) == [(today - back, 413 - back, False) for back in range(366, -1, -1)]
    now = NOW + timedelta(days=399)
    assert sizes.last(("a@x.test",), now) == {"a@x.test": Seen(413 - 31, now - timedelta(days=31))}


def test_sizes_put_down_under_a_clock_that_went_back_stay_in_order(database: Database, sizes: RememberedSizes) -> None:
    back = NOW - timedelta(days=4000)
    sizes.remember({"a@x.test": 14, "b@x.test": 5}, NOW, answered=False)
    sizes.remember({"a@x.test": 500}, back, answered=True)
    assert sorted(kept(database)) == [(day_number(NOW), 5, False), (day_number(NOW), 500, True)]
    assert sizes.last(("a@x.test",), NOW) == {"a@x.test": Seen(500, back, answered=back)}


VERSION_1 = """
CREATE TABLE submissions (
    id TEXT PRIMARY KEY, hook TEXT NOT NULL, account TEXT NOT NULL, state TEXT NOT NULL, kind TEXT NOT NULL,
    typed INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER, basis TEXT NOT NULL, action INTEGER NOT NULL,
    reasons TEXT NOT NULL, rules_version TEXT NOT NULL, received_at TEXT NOT NULL, changed_at TEXT NOT NULL,
    binding BLOB NOT NULL, retry_key BLOB NOT NULL, message_id TEXT NOT NULL, asked INTEGER NOT NULL,
    outcome TEXT, detail TEXT NOT NULL
) STRICT;
CREATE TABLE answers (
    retry_key BLOB PRIMARY KEY, outcome TEXT NOT NULL, audience_key TEXT NOT NULL, rules_version TEXT NOT NULL,
    expires TEXT NOT NULL
) STRICT;
CREATE TABLE sizes (list BLOB PRIMARY KEY, people INTEGER NOT NULL, at TEXT NOT NULL) STRICT;
PRAGMA user_version = 1;
"""


@pytest.fixture
def version_1(tmp_path: Path) -> Path:
    """A file of the first version, with a row held and three sizes, the last of them with a time that is none."""
    path = tmp_path / "old.sqlite"
    pseudonyms = Pseudonyms(b"k" * 32)
    with sqlite3.connect(path) as connection:
        connection.executescript(VERSION_1)
        connection.execute(
            "INSERT INTO submissions VALUES ('1', 'smtp_gate', 'work', 'held', 'reply_all', 2, 38, 40, 'at_most', 2,"
            " 'reply_reaches_many,grown', 'v1', :at, :at, x'01', x'02', '<1@x>', 1, NULL, '')",
            {"at": NOW.isoformat()},
        )
        connection.executemany(
            "INSERT INTO sizes VALUES (?, ?, ?)",
            [
                (pseudonyms.of("a@x.test"), 14, "2026-11-03T01:30:00.123456+02:00"),
                (pseudonyms.of("b@x.test"), 850_112, "2026-11-03T23:00:00+00:00"),
                (pseudonyms.of("c@x.test"), 7, "no time"),
            ],
        )
    connection.close()
    return path


def test_a_database_of_version_1_is_taken_along_with_its_sizes_as_answered_ones(version_1: Path) -> None:
    for _ in range(2):
        database = Database(version_1)
        row = SqliteLedger(database).get("1")
        found = RememberedSizes(database, Pseudonyms(b"k" * 32)).last(("a@x.test", "b@x.test", "c@x.test"), NOW)
        database.close()
        assert row is not None
        assert (row.state, row.high, row.received_at) == (State.HELD, 40, NOW)
        early, late = datetime(2026, 11, 2, 23, 30, tzinfo=UTC), datetime(2026, 11, 3, 23, tzinfo=UTC)
        assert found == {"a@x.test": Seen(14, early, answered=early), "b@x.test": Seen(850_112, late, answered=late)}


def test_a_database_that_cannot_be_taken_along_stays_of_its_version(version_1: Path) -> None:
    with sqlite3.connect(version_1) as connection:
        connection.execute("CREATE TABLE sizes_1 (in_the_way INTEGER)")
    connection.close()
    before = version_1.read_bytes()
    with pytest.raises(LedgerFailed):
        Database(version_1)
    with sqlite3.connect(version_1) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM sizes").fetchone() == (3,)
    connection.close()
    assert len(version_1.read_bytes()) == len(before)


def test_settings_and_accounts_come_back_as_they_were_saved(tmp_path: Path) -> None:
    places = Places.under(tmp_path).make()
    assert load_settings(places.settings) == Offer(Layer.USER, "settings.toml")
    assert load_accounts(places.accounts) == ()
    own = {"AskAnyFrom": 50, "ProtectedLists": ["all | Ask Ann: “why?”"]}
    save_settings(places.settings, own)
    assert load_settings(places.settings) == Offer(Layer.USER, "settings.toml", own)
    account = Account(
        "Work", ("me@x.test", "alias@x.test"), Server("imap.x.test", 993, Security.TLS, "me"),
        Server("smtp.x.test", 587, Security.STARTTLS, "me"), 20025, "Ausgang", watch_drafts=False,
        exchange=ExchangeServer("https://mail.x.test/EWS/Exchange.asmx", Login.OAUTH, "me@x.test", "app", "tenant"),
        ews_gate_port=20026,
    )  # fmt: skip
    save_accounts(places.accounts, (account, Account("bare", ("b@x.test",))))
    assert load_accounts(places.accounts) == (account, Account("bare", ("b@x.test",)))
    assert stat.S_IMODE(places.accounts.stat().st_mode) == 0o600


def test_a_settings_file_that_cannot_be_read_leaves_the_guarding_defaults(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("AskAnyFrom = 0\nTypeFrom = = 3")
    found = resolve([load_settings(path)])
    assert found.faults == (Fault(Layer.USER, "settings.toml", "", "file"),)
    assert found.values.number("AskAnyFrom") == 100


@pytest.mark.parametrize(
    "text",
    [
        "nonsense = = 1",
        "[[account]]\nname = 'x'",
        "[[account]]\nname = 'x'\nidentities = ['a@x.test']\nimap = {host = 'h', port = 1, security = 'plain'}",
        "account = 3",
    ],
)
def test_an_accounts_file_that_cannot_be_read_is_never_taken_for_an_empty_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "accounts.toml").write_text(text)
    with pytest.raises(FileUnreadable, match=r"accounts.toml"):
        load_accounts(tmp_path / "accounts.toml")
    with pytest.raises(FileUnreadable):
        load_accounts(tmp_path)


def test_the_key_of_pseudonyms_is_made_once(tmp_path: Path) -> None:
    places = Places.under(tmp_path).make()
    assert installation_key(places) == installation_key(places)
    assert len(installation_key(places)) == 32


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    (target / "in the way").touch()
    with pytest.raises(OSError, match="directory"):
        replace_file(target, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_the_systems_own_places_are_used() -> None:
    places = Places.of_this_user()
    assert "sendguard" in str(places.ledger)


def test_session_secrets_are_forgotten() -> None:
    secrets = SessionSecrets(work="for all")
    assert secrets.get("work", "imap") == "for all"
    assert secrets.set("work", "smtp", "one") is False
    assert secrets.get("work", "smtp") == "one"
    secrets.delete("work")
    assert secrets.get("work", "smtp") == "for all"


class FakeKeyring:
    def __init__(self, *, locked: bool = False) -> None:
        self.locked = locked
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, user: str) -> str | None:
        if self.locked:
            raise RuntimeError("locked")
        return self.kept.get((service, user))

    def set_password(self, service: str, user: str, password: str) -> None:
        if self.locked:
            raise RuntimeError("locked")
        self.kept[service, user] = password

    def delete_password(self, service: str, user: str) -> None:
        del self.kept[service, user]


@pytest.mark.parametrize("locked", [False, True])
def test_a_keyring_that_gives_no_answer_leaves_the_secret_to_this_session(locked: bool) -> None:
    keyring = FakeKeyring(locked=locked)

    def ask(question: Mapping[str, str]) -> dict[str, Any] | None:
        said = answer(dict(question), keyring)
        return None if "error" in said else said

    secrets = KeyringSecrets(ask)
    assert secrets.get("work", "imap") is None
    assert secrets.set("work", "imap", "secret") is not locked
    assert secrets.get("work", "imap") == "secret"
    assert (keyring.kept == {}) is locked
    assert KeyringSecrets(ask).get("work", "imap") == (None if locked else "secret")
    secrets.delete("work")
    assert secrets.get("work", "imap") is None


def test_without_a_keyring_its_process_gives_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    secrets = KeyringSecrets()
    assert secrets.set("work", "imap", "secret") is False
    assert secrets.get("work", "imap") == "secret"
    assert KeyringSecrets().get("work", "imap") is None


def test_a_real_keyring_keeps_the_secret(display: Display, monkeypatch: pytest.MonkeyPatch) -> None:
    """gnome-keyring on a session bus of the test's own."""
    display.bus.unlock_keyring()
    for name, value in display.environment.items():
        monkeypatch.setenv(name, value)
    assert KeyringSecrets().set("work", "imap", "pass word ü") is True
    assert KeyringSecrets().get("work", "imap") == "pass word ü"
    KeyringSecrets().delete("work")
    assert KeyringSecrets().get("work", "imap") is None
