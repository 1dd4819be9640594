"""14 November 2016, played on the live hooks: what a mail client would do, done by real clients of real protocols."""

import smtplib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from imapclient import IMAPClient

from sendguard.guard.account import Account, Server
from sendguard.practice.directory import BEN, JO, LIST, ME
from sendguard.settings.setting import N_

HOLD = 600.0
"""Seconds our own client waits for an answer: a person practises as slowly as they like."""

FOLDER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Told:
    """What a mail client was told in the end: SMTP code and text; 250 for what was put into a folder."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """One scene: ``name`` for programs, ``title`` a msgid for people, and what the client does."""

    name: str
    title: str
    play: Callable[[], Told]


class Story:
    """The scenes, for one account in the practice mailbox."""

    def __init__(self, account: Account, password: str, clock: Callable[[], datetime]) -> None:
        self._account = account
        self._password = password
        self._clock = clock
        self._number = 0

    @property
    def chapters(self) -> tuple[Chapter, ...]:
        """In the order of that morning, and then a mail nobody is asked about."""
        return (
            Chapter("first_mail", N_("Mail “test” to CroydonPractices, as on that morning"), self._first_mail),
            Chapter("remove_me", N_("Answer “please remove me” to everybody"), self._remove_me),
            Chapter("safe_mail", N_("Mail one colleague"), self._safe_mail),
        )

    def original(self) -> bytes:
        """The mail of a colleague that somebody is about to answer; put into INBOX before the story starts."""
        return self._message(f"Jo March <{JO}>", LIST, "test", "test", message_id="<the-first-mail@nhs.test>")

    def draft(self) -> bytes:
        """A draft of the first mail, as a client saves it while it is written."""
        return self._message(f"Ana Silva <{ME}>", f"CroydonPractices <{LIST}>", "test", "te")

    def _first_mail(self) -> Told:
        return self._submit(LIST, self._message(f"Ana Silva <{ME}>", f"CroydonPractices <{LIST}>", "test", "test"))

    def _safe_mail(self) -> Told:
        return self._submit(BEN, self._message(f"Ana Silva <{ME}>", f"Ben Okoro <{BEN}>", "Lunch?", "At one?"))

    def _remove_me(self) -> Told:
        reply = self._message(
            f"Ana Silva <{ME}>",
            f"CroydonPractices <{LIST}>",
            "Re: test",
            "Please remove me from this list.",
            "In-Reply-To: <the-first-mail@nhs.test>",
            "References: <the-first-mail@nhs.test>",
        )
        server = _server(self._account.imap)
        with IMAPClient(server.host, server.port, ssl=False, timeout=HOLD) as client:
            client.login(server.user, self._password)
            until = time.monotonic() + FOLDER_SECONDS
            while not client.folder_exists(self._account.outbox) and time.monotonic() < until:
                time.sleep(0.05)  # a person waits for the folder to appear, too
            client.append(self._account.outbox, reply, (rb"\Draft",))
        return Told(250, "")

    def _submit(self, recipient: str, raw: bytes) -> Told:
        with smtplib.SMTP("127.0.0.1", self._account.gate_port, timeout=HOLD) as client:
            client.login(_server(self._account.smtp).user, self._password)
            try:
                client.sendmail(ME, [recipient], raw)
            except smtplib.SMTPDataError as error:
                text = error.smtp_error
                return Told(error.smtp_code, text.decode("utf-8", "replace") if isinstance(text, bytes) else text)
        return Told(250, "")

    def _message(self, sender: str, recipient: str, subject: str, text: str, *more: str, message_id: str = "") -> bytes:
        self._number += 1
        lines = [
            f"From: {sender}",
            f"To: {recipient}",
            f"Subject: {subject}",
            f"Date: {format_datetime(self._clock())}",
            f"Message-ID: {message_id or f'<{self._number}@nhs.test>'}",
            *more,
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "",
            text,
            "",
        ]
        return "\r\n".join(lines).encode()


def _server(server: Server | None) -> Server:
    assert server is not None  # noqa: S101 - the practice account has both
    return server
