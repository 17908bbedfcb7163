"""Nodes of an ONNX file as operators read them: attributes as plain values, and where their names say they stand."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from planner.faults._in_text import shown
from planner.inputs._onnx.reading import OWN
from planner.inputs._onnx.values import clean

if TYPE_CHECKING:
    import onnx


@dataclass(eq=False)
class FileNode:
    """A node of the file.

    scope     the modules in which it stands, from without to within; None where the file does not tell them
    own       how the node itself is called there
    captured  what its subgraphs read
    """

    op: str
    domain: str
    name: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any] = field(default_factory=dict)
    scope: tuple[str, ...] | None = None
    own: str = ""
    captured: tuple[str, ...] = ()

    @property
    def is_own(self) -> bool:
        """Whether the operator is one of ONNX' own."""
        return self.domain in OWN

    @property
    def has_subgraphs(self) -> bool:
        return any(isinstance(each, Subgraph) for each in self.attributes.values())

    @property
    def called(self) -> str:
        """The operator, with its domain where that is not ONNX' own."""
        return shown(self.op if self.is_own else f"{self.domain}.{self.op}", 80)

    def get(self, name: str, default: Any = None) -> Any:
        return self.attributes.get(name, default)


class Subgraph:
    """A subgraph among the attributes of a node, which is not looked into."""


def node_of(proto: onnx.NodeProto) -> FileNode:
    """A node with its attributes; those that hold no plain values are themselves."""
    attributes = {each.name: _value(each) for each in proto.attribute}
    node = FileNode(proto.op_type, proto.domain, proto.name, list(proto.input), list(proto.output), attributes)
    node.scope, node.own = _place(proto)
    node.captured = tuple(dict.fromkeys(_read_within(proto)))
    return node


def _read_within(proto: onnx.NodeProto) -> Iterator[str]:
    """What the nodes of subgraphs read."""
    for attribute in proto.attribute:
        for graph in (*((attribute.g,) if attribute.HasField("g") else ()), *attribute.graphs):
            for node in graph.node:
                yield from (name for name in node.input if isinstance(name, str))
                yield from _read_within(node)


def _value(attribute: onnx.AttributeProto) -> Any:
    from onnx import AttributeProto

    kind = attribute.type
    if kind == AttributeProto.FLOAT:
        return clean(attribute.f)
    if kind == AttributeProto.INT:
        return int(attribute.i)
    if kind == AttributeProto.STRING:
        return attribute.s.decode("utf-8", "replace")
    if kind == AttributeProto.FLOATS:
        return [clean(each) for each in attribute.floats]
    if kind == AttributeProto.INTS:
        return [int(each) for each in attribute.ints]
    if kind == AttributeProto.STRINGS:
        return [each.decode("utf-8", "replace") for each in attribute.strings]
    if kind == AttributeProto.TENSOR:
        return attribute.t
    return Subgraph()


def _place(proto: onnx.NodeProto) -> tuple[tuple[str, ...] | None, str]:
    """The modules in which a node stands, and its own name: as PyTorch writes them, `/layer1/layer1.0/conv1/Conv` or in
    the node's properties; or as in a path of TensorFlow.
    """
    for each in proto.metadata_props:
        if each.key == "pkg.torch.onnx.name_scopes":
            return _listed(each.value), ""
    parts = [part for part in proto.name.split("/") if part]
    if len(parts) < 2:
        return () if proto.name.startswith("/") else None, proto.name.strip("/")
    found: list[str] = []
    for part in parts[:-1]:
        if found and part.startswith(f"{found[-1]}."):
            found[-1] = part
        else:
            found.append(part)
    return tuple(piece for part in found for piece in part.split(".")), parts[-1]


def _listed(text: str) -> tuple[str, ...] | None:
    """`['', 'layer1', 'layer1.0', 'layer1.0.conv1', 'conv2d']`, whose last is the function."""
    try:
        names = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names) or len(names) < 2:
        return None
    return tuple(part for part in names[-2].split(".") if part)
