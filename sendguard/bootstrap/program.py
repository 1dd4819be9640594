"""Everything that runs for one person: ledger, gatekeeper, and the paths of each account."""

import gc
import logging
import secrets as random_bytes
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from sendguard.audience.audience import Audience
from sendguard.audience.resolver import Resolver
from sendguard.audience.signs import Signs
from sendguard.audience.source import Query, Source
from sendguard.bootstrap.application import with_application
from sendguard.bootstrap.audit import Audit
from sendguard.bootstrap.directory import Directory, Standing
from sendguard.bootstrap.exchange import ExchangeDirectory
from sendguard.bootstrap.layers import Settings
from sendguard.bootstrap.paths import AccountPaths
from sendguard.bootstrap.signed_policy import SignedPolicy
from sendguard.bootstrap.thunderbird_path import ThunderbirdPath
from sendguard.guard.account import Account
from sendguard.guard.gatekeeper import Gatekeeper
from sendguard.guard.judge import Judge
from sendguard.guard.ledger import LedgerFailed, Record, State
from sendguard.guard.ports import Asker, Scheduled, Secrets
from sendguard.guard.rules import organisation_of, rules_of
from sendguard.policy.rules import Rules
from sendguard.settings.layers import Layer, Resolution
from sendguard.settings.setting import Value
from sendguard.settings.values import Values
from sendguard.storage.database import Database
from sendguard.storage.files import load_accounts, save_accounts
from sendguard.storage.ledger import SqliteLedger
from sendguard.storage.places import Places, installation_key
from sendguard.storage.sizes import Pseudonyms, RememberedSizes
from sendguard.system.managed import NoPolicy, PolicySource
from sendguard.wording.catalogue import Catalogue, here_and_now
from sendguard.wording.sentences import Sentences

