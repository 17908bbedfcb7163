"""Where each tensor has its channels, chosen so that as few axes as possible are moved.

Some calls want the channels second, some last, and most take what comes. Every tensor of every class is a vertex, which
some calls fix to one of two sides, and what reads it another one; `planner/sides.py` says on which sides the rest is.
"""

from __future__ import annotations

from collections.abc import Mapping

from planner.classes.expressions import Expr, const, text
from planner.classes.parts import Part, Unit, called_by
from planner.classes.tensors import Calling, Value
from planner.sides import Side, Sides, Vertex


class Layouts:
    """The side of each tensor: `first` has its channels second, `last` has them last."""

    def __init__(self, units: list[Unit], root: Unit, *, sequential: bool = False) -> None:
        """Where all is `sequential`, nothing can stand between the modules of a list that numbers them as they come."""
        self._sequential = sequential
        self._sides = Sides()
        for unit in units:
            self._add(unit)
        for k, tensor in enumerate(root.copy.inputs):
            if len(tensor.shape.spatial) > 1:
                self._sides.fix((root, (-1, -1, k)), "first")
        for k, tensor in enumerate(root.copy.outputs):
            if len(tensor.shape.spatial) > 1:
                self._sides.fix((root, "out", k), "first")

    def tensor(self, unit: Unit, value: Value) -> Side:
        """Where a tensor of a class has its channels."""
        return self._sides.of((unit, value))

    def input(self, part: Part, place: int) -> Side:
        """Where a part reads the channels of one of its inputs."""
        return self._sides.of((part, place))

    def output(self, unit: Unit, place: int) -> Side:
        """Where an output of a class has its channels."""
        return self._sides.of((unit, "out", place))

    def _add(self, unit: Unit) -> None:
        """Add the tensors and the parts of a class."""
        if self._sequential and unit.block.nameless and any(part.count or part.when for part in unit.parts):
            ends = (unit, (-1, -1, 0)), (unit, "out", 0)
            for vertex in (*ends, *((part, 0) for part in unit.parts)):
                self._sides.fix(vertex, "first")
            for value in (value for part in unit.parts for value in part.values):
                self._sides.fix((unit, value), "first")
        for part in unit.parts:
            self._add_part(unit, part)
        for k, value in enumerate(unit.outputs):
            if unit.copy.outputs[k].shape.spatial:
                self._sides.link((unit, value), (unit, "out", k))

    def _add_part(self, unit: Unit, part: Part) -> None:
        """Add what a part reads and hands on."""
        for k, source in enumerate(part.sources):
            if _rank(part, k):
                self._sides.link((unit, source), (part, k))
        if part.again is not None and (part.boxed or (part.calls and follows(part))):
            self._sides.join((part, 0), (called_by(part, unit.parts), 0))
        if part.count is not None or part.when is not None or (part.again is not None and part.boxed):
            self._sides.join((unit, part.values[0]), (part, 0))
        inner = part.unit or part.inside
        if inner is None:
            self._add_layer(unit, part)
            return
        if part.inside is not None:
            self._add(part.inside)
        for k in range(len(part.sources)):
            self._sides.join((part, k), (inner, (-1, -1, k)))
        for k, value in enumerate(part.values):
            self._sides.join((unit, value), (inner, "out", k))

    def _add_layer(self, unit: Unit, part: Part) -> None:
        """Add what a layer requires of its tensors."""
        call = part.calls[-1]
        inputs: list[Vertex] = [(part, k) for k in range(len(part.sources)) if _rank(part, k)]
        outputs: list[Vertex] = [
            (unit, value) for value, tensor in zip(part.values, part.first.outputs, strict=True) if tensor.shape.spatial
        ]
        layout = call.call.layout
        if self._sequential and self._sides.is_fixed((part, 0)):
            return  # the part is written as a module that takes and gives the channels on that side
        if call.call.places_channels:
            return  # such a call moves the channels from either side to either side at once
        if layout == "any" or follows(part):
            for vertex in (*inputs, *outputs):
                self._sides.join(vertex, (part, "all"))
        else:
            for vertex in (*inputs, *outputs):
                self._sides.fix(vertex, layout)


def _rank(part: Part, place: int) -> int:
    """How many spatial axes an input has, in the copy that has most."""
    return max(len(use.inputs[place].shape.spatial) for _, use in part.uses)


def axes_of(part: Part) -> int:
    """How many axes the inputs of a part have beside the batch, in the copy that has most."""
    return max(len(tensor.shape) for _, use in part.uses for tensor in use.inputs)


def follows(part: Part) -> bool:
    """Whether a call along an axis works wherever the channels are."""
    call = part.calls[-1]
    if not call.call.along or len(part.calls) > 1:
        return False
    ranks = {len(tensor.shape) for _, use in part.uses for tensor in use.inputs}
    dims = _dims(call)
    return dims is not None and call.call.follows(ranks, dims)


def _dims(call: Calling) -> list[int] | None:
    """The axes that a call is along, as it counts them; None where they are not plain numbers."""
    expr = dict(call.args)[call.call.along]
    if call.call.is_index:
        return [len(expr.args) - 1]
    parts = expr.args if expr.op == "tuple" else (expr,)
    return [part.args[0] for part in parts] if all(part.is_whole for part in parts) else None


def renumbered(calling: Calling, given: Mapping[str, Expr], axes: int) -> dict[str, Expr]:
    """The arguments of a call along an axis, for a tensor with this number of axes that has its channels last."""
    along = calling.call.along
    if calling.call.is_index:
        *whole, cut = given[along].args
        return {along: Expr("tuple", (*whole[:-1], cut) if len(whole) > 1 else (text("..."), cut))}
    dims = [const(-1 if dim % (axes + 1) == 1 else dim % (axes + 1) - 1) for dim in _dims(calling) or ()]
    return {**given, along: Expr("tuple", tuple(dims)) if given[along].op == "tuple" else dims[0]}
