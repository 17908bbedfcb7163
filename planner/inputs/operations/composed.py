"""Functions that are a few others in a row, as people know them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from planner.inputs._axes import Traced
from planner.inputs._building import GraphBuilder
from planner.inputs._graph import NotSayable
from planner.inputs.operations import OPERATIONS, all_operations, operation
from planner.inputs.operations.arithmetic import operator
from planner.inputs.operations.joining import cat, flip
from planner.inputs.operations.reductions import matmul, norm
from planner.inputs.operations.shapes import turned, unsqueeze


def _called(name: str, b: GraphBuilder, *args: Any, **kwargs: Any) -> Any:
    return all_operations()[name](b, *args, **kwargs)


@operation("cosine_similarity")
def cosine_similarity(b: GraphBuilder, x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """The product of two directions: each tensor has length one along the dimension first."""
    directions = [_called("normalize", b, each, 2.0, dim, eps) for each in (x1, x2)]
    return _called("sum", b, operator("Multiply", b, *directions), dim)


@operation("pairwise_distance")
def pairwise_distance(
    b: GraphBuilder, x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Traced:
    apart = operator("Subtract", b, x1, x2)
    return norm(b, operator("Add", b, apart, eps) if eps else apart, p, -1, keepdim)


@operation("inner")
def inner(b: GraphBuilder, x: Any, y: Any) -> Traced:
    """The products of all rows of two tensors."""
    other = b.tensor(y)
    return matmul(b, x, turned(b, other) if other.rank == 2 else other)


@operation("hstack")
def hstack(b: GraphBuilder, tensors: Sequence[Any]) -> Traced:
    """Tensors that are joined side by side; the first dimension is that of samples."""
    return cat(b, tensors, 1 if b.tensor(tensors[0]).rank > 1 else 0)


@operation("column_stack")
def column_stack(b: GraphBuilder, tensors: Sequence[Any]) -> Traced:
    read = [b.tensor(each) for each in tensors]
    return cat(b, [unsqueeze(b, each, 1) if each.rank == 1 else each for each in read], 1)


@operation("dstack")
def dstack(b: GraphBuilder, tensors: Sequence[Any]) -> Traced:
    read = [b.tensor(each) for each in tensors]
    if any(each.rank < 2 for each in read):
        raise NotSayable("rows that are stacked behind one another")
    return cat(b, [unsqueeze(b, each, 2) if each.rank == 2 else each for each in read], 2)


OPERATIONS.update({"fliplr": partial(flip, dims=(1,)), "flipud": partial(flip, dims=(0,))})


@operation("softmin")
def softmin(b: GraphBuilder, input: Any, dim: Any = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    return _called("softmax", b, _called("neg", b, input), dim)


@operation("prelu")
def prelu(b: GraphBuilder, input: Any, weight: Any) -> Traced:
    """What is above zero, and a part of what is below, another one in each channel."""
    x, slope = b.tensor(input), b.tensor(weight)
    if slope.rank == 1 and x.rank > 1:
        slope = slope.with_dims((*slope.dims, *[()] * (x.rank - 2)))
    below = operator("Multiply", b, operator("Minimum", b, x, 0), slope)
    return operator("Add", b, _called("relu", b, x), below)


@operation("any")
def any_(b: GraphBuilder, input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    return _called("amax", b, _truth(b, input), dim, keepdim)


@operation("all")
def all_(b: GraphBuilder, input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    return _called("amin", b, _truth(b, input), dim, keepdim)


@operation("count_nonzero")
def count_nonzero(b: GraphBuilder, input: Any, dim: Any = None) -> Any:
    return _called("sum", b, _truth(b, input), dim)


def _truth(b: GraphBuilder, x: Any) -> Any:
    """1 where a tensor holds something, and 0 elsewhere."""
    return x if b.reads[0] == "truth" else _called("ne", b, x, 0)


@operation("xor", "logical_xor", "bitwise_xor")
def xor(b: GraphBuilder, x: Any, y: Any) -> Any:
    """Which of two tensors of truth values differ."""
    if set(b.reads) != {"truth"}:
        raise NotSayable("numbers that are compared bit by bit")
    return _called("ne", b, x, y)
