"""Operators that work along dimensions."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

from planner.inputs._axes import Traced
from planner.inputs._graph import NotSayable
from planner.inputs._onnx.building import OnnxBuilder
from planner.inputs._onnx.nodes import FileNode
from planner.inputs._onnx.operators import OPERATORS, operator
from planner.inputs._onnx.values import Value


def _reduced(name: str, b: OnnxBuilder, node: FileNode, x: Value, axes: Value | None = None) -> Any:
    tensor = b.tensor(x)
    dims = b.axes(axes)
    if not dims:
        if node.get("noop_with_empty_axes", 0):
            return tensor
        dims = list(range(tensor.rank))
    chosen = dims[0] if len(dims) == 1 else dims
    return b.torch(name, tensor, dim=chosen, keepdim=bool(node.get("keepdims", 1)))


for _op, _name in (
    ("ReduceMean", "mean"), ("ReduceSum", "sum"), ("ReduceMax", "amax"), ("ReduceMin", "amin"), ("ReduceProd", "prod"),
    ("ReduceL2", "norm"), ("ReduceLogSumExp", "logsumexp"),
):  # fmt: skip
    OPERATORS[_op] = partial(_reduced, _name)


@operator("ReduceL1")
def length(b: OnnxBuilder, node: FileNode, x: Value, axes: Value | None = None) -> Any:
    return _reduced("sum", b, node, b.torch("abs", b.tensor(x)), axes)


@operator("ReduceSumSquare")
def squares(b: OnnxBuilder, node: FileNode, x: Value, axes: Value | None = None) -> Any:
    return _reduced("sum", b, node, b.torch("square", b.tensor(x)), axes)


@operator("ReduceLogSum")
def logarithm(b: OnnxBuilder, node: FileNode, x: Value, axes: Value | None = None) -> Any:
    return b.torch("log", _reduced("sum", b, node, x, axes))


@operator("ArgMax", "ArgMin")
def place(b: OnnxBuilder, node: FileNode, x: Value) -> Any:
    if node.get("select_last_index", 0):
        raise NotSayable("the last of several places")
    b.gives = ["whole"]
    return b.torch(node.op.lower(), b.tensor(x), dim=node.get("axis", 0), keepdim=bool(node.get("keepdims", 1)))


def _weighed(name: str, b: OnnxBuilder, node: FileNode, x: Value) -> Any:
    """Softmax along one dimension; before opset 13 along all from one on, as if these were one."""
    tensor = b.tensor(x)
    if b.opset >= 13:
        return b.torch(name, tensor, node.get("axis", -1))
    axis = tensor.dim(node.get("axis", 1))
    sizes = b.sizes(x)
    if all(prod(each[axis + 1 :]) == 1 for each in sizes):
        return b.torch(name, tensor, axis)
    flat = b.reshaped(tensor, list(zip(*((*each[:axis], prod(each[axis:])) for each in sizes), strict=True)))
    found: Traced = b.torch(name, flat, axis)
    return b.reshaped(found, list(zip(*sizes, strict=True)))


for _op, _name in (("Softmax", "softmax"), ("LogSoftmax", "log_softmax")):
    OPERATORS[_op] = partial(_weighed, _name)


@operator("LpNormalization")
def normalization(b: OnnxBuilder, node: FileNode, x: Value) -> Any:
    raise NotSayable("a division by a length that may be 0")


@operator("CumSum")
def cumsum(b: OnnxBuilder, node: FileNode, x: Value, axis: Value) -> Any:
    (dim,) = b.whole(axis)
    tensor, turned = b.tensor(x), bool(node.get("reverse", 0))
    found = b.torch("cumsum", b.torch("flip", tensor, [dim]) if turned else tensor, dim)
    found = b.torch("flip", found, [dim]) if turned else found
    return b.torch("sub", found, tensor) if node.get("exclusive", 0) else found
