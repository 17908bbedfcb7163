"""Alignment: where branches meet, how far apart the input positions are that they look at, and whether it matters.

A branch lies on an input by its stride and by the middle of what its cell 0 sees. Two branches with the same strides
are shifted against each other by the distance of these middles; with different strides they drift. How much that
matters is told by three more numbers: the stretch that either one sees, the coarsest grid that either one goes through
after their fork (resampling from a stride of S to one of s moves cells by up to (S − s)/2), and where the stretches
end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum
from fractions import Fraction
from functools import cached_property, partial
from heapq import heapify, heappop, heappush
from itertools import combinations

from planner.analyses.moving import Moving
from planner.analyses.recall import Recall
from planner.analyses.receptive_field import AxisField, Fields, fields_of_sources
from planner.geometry import Span
from planner.layers._layer import axis_name
from planner.plan import Plan, Step, Tensor

MOST_TRACED = 100
"""Findings whose cause is looked for; the search walks back over the whole branch."""
MOST_WALKED = 200_000
"""Steps that are walked back in all to find where branches fork."""
MOST_PLACES = 8
"""Different positions that are compared at one step."""

_Position = tuple[Fraction, Fraction]
"""A stride and a centre, in input cells."""
_ONE, _OTHER, _BOTH = 1, 2, 3
"""By which of two steps a step is reached when one goes back from them."""


class Manner(IntEnum):
    """How branches lie against each other, the worst last.

    HALF     up to half a cell of their grid apart or, where they drift, up to one
    CAUSAL   one sees further back than the other, and neither sees on (or the same in reversed time)
    SHIFTED  further apart, but each sees the other's place, or resampling between their grids moves cells as far
    OUTSIDE  the middle of one lies outside of what the other sees, or they drift
    """

    HALF = 0
    CAUSAL = 1
    SHIFTED = 2
    OUTSIDE = 3


@dataclass(frozen=True)
class Apart:
    """Two branches that meet at a step and look at different places of one axis of an input.

    first, second   which of the step's sources they are
    cells           how many cells they have there
    strides         their strides in input cells
    centres         where each has the centre of its cell 0, in input cells
    sees            how many input cells each sees
    common          how many of them a cell of the tensor sees at which they fork
    grids           the strides on their way from where they fork, in input cells
    causal          whether both end to see at the cell where they are, as their fork does, or both begin there
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
    sees: tuple[int, int]
    common: int
    grids: Callable[[], Iterable[Fraction]] = field(compare=False)
    causal: bool = False
    cause: str | None = None

    @cached_property
    def off(self) -> Fraction:
        """The largest distance, in input cells, between cells with the same number; one end of the axis has it."""
        start = self.centres[0] - self.centres[1]
        return max(abs(start), abs(start + (self.cells - 1) * (self.strides[0] - self.strides[1])))

    @property
    def drifts(self) -> bool:
        """Whether the branches move at different strides, as after a resize."""
        return self.strides[0] != self.strides[1]

    @cached_property
    def coarsest(self) -> Fraction:
        """The largest stride on the way from the fork, in input cells."""
        return max(self.grids(), default=min(self.strides))

    @cached_property
    def manner(self) -> Manner:
        if self.causal:
            return Manner.CAUSAL
        if self.off <= max(self.strides) if self.drifts else self.off * 2 <= self.strides[0]:
            return Manner.HALF
        return Manner.SHIFTED if self.resampled or self.seen else Manner.OUTSIDE

    @property
    def resampled(self) -> bool:
        """Whether resampling explains the distance: resampling from the coarsest grid on the way moves cells by half
        the difference of the strides, or by all of it at one end where sizes were rounded and cells drift.
        """
        return self.off * (1 if self.drifts else 2) <= self.coarsest - min(self.strides)

    @property
    def seen(self) -> bool:
        """Whether each branch sees the middle of what the other branch sees, on the tensor at which they fork."""
        return not self.drifts and self.off * 2 <= min(self.sees) - self.common


def apart(
    plan: Plan, fields: list[tuple[Fields, ...]], recall: Recall | None = None, *, causes: bool = True
) -> Iterator[list[Apart]]:
    """The steps at which branches meet out of place, with the axes on which they do; of many branches, the two that are
    furthest apart are named. Without `causes`, these are not looked for.
    """
    positions = _Positions(plan, fields, recall or Recall())
    traced = 0 if causes else MOST_TRACED
    for step in plan.steps:
        if len(step.sources) < 2 or step.facts is None:
            continue
        pairs: dict[tuple[int, int], list[tuple[int, int, Apart]]] = {}
        for source, axis, found in _pairs(positions, step):
            pairs.setdefault((found.first, found.second), []).append((source, axis, found))
        if pairs:
            traced += 1
            worst, *others = pairs.values()
            if others:
                worst = max(worst, *others, key=lambda pair: max((each.manner, each.off) for *_, each in pair))
            yield [
                replace(each, cause=_cause(positions, each, source, axis)) if traced <= MOST_TRACED else each
                for source, axis, each in worst
            ]


