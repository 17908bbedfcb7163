"""Layers on channels: dense ones, normalizations, embeddings."""

from __future__ import annotations

from typing import Any

from planner.inputs._axes import Traced
from planner.inputs._building import GraphBuilder, dim_of_axis
from planner.inputs._graph import NotSayable, Output
from planner.inputs._stored import Held
from planner.inputs.operations import operation
from planner.inputs.operations._arguments import chosen
from planner.inputs.operations.arithmetic import add, operator
from planner.inputs.operations.reductions import along_one, matmul
from planner.inputs.operations.shapes import as_whole, turned
from planner.inputs.operations.windows import on_map


def on_last(b: GraphBuilder, step: Any, x: Traced) -> Traced:
    """The output of a step that works on the last dimension alone."""
    new = b.output(step, lambda axes: axes).axes[-1]
    return Traced(Output(step), (*x.axes[:-1], new), (*x.dims[:-1], new), b.batch)


@operation("linear")
def linear(b: GraphBuilder, input: Any, weight: Any, bias: Any = None) -> Traced:
    if not b.is_owned(weight, "weight", bias):
        product = matmul(b, input, turned(b, weight))
        return product if bias is None else add(b, product, bias)
    path = b.owner(weight, "weight", bias)
    x = b.last(b.tensor(input))
    arguments = {"out_features": weight.sizes[0]} | chosen({"bias": (bias is not None, True)})
    return on_last(b, b.step("Linear", arguments, [x], path=path), x)


@operation("batch_norm")
def batch_norm(
    b: GraphBuilder, input: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None,
    training: bool = False, momentum: Any = 0.1, eps: float = 1e-5, cudnn_enabled: bool = True,
) -> Traced:  # fmt: skip
    if training:
        return _normalized_by_itself(b, b.tensor(input), weight, bias, eps)
    path = b.owner(running_mean, "running_mean", weight, bias)
    arguments = chosen({"eps": (eps, 1e-5), "momentum": (momentum, 0.1), "affine": (weight is not None, True)})
    return batch_normalized(b, b.tensor(input), arguments, path)


def _normalized_by_itself(b: GraphBuilder, x: Traced, weight: Any, bias: Any, eps: float) -> Traced:
    """Batch normalization by the values that are there: of one sample, as weights are, that is of each channel."""
    if x.dims[0] or x.rank < 3 or x.has_batch:
        raise NotSayable("batch normalization by the batch, in evaluation too")
    return instance_normalized(b, x, weight, bias, eps)


def instance_normalized(b: GraphBuilder, x: Traced, weight: Any, bias: Any, eps: float) -> Traced:
    """Each channel of each sample normalized by itself, with scales and shifts that may be worked out."""
    found = on_map(b, f"InstanceNorm{x.rank - 2}d", chosen({"eps": (eps, 1e-5)}), x)
    for type_, each in (("Multiply", weight), ("Add", bias)):
        if each is not None:
            factor = b.tensor(each)
            found = operator(type_, b, found, factor.with_dims((*factor.dims, *[()] * (x.rank - 2))))
    return found


@operation("instance_norm")
def instance_norm(
    b: GraphBuilder, input: Any, running_mean: Any = None, running_var: Any = None, weight: Any = None,
    bias: Any = None, use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5, *_: Any,
) -> Traced:  # fmt: skip
    x = b.tensor(input)
    if not use_input_stats or x.rank < 3:
        raise NotSayable("instance normalization by moving statistics")
    return instance_normalized(b, x, weight, bias, eps)


def batch_normalized(b: GraphBuilder, x: Traced, arguments: dict[str, Any], path: str | None) -> Traced:
    """Batch normalization of (N, C), (N, C, L) or (N, C, …); of rows (N · L, C), which are as (N, C, L)."""
    if x.rank == 2 and len(x.dims[0]) > 1:
        rows = b.ordered(x, (x.own(0), x.own(1)))
        return b.like(b.step("BatchNorm1d", arguments, [rows], path=path), rows)
    return on_map(b, f"BatchNorm{max(x.rank - 2, 1)}d", arguments, x, path=path)


