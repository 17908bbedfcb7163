"""From the traces of a network to a graph: what was called in each run, as steps of the planner's layers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from planner.geometry import Shape
from planner.inputs._axes import Axis, Factor, Sizes, Traced, factors
from planner.inputs._building import GraphBuilder
from planner.inputs._graph import Graph, GraphNode, ModuleCall, NotSayable, Output
from planner.inputs._stored import Held
from planner.inputs.operations import all_operations
from planner.inputs.operations.layers import layer
from planner.inputs.torch_module import Event, Invocation, Recording, Value


class Lowering(GraphBuilder):
    """A builder that knows which call it is about, and what the network stores."""

    def __init__(self, graph: Graph, traces: Sequence[Recording], stored: Mapping[str, Held], batch: int) -> None:
        super().__init__(graph, Factor((batch,) * len(traces)))
        self.weights = stored
        self.ties = {name: each.first for name, each in stored.items() if each.first}
        self.returned: list[Any] = []
        self.scopes: dict[Invocation, ModuleCall] = {}
        self.tensors: dict[Value, Any] = {}
        self.reasons: list[str] = []

    # Calls

    def enter(self, call: Invocation) -> ModuleCall:
        """The scope of a call of a module."""
        if call not in self.scopes:
            if call.parent is None:
                self.scopes[call] = self.graph.top
            else:
                parent = self.enter(call.parent)
                self.scopes[call] = ModuleCall(call.path, type(call.module).__name__, parent)
                parent.members.append(self.scopes[call])
        return self.scopes[call]

    def given(self, data: Any) -> Any:
        """The arguments of a call, with tensors in place of values."""
        if isinstance(data, Value):
            if data.kind in ("parameter", "buffer"):
                return self.weights[data.origin]
            if data not in self.tensors:
                raise NotSayable("a tensor that comes from elsewhere")
            return self.tensors[data]
        if isinstance(data, tuple):
            return tuple(map(self.given, data))
        if isinstance(data, dict):
            return {key: self.given(each) for key, each in data.items()}
        if isinstance(data, slice):
            return slice(*map(self.given, (data.start, data.stop, data.step)))
        return data

    def take(self, events: Sequence[Event]) -> None:
        """Add what a call means; the events are those of the same call in all runs."""
        event = events[0]
        self.returned = [each.result for each in events]
        each_run = [list(values_in(result)) for result in self.returned]
        self.results = [
            list(zip(*(value.sizes for value in values), strict=True)) for values in zip(*each_run, strict=True)
        ]
        if next(values_in(event.result), None) is None:
            return
        self.scope = self.enter(event.call)
        self.reads_whole = next((value.whole for value in values_in(event.args)), False)
        before = len(self.scope.members)
        try:
            args, kwargs = self.given(event.args), self.given(event.kwargs)
            found = self._meaning(event, args, kwargs)
            self._keep(event.result, found)
        except NotSayable as reason:
            del self.scope.members[before:]
            self._opaque(event, str(reason))

    def _meaning(self, event: Event, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if event.module is not None:
            return layer(self, event.name, event.module, event.path, args, kwargs)
        name = plain_name(event.name)
        if name not in all_operations():
            raise NotSayable(f"torch's {name}")
        kwargs.pop("inplace", None)
        try:
            return all_operations()[name](self, *args, **kwargs)
        except TypeError as error:
            raise NotSayable(f"{name} with such arguments: {error}") from error

    def _keep(self, result: Any, found: Any) -> None:
        """Remember the tensors of a call under the values that the trace has for them."""
        if isinstance(result, tuple):
            if not isinstance(found, tuple) or len(found) != len(result):
                raise NotSayable("results of another number")
            for value, each in zip(result, found, strict=True):
                if each is not None:
                    self._keep(value, each)
        elif isinstance(result, Value):
            if not isinstance(found, Traced | Held):
                raise NotSayable("a result that is no tensor")
            if isinstance(found, Traced) and isinstance(self.returned[0], Value):
                self._must_have_its_sizes(found)
            self.tensors[result] = found

    def _must_have_its_sizes(self, found: Traced) -> None:
        """Raise NotSayable where the only result of a call has other sizes in the trace of a run."""
        for run, result in enumerate(self.returned):
            sizes = found.sizes(run)
            alike = not found.has_batch and _but_batch(sizes, result.sizes, self.batch.sizes[run])
            if sizes != result.sizes and not alike:
                raise NotSayable(f"sizes {sizes} where {result.sizes} came out in run {run}")

    def _opaque_like(self, name: str, sources: Sequence[Traced], like: Traced, reason: str) -> Traced:
        """A step that gives a tensor of the same sizes as one that it reads."""
        shapes = tuple((step_shapes[like.output.number],) for step_shapes in like.output.step.shapes)
        outputs = tuple(each.output for each in sources)
        arguments = {
            "class": name,
            "output": [None if len(set(n)) > 1 else n[0] for n in zip(*(each[0] for each in shapes), strict=True)],
        }
        step = GraphNode("Custom", arguments, outputs, self.scope, None, shapes, reason=reason)
        self.scope.members.append(step)
        return self.like(step, like)

    def _opaque(self, event: Event, reason: str) -> None:
        """A step that says only what comes out."""
        self.reasons.append(f"{event.path or event.call.path}: {event.name}: {reason}")
        sources = [
            self.tensor(self.tensors[value]) for value in values_in((event.args, event.kwargs)) if value in self.tensors
        ]
        sources = sources or [Traced(Output(step), (), (), self.batch) for step in self.graph.inputs.values()]
        name = class_name_of(event)
        for values in zip(*(values_in(result) for result in self.returned), strict=True):
            sizes = [value.sizes for value in values]
            like = next((each for each in sources if all(each.sizes(run) == n for run, n in enumerate(sizes))), None)
            if like is not None:
                self.tensors[values[0]] = self._opaque_like(name, sources, like, reason)
                continue
            batch = self.batch.sizes[0]
            has_batch = (
                bool(sizes[0])
                and all(each[0] % batch == 0 for each in sizes)
                and any(each.has_batch for each in sources)
            )
            lead = [each[0] // batch if has_batch else each[0] for each in sizes] if sizes[0] else [1] * len(sizes)
            own = [tuple(n for n in (first, *each[1:])) for first, each in zip(lead, sizes, strict=True)]
            own = [each[1:] if has_batch and set(lead) == {1} and len(each) > 1 else each for each in own]
            shapes = tuple((Shape(each or (1,)),) for each in own)
            step = GraphNode(
                "Custom",
                {"class": name, "output": list(own[0] or (1,))},
                tuple(each.output for each in sources),
                self.scope,
                None,
                shapes,
                reason=reason,
            )
            self.scope.members.append(step)
            axes = factors([each[0] for each in shapes])
            dims: list[Axis] = list(axes)
            if has_batch:
                dims = (
                    [(self.batch,), *axes]
                    if set(lead) == {1} and len(sizes[0]) > 1
                    else [(self.batch, *axes[0]), *axes[1:]]
                )
            if not sizes[0]:
                dims = []
            self.tensors[values[0]] = Traced(Output(step), axes, tuple(dims), self.batch)


def _but_batch(sizes: Sizes, wanted: Sizes, batch: int) -> bool:
    """Whether sizes are those that are wanted but for the batch."""
    return len(sizes) == len(wanted) and all(
        a == b or (a == 1 and b == batch) for a, b in zip(sizes, wanted, strict=True)
    )


def class_name_of(event: Event) -> str:
    return f"torch.nn.{event.name}" if event.module is not None else f"torch.{plain_name(event.name) or 'call'}"


def plain_name(name: str) -> str:
    """The name of a function without what says that it is an operator, or that it writes over its input."""
    if name.startswith("__") and name.endswith("__"):
        return name[2:-2]
    if name.endswith("_") and not name.endswith("__"):
        return name[:-1]
    return name


def values_in(data: Any) -> Any:
    """All values in arguments or results."""
    if isinstance(data, Value):
        yield data
    elif isinstance(data, tuple | list):
        for each in data:
            yield from values_in(each)
    elif isinstance(data, dict):
        for each in data.values():
            yield from values_in(each)


def lowered(name: str, traces: Sequence[Recording], stored: Mapping[str, Held], batch: int) -> Lowering:
    """The graph of a network from its traces; from the first alone where more can be said of it."""
    found = _lowered(name, traces, stored, batch)
    if len(traces) > 1 and found.graph.opaque:
        alone = _lowered(name, traces[:1], stored, batch)
        if len(alone.graph.opaque) < len(found.graph.opaque):
            return alone
    return found


def _lowered(name: str, traces: Sequence[Recording], stored: Mapping[str, Held], batch: int) -> Lowering:
    graph = Graph(name, ModuleCall("", name))
    b = Lowering(graph, traces, stored, batch)
    for input_name, value in traces[0].inputs.items():
        b.tensors[value] = b.input(input_name, [trace.inputs[input_name].sizes for trace in traces])
    for events in zip(*(trace.events for trace in traces), strict=True):
        b.take(events)
    b.scope = graph.top
    for value in values_in(traces[0].result):
        tensor = b.tensor(b.given(value))
        graph.outputs.append(_shown(b, tensor).output)
    return b


def _shown(b: GraphBuilder, x: Traced) -> Traced:
    """An output of the network with an axis for each dimension."""
    rows = [x.own(dim) for dim in range(x.rank) if dim or not x.has_batch]
    if tuple(rows) == x.axes or (len(rows) > 1 and (*rows[1:], rows[0]) == x.axes):
        return x
    return b.ordered(x, (*rows[1:], rows[0]) if len(rows) > 2 else rows or [()])


__all__ = ["lowered", "math"]
