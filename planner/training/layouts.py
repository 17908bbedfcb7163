"""Where each tensor of a plan has its channels in the code that is written for it: second, or last.

Some calls want them second, some last, and most take what comes. What `outputs/code/torch/layouts.py` asks of classes
is asked of the steps of a plan here, where no class has to be made first.
"""

from __future__ import annotations

from typing import Any

from planner.layers._call import Call
from planner.plan import Plan, Step, Tensor
from planner.sides import Sides, Vertex


class StepLayouts:
    """Whether tensors have their channels last, and inputs of steps."""

    def __init__(self, plan: Plan, calls: list[tuple[Call, ...]]) -> None:
        self._sides = Sides()
        for i, step in enumerate(plan.steps):
            self._add(i, step, calls[i])
        for i, step in enumerate(plan.steps):
            if step.is_input and len(step.outputs[0].spatial) > 1:
                self._sides.fix(Tensor(i), "first")
        for k, tensor in enumerate(plan.outputs):
            shape = plan.shape(tensor)
            if shape and shape.spatial:
                self._sides.link(tensor, ("out", k))
                if len(shape.spatial) > 1:
                    self._sides.fix(("out", k), "first")

    def tensor(self, tensor: Tensor) -> bool:
        """Whether a tensor has its channels last."""
        return self._sides.of(tensor) == "last"

    def input(self, step: int, place: int) -> bool:
        """Whether a step reads the channels of one of its inputs last."""
        return self._sides.of(("in", step, place)) == "last"

    def _add(self, i: int, step: Step, calls: tuple[Call, ...]) -> None:
        """Add what a step reads and makes, and what its last call requires of both."""
        inputs: list[Vertex] = []
        for k, (source, shape) in enumerate(zip(step.sources, step.inputs, strict=True)):
            if shape.spatial:
                inputs.append(("in", i, k))
                if not step.lends_size(k):
                    self._sides.link(source, ("in", i, k))
        if not calls or calls[-1].places_channels:
            return
        outputs: list[Vertex] = [Tensor(i, o) for o, shape in enumerate(step.outputs) if shape.spatial]
        layout = calls[-1].layout
        if layout == "any" or _follows(calls, step):
            for vertex in (*inputs, *outputs):
                self._sides.join(vertex, ("all", i))
        else:
            for vertex in (*inputs, *outputs):
                self._sides.fix(vertex, layout)


def _follows(calls: tuple[Call, ...], step: Step) -> bool:
    """Whether a call along an axis works wherever the channels are."""
    (*before, call) = calls
    return not before and bool(call.along) and call.follows({len(shape) for shape in step.inputs}, _dims(call))


def _dims(call: Call) -> list[int]:
    """The axes that a call is along, as it counts them."""
    value: Any = call.args[call.along]
    if call.is_index:
        return [len(value) - 1]
    return [value] if isinstance(value, int) else [*value]
