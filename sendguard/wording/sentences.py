"""Everything SendGuard says, in one language: the one door to this package."""

from datetime import datetime
from typing import TYPE_CHECKING

from sendguard.audience.audience import Audience, Part
from sendguard.audience.count import Count
from sendguard.guard.audit import AuditLine
from sendguard.guard.judge import Judgement
from sendguard.guard.ledger import Outcome, Record, State
from sendguard.guard.ports import Activity
from sendguard.mail.kind import Kind
from sendguard.mail.submission import Hook
from sendguard.policy.reasons import Reason
from sendguard.settings.layers import Fault, Layer, Resolution, Said
from sendguard.settings.setting import Setting, Value
from sendguard.wording import audit, counts, events, policies, reasons, replies
from sendguard.wording.catalogue import Catalogue

if TYPE_CHECKING:
    from sendguard.guard.hindsight import Hindsight


class Sentences:
    """Sentences of one language. Names and addresses in them are made fit to be shown (``hostile``)."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def people(self, count: Count) -> str:
        """A count in words: ``850,112 people``, ``up to 412 people``, ``nobody knows how many people``."""
        return counts.people(self.catalogue, count)

    def persons(self, n: int) -> str:
        """A plain number of people."""
        return counts.persons(self.catalogue, n)

    def send_to(self, count: Count) -> str:
        """The label of the button that sends."""
        return counts.send_to(self.catalogue, count)

    def reaches(self, count: Count) -> str:
        """The line a person sees while writing: ``reaches 850,112 people``."""
        return counts.reaches(self.catalogue, count)

    def basis(self, count: Count) -> str:
        """How a count is known, from which source, and how old that is."""
        return counts.basis(self.catalogue, count)

    def part(self, part: Part) -> str:
        """What a typed address brings, and through which lists."""
        return counts.part(self.catalogue, part)

    def reason(self, reason: Reason) -> str:
        """Why SendGuard asks or refuses: one sentence, or two."""
        return reasons.reason(self.catalogue, reason)

    def hint(self, hint: str) -> str:
        """Why an address is taken for a list; empty where nothing is to be said."""
        return reasons.hint(self.catalogue, hint)

    def kind(self, kind: Kind) -> str:
        """What a message is. Never which button was pressed: nobody can know that from a message."""
        return self.catalogue.text(events.KINDS[kind])

    def hook(self, hook: Hook) -> str:
        """The name of the place where a message was met."""
        return self.catalogue.text(events.HOOKS[hook])

    def refusal(self, outcome: Outcome, judgement: Judgement) -> str:
        """An SMTP reply for a message that is not sent: at most three lines of 200 characters, no address."""
        return replies.refusal(self.catalogue, outcome, judgement)

    def try_again(self, judgement: Judgement) -> str:
        """An SMTP reply for a client that cannot wait longer (451)."""
        return replies.try_again(self.catalogue, judgement)

    def cannot_ask(self) -> str:
        """An SMTP reply while nobody can be asked (451)."""
        return replies.cannot_ask(self.catalogue)

    def fault(self) -> str:
        """An SMTP reply after a fault of ours (451)."""
        return replies.fault(self.catalogue)

    def activity(self, activity: Activity) -> str:
        """What happened, with the number of people and no address."""
        return events.activity(self.catalogue, activity)

    def record_people(self, record: Record) -> str:
        """The people a row of the ledger was about."""
        return events.record_people(self.catalogue, record)

    def state(self, state: State) -> str:
        """Where a submission stands."""
        return self.catalogue.text(events.STATES[state])

    def outcome(self, outcome: Outcome) -> str:
        """How a submission ended."""
        return self.catalogue.text(events.OUTCOMES[outcome])

    def lists(self, audience: Audience) -> list[str]:
        """A line for each typed list, and one for what they have in common."""
        lines = [self.part(part) for part in audience.lists]
        return [*lines, shared] if (shared := self.overlap(audience)) else lines

    def overlap(self, audience: Audience) -> str:
        """How many people more than one typed address reaches; empty where that is nobody, or cannot be told."""
        return counts.overlap(self.catalogue, audience)

    def directory(self, people: int, lists: int, as_of: datetime) -> str:
        """How much a directory knows, and when that was true."""
        return counts.directory(self.catalogue, people, lists, as_of)

    def audit_line(self, line: AuditLine) -> tuple[str, ...]:
        """A line of the audit: when, what, how many people, what the rules demanded, what came of it."""
        return audit.cells(self.catalogue, line)

    def monitored(self, record: Record) -> str:
        """What would have become of a row if the organisation did not only monitor; empty where it did act."""
        return audit.monitored(self.catalogue, record)

    def hindsight(self, found: "Hindsight") -> tuple[str, ...]:
        """What the last days came to, then a line for each threshold."""
        return audit.hindsight(self.catalogue, found)

    def trouble(self, code: str) -> str:
        """What does not work, what is safe, and what to do now."""
        return events.trouble(self.catalogue, code)

    def layer(self, layer: Layer, source: str = "") -> str:
        """Who decided about a setting, and the file, key or address behind it."""
        return policies.origin(self.catalogue, layer, source)

    def value(self, setting: Setting, value: Value) -> str:
        """The value of a setting, a line for each entry of a list; keys and codes are masked."""
        return policies.value(self.catalogue, setting, value)

    def overridden(self, setting: Setting, said: Said) -> str:
        """A value that is not in force, and who said it."""
        return policies.overridden(self.catalogue, setting, said)

    def settings_fault(self, fault: Fault) -> str:
        """What is wrong with a policy or with a person's own settings, where, and what to do."""
        return policies.fault(self.catalogue, fault)

    def standing(self, resolution: Resolution) -> str:
        """Whether this computer is managed."""
        return policies.standing(self.catalogue, resolution)
