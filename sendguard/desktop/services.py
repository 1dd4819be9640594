"""What the desktop needs of the rest of the program: filled in by ``bootstrap``, by fakes in tests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sendguard.desktop.mail_program import ThunderbirdAccess
from sendguard.guard.account import Account, Login
from sendguard.guard.audit import AuditLine
from sendguard.guard.ledger import Record
from sendguard.guard.ports import Answer, Observer, Question, Scheduled, Secrets
from sendguard.mail.submission import Hook
from sendguard.settings.layers import Resolution
from sendguard.settings.setting import Value
from sendguard.wording.sentences import Sentences

if TYPE_CHECKING:
    from sendguard.guard.hindsight import Hindsight


class Questions(Protocol):
    """The part of the gatekeeper a person meets."""

    def subscribe(self, observer: Observer) -> None:
        """Tell ``observer`` of everything that happens from now on."""
        ...

    def answer(self, question_id: str, answer: Answer, typed: str = "") -> None:
        """Take an answer. Worker thread; raises WrongWord, QuestionGone, AskedAgain, LedgerFailed."""
        ...

    def waiting(self) -> tuple[Question, ...]:
        """Every open question, the one on the screen first."""
        ...


class PathState(StrEnum):
    """How a send path stands."""

    WORKING = "working"
    STARTING = "starting"
    TROUBLE = "trouble"


@dataclass(frozen=True, slots=True)
class PathStatus:
    """One send path of an account. ``detail`` is a trouble code for ``Sentences.trouble``, or empty.

    ``place`` is where it is met, as a person sets it up: a host and port, the name of a folder; empty for nowhere.
    """

    account: str
    hook: Hook
    blocks: bool
    state: PathState
    detail: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class DirectoryStatus:
    """The directory lists are counted with. Without ``as_of`` none is read yet; ``trouble`` is a code, or empty."""

    people: int = 0
    lists: int = 0
    as_of: datetime | None = None
    expires: datetime | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class SignedPolicyStatus:
    """The policy the organisation publishes. ``since`` is None where none is in force; ``trouble`` a code, or empty."""

    since: datetime | None = None
    expires: datetime | None = None
    checked_at: datetime | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class ServerResult:
    """What came of trying one server: ``service`` is ``imap``, ``smtp`` or ``exchange``, ``trouble`` a code, empty when
    it works."""

    service: str
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class ServerSearch:
    """Whose Exchange server is looked for. ``account`` is the account's name; without a ``password`` the kept one is
    used. Only hosts that were ``approved`` get it, and others under the address's domain."""

    account: str
    address: str
    login: Login
    user: str
    password: str = field(repr=False)
    approved: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ServerFound:
    """A server's ``url``; or the ``hosts`` that would be asked next, for the person to approve; or a ``trouble``."""

    url: str = ""
    hosts: tuple[str, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class SignIn:
    """Somebody signs in to Microsoft. ``show`` is called on the worker thread with the page to open and, ``by_code``,
    the code to enter there; ``words`` are what the browser shows afterwards. ``cancelled`` is asked now and then."""

    account: Account
    by_code: bool
    words: str
    show: Callable[[str, str], None]
    cancelled: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """How it ended: ``trouble`` is a code, empty for well; not ``lasting`` when no keyring took it."""

    trouble: str = ""
    lasting: bool = True


@dataclass(frozen=True, slots=True)
class ExchangeAccess:
    """What the account form needs for Exchange."""

    has_kerberos: bool
    """Whether logging in by Kerberos can be done here."""
    find_server: Callable[[ServerSearch], ServerFound]
    """Blocks, at most about a minute."""
    sign_in: Callable[[SignIn], SignedIn]
    """Blocks until the person has signed in or given up."""


@dataclass(frozen=True, slots=True)
class AuditAccess:
    """What the history page needs of the audit. Whether there is one is a setting."""

    latest: Callable[[int], tuple[AuditLine, ...]]
    """Blocks; raises OSError. The latest so many lines, newest first."""
    export: Callable[[Path], int]
    """Blocks; raises OSError. Writes every line into a file; returns how many."""
    troubles: Callable[[], tuple[str, ...]]
    """The codes of what cannot be written now."""


@dataclass(frozen=True, slots=True)
class PracticeStep:
    """One thing to try in the practice mailbox. ``title`` is a msgid; ``play`` is called on a worker thread."""

    title: str
    play: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a window can do. What blocks says so, and is called on a worker thread."""

    questions: Questions
    sentences: Sentences
    secrets: Secrets
    """Blocks: a keyring may ask the person to unlock it."""
    settings: Callable[[], Resolution]
    """Every setting as it is in force, who decided it, and what is wrong."""
    watch_settings: Callable[[Callable[[Resolution], None]], None]
    """Have something called after every change of what is in force, on any thread."""
    save_settings: Callable[[Mapping[str, Value]], None]
    """Blocks; raises OSError. Takes what the person changed; the rules in force follow at once."""
    signed_policy: Callable[[], SignedPolicyStatus | None]
    """None where none is followed."""
    load_accounts: Callable[[], tuple[Account, ...]]
    save_account: Callable[[Account], None]
    """Blocks; raises OSError. An account of the same name is replaced, and its paths start anew."""
    delete_account: Callable[[str], None]
    """Blocks; raises OSError. Stops the account's paths and forgets its secrets."""
    test_connection: Callable[[Account, Mapping[str, str]], tuple[ServerResult, ...]]
    """Blocks. Tries each server of the account with the passwords given by service; see ``guard.ports.SERVICES``."""
    exchange: ExchangeAccess
    thunderbird: ThunderbirdAccess
    free_gate_port: Callable[[], int]
    """A loopback port that is free now and that no account uses."""
    paths: Callable[[], tuple[PathStatus, ...]]
    directory: Callable[[], DirectoryStatus | None]
    """None where no directory is set up."""
    asks_exchange: Callable[[], bool]
    """Whether an Exchange server is asked for the sizes of lists as well."""
    history: Callable[[], tuple[Record, ...]]
    """Blocks; raises LedgerFailed. The latest rows, newest first."""
    hindsight: "Callable[[], Hindsight]"
    """Blocks; raises LedgerFailed. What the last days came to, and what other thresholds would have."""
    audit: AuditAccess
    unknown: Callable[[], tuple[Record, ...]]
    """Blocks; raises LedgerFailed. The rows of which nobody knows whether they were sent."""
    settle: Callable[[str, bool], None]
    """Blocks; raises LedgerFailed. A person said whether the row's message was sent."""
    scheduled: Callable[[], tuple[Scheduled, ...]]
    """What waits on a server for its time, the first due first."""
    pull_back: Callable[[Scheduled], bool]
    """Blocks. Moves it to Drafts unsent; False when the server did not do it."""
    set_start_at_login: Callable[[bool], bool]
    """Blocks. False when this system offers no way to do it."""
    start: Callable[[], None]
    """Blocks. Starts every path; called once, when the tray stands."""
    stop: Callable[[], None]
    """Blocks. Stops every path; what is held is not sent."""
    practice: tuple[PracticeStep, ...] = ()
    """What can be tried; not empty means that this is the practice mailbox and no real mail leaves."""
