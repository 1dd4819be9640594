"""Every text of a question, before any of it is drawn."""

from dataclasses import dataclass

from sendguard.audience.audience import AddressKind, Audience
from sendguard.audience.count import SMALLEST_LIST, Basis, Count
from sendguard.desktop.picture import Picture
from sendguard.guard.judge import Judgement
from sendguard.mail.address import Mailbox
from sendguard.mail.submission import Submission
from sendguard.policy.action import Action
from sendguard.policy.reasons import Reason
from sendguard.policy.verdict import Verdict
from sendguard.wording.hostile import pretends, shown, shown_address
from sendguard.wording.sentences import Sentences

MOST_ALIKE = 2
"""Reasons of one kind that are said one by one."""

MOST_NAMED = 3
"""Lists, people and outsiders that are named one by one; of the rest the number is said."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The texts of one question, ready to be shown: hostile ones are cleaned. Empty where there is nothing to say."""

    lead: str
    number: str
    basis: str
    typed: str
    reached: str
    legend: str
    reasons: tuple[str, ...]
    through: tuple[str, ...]
    outside: tuple[str, ...]
    message: str
    send: str
    to_type: str
    type_prompt: str
    """Empty where nothing has to be typed."""

    @classmethod
    def of(cls, judgement: Judgement, say: Sentences) -> "Sheet":
        """The texts for a judgement."""
        submission, audience, verdict = judgement.submission, judgement.audience, judgement.verdict
        count = audience.count
        unknown = count.basis is Basis.UNKNOWN and count.low <= SMALLEST_LIST
        number = say.people(count)
        return cls(
            lead=_lead(say, submission, unknown=unknown),
            number=number[:1].upper() + number[1:] if unknown else number,
            basis=say.basis(count),
            typed=say.catalogue.plural("you typed {n} address", "you typed {n} addresses", audience.typed),
            reached="" if unknown else _reached(say, count),
            legend=_legend(say, audience),
            reasons=tuple(_reasons(say, verdict.reasons)),
            through=tuple(_through(say, judgement)),
            outside=tuple(_outside(say, audience)),
            message=" · ".join(_message(say, submission)),
            send=say.send_to(count),
            to_type=_to_type(say, verdict),
            type_prompt=_type_prompt(say, verdict),
        )

    @property
    def aloud(self) -> str:
        """What a screen reader says when the question opens: the number, how it is known, and why it asks."""
        return " ".join((f"{self.lead} {self.number}.", f"{self.basis}.", *self.reasons, *self.outside))


def _lead(say: Sentences, submission: Submission, *, unknown: bool) -> str:
    text, reply = say.catalogue.text, submission.kind.is_reply
    if reply:
        return text("This reply goes to a list of unknown size") if unknown else text("This reply goes to")
    return text("This message goes to a list of unknown size") if unknown else text("This message goes to")


def _reasons(say: Sentences, reasons: tuple[Reason, ...]) -> list[str]:
    """A sentence each; of reasons of one kind the first few, then how many more there are."""
    said: list[str] = []
    for kind in dict.fromkeys(type(reason) for reason in reasons):
        alike = [reason for reason in reasons if type(reason) is kind]
        named = alike if len(alike) <= MOST_ALIKE + 1 else alike[:MOST_ALIKE]
        said += [say.reason(reason) for reason in named]
        if len(alike) > len(named):
            more = len(alike) - len(named)
            said.append(say.catalogue.plural("The same holds for {n} more.", "The same holds for {n} more.", more))
    return said


def _to_type(say: Sentences, verdict: Verdict) -> str:
    if verdict.action is not Action.CONFIRM_TYPED or verdict.codes:
        return ""
    return say.catalogue.number(int(verdict.to_type)) if verdict.to_type.isdecimal() else shown(verdict.to_type)


def _type_prompt(say: Sentences, verdict: Verdict) -> str:
    if verdict.action is not Action.CONFIRM_TYPED:
        return ""
    if verdict.codes:
        return say.catalogue.text("To send it, type the code you were given for this:")
    if verdict.to_type.isdecimal():
        return say.catalogue.text("To send it, type the number of people:")
    return say.catalogue.text("To send it, type the name of the list:")


def _reached(say: Sentences, count: Count) -> str:
    return say.catalogue.text("goes to {people}", people=say.people(count))


def _legend(say: Sentences, audience: Audience) -> str:
    text, picture = say.catalogue.text, Picture.of(audience)
    said = []
    if picture.sure + picture.possible:
        each = say.persons(picture.each)
        said.append(
            text("One dot stands for one person.")
            if picture.each == 1
            else text("One dot stands for up to {people}.", people=each)
        )
    if picture.possible:
        said.append(text("Hollow dots: at most, perhaps fewer."))
    if picture.open:
        nothing = not said
        said.append(text("How many that is, nobody knows.") if nothing else text("How many more, nobody knows."))
    return " ".join(said)


def _through(say: Sentences, judgement: Judgement) -> list[str]:
    """The lists with their paths, the largest first, then the people typed one by one."""
    audience, catalogue = judgement.audience, say.catalogue
    lists = audience.lists
    said = [say.part(part) for part in lists[:MOST_NAMED]]
    if len(lists) > MOST_NAMED:
        said.append(catalogue.plural("and {n} more list", "and {n} more lists", len(lists) - MOST_NAMED))
    people = [part.address for part in audience.parts if part.kind is AddressKind.PERSON and part.count.high != 0]
    names = {box.address: box for box in judgement.submission.message.recipients}
    said += [_named(say, names.get(address, Mailbox("", address))) for address in people[:MOST_NAMED]]
    if len(people) > MOST_NAMED:
        said.append(catalogue.plural("and {n} more address", "and {n} more addresses", len(people) - MOST_NAMED))
    if shared := say.overlap(audience):
        said.append(shared)
    return said


def _named(say: Sentences, box: Mailbox) -> str:
    """A name with its address, always both; a name that looks like another address is called so."""
    address = shown_address(box.address)
    if not box.display_name or shown(box.display_name).casefold() == address.casefold():
        return address
    if pretends(box.display_name, box.address):
        return say.catalogue.text(
            "{address} (its name looks like another address: {name})", address=address, name=shown(box.display_name, 40)
        )
    return f"{shown(box.display_name, 40)} <{address}>"


def _outside(say: Sentences, audience: Audience) -> list[str]:
    if not audience.external and not audience.outside_addresses:
        return []
    catalogue = say.catalogue
    people = max(audience.external, len(audience.outside_addresses))
    said = [catalogue.plural("{n} person outside your organisation", "{n} people outside your organisation", people)]
    said += [shown_address(address) for address in audience.outside_addresses[:MOST_NAMED]]
    more = len(audience.outside_addresses) - MOST_NAMED
    if more > 0:
        said.append(catalogue.plural("and {n} more", "and {n} more", more))
    return said


def _message(say: Sentences, submission: Submission) -> list[str]:
    text, message = say.catalogue.text, submission.message
    subject = shown(message.subject)
    said = [text("“{subject}”", subject=subject) if subject else text("without a subject")]
    kind = say.kind(submission.kind)
    original = submission.original
    if original and original.originators and submission.kind.is_reply:
        kind = text("{kind}, in answer to {person}", kind=kind, person=_named(say, original.originators[0]))
    said.append(kind)
    if message.originators:
        said.append(text("from you, {address}", address=shown_address(message.originators[0].address)))
    return said
