"""One composition over many saves."""

from dataclasses import replace

from sendguard.guard.account import Account
from sendguard.guard.intake import Intake
from sendguard.guard.judge import Judgement
from sendguard.mail.submission import Hook
from sendguard.mailbox.compositions import MAX_KNOWN, Compositions
from tests.adapters.imap_rig import mail
from tests.fakes import Guard


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def judgement(subject: str = "Lunch") -> Judgement:
    intake = Intake(Account("work", ("me@example.test",)), Hook.IMAP_DRAFTS)
    return Guard().judge.judge(intake.submission(mail(to="big@lists.test", subject=subject), whole=False))


def test_a_replaced_save_is_the_same_composition_whichever_comes_first() -> None:
    known, first = Compositions(), judgement()
    known.keep(first, 1)
    known.still_there([])
    assert known.last(first.submission.composition) is first
    known.keep(first, 2)
    known.still_there([2])
    assert known.last(first.submission.composition) is first


def test_a_minute_after_its_last_draft_went_a_composition_is_over() -> None:
    seconds = Seconds()
    known, first = Compositions(seconds), judgement()
    known.keep(first, 1)
    seconds.now = 3600
    assert known.last(first.submission.composition) is first
    known.still_there([])
    seconds.now += 61
    assert known.last(first.submission.composition) is None


def test_only_the_latest_compositions_are_kept() -> None:
    known, first = Compositions(), judgement()
    for number in range(MAX_KNOWN + 1):
        submission = replace(first.submission, composition=str(number))
        known.keep(replace(first, submission=submission), number + 1)
    assert known.last("0") is None
    assert known.last(str(MAX_KNOWN)) is not None
