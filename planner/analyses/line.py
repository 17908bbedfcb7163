"""Line: a model planned at one size after another of one axis of its input, or of several at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence

from planner.analyses.replanning import replan, resolve
from planner.geometry import Shape
from planner.plan import Known, Plan, Step, given

MOST_PLANNED = 2_000_000
"""Steps planned before the search is given up."""

LARGEST_KEPT = 1 << 16
"""The largest size of which the plan is kept."""
MOST_KEPT = 400_000
"""Steps of plans that are kept."""

Size = tuple[int, int, int]
"""One size in a plan: step, output, axis."""


class NotPeriodic(Exception):
    """The sizes of a model could not be worked out for every n; the text says why."""


class Line(ABC):
    """The sizes n = 1, 2, … of one axis, or of several at once, all else staying as it is in `base`.

    axes     the axes of the input that have the size
    steps    the steps that are planned, in order
    sources  the steps whose outputs are given to them
    period, steady  with which period `plan` is None, and from where on
    asked    after how many sizes layers have been found to take some again
    """

    base: Plan
    axes: Sequence[int]
    steps: Sequence[int]
    sources: Sequence[int]
    asked: dict[object, int]
    period = steady = 1

    @property
    def together(self) -> int:
        """How many axes have the size."""
        return len(self.axes)

    @property
    def tied(self) -> dict[int, frozenset[int]]:
        """The axes, by the step of their input."""
        return {self.sources[0]: frozenset(self.axes)}

    @abstractmethod
    def plan(self, n: int) -> Plan | None:
        """The model at size n; None where it is known to fail before any of `steps`."""


class InputLine(Line):
    """The sizes of one axis of an input, or of several at once; `steps` are all that depend on the input."""

    def __init__(self, base: Plan, source: int, axes: Sequence[int], known: Known) -> None:
        self.base, self.source, self.axes, self.known = base, source, axes, known
        self.steps = behind(base, source)
        self.sources = (source,)
        self.depending = frozenset((source, *self.steps))
        self.asked = {}
        self.planned = 0
        readers = [i for i in self.steps if source in base.steps[i].instance.needs]
        alone = all(at not in self.steps for i in readers for at in base.steps[i].instance.needs)
        self.first = readers if alone else self.steps
        self.rest = [i for i in self.steps if i not in set(self.first)]
        self.kept: dict[int, Plan] = {}
        self.seen: dict[Hashable, list[Step]] = {}

    def at(self, sizes: Sequence[int]) -> Plan:
        """The model with these sizes of all spatial axes."""
        shape = Shape((*sizes, self.base.steps[self.source].outputs[0].channels))
        return replan(self.base, {self.source: given(shape)}, self.steps, self.known)

    def plan(self, n: int) -> Plan:
        """The model at size n, kept where it is small, as those are asked for again."""
        if n in self.kept:
            return self.kept[n]
        plan = self.planned_at(n)
        if len(self.kept) * len(self.steps) < MOST_KEPT and n <= LARGEST_KEPT:
            self.kept[n] = plan
        return plan

    def planned_at(self, n: int) -> Plan:
        """The model planned at size n. Where the first layers turn several sizes into the same shapes, the rest of the
        model is planned once.
        """
        sizes = list(self.base.steps[self.source].outputs[0])
        for axis in self.axes:
            sizes[axis] = n
        plan = replan(self.base, {self.source: given(Shape(sizes))}, self.first, self.known)
        self.count(len(self.first))
        if self.rest:
            key = tuple([plan.steps[i].outputs for i in self.first])
            if key not in self.seen:
                self.count(len(self.rest))
                self.seen[key] = replan(plan, {}, self.rest, self.known).steps
            for i in self.rest:
                plan.steps[i] = self.seen[key][i]
            resolve(plan, self.base, self.depending)
        return plan

    def count(self, steps: int) -> None:
        self.planned += steps
        if self.planned > MOST_PLANNED:
            raise NotPeriodic(f"a period was not complete when {MOST_PLANNED:,} steps had been planned")


def behind(plan: Plan, source: int) -> list[int]:
    """The steps that depend on a step, in order."""
    found = {source}
    for i, step in enumerate(plan.steps):
        if any([at in found for at in step.instance.needs]):
            found.add(i)
    return sorted(found - {source})


def lengths(line: Line, plan: Plan) -> dict[Size, int]:
    """All sizes of the tensors of a line."""
    return {
        (i, output, axis): n
        for i in (*line.sources, *line.steps)
        for output, shape in enumerate(plan.steps[i].outputs)
        for axis, n in enumerate(shape)
    }


def fails(step: Step) -> bool:
    """Whether a step has a fault of its own."""
    asked = bool(step.sizes) or (step.layer is not None and bool(step.inputs))
    return step.facts is None and asked
