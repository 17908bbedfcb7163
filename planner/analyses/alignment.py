"""Alignment: where branches meet, how far apart the places are that they look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import combinations

from planner.analyses.receptive_field import AxisField, Fields, fields_of_sources
from planner.layers._layer import axis_name
from planner.plan import Plan, Step

MOST_TRACED = 100
"""Findings whose cause is looked for; the search walks back over the whole branch."""
MOST_PLACES = 8
"""Different places compared at one step."""

_Place = tuple[Fraction, Fraction]
"""A stride and a centre, in input cells."""


@dataclass(frozen=True)
class Apart:
    """Two branches that meet at a step and look at different places of one axis of an input.

    first, second   which of the step's sources they are
    cells           how many cells they have there
    strides         their strides in input cells
    centres         where each has the centre of its cell 0, in input cells
    cause           the first step of a branch that moves it off the fork; None where none can be named
    """

    step: Step
    input: str
    axis: str
    first: int
    second: int
    cells: int
    strides: tuple[Fraction, Fraction]
    centres: tuple[Fraction, Fraction]
    cause: str | None = None

    @cached_property
    def off(self) -> Fraction:
        """How far apart two cells of the same number look at most, in input cells: at one of the ends."""
        start = self.centres[0] - self.centres[1]
        return max(abs(start), abs(start + (self.cells - 1) * (self.strides[0] - self.strides[1])))

    @property
    def drifts(self) -> bool:
        """Whether the branches move at different strides, as behind a resize."""
        return self.strides[0] != self.strides[1]

    @cached_property
    def small(self) -> bool:
        """Whether they are nowhere further apart than half a cell of their grid or, where they drift, than one cell."""
        return self.off <= max(self.strides) if self.drifts else self.off * 2 <= self.strides[0]


def apart(plan: Plan, fields: list[tuple[Fields, ...]]) -> Iterator[list[Apart]]:
    """For every step at which branches meet out of place, the axes on which they do; the two branches that are furthest
    apart stand for all.
    """
    traced = 0
    for step in plan.steps:
        if len(step.sources) < 2 or step.facts is None:
            continue
        pairs: dict[tuple[int, int], list[tuple[int, int, Apart]]] = {}
        for source, axis, found in _pairs(plan, step, fields_of_sources(plan, fields, step)):
            pairs.setdefault((found.first, found.second), []).append((source, axis, found))
        if pairs:
            traced += 1
            worst = max(pairs.values(), key=lambda pair: max((not each.small, each.off) for *_, each in pair))
            yield [
                replace(each, cause=_cause(plan, fields, each, source, axis)) if traced <= MOST_TRACED else each
                for source, axis, each in worst
            ]


def _pairs(plan: Plan, step: Step, arriving: list[Fields]) -> Iterator[tuple[int, int, Apart]]:
    """Branches that meet out of place along an axis of an input; of those at one place, the first stands for all."""
    for source in dict.fromkeys(source for fields in arriving for source in fields):
        sizes = plan.steps[source].outputs[0].spatial
        for axis in range(len(sizes)):
            places: dict[tuple[int, _Place], int] = {}
            for k, fields in enumerate(arriving):
                onto = _lies_on(step, k, fields[source][axis]) if source in fields else None
                place = _place(fields[source][axis]) if onto is not None else None
                if onto is not None and place is not None:
                    places.setdefault((onto, place), k)
            for ((onto, x), a), ((other, y), b) in combinations([*places.items()][:MOST_PLACES], 2):
                if onto == other:
                    name, cells = axis_name(axis, len(sizes)), step.outputs[0][onto]
                    strides, centres = zip(x, y, strict=True)
                    yield source, axis, Apart(step, plan.steps[source].name, name, a, b, cells, strides, centres)


def _lies_on(step: Step, k: int, field: AxisField) -> int | None:
    """The axis of the step's output on which source k comes to lie cell on cell."""
    link = step.links[0][k]
    lies = any(along.keeps and to == field.onto for along, to in zip(link.axes, link.landing, strict=True))
    return field.onto if lies else None


def _place(field: AxisField) -> _Place | None:
    """Where a tensor lies on an input; None where it does not move over it."""
    stride, centre = field.stride, field.centre
    return (stride, centre) if stride and centre is not None else None


def _cause(plan: Plan, fields: list[tuple[Fields, ...]], found: Apart, source: int, axis: int) -> str | None:
    """The first step behind the fork at which a branch lies where the other one never does; of two, the one that has
    left the place of the fork, or else the later one.
    """

    def place(i: int) -> _Place | None:
        return _place(fields[i][0][source][axis]) if fields[i] and source in fields[i][0] else None

    ends = [found.step.sources[k].step for k in (found.first, found.second)]
    left, right = (_ancestors(plan, end) for end in ends)
    common = left & right
    if not common:
        return None
    fork = place(max(common))
    firsts = []
    for branch, other, stride in ((left, right, found.strides[0]), (right, left, found.strides[1])):
        known = {*map(place, other - common), fork}
        strides = {each[0] for each in known if each}
        strange = [(i, here) for i in sorted(branch - common) if (here := place(i)) and here not in known]
        arriving = [each for each in strange if each[1][0] == stride]
        firsts += ([each for each in strange if each[1][0] in strides] or arriving)[:1]
    moved = [i for i, here in firsts if not fork or here[1] != fork[1]] or [i for i, _ in firsts]
    return plan.steps[max(moved)].name if moved else None


def _ancestors(plan: Plan, step: int) -> set[int]:
    found, waiting = {step}, [step]
    while waiting:
        for ref in plan.steps[waiting.pop()].sources:
            if ref.step not in found:
                found.add(ref.step)
                waiting.append(ref.step)
    return found
