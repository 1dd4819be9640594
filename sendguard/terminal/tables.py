"""An index, and what changed in it, as tables people can read."""

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from sendguard.audience.index.compare import Comparison, Noticed
from sendguard.audience.index.header import Header
from sendguard.audience.index.reader import Index, ListRecord

LONGEST = 40
"""Lists shown in a table, if nobody asks for all."""


def show_index(index: Index, size: int, largest: int = 10) -> None:
    """Print what an index says of itself, and its largest lists."""
    console, header = Console(), index.header
    facts = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in facts_of(header, size).items():
        facts.add_row(name, escape(value))
    console.print(facts)
    records = sorted(index.lists(), key=lambda record: (-_rank(record), record.name))
    table = Table("list", "kind", _right("people"), _right("outsiders"), title=f"The {largest} largest lists")
    for record in records[:largest]:
        table.add_row(escape(record.name), _kind(record), people(record), f"{record.outsiders:,}")
    console.print(table)


def facts_of(header: Header, size: int) -> dict[str, str]:
    """The facts about an index, by their names."""
    return {
        "made at": header.made_at.isoformat(timespec="seconds"),
        "sequence": str(header.sequence),
        "source": header.source,
        "mode": header.mode.value,
        "people": f"{header.people:,}",
        "lists": f"{header.lists:,}",
        "addresses": f"{header.addresses:,}",
        "memberships": f"{header.memberships:,}",
        "domains": ", ".join(header.domains) or "(none: an unknown address is taken for one person)",
        "size": f"{size:,} octets",
    }


def show_comparison(found: Comparison, warnings: Iterable[Noticed], *, everything: bool = False) -> None:
    """Print what changed between two indexes, the list that has grown most first."""
    console = Console()
    if found.joined is not None:
        console.print(f"{found.joined:,} people joined, {found.left:,} left; {found.people:,} now")
    else:
        console.print(f"{found.people:,} people now; who joined and left cannot be told between these two")
    table = Table("list", _right("before"), _right("after"), _right("joined"), _right("left"))
    shown = found.changes if everything else found.changes[:LONGEST]
    for change in shown:
        table.add_row(escape(change.name), _side(change.before, "new"), _side(change.after, "gone"),
                      _number(change.joined), _number(change.left))  # fmt: skip
    if found.changes:
        console.print(table)
    if len(found.changes) > len(shown):
        console.print(f"… and {len(found.changes) - len(shown):,} more lists that changed (--all shows them)")
    for each in warnings:
        console.print(f"[bold]warning:[/bold] {escape(warning(each))}")


def warning(noticed: Noticed) -> str:
    """A warning in a sentence."""
    before = f"{noticed.before:,}" if noticed.before is not None else "an unknown number of"
    if noticed.after is None:
        return f"{noticed.name} had {before} people, and nobody knows how many it has now"
    if noticed.share:
        return f"{noticed.name} reaches {noticed.after:,} people: {noticed.share:.0%} of everybody"
    return f"{noticed.name} had {before} people, it has {noticed.after:,} now"


def people(record: ListRecord) -> str:
    """A list's size, with how it is known."""
    if record.high is None:
        return f"unknown, at least {record.low:,}" if record.low else "unknown"
    return f"{record.low:,}" if record.low == record.high else f"up to {record.high:,}"


def _side(record: ListRecord | None, missing: str) -> str:
    return people(record) if record is not None else missing


def _kind(record: ListRecord) -> str:
    return f"{record.kind.value.replace('_', ' ')}{', members hidden' if record.hidden else ''}"


def _number(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _rank(record: ListRecord) -> int:
    return record.low if record.high is None else record.high


def _right(title: str) -> Column:
    return Column(title, justify="right")
