"""Input sizes near the given ones at which less is wrong with a model, each planned: shared by the rules that name
sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from planner.geometry import Shape
from planner.plan import Plan
from planner.propagation import propagate

if TYPE_CHECKING:
    from planner.report import Report

FARTHEST = 64
"""How many cells a size may be away from the given one."""
MOST_STEPS = 30_000
"""The most steps that are planned in one search."""

Faults = Callable[[Plan], int]
"""How much is wrong in a plan that is complete."""


def near_sizes(report: Report, faults: Faults) -> list[Shape]:
    """The next shapes above and below the first input's with which the model works and nothing is wrong, if there are
    any near by; axes of one size change together.
    """
    given = next((step for step in report.plan.inputs if step.outputs[0].spatial), None)
    if report.brief or given is None or not report.plan.complete or report.reach is None:  # without reach: very long
        return []
    search = _Search(report, given.name, faults)
    found = (_next(search, given.outputs[0], direction) for direction in (1, -1))
    return [shape for shape in found if shape is not None]


def _next(search: _Search, shape: Shape, direction: int) -> Shape | None:
    """The next shape in one direction, found for one size after the other, each as far as no size near by is better."""
    best = shape
    for n in dict.fromkeys(shape.spatial):
        fewest = search.faults(best)
        for m in range(n + direction, max(n + direction * (FARTHEST + 1), 0), direction):
            if not fewest:
                break
            sizes = [m if given == n else size for given, size in zip(shape.spatial, best.spatial, strict=True)]
            tried = Shape((*sizes, shape.channels))
            wrong = search.faults(tried)
            if wrong is not None and wrong < fewest:
                best, fewest = tried, wrong
    return best if best != shape and search.faults(best) == 0 else None


class _Search:
    """Plans of a model at other sizes of one input."""

    def __init__(self, report: Report, name: str, faults: Faults) -> None:
        self._plan = self._last = report.plan
        self._name = name
        self._count = faults
        self._left = MOST_STEPS
        self._found: dict[Shape, int | None] = {}

    def faults(self, shape: Shape) -> int | None:
        """How much is wrong at a shape; None where the model does not work, or where too much was tried."""
        if shape not in self._found and self._left > 0:
            inputs = {self._name: shape}
            self._last = plan = propagate(self._plan.model, inputs=inputs, known=self._plan.known, like=self._last)
            self._left -= len(plan.steps)
            self._found[shape] = self._count(plan) if plan.complete else None
        return self._found.get(shape)
