"""The desktop put together: what its windows can do, done by a running program."""

import os
import signal
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING

from sendguard.bootstrap.exchange_access import exchange_access, try_exchange
from sendguard.bootstrap.program import Program
from sendguard.bootstrap.thunderbird_access import thunderbird_access
from sendguard.desktop.application import run_desktop
from sendguard.desktop.services import (
    AuditAccess,
    DirectoryStatus,
    PathState,
    PathStatus,
    PracticeStep,
    ServerResult,
    Services,
    SignedPolicyStatus,
)
from sendguard.guard.account import Account
from sendguard.guard.ports import Asker, Secrets, SubmissionRefused, UpstreamUnreachable
from sendguard.mail.submission import Hook
from sendguard.settings.values import Values
from sendguard.storage.files import load_accounts, save_accounts
from sendguard.storage.places import Places
from sendguard.storage.secret import KeyringSecrets
from sendguard.system.managed import policy_here

if TYPE_CHECKING:
    from sendguard.bootstrap.audit_reading import AuditTrail

STATES = {
    "running": PathState.WORKING,
    "watching": PathState.WORKING,
    "connecting": PathState.STARTING,
    "stopped": PathState.STARTING,
}
"""How the adapters' words read on the screen; every other word is trouble."""

TROUBLES = {"refused": "login", "failed": "gate_failed"}


def run_with_accounts(places: Places) -> int:
    """Guard this person's accounts until SendGuard is quit."""

    def build(asker: Asker) -> Services:
        return services_of(Program(places, KeyringSecrets(), asker, policy=policy_here()))

    return run_desktop(build, places.make().data)


def run_practice(places: Places) -> int:
    """The practice mailbox on the screen. Once an account was added there, SendGuard starts again and guards it."""
    from sendguard.bootstrap.practice import practice  # its servers are imported where they are wanted only

    with ExitStack() as stack:

        def build(asker: Asker) -> Services:
            stage = stack.enter_context(practice(asker))
            steps = tuple(PracticeStep(chapter.title, _player(chapter.play)) for chapter in stage.story.chapters)
            return services_of(stage.program, steps, places)

        return run_desktop(build, Places.under(places.make().data / "practice").make().data, show_window=True)


def services_of(program: Program, steps: tuple[PracticeStep, ...] = (), real: Places | None = None) -> Services:
    """What the windows can do. ``real`` is where accounts are kept while ``program`` is the practice mailbox."""
    secrets = KeyringSecrets() if real else program.secrets

    def save_first_account(account: Account) -> None:
        assert real is not None  # noqa: S101 - only used with it
        save_accounts(real.accounts, (*load_accounts(real.accounts), account))
        os.kill(os.getpid(), signal.SIGTERM)  # the practice ends here; see ``start``

    accounts = (lambda: load_accounts(real.accounts)) if real else program.accounts
    return Services(
        questions=program.gatekeeper,
        sentences=program.sentences,
        secrets=secrets,
        settings=lambda: program.settings.resolution,
        watch_settings=program.settings.watch,
        save_settings=program.settings.save_own,
        signed_policy=lambda: _signed_policy(program),
        load_accounts=accounts,
        save_account=save_first_account if real else program.save_account,
        delete_account=program.delete_account,
        test_connection=lambda account, passwords: try_servers(account, passwords, secrets, program.values),
        exchange=exchange_access(secrets, lambda: program.values),
        thunderbird=thunderbird_access(accounts),
        free_gate_port=_free_gate_port,
        paths=lambda: tuple(_paths(program)),
        directory=lambda: _directory(program),
        asks_exchange=lambda: program.asks_exchange,
        history=program.history,
        hindsight=program.hindsight,
        audit=_audit_access(program),
        unknown=program.unknown,
        settle=lambda record, sent: program.gatekeeper.settle(record, was_sent=sent, detail="person"),
        scheduled=program.scheduled,
        pull_back=program.pull_back,
        set_start_at_login=_set_start_at_login,
        start=program.start,
        stop=program.stop,
        practice=steps,
    )