class _Positions:
    """Where the tensors of a plan lie on its inputs."""

    def __init__(self, plan: Plan, fields: list[tuple[Fields, ...]], recall: Recall) -> None:
        self.plan = plan
        self.fields = fields
        self.recall = recall
        self.left = MOST_WALKED
        self.known: dict[int, _Position | None] = {}
        self.alike: dict[_Position, _Position] = {}
        self.found: dict[tuple[Tensor, Tensor], tuple[int | None, list[int]]] = {}
        self.read: dict[int, list[int]] = {}
        self.forks: dict[tuple[int, int], tuple[int | None, list[int], list[int]]] = {}

    @cached_property
    def moving(self) -> Moving:
        return Moving(self.plan, self.fields, self.recall)

    def span(self, ref: Tensor, source: int, axis: int, arriving: AxisField | None = None) -> Span | None:
        """The stretch of an input that a tensor sees, or sees as it arrives at a step; None where the tensor does not
        move over the input.
        """
        known = self.fields[ref.step]
        if not known or source not in known[ref.output] or not self.moving.walks(ref, source, axis):
            return None
        return _moving_span(arriving or known[ref.output][source][axis])

    def place(self, i: int, source: int, axis: int) -> _Position | None:
        """Where the first output of a step lies on an axis of an input; equal positions are one object."""
        fields = self.fields[i]
        if not fields or source not in fields[0] or not self.moving.walks(Tensor(i), source, axis):
            return None
        field = fields[0][source][axis]
        if id(field) not in self.known:
            self.known[id(field)] = self._of(field)
        return self.known[id(field)]

    def grids(self, steps: Iterable[int], source: int, axis: int) -> Iterator[Fraction]:
        """The strides of steps on an axis of an input."""
        places = [self.place(i, source, axis) for i in steps]
        yield from (each[0] for each in {id(each): each for each in places}.values() if each is not None)

    def _of(self, field: AxisField) -> _Position | None:
        span = _moving_span(field)
        if span is None:
            return None
        here = span.stride, span.centre
        return self.alike.setdefault(here, here)

    def between(self, one: Tensor, other: Tensor) -> tuple[int | None, list[int]]:
        """The last step through which all paths to two tensors lead, and the steps after that step on these paths."""
        ends = one, other
        if ends not in self.found:
            self.found[ends] = self._between(ends)
        return self.found[ends]

    def _between(self, ends: tuple[Tensor, Tensor]) -> tuple[int | None, list[int]]:
        seen = {ref.step for ref in ends}
        waiting, between = [-i for i in seen], list[int]()
        heapify(waiting)
        while self.left > 0:
            i = -heappop(waiting)
            if not waiting:
                return i, between
            self.left -= 1
            between.append(i)
            for at in self.read_by(i):
                if at not in seen:
                    seen.add(at)
                    heappush(waiting, -at)
        return None, between

    def read_by(self, i: int) -> list[int]:
        """The steps of which a step reads more than the size."""
        if i not in self.read:
            step = self.plan.steps[i]
            self.read[i] = [ref.step for k, ref in enumerate(step.sources) if not step.lends_size(k)]
        return self.read[i]

    def fork(self, one: int, other: int) -> tuple[int | None, list[int], list[int]]:
        """The last step on which two steps both depend, and the steps on which only the one depends, or the other."""
        if (one, other) not in self.forks:
            self.forks[one, other] = self._fork(one, other)
        return self.forks[one, other]

    def _fork(self, one: int, other: int) -> tuple[int | None, list[int], list[int]]:
        reached = {one: _ONE} | {other: _OTHER} if one != other else {one: _BOTH}
        waiting = [-i for i in reached]
        heapify(waiting)
        alone = sum([side != _BOTH for side in reached.values()])
        fork: int | None = None
        only: dict[int, list[int]] = {_ONE: [], _OTHER: []}
        while waiting and (alone or fork is None):
            i = -heappop(waiting)
            side = reached[i]
            if side != _BOTH:
                only[side].append(i)
                alone -= 1
            elif fork is None:
                fork = i
            for at in {ref.step for ref in self.plan.steps[i].sources}:
                before = reached.get(at, 0)
                reached[at] = before | side
                if not before:
                    heappush(waiting, -at)
                    alone += side != _BOTH
                elif before != _BOTH:
                    alone -= reached[at] == _BOTH
        return fork, only[_ONE], only[_OTHER]


def _moving_span(field: AxisField) -> Span | None:
    """The stretch that moves with the cell, if any does."""
    span = field.local
    return span if span is not None and span.low.advance else None


def _pairs(positions: _Positions, step: Step) -> Iterator[tuple[int, int, Apart]]:
    """The pairs of branches that meet out of place along an input axis, with the numbers of the input and the axis."""
    seen = positions.moving.seen(step, positions.fields)
    for where, a, b in positions.recall.answer("pairs", (step.facts, *seen), lambda: [*_off(positions, step)]):
        yield *where[:2], _apart(positions, step, where, a, b)


