"""Remedies at the model's input: another size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import lcm

from planner.analyses.loss import losses_of
from planner.analyses.recall import Recall
from planner.analyses.receptive_field import receptive_fields
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
    farthest: int | None = None
    """The cells on either side within which a better size is looked for once a working size is known: one stride of the
    network further, after which grades repeat.
    """
    last: Plan | None = None
    """The plan at the size that was tried last."""
    grades: dict[Spatial, tuple[int, int]] = field(default_factory=dict)
    """The grades of sizes, each with what was the least that was asked for."""

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

        inputs = {
            step.name: Shape((*size, step.outputs[0].channels))
            for step in self.case.plan.inputs
            if step.name in self.names
        }
        before = self.case.plan
        plan = propagate(before.model, inputs=inputs, known=before.known, good=good, like=self.last or before)
        self.last = plan
        if plan.complete and self.farthest is None:
            self.farthest = self.distance(size) + _stride(plan)
        return worst if plan.complete else GRADES


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
