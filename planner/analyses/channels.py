"""Channels: which channels can influence which, and where grouped layers in a row keep channels apart.

From a tensor whose channels are taken as they come (the origin: an input, or the output of a layer that reads them
all), the analysis follows which of the origin's channels each later channel depends on. Channels that have one in
common, directly or through one another, belong together; where all of them do, the next origin begins.
"""

from __future__ import annotations

from functools import lru_cache, reduce
from operator import or_
from typing import NamedTuple

from planner.cells import bits
from planner.geometry import All, AxisMap, Grouped, Shift
from planner.plan import Plan, Step

MOST_CHANNELS = 1 << 14
"""Tensors with more channels are not followed."""

Bits = int
"""A set of channels, as bits."""

Dependences = tuple[Bits, ...]
"""For each channel of a tensor, a set of channels of another one, or of components."""


class Component(NamedTuple):
    """Channels of a tensor that hang together, and the channels of the origin that they depend on."""

    origin: Bits
    own: Bits


class StepChain(NamedTuple):
    """A chain of steps, kept as its last step and the chain before it."""

    last: int
    before: StepChain | None
    length: int

    @property
    def steps(self) -> tuple[int, ...]:
        found, row = [self.last], self.before
        while row is not None:
            found.append(row.last)
            row = row.before
        return tuple(reversed(found))


class Lineage(NamedTuple):
    """Where a tensor's channels come from.

    origin   the step and the output whose channels are followed
    grouped  the grouped steps since then
    seen     which of the origin's channels each channel depends on; None while each is the one of its own number
    """

    origin: tuple[int, int]
    grouped: StepChain | None = None
    seen: Dependences | None = None

    def of(self, channels: int) -> Dependences:
        """For each of a tensor's channels, the channels of the origin that it depends on."""
        return self.seen if self.seen is not None else _each(channels)


class Kept(NamedTuple):
    """Grouped steps in a row that never mix: the origin's channels fall into `components` that share nothing.

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
        sources = [found[ref.step][ref.output] for ref in step.sources] if step.facts else []
        own = [Lineage((i, output)) for output in range(len(step.outputs))]
        if not step.is_input:
            own = [_through(i, step, output, sources) or begun for output, begun in enumerate(own)]
        found.append(tuple(own))
    return found


def never_mixed(plan: Plan) -> list[Kept]:
    """The longest rows of two or more grouped steps after which channels are still apart."""
    if sum(map(_is_grouped, plan.steps)) < 2:
        return []
    rows: dict[int, tuple[StepChain, Dependences]] = {}
    for i, own in enumerate(lineages(plan)):
        for lineage, shape in zip(own, plan.steps[i].outputs, strict=True):
            row = lineage.grouped
            if row and row.last == i and row.before:
                rows.pop(row.before.last, None)
                rows[i] = (row, lineage.of(shape.channels))
    kept = [(i, row, components(seen)) for i, (row, seen) in rows.items()]
    return [Kept(row.steps, apart, _mixer(plan, i, apart)) for i, row, apart in kept]


def components(seen: Dependences) -> tuple[Component, ...]:
    """The sets of channels that hang together; channels that depend on none of the origin's are left out."""
    alike: dict[Bits, Bits] = {}
    for channel, origin in enumerate(seen):
        alike[origin] = alike.get(origin, 0) | 1 << channel
    joined: list[Component] = []
    met = 0
    for origin, own in alike.items():
        if origin & met:
            for each in [each for each in joined if each.origin & origin]:
                joined.remove(each)
                origin, own = origin | each.origin, own | each.own
        if origin:
            joined.append(Component(origin, own))
        met |= origin
    return tuple(joined)


