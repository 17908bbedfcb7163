"""Channels: which of them can influence which, and where grouped layers in a row keep them apart.

From a tensor whose channels are taken as they come (the origin: an input, or the output of a dense layer), the components are
followed: channels that have an origin channel in common, directly or through one another, belong together. A grouped layer
joins what its groups read; a shuffle moves channels; a dense layer joins everything and is the next origin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from planner.geometry import All, AxisMap, Cells, Grouped, bits
from planner.plan import Plan, Step

MOST_CHANNELS = 1 << 14
"""Tensors with more channels are not followed."""


@dataclass(frozen=True, slots=True)
class Component:
    """Channels of a tensor that hang together, and the channels of the origin that they come from."""

    origin: Cells
    own: Cells


Labels = tuple[int, ...]
"""For each channel, the number of its component."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a tensor's channels come from: the origin's step and output, the grouped steps since, and the components.

    The components are numbered; `own` has the number of each channel of the tensor, `from_origin` that of each channel of
    the origin. Both are None while every channel is still its own.
    """

    origin: tuple[int, int]
    grouped: tuple[int, ...] = ()
    own: Labels | None = None
    from_origin: Labels | None = None

    @property
    def components(self) -> tuple[Component, ...]:
        """The components, by their first channel."""
        if self.own is None or self.from_origin is None:
            return ()
        numbers = dict.fromkeys(self.own)
        return tuple(Component(_having(number, self.from_origin), _having(number, self.own)) for number in numbers)


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
            if len(lineage.grouped) > 1 and lineage.grouped[-1] == i:
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
    joined = moved[0]
    for other in moved[1:]:
        if joined is None or other is None or other.origin != joined.origin:
            return None
        joined = _joined(joined, other, step.outputs[output].channels)
    return joined


def _moved(i: int, lineage: Lineage, channels: AxisMap, n: int, m: int) -> Lineage | None:
    """The lineage of one source as a step's output carries it on."""
    if channels.keeps:
        return lineage
    if isinstance(channels, Grouped):
        own, from_origin = _labels(lineage, n)
        wide, narrow = n // channels.groups, m // channels.groups
        joins = _Joins()
        heads = [joins.all(own[g * wide : (g + 1) * wide]) for g in range(channels.groups)]
        labels = tuple(joins.head(heads[o // narrow]) for o in range(m))
        return _lineage(lineage.origin, (*lineage.grouped, i), labels, tuple(map(joins.head, from_origin)))
    if lineage.own is None or lineage.from_origin is None or isinstance(channels, All):
        return None
    reads = [bits(channels.reads(1 << o, n)) for o in range(m)]
    if not all(reads):
        return None
    joins = _Joins()
    heads = [joins.all([lineage.own[c] for c in each]) for each in reads]
    return _lineage(
        lineage.origin, lineage.grouped, tuple(map(joins.head, heads)), tuple(map(joins.head, lineage.from_origin))
    )


def _joined(a: Lineage, b: Lineage, n: int) -> Lineage | None:
    """The lineage of a sum, channel by channel, of two tensors with one origin."""
    if a.own is None and b.own is None:
        return a
    (own, from_origin), (other, other_origin) = _labels(a, n), _labels(b, n)
    joins = _Joins()
    shift = len(from_origin) + 1  # keeps b's numbers apart from a's; no number is larger than the origin's channels
    for x, y in (*zip(own, other, strict=True), *zip(from_origin, other_origin, strict=True)):
        joins.all((x, y + shift))
    grouped = a.grouped if len(a.grouped) >= len(b.grouped) else b.grouped
    return _lineage(a.origin, grouped, tuple(map(joins.head, own)), tuple(map(joins.head, from_origin)))


def _labels(lineage: Lineage, n: int) -> tuple[Labels, Labels]:
    if lineage.own is not None and lineage.from_origin is not None:
        return lineage.own, lineage.from_origin
    return tuple(range(n)), tuple(range(n))


def _lineage(origin: tuple[int, int], grouped: tuple[int, ...], own: Labels, from_origin: Labels) -> Lineage | None:
    """The lineage with these labels; None where a single component is left, which is a new origin."""
    return Lineage(origin, grouped, own, from_origin) if len(set(own)) > 1 else None


def _having(number: int, labels: Labels) -> Cells:
    return int("".join("1" if label == number else "0" for label in reversed(labels)), 2)


class _Joins:
    """Numbers that have become one: a union-find structure."""

    def __init__(self) -> None:
        self.above: dict[int, int] = {}

    def head(self, number: int) -> int:
        """The number that stands for all that have been joined with this one."""
        while (above := self.above.get(number, number)) != number:
            self.above[number] = self.above.get(above, above)
            number = above
        return number

    def all(self, numbers: Sequence[int]) -> int:
        """Join numbers; the head of them all."""
        first = self.head(numbers[0])
        for number in numbers[1:]:
            self.above[self.head(number)] = first
        return first
