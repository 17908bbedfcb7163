"""Where each tensor has its channels, chosen so that as few axes as possible are moved.

Some calls want the channels second, some last, and most take what comes. Every tensor of every class is a node; a node
that some call fixes belongs to one of two sides, and an edge is cut where a tensor is read with its channels elsewhere.
The fewest moves are a minimum cut (Ford and Fulkerson, 1956).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Literal

from planner.classes.expressions import Expr, const, text
from planner.classes.parts import Part, Unit, called_by
from planner.classes.tensors import Calling, Value

Side = Literal["first", "last"]
Vertex = Hashable


class Layouts:
    """The side of each tensor: `first` has its channels second, `last` has them last."""

    def __init__(self, units: list[Unit], root: Unit, *, sequential: bool = False) -> None:
        """Where all is `sequential`, nothing can stand between the modules of a list that numbers them as they come."""
        self._sequential = sequential
        self._same: dict[Vertex, Vertex] = {}
        self._fixed: dict[Vertex, Side] = {}
        self._edges: list[tuple[Vertex, Vertex]] = []
        self._last: set[Vertex] | None = None
        for unit in units:
            self._add(unit)
        for k, tensor in enumerate(root.copy.inputs):
            if len(tensor.shape.spatial) > 1:
                self._fix((root, (-1, -1, k)), "first")
        for k, tensor in enumerate(root.copy.outputs):
            if len(tensor.shape.spatial) > 1:
                self._fix((root, "out", k), "first")
        if "last" in self._fixed.values():
            self._last = self._cut()

    def tensor(self, unit: Unit, value: Value) -> Side:
        """Where a tensor of a class has its channels."""
        return self._side((unit, value))

    def input(self, part: Part, place: int) -> Side:
        """Where a part reads the channels of one of its inputs."""
        return self._side((part, place))

    def output(self, unit: Unit, place: int) -> Side:
        """Where an output of a class has its channels."""
        return self._side((unit, "out", place))

    def _side(self, node: Vertex) -> Side:
        return "last" if self._last and self._root(node) in self._last else "first"

    # The nodes

    def _add(self, unit: Unit) -> None:
        """Add the tensors and the parts of a class."""
        if self._sequential and unit.block.nameless and any(part.count or part.when for part in unit.parts):
            ends = (unit, (-1, -1, 0)), (unit, "out", 0)
            for node in (*ends, *((part, 0) for part in unit.parts)):
                self._fix(node, "first")
            for value in (value for part in unit.parts for value in part.values):
                self._fix((unit, value), "first")
        for part in unit.parts:
            self._add_part(unit, part)
        for k, value in enumerate(unit.outputs):
            if unit.copy.outputs[k].shape.spatial:
                self._edges.append(((unit, value), (unit, "out", k)))

    def _add_part(self, unit: Unit, part: Part) -> None:
        """Add what a part reads and hands on."""
        for k, source in enumerate(part.sources):
            if _rank(part, k):
                self._edges.append(((unit, source), (part, k)))
        if part.again is not None and (part.boxed or (part.calls and follows(part))):
            self._join((part, 0), (called_by(part, unit.parts), 0))
        if part.count is not None or part.when is not None:
            self._join((unit, part.values[0]), (part, 0))
        inner = part.unit or part.inside
        if inner is None:
            self._add_layer(unit, part)
            return
        if part.inside is not None:
            self._add(part.inside)
        for k in range(len(part.sources)):
            self._join((part, k), (inner, (-1, -1, k)))
        for k, value in enumerate(part.values):
            self._join((unit, value), (inner, "out", k))

    def _add_layer(self, unit: Unit, part: Part) -> None:
        """Add what a layer requires of its tensors."""
        call = part.calls[-1]
        inputs: list[Vertex] = [(part, k) for k in range(len(part.sources)) if _rank(part, k)]
        outputs: list[Vertex] = [
            (unit, value) for value, tensor in zip(part.values, part.first.outputs, strict=True) if tensor.shape.spatial
        ]
        layout = call.call.layout
        if self._sequential and self._root((part, 0)) in self._fixed:
            return  # the part is written as a module that takes and gives the channels on that side
        if call.call.places_channels:
            return  # such a call moves the channels from either side to either side at once
        if layout == "any" or follows(part):
            for node in (*inputs, *outputs):
                self._join(node, (part, "all"))
        else:
            for node in (*inputs, *outputs):
                self._fix(node, layout)

    def _root(self, node: Vertex) -> Vertex:
        """The vertex that stands for all that are on the same side as this one."""
        while (above := self._same.get(node, node)) != node:
            node = above
        return node

    def _join(self, a: Vertex, b: Vertex) -> None:
        """Put two vertices on the same side."""
        a, b = self._root(a), self._root(b)
        if a != b:
            self._same[a] = b
            if a in self._fixed:
                self._fixed.setdefault(b, self._fixed.pop(a))

    def _fix(self, node: Vertex, side: Side) -> None:
        self._fixed.setdefault(self._root(node), side)

    # The cut

    def _cut(self) -> set[Vertex]:
        """The vertices on the side of those that are `last`, at the cheapest cut."""
        import networkx

        graph: networkx.Graph[Vertex] = networkx.Graph()
        for a, b in self._edges:
            a, b = self._root(a), self._root(b)
            if a != b:
                graph.add_edge(a, b, capacity=graph.get_edge_data(a, b, {"capacity": 0})["capacity"] + 1)
        for node, side in self._fixed.items():
            graph.add_edge(node, side)  # without a capacity, which is never cut
        graph.add_node("first")
        _, (_, lasts) = networkx.minimum_cut(graph, "first", "last")
        return lasts - {"last"}


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
    if dims is None or len(ranks) != 1:
        return False
    (rank,) = ranks
    return not call.call.folds or all(dim % (rank + 1) > 1 for dim in dims)


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
