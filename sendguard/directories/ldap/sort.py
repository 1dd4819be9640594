"""What sort of thing an entry is, by its object classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

DYNAMIC = frozenset({"groupofurls", "msexchdynamicdistributionlist"})
GROUPS = DYNAMIC | {
    "group", "groupofnames", "groupofuniquenames", "groupofmembers", "groupofentries", "mailgroup", "inetmailgroup",
    "posixgroup", "nismailalias",
}  # fmt: skip
"""Classes of lists we know. Any other that ends in "group" or "list" is taken for one too: nobody can look into it, and
so it is of unknown size rather than one person."""
PEOPLE = frozenset({"person", "organizationalperson", "inetorgperson", "user", "contact", "account", "posixaccount"})
UNITS = frozenset({
    "organizationalunit", "organization", "domain", "dcobject", "domaindns", "container", "builtindomain", "locality",
    "country", "nismap", "nscontainer",
})  # fmt: skip
"""Classes of what holds other entries and gets no mail itself."""


@dataclass(frozen=True, slots=True)
class Sort:
    """An entry may be several of them; what is a list is no person."""

    group: bool
    dynamic: bool
    person: bool
    unit: bool


def sort_of(classes: Sequence[bytes]) -> Sort:
    """Judge by the values of objectClass."""
    return _sort_of(tuple(classes))


@lru_cache(maxsize=4096)
def _sort_of(classes: tuple[bytes, ...]) -> Sort:
    named = frozenset(each.decode("ascii", "replace").strip().lower() for each in classes)
    group = bool(named & GROUPS) or any(each.endswith(("group", "list")) for each in named)
    return Sort(group, bool(named & DYNAMIC), bool(named & PEOPLE), bool(named & UNITS))
