"""The model planned again at the sizes near the given one, and what is lost at each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from planner.analyses.loss import losses
from planner.analyses.reach import reach
from planner.geometry import Shape
from planner.plan import Known, Plan
from planner.propagation import propagate

MOST_PLANNED = 25_000
"""Steps that are planned in all, whatever the number of sizes."""
WIDEST = 64
"""Sizes to either side of the given one."""


@dataclass(frozen=True, slots=True)
class Nearby:
    """The outcome at one input size.

    works   whether every step has its shapes
    losing  steps behind the input that lose real cells past their last window
    uneven  those that leave anything over, such as padding
    unread  lines of the input (rows and columns together) that no output depends on
    """

    size: int
    works: bool
    losing: int = 0
    uneven: int = 0
    unread: int = 0


def nearby(plan: Plan, input: str) -> Iterator[Nearby]:
    """The outcomes at the sizes around the given one. All axes of the input that are as long as its first one change
    together.
    """
    model = plan.model
    given = next(each.outputs[0] for each in plan.inputs if each.name == input)
    if not given.spatial or any(each.severity == "error" for each in model.diagnostics):
        return
    axis = max(range(len(given.spatial)), key=lambda i: given.spatial[i])
    size = given[axis]
    reaching = max(4, min(WIDEST, MOST_PLANNED // (2 * max(len(plan.steps), 1))))
    known: Known = {}
    behind = plan.behind(lambda step: step.name == input)
    for n in range(max(1, size - reaching), size + reaching + 1):
        sizes = Shape([*(n if each == size else each for each in given.spatial), given.channels])
        yield _planned(propagate(model, inputs={input: sizes}, known=known), input, n, behind)


def _planned(plan: Plan, input: str, n: int, behind: set[int]) -> Nearby:
    if not plan.complete:
        return Nearby(n, False)
    losing = uneven = 0
    for i, found in enumerate(losses(plan)):
        if i not in behind:
            continue
        losing += any(each.loss.at_edge for each in found if not each.loss.skipped)
        uneven += any(not each.loss.exact for each in found if not each.loss.skipped)
    read = reach(plan) if losing else None
    unread = 0
    if read is not None:
        tensors = read.unread[plan.numbers[input]]
        if tensors:
            unread = sum(tensors[0].unread_lines(axis).bit_count() for axis in range(len(tensors[0].shape.spatial)))
    return Nearby(n, True, losing, uneven, unread)