def try_servers(
    account: Account, passwords: Mapping[str, str], secrets: Secrets, values: Values
) -> tuple[ServerResult, ...]:
    """Log in to each server of an account; blocks until each has answered or timed out."""
    results: list[ServerResult] = []
    if account.exchange is not None:
        results.append(ServerResult("exchange", try_exchange(account, passwords.get("exchange", ""), secrets, values)))
    if account.imap is not None:
        from sendguard.imap.check import check_connection as try_imap

        results.append(ServerResult("imap", try_imap(account.imap, passwords.get("imap", "")).trouble))
    if account.smtp is not None:
        from sendguard.smtp.submitter import check_connection as try_smtp

        trouble = ""
        try:
            try_smtp(account.smtp, passwords.get("smtp", ""))
        except UpstreamUnreachable as error:
            trouble = error.why
        except SubmissionRefused as error:
            trouble = f"upstream_{error.code}"
        results.append(ServerResult("smtp", trouble))
    return tuple(results)


def _audit_access(program: Program) -> AuditAccess:
    @cache
    def trail() -> "AuditTrail":
        from sendguard.bootstrap.audit_reading import AuditTrail

        return AuditTrail(program.places)

    return AuditAccess(
        lambda most: trail().latest(most), lambda place: trail().export(place), lambda: program.audit.troubles
    )


def _paths(program: Program) -> list[PathStatus]:
    found: list[PathStatus] = []
    for paths in program.paths():
        for hook, path in paths.running.items():
            state = STATES.get(path.state, PathState.TROUBLE)
            detail = TROUBLES.get(path.state, path.state) if state is PathState.TROUBLE else ""
            found.append(_status(paths.account, hook, state, detail))
        found += (_status(paths.account, hook, PathState.TROUBLE, code) for hook, code in paths.failed.items())
    from sendguard.bootstrap.thunderbird import is_found_by_thunderbird

    if program.thunderbird.thunderbirds or is_found_by_thunderbird(program.places):
        found.append(_addon_status(program))
    return found


def _addon_status(program: Program) -> PathStatus:
    """The add-on's path. While no Thunderbird runs, nobody is connected, and that is nothing wrong."""
    state = STATES.get(program.thunderbird.state, PathState.TROUBLE)
    detail = program.thunderbird.state if state is PathState.TROUBLE else ""
    return PathStatus("Thunderbird", Hook.THUNDERBIRD, Hook.THUNDERBIRD.blocks, state, detail)


def _signed_policy(program: Program) -> SignedPolicyStatus | None:
    standing = program.signed_policy.standing
    if standing is None:
        return None
    return SignedPolicyStatus(standing.not_before, standing.expires, standing.checked_at, standing.trouble)


def _directory(program: Program) -> DirectoryStatus | None:
    standing = program.directory()
    if standing is None:
        return None
    if standing.header is None:
        return DirectoryStatus(expires=standing.expires, trouble=standing.trouble)
    header = standing.header
    return DirectoryStatus(header.people, header.lists, header.made_at, standing.expires, standing.trouble)


def _status(account: Account, hook: Hook, state: PathState, detail: str) -> PathStatus:
    place = {
        Hook.SMTP_GATE: f"127.0.0.1:{account.gate_port}",
        Hook.EWS_GATE: f"127.0.0.1:{account.ews_gate_port}",
        Hook.IMAP_OUTBOX: account.outbox,
        Hook.EWS_OUTBOX: account.outbox,
    }
    return PathStatus(account.name, hook, hook.blocks, state, detail, place.get(hook, ""))


def _player(scene: Callable[[], object]) -> Callable[[], None]:
    def play() -> None:
        scene()

    return play


def _free_gate_port() -> int:
    from sendguard.gate.loopback import choose_port

    return choose_port()


def _set_start_at_login(on: bool) -> bool:
    from sendguard.system.autostart import autostart_here

    return autostart_here().set(on)
