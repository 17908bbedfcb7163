"""The row of a point: what a report on the model with its parameters and inputs says.

Points share what has been worked out: the file is read once, a model is unfolded once for all sizes of its inputs, and
layers, their answers and those of analyses are asked once.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from time import process_time
from typing import Any

from planner.analyses.recall import Recall
from planner.diagnostics import Severity
from planner.faults.planner_failed import PlannerFailed
from planner.geometry import Shape
from planner.inputs.ultralytics import taken
from planner.layers._layer import LARGEST
from planner.model import Model
from planner.points import Question, SweepPoint, SweepRow
from planner.points.question import Sizes
from planner.report import Report
from planner.workbench import Workbench

MOST_KEPT = 50_000
"""Answers of layers and of analyses that are kept for later points."""


class PointPlanner:
    """Plans points of a question, one after another."""

    def __init__(self, question: Question) -> None:
        self.question = question
        bench = Workbench.on(question.model.source(), batch=question.batch, dtype=question.dtype)
        self.bench = taken(bench, question.model.scale)
        if self.bench.fault is not None:
            raise self.bench.fault
        self._model: tuple[str, Model] | None = None
        self._alone: dict[Sizes, PointPlanner] = {}

    def at(self, params: Mapping[str, Any] | None = None, input: Any = None) -> SweepRow:
        """The row of a model with these parameters and this input: a shape, one size for all spatial axes beside the
        channels of the model, or either by the names of the inputs.
        """
        given = inputs_by_name(input)
        sizes = {name: (each,) if isinstance(each, int) else tuple(each) for name, each in given.items()}
        return self.row_of(SweepPoint(0, dict(params or {}), sizes))

    def row(self, number: int) -> SweepRow:
        """The row of the point with a number."""
        return self.row_of(self.question.point(number))

    def row_of(self, point: SweepPoint) -> SweepRow:
        """The row of a point; what is wrong with it, and even an error of the planner itself, is in the row."""
        sizes = (*point.sizes.items(),)
        own = self.question.alone.get(sizes)
        if isinstance(own, str):
            shapes = shapes_of(point.sizes, inputs_of(self._unfolded(point.values)))
            inputs = {name: tuple(shape) for name, shape in shapes.items()}
            return SweepRow(point.number, point.values, inputs, {}, errors=1, error=own)
        if own is not None:
            if sizes not in self._alone:
                self._alone[sizes] = PointPlanner(replace(self.question, model=own, alone={}))
            return self._alone[sizes].row_of(point)
        try:
            return _row(point, self.report(point), self.question.kept)
        except Exception as error:  # noqa: BLE001 the other points still get their rows
            self._forget()
            said = PlannerFailed(error)
            return SweepRow(point.number, point.values, {}, {}, errors=1, error=f"{said.code}: {said.headline}")

    def report(self, point: SweepPoint) -> Report:
        """The report on the model at a point, as far as a row needs it."""
        if len(self.bench.known) > MOST_KEPT or len(self.bench.recall) > MOST_KEPT:
            self._forget()
        model = self._unfolded(point.values)
        inputs = inputs_of(model)
        given = shapes_of(point.sizes, inputs)
        found = self.bench.losses_of(model, given) if _fit(given, inputs) and not model.diagnostics else None
        if found is None:  # a shape without a name is that of the only input
            found = self.bench.losses_of(self.bench.unfolded(point.values, given.get("") or given or None))
        assert found is not None
        return found

    def _unfolded(self, values: Mapping[str, Any]) -> Model:
        """The model with some parameters, as it was unfolded for the point before where they are the same."""
        key = repr(values)  # 1, 1.0 and true are equal in Python
        if self._model is None or self._model[0] != key:
            self._model = key, self.bench.unfolded(values)
        return self._model[1]

    def _forget(self) -> None:
        """Let go of what has been worked out: it must not grow with the number of points."""
        self.bench.layers.clear()
        self.bench.known.clear()
        self.bench.recall = Recall()
        self._model = None


def inputs_by_name(input: Any) -> Mapping[str, Any]:
    """What a caller in Python gives for one input or for several, by names; "" is the name of the only one."""
    return input if isinstance(input, Mapping) else {} if input is None else {"": input}


def shapes_of(sizes: Mapping[str, tuple[int, ...]], inputs: Mapping[str, Shape]) -> dict[str, Shape]:
    """The shapes that are given for inputs; of one size, a square one with the channels of the model's own.

    inputs  the shapes of the model's own inputs
    """
    found = {}
    for name, given in sizes.items():
        name = name or (next(iter(inputs)) if len(inputs) == 1 else "")
        own = inputs.get(name)
        square = len(given) == 1 and own is not None and len(own) > 1
        found[name] = Shape([*given * len(own.spatial), own.channels] if square and own is not None else given)
    return found


def inputs_of(model: Model) -> dict[str, Shape]:
    """The shapes of the model's own inputs."""
    return {each.name: each.input for each in model.instances if each.input is not None}


def _fit(given: Mapping[str, Shape], inputs: Mapping[str, Shape]) -> bool:
    """Whether a model that was unfolded for its own inputs is the one for the given ones: it may depend on how many
    axes and channels they have.
    """
    return all(
        name in inputs
        and len(shape) == len(inputs[name])
        and shape.channels == inputs[name].channels
        and shape.elements <= LARGEST
        for name, shape in given.items()
    )


def _row(point: SweepPoint, report: Report, kept: bool) -> SweepRow:
    plan, cost, reach = report.plan, report.cost, report.reach
    errors = [each for each in report.diagnostics if each.severity is Severity.ERROR]
    numbers: dict[str, int | None] = {}
    if plan.complete:
        numbers = {
            "params": cost.params,
            "macs": cost.macs,
            "activation_bytes": cost.activation_bytes,
            "peak_bytes": cost.peak_bytes,
            "kept_bytes": report.kept_bytes if kept else None,
            "unread": sum(each.cells for each in report.unread_inputs.values()) if reach is not None else None,
            "wasted_macs": reach.wasted_macs if reach is not None else None,
        }
    return SweepRow(
        point.number,
        point.values,
        {step.name: tuple(step.outputs[0]) for step in plan.inputs if step.outputs},
        {plan.label(ref): tuple(shape) for ref in plan.outputs if (shape := plan.shape(ref)) is not None},
        **numbers,
        loses=tuple(each.kind.name() for each in report.diagnostics if each.severity is not Severity.ERROR),
        errors=len(errors),
        error=f"{errors[0].code}: {errors[0].headline}" if errors else "",
    )


# On another machine

_planners = threading.local()


def batch_rows(question: Question, key: str, first: int, last: int) -> tuple[list[SweepRow], float]:
    """The rows of the points from the first up to, and without, the last, and how many seconds they took. What has been
    worked out for the question that the key stands for is kept by the thread for the next batch.
    """
    planner = getattr(_planners, key, None)
    if planner is None:
        _planners.__dict__.clear()
        planner = PointPlanner(question)
        setattr(_planners, key, planner)
    start = process_time()
    return [planner.row(number) for number in range(first, last)], process_time() - start
