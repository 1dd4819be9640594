"""How many people, how that is known, and through which lists."""

from datetime import datetime

from sendguard.audience.audience import AddressKind, Audience, Part
from sendguard.audience.count import SMALLEST_LIST, Basis, Count
from sendguard.settings.setting import N_
from sendguard.wording.catalogue import Catalogue
from sendguard.wording.hostile import shown, shown_address

_HOW_KNOWN = {
    Basis.EXACT: N_("Exact"),
    Basis.ASSUMED: N_("Assumed: each address is taken for one person"),
    Basis.AT_MOST: N_("At most: somebody may be on more than one of the lists"),
    Basis.ESTIMATE: N_("An estimate"),
    Basis.AT_LEAST: N_("At least: there may be many more"),
    Basis.UNKNOWN: N_("Unknown: no directory could say how large a list is"),
}

SOURCES = {"directory": N_("the organisation's directory"), "taught": N_("what you said yourself")}
"""The sources with a name of their own; any other is shown as it is."""


def people(say: Catalogue, count: Count) -> str:
    """A count in words: ``up to 412 people``. Never a bare number where it is not exact or assumed."""
    match count.basis:
        case Basis.EXACT | Basis.ASSUMED:
            return persons(say, count.low)
        case Basis.AT_MOST:
            return say.plural("up to {n} person", "up to {n} people", count.high or 0)
        case Basis.ESTIMATE:
            return say.plural("about {n} person", "about {n} people", count.high or 0)
        case Basis.AT_LEAST:
            return say.plural("at least {n} person", "at least {n} people", count.low)
        case Basis.UNKNOWN if count.low <= SMALLEST_LIST:
            return say.text("nobody knows how many people")
        case Basis.UNKNOWN:
            return say.plural(
                "at least {n} person, and a list of unknown size",
                "at least {n} people, and a list of unknown size",
                count.low,
            )


def reaches(say: Catalogue, count: Count) -> str:
    """``reaches 850,112 people``; where nobody knows, that."""
    if count.basis is Basis.UNKNOWN and count.low <= SMALLEST_LIST:
        return people(say, count)
    return say.text("reaches {people}", people=people(say, count))


def persons(say: Catalogue, n: int) -> str:
    """A plain number of people."""
    return say.plural("{n} person", "{n} people", n)


def send_to(say: Catalogue, count: Count) -> str:
    """The label of the button that sends: it names the consequence."""
    match count.basis:
        case Basis.EXACT | Basis.ASSUMED:
            return say.plural("Send to {n} person", "Send to {n} people", count.low)
        case Basis.AT_MOST:
            return say.plural("Send to up to {n} person", "Send to up to {n} people", count.high or 0)
        case Basis.ESTIMATE:
            return say.plural("Send to about {n} person", "Send to about {n} people", count.high or 0)
        case Basis.AT_LEAST:
            return say.plural("Send to at least {n} person", "Send to at least {n} people", count.low)
        case Basis.UNKNOWN:
            return say.text("Send to an unknown number of people")


def basis(say: Catalogue, count: Count) -> str:
    """How a count is known, whence, and how old: ``Exact · from the organisation's directory of today, 07:00``."""
    how = say.text(_HOW_KNOWN[count.basis])
    if count.basis is Basis.UNKNOWN or not count.source:
        return how
    whence = ", ".join(source(say, name) for name in count.source.split(", "))
    if count.as_of is None:
        return say.text("{how} · from {source}", how=how, source=whence)
    return say.text("{how} · from {source} of {when}", how=how, source=whence, when=say.moment(count.as_of))


def source(say: Catalogue, name: str) -> str:
    """The name of a source of sizes."""
    return say.text(SOURCES[name]) if name in SOURCES else shown(name)


def directory(say: Catalogue, people: int, lists: int, as_of: datetime) -> str:
    """``1,200,000 people, 60,000 lists · as of today, 07:00``."""
    known = (persons(say, people), say.plural("{n} list", "{n} lists", lists))
    return say.text("{known} · as of {when}", known=", ".join(known), when=say.moment(as_of))


def part(say: Catalogue, part: Part) -> str:
    """What a typed address brings, and through which lists: ``all@a.test → England → 1,204 lists · 850,112 people``."""
    if part.kind is AddressKind.PERSON:
        return shown_address(part.address)
    path = list(dict.fromkeys((part.address, *part.path)))
    steps = [shown_address(step) for step in path]
    if part.lists_inside > len(path) - 1:
        steps.append(say.plural("{n} list inside", "{n} lists inside", part.lists_inside))
    said = [" → ".join(steps), people(say, part.count)]
    if part.only is not None and part.only < part.count.low:
        said.append(say.plural("{n} only through it", "{n} only through it", part.only))
    return " · ".join(said)


def overlap(say: Catalogue, audience: Audience) -> str:
    """How many people more than one typed address reaches; empty where that is nobody, or cannot be told."""
    brought = [part.only for part in audience.parts]
    if not audience.lists or audience.count.basis is not Basis.EXACT or None in brought:
        return ""
    shared = audience.count.low - sum(only or 0 for only in brought)
    if shared <= 0:
        return ""
    return say.plural(
        "{n} person is reached more than once, and counted once",
        "{n} people are reached more than once, and counted once",
        shared,
    )
