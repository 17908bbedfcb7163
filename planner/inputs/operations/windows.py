"""Convolutions, pools, and functions that change the size of a map."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any

from planner.geometry import Spread
from planner.inputs._axes import Traced, factors
from planner.inputs._building import GraphBuilder
from planner.inputs._following import number_of
from planner.inputs._graph import GraphNode, NotSayable, Output
from planner.inputs._stored import Held
from planner.inputs.operations import OPERATIONS, operation
from planner.inputs.operations._arguments import chosen, per_axis
from planner.layers import all_layers


def as_map(b: GraphBuilder, step: GraphNode, x: Traced) -> Traced:
    """The output of a step on a map as (N, C, …), of which axes folded into the batch stay as they are."""
    folded = len(x.axes) - x.rank + 1
    new = b.output(step, lambda axes: axes).axes
    axes = (*x.axes[:folded], *new[folded:])
    return Traced(Output(step), axes, (x.dims[0], axes[-1], *axes[folded:-1]), b.batch)


def on_map(
    b: GraphBuilder, type_: str, arguments: dict[str, Any], x: Traced, *, path: str | None = None,
    rank: int | None = None,
) -> Traced:  # fmt: skip
    """A layer on (N, C, …); axes that are folded into the batch are its `batch_axes`."""
    image = b.first(x, rank, folds="batch_axes" in all_layers()[type_].model_fields)
    if type_ in ("Conv1d", "Conv2d", "Conv3d"):
        arguments = by_depth(arguments, image)
    folded = len(image.axes) - image.rank + 1
    arguments = arguments | ({"batch_axes": folded} if folded else {})
    return as_map(b, b.step(type_, arguments, [image], path=path), image)


def _convolved(
    rank: int, b: GraphBuilder, input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1, groups: int = 1,
) -> Traced:  # fmt: skip
    more = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    if not b.is_owned(weight, "weight", bias):
        return _convolved_with(rank, b, b.tensor(input), b.tensor(weight), bias, more)
    path = b.owner(weight, "weight", bias)
    arguments = _convolution(weight.sizes[0], weight, more, bias)
    return on_map(b, f"Conv{rank}d", arguments, b.tensor(input), path=path, rank=rank)


def _convolved_with(rank: int, b: GraphBuilder, x: Traced, weight: Traced, bias: Any, more: dict[str, Any]) -> Traced:
    """A convolution whose weight is no module's own: worked out, or one of another name."""
    image = b.first(x, rank)
    biases = [] if bias is None else [b.tensor(bias)]
    if weight.has_batch or any(each.has_batch for each in biases):
        raise NotSayable("weights that differ from sample to sample")
    out, *rest = range(weight.rank)
    read = [b.ordered(weight, [weight.own(dim) for dim in (*rest, out)])]
    read += [b.ordered(each, [each.own(0)]) for each in biases]
    arguments = chosen({name: (per_axis(value), int("padding" not in name)) for name, value in more.items()})
    return as_map(b, b.step(f"Convolve{rank}d", arguments, [image, *read]), image)


def _convolved_back(
    rank: int, b: GraphBuilder, input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1, dilation: Any = 1,
) -> Traced:  # fmt: skip
    path = b.owner(weight, "weight", bias)
    more = {"stride": stride, "padding": padding, "output_padding": output_padding, "groups": groups}
    arguments = _convolution(weight.sizes[1] * groups, weight, {**more, "dilation": dilation}, bias)
    return on_map(b, f"ConvTranspose{rank}d", arguments, b.tensor(input), path=path, rank=rank)


def added_at_end(b: GraphBuilder, module: Any, x: Traced) -> Any:
    """What a transposed convolution adds at the end of each axis to give the size that it is asked for."""
    sizes, wanted = [*zip(*b.runs_of(x), strict=True)], b.wanted()
    found = []
    for axis, window in enumerate(zip(module.kernel_size, module.stride, module.dilation, module.padding, strict=True)):
        given = map(Spread(*window, 0).length, sizes[axis + 2])
        found.append(number_of([to - n for to, n in zip(wanted[axis + 2], given, strict=True)]))
    return per_axis(found)


