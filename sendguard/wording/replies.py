"""What a mail client is told over SMTP: three lines at most, and no address, for Bcc must not leak.

English is ASCII. German is UTF-8: Thunderbird, Apple Mail and mutt show it right, tried with Thunderbird.
"""

from typing import assert_never

from sendguard.audience.count import Count
from sendguard.guard.judge import Judgement
from sendguard.guard.ledger import Outcome
from sendguard.policy.reasons import Blocked, TooLarge
from sendguard.wording import counts
from sendguard.wording.catalogue import Catalogue
from sendguard.wording.hostile import shown

LONGEST_LINE = 200


def refusal(say: Catalogue, outcome: Outcome, judgement: Judgement) -> str:
    """Why a message was not sent, what is safe, what to do now. Empty for an outcome that sends."""
    match outcome:
        case Outcome.SEND:
            return ""
        case Outcome.DONT_SEND | Outcome.REPLY_TO_SENDER | Outcome.MOVE_TO_BCC:
            what = say.text("SendGuard did not send this message: you chose so.")
            now = say.text("It is still open in your mail program. Change who gets it, or close it.")
        case Outcome.BLOCKED:
            what = say.text("SendGuard did not send this message: {why}", why=_rule(say, judgement))
            now = say.text("It is still in your mail program. Write to fewer people, or ask your IT.")
        case Outcome.CANCELLED:
            what = say.text("SendGuard did not send this message: it was withdrawn.")
            now = say.text("It is still in your mail program. Press Send again if you want it sent.")
        case Outcome.CANNOT_ASK:
            return cannot_ask(say)
        case _:
            assert_never(outcome)
    return _lines(what, _nobody_has_it(say, judgement.audience.count), now)


def try_again(say: Catalogue, judgement: Judgement) -> str:
    """For a client that cannot wait longer: the question is still open, and its answer is kept for the next try."""
    return _lines(
        say.text("SendGuard is still waiting for your answer."),
        _nobody_has_it(say, judgement.audience.count),
        say.text("Answer in SendGuard's window, then press Send again here."),
    )


def cannot_ask(say: Catalogue) -> str:
    """For a message that needs an answer while nobody can be asked."""
    return _lines(
        say.text("SendGuard has to ask you about this message and cannot show its question."),
        say.text("Nobody has received it. It is still in your mail program."),
        say.text("Open SendGuard on this computer's screen, then press Send again."),
    )


def fault(say: Catalogue) -> str:
    """For a message that met a fault of ours."""
    return _lines(
        say.text("SendGuard had a fault and did not send this message."),
        say.text("Nobody has received it. It is still in your mail program."),
        say.text("Press Send again; if that fails too, restart SendGuard or ask your IT."),
    )


def _rule(say: Catalogue, judgement: Judgement) -> str:
    """The first blocking reason, without the address it is about; the organisation's own words where it gave any."""
    for reason in judgement.verdict.reasons:
        if isinstance(reason, Blocked):
            return shown(reason.message, 120) or say.text("a list in it is blocked.")
        if isinstance(reason, TooLarge):
            return say.text(
                "messages to {threshold} people or more are refused.", threshold=say.number(reason.threshold)
            )
    return say.text("a rule forbids it.")


def _nobody_has_it(say: Catalogue, count: Count) -> str:
    if count.high == 0:
        return say.text("Nobody has received it. It is still in your mail program.")
    return say.text("Nobody has received it. It would have gone to: {people}.", people=counts.people(say, count))


def _lines(*lines: str) -> str:
    return "\n".join(line.replace("…", "...")[:LONGEST_LINE] for line in lines)
