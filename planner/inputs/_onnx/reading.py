"""ONNX files: a protobuf of at most 2 GB, of which nothing is run, and in which weights may be missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planner.faults._in_text import shown
from planner.faults.not_imported import NotImported
from planner.inputs._archive import must_be_file
from planner.inputs._naming import said

if TYPE_CHECKING:
    import onnx

MOST_BYTES = 2 << 30
"""Bytes of a file, which is what a protobuf can have."""
MOST_NODES = 20_000
OLDEST = 7
"""The first opset in which tensors are repeated as NumPy does it."""
OWN = ("", "ai.onnx")
"""How the domain of ONNX' own operators is called."""
_EXPORT = "export the network anew"


def model_of(path: Path) -> onnx.ModelProto:
    """What a file holds; raises NotImported where that is no network."""
    name = f"`{shown(str(path), 200)}`"
    try:
        import onnx
    except ImportError as error:
        raise NotImported("a file of ONNX needs the package onnx", help="pip install shape-planner[onnx]") from error
    data = _data(path, name)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception as error:
        raise NotImported(f"{name} is no ONNX file, or a broken one", said(error), _EXPORT) from error
    if not model.HasField("graph") or not model.graph.node:
        raise NotImported(f"{name} is no ONNX file, or one without a network", help=_EXPORT)
    return _without_functions(_bounded(model, name), name)


def _data(path: Path, name: str) -> bytes:
    try:
        must_be_file(path, "name a `.onnx` file")
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise NotImported(f"{name} has {size / (1 << 30):,.1f} GB", help="an ONNX file has at most 2 GB")
        data = path.read_bytes()
    except OSError as error:
        raise NotImported(f"{name} cannot be read", help=error.strerror or "check the path") from None
    if not data:
        raise NotImported(f"{name} is empty", help=_EXPORT)
    return data


def _names(model: onnx.ModelProto) -> Iterator[Any]:
    graph = model.graph
    for each in (*graph.input, *graph.output, *graph.initializer, *model.functions):
        yield each.name
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)
        yield from (text for each in node.metadata_props for text in (each.key, each.value))
    for info in graph.input:
        yield from (dim.dim_param for dim in info.type.tensor_type.shape.dim)


def _bounded(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """The model, which has no more nodes than any network needs, and not too old operators."""
    if not all(isinstance(each, str) for each in _names(model)):  # what is no UTF-8 comes as bytes
        raise NotImported(f"{name} is broken: a name in it is no text", help=_EXPORT)
    if len(model.graph.node) > MOST_NODES:
        raise NotImported(f"{name} has {len(model.graph.node):,} nodes", help=f"no network needs {MOST_NODES:,}")
    if opset_of(model) < OLDEST:
        help = f"convert it to opset {OLDEST} or later, as onnx.version_converter does"
        raise NotImported(f"{name} has operators of opset {opset_of(model)}", help=help)
    return model


def opset_of(model: onnx.ModelProto) -> int:
    """The version of ONNX' own operators; the newest where the file does not say it."""
    import onnx.defs

    found = [each.version for each in model.opset_import if each.domain in OWN]
    return max(found) if found else onnx.defs.onnx_opset_version()


def _without_functions(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """The model with what its functions call in the place of these."""
    if not model.functions:
        return model
    from onnx.inliner import inline_local_functions

    _must_end(model, name)
    try:
        return inline_local_functions(model)
    except Exception as error:
        raise NotImported(f"{name} has a function that cannot be opened", said(error), _EXPORT) from error


def _must_end(model: onnx.ModelProto, name: str) -> None:
    """Refuse functions that call themselves, and those that stand for more nodes than any network needs."""
    bodies = {(each.domain, each.name): each for each in model.functions}
    counts: dict[tuple[str, str], int] = {}
    under_way: set[tuple[str, str]] = set()

    def count(nodes: Any) -> int:
        called = Counter((node.domain, node.op_type) for node in nodes)
        total = sum(times * (size(key) if key in bodies else 1) for key, times in called.items())
        if total > MOST_NODES:
            raise NotImported(f"{name} stands for more than {MOST_NODES:,} nodes", help="no network needs that")
        return total

    def size(key: tuple[str, str]) -> int:
        if key in under_way or len(under_way) > 100:
            raise NotImported(f"{name} has a function that calls itself", shown(key[1], 80), _EXPORT)
        if key not in counts:
            under_way.add(key)
            counts[key] = count(bodies[key].node)
            under_way.discard(key)
        return counts[key]

    count(model.graph.node)
