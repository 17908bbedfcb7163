"""Axes: the steps that move along an axis, instead of keeping each cell where it is."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from planner.analyses.recall import Recall
from planner.geometry import AxisMap, SameWindow, Window
from planner.layers._layer import axis_name
from planner.plan import Plan, Step


class StepAxis(NamedTuple):
    """One spatial axis of a source of a step, with `n` cells, and the step's map of this axis."""

    name: str
    n: int
    map: AxisMap

    @property
    def window(self) -> Window | None:
        """The window that slides over this axis; None where the map is no window."""
        return window_on(self.map, self.n)


def window_on(along: AxisMap, n: int) -> Window | None:
    """The plain window that a map is on an axis of n cells; None where the map is no window."""
    along = along.at(n) if isinstance(along, SameWindow) else along
    return along if isinstance(along, Window) else None


MovingSteps = list[tuple[Step, tuple[StepAxis, ...]]]
"""The steps that move along an axis, with all the axes on which they do."""


def axes(plan: Plan, recall: Recall) -> MovingSteps:
    """The steps of a plan that move along an axis."""
    planned = [step for step in plan.steps if step.facts is not None and step.facts.links]
    found = [(step, recall.answer("axes", (step.facts,), partial(_moved, step))) for step in planned]
    return [(step, each) for step, each in found if each]


def _moved(step: Step) -> tuple[StepAxis, ...]:
    """The axes along which a step moves, of all its sources."""
    return tuple(
        StepAxis(axis_name(axis, len(x.spatial)), n, along)
        for link, x in zip(step.links[0], step.inputs, strict=True)
        for axis, (along, n) in enumerate(zip(link.axes, x.spatial, strict=True))
        if not along.keeps
    )
