"""Remedies where an axis that was folded of two is taken apart again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from planner.plan import Step
from planner.remedies._case import Case, Proposal

FARTHEST = 200
"""Steps back within which the step is looked for that folded the axis."""


def size_before_folding(case: Case) -> Iterator[Proposal]:
    """The size that a part of the axis had before it was folded, in place of one that does not divide the axis."""
    step, key = case.step, case.finding.path[-1]
    given = step.layer.model_extra if step is not None and step.layer is not None else None
    if step is None or not given or not isinstance(key, str) or key not in given:
        return
    for n in dict.fromkeys(n for n in step.inputs[0].spatial if n % given[key]):
        sizes = _parts(case, step, n)
        for size in sizes or ():
            shape = case.shape_with(step, **{key: size})
            if shape is not None and sizes in [*pairwise(shape.spatial)]:
                yield case.put(step, **{key: size})


def _parts(case: Case, step: Step, n: int) -> tuple[int, int] | None:
    """The two sizes of which an axis of n cells was made; None where it was not made of two."""
    for _ in range(FARTHEST):
        if not step.sources:
            break
        step = case.plan.steps[step.sources[0].step]
        if not step.inputs or n not in step.outputs[0].spatial:
            break
        spatial = step.inputs[0].spatial
        if n not in spatial:
            return next((each for each in pairwise(spatial) if each[0] * each[1] == n), None)
    return None