def _convolution(out_channels: int, weight: Held, more: dict[str, Any], bias: Any) -> dict[str, Any]:
    """The arguments of a convolution: none of those that are 1, or 0 for padding, and so at their defaults."""
    given = {name: (per_axis(value), 0 if "padding" in name else 1) for name, value in more.items()}
    arguments = {"out_channels": out_channels, "kernel_size": per_axis(weight.sizes[2:])}
    return arguments | chosen({**given, "bias": (bias is not None, True)})


def by_depth(arguments: dict[str, Any], x: Traced) -> dict[str, Any]:
    """The arguments of a convolution; one that works channel by channel says so, and not how many these are."""
    channels = x.output.step.shapes[0][x.output.number].channels
    if arguments.get("groups", 1) != channels or channels == 1:
        return arguments
    kept = {name: value for name, value in arguments.items() if name != "out_channels" or value != channels}
    return kept | {"groups": "depthwise"}


def _mean_pooled(
    rank: int, b: GraphBuilder, input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0,
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: Any = None,
) -> Traced:  # fmt: skip
    kernel = per_axis(kernel_size)
    arguments = {"kernel_size": kernel} | chosen(
        {
            "stride": (per_axis(stride) if stride not in (None, ()) else kernel, kernel),
            "padding": (per_axis(padding), 0),
            "ceil_mode": (ceil_mode, False),
            "count_include_pad": (count_include_pad, True),
            "divisor_override": (divisor_override, None),
        }
    )
    return on_map(b, f"AvgPool{rank}d", arguments, b.tensor(input), rank=rank)


