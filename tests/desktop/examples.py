"""Questions, accounts and services to build windows from: the story of 2016 and its neighbours."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from sendguard.audience.audience import AddressKind, Audience, Part, Seen
from sendguard.audience.count import Basis, Count
from sendguard.audience.index.build import build
from sendguard.audience.index.reader import Index
from sendguard.desktop.mail_program import AddonInstalled, IdentityWay, MailProfile, ThunderbirdAccess, WayState
from sendguard.desktop.services import (
    AuditAccess,
    DirectoryStatus,
    ExchangeAccess,
    PathState,
    PathStatus,
    PracticeStep,
    ServerFound,
    ServerResult,
    Services,
    SignedIn,
    SignedPolicyStatus,
)
from sendguard.guard.account import Account, Security, Server
from sendguard.guard.audit import AuditLine, By, Line, to_json
from sendguard.guard.hindsight import hindsight
from sendguard.guard.judge import Judgement
from sendguard.guard.ledger import Outcome, Record, State
from sendguard.guard.ports import Activity, ActivityKind, Answer, Observer, Question, Scheduled
from sendguard.mail.address import Mailbox
from sendguard.mail.kind import Kind
from sendguard.mail.message import Message
from sendguard.mail.submission import Envelope, Hook, Submission
from sendguard.policy import reasons as why
from sendguard.policy.action import Action
from sendguard.policy.lifting import digest_of
from sendguard.policy.rules import ListRule, Rules
from sendguard.policy.verdict import Verdict, verdict
from sendguard.settings.layers import Layer, Offer, Resolution, own_changes, resolve
from sendguard.settings.setting import Value
from sendguard.settings.values import Values
from sendguard.wording.catalogue import Catalogue
from sendguard.wording.sentences import Sentences
from tests.indexes import Known, drafted

NOW = datetime(2026, 11, 24, 8, 29).astimezone()
ME = "ana@croydon.nhs.test"
CROYDON = "croydonpractices@nhs.test"
PROJECT = "project-x@nhs.test"
STRANGERS = "all-hands@partner.test"


def sentences(language: str = "en") -> Sentences:
    return Sentences(Catalogue.for_language(language, now=lambda: NOW))


def submission(
    *recipients: str,
    kind: Kind = Kind.NEW,
    subject: str = "test",
    names: Mapping[str, str] | None = None,
    original_from: str = "",
    can_reply: bool = False,
    can_move_to_bcc: bool = False,
) -> Submission:
    boxes = tuple(Mailbox((names or {}).get(address, ""), address) for address in recipients)
    original = Message(originators=(Mailbox("Ben Ode", original_from),)) if original_from else None
    return Submission(
        hook=Hook.IMAP_OUTBOX if can_reply else Hook.SMTP_GATE,
        account="Work",
        message=Message(originators=(Mailbox("Ana", ME),), to=boxes, subject=subject),
        envelope=Envelope.of(ME, recipients),
        kind=kind,
        original=original,
        own_addresses=frozenset({ME}),
        can_reply_to_sender=can_reply,
        can_move_to_bcc=can_move_to_bcc,
    )


def judged(submitted: Submission, audience: Audience, rules: Rules | None = None) -> Judgement:
    return Judgement(submitted, audience, verdict(submitted, audience, rules or Rules()))


def the_2016_mail() -> Judgement:
    """A new mail to one list, which had 14 people and now has all of England."""
    count = Count.exact(850_112, "directory", NOW.replace(hour=7, minute=0))
    part = Part(
        CROYDON,
        AddressKind.LIST,
        count,
        (CROYDON, "all-england@nhs.test"),
        lists_inside=1204,
        seen=Seen(14, datetime(2026, 11, 7).astimezone()),
    )
    return judged(submission(CROYDON), Audience(count, typed=1, parts=(part,)))


CODE = "7QK2-M9XD-4TFW-8HNB"


def a_list_that_needs_a_code() -> Judgement:
    """A list the organisation has closed to all who have no code."""
    mail = the_2016_mail()
    rule = ListRule("croydon*", "This list reaches everybody by mistake.", (digest_of(CODE),), ("it@nhs.test",))
    return judged(mail.submission, mail.audience, Rules(blocked=(rule,)))


def a_reply_to_62() -> Judgement:
    """A reply whose one visible list and 15 addresses reach 62 people, 14 of them outside."""
    count = Count.exact(62, "directory", NOW.replace(hour=7, minute=0))
    others = [f"person{n}@partner.test" for n in range(14)]
    parts = (
        Part(PROJECT, AddressKind.LIST, Count.exact(47, "directory"), (PROJECT,)),
        Part("ben@nhs.test", AddressKind.PERSON, Count.exact(1)),
        *(Part(other, AddressKind.PERSON, Count(1, 1, Basis.ASSUMED), outsiders=1) for other in others),
    )
    reply = submission(
        PROJECT,
        "ben@nhs.test",
        *others,
        kind=Kind.REPLY_ALL,
        subject="Re: Room booking",
        names={"ben@nhs.test": "Ben Ode", "person0@partner.test": "R&D <Partner>"},
        original_from="ben@nhs.test",
        can_reply=True,
    )
    return judged(reply, Audience(count, typed=16, external=14, outside_addresses=tuple(others), parts=parts))


def the_same_in_thunderbird() -> Judgement:
    """That reply, met by the add-on: it can change who gets it."""
    found = a_reply_to_62()
    return replace(found, submission=replace(found.submission, hook=Hook.THUNDERBIRD, can_move_to_bcc=True))


def two_lists_that_overlap() -> Judgement:
    """Counted by an index: a region through a list inside it, and a profession, with people who are in both."""
    region = " ".join(f"p{n}@nhs.test" for n in range(4120))
    nurses = " ".join(f"p{n}@nhs.test" for n in range(3300, 5200))
    rows = {"south-east@nhs.test": "kent-and-surrey@nhs.test london-office@nhs.test", "nurses@nhs.test": nurses,
            "kent-and-surrey@nhs.test": region, "london-office@nhs.test": "p1@nhs.test p2@nhs.test"}  # fmt: skip
    pairs = [(name, member) for name, members in rows.items() for member in members.split()]
    octets = build(drafted(pairs, domains=["nhs.test"]), source="directory", made_at=NOW.replace(hour=7, minute=0),
                   new_key=bytes)  # fmt: skip
    known = Known(Index.of(octets), "directory")
    found = known.ask("south-east@nhs.test", "nurses@nhs.test", home="nhs.test")
    mail = submission("south-east@nhs.test", "nurses@nhs.test", subject="Rota for January")
    return judged(mail, Audience(found.union, typed=2, parts=tuple(found.parts.values())))


def a_list_of_unknown_size() -> Judgement:
    part = Part(STRANGERS, AddressKind.LIST, Count.unknown(), hint="name_pattern")
    return judged(submission(STRANGERS, subject="Minutes"), Audience(part.count, typed=1, parts=(part,)))


def an_unknown_list_beside_twelve() -> Judgement:
    part = Part(STRANGERS, AddressKind.LIST, Count.unknown(), hint="name_pattern")
    people = [f"colleague{n}@nhs.test" for n in range(12)]
    parts = (part, *(Part(person, AddressKind.PERSON, Count.exact(1)) for person in people))
    return judged(
        submission(STRANGERS, *people, subject="Minutes"),
        Audience(Count.unknown(at_least=12), typed=13, parts=parts),
    )


def up_to_412() -> Judgement:
    count = Count(300, 412, Basis.AT_MOST, "directory", NOW.replace(hour=7))
    parts = (
        Part("ward-a@nhs.test", AddressKind.LIST, Count.exact(300), ("ward-a@nhs.test",)),
        Part("ward-b@nhs.test", AddressKind.LIST, Count.exact(112), ("ward-b@nhs.test",)),
    )
    return judged(submission("ward-a@nhs.test", "ward-b@nhs.test"), Audience(count, typed=2, parts=parts))


def a_blocked_mail() -> Judgement:
    judgement = the_2016_mail()
    words = "This list is closed until the supplier has mended it. Call the service desk: 555 0199."
    return replace(judgement, verdict=Verdict(Action.BLOCK, (why.Blocked(CROYDON, words),)))


HOSTILE = "<b>Urgent</b><img src=x> R&D\u202egro.live\u200b\n\x1b[31m " + "x" * 300


def a_hostile_mail() -> Judgement:
    """Markup, bidi controls, a name that is another address, an address longer than any screen."""
    long = "all-staff@nhs.test." + "a" * 200 + ".evil.example"
    count = Count.exact(120, HOSTILE)
    parts = (
        Part(long, AddressKind.LIST, count, (long, HOSTILE), seen=Seen(2)),
        Part("x@evil.example", AddressKind.PERSON, Count.exact(1)),
    )
    sent = submission(long, "x@evil.example", subject=HOSTILE, names={long: HOSTILE, "x@evil.example": "boss@nhs.test"})
    audience = Audience(count, typed=2, external=2, outside_addresses=(long, "x@evil.example"), parts=parts)
    rules = Rules()
    found = verdict(sent, audience, rules)
    return Judgement(sent, audience, replace(found, reasons=(*found.reasons, why.Protected(long, HOSTILE))))


def question(judgement: Judgement, id: str = "q1", *, client_waits: bool = True) -> Question:
    return Question(id, judgement, NOW, client_waits)


def record(id: str = "r1", state: State = State.SENT, outcome: Outcome | None = None, **changes: object) -> Record:
    row = Record(
        id=id, hook=Hook.SMTP_GATE, account="Work", state=state, kind=Kind.NEW, typed=1, low=850_112, high=850_112,
        basis=Basis.EXACT, action=Action.CONFIRM_TYPED, reasons=("grown",), rules_version="", received_at=NOW,
        changed_at=NOW, asked=True, outcome=outcome,
    )  # fmt: skip
    return replace(row, **changes)  # type: ignore[arg-type]


EARLIER, LAST_WEEK = NOW - timedelta(hours=3), NOW - timedelta(days=4)

HISTORY = (
    record("5", State.REFUSED, Outcome.DONT_SEND),
    record("4", State.SENT, Outcome.REPLY_TO_SENDER, kind=Kind.REPLY_ALL, low=62, high=62, received_at=EARLIER),
    record("3", State.SENT, Outcome.SEND, low=120, high=120, received_at=NOW - timedelta(days=1)),
    record("2", State.CANCELLED, Outcome.CANCELLED, low=2, high=None, basis=Basis.UNKNOWN, received_at=LAST_WEEK),
    record("1", State.REFUSED, Outcome.BLOCKED, asked=False, received_at=NOW - timedelta(days=17)),
)

AUDIT = (
    AuditLine(Line.DECISION, NOW, "5", "smtp_gate", "new", "100000+", "exact", "8c0ffee", "typed", asked=True,
              decision="dont_send", by=By.PERSON, seconds=14.2, state="refused", reasons=("grown",)),
    AuditLine(Line.END, EARLIER, "4", "smtp_gate", "reply_all", "50-199", "exact", "8c0ffee", "confirm", monitored=True,
              decision="send", state="sent", reasons=("reply_reaches_many",)),
    AuditLine(Line.DECISION, LAST_WEEK, "3", "smtp_gate", "new", "10-49 or more", "unknown", "8c0ffee", "code",
              asked=True, decision="send", by=By.EARLIER, state="approved", code="0123abcd"),
    AuditLine(Line.GAP, LAST_WEEK, lost=12),
    AuditLine(Line.STARTED, LAST_WEEK),
)  # fmt: skip

WORK = Account(
    "Work",
    (ME, "ana@nhs.test"),
    Server("imap.nhs.test", 993, Security.TLS, ME),
    Server("smtp.nhs.test", 587, Security.STARTTLS, ME),
    gate_port=49_225,
)

PATHS = (
    PathStatus("Work", Hook.SMTP_GATE, blocks=True, state=PathState.WORKING, place="127.0.0.1:49225"),
    PathStatus("Work", Hook.IMAP_OUTBOX, blocks=True, state=PathState.WORKING, place="Guarded Outbox"),
    PathStatus("Work", Hook.IMAP_DRAFTS, blocks=False, state=PathState.TROUBLE, detail="login"),
)


@dataclass
class FakeSecrets:
    lasting: bool = True
    kept: dict[tuple[str, str], str] = field(default_factory=dict)

    def get(self, account: str, service: str) -> str | None:
        return self.kept.get((account, service))

    def set(self, account: str, service: str, secret: str) -> bool:
        self.kept[account, service] = secret
        return self.lasting

    def delete(self, account: str) -> None:
        self.kept = {key: secret for key, secret in self.kept.items() if key[0] != account}


@dataclass
class FakeQuestions:
    """A gatekeeper that writes down what it is told; ``fails_with`` is raised by the next answer."""

    open: tuple[Question, ...] = ()
    answers: list[tuple[str, Answer, str]] = field(default_factory=list)
    observers: list[Observer] = field(default_factory=list)
    fails_with: Exception | None = None

    def subscribe(self, observer: Observer) -> None:
        self.observers.append(observer)

    def answer(self, question_id: str, answer: Answer, typed: str = "") -> None:
        self.answers.append((question_id, answer, typed))
        if self.fails_with is not None:
            failure, self.fails_with = self.fails_with, None
            raise failure

    def waiting(self) -> tuple[Question, ...]:
        return self.open


@dataclass
class World:
    """Everything a window can reach, in memory."""

    questions: FakeQuestions = field(default_factory=FakeQuestions)
    secrets: FakeSecrets = field(default_factory=FakeSecrets)
    own: dict[str, object] = field(default_factory=dict)
    policy: tuple[Offer, ...] = ()
    signed_policy: SignedPolicyStatus | None = None
    accounts: list[Account] = field(default_factory=list)
    paths: tuple[PathStatus, ...] = ()
    directory: DirectoryStatus | None = None
    rows: tuple[Record, ...] = ()
    unknown: tuple[Record, ...] = ()
    audit: tuple[AuditLine, ...] = ()
    audit_troubles: tuple[str, ...] = ()
    settled: list[tuple[str, bool]] = field(default_factory=list)
    scheduled: tuple[Scheduled, ...] = ()
    gives_back: bool = True
    asks_exchange: bool = False
    results: tuple[ServerResult, ...] = (ServerResult("imap"), ServerResult("smtp", "login"))
    exchange: ExchangeAccess = field(
        default_factory=lambda: ExchangeAccess(False, lambda search: ServerFound(), lambda sign_in: SignedIn())
    )
    thunderbird: "FakeThunderbird" = field(default_factory=lambda: FakeThunderbird())
    played: list[str] = field(default_factory=list)
    practice: bool = False
    can_start_at_login: bool = True
    disk_full: bool = False
    on_start: Callable[[], None] = lambda: None
    events: list[str] = field(default_factory=list)
    watchers: list[Callable[[Resolution], None]] = field(default_factory=list)

    def services(self, language: str = "en") -> Services:
        return Services(
            questions=self.questions,
            sentences=sentences(language),
            secrets=self.secrets,
            settings=lambda: self.resolution,
            watch_settings=self.watchers.append,
            save_settings=self.save_settings,
            signed_policy=lambda: self.signed_policy,
            load_accounts=lambda: tuple(self.accounts),
            save_account=self.save_account,
            delete_account=self.delete_account,
            test_connection=lambda account, passwords: self.results,
            exchange=self.exchange,
            thunderbird=self.thunderbird.access,
            free_gate_port=lambda: 49_225,
            paths=lambda: self.paths,
            directory=lambda: self.directory,
            asks_exchange=lambda: self.asks_exchange,
            history=lambda: self.rows,
            hindsight=lambda: hindsight(self.rows, NOW),
            audit=AuditAccess(lambda most: self.audit[:most], self.export_audit, lambda: self.audit_troubles),
            unknown=lambda: self.unknown,
            settle=self.settle,
            scheduled=lambda: self.scheduled,
            pull_back=self.pull_back,
            set_start_at_login=lambda on: self.can_start_at_login,
            start=self.on_start,
            stop=lambda: self.events.append("stop"),
            practice=(
                PracticeStep("The first mail: “test” to one list", lambda: self.played.append("first")),
                PracticeStep("A reply to everyone: please remove me", lambda: self.played.append("reply")),
            )
            if self.practice
            else (),
        )

    @property
    def resolution(self) -> Resolution:
        return resolve((*self.policy, Offer(Layer.USER, "settings.toml", self.own)))

    @property
    def settings(self) -> Values:
        return self.resolution.values

    def new_policy(self, *policy: Offer) -> None:
        """IT decides something else."""
        self.policy = policy
        for watcher in self.watchers:
            watcher(self.resolution)

    def save_settings(self, edits: Mapping[str, Value]) -> None:
        self._write()
        self.own = own_changes(self.policy, self.own, edits)

    def export_audit(self, place: Path) -> int:
        self._write()
        place.write_bytes(b"".join(to_json(line) + b"\n" for line in self.audit))
        return len(self.audit)

    def save_account(self, account: Account) -> None:
        self._write()
        self.accounts = [*(kept for kept in self.accounts if kept.name != account.name), account]

    def delete_account(self, name: str) -> None:
        self._write()
        self.accounts = [kept for kept in self.accounts if kept.name != name]

    def settle(self, record_id: str, was_sent: bool) -> None:
        self.settled.append((record_id, was_sent))
        self.unknown = tuple(row for row in self.unknown if row.id != record_id)

    def pull_back(self, scheduled: Scheduled) -> bool:
        if self.gives_back:
            self.scheduled = tuple(each for each in self.scheduled if each.id != scheduled.id)
        return self.gives_back

    def _write(self) -> None:
        if self.disk_full:
            raise OSError("no space left on device")


@dataclass
class FakeThunderbird:
    """Profiles in memory. ``trouble`` is what comes of every change; ``done`` what was asked for."""

    profiles: tuple[MailProfile, ...] = ()
    suggested: Account | None = None
    installed: AddonInstalled = field(default_factory=lambda: AddonInstalled("/home/ana/sendguard.xpi"))
    trouble: str = ""
    done: list[tuple[str, str]] = field(default_factory=list)

    @property
    def access(self) -> ThunderbirdAccess:
        return ThunderbirdAccess(
            profiles=lambda: self.profiles,
            use_gate=partial(self._change, "gate"),
            point_back=partial(self._change, "back"),
            suggested_account=lambda way: self.suggested,
            install_addon=self._install,
        )

    def _change(self, what: str, way: str) -> str:
        self.done.append((what, way))
        return self.trouble

    def _install(self) -> AddonInstalled:
        self.done.append(("install", ""))
        return self.installed


THUNDERBIRD = MailProfile(
    "default-release",
    in_use=False,
    ways=(
        IdentityWay("1", ME, "smtp.nhs.test:587", WayState.GATE, has_account=True, can_point_back=True),
        IdentityWay("2", "ana.private@home.test", "smtp.home.test:465", WayState.OPEN, has_account=False),
        IdentityWay("3", "ana@gmail.test", "smtp.gmail.test:465", WayState.OPEN, no_gate="gate_oauth"),
        IdentityWay("4", "old@nhs.test", "127.0.0.1:20311", WayState.NO_GATE, can_point_back=True),
    ),
)


def warned(judgement: Judgement) -> Activity:
    return Activity(ActivityKind.WARNED, NOW, judgement=judgement, account="Work")


def later(judgement: Judgement) -> Scheduled:
    return Scheduled("Work", "later", NOW + timedelta(hours=5), judgement)


def full_world(**changes: object) -> World:
    world = World(
        accounts=[WORK],
        paths=PATHS,
        directory=DirectoryStatus(1_200_000, 60_000, NOW - timedelta(hours=5), NOW + timedelta(days=13)),
        rows=HISTORY,
        unknown=(record("9", State.UNKNOWN),),
        questions=FakeQuestions(open=(question(the_2016_mail()),)),
    )
    for name, value in changes.items():
        setattr(world, name, value)
    return world