@operation("layer_norm")
def layer_norm(
    b: GraphBuilder, input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Traced:
    if len(normalized_shape) != 1:
        return _normalized_whole(b, b.tensor(input), len(normalized_shape), weight, bias, eps)
    path = b.owner(weight, "weight", bias) if isinstance(weight, Held) else None
    x = b.last(b.tensor(input))
    arguments = chosen(
        {
            "eps": (eps, 1e-5),
            "elementwise_affine": (weight is not None, True),
            "bias": (bias is not None or weight is None, True),
        }
    )
    return on_last(b, b.step("LayerNorm", arguments, [x], path=path), x)


def _normalized_whole(b: GraphBuilder, x: Traced, count: int, weight: Any, bias: Any, eps: float) -> Traced:
    """Layer normalization over all dimensions but the first, as of one group of channels; its scales and shifts, which
    differ from cell to cell, are parameters of their own.
    """
    if count != x.rank - 1:
        raise NotSayable("layer normalization over several dimensions, and not all")
    found = on_map(b, "GroupNorm", {"num_groups": 1, "affine": False} | chosen({"eps": (eps, 1e-5)}), x)
    for type_, each in (("Multiply", weight), ("Add", bias)):
        found = operator(type_, b, found, each) if each is not None else found
    return found


@operation("local_response_norm")
def local_response_norm(
    b: GraphBuilder, input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Traced:
    given = chosen({"alpha": (alpha, 1e-4), "beta": (beta, 0.75), "k": (k, 1.0)})
    return on_map(b, "LocalResponseNorm", {"size": size, **given}, b.tensor(input))


@operation("rms_norm")
def rms_norm(b: GraphBuilder, input: Any, normalized_shape: Any, weight: Any = None, eps: Any = None) -> Traced:
    if len(normalized_shape) != 1:
        raise NotSayable("normalization over several dimensions")
    path = b.owner(weight, "weight") if isinstance(weight, Held) else None
    x = b.last(b.tensor(input))
    arguments = chosen({"eps": (eps, None), "elementwise_affine": (weight is not None, True)})
    return on_last(b, b.step("RMSNorm", arguments, [x], path=path), x)


@operation("group_norm")
def group_norm(
    b: GraphBuilder,
    input: Any,
    num_groups: int,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Traced:
    if isinstance(weight, Held) and bias is None:
        plain = group_norm(b, input, num_groups, eps=eps)
        scale = b.tensor(weight)
        return operator("Multiply", b, plain, scale.with_dims((*scale.dims, *[()] * (plain.rank - 2))))
    path = b.owner(weight, "weight", bias) if isinstance(weight, Held) else None
    arguments = {"num_groups": num_groups} | chosen({"eps": (eps, 1e-5), "affine": (weight is not None, True)})
    return on_map(b, "GroupNorm", arguments, b.tensor(input), path=path)


@operation("normalize")
def normalize(b: GraphBuilder, input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Any = None) -> Traced:
    tensor, _, axis = along_one(b, input, dim)
    arguments = chosen({"p": (p, 2.0), "eps": (eps, 1e-12)}) | {"dim": dim_of_axis(axis, len(tensor.axes))}
    return b.like(b.step("Normalize", arguments, [tensor]), tensor)


@operation("embedding")
def embedding(
    b: GraphBuilder, input: Any, weight: Any, padding_idx: Any = None, max_norm: Any = None, norm_type: float = 2.0,
    scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Traced:  # fmt: skip
    path = b.owner(weight, "weight")
    arguments = {"num_embeddings": weight.sizes[0], "embedding_dim": weight.sizes[1]} | chosen(
        {"padding_idx": (padding_idx, None), "max_norm": (max_norm, None), "norm_type": (norm_type, 2.0)}
    )
    return embedded(b, b.tensor(input), arguments, path)


def embedded(b: GraphBuilder, x: Traced, arguments: dict[str, Any], path: str | None) -> Traced:
    """A vector for each number, along a new last dimension."""
    x = as_whole(b, x)
    step = b.step("Embedding", arguments, [x], path=path)
    new = b.output(step, lambda axes: axes).axes
    return Traced(Output(step), (*x.axes, new[-1]), (*x.dims, new[-1]), b.batch)