def _max_pooled(
    rank: int, b: GraphBuilder, input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    kernel = per_axis(kernel_size)
    arguments = {"kernel_size": kernel} | chosen(
        {
            "stride": (per_axis(stride) if stride not in (None, ()) else kernel, kernel),
            "padding": (per_axis(padding), 0),
            "dilation": (per_axis(dilation), 1),
            "ceil_mode": (ceil_mode, False),
        }
    )
    if return_indices:
        raise NotSayable("a pool that returns indices")
    return on_map(b, f"MaxPool{rank}d", arguments, b.tensor(input), rank=rank)


def _adaptive(
    kind: str, rank: int, b: GraphBuilder, input: Any, output_size: Any, return_indices: bool = False
) -> Traced:
    arguments = {"output_size": per_axis(output_size)}
    return on_map(b, f"Adaptive{kind}Pool{rank}d", arguments, b.tensor(input), rank=rank)


def _power_pooled(
    rank: int, b: GraphBuilder, input: Any, norm_type: Any, kernel_size: Any, stride: Any = None,
    ceil_mode: bool = False,
) -> Traced:  # fmt: skip
    kernel = per_axis(kernel_size)
    about = {"stride": (per_axis(stride) if stride is not None else kernel, kernel), "ceil_mode": (ceil_mode, False)}
    arguments = {"norm_type": norm_type, "kernel_size": kernel} | chosen(about)
    return on_map(b, f"LPPool{rank}d", arguments, b.tensor(input), rank=rank)


for _rank in (1, 2, 3):
    OPERATIONS[f"lp_pool{_rank}d"] = partial(_power_pooled, _rank)
    OPERATIONS[f"conv{_rank}d"] = partial(_convolved, _rank)
    OPERATIONS[f"conv_transpose{_rank}d"] = partial(_convolved_back, _rank)
    OPERATIONS[f"avg_pool{_rank}d"] = partial(_mean_pooled, _rank)
    OPERATIONS[f"max_pool{_rank}d"] = OPERATIONS[f"_max_pool{_rank}d"] = partial(_max_pooled, _rank)
    OPERATIONS[f"adaptive_avg_pool{_rank}d"] = partial(_adaptive, "Avg", _rank)
    OPERATIONS[f"adaptive_max_pool{_rank}d"] = partial(_adaptive, "Max", _rank)


@operation("interpolate", "upsample")
def interpolate(
    b: GraphBuilder, input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
    align_corners: Any = None, recompute_scale_factor: Any = None, antialias: bool = False,
) -> Traced:  # fmt: skip
    x = b.first(b.tensor(input))
    sizes = [each[2:] for each in b.runs_of(x)]
    wanted = [tuple(each[2:]) for each in zip(*b.wanted(), strict=True)]
    if wanted == sizes:
        return x
    how = chosen(
        {"mode": (mode, "nearest"), "align_corners": (bool(align_corners), False), "antialias": (antialias, False)}
    )
    if size is None:
        how |= {"recompute_scale_factor": True} if recompute_scale_factor else {}
        return as_map(b, b.step("Interpolate", {"scale_factor": per_axis(scale_factor), **how}, [x]), x)
    pairs = [list(zip(to, own, strict=True)) for to, own in zip(wanted, sizes, strict=True)]
    scale, *others = {tuple(Fraction(n, k) for n, k in each) for each in pairs}
    if len(set(wanted)) == 1:
        return as_map(b, b.step("Interpolate", {"size": per_axis(wanted[0]), **how}, [x]), x)
    if not others and all(each.denominator == 1 for each in scale):
        factor = per_axis([int(each) for each in scale])
        return as_map(b, b.step("Interpolate", {"scale_factor": factor, **how}, [x]), x)
    like = b.like_size(wanted)
    if like is None:
        size = per_axis([number_of(each) for each in zip(*wanted, strict=True)])
        return as_map(b, b.step("Interpolate", {"size": size, **how}, [x]), x)
    return as_map(b, b.step("Interpolate", how, [x, like]), x)


@operation("pixel_shuffle")
def pixel_shuffle(b: GraphBuilder, input: Any, upscale_factor: int) -> Traced:
    x = b.first(b.tensor(input), 2)
    return as_map(b, b.step("PixelShuffle", {"upscale_factor": upscale_factor}, [x]), x)


@operation("pixel_unshuffle")
def pixel_unshuffle(b: GraphBuilder, input: Any, downscale_factor: int) -> Traced:
    x = b.first(b.tensor(input), 2)
    return as_map(b, b.step("PixelUnshuffle", {"downscale_factor": downscale_factor}, [x]), x)


@operation("channel_shuffle")
def channel_shuffle(b: GraphBuilder, input: Any, groups: int) -> Traced:
    x = b.first(b.tensor(input))
    return as_map(b, b.step("ChannelShuffle", {"groups": groups}, [x]), x)


@operation("unfold")
def unfold(
    b: GraphBuilder, input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Traced:
    tensor = b.tensor(input)
    if len(b.wanted()) == tensor.rank + 1:
        return _slid(b, tensor, tensor.dim(kernel_size), dilation, padding)
    x = b.first(b.tensor(input), 2)
    arguments = {"kernel_size": per_axis(kernel_size)} | chosen(
        {"dilation": (per_axis(dilation), 1), "padding": (per_axis(padding), 0), "stride": (per_axis(stride), 1)}
    )
    return as_map(b, b.step("Unfold", arguments, [x]), x)


def _slid(b: GraphBuilder, x: Traced, dim: int, size: int, step: int) -> Traced:
    """The method of this name: windows along one dimension, whose cells become the last dimension."""
    if b.batch in x.dims[dim]:
        raise NotSayable("windows along the batch")
    count = b.wanted()[dim]
    if size == step and all(n * size == x.sizes(run)[dim] for run, n in enumerate(count)):
        sizes = [*zip(*b.runs_of(x), strict=True)]
        parted = b.reshaped(x, [*sizes[:dim], count, (size,) * b.runs, *sizes[dim + 1 :]])
        return parted.with_dims((*parted.dims[: dim + 1], *parted.dims[dim + 2 :], parted.dims[dim + 1]))
    others = tuple(factor for i in range(x.rank) if i != dim for factor in x.own(i))
    rows = b.ordered(x, (x.own(dim), others, ()))
    made = b.step("Unfold", {"kernel_size": [size, 1], "stride": [step, 1]}, [rows])
    along, inside = factors([(n, size) for n in count])
    dims = (*x.dims[:dim], along, *x.dims[dim + 1 :], inside)
    return Traced(Output(made), ((*along, *others), inside), dims, b.batch)


@operation("fold")
def fold(
    b: GraphBuilder, input: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0,
    stride: Any = 1,
) -> Traced:  # fmt: skip
    x = b.first(b.tensor(input), 1)
    arguments = {"output_size": per_axis(output_size), "kernel_size": per_axis(kernel_size)} | chosen(
        {"dilation": (per_axis(dilation), 1), "padding": (per_axis(padding), 0), "stride": (per_axis(stride), 1)}
    )
    return as_map(b, b.step("Fold", arguments, [x]), x)
