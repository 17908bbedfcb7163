"""Operators that make tensors, and those that ask for sizes."""

from __future__ import annotations

from typing import Any

import numpy as np

from planner.inputs._graph import NotSayable
from planner.inputs._onnx.building import OnnxBuilder
from planner.inputs._onnx.nodes import FileNode
from planner.inputs._onnx.operators import operator
from planner.inputs._onnx.values import KnownNumbers, StoredTensor, Value, as_plain, kind_of


@operator("Constant")
def constant(b: OnnxBuilder, node: FileNode) -> StoredTensor:
    from planner.inputs._onnx.network import stored_of

    if (tensor := node.get("value")) is not None:
        found = stored_of(tensor, node.outputs[0])
        found.trained = False
        b.gives = [found.kind]
        return found
    for name in ("value_int", "value_ints", "value_float", "value_floats"):
        if (value := node.get(name)) is not None:
            array = np.array(value, dtype=np.int64 if "int" in name else np.float64)
            b.gives = [kind_of(array)]
            return StoredTensor(node.outputs[0], array.shape, b.gives[0], array=array, trained=False)
    raise NotSayable("a constant of texts or with gaps")


@operator("ConstantOfShape")
def constant_of_shape(b: OnnxBuilder, node: FileNode, shape: Value) -> Value:
    """A tensor of one number; weights where its sizes stand in the file, as in files without their weights."""
    runs = [tuple(int(n) for n in each) for each in b.numbers(shape)]
    fill, kind = 0.0, "float"
    if (tensor := node.get("value")) is not None:
        from onnx import numpy_helper

        array = as_plain(numpy_helper.to_array(tensor))
        fill, kind = array.reshape(-1)[0].item(), kind_of(array)
    b.gives = [kind]
    if any(n < 0 for sizes in runs for n in sizes):
        raise NotSayable("a negative size")
    if isinstance(shape, StoredTensor) and kind == "float":
        return StoredTensor(node.outputs[0], runs[0], kind, fill=fill)
    return b.worked_out([np.full(sizes, fill) if np.prod(sizes) < 1 << 17 else _many() for sizes in runs], kind)


def _many() -> Any:
    raise NotSayable("numbers of which there are many")


@operator("Shape")
def shape(b: OnnxBuilder, node: FileNode, x: Value) -> KnownNumbers:
    b.gives = ["whole"]
    start, end = node.get("start", 0), node.get("end")
    return b.worked_out([np.array(sizes[start:end], dtype=np.int64) for sizes in b.sizes(x)], "whole")


@operator("Size")
def size(b: OnnxBuilder, node: FileNode, x: Value) -> KnownNumbers:
    b.gives = ["whole"]
    return b.worked_out([np.array(np.prod(sizes, dtype=object)).astype(np.int64) for sizes in b.sizes(x)], "whole")