def _mixer(plan: Plan, start: int, apart: tuple[Component, ...]) -> int | None:
    """The first step with a channel that depends on two components of the channels of step `start`."""
    colours = [0] * plan.steps[start].outputs[0].channels
    for number, component in enumerate(apart):
        for channel in bits(component.own):
            colours[channel] = 1 << number
    reached = {(start, 0): tuple(colours)}
    for i, step in enumerate(plan.steps[start + 1 :], start + 1):
        for output, links in enumerate(step.links):
            m = step.outputs[output].channels
            reading = [
                (seen, link.channels, x.channels)
                for ref, link, x in zip(step.sources, links, step.inputs, strict=True)
                if (seen := reached.get(ref)) is not None and not link.empty
            ]
            if any([max(n, m) > MOST_CHANNELS for _, _, n in reading]):
                return None
            if reading:
                reached[i, output] = _united(reading, m)
                if any([colour & (colour - 1) for colour in reached[i, output]]):
                    return i
    return None


def _is_grouped(step: Step) -> bool:
    """Whether a step has weights, and some of its channels read some of a source's channels only."""
    return bool(step.weights) and any([isinstance(link.channels, Grouped) for links in step.links for link in links])


def _through(i: int, step: Step, output: int, sources: list[Lineage]) -> Lineage | None:
    """The lineage of a step's output; None where the step is a new origin."""
    m = step.outputs[output].channels
    reading = [
        (lineage, link.channels, x.channels)
        for lineage, link, x in zip(sources, step.links[output], step.inputs, strict=True)
        if not link.empty
    ]
    if len({lineage.origin for lineage, _, _ in reading}) != 1:
        return None
    first, channels, before = reading[0]
    if len(reading) == 1 and channels.keeps:
        return first
    if any([isinstance(channels, All) or max(n, m) > MOST_CHANNELS for _, channels, n in reading]):
        return None
    seen = _united([(lineage.of(n), channels, n) for lineage, channels, n in reading], m)
    if m == 1 or (seen is not first.of(before) and len(components(seen)) < 2):
        return None
    row = max([lineage.grouped for lineage, _, _ in reading], key=lambda row: row.length if row else 0)
    if step.weights and isinstance(channels, Grouped):
        row = StepChain(i, row, row.length + 1 if row else 1)
    return Lineage(first.origin, row, seen)


def _passed(seen: Dependences, channels: AxisMap, n: int, m: int) -> Dependences:
    """For each of a layer's m output channels, the origin's channels that it depends on; `seen` is of its n inputs."""
    if channels.keeps:
        return seen
    if isinstance(channels, All):
        return (reduce(or_, seen),) * m
    if isinstance(channels, Grouped):
        if channels.groups == n == m:
            return seen
        wide, narrow = n // channels.groups, m // channels.groups
        groups = [reduce(or_, seen[g * wide : (g + 1) * wide]) for g in range(channels.groups)]
        return tuple([together for together in groups for _ in range(narrow)])
    return tuple([reduce(or_, [seen[i] for i in read], 0) for read in _read(channels, n, m)])


@lru_cache(maxsize=256)
def _read(channels: AxisMap, n: int, m: int) -> tuple[tuple[int, ...], ...]:
    """Which channels each output channel reads."""
    return tuple([tuple(bits(channels.reads(1 << o, n))) for o in range(m)])


@lru_cache(maxsize=64)
def _each(channels: int) -> Dependences:
    """The dependences of channels that depend on themselves alone."""
    return tuple([1 << channel for channel in range(channels)])


def _united(reading: list[tuple[Dependences, AxisMap, int]], m: int) -> Dependences:
    """For each of m output channels, the origin's channels that it depends on through any of several inputs."""
    if len(reading) == 1:
        return _passed(*reading[0], m)
    together: list[Bits] = [0] * m
    for seen, channels, n in reading:
        first = 0
        if isinstance(channels, Shift):  # a tensor of a concatenation: its own channels alone are looked at
            first, passed = max(channels.before, 0), seen[max(-channels.before, 0) : n + min(channels.after, 0)]
        else:
            passed = _passed(seen, channels, n, m)
        for o, each in enumerate(passed, first):
            together[o] |= each
    return tuple(together)
