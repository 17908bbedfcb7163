"""Channels: which of them can influence which, and where grouped layers in a row keep them apart.

From a tensor whose channels are taken as they come (the origin: an input, or the output of a dense layer), the components are
followed: channels that have an origin channel in common, directly or through one another, belong together. A grouped layer
joins what its groups read; a shuffle moves channels; a dense layer joins everything and is the next origin.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from planner.geometry import All, AxisMap, Cells, Grouped, all_cells
from planner.plan import Plan, Step

MOST_CHANNELS = 1 << 14
"""Tensors with more channels are not followed."""


@dataclass(frozen=True, slots=True)
class Component:
    """Channels of a tensor that hang together, and the channels of the origin that they come from."""

    origin: Cells
    own: Cells


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a tensor's channels come from: the origin's step and output, the grouped steps since, and the components.

    `components` is None while every channel is still its own.
    """

    origin: tuple[int, int]
    grouped: tuple[int, ...] = ()
    components: tuple[Component, ...] | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """Grouped steps in a row that never mix: from the origin on, the channels fall into `components` that share nothing.

    steps       the grouped steps in order; the last one is where it shows
    mixed_by    the step that mixes them at last; None where nothing does before the outputs
    """

    steps: tuple[int, ...]
    components: tuple[Component, ...]
    mixed_by: int | None


def lineages(plan: Plan) -> list[tuple[Lineage, ...]]:
    """The lineage of every output of every step; empty for a step that is not planned."""
    found: list[tuple[Lineage, ...]] = []
    for i, step in enumerate(plan.steps):
        if step.facts is None:
            found.append(())
            continue
        own = tuple(Lineage((i, output)) for output in range(len(step.outputs)))
        if not step.is_input:
            sources = [found[ref.step][ref.output or 0] for ref in step.sources]
            own = tuple(_through(i, step, output, sources) or own[output] for output in range(len(step.outputs)))
        found.append(own)
    return found


def never_mixed(plan: Plan) -> list[Kept]:
    """Every run of two or more grouped steps behind which channels are still apart, the longest run of each row only."""
    known = lineages(plan)
    runs: dict[tuple[int, ...], Kept] = {}
    for i, step in enumerate(plan.steps):
        for lineage in known[i]:
            if len(lineage.grouped) > 1 and lineage.grouped[-1] == i and lineage.components and len(lineage.components) > 1:
                runs.pop(lineage.grouped[:-1], None)
                runs[lineage.grouped] = Kept(lineage.grouped, lineage.components, _mixer(plan, known, i))
    return list(runs.values())


def _mixer(plan: Plan, known: list[tuple[Lineage, ...]], start: int) -> int | None:
    """The first step behind `start` at which a new origin begins because channels are joined."""
    reached = {start}
    for i in range(start + 1, len(plan.steps)):
        if any(ref.step in reached for ref in plan.steps[i].sources):
            if known[i] and all(lineage.origin[0] == i for lineage in known[i]):
                return i
            reached.add(i)
    return None


def _through(i: int, step: Step, output: int, sources: list[Lineage]) -> Lineage | None:
    """The lineage behind a step; None where it is an origin of its own."""
    links = step.links[output]
    if not links or max(step.outputs[output].channels, *(x.channels for x in step.inputs)) > MOST_CHANNELS:
        return None
    moved = [
        _moved(i, lineage, link.channels, x.channels, step.outputs[output].channels)
        for lineage, link, x in zip(sources, links, step.inputs, strict=True)
    ]
    first = moved[0]
    if len(moved) == 1 or first is None:
        return first
    for other in moved[1:]:
        if other is None or other.origin != first.origin:
            return None
        first = _joined(first, other, step.outputs[output].channels)
    return first


def _moved(i: int, lineage: Lineage, channels: AxisMap, n: int, m: int) -> Lineage | None:
    """The lineage of one source as a step's output carries it on."""
    if channels.keeps:
        return lineage
    if isinstance(channels, All):
        return None
    parts = _components(lineage, n)
    reading = [(_union(each.origin for each in parts if each.own & reads), writes) for reads, writes in _groups(channels, n, m)]
    grouped = (*lineage.grouped, i) if isinstance(channels, Grouped) else lineage.grouped
    return _mixed(Lineage(lineage.origin, grouped), reading)


def _groups(channels: AxisMap, n: int, m: int) -> list[tuple[Cells, Cells]]:
    """Which channels are read together, and which are written from them."""
    if isinstance(channels, Grouped):
        wide, narrow = n // channels.groups, m // channels.groups
        return [(all_cells(wide) << g * wide, all_cells(narrow) << g * narrow) for g in range(channels.groups)]
    return [(channels.reads(1 << o, n), 1 << o) for o in range(m)]


def _components(lineage: Lineage, n: int) -> tuple[Component, ...]:
    if lineage.components is not None:
        return lineage.components
    return tuple(Component(1 << c, 1 << c) for c in range(n))


def _joined(a: Lineage, b: Lineage, n: int) -> Lineage | None:
    """The lineage of a sum, channel by channel, of two tensors with one origin."""
    grouped = a.grouped if len(a.grouped) >= len(b.grouped) else b.grouped
    if a.components is None and b.components is None:
        return a
    return _mixed(Lineage(a.origin, grouped), [(c.origin, c.own) for each in (a, b) for c in _components(each, n)])


def _mixed(lineage: Lineage, parts: list[tuple[Cells, Cells]]) -> Lineage | None:
    """The lineage with parts that share origin or own channels joined; None where a single one is left."""
    joined: list[Component] = []
    for origin, own in parts:
        apart = []
        for each in joined:
            if each.origin & origin or each.own & own:
                origin, own = origin | each.origin, own | each.own
            else:
                apart.append(each)
        joined = [*apart, Component(origin, own)]
    return Lineage(lineage.origin, lineage.grouped, tuple(joined)) if len(joined) > 1 else None


def _union(sets: Iterable[Cells]) -> Cells:
    together = 0
    for cells in sets:
        together |= cells
    return together
