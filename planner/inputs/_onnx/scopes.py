"""Lists out of names: the steps of a flat graph put into the calls of modules that their names tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile

from planner.inputs._graph import Graph, GraphNode, ModuleCall

ScopePath = tuple[str, ...]
SOON = 1000
"""Steps among which the first weights of a list are looked for."""


def scoped(graph: Graph, told: Mapping[GraphNode, ScopePath]) -> None:
    """Put the steps of a graph, all of which stand in its outermost list, into lists within. A list that was left is
    opened again only for a second call of what stands in it.

    told  the modules in which steps stand; those that nothing is told of stand where those around them do
    """
    steps = graph.steps
    places = _completed(steps, told)
    leaves = {step.path for step in steps if step.path is not None}
    top = graph.top
    top.members = []
    open_: list[ModuleCall] = [top]
    left: set[ScopePath] = set()
    seen: set[str] = set()
    for i, (step, place) in enumerate(zip(steps, places, strict=True)):
        here = tuple(each.path.rpartition(".")[2] for each in open_[1:])
        kept = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(here, place, strict=False)))
        for depth in range(kept, len(here)):
            left.add(here[: depth + 1])
        del open_[kept + 1 :]
        for depth in range(kept, len(place)):
            path = place[: depth + 1]
            name = ".".join(path)
            if name in leaves or (path in left and _first_weights(steps, places, i, path) not in seen):
                break
            kind = "block" if place[depth].isdecimal() else "Sequential"  # numbered lists are mostly of one class
            open_.append(ModuleCall(name, kind, open_[-1]))
            open_[-2].members.append(open_[-1])
        if step.path is not None:
            seen.add(step.path)
        step.scope = open_[-1]
        step.scope.members.append(step)


def _first_weights(steps: Sequence[GraphNode], places: Sequence[ScopePath], start: int, path: ScopePath) -> str:
    """The name of the first weights that a list reads which begins with a step; nothing where it reads none soon."""
    for step, place in zip(steps[start : start + SOON], places[start : start + SOON], strict=True):
        if place[: len(path)] != path:
            break
        if step.path is not None:
            return step.path
    return ""


def _completed(steps: list[GraphNode], told: Mapping[GraphNode, ScopePath]) -> list[ScopePath]:
    """The place of each step: one that nothing is told of stands with the one before it where it reads only what is
    read or made there, or where the next one stands there too; else in the list that holds both.
    """
    found: list[ScopePath] = []
    following: list[ScopePath] = []
    after: ScopePath = ()
    for step in reversed(steps):
        after = told.get(step, after)
        following.append(after)
    following.reverse()
    before: ScopePath = ()
    known: set[GraphNode] = set()
    for step, after in zip(steps, following, strict=True):
        if (own := told.get(step)) is not None:
            if own != before:
                before, known = own, set()
        elif any(each.step not in known for each in step.sources) and before != after:
            both = zip(before, after, strict=False)
            own = tuple(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], both))
        else:
            own = before
        if own == before:
            known |= {step, *(each.step for each in step.sources)}
        found.append(own)
    return found
