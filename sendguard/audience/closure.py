"""Everything a list reaches through the lists in it, cycles included."""

from collections.abc import Iterator, Sequence

from pyroaring import BitMap


def components(nested: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Give the groups of lists that contain one another (Tarjan 1972), those inside before those around them.

    ``nested[n]`` are the lists directly in list ``n``. A list in no cycle is a group of its own.
    """
    order = [0] * len(nested)
    lowest = [0] * len(nested)
    on_stack = bytearray(len(nested))
    position = [0] * len(nested)
    stack: list[int] = []
    count = 0
    for root in range(len(nested)):
        if order[root]:
            continue
        work: list[tuple[int, Iterator[int]]] = []
        entering: int | None = root
        while work or entering is not None:
            if entering is not None:
                count += 1
                order[entering] = lowest[entering] = count
                position[entering] = len(stack)
                stack.append(entering)
                on_stack[entering] = 1
                work.append((entering, iter(nested[entering])))
                entering = None
            node, children = work[-1]
            for child in children:
                if not order[child]:
                    entering = child
                    break
                if on_stack[child]:
                    lowest[node] = min(lowest[node], order[child])
            if entering is not None:
                continue
            work.pop()
            if work:
                lowest[work[-1][0]] = min(lowest[work[-1][0]], lowest[node])
            if lowest[node] == order[node]:
                group = stack[position[node] :]
                del stack[position[node] :]
                for each in group:
                    on_stack[each] = 0
                yield group


def close(nested: Sequence[Sequence[int]], own: Sequence[BitMap]) -> list[BitMap]:
    """Unite each list's own set with those of all lists it reaches. Lists of one cycle share one result."""
    closed: list[BitMap] = [BitMap()] * len(nested)
    for group in components(nested):
        inside = {child for each in group for child in nested[each]}
        inside.difference_update(group)
        if len(group) == 1 and not inside:
            closed[group[0]] = own[group[0]]
            continue
        united = BitMap.union(*(own[each] for each in group), *(closed[child] for child in inside))
        for each in group:
            closed[each] = united
    return closed
