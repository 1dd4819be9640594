"""Judging and counting once, for the command line: nothing is started, held or remembered."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from sendguard.audience.audience import Audience, Seen
from sendguard.audience.resolver import Resolver
from sendguard.audience.signs import Signs
from sendguard.audience.source import Query, Source, SourceFailed
from sendguard.audience.taught import read_taught
from sendguard.bootstrap.layers import Settings
from sendguard.bootstrap.signed_policy import SignedPolicy
from sendguard.guard.account import Account
from sendguard.guard.intake import Intake
from sendguard.guard.judge import Judge, Judgement
from sendguard.guard.rules import organisation_of, rules_of
from sendguard.mail.message import Message, read_message
from sendguard.mail.submission import Envelope, Hook
from sendguard.settings.values import Values
from sendguard.storage.places import Places
from sendguard.wording.catalogue import Catalogue, here_and_now
from sendguard.wording.sentences import Sentences


class WrongInput(Exception):
    """Something a person gave is not right; the message says what and what to do."""


def sentences(values: Values | None = None) -> Sentences:
    """Sentences in the person's language."""
    values = values or _settings()
    return Sentences(Catalogue.for_language(values.text("Language")))


def judge_once(
    raw: bytes, recipients: tuple[str, ...], own: tuple[str, ...], original: bytes | None, directory: Path | None
) -> Judgement:
    """Judge one message outside any hook. Raises WrongInput for a directory that cannot be read."""
    values = _settings()
    account = Account("command line", own)
    first = read_message(original, with_body=False) if original is not None else None
    intake = Intake(account, Hook.COMMAND_LINE, _TheOriginal(first))
    sender = own[0] if own else ""
    submission = intake.submission(raw, Envelope.of(sender, recipients) if recipients else None)
    resolver = _resolver(values, directory)
    try:
        return Judge(resolver.resolve, lambda: rules_of(values, here_and_now()), _NothingSeen(), here_and_now).judge(
            submission
        )
    finally:
        resolver.close()


def count_once(addresses: tuple[str, ...], directory: Path) -> Audience:
    """Count the people behind addresses. Raises WrongInput for a directory that cannot be read."""
    resolver = _resolver(_settings(), directory)
    try:
        return resolver.resolve(Query(addresses))
    finally:
        resolver.close()


def _resolver(values: Values, directory: Path | None) -> Resolver:
    from sendguard.directories.opening import directory_at

    path = directory or (Path(values.text("Directory")) if values.text("Directory") else None)
    sources: list[Source] = [read_taught(values.lines("KnownLists"))]
    try:
        if path:
            found = directory_at(path)
            found.load()
            sources.append(found)
    except SourceFailed as error:
        raise WrongInput(f"The directory {path} cannot be read: {error}.") from error
    return Resolver(
        sources,
        Signs(values.lines("ListPatterns")),
        organisation=organisation_of(values),
        deadline=values.number("LookupDeadline") / 1000,
        disagreement=values.number("DisagreementPercent") / 100,
    )


def _settings() -> Values:
    return settings_here().values


def settings_here() -> Settings:
    """Every layer of settings of this user on this machine."""
    from sendguard.system.managed import policy_here

    places = Places.of_this_user()
    return Settings(places.settings, policy_here(), SignedPolicy(places.policy, here_and_now))


class _TheOriginal:
    """The one original that was named."""

    def __init__(self, original: Message | None) -> None:
        self._original = original

    def find(self, account: str, message: Message) -> Message | None:
        return self._original


class _NothingSeen:
    """No list was ever seen before: for judging outside the running SendGuard."""

    def last(self, addresses: tuple[str, ...], now: datetime) -> Mapping[str, Seen]:
        return {}

    def remember(self, sizes: Mapping[str, int], at: datetime, *, answered: bool) -> None:
        pass
