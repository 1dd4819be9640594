"""The whole program with a mail account on real servers, for a real Thunderbird in front of its gate."""

import itertools
import smtplib
from dataclasses import dataclass
from pathlib import Path

from sendguard.bootstrap.program import Program
from sendguard.gate.loopback import choose_port
from sendguard.guard.account import Account, Security, Server
from sendguard.guard.ports import Activity, ActivityKind, Answer
from sendguard.storage.files import save_accounts, save_settings
from sendguard.storage.places import Places
from sendguard.storage.secret import SessionSecrets
from tests.adapters.imap_rig import mail
from tests.fakes import FakeAsker
from tests.servers.dovecot import Dovecot, Person
from tests.servers.postfix import Postfix
from tests.servers.thunderbird import MailAccount

_numbers = itertools.count(1)


@dataclass
class Desk:
    """A person with SendGuard, an answer to its questions, and a list of 850,112 people that is one mailbox here."""

    dovecot: Dovecot
    postfix: Postfix
    me: Person
    colleague: Person
    everybody: Person
    account: Account
    program: Program
    asker: FakeAsker
    activities: list[Activity]

    @classmethod
    def make(cls, dovecot: Dovecot, postfix: Postfix, folder: Path, **settings: int | str) -> "Desk":
        """Everything but the start: ``settings`` are more than the list's size."""
        me, colleague = dovecot.new_person("me"), dovecot.new_person("colleague")
        everybody = dovecot.add_person(f"everybody-{next(_numbers)}@example.test")
        account = Account(
            "work",
            (me.address,),
            imap=Server("127.0.0.1", dovecot.port, Security.PLAIN, me.address),
            smtp=Server("localhost", postfix.port, Security.PLAIN, me.address),
            gate_port=choose_port(),
            outbox="",
        )
        places = Places.under(folder).make()
        save_accounts(places.accounts, (account,))
        known = {"KnownLists": (f"{everybody.address} | 850112",), "Language": "en"}
        save_settings(places.settings, known | settings)
        asker = FakeAsker()
        program = Program(places, SessionSecrets(work=me.password), asker)
        activities: list[Activity] = []
        program.gatekeeper.subscribe(activities.append)
        return cls(dovecot, postfix, me, colleague, everybody, account, program, asker, activities)

    @property
    def through_the_gate(self) -> MailAccount:
        """The account as Thunderbird has it when it sends through the gate."""
        return MailAccount.of(self.me, self.dovecot.port, self.account.gate_port)

    @property
    def past_the_gate(self) -> MailAccount:
        """The account as Thunderbird has it before."""
        return MailAccount.of(self.me, self.dovecot.port, self.postfix.port, smtp_host="localhost")

    def deliver(self, message_id: str = "lunch@x.test", more: str = "") -> str:
        """A message from the colleague to everybody; returns its id as Thunderbird has it."""
        raw = mail(sender=self.colleague.address, to=self.everybody.address, message_id=f"<{message_id}>", more=more)
        with smtplib.LMTP("127.0.0.1", self.dovecot.lmtp_port) as lmtp:
            lmtp.sendmail(self.colleague.address, [self.me.address], raw)
        return message_id

    def answer(self, answer: Answer) -> None:
        """Wait for a question and answer it."""
        question = self.asker.question(20)
        self.program.gatekeeper.answer(question.id, answer, question.judgement.verdict.to_type)

    def arrived(self, count: int = 1) -> list[bytes]:
        """Wait for what reaches everybody."""
        return self.dovecot.wait_for_messages(self.everybody, count)

    def has_arrived(self) -> int:
        """How many messages have reached everybody."""
        return len(self.dovecot.messages(self.everybody))

    def warned(self) -> list[Activity]:
        """What was said of drafts."""
        return [each for each in self.activities if each.kind is ActivityKind.WARNED]
