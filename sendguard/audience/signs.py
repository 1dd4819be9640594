"""Signs that an address is a mailing list, where no source knows it."""

from dataclasses import dataclass

from sendguard.audience.patterns import matches
from sendguard.audience.source import Query

DEFAULT_PATTERNS = (
    "all", "all-*", "*-all", "all.*", "*.all", "everyone", "everyone-*", "everybody", "allstaff", "all_*",
    "*-staff", "*.staff", "staff", "*-list", "*-users", "*-announce", "*-discuss",
    "alle", "alle-*", "*-alle", "mitarbeiter", "mitarbeitende", "belegschaft", "verteiler-*", "*-verteiler",
    "*@lists.*", "*@list.*", "*@listserv.*", "*@groups.*", "*@googlegroups.com",
)  # fmt: skip
"""Name patterns that make an unknown address a list of unknown size; a setting."""

STRONG = frozenset({"list_post"})
"""Signs that weigh more than a source which takes the address for a person: the list itself said so."""


@dataclass(frozen=True, slots=True)
class Signs:
    """The name patterns in force."""

    patterns: tuple[str, ...] = DEFAULT_PATTERNS

    def hint(self, address: str, query: Query) -> str:
        """Why a normalised address is to be taken for a list; empty where nothing says so.

        ``list_post``: the original names it as its posting address. ``list_mail``: the original came through a list
        and was addressed to it. ``name_pattern``: its name is one that lists have.
        """
        signs = query.list_signs
        if address in signs.addresses or (signs.list_id and address.replace("@", ".") == signs.list_id):
            return "list_post"
        if signs and not signs.addresses and address in query.original_addresses:
            return "list_mail"
        return "name_pattern" if has_list_name(address, self.patterns) else ""


def has_list_name(address: str, patterns: tuple[str, ...]) -> bool:
    """Whether the name is one that lists have."""
    return any(matches(address, pattern) for pattern in patterns)
