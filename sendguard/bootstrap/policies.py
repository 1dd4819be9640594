"""``sendguard policy``: what is in force, and whether IT's files are right."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from sendguard.bootstrap.once import sentences, settings_here
from sendguard.bootstrap.policy_files import read_offers
from sendguard.settings.layers import Resolution, Resolved, resolve
from sendguard.wording.sentences import Sentences


def in_force() -> Resolution:
    """Every setting of this user on this machine."""
    return settings_here().resolution


def shown(resolution: Resolution, *, everything: bool) -> Iterator[str]:
    """What is in force, in lines. What is built in and has no problem is only counted, unless ``everything``."""
    say = sentences(resolution.values)
    yield say.standing(resolution)
    for fault in resolution.faults:
        if fault.name not in resolution.by_name:
            yield f"! {say.settings_fault(fault)}"
    listed = [each for each in resolution.by_name.values() if everything or each.is_noteworthy]
    for resolved in listed:
        yield from _lines(say, resolved)
    if left := len(resolution.by_name) - len(listed):
        yield say.catalogue.plural(
            "{n} other setting has its built-in value.", "{n} other settings have their built-in values.", left
        )


def _lines(say: Sentences, resolved: Resolved) -> Iterator[str]:
    value = say.value(resolved.setting, resolved.value).replace("\n", ", ")
    yield f"{resolved.setting.name} = {value}"
    yield f"    {say.layer(resolved.layer, resolved.source)}"
    for said in resolved.overridden:
        words = say.overridden(resolved.setting, said)
        yield "    " + say.catalogue.text("overrides {what}", what=words)
    for fault in resolved.faults:
        yield f"    ! {say.settings_fault(fault)}"


def check_files(paths: Iterable[Path]) -> list[str]:
    """What is wrong with files that are to be deployed, a line each. Raises WrongInput for one that is not there."""
    say = sentences()
    return [say.settings_fault(fault) for path in paths for fault in resolve(read_offers(path)).faults]
