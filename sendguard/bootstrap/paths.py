"""The send paths of one account: its gate, its guarded outbox, its drafts watch."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from sendguard.bootstrap.application import with_application
from sendguard.guard.account import Account
from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.guard.intake import Intake, NoOriginals, Originals
from sendguard.guard.ports import Scheduled, Secrets
from sendguard.mail.submission import Hook
from sendguard.mailbox.compositions import Compositions
from sendguard.settings.values import Values
from sendguard.wording.sentences import Sentences

if TYPE_CHECKING:
    from sendguard.bootstrap.exchange import ExchangePaths

log = logging.getLogger(__name__)


class Path(Protocol):
    """One way mail takes past SendGuard."""

    @property
    def state(self) -> str:
        """How it stands, in its adapter's words."""
        ...

    def start(self) -> None:
        """Start it."""
        ...

    def stop(self) -> None:
        """Stop it; returns when it has ended."""
        ...


class AccountPaths:
    """Makes, starts and stops the paths of one account. imapclient and aiosmtpd are imported when it starts."""

    def __init__(
        self,
        account: Account,
        secrets: Secrets,
        gatekeeper: Gatekeeper,
        sentences: Sentences,
        values: Callable[[], Values],
        clock: Callable[[], datetime],
    ) -> None:
        self.account = account
        self._secrets = secrets
        self._gatekeeper = gatekeeper
        self._sentences = sentences
        self._values = values
        self._clock = clock
        self._originals: Originals = NoOriginals()
        self._known = Compositions()  # one for all: a message given back is not warned of as a new draft
        self._exchange: ExchangePaths | None = None
        self.running: dict[Hook, Path] = {}
        self.failed: dict[Hook, str] = {}

    def start(self) -> None:
        """Start every path the account has. One that does not start is in ``failed``, with its code."""
        if self.account.exchange is not None:
            from sendguard.bootstrap.exchange import ExchangePaths

            account = with_application(self.account, self._values())
            self._exchange = ExchangePaths(account, self._secrets, self._gatekeeper)
            self._originals = self._exchange.originals
        elif self.account.imap is not None:
            from sendguard.imap.originals import ImapOriginals

            self._originals = ImapOriginals([self.account], self._secrets)
        for hook, make in (
            (Hook.SMTP_GATE, self._gate),
            (Hook.EWS_GATE, self._ews_gate),
            (Hook.IMAP_OUTBOX, self._outbox),
            (Hook.IMAP_DRAFTS, self._drafts),
            (Hook.EWS_OUTBOX, self._ews_outbox),
            (Hook.EWS_DRAFTS, self._ews_drafts),
        ):
            path = make()
            if path is not None:
                self._start(hook, path)

    def stop(self) -> None:
        """Stop them all; one that fails to stop keeps no other from it."""
        for hook, path in self.running.items():
            try:
                path.stop()
            except Exception as error:  # the last thing a path does must not keep the others running
                log.error("%s did not stop: %s", hook, type(error).__name__)  # noqa: TRY400 - its text may hold mail
        self.running.clear()
        for each in (self._originals, self._exchange):
            close = getattr(each, "close", None)
            if close is not None:
                close()

    def was_sent(self, message_id: str) -> bool:
        """Whether the account's Sent folder holds a message. Blocks as long as the server lets it."""
        if self._exchange is not None:
            return self._exchange.was_sent(message_id)
        if self.account.imap is None:
            return False
        from sendguard.imap.sent import SentLookup

        return SentLookup([self.account], self._secrets).find(self.account.name, message_id) is True

    def scheduled(self) -> tuple[Scheduled, ...]:
        """What waits on the account's server for its time."""
        return self._exchange.scheduled() if self._exchange is not None else ()

    def pull_back(self, id: str) -> bool:
        """Have the server give one of those back; False when it did not. Blocks."""
        return self._exchange is not None and self._exchange.pull_back(id)

    def _start(self, hook: Hook, path: Path) -> None:
        try:
            path.start()
        except Exception as error:  # whatever it is: this path is closed, and the person is told
            code = getattr(error, "code", "") or "path_failed"
            log.warning("%s did not start: %s", hook, type(error).__name__)
            self.failed[hook] = str(code)
            self._gatekeeper.trouble(str(code), self.account.name)
        else:
            self.running[hook] = path

    def _intake(self, hook: Hook) -> Intake:
        return Intake(self.account, hook, self._originals)

    def _gate(self) -> Path | None:
        if self.account.smtp is None or not self.account.gate_port:
            return None
        from sendguard.gate.limits import GateLimits
        from sendguard.smtp.gate import SmtpGate

        return SmtpGate(
            self.account,
            self._gatekeeper,
            self._intake(Hook.SMTP_GATE),
            self._sentences,
            lambda: GateLimits.of(self._values()),
        )

    def _outbox(self) -> Path | None:
        account = self.account
        if account.exchange is not None or account.imap is None or account.smtp is None or not account.outbox:
            return None
        from sendguard.imap.outbox import ImapOutbox
        from sendguard.smtp.submitter import SmtpSubmitter

        return ImapOutbox(
            self.account,
            self._secrets,
            self._intake(Hook.IMAP_OUTBOX),
            self._gatekeeper,
            SmtpSubmitter(self.account, self._secrets),
            self._clock,
            max_size=self._values().number("MaxMessageMegabytes") * 1_000_000,
            known=self._known,
        )

    def _drafts(self) -> Path | None:
        if self.account.exchange is not None or self.account.imap is None or not self.account.watch_drafts:
            return None
        from sendguard.imap.drafts import DraftsWatch

        intake = self._intake(Hook.IMAP_DRAFTS)
        return DraftsWatch(self.account, self._secrets, intake, self._gatekeeper, self._clock, known=self._known)

    def _ews_gate(self) -> Path | None:
        if self.account.exchange is None or not self.account.ews_gate_port:
            return None
        from sendguard.exchange.gate.gate import EwsGate
        from sendguard.gate.limits import GateLimits

        return EwsGate(
            self.account,
            self._gatekeeper,
            self._intake(Hook.EWS_GATE),
            self._sentences,
            lambda: GateLimits.of(self._values()),
        )

    def _ews_outbox(self) -> Path | None:
        if self._exchange is None or not self.account.outbox:
            return None
        return self._exchange.outbox(self._intake(Hook.EWS_OUTBOX), self._clock, self._values(), self._known)

    def _ews_drafts(self) -> Path | None:
        if self._exchange is None or not self.account.watch_drafts:
            return None
        return self._exchange.drafts(self._intake(Hook.EWS_DRAFTS), self._clock, self._known)