_Branch = tuple[int, Span]
"""The number of a step's source, and the stretch of an input axis that arrives by it."""


def _off(positions: _Positions, step: Step) -> Iterator[tuple[tuple[int, int, int], _Branch, _Branch]]:
    """The pairs of branches that meet out of place, each behind the numbers of the input, of its axis, and of the axis
    of the step on which they lie; of branches at the same position, the first is taken.
    """
    arriving = fields_of_sources(positions.fields, step)
    for source in dict.fromkeys(source for fields in arriving for source in fields):
        if len({id(fields[source]) for fields in arriving if source in fields}) == 1:
            continue  # all branches see the same
        for axis in range(max(len(fields.get(source, ())) for fields in arriving)):
            known: dict[tuple[int, _Position], _Branch] = {}
            met: set[tuple[int, Span]] = set()  # branches that see the same as an earlier one are not compared again
            for k, fields in enumerate(arriving):
                onto = _lies_on(step, k, fields[source][axis]) if source in fields else None
                span = positions.span(step.sources[k], source, axis, fields[source][axis]) if onto is not None else None
                if onto is not None and span is not None and (onto, span) not in met:
                    met.add((onto, span))
                    known.setdefault((onto, (span.stride, span.centre)), (k, span))
            for ((onto, _), a), ((other, _), b) in combinations([*known.items()][:MOST_PLACES], 2):
                if onto == other and step.outputs[0][onto] > 1:
                    yield (source, axis, onto), a, b


def _apart(positions: _Positions, step: Step, where: tuple[int, int, int], *branches: _Branch) -> Apart:
    """How two branches lie apart on one axis of an input; each comes as its source's number and its span."""
    source, axis, onto = where
    (a, x), (b, y) = branches
    given = positions.plan.steps[source]
    fork, between = positions.between(step.sources[a], step.sources[b])
    start = positions.span(Tensor(fork, 0), source, axis) if fork is not None else None
    return Apart(
        step,
        given.name,
        axis_name(axis, len(given.outputs[0].spatial)),
        first=a,
        second=b,
        cells=step.outputs[0][onto],
        strides=(x.stride, y.stride),
        centres=(x.centre, y.centre),
        sees=(x.size, y.size),
        common=start.size if start is not None else 1,
        grids=partial(positions.grids, (*between, *([] if fork is None else [fork])), source, axis),
        causal=start is not None and _causal(x, y, start),
    )


def _causal(x: Span, y: Span, fork: Span) -> bool:
    """Whether two branches both see all cells of their fork up to the same one, and none past it; or the same in
    reversed time.
    """
    turns = x.stride / fork.stride
    if turns == 1 and (x.high == y.high == fork.high or x.low == y.low == fork.low):
        return True  # also where cells see by turns other stretches, as those of a map in one row do
    if x.stride != y.stride or turns.denominator > 1 or max(x.period, y.period, fork.period) > 1:
        return False
    # Windows of different sizes may happen to end at the same cell.
    if turns > 1 and abs(x.centre - y.centre) * 2 <= x.stride:
        return False
    last = int(turns) - 1
    forth = x.high == y.high and fork.high(0) <= x.high(0) <= fork.high(last)
    back = x.low == y.low and fork.low(0) <= x.low(0) <= fork.low(last)
    return forth or back


def _lies_on(step: Step, k: int, field: AxisField) -> int | None:
    """The axis of the step's output on which source k ends up, cell on cell."""
    link = step.links[0][k]
    lies = any(along.keeps and to == field.onto for along, to in zip(link.axes, link.landing, strict=True))
    return field.onto if lies else None


def _cause(positions: _Positions, found: Apart, source: int, axis: int) -> str | None:
    """The first step after the fork at which one branch is at a position where the other never is. Where both have such
    a step, the one that has left the position of the fork is taken, or else the later one.
    """
    common, left, right = positions.fork(*[found.step.sources[k].step for k in (found.first, found.second)])
    if common is None:
        return None
    fork = positions.place(common, source, axis)
    firsts = []
    for branch, other, stride in ((left, right, found.strides[0]), (right, left, found.strides[1])):
        known = {id(each): each for each in (*[positions.place(i, source, axis) for i in other], fork)}
        strides = {each[0] for each in known.values() if each}
        places = ((i, positions.place(i, source, axis)) for i in reversed(branch))
        strange = [(i, here) for i, here in places if here and id(here) not in known]
        arriving = [each for each in strange if each[1][0] == stride]
        firsts += ([each for each in strange if each[1][0] in strides] or arriving)[:1]
    moved = [i for i, here in firsts if not fork or here[1] != fork[1]] or [i for i, _ in firsts]
    return positions.plan.steps[max(moved)].name if moved else None
