"""FindItem: what a folder holds, searched, sorted and in pages of at most a thousand."""

from collections.abc import Callable

from tests.servers.exchange.answers import Refused, for_each
from tests.servers.exchange.calls import Call
from tests.servers.exchange.shapes import show_item, text
from tests.servers.exchange.store import Item
from tests.servers.exchange.xml import E, Node

PAGE = 1000
"""EWSFindCountLimit: an answer never has more items."""

_COMPARE: dict[str, Callable[[str, str], bool]] = {
    "t:IsEqualTo": lambda a, b: a == b,
    "t:IsNotEqualTo": lambda a, b: a != b,
    "t:IsGreaterThan": lambda a, b: a > b,
    "t:IsGreaterThanOrEqualTo": lambda a, b: a >= b,
    "t:IsLessThan": lambda a, b: a < b,
    "t:IsLessThanOrEqualTo": lambda a, b: a <= b,
}


def find(call: Call) -> Node:
    """Show a page of every folder named."""
    shape = call.body.need("m:ItemShape")
    if call.body.get("m:QueryString"):
        raise Refused("ErrorInvalidOperation", "The test Exchange has no search index.")

    def show(node: Node) -> list[Node]:
        found = [item for item in call.mailbox.contents(call.folder(node)) if _passes(item, call)][::-1]
        found = _sorted(found, call.body.get("m:SortOrder"))
        offset, limit = _page(call.body.get("m:IndexedPageItemView"))
        page = found[offset : offset + limit]
        count = {
            "IndexedPagingOffset": str(offset + len(page)),
            "TotalItemsInView": str(len(found)),
            "IncludesLastItemInRange": str(offset + len(page) >= len(found)).lower(),
        }
        return [E("m:RootFolder", E("t:Items", *(show_item(each, shape, in_list=True) for each in page)), **count)]

    return for_each("FindItem", call.body.need("m:ParentFolderIds").children, show)


def matches(search: Node, reads: Callable[[Node], str]) -> bool:
    """Tell whether something is what a restriction looks for; ``reads`` gives the text of one of its fields."""
    if search.name == "t:And":
        return all(matches(each, reads) for each in search.children)
    if search.name == "t:Or":
        return any(matches(each, reads) for each in search.children)
    if search.name == "t:Not":
        return not matches(search.children[0], reads)
    value = reads(search.children[0])
    if search.name == "t:Exists":
        return bool(value)
    if search.name == "t:Contains":
        return _contains(value, search)
    other = search.children[1].children[0]
    return _COMPARE[search.name](value, other.attributes.get("Value", "") or reads(other))


def _passes(item: Item, call: Call) -> bool:
    restriction = call.body.get("m:Restriction")
    return restriction is None or matches(restriction.children[0], lambda field: text(item, field))


def _contains(value: str, search: Node) -> bool:
    wanted = search.need("t:Constant").attributes["Value"]
    if "IgnoreCase" in search.attributes.get("ContainmentComparison", ""):
        value, wanted = value.lower(), wanted.lower()
    mode = search.attributes.get("ContainmentMode", "Substring")
    return {"FullString": value == wanted, "Prefixed": value.startswith(wanted)}.get(mode, wanted in value)


def _sorted(items: list[Item], order: Node | None) -> list[Item]:
    """Newest first without an order; else by every field given, the last one first, as sorting is stable."""
    for field in reversed(order.children if order else []):
        values = {item: text(item, field.children[0]) for item in items}
        items = sorted(items, key=values.__getitem__, reverse=field.attributes["Order"] == "Descending")
    return items


def _page(view: Node | None) -> tuple[int, int]:
    if view is None:
        return 0, PAGE
    return int(view.attributes["Offset"]), min(PAGE, int(view.attributes.get("MaxEntriesReturned", PAGE)))
