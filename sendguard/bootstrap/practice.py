"""The practice mailbox put together: made-up servers and people, and the real hooks in front of them."""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sendguard.bootstrap.once import sentences
from sendguard.bootstrap.program import Program
from sendguard.gate.loopback import choose_port
from sendguard.guard.account import Account, Security, Server
from sendguard.guard.ledger import Outcome
from sendguard.guard.ports import Activity, ActivityKind, Answer, Asker
from sendguard.guard.report import count_report, report
from sendguard.practice.directory import ME, PracticeDirectory
from sendguard.practice.servers import EVERYBODY, PracticeServers
from sendguard.practice.story import Story
from sendguard.storage.files import save_accounts
from sendguard.storage.places import Places
from sendguard.storage.secret import SessionSecrets
from sendguard.terminal.asker import Reply, TerminalAsker
from sendguard.terminal.reply import ByPerson, Shown, by_rule
from sendguard.wording.catalogue import here_and_now
from sendguard.wording.sentences import Sentences

NAME = "practice"
SETTLE_SECONDS = 30.0
"""How long the terminal waits for a scene to come to its end after the answer."""


@dataclass(frozen=True, slots=True)
class Practice:
    """A running practice mailbox."""

    program: Program
    servers: PracticeServers
    story: Story

    def delivered(self) -> int:
        """How many messages really went out: counted in the practice server's mailbox."""
        return self.servers.messages(EVERYBODY)


@contextmanager
def practice(asker: Asker) -> Iterator[Practice]:
    """Servers, account and program in a folder of their own that is gone afterwards. Paths are not started yet."""
    password = "practice-makes-perfect"  # noqa: S105 - it opens two servers in this process
    servers = PracticeServers(ME, password)
    servers.start()
    with tempfile.TemporaryDirectory(prefix="sendguard-practice-") as folder:
        account = Account(
            NAME,
            (ME,),
            imap=Server("127.0.0.1", servers.imap_port, Security.PLAIN, ME),
            smtp=Server("127.0.0.1", servers.smtp_port, Security.PLAIN, ME),
            gate_port=choose_port(),
        )
        places = Places.under(Path(folder)).make()
        save_accounts(places.accounts, (account,))
        secrets = SessionSecrets(**{NAME: password})
        program = Program(places, secrets, asker, directory=PracticeDirectory(here_and_now()))
        story = Story(account, password, here_and_now)
        servers.deliver(story.original())
        try:
            yield Practice(program, servers, story)
        finally:
            program.stop()
            servers.stop()


class Telling:
    """Tells what happens, as lines for people or as JSON for programs, and keeps the count."""

    def __init__(self, say: Sentences, show: Callable[[str], None], *, as_json: bool) -> None:
        self._say = say
        self._show = show
        self._as_json = as_json
        self.asked = 0
        self.refused = 0
        self.ended = 0

    def event(self, event: str, words: str = "", **facts: object) -> None:
        """One event, on one line."""
        if self._as_json:
            self._show(json.dumps({"event": event} | facts, ensure_ascii=False))
        elif words:
            self._show(words)

    def observe(self, activity: Activity) -> None:
        """``guard.ports.Observer``."""
        words = f"  [{self._say.activity(activity)}]"
        match activity.kind:
            case ActivityKind.HELD if activity.judgement is not None:
                self.asked += 1
                self.event("asked", words, **report(activity.judgement), hook=activity.judgement.submission.hook)
            case ActivityKind.DECIDED if activity.outcome is not None:
                self.event("answered", words, answer=activity.outcome)
            case ActivityKind.REFUSED if activity.outcome in {Outcome.DONT_SEND, Outcome.BLOCKED}:
                self.refused += 1
                self.ended += 1
                self.event("refused", words, answer=activity.outcome)
            case ActivityKind.REFUSED if activity.outcome is Outcome.REPLY_TO_SENDER:
                self.event("answered", words, answer=activity.outcome)
            case ActivityKind.SENT:
                self.ended += 1
                count = activity.judgement.audience.count if activity.judgement else None
                self.event("sent", words, audience=count_report(count) if count else None)
            case ActivityKind.TROUBLE | ActivityKind.UNKNOWN | ActivityKind.WARNED:
                self.event(activity.kind, words, detail=activity.detail)
            case _:
                pass


def play_in_terminal(
    show: Callable[[str], None], read: Callable[[str], str], answer: Answer | None, *, as_json: bool
) -> int:
    """Play the story on the live hooks; returns 0, or 1 when a scene did not come to its end."""
    say = sentences()
    reply: Reply = ByPerson(say, show, read)
    if answer is not None:
        reply = by_rule(answer) if as_json else Shown(by_rule(answer), say, show)
    asker = TerminalAsker(reply)
    with practice(asker) as stage:
        program, text = stage.program, say.catalogue.text
        telling = Telling(say, show, as_json=as_json)
        program.gatekeeper.subscribe(telling.observe)
        asker.answer_to(program.gatekeeper)
        program.start()
        telling.event("start", text("Practice mailbox: made-up people, no real mail. {people} are in its directory.",
                                    people=say.persons(850_112)), people=850_112)  # fmt: skip
        whole = True
        for chapter in stage.story.chapters:
            telling.event("scene", "\n" + text(chapter.title), name=chapter.name)
            before = telling.ended
            told = chapter.play()
            telling.event("client", f"  < {told.code} {told.text}", name=chapter.name, code=told.code, text=told.text)
            whole = _until(lambda seen=before: telling.ended > seen) and whole  # type: ignore[misc]
        delivered = stage.delivered()
        telling.event(
            "end",
            "\n" + text("Asked {asked}, really sent {delivered}, refused {refused}.", asked=telling.asked,
                        delivered=delivered, refused=telling.refused),
            asked=telling.asked, delivered=delivered, refused=telling.refused,
        )  # fmt: skip
        return 0 if whole else 1


def _until(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + SETTLE_SECONDS
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
