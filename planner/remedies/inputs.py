"""Remedies at the model's input: another size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from math import lcm

from planner.analyses.loss import losses_of
from planner.analyses.recall import Recall
from planner.analyses.receptive_field import Fields, receptive_fields
from planner.diagnostics import Severity
from planner.geometry import Shape
from planner.plan import Plan, Step
from planner.propagation import propagate
from planner.remedies._case import Case, Proposal

FARTHEST = 64
"""Cells on either side within which every size is tried; strides that multiply to more are rare."""
ROUND, FARTHEST_ROUND = 16, 1024
"""Further away, and if none was found, only sizes that ROUND divides are tried."""
MOST_STEPS = 20_000
"""The most steps that are planned to find a size."""
GRADES = 3
EXACT, LOSSLESS, WORKS = range(GRADES)

Spatial = tuple[int, ...]


def input_size(case: Case) -> Iterator[Proposal]:
    """The next input size above and below with which nothing is left over anywhere, or at least nothing is lost; after
    a fault, at least one that works.
    """
    inputs = [step for step in case.plan.inputs if step.outputs[0].spatial]
    if "from size" not in case.memory:
        case.memory["from size"] = _comes_from_size(case.plan)
    if not inputs or not case.memory["from size"]:
        return
    shape = inputs[0].outputs[0]
    alike = [step for step in inputs if step.outputs[0].spatial == shape.spatial]
    names = tuple(step.name for step in alike)
    search: _SizeSearch = case.memory.setdefault(names, _SizeSearch(case, names, shape))
    for found in search.good_sizes(WORKS if case.finding.severity is Severity.ERROR else LOSSLESS):
        if case.given is not None:
            given = {step.name: Shape((*found, step.outputs[0].channels)) for step in alike}
            yield Proposal((), given={**_shapes(case), **given})
        elif edits := [edit for each in alike for edit in case.resized(each.path, found)]:
            yield Proposal(tuple(edits))


def _comes_from_size(plan: Plan) -> bool:
    """Whether what keeps the model from working may come from the size of the input: no layer is missing, and no fault
    says the same at twice the size.
    """
    if plan.complete:
        return True
    if any(step.layer is None and step.instance.sized is None and not step.is_input for step in plan.steps):
        return False
    larger = {
        step.name: Shape((*(2 * n for n in step.outputs[0].spatial), step.outputs[0].channels)) for step in plan.inputs
    }
    other = propagate(plan.model, inputs=larger, known=plan.known)
    told = [{(each.step, each.message, each.label) for each in both.diagnostics} for both in (plan, other)]
    return told[0].isdisjoint(told[1])


@dataclass(eq=False)
class _SizeSearch:
    """A search for good sizes of inputs of one shape; what is found out is kept for all findings of a report."""

    case: Case
    names: tuple[str, ...]
    shape: Shape
    bounds: dict[str, int | None] = field(default_factory=dict)
    """By the steps at which plans have ended, the cells on either side within which all that can happen there has been
    seen; None where there is no telling.
    """
    works: bool = False
    """Whether a size is known at which the model works, of which alone the bound is then kept."""
    last: Plan | None = None
    """The plan at the size that was tried last."""
    grades: dict[Spatial, tuple[int, int]] = field(default_factory=dict)
    """The grades of sizes, each with what was the least that was asked for."""

    @property
    def farthest(self) -> int | None:
        """The cells on either side within which a size is looked for; None where there is no such bound."""
        known = [each for each in self.bounds.values() if each is not None]
        return max(known) if known and len(known) == len(self.bounds) else None

    def good_sizes(self, least: int) -> Iterator[Spatial]:
        """The next good sizes above and below, of the best grade that any has: with all axes at one size where they are
        alike, else with those axes that are alike, or one axis alone, moved.
        """
        spatial = self.shape.spatial
        alike = [tuple(i for i, n in enumerate(spatial) if n == size) for size in dict.fromkeys(spatial)]
        moved = dict.fromkeys([*alike, *((i,) for i in range(len(spatial)))])
        fallback: list[Spatial] = []
        for far in (False, True):
            if far and self.farthest is not None and self.farthest <= FARTHEST:
                break
            for axes in moved:
                if fallback and not self.best(self.moved(axes, far), LOSSLESS):
                    continue
                best = self.best(self.moved(axes, far), least)
                if best and self.grade(best[0], least) < WORKS:
                    yield from best
                    return
                fallback = best
        yield from fallback

    def moved(self, axes: tuple[int, ...], far: bool) -> Iterator[Spatial]:
        """The input shapes with some axes, which are alike, at another size."""
        for m in _around(self.shape[axes[0]], far):
            yield tuple(m if i in axes else n for i, n in enumerate(self.shape.spatial))

    def distance(self, size: Spatial) -> int:
        """The cells by which an axis differs from the given size at most."""
        return max(abs(m - n) for m, n in zip(size, self.shape.spatial, strict=True))

    def best(self, sizes: Iterable[Spatial], least: int) -> list[Spatial]:
        """The first size of the best grade above the given one, and the first below."""
        given = self.shape.spatial
        firsts: dict[bool, Spatial] = {}
        grades = {True: least + 1, False: least + 1}
        for size in sizes:
            up = size > given
            if self.farthest is not None and self.distance(size) > self.farthest:
                break
            grade = self.grade(size, grades[up] - 1)
            if size != given and grade < grades[up]:
                firsts[up], grades[up] = size, grade
            if grades[True] == grades[False] == EXACT:
                break
        return [firsts[up] for up in sorted(grades, key=lambda up: grades[up]) if up in firsts]

    def grade(self, size: Spatial, least: int) -> int:
        """The grade of a size; GRADES where it is worse than `least`, or too much has been planned before."""
        if size not in self.grades:
            left = self.case.memory.setdefault("left for sizes", MOST_STEPS)
            if left < 0:
                return GRADES
            self.case.memory["left for sizes"] = left - len(self.case.plan.steps)
            self.grades[size] = GRADES, EXACT - 1
        grade, asked = self.grades[size]
        if grade == GRADES and asked < least:
            grade, _ = self.grades[size] = self.planned(size, least), least
        return grade

    def planned(self, size: Spatial, least: int) -> int:
        """The grade of a size, which is planned up to the first step that is worse than `least`."""
        recall = self.case.report.recall
        worst = EXACT

        def good(step: Step) -> bool:
            nonlocal worst
            worst = max(worst, recall.answer("grade", (step.facts,), partial(_grade, step, recall)))
            return worst <= least

        before, inputs = self.case.plan, self.inputs_at(size)
        plan = propagate(before.model, inputs=inputs, known=before.known, good=good, like=self.last or before)
        self.last = plan
        if not self.works and (plan.complete or least == WORKS):
            self.bound(plan, size)
        return worst if plan.complete else GRADES

    def bound(self, plan: Plan, size: Spatial) -> None:
        """Take note of how far it is enough to look. One stride of the network further, grades repeat; and so do the
        sizes of tensors that should meet, against one another, where they come at the same strides and grow alike.
        """
        end = plan.steps[-1].name
        if plan.complete:
            self.works, self.bounds = True, {end: self.distance(size) + _stride(plan)}
        elif self.farthest is not None or not self.bounds:
            repeats = _meets_evenly(plan) and (end in self.bounds or self.grow_alike(plan, size))
            self.bounds[end] = self.bounds.get(end, self.distance(size) + _stride(plan)) if repeats else None

    def grow_alike(self, plan: Plan, size: Spatial) -> bool:
        """Whether the tensors that do not meet are larger by as much as one another where the input is many strides
        larger: a crop to a fixed size is not, nor is a tensor that was put behind itself.
        """
        before, stride = self.case.plan, _stride(plan)
        larger = tuple(n + -(-FARTHEST_ROUND // stride) * stride for n in size)
        other = propagate(before.model, inputs=self.inputs_at(larger), known=before.known, like=before)
        end, there = plan.steps[-1], other.step(plan.steps[-1].name)
        if there is None or [len(x) for x in there.inputs] != [len(x) for x in end.inputs]:
            return False
        pairs = zip(end.inputs, there.inputs, strict=True)
        return len({tuple(m - n for n, m in zip(x.spatial, y.spatial, strict=True)) for x, y in pairs}) == 1

    def inputs_at(self, size: Spatial) -> dict[str, Shape]:
        """The shapes of the inputs that are looked at, of such a size."""
        inputs = (step for step in self.case.plan.inputs if step.name in self.names)
        return {step.name: Shape((*size, step.outputs[0].channels)) for step in inputs}


def _around(n: int, far: bool) -> Iterator[int]:
    """The sizes around a given one, the nearest first."""
    if not far:
        yield from (m for by in range(1, FARTHEST + 1) for m in (n + by, n - by) if m > 0)
        return
    start = n - n % ROUND
    steps = range(FARTHEST, FARTHEST_ROUND, ROUND)
    yield from (m for by in steps for m in (start - by, start + by) if m > 0)


def _stride(plan: Plan) -> int:
    """The input cells after which all layers start anew: a multiple of every layer's stride, in input cells."""
    fields = (
        field for outputs in receptive_fields(plan) for each in outputs for axes in each.values() for field in axes
    )
    return lcm(*{field.stride.numerator for field in fields if field.stride})


