"""From the nodes of an ONNX file to a graph of the planner's layers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from inspect import signature
from typing import Any

from planner.faults._in_text import shown
from planner.faults.not_imported import NotImported
from planner.inputs._axes import Factor, Sizes, Traced
from planner.inputs._graph import Graph, GraphNode, ModuleCall, NotSayable, Output
from planner.inputs._onnx.building import OnnxBuilder
from planner.inputs._onnx.folding import folded
from planner.inputs._onnx.given import InputRuns
from planner.inputs._onnx.inferring import Inferred
from planner.inputs._onnx.network import Network
from planner.inputs._onnx.nodes import FileNode
from planner.inputs._onnx.operators import all_operators
from planner.inputs._onnx.reading import opset_of
from planner.inputs._onnx.values import StoredTensor, Unknown, Value
from planner.inputs._opaque import opaque

TOLERATED: tuple[type[Exception], ...] = (Exception,)
"""Internal errors that may occur while a node is followed: its step is then opaque, and the rest goes on. Tests let
them through.
"""


class Follower(OnnxBuilder):
    """A builder that follows the nodes of a network one after the other.

    loose     tensors that go into what is not followed any more
    lost      why that is, by operator
    left_out  how many nodes these are, with those behind them
    """

    def __init__(self, network: Network, name: str, inputs: InputRuns) -> None:
        graph = Graph(name, ModuleCall("", name))
        super().__init__(graph, Factor(inputs.batch), opset_of(network.model))
        self.network = network
        self.inputs = inputs
        self.loose: list[Traced] = []
        self.lost: dict[str, str] = {}
        self.left_out = 0
        self.values.update(network.stored)
        self.read = {name for node in network.nodes for name in (*node.inputs, *node.captured)} | {*network.outputs}
        for each, sizes in zip(network.given, inputs.sizes, strict=True):
            called = self.names.unused([each.name], each)
            last, varied = inputs.last[each.name], inputs.varied[each.name]
            self.values[each.name] = self.input(called, sizes, channels_last=last, varied=varied)
            self.kinds[each.name] = each.kind

    def take(self, node: FileNode) -> None:
        """Add what a node means."""
        self.node = node
        read = [self.values[name] if name else None for name in node.inputs]
        self.reads = [
            self.kind(value, name) for value, name in zip(read, node.inputs, strict=True) if value is not None
        ]
        self.gives = self.reads[:1] or ["float"]
        before = len(self.added)
        try:
            if lost := next((each for each in read if isinstance(each, Unknown)), None):
                self._lose(node, lost.reason)
                return
            try:
                found = self._meaning(node, read)
            except NotSayable as reason:
                self.forget(self.added[before:])
                found = self._opaque(node, read, str(reason))
            self._keep(node, found)
        finally:
            for step in self.added[before:]:
                self._place(step, node)

    def _meaning(self, node: FileNode, read: list[Value | None]) -> Any:
        if not node.is_own:
            raise NotSayable(f"the operator {node.called}")
        if node.has_subgraphs:
            raise NotSayable(f"the subgraphs of {node.called}")
        try:
            if (known := folded(self, node, read)) is not None:
                return known
            if node.op not in all_operators():
                raise NotSayable(f"ONNX' {node.called}")
            meaning = all_operators()[node.op]
            if not _takes(meaning, len(read)):
                raise NotSayable(f"{node.called} of {len(read)} tensors")
            return meaning(self, node, *read)
        except (NotSayable, NotImported):
            raise
        except TOLERATED as error:
            raise NotSayable(f"{node.called}, which cannot be followed here") from error

    def _place(self, step: GraphNode, node: FileNode) -> None:
        if step.path is not None:
            self.places[step] = tuple(step.path.split(".")[:-1])
        elif node.scope is not None:
            self.places[step] = tuple(self.names.plain(part) for part in node.scope)

    def _keep(self, node: FileNode, found: Any) -> None:
        """Remember what a node gives under the names of its outputs."""
        results = found if isinstance(found, tuple) else (found,)
        for i, name in enumerate(node.outputs):
            each = results[i] if i < len(results) else None
            if each is None and name in self.read:
                each = Unknown("it gives more than is followed")
                self.lost.setdefault(node.called, each.reason)
            if each is not None and name:
                self.values[name] = self.lifted(each) if isinstance(each, Traced) else each
                self.kinds[name] = self.gives[i] if i < len(self.gives) else "float"

    # What no layer says

    def _opaque(self, node: FileNode, read: Sequence[Value | None], reason: str) -> Any:
        """Steps that say only what comes out; or nothing, where not even that is known."""
        captured = [self.values[name] for name in node.captured if name in self.values]
        tensors = [each for each in (*read, *captured) if isinstance(each, Traced)]
        found: list[Value | None] = []
        self.gives = []
        for name in node.outputs:
            sizes, kind = self._inferred(name)
            self.gives.append(kind)
            if name not in self.read:
                found.append(None)
            elif sizes is None or (not tensors and len(set(sizes)) > 1):
                self._lose(node, reason)
                return tuple(self.values.get(each) for each in node.outputs)
            elif not tensors:
                found.append(StoredTensor(name, sizes[0], kind, reason=reason, trained=False))
            else:
                found.append(opaque(self, f"onnx.{_word(node)}", tensors, sizes, reason))
        return tuple(found)

    def _inferred(self, name: str) -> tuple[list[Sizes] | None, str]:
        """The sizes of a tensor in all runs as ONNX' own inference has them, if it does; and what numbers it holds."""
        runs = [self._inference(run) for run in range(self.runs)]
        sizes = [each.sizes(name) for each in runs]
        known = [each for each in sizes if each is not None and 0 not in each]
        alike = len(known) == self.runs and len({len(each) for each in known}) == 1
        return (known if alike else None), runs[0].kind(name)

    def _inference(self, run: int) -> Inferred:
        own = {each.name: sizes[run] for each, sizes in zip(self.network.given, self.inputs.sizes, strict=True)}
        key = tuple(own.values())
        if key not in self.network.inferred:
            self.network.inferred[key] = Inferred.of(self.network.model, own)
        return self.network.inferred[key]

    def _lose(self, node: FileNode, reason: str) -> None:
        """Go no further from a node: what goes into it is given by the network."""
        self.left_out += 1
        for name in node.inputs:
            value = self.values.get(name)
            if isinstance(value, Traced) and all(value.output != each.output for each in self.loose):
                self.loose.append(value)
        if not any(isinstance(self.values.get(name), Unknown) for name in node.inputs):
            self.lost.setdefault(node.called, reason)
        for name in filter(None, node.outputs):
            self.values[name] = Unknown(reason)

    @property
    def gaps(self) -> tuple[int, int]:
        """How much of the network is not followed, and how much no layer says."""
        return self.left_out, len(self.graph.opaque)

    # What goes out

    def finish(self) -> None:
        """Say what the network gives: its outputs, and what goes into parts that are not followed."""
        for name in self.network.outputs:
            value = self.values[name]
            if isinstance(value, Traced):
                if value.is_empty:
                    message = f"the output `{shown(name, 80)}` holds nothing"
                    raise NotImported(message, "one of its sizes is 0", "export the network without that output")
                self.graph.outputs.append(self._outgoing(value))
        for each in self.loose:
            self.graph.outputs.append(self._outgoing(each))
        self.graph.outputs = [*dict.fromkeys(self.graph.outputs)]

    def _outgoing(self, value: Traced) -> Output:
        before = len(self.added)
        found = self.outgoing(value)
        for step in self.added[before:]:
            self.places[step] = ()
        return found


@cache
def _takes(meaning: Callable[..., Any], count: int) -> bool:
    """Whether the meaning of an operator is one for so many inputs."""
    try:
        signature(meaning).bind(None, None, *[None] * count)
    except TypeError:
        return False
    return True


def _word(node: FileNode) -> str:
    """The operator as a name of Python."""
    own = node.op if node.is_own else f"{node.domain}.{node.op}"
    return ".".join(re.sub(r"\W", "_", part) or "_" for part in own.split("."))[:80]


def followed(network: Network, name: str, inputs: InputRuns) -> Follower:
    """The graph of a network that reads inputs of some sizes."""
    b = Follower(network, name, inputs)
    for node in network.nodes:
        b.take(node)
    b.finish()
    return b