if TYPE_CHECKING:
    from sendguard.guard.hindsight import Hindsight

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""How often it is seen whether policy has changed while no message asks."""

COUNTING = (
    "ListPatterns", "OrganisationDomains", "KnownLists", "DisagreementPercent", "LookupDeadline", "Directory",
    "DirectoryAddress", "DirectoryName", "DirectoryKeys", "DirectoryHours", "OAuthClientId", "OAuthTenant",
)  # fmt: skip
"""The settings by which people are counted: when one changes, the sources are opened anew."""


class Program:
    """Opens the ledger when made, starts the paths with ``start``, and ends everything with ``stop``.

    Raises LedgerFailed, OSError or FileUnreadable when its files cannot be opened: without a ledger nothing is guarded,
    and no gate listens.
    """

    def __init__(
        self,
        places: Places,
        secrets: Secrets,
        asker: Asker,
        *,
        directory: Source | None = None,
        policy: PolicySource | None = None,
        clock: Callable[[], datetime] = here_and_now,
    ) -> None:
        self.places = places.make()
        self.secrets = secrets
        self.clock = clock
        self._fixed_directory = directory
        self._lock = threading.RLock()
        self.signed_policy = SignedPolicy(places.policy, clock)
        self.settings = Settings(places.settings, policy or NoPolicy(), self.signed_policy)
        self._database = Database(places.ledger)
        pseudonyms = Pseudonyms(installation_key(places))
        self.ledger = SqliteLedger(self._database)
        self._exchange = ExchangeDirectory(secrets, clock)
        self._resolver = self._make_resolver()
        judge = Judge(self._resolve, self._rules, RememberedSizes(self._database, pseudonyms), clock)
        self.gatekeeper = Gatekeeper(judge, self.ledger, asker, clock, lambda: random_bytes.token_hex(8))
        self.audit = Audit(self.places, lambda: self.values, clock, self.gatekeeper.trouble)
        self.gatekeeper.subscribe(self.audit.observe)
        self._paths: dict[str, AccountPaths] = {}
        self.thunderbird = ThunderbirdPath(self.places, self.gatekeeper, self.accounts, lambda: self.sentences)
        self._running = False
        self._looking = threading.Event()
        self.settings.watch(self._settings_changed)

    @property
    def sentences(self) -> Sentences:
        """Sentences in the person's language."""
        return Sentences(Catalogue.for_language(self.values.text("Language")))

    @property
    def values(self) -> Values:
        """The settings in force."""
        return self.settings.values

    def start(self) -> None:
        """Put the ledger right, then start every account's paths. What does not start is trouble, and told."""
        self._running = True
        self._tell_faults(self.settings.resolution)
        self.audit.start()
        unknown = self._put_right()
        self.ledger.purge(self.clock() - timedelta(days=self.values.number("HistoryDays")))
        self._directory.start()
        self._exchange.warm_up()
        for account in self.accounts():
            self._start(account)
        self.thunderbird.start()
        self._look_up(unknown)
        self.signed_policy.start(self.settings.refresh, self.gatekeeper.trouble)
        threading.Thread(target=self._look_for_changes, name="settings", daemon=True).start()
        # What is there now stays: looking through it again and again would cost some answers three milliseconds.
        gc.freeze()

    def stop(self) -> None:
        """Stop every path, then close the ledger. What is held is not sent."""
        self.thunderbird.stop()
        with self._lock:
            self._running = False
            self._looking.set()
            for paths in self._paths.values():
                paths.stop()
            self._paths.clear()
        self.signed_policy.stop()
        self._directory.stop()
        self._resolver.close()
        self._exchange.close()
        self.audit.stop()
        self._database.close()

    def accounts(self) -> tuple[Account, ...]:
        """The accounts of this person. Raises FileUnreadable."""
        return load_accounts(self.places.accounts)

    def save_account(self, account: Account) -> None:
        """Add or replace an account and start its paths anew. Raises OSError, FileUnreadable."""
        others = tuple(each for each in self.accounts() if each.name != account.name)
        save_accounts(self.places.accounts, (*others, account))
        self._renew_resolver()
        self._start(account)

    def delete_account(self, name: str) -> None:
        """Stop an account's paths and forget it and its secrets. Raises OSError, FileUnreadable."""
        save_accounts(self.places.accounts, tuple(each for each in self.accounts() if each.name != name))
        with self._lock:
            paths = self._paths.pop(name, None)
        if paths is not None:
            paths.stop()
        self._renew_resolver()
        self.secrets.delete(name)

    def paths(self) -> tuple[AccountPaths, ...]:
        """The paths of each account, as they stand."""
        with self._lock:
            return tuple(self._paths.values())

    def scheduled(self) -> tuple[Scheduled, ...]:
        """What waits on a server for its time, the first due first."""
        found = [each for paths in self.paths() for each in paths.scheduled()]
        return tuple(sorted(found, key=lambda each: each.due))

    def pull_back(self, scheduled: Scheduled) -> bool:
        """Have the server give it back, unsent; False when it did not. Blocks."""
        return any(paths.pull_back(scheduled.id) for paths in self.paths() if paths.account.name == scheduled.account)

    def history(self) -> tuple[Record, ...]:
        """The latest rows. Raises LedgerFailed."""
        return self.ledger.history()

    def hindsight(self) -> "Hindsight":
        """What the last days came to, and what other thresholds would have. Raises LedgerFailed."""
        from sendguard.bootstrap.audit_reading import hindsight_of

        return hindsight_of(self.ledger, self.values, self.clock())

    def unknown(self) -> tuple[Record, ...]:
        """The rows of which nobody knows whether they were sent. Raises LedgerFailed."""
        return self.ledger.in_states(State.UNKNOWN)

    def directory(self) -> Standing | None:
        """How the directory stands; None where none is set up."""
        return self._directory.standing

    @property
    def asks_exchange(self) -> bool:
        """Whether an Exchange server is asked for sizes."""
        return self._exchange.is_asked

    def _start(self, account: Account) -> None:
        fresh = AccountPaths(account, self.secrets, self.gatekeeper, self.sentences, lambda: self.values, self.clock)
        with self._lock:
            if not self._running:
                return
            old = self._paths.get(account.name)
            if old is not None:
                old.stop()
            self._paths[account.name] = fresh
            fresh.start()

    def _put_right(self) -> tuple[Record, ...]:
        """Close the rows that a dead process left open, in the audit too; returns those in UNKNOWN."""
        left = self.ledger.in_states(State.RECEIVED, State.HELD, State.APPROVED, State.SENDING)
        unknown = self.gatekeeper.recover()
        self.audit.put_right(found for row in left if (found := self.ledger.get(row.id)) is not None)
        return unknown

    def _look_up(self, unknown: Iterable[Record]) -> None:
        """See whether Sent tells what became of messages whose reply was lost."""
        for record in unknown:
            paths = self._paths.get(record.account)
            if paths is not None and paths.was_sent(record.message_id):
                self.gatekeeper.settle(record.id, was_sent=True, detail="found_in_sent")

    def _resolve(self, query: Query) -> Audience:
        self.settings.refresh()
        return self._resolver.resolve(query)

    def _rules(self) -> Rules:
        return rules_of(self.values, self.clock())

    def _look_for_changes(self) -> None:
        """Between decisions, for the sake of the questions on the screen. A thread of its own."""
        while not self._looking.wait(LOOK_SECONDS):
            try:
                self.settings.refresh()
            except Exception as error:  # the thread's top: what was in force stays, and it goes on looking
                log.warning("a change of settings was not put in force: %s", type(error).__name__)
                self.gatekeeper.trouble("settings")

    def _settings_changed(self, resolution: Resolution) -> None:
        """Any thread, a message's own among them: what takes long is left to another."""
        self.audit.settings_changed(resolution)
        if not self._running:
            return
        counting = {name: resolution[name].value for name in COUNTING}
        counted_anew = counting != self._counting
        if counted_anew:
            self._renew_resolver()
        self._tell_faults(resolution)
        judging = partial(self._judge_waiting, counted_anew)
        threading.Thread(target=judging, name="settings changed", daemon=True).start()

    def _judge_waiting(self, counted_anew: bool) -> None:
        try:
            self.gatekeeper.policy_changed(counted_anew=counted_anew)
        except LedgerFailed:
            self.gatekeeper.trouble("ledger")

    def _tell_faults(self, resolution: Resolution) -> None:
        for fault in resolution.faults[:1]:
            is_own = fault.layer is Layer.USER
            self.gatekeeper.trouble("settings" if is_own else f"policy_{fault.why}")

    def _renew_resolver(self) -> None:
        with self._lock:
            old, old_directory = self._resolver, self._directory
            self._resolver = self._make_resolver()
        old.close()
        old_directory.stop()
        self._directory.start()
        self._exchange.warm_up()

    def _make_resolver(self) -> Resolver:
        values = self.values
        self._counting: dict[str, Value] = {name: values[name] for name in COUNTING}
        self._directory = Directory(
            values, self._fixed_directory, self.places.directory, lambda code: self.gatekeeper.trouble(code)
        )
        accounts = [with_application(account, values) for account in self.accounts()]
        deadline = values.number("LookupDeadline") / 1000
        return Resolver(
            [*self._directory.sources, *self._exchange.sources(accounts, deadline)],
            Signs(values.lines("ListPatterns")),
            organisation=organisation_of(values),
            deadline=deadline,
            disagreement=values.number("DisagreementPercent") / 100,
        )