def _meets_evenly(plan: Plan) -> bool:
    """Whether a plan ends where tensors do not meet which all move along the inputs axis for axis, at the same strides:
    then their sizes differ as much at sizes of the inputs that are a stride of the network apart, if they grow alike.
    """
    end = plan.steps[-1]
    if end.facts is not None or len(end.inputs) < 2 or any(step.instance.sized is not None for step in plan.steps):
        return False
    fields = receptive_fields(plan)
    first, *others = (fields[ref.step][ref.output] for ref in end.sources)
    alike = all(_strides(each) == _strides(first) for each in others)
    return alike and all(stride and onto == axis for axis, onto, stride in _strides(first).values())


def _strides(fields: Fields) -> dict[tuple[int, int], tuple[int, int | None, Fraction | None]]:
    """How a tensor moves along the axes of inputs: the axis, its own axis along it, and the stride."""
    axes = ((i, axis, each) for i, of_input in fields.items() for axis, each in enumerate(of_input))
    return {(i, axis): (axis, each.onto, each.stride) for i, axis, each in axes}


def _grade(step: Step, recall: Recall) -> int:
    """The grade of a step: how well it fits."""
    if step.facts is None:
        return GRADES
    losses = [each.loss for each in recall.answer("losses", (step.facts,), partial(losses_of, step))]
    if any(loss.at_edge for loss in losses):
        return WORKS
    return EXACT if all(loss.exact for loss in losses) else LOSSLESS


def _shapes(case: Case) -> dict[str, Spatial]:
    """The shapes that were given from outside, by the names of their inputs."""
    if not isinstance(case.given, Mapping):
        return {}
    return {step.name: step.outputs[0] for step in case.plan.inputs if step.name in case.given}
