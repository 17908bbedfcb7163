"""Remedies where branches of different strides meet: corners laid on corners."""

from __future__ import annotations

from collections.abc import Iterator

from planner.diagnostics import Edit
from planner.remedies._case import Case, Proposal

LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}
"""The interpolation that knows `align_corners`, by the number of axes."""


def corners_on_corners(case: Case) -> Iterator[Proposal]:
    """Resizing with `align_corners`, at an input size at which corners then fall on corners."""
    found = next((each for each in case.report.apart if each[0].step is case.step), None)
    if case.step is None or found is None:
        return
    resizing = {step.path: step for step in case.plan.steps if case.changed(step, align_corners=True, mode="bilinear")}
    ways = [
        case.put(step, mode=LINEAR[len(step.inputs[0].spatial)], align_corners=True)
        for step in resizing.values()
        if step.inputs and len(step.inputs[0].spatial) in LINEAR
    ]
    stride = int(max(each.coarsest for each in found))
    edits: list[Edit] = []
    for each in case.plan.inputs:
        if each.outputs[0].spatial:
            edits += case.resized(each.path, tuple(_cornered(n, stride) for n in each.outputs[0].spatial))
    if ways:
        yield sum(ways, Proposal(tuple(edits)))


def _cornered(n: int, stride: int) -> int:
    """The smallest size from n on that is one more than a multiple of the stride."""
    return n + (1 - n) % stride
