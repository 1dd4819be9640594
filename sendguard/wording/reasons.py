"""Why SendGuard asks, one sentence a reason."""

from typing import assert_never

from sendguard.mail.header import Problem
from sendguard.policy import reasons as why
from sendguard.settings.setting import N_
from sendguard.wording import counts
from sendguard.wording.catalogue import Catalogue
from sendguard.wording.hostile import shown, shown_address

MOST_APPROVERS = 3
"""Addresses of people who could send it that are named."""
LONGEST_MESSAGE = 400
"""Characters of an organisation's own message that are shown."""

_HINTS = {
    "list_post": N_("The message you answer names it as a mailing list."),
    "list_mail": N_("The message you answer came through a mailing list."),
    "name_pattern": N_("Its name is one that lists have."),
    "not_in_directory": N_("The directory of its domain does not know it."),
    "source_silent": N_("The directory that may know it did not answer."),
    "empty": N_("The directory names nobody behind it, which cannot be right."),
    "taught": N_("You or your organisation said that it is a list."),
}
_SILENT = {
    "timeout": N_("{source} did not answer in time: its numbers are missing here."),
    "failed": N_("{source} could not answer: its numbers are missing here."),
}
_PROBLEMS = {
    Problem.HEADER_TOO_LARGE: N_("The message's header is too large to be read with certainty."),
    Problem.HEADER_UNREADABLE: N_("The message's header cannot be read with certainty."),
    Problem.ADDRESSES_UNREADABLE: N_("The recipients in the message's header cannot be read with certainty."),
}
_STALE = {
    "audience": N_("You answered before, but the number of people has changed since."),
    "policy": N_("You answered before, but the rules have changed since."),
    "message": N_("You answered before, but the message has changed since."),
}


def hint(say: Catalogue, hint: str) -> str:
    """Why an address is taken for a list; empty where nothing is to be said."""
    return say.text(_HINTS.get(hint, ""))


def reason(say: Catalogue, reason: why.Reason) -> str:
    """One reason as a sentence, or two. As long as there are reasons: one case each, closed by ``assert_never``."""
    match reason:
        case why.ReplyReachesMany(count, _):
            return say.text("This reply goes to {people}.", people=counts.people(say, count))
        case why.ReachesMany(_, threshold):
            return say.text("Messages to {threshold} people or more are asked about.", threshold=say.number(threshold))
        case why.TooLarge(_, threshold):
            return say.text("Messages to {threshold} people or more are refused.", threshold=say.number(threshold))
        case why.UnknownSize(address, found):
            known = say.text("Nobody knows how many people are behind {list}.", list=shown_address(address))
            return f"{known} {hint(say, found)}".rstrip()
        case why.ManyOutside(outside, _):
            return say.plural(
                "{n} of them is outside your organisation.", "{n} of them are outside your organisation.", outside
            )
        case why.Grown():
            return _grown(say, reason)
        case why.Protected(address, message):
            known = say.text("{list} is protected: messages to it are always asked about.", list=shown_address(address))
            return f"{known} {shown(message, LONGEST_MESSAGE)}".rstrip()
        case why.Blocked(address, message, approvers):
            known = (
                say.text("{list} is blocked: messages to it are refused.", list=shown_address(address))
                if address
                else say.text("This conversation is blocked: nothing more is sent in it.")
            )
            return _joined(known, shown(message, LONGEST_MESSAGE), _who_can(say, approvers))
        case why.NeedsCode(address, message, approvers):
            known = (
                say.text("{list} is closed: only who has a code can send to it.", list=shown_address(address))
                if address
                else say.text("This conversation is closed: only who has a code can go on with it.")
            )
            return _joined(known, shown(message, LONGEST_MESSAGE), _who_can(say, approvers))
        case why.MayApprove(address, message):
            known = (
                say.text("{list} is closed to others: you are one who can send to it.", list=shown_address(address))
                if address
                else say.text("This conversation is closed to others: you are one who can go on with it.")
            )
            return _joined(known, shown(message, LONGEST_MESSAGE))
        case why.SourcesDisagree(address, one, other):
            return say.text(
                "Two sources disagree about {list}: {one} by the one, {other} by the other.",
                list=shown_address(address),
                one=counts.people(say, one),
                other=counts.people(say, other),
            )
        case why.SourceSilent(source, cause):
            sentence = say.text(_SILENT.get(cause, _SILENT["failed"]), source=counts.source(say, source))
            return sentence[:1].upper() + sentence[1:]
        case why.Unreadable(problem):
            return say.text(_PROBLEMS[problem])
        case why.NoRecipients():
            return say.text("No recipient could be found in the message.")
        case why.VisibleRecipients(addresses):
            return say.plural(
                "{n} address in To and Cc is seen by everyone. Bcc would keep it private.",
                "{n} addresses in To and Cc are seen by everyone. Bcc would keep them private.",
                addresses,
            )
        case why.NewOutsider(address):
            return say.text(
                "{address} is outside your organisation and was not part of the conversation.",
                address=shown_address(address),
            )
        case why.MissingAttachment(word):
            return say.text("The text says “{word}”, and nothing is attached.", word=shown(word))
        case why.EmptySubject():
            return say.text("The subject is empty.")
        case why.AnswerIsStale(what):
            return say.text(_STALE.get(what, _STALE["message"]))
        case why.PossiblySent(at):
            return say.text(
                "The same message was handed to the mail server {when} and its answer was lost: "
                "it may have been sent already.",
                when=say.moment(at),
            )
        case _:
            assert_never(reason)


def _who_can(say: Catalogue, approvers: tuple[str, ...]) -> str:
    if not approvers:
        return ""
    return say.text("{people} can send it.", people=", ".join(map(shown_address, approvers[:MOST_APPROVERS])))


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _grown(say: Catalogue, reason: why.Grown) -> str:
    """An earlier size beside the present one; the day of the earlier one where it is known."""
    facts = {
        "list": shown_address(reason.address),
        "people": counts.persons(say, reason.before),
        "now": say.number(reason.now),
    }
    if reason.before_at is None:
        return say.text("{list} had {people} when it was last seen, it has {now} now.", **facts)
    if say.is_recent(reason.before_at):
        when = say.moment(reason.before_at)
        return say.text("{list} had {people} {when}, it has {now} now.", when=when, **facts)
    return say.text("{list} had {people} on {when}, it has {now} today.", when=say.date(reason.before_at), **facts)
