"""Puts people of one unit together, whatever order a server gives them in."""

from array import array

from sendguard.audience.draft import Draft
from sendguard.directories.ldap.names import tree_order


class Units:
    """Remembers the unit of each person declared from now on: four octets a person, and the units' names."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._before = len(draft.people)
        self._numbers: dict[str, int] = {}
        self._unit_of = array("I")

    def declared(self, unit: str) -> None:
        """Somebody of this unit was declared just now, or had been known before."""
        if len(self._draft.people) > self._before + len(self._unit_of):
            self._unit_of.append(self._numbers.setdefault(unit, len(self._numbers)))

    def put_together(self) -> None:
        """Order those people by their units' places in the tree, unless each unit stands together already."""
        units = self._unit_of
        runs = sum(1 for at in range(1, len(units)) if units[at] != units[at - 1]) + bool(units)
        if runs == len(self._numbers):
            return
        names = sorted(self._numbers, key=tree_order)
        rank = array("I", bytes(4 * len(names)))
        for place, name in enumerate(names):
            rank[self._numbers[name]] = place
        people = list(self._draft.people)
        order = sorted(range(len(units)), key=lambda at: rank[units[at]])
        self._draft.people.clear()
        self._draft.people.update(dict.fromkeys(people[: self._before]))
        self._draft.people.update(dict.fromkeys(people[self._before + at] for at in order))
        self._draft.people.update(dict.fromkeys(people[self._before + len(units) :]))
