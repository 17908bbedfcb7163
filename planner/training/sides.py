"""Where each tensor of a plan has its channels in the emitted code: second, or last.

Some calls want them second, some last, and most take what comes; the fewest moves are a minimum cut, as in the code
that is written (`outputs/code/torch/layouts.py`).
"""

from __future__ import annotations

from collections.abc import Hashable

from planner.layers._call import Call
from planner.plan import Plan, Step, Tensor

Vertex = Hashable


class Sides:
    """Whether tensors have their channels last, and inputs of steps."""

    def __init__(self, plan: Plan, calls: list[tuple[Call, ...]]) -> None:
        self._same: dict[Vertex, Vertex] = {}
        self._fixed: dict[Vertex, str] = {}
        self._edges: list[tuple[Vertex, Vertex]] = []
        for i, step in enumerate(plan.steps):
            self._add(plan, i, step, calls[i])
        for i, step in enumerate(plan.steps):
            if step.is_input and len(step.outputs[0].spatial) > 1:
                self._fix(Tensor(i), "first")
        for k, tensor in enumerate(plan.outputs):
            shape = plan.shape(tensor)
            if shape and shape.spatial:
                self._edges.append((tensor, ("out", k)))
                if len(shape.spatial) > 1:
                    self._fix(("out", k), "first")
        self._last = self._cut() if "last" in self._fixed.values() else set()

    def tensor(self, tensor: Tensor) -> bool:
        return self._root(tensor) in self._last

    def input(self, step: int, place: int) -> bool:
        return self._root(("in", step, place)) in self._last

    def _add(self, plan: Plan, i: int, step: Step, calls: tuple[Call, ...]) -> None:
        inputs: list[Vertex] = []
        for k, (source, shape) in enumerate(zip(step.sources, step.inputs, strict=True)):
            if shape.spatial:
                inputs.append(("in", i, k))
                if not step.lends_size(k):
                    self._edges.append((source, ("in", i, k)))
        if not calls:
            return
        outputs: list[Vertex] = [Tensor(i, o) for o, shape in enumerate(step.outputs) if shape.spatial]
        call = calls[-1]
        if call.places_channels:
            return
        if call.layout == "any" or follows(call, len(calls), step):
            for node in (*inputs, *outputs):
                self._join(node, ("all", i))
        else:
            for node in (*inputs, *outputs):
                self._fix(node, call.layout)

    def _root(self, node: Vertex) -> Vertex:
        while (above := self._same.get(node, node)) != node:
            node = above
        return node

    def _join(self, a: Vertex, b: Vertex) -> None:
        a, b = self._root(a), self._root(b)
        if a != b:
            self._same[a] = b
            if a in self._fixed:
                self._fixed.setdefault(b, self._fixed.pop(a))

    def _fix(self, node: Vertex, side: str) -> None:
        self._fixed.setdefault(self._root(node), side)

    def _cut(self) -> set[Vertex]:
        import networkx

        graph: networkx.Graph[Vertex] = networkx.Graph()
        for a, b in self._edges:
            a, b = self._root(a), self._root(b)
            if a != b:
                graph.add_edge(a, b, capacity=graph.get_edge_data(a, b, {"capacity": 0})["capacity"] + 1)
        for node, side in self._fixed.items():
            graph.add_edge(node, side)
        graph.add_node("first")
        _, (_, lasts) = networkx.minimum_cut(graph, "first", "last")
        return lasts - {"last"}


def follows(call: Call, count: int, step: Step) -> bool:
    """Whether a call along an axis works wherever the channels are."""
    if not call.along or count > 1:
        return False
    ranks = {len(shape) for shape in step.inputs}
    if len(ranks) != 1:
        return False
    (rank,) = ranks
    return not call.folds or all(dim % (rank + 1) > 1 for dim in dims_of(call))


def dims_of(call: Call) -> list[int]:
    value = call.args[call.along]
    if call.is_index:
        return [len(value) - 1]  # type: ignore[arg-type]
    return [value] if isinstance(value, int) else list(value)  # type: ignore[call-overload]
