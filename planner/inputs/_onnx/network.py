"""The network of an ONNX file: what it reads, what it stores, and its nodes in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from planner.faults._in_text import shown
from planner.faults.not_imported import NotImported
from planner.inputs._axes import Sizes
from planner.inputs._onnx.given import FileInput, given
from planner.inputs._onnx.inferring import Inferred
from planner.inputs._onnx.nodes import FileNode, node_of
from planner.inputs._onnx.scopes import ScopePath
from planner.inputs._onnx.simplifying import simplified
from planner.inputs._onnx.values import LARGEST, StoredTensor

if TYPE_CHECKING:
    import onnx

MOST_AXES = 32


@dataclass(eq=False)
class Network:
    """A file's network as it is followed: its nodes in an order in which each comes after what it reads."""

    model: onnx.ModelProto
    nodes: list[FileNode]
    stored: dict[str, StoredTensor]
    given: list[FileInput]
    outputs: list[str]
    inferred: dict[tuple[Sizes, ...], Inferred] = field(default_factory=dict)


def network_of(model: onnx.ModelProto) -> Network:
    """The network of a file; raises NotImported where it holds together badly."""
    stored = {each.name: each for each in _initializers(model)}
    inputs = [given(each) for each in model.graph.input if each.name not in stored]
    outputs = [each.name for each in model.graph.output]
    nodes = _sorted([node_of(each) for each in model.graph.node], {*stored, *(each.name for each in inputs)})
    made = {name for node in nodes for name in node.outputs} | {*stored, *(each.name for each in inputs)}
    if not outputs:
        raise NotImported("the network gives nothing", help="a graph names its outputs")
    if missing := next((each for each in outputs if each not in made), None):
        raise NotImported(f"the output `{shown(missing, 80)}` is given by no node", help="export the network anew")
    _without_numbers(nodes, stored)
    return Network(model, simplified(nodes, stored, outputs), stored, inputs, outputs)


def _without_numbers(nodes: Sequence[FileNode], stored: Mapping[str, StoredTensor]) -> None:
    """Give the modules that are called again their own names: PyTorch's exporter calls `conv` there `conv_1`. The names
    of weights tell which modules there are.
    """
    known = {tuple(parts[:at]) for parts in (name.split(".") for name in stored) for at in range(1, len(parts))}
    seen = set(known)
    for node in nodes:
        scope: ScopePath = ()
        for part in node.scope or ():
            base, line, number = part.rpartition("_")
            again = line and number.isdecimal() and (*scope, part) not in known and (*scope, base) in seen
            scope = (*scope, base if again else part)
            seen.add(scope)
        node.scope = scope if node.scope is not None else None


def _initializers(model: onnx.ModelProto) -> Iterator[StoredTensor]:
    for each in model.graph.initializer:
        yield stored_of(each)
    for sparse in model.graph.sparse_initializer:
        yield StoredTensor(sparse.values.name, tuple(map(_plain_size, sparse.dims)), array=None)


def stored_of(proto: onnx.TensorProto, name: str = "") -> StoredTensor:
    """A tensor of the file."""
    from onnx import TensorProto

    if len(proto.dims) > MOST_AXES:
        raise NotImported(f"`{shown(proto.name, 80)}` has {len(proto.dims)} dimensions", help="no network needs that")
    sizes = tuple(map(_plain_size, proto.dims))
    whole = {
        TensorProto.INT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64,
        TensorProto.UINT8, TensorProto.UINT16, TensorProto.UINT32, TensorProto.UINT64,
    }  # fmt: skip
    kind = "truth" if proto.data_type == TensorProto.BOOL else "whole" if proto.data_type in whole else "float"
    return StoredTensor(name or proto.name, sizes, kind, proto)


def _plain_size(size: int) -> int:
    if not 0 <= size < LARGEST:
        raise NotImported(f"a tensor has the size {size}", help="export the network anew")
    return int(size)


def _sorted(nodes: Sequence[FileNode], known: set[str]) -> list[FileNode]:
    """The nodes with each after those that it reads from; they mostly stand so in the file."""
    makers: dict[str, FileNode] = {}
    for node in nodes:
        for name in filter(None, node.outputs):
            if name in makers or name in known:
                raise NotImported(f"`{shown(name, 80)}` is given twice", help="export the network anew")
            makers[name] = node
    for node in nodes:
        for name in filter(None, node.inputs):
            if name not in makers and name not in known:
                label = f"which {node.called} reads"
                raise NotImported(f"nothing gives `{shown(name, 80)}`", label, "export the network anew")
    return _in_order(nodes, makers)


def _in_order(nodes: Sequence[FileNode], makers: Mapping[str, FileNode]) -> list[FileNode]:
    """The nodes in the order of the file, but each after those whose outputs it reads."""
    places = {node: i for i, node in enumerate(nodes)}
    waiting = {node: {makers[name] for name in (*node.inputs, *node.captured) if name in makers} for node in nodes}
    readers: dict[FileNode, list[FileNode]] = {}
    for node, reads in waiting.items():
        for each in reads:
            readers.setdefault(each, []).append(node)
    ready = [places[node] for node in nodes if not waiting[node]]
    found: list[FileNode] = []
    while ready:
        node = nodes[heappop(ready)]
        found.append(node)
        for reader in readers.get(node, ()):
            waiting[reader].discard(node)
            if not waiting[reader]:
                heappush(ready, places[reader])
    if len(found) < len(nodes):
        stuck = next(node for node in nodes if waiting[node])
        label = f"{stuck.called} `{shown(stuck.name, 80)}` is among what reads in a circle"
        raise NotImported("the network reads what follows from itself", label, "export the network anew")
    return found
