"""Where each tensor of a plan has its channels in the code that is written for it: second, or last.

Some calls want them second, some last, and most take what comes. What `outputs/code/torch/layouts.py` asks of classes
is asked of the blocks of a plan here, where no class has to be made first: copies of a block are taken for one class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from planner.diagnostics import Path
from planner.layers._call import Call
from planner.model import Group
from planner.plan import Plan, Step, Tensor
from planner.sides import Sides, Vertex
from planner.training.passes import ForwardPass, ForwardPasses, PassMember


class StepLayouts:
    """Whether tensors have their channels last, and inputs of steps and blocks."""

    def __init__(self, plan: Plan, passes: ForwardPasses, calls: Sequence[tuple[Call, ...]]) -> None:
        self._plan, self._passes, self._calls = plan, passes, calls
        self._sides = Sides()
        self._links: set[tuple[Vertex, Vertex]] = set()
        self._tensors: dict[tuple[Group | None, Tensor], Vertex] = {}
        self._inputs: dict[int, Vertex] = {}
        for forward in passes.all.values():
            self._name(forward)
        for forward in passes.all.values():
            for member in forward.members:
                self._add(forward.group, member)
        for i, step in enumerate(plan.steps):
            if step.is_input and len(step.outputs[0].spatial) > 1:
                self._sides.fix(self._tensors[None, Tensor(i)], "first")
        for forward in passes.all.values():
            for k, tensor in enumerate(forward.outputs):
                self._add_output(forward, k, tensor)

    def tensor(self, block: Group | None, tensor: Tensor) -> bool:
        """Whether a tensor has its channels last in a block, or in the model; what a block is given is in it, too."""
        return self._sides.of(self._tensors[block, tensor]) == "last"

    def input(self, step: int, place: int) -> bool:
        """Whether a step reads the channels of one of its inputs last."""
        return self._sides.of((self._inputs[step], "in", place)) == "last"

    def output(self, block: Group | None, place: int) -> bool:
        """Whether a block hands on one of its outputs with its channels last."""
        return self._sides.of((self._passes.unit(block), "out", place)) == "last"

    def _name(self, forward: ForwardPass) -> None:
        """Give all tensors of a block vertices; those of repetitions that are written as a loop have one together."""
        unit = self._passes.unit(forward.group)
        apart = self._apart(forward)
        for k, tensor in enumerate(forward.sources):
            self._tensors.setdefault((forward.group, tensor), (unit, "given", k))
        for place, member in enumerate(forward.members):
            path = self._passes.path(member)
            part: Vertex = (unit, path, place if path in apart else None)
            if isinstance(member, int):
                self._inputs[member] = part
            for o, tensor in enumerate(self._passes.made(member)):
                self._tensors.setdefault((forward.group, tensor), (part, o))

    def _apart(self, forward: ForwardPass) -> set[Path]:
        """The repeated entries of which something reads single copies, so that no loop is written for them."""
        path = self._passes.path
        last = {path(member): member for member in forward.members}
        makers = {
            tensor: path(member)
            for member in forward.members
            if self._passes.is_repeated(member) and member is not last[path(member)]
            for tensor in self._passes.made(member)
        }
        apart = {makers[tensor] for tensor in forward.outputs if tensor in makers}
        for member in forward.members:
            read = [makers[tensor] for tensor in self._passes.read(member) if tensor in makers]
            apart.update(each for each in read if each != path(member))
        return apart

    def _link(self, a: Vertex, b: Vertex) -> None:
        if (a, b) not in self._links:
            self._links.add((a, b))
            self._sides.link(a, b)

    def _add(self, block: Group | None, member: PassMember) -> None:
        """Add what a member reads and makes, and what its last call requires of both."""
        if isinstance(member, Group):
            for tensor in self._passes.read(member):
                if self._is_spatial(tensor):
                    self._link(self._tensors[block, tensor], self._tensors[member, tensor])
            first = [self._tensors[member, tensor] for tensor in self._passes.read(member)[:1]]
        else:
            self._add_step(block, member)
            first = [(self._inputs[member], "in", 0)]
        made = [tensor for tensor in self._passes.made(member) if self._is_spatial(tensor)]
        if first and made and self._passes.is_repeated(member):
            self._sides.join(self._tensors[block, made[0]], first[0])

    def _add_step(self, block: Group | None, i: int) -> None:
        step, calls = self._plan.steps[i], self._calls[i]
        inputs: list[Vertex] = []
        for k, (source, shape) in enumerate(zip(step.sources, step.inputs, strict=True)):
            if shape.spatial:
                inputs.append((self._inputs[i], "in", k))
                if not step.lends_size(k):
                    self._link(self._tensors[block, source], inputs[-1])
        if not calls or calls[-1].places_channels:
            return
        outputs = [self._tensors[block, Tensor(i, o)] for o, shape in enumerate(step.outputs) if shape.spatial]
        layout = calls[-1].layout
        if layout == "any" or _follows(calls, step):
            for vertex in (*inputs, *outputs):
                self._sides.join(vertex, (self._inputs[i], "all"))
        else:
            for vertex in (*inputs, *outputs):
                self._sides.fix(vertex, layout)

    def _add_output(self, forward: ForwardPass, k: int, tensor: Tensor) -> None:
        """Add what a block hands on to the one around it."""
        out: Vertex = (self._passes.unit(forward.group), "out", k)
        if not self._is_spatial(tensor):
            return
        self._link(self._tensors[forward.group, tensor], out)
        if forward.group is not None:
            self._sides.join(self._tensors[forward.group.parent, tensor], out)
        elif len(self._plan.shape(tensor) or ()) > 2:
            self._sides.fix(out, "first")

    def _is_spatial(self, tensor: Tensor) -> bool:
        shape = self._plan.shape(tensor)
        return bool(shape and shape.spatial)


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
