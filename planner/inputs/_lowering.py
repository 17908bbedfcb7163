"""From the traces of a network to a graph: what was called in each run, as steps of the planner's layers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from planner.inputs._axes import Factor, Sizes, Traced
from planner.inputs._building import GraphBuilder
from planner.inputs._following import Following
from planner.inputs._graph import Graph, GraphNode, ModuleCall, NotSayable
from planner.inputs._opaque import opaque
from planner.inputs._recording import BORDER, Event, Invocation, Recording, TensorValue, each_of, plain_name
from planner.inputs._stored import Held
from planner.inputs.operations import all_operations
from planner.inputs.operations.constants import constant_of
from planner.inputs.operations.layers import layer
from planner.inputs.operations.norms import embedded

TOLERATED: tuple[type[Exception], ...] = (Exception,)
"""Internal errors that may occur while a call is followed: its step is then opaque, and the rest goes on. Tests let
them through. A TypeError is none: it says that a function is given arguments that are not followed.
"""


class Lowering(GraphBuilder):
    """A builder that goes along the traces of a network, and knows what the network stores."""

    def __init__(self, graph: Graph, traces: Sequence[Recording], stored: Mapping[str, Held]) -> None:
        super().__init__(graph, Factor(tuple(each.samples for each in traces)))
        self.traces = traces
        self.weights = stored
        self.apart = _read_apart(traces[0])
        self.holders = {name[:at] for name in stored for at, letter in enumerate(name) if letter == "."}
        self.firsts = {name: each.first for name, each in stored.items() if each.first}
        self.aliases: dict[str, list[str]] = {}
        for name, first in self.firsts.items():
            self.aliases.setdefault(first, [first]).append(name)
        self.returned: list[tuple[TensorValue, ...]] = []
        self.orders: dict[tuple[str, int], list[int]] = {}
        self.scopes: dict[Invocation, ModuleCall] = {}
        self.tensors: dict[TensorValue, Any] = {}

    # Calls

    def enter(self, call: Invocation) -> ModuleCall:
        """The scope of a call of a module."""
        if call not in self.scopes:
            if call.parent is None:
                self.scopes[call] = self.graph.top
            else:
                parent = self.scope = self.enter(call.parent)
                self.scopes[call] = parent
                if self.must_hold(call.path):
                    self.scopes[call] = ModuleCall(call.path, call.kind, parent)
                    parent.members.append(self.scopes[call])
        return self.scopes[call]

    def must_hold(self, path: str) -> bool:
        """Whether a module is part of the one that is under way. One that has weights and is no part has its name from
        a module above, up to which all calls are opened.
        """
        if not self.scope.path or path.startswith(f"{self.scope.path}."):
            return True
        if path not in self.holders:
            return False
        self.graph.opened |= outside(self.scope, path)
        return True

    def open_calls(self) -> None:
        """Open the calls of modules in which a weight is another's that stands outside of them, and those in which
        another module is called: a block has names within it alone. None can be called `input`.
        """
        self.graph.opened |= {path for path in self.graph.called if path.rpartition(".")[2] == "input"}
        for step in self.graph.steps:
            if step.path and not step.sources:
                self.graph.opened |= {each for each in self._calls_beside(step) if step.path.startswith(f"{each}.")}
            for owner in step.ties.values():
                self.graph.opened |= outside(step.scope, owner)
            if step.path and outside(step.scope, step.path):
                first = next(each for each in self.graph.steps if each.path == step.path)
                self.graph.opened |= outside(first.scope, step.scope.path) | outside(step.scope, step.path)

    def _calls_beside(self, step: GraphNode) -> list[str]:
        """The modules that are called in the list in which a step stands, by their paths."""
        return [each.path for each in step.scope.members if isinstance(each, ModuleCall)]

    def given(self, data: Any) -> Any:
        """The arguments of a call, with tensors in place of values."""
        if isinstance(data, TensorValue):
            if data.kind in ("parameter", "buffer"):
                return self.stored_as(self.weights[self._name_of(data.origin)])
            if data.kind == "constant":
                return self.held(data)
            if data not in self.tensors:
                raise NotSayable("a tensor that is written to in another place, or comes from elsewhere")
            return self.tensors[data]
        if isinstance(data, tuple | list):
            return type(data)(map(self.given, data))
        if isinstance(data, dict):
            return {key: self.given(each) for key, each in data.items()}
        if isinstance(data, slice):
            return slice(*map(self.given, (data.start, data.stop, data.step)))
        return data

    def _name_of(self, first: str) -> str:
        """The name of a tensor that has several: the one under which it was used before, or one within the module that
        is under way.
        """
        within = (each for each in self.aliases.get(first, ()) if each.startswith(f"{self.scope.path}."))
        return self.owners.get(first) or next(within, first)

    def stored_as(self, given: Held) -> Held | Traced:
        """What a network stores; a constant where the `state_dict` does not have it and one says it."""
        path, _, name = given.name.rpartition(".")
        if name == "weight" and self.apart.get(path) == "Embedding":
            return self._table(path, given)
        if given.fill is None:
            return given
        return constant_of(self, [(n,) * self.runs for n in given.sizes], given.fill)

    def _table(self, path: str, given: Held) -> Traced:
        """The table of an embedding, which is what this gives for all numbers in order."""
        row = constant_of(self, [given.sizes[:1] * self.runs], "arange")
        about = {"num_embeddings": given.sizes[0], "embedding_dim": given.sizes[1]}
        return embedded(self, row, about, path)

    def held(self, value: TensorValue) -> Any:
        """A constant that a module holds, or that follows from such: a number, or a tensor of equal numbers."""
        if not value.numbers or len(set(value.numbers)) > 1:
            raise NotSayable("a constant of many numbers that a module holds")
        number = value.numbers[0]
        return constant_of(self, [(n,) * self.runs for n in value.sizes], number or "zeros") if value.sizes else number

    def take(self, events: Sequence[Event]) -> None:
        """Add what a call means; the events are those of the same call in all runs."""
        event = events[0]
        if event.name == BORDER:
            self._settle(event)
            return
        returned = [list(each_of(TensorValue, each.result)) for each in events]
        self.returned = list(zip(*returned, strict=True))
        self.results = [list(zip(*(value.sizes for value in values), strict=True)) for values in self.returned]
        self.reads = [value.type for value in each_of(TensorValue, (event.args, event.kwargs))]
        self.gives = [value.type for value in returned[0]]
        self.scope = self.enter(event.call)
        runs = [(each.args, each.kwargs) for each in events]
        self._take_from_elsewhere(runs)
        before = len(self.added)
        try:
            args, kwargs = self.given(in_all_runs(runs))
            self._keep(event.result, self._meaning(event, args, kwargs))
        except NotSayable as reason:
            self.forget(self.added[before:])
            self._opaque(event, str(reason))

    def _settle(self, event: Event) -> None:
        """Give each dimension of what goes into a module or comes out an axis of its own, so that two calls of one
        module, and modules of one class, are alike.
        """
        self.scope = self.enter(event.call)
        for place, value in enumerate(each_of(TensorValue, event.result)):
            if isinstance(tensor := self.tensors.get(value), Traced) and not tensor.is_empty:
                settled = self.settled(tensor)
                self.tensors[value] = self._as_at_first(settled, event.path, place) if event.path else settled

    def _as_at_first(self, x: Traced, path: str, place: int) -> Traced:
        """What goes into a module, with its axes in the order that they had when the module was called first."""
        dims = [dim for dim in range(x.rank) if x.dims[dim] != (self.batch,)]
        order = sorted(dims, key=lambda dim: x.axes.index(x.own(dim))) if dims else []
        first = self.orders.setdefault((path, place), order)
        return x if order == first or sorted(first) != dims else self.ordered(x, [x.own(dim) for dim in first])

    def _meaning(self, event: Event, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        name = plain_name(event.name)
        try:
            if event.module is not None:
                self.must_hold(event.path)
                return layer(self, event.name, event.module, event.path, args, kwargs)
            if name not in all_operations():
                raise NotSayable(f"torch's {name}")
            kwargs.pop("inplace", None)
            return all_operations()[name](self, *args, **kwargs)
        except NotSayable:
            raise
        except TypeError as error:
            raise NotSayable(f"{name} with such arguments") from error
        except TOLERATED as error:
            raise NotSayable(f"{name}, which cannot be followed here") from error

    def _keep(self, result: Any, found: Any) -> None:
        """Remember the tensors of a call under the values that the trace has for them."""
        if isinstance(result, tuple | list):
            if not isinstance(found, tuple | list) or len(found) != len(result):
                raise NotSayable("results of another number")
            for value, each in zip(result, found, strict=True):
                if each is not None:
                    self._keep(value, each)
        elif isinstance(result, TensorValue):
            if not isinstance(found, Traced | Held):
                raise NotSayable("a result that is no tensor")
            if isinstance(found, Traced):
                self._must_have_its_sizes(result, found)
            self.tensors[result] = found

    def _must_have_its_sizes(self, result: TensorValue, found: Traced) -> None:
        """Raise NotSayable where a result has other sizes in the trace of a run."""
        for run, value in enumerate(next(each for each in self.returned if each[0] is result)):
            sizes = found.sizes(run)
            alike = not found.has_batch and _but_batch(sizes, value.sizes, self.batch.sizes[run])
            if sizes != value.sizes and not alike:
                raise NotSayable(f"sizes {sizes} where {value.sizes} came out in run {run}")

    def _take_from_elsewhere(self, runs: Sequence[Any]) -> None:
        """Add an opaque step for each tensor that no function gave; it may follow from all inputs."""
        for values in zip(*(each_of(TensorValue, each) for each in runs), strict=True):
            if values[0].kind == "elsewhere" and values[0] not in self.tensors:
                inputs = [self.tensors[each] for each in self.traces[0].inputs.values()]
                reason = "a tensor that no function of PyTorch gave, as one that comes from NumPy"
                sizes = [each.sizes for each in values]
                self.tensors[values[0]] = opaque(self, "torch.Tensor", inputs, sizes, reason)

    def _opaque(self, event: Event, reason: str) -> None:
        """Steps that say only what comes out."""
        read = each_of(TensorValue, (event.args, event.kwargs))
        sources = [self.tensor(self.tensors[value]) for value in read if value in self.tensors]
        sources = sources or [self.tensors[each] for each in self.traces[0].inputs.values()]
        name = class_name_of(event)
        for values in self.returned:
            self.tensors[values[0]] = opaque(self, name, sources, [value.sizes for value in values], reason)


OWNED = {"linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"}
"""Functions that are the layer which has their weights, as far as it is theirs alone."""


def _read_apart(trace: Recording) -> dict[str, str]:
    """The layers by their paths, with their classes, of which a weight is read by itself too, as where an embedding is
    the last layer the other way round; and those which a list cannot name, since they are called `input`.
    """
    layers = {each.path: each.name for each in trace.events if each.module is not None}
    found = {path: name for path, name in layers.items() if path.rpartition(".")[2] == "input"}
    read: set[str] = set()
    for event in trace.events:
        if event.module is None and event.name != BORDER:
            paths = {
                value.origin.rpartition(".")[0]
                for value in each_of(TensorValue, (event.args, event.kwargs))
                if value.kind == "parameter"
            }
            weight = event.args[1] if len(event.args) > 1 else event.kwargs.get("weight")
            if event.name in OWNED and isinstance(weight, TensorValue) and weight.kind == "parameter":
                layers = {**dict.fromkeys(paths, ""), **layers}
            else:
                read |= paths
    return found | {path: layers[path] for path in read & layers.keys()}


def outside(scope: ModuleCall, name: str) -> set[str]:
    """The modules from one up to the innermost that a name is within, without that one."""
    found = set()
    inner: ModuleCall | None = scope
    while inner is not None and inner.path and not name.startswith(f"{inner.path}."):
        found.add(inner.path)
        inner = inner.parent
    return found


def _but_batch(sizes: Sizes, wanted: Sizes, batch: int) -> bool:
    """Whether sizes are those that are wanted but for the batch."""
    return len(sizes) == len(wanted) and all(
        a == b or (a == 1 and b == batch) for a, b in zip(sizes, wanted, strict=True)
    )


def class_name_of(event: Event) -> str:
    return f"torch.nn.{event.name}" if event.module is not None else event.called


def in_all_runs(runs: Sequence[Any]) -> Any:
    """The arguments of a call in all runs as one: a number that is another one in each run is Following, and of tensors
    those of the first run stand there.
    """
    first = runs[0]
    if isinstance(first, tuple | list) and all(type(each) is type(first) and len(each) == len(first) for each in runs):
        return type(first)(map(in_all_runs, zip(*runs, strict=True)))
    if isinstance(first, dict):
        return {key: in_all_runs([each[key] for each in runs]) for key in first}
    if isinstance(first, slice):
        return slice(*(in_all_runs([getattr(each, part) for each in runs]) for part in ("start", "stop", "step")))
    if isinstance(first, TensorValue):
        held = {(each.sizes, each.numbers) for each in runs if each.kind == "constant"}
        return TensorValue(first.sizes, kind="constant") if len(held) > 1 else first
    if all(each is first or each == first for each in runs):
        return first
    return Following(tuple(runs))


def lowered(name: str, traces: Sequence[Recording], stored: Mapping[str, Held], rows: Collection[str] = ()) -> Graph:
    """The graph of a network from its traces.

    rows  the inputs that have their channels last, as tokens have
    """
    graph = Graph(name, ModuleCall("", name))
    b = Lowering(graph, traces, stored)
    for input_name, value in traces[0].inputs.items():
        sizes = [trace.inputs[input_name].sizes for trace in traces]
        b.tensors[value] = b.input(
            input_name, sizes, channels_last=input_name in rows, varied=traces[0].varied_of(input_name)
        )
    for events in zip(*(trace.events for trace in traces), strict=True):
        b.take(events)
    b.scope = graph.top
    for value in each_of(TensorValue, traces[0].result):
        tensor = b.tensor(b.given(value))
        graph.outputs.append(b.outgoing(tensor))
        graph.single |= tensor.dims == ((b.batch,),)
        graph.common |= not tensor.has_batch
    b.open_calls()
    return graph
