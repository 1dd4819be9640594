"""``sendguard doctor``: how mail can leave this computer, and a proof that a send is really stopped."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

import click

from sendguard.bootstrap.once import WrongInput, sentences, settings_here
from sendguard.bootstrap.practice import practice
from sendguard.guard.account import Account
from sendguard.guard.ports import Answer
from sendguard.settings.layers import Fault
from sendguard.settings.report import problem_report
from sendguard.settings.setting import N_
from sendguard.storage.files import FileUnreadable, load_accounts
from sendguard.storage.places import Places
from sendguard.terminal.asker import TerminalAsker
from sendguard.terminal.reply import by_rule
from sendguard.thunderbird.ways_out import Guarded, ProfileFound, profiles_found


class Standing(StrEnum):
    """What SendGuard does about a path."""

    GUARDED = "guarded"
    """It really holds what is sent this way, while it runs; when it does not run, nothing leaves this way."""
    MONITORED = "monitored"
    """It sees what is sent this way, and the organisation has it ask nothing: only what is blocked by name is held."""
    WARNED = "warned"
    CLOSED = "closed"
    """Nothing leaves this way at all."""
    OPEN = "open"


STANDING_WORDS = {
    Standing.GUARDED: N_("guarded: blocks"),
    Standing.MONITORED: N_("only monitors"),
    Standing.WARNED: N_("warns only"),
    Standing.CLOSED: N_("closed: nothing leaves"),
    Standing.OPEN: N_("open: not guarded"),
}


_STANDINGS = {
    Guarded.ADDON: Standing.GUARDED,
    Guarded.GATE: Standing.GUARDED,
    Guarded.NO_GATE: Standing.CLOSED,
    Guarded.NO_SERVER: Standing.CLOSED,
    Guarded.OPEN: Standing.OPEN,
}


@dataclass(frozen=True, slots=True)
class SendPath:
    """One way mail can leave: ``what`` is a msgid with ``{name}``."""

    what: str
    name: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of the self-test: the refused message must not have arrived, the harmless one must have."""

    refused_with: int
    delivered_after_refusal: int
    delivered_at_the_end: int

    @property
    def holds(self) -> bool:
        """Whether a send was really stopped, and mail still passes."""
        return self.refused_with == 550 and self.delivered_after_refusal == 0 and self.delivered_at_the_end == 1


def examine(*, as_json: bool) -> int:
    """Print every path, what is wrong with policy, and the proof; returns 0 when the proof holds, else 1."""
    try:
        accounts = load_accounts(Places.of_this_user().accounts)
    except FileUnreadable as error:
        raise WrongInput(
            f"{error}. Until it is mended SendGuard does not start, and its gates pass no mail."
        ) from error
    resolution = settings_here().resolution
    paths = tuple(send_paths(accounts, Path.home()))
    if resolution.values.switch("MonitorOnly"):
        paths = tuple(map(_monitored, paths))
    faults = resolution.faults
    proof = prove()
    if as_json:
        found = {
            "paths": [asdict(path) for path in paths],
            "policy": [problem_report(fault) for fault in faults],
            "self_test": asdict(proof) | {"holds": proof.holds},
        }
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        for line in _in_words(paths, faults, proof):
            click.echo(line)
    return 0 if proof.holds else 1


def send_paths(accounts: tuple[Account, ...], home: Path) -> Iterator[SendPath]:
    """The paths of our accounts, of Thunderbird's profiles and of this system; and those nobody here can see."""
    for account in accounts:
        if account.smtp is not None and account.gate_port:
            yield SendPath(
                N_("SMTP gate of {name}"), f"{account.name} (127.0.0.1:{account.gate_port})", Standing.GUARDED
            )
        if account.exchange is not None and account.ews_gate_port:
            place = f"{account.name} (127.0.0.1:{account.ews_gate_port})"
            yield SendPath(N_("Exchange gate of {name}"), place, Standing.GUARDED)
        has_mailbox = account.imap is not None or account.exchange is not None
        if has_mailbox and account.outbox:
            yield SendPath(N_("Guarded outbox of {name}"), f"{account.name} ({account.outbox})", Standing.GUARDED)
        if has_mailbox and account.watch_drafts:
            yield SendPath(N_("Drafts of {name}"), account.name, Standing.WARNED)
    for found in profiles_found(home, accounts):
        yield from _out_of(found)
    if sendmail := shutil.which("sendmail", path="/usr/sbin:/usr/lib:/usr/bin"):
        yield SendPath(N_("Programs that call {name}"), sendmail, Standing.OPEN)
    yield SendPath(N_("Webmail, phones and other computers"), "", Standing.OPEN)


def _monitored(path: SendPath) -> SendPath:
    """What stands of a path where nothing is asked."""
    sees = {Standing.GUARDED, Standing.WARNED}
    return replace(path, standing=Standing.MONITORED) if path.standing in sees else path


def _out_of(found: ProfileFound) -> Iterator[SendPath]:
    """Each identity's way out of a Thunderbird profile."""
    if found.unreadable:
        yield SendPath(N_("Thunderbird's profile {name}, which cannot be read"), found.profile.name, Standing.OPEN)
    for way in found.ways:
        server = way.identity.outgoing
        place = f", {server.host}:{server.port}" if server is not None else ""
        yield SendPath(N_("Thunderbird: {name}"), f"{way.identity.address}{place}", _STANDINGS[way.guarded])


def prove() -> Proof:
    """Send two real messages through a real gate to a real server: one refused, one that nobody is asked about.

    The same gate, gatekeeper and ledger as for real mail, in front of the practice mailbox.
    """
    asker = TerminalAsker(by_rule(Answer.DONT_SEND))
    with practice(asker) as stage:
        asker.answer_to(stage.program.gatekeeper)
        stage.program.start()
        chapters = {chapter.name: chapter for chapter in stage.story.chapters}
        told = chapters["first_mail"].play()
        after = stage.delivered()
        chapters["safe_mail"].play()
        return Proof(told.code, after, stage.delivered())


def _in_words(paths: tuple[SendPath, ...], faults: tuple[Fault, ...], proof: Proof) -> Iterator[str]:
    say = sentences()
    text = say.catalogue.text
    for path in paths:
        yield f"{text(STANDING_WORDS[path.standing]):22} {text(path.what, name=path.name)}"
    yield ""
    if faults:
        yield text("Something in policy or settings is not taken. What it may have guarded has its guarding value.")
        yield from (f"  ! {say.settings_fault(fault)}" for fault in faults)
        yield ""
    if proof.holds:
        yield text("Self-test: a message to 850,112 people was refused and did not arrive; one to a colleague did.")
    else:
        yield text(
            "Self-test FAILED: a message that was refused was not stopped as it must be. Do not rely on SendGuard."
        )
