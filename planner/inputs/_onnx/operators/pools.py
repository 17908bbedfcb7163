"""Pools, by windows or of all cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from planner.inputs._axes import Traced
from planner.inputs._graph import NotSayable
from planner.inputs._onnx.building import OnnxBuilder
from planner.inputs._onnx.nodes import FileNode
from planner.inputs._onnx.operators import operator
from planner.inputs._onnx.operators.windows import numbers_of, padding_of, sides_of, spatial_rank
from planner.inputs._onnx.values import Value
from planner.inputs.operations._arguments import chosen, per_axis
from planner.inputs.operations.windows import as_map


def _kernel(b: OnnxBuilder, node: FileNode, x: Value) -> list[int]:
    rank = spatial_rank(b, x)
    if node.get("kernel_shape") is None:
        raise NotSayable("a pool without a kernel")
    return numbers_of(node, "kernel_shape", rank)


@operator("MaxPool")
def max_pool(b: OnnxBuilder, node: FileNode, x: Value) -> Traced:
    if len(node.outputs) > 1 and node.outputs[1] in b.read:
        raise NotSayable("a pool that returns indices")
    kernel = _kernel(b, node, x)
    rank = len(kernel)
    sides = sides_of(b, node, x, kernel)
    stride, dilation = numbers_of(node, "strides", rank), numbers_of(node, "dilations", rank)
    image = b.tensor(x)
    if not isinstance(sides, str) and any(n < 0 for pair in sides for n in pair):
        raise NotSayable("negative padding")
    found: Traced = b.torch(
        f"max_pool{rank}d",
        image,
        kernel,
        stride,
        _pool_padding(sides, kernel),
        dilation,
        bool(node.get("ceil_mode", 0)),
    )
    return found


def _pool_padding(sides: Any, kernel: Sequence[int]) -> Any:
    """Padding of a pool; as pairs where it is wider than PyTorch's own."""
    found = padding_of(sides)
    if isinstance(sides, str) or all(max(pair) <= k // 2 for pair, k in zip(sides, kernel, strict=True)):
        return found
    return [list(each) for each in sides]


@operator("AveragePool")
def average_pool(b: OnnxBuilder, node: FileNode, x: Value) -> Traced:
    kernel = _kernel(b, node, x)
    rank = len(kernel)
    if any(each != 1 for each in numbers_of(node, "dilations", rank)):
        raise NotSayable("an average pool with dilation")
    counted = bool(node.get("count_include_pad", 0))
    sides = sides_of(b, node, x, kernel, own_same=not counted)
    if not isinstance(sides, str) and any(n < 0 for pair in sides for n in pair):
        raise NotSayable("negative padding")
    plain = isinstance(sides, str) or not any(map(any, sides))
    ceil = bool(node.get("ceil_mode", 0)) and not isinstance(sides, str)
    found: Traced = b.torch(
        f"avg_pool{rank}d", b.tensor(x), kernel, numbers_of(node, "strides", rank), _pool_padding(sides, kernel), ceil,
        plain or counted,
    )  # fmt: skip
    return found


@operator("LpPool")
def lp_pool(b: OnnxBuilder, node: FileNode, x: Value) -> Traced:
    kernel = _kernel(b, node, x)
    rank = len(kernel)
    sides = sides_of(b, node, x, kernel, own_same=False)
    if any(each != 1 for each in numbers_of(node, "dilations", rank)) or any(map(any, sides)) or rank > 3:
        raise NotSayable("a power-average pool with padding or dilation")
    p = node.get("p", 2)
    image = b.first(b.torch("abs", b.tensor(x)) if p % 2 else b.tensor(x))  # PyTorch keeps the sign, of odd powers
    kernel_size = per_axis(kernel)
    stride = per_axis(numbers_of(node, "strides", rank))
    arguments = {"norm_type": p, "kernel_size": kernel_size} | chosen(
        {"stride": (stride, kernel_size), "ceil_mode": (bool(node.get("ceil_mode", 0)), False)}
    )
    return as_map(b, b.step(f"LPPool{rank}d", arguments, [image]), image)


@operator("GlobalAveragePool")
def global_average_pool(b: OnnxBuilder, node: FileNode, x: Value) -> Traced:
    found: Traced = b.torch(f"adaptive_avg_pool{spatial_rank(b, x)}d", b.tensor(x), 1)
    return found


@operator("GlobalMaxPool")
def global_max_pool(b: OnnxBuilder, node: FileNode, x: Value) -> Traced:
    found: Traced = b.torch(f"adaptive_max_pool{spatial_rank(b, x)}d", b.tensor(x), 1)
    return found


@operator("GlobalLpPool")
def global_lp_pool(b: OnnxBuilder, node: FileNode, x: Value) -> Traced:
    dims = list(range(2, b.rank(x)))
    found: Traced = b.torch("norm", b.tensor(x), node.get("p", 2), dims, True)
    return found
