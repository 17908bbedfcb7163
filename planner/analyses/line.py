"""Line: a model planned at one size after another of one axis of its input, or of several at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Sequence
from functools import cached_property
from itertools import zip_longest
from typing import NamedTuple

from planner.analyses.replanning import Before, Replanned, replan, resolve
from planner.geometry import Shape
from planner.plan import Plan, Step
from planner.propagation import given

MOST_PLANNED = 2_000_000
"""Steps planned before the search is given up."""
SWAYING = 1, 2, 3, 8, 16, 32, 64, 128, 1000
"""Cells that are added to an axis to see what its size sways."""

LARGEST_KEPT = 1 << 16
"""The largest size of which the plan is kept."""
MOST_KEPT = 400_000
"""Steps of plans that are kept."""

SizeRead = tuple[int, int, int]
"""One size in a plan: step, output, axis."""


class NotPeriodic(Exception):
    """The sizes of a model could not be worked out for every n; the text says why."""


class Swayed(NamedTuple):
    """What steps do otherwise because their arguments read a size that changes along a line.

    read  the axes of their sources along which they go otherwise, by step, source and axis
    made  the axes of their outputs that have another size, by step and axis
    """

    read: frozenset[tuple[int, int, int]] = frozenset()
    made: frozenset[tuple[int, int]] = frozenset()


class Line(ABC):
    """The sizes n = 1, 2, … of one axis, or of several at once, all else staying as it is in `base`.

    axes     the axes of the input that have the size
    steps    the steps that are planned, in order
    sources  the steps whose outputs are given to them
    period, steady  with which period `plan` is None, and from where on
    asked    after how many sizes layers have been found to take some again
    nearer   how many of the steps outwards are left out in looking far out, since tensors would be too large
    """

    base: Plan
    axes: Sequence[int]
    steps: Sequence[int]
    sources: Sequence[int]
    asked: dict[object, int]
    nearer: int
    period = steady = 1

    @property
    def together(self) -> int:
        """How many axes have the size."""
        return len(self.axes)

    @property
    def tied(self) -> dict[int, frozenset[int]]:
        """The axes, by the step of their input."""
        return dict.fromkeys(self.sources, frozenset(self.axes))

    @property
    def swayed(self) -> Swayed:
        """What the size sways otherwise than through the shapes that steps read."""
        return Swayed()

    @abstractmethod
    def plan(self, n: int) -> Replanned | None:
        """The model at size n; None where it is known to fail before any of `steps`."""


class InputLine(Line):
    """The sizes of one axis of an input, or of several at once, in several inputs if there are more; `steps` are all
    that depend on these.
    """

    def __init__(self, base: Plan, sources: Sequence[int], axes: Sequence[int], seen: Before) -> None:
        self.base, self.sources, self.axes, self.seen = base, sources, axes, seen
        self.steps = behind(base, *sources)
        self.asked = {}
        self.nearer = self.together - 1
        self.planned = 0
        readers = [i for i in self.steps if not {*sources}.isdisjoint(base.steps[i].instance.needs)]
        alone = all(at not in self.steps for i in readers for at in base.steps[i].instance.needs)
        self.first = readers if alone else self.steps
        self.rest = [i for i in self.steps if i not in set(self.first)]
        self.kept: dict[int, Replanned] = {}
        self.rests: dict[Hashable, Replanned] = {}

    def plan(self, n: int) -> Replanned:
        """The model at size n, kept where it is small, as those are asked for again."""
        if n in self.kept:
            return self.kept[n]
        plan = self.planned_at(n)
        if len(self.kept) * len(self.steps) < MOST_KEPT and n <= LARGEST_KEPT:
            self.kept[n] = plan
        return plan

    def planned_at(self, n: int) -> Replanned:
        """The model planned at size n. Where the first layers turn several sizes into the same shapes, the rest of the
        model is planned once.
        """
        shapes = {i: enumerate(self.base.steps[i].outputs[0]) for i in self.sources}
        facts = {i: given(Shape(n if k in self.axes else size for k, size in x)) for i, x in shapes.items()}
        plan = replan(self.base, facts, self.first, self.seen)
        self.count(len(self.first))
        if self.rest:
            key = tuple([plan.steps[i].outputs for i in self.first])
            if key not in self.rests:
                self.count(len(self.rest))
                self.rests[key] = replan(plan, {}, self.rest, self.seen)
            rest = self.rests[key]
            for i in self.rest:
                plan.steps[i] = rest.steps[i]
            plan.absent, plan.failing = plan.absent | rest.absent, plan.failing | rest.failing
            resolve(plan)
        return plan

    @cached_property
    def swayed(self) -> Swayed:
        sized = [i for i in self.steps if self.base.steps[i].instance.sized is not None]
        n = self.base.steps[self.sources[0]].outputs[0][self.axes[0]]
        others = [self.plan(size) for size in (*(n + k for k in SWAYING), 2 * n, -(-n // 2))] if sized else []
        pairs = [(i, self.base.steps[i], plan.steps[i]) for i in sized for plan in others]
        read = frozenset((i, *at) for i, step, other in pairs for at in _read_otherwise(step, other))
        made = frozenset((i, axis) for i, step, other in pairs for axis in _made_otherwise(step, other))
        return Swayed(read, made)

    def count(self, steps: int) -> None:
        self.planned += steps
        if self.planned > MOST_PLANNED:
            raise NotPeriodic(f"a period was not complete when {MOST_PLANNED:,} steps had been planned")


def _read_otherwise(step: Step, other: Step) -> Iterator[tuple[int, int]]:
    """The sources of a step, and the axes of these, along which it goes otherwise in another plan."""
    for links, others in zip(step.links, other.links, strict=False):
        for source, (link, now) in enumerate(zip(links, others, strict=True)):
            maps = zip_longest((*link.axes, link.channels), (*now.axes, now.channels))  # it may have other axes there
            yield from ((source, axis) for axis, (a, b) in enumerate(maps) if a != b)


def _made_otherwise(step: Step, other: Step) -> Iterator[int]:
    """The axes of a step's outputs that have another size in another plan."""
    for x, y in zip(step.outputs, other.outputs, strict=False):
        yield from (axis for axis, (m, n) in enumerate(zip_longest(x, y)) if m != n)


def behind(plan: Plan, *sources: int) -> list[int]:
    """The steps that depend on some steps, in order."""
    found = {*sources}
    for i, step in enumerate(plan.steps):
        if any([at in found for at in step.instance.needs]):
            found.add(i)
    return sorted(found.difference(sources))


def lengths(line: Line, plan: Plan) -> dict[SizeRead, int]:
    """All sizes of the tensors of a line."""
    return {
        (i, output, axis): n
        for i in (*line.sources, *line.steps)
        for output, shape in enumerate(plan.steps[i].outputs)
        for axis, n in enumerate(shape)
    }
