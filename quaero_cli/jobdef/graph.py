"""What depends on what: orders, cycles and ancestors. Iterative throughout: a chain may hold thousands of steps."""

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

Depends = Mapping[str, Sequence[str]]  # step -> what must come before it


def topological_order(depends: Depends) -> list[str]:
    """Return the steps so that each comes after all it depends on. Raises graphlib.CycleError."""
    return list(TopologicalSorter(depends).static_order())


def find_cycle(depends: Depends) -> list[str] | None:
    """Return a cycle, each step followed by one that it depends on, the first one repeated at the end; or None."""
    try:
        TopologicalSorter(depends).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        return cycle[::-1]  # the library's order is that of execution
    return None


def reachable(start: Iterable[str], edges: Mapping[str, Iterable[str]]) -> set[str]:
    """Return everything that can be reached from `start` over `edges`, `start` itself only by a cycle."""
    found: set[str] = set()
    waiting = [node for name in start for node in edges.get(name, ())]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(edges.get(node, ()))
    return found


def dependents(depends: Depends) -> dict[str, list[str]]:
    """Return the edges turned round: step -> the steps that name it in their `depends`."""
    turned: dict[str, list[str]] = {name: [] for name in depends}
    for name, before in depends.items():
        for other in before:
            turned[other].append(name)
    return turned
