"""Convolutions, pools, and functions that change the size of a map."""

from __future__ import annotations

from functools import partial
from typing import Any

from planner.inputs._axes import Traced
from planner.inputs._building import GraphBuilder
from planner.inputs._graph import GraphNode, NotSayable
from planner.inputs._stored import Held
from planner.inputs.operations import OPERATIONS, operation


def as_map(b: GraphBuilder, step: GraphNode, x: Traced) -> Traced:
    """The output of a step on a map as (N, C, …)."""
    return b.output(step, lambda axes: ((b.batch,) if x.has_batch else (), axes[-1], *axes[:-1]))


def per_axis(value: Any) -> Any:
    """One number where all axes have the same, else a list."""
    if isinstance(value, tuple | list):
        return value[0] if len(set(value)) == 1 else list(value)
    return value


def chosen(arguments: dict[str, tuple[Any, Any]]) -> dict[str, Any]:
    """The arguments that are not at their defaults."""
    return {name: value for name, (value, default) in arguments.items() if value != default}


def _convolved(
    rank: int, b: GraphBuilder, input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1, groups: int = 1,
) -> Traced:  # fmt: skip
    if not isinstance(weight, Held):
        raise NotSayable("a convolution whose weights are computed")
    path = b.owner(weight, "weight", bias)
    x = b.first(b.tensor(input), rank)
    arguments = {"out_channels": weight.sizes[0], "kernel_size": per_axis(weight.sizes[2:])} | chosen(
        {
            "stride": (per_axis(stride), 1),
            "padding": (per_axis(padding), 0),
            "dilation": (per_axis(dilation), 1),
            "groups": (groups, 1),
            "bias": (bias is not None, True),
        }
    )
    return as_map(b, b.step(f"Conv{rank}d", by_depth(arguments, x), [x], path=path), x)


def by_depth(arguments: dict[str, Any], x: Traced) -> dict[str, Any]:
    """The arguments of a convolution; one that works channel by channel says so, and not how many these are."""
    channels = x.output.step.shapes[0][x.output.number].channels
    if arguments.get("groups", 1) != channels or channels == 1:
        return arguments
    kept = {name: value for name, value in arguments.items() if name != "out_channels" or value != channels}
    return kept | {"groups": "depthwise"}


def _convolved_back(
    rank: int, b: GraphBuilder, input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1, dilation: Any = 1,
) -> Traced:  # fmt: skip
    if not isinstance(weight, Held):
        raise NotSayable("a convolution whose weights are computed")
    path = b.owner(weight, "weight", bias)
    x = b.first(b.tensor(input), rank)
    arguments = {"out_channels": weight.sizes[1] * groups, "kernel_size": per_axis(weight.sizes[2:])} | chosen(
        {
            "stride": (per_axis(stride), 1),
            "padding": (per_axis(padding), 0),
            "output_padding": (per_axis(output_padding), 0),
            "groups": (groups, 1),
            "bias": (bias is not None, True),
            "dilation": (per_axis(dilation), 1),
        }
    )
    return as_map(b, b.step(f"ConvTranspose{rank}d", arguments, [x], path=path), x)


def _mean_pooled(
    rank: int, b: GraphBuilder, input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0,
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: Any = None,
) -> Traced:  # fmt: skip
    x = b.first(b.tensor(input), rank)
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
    return as_map(b, b.step(f"AvgPool{rank}d", arguments, [x]), x)


def _max_pooled(
    rank: int, b: GraphBuilder, input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    x = b.first(b.tensor(input), rank)
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
    return as_map(b, b.step(f"MaxPool{rank}d", arguments, [x]), x)


def _adaptive(
    kind: str, rank: int, b: GraphBuilder, input: Any, output_size: Any, return_indices: bool = False
) -> Traced:
    x = b.first(b.tensor(input), rank)
    size = per_axis(output_size)
    return as_map(b, b.step(f"Adaptive{kind}Pool{rank}d", {"output_size": size}, [x]), x)


for _rank in (1, 2, 3):
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
    wanted = [tuple(each[2:]) for each in zip(*b.wanted(), strict=True)]
    arguments = chosen(
        {"mode": (mode, "nearest"), "align_corners": (bool(align_corners), False), "antialias": (antialias, False)}
    )
    sources = [x]
    if scale_factor is not None and size is None:
        arguments = {"scale_factor": per_axis(scale_factor), **arguments}
        if recompute_scale_factor:
            arguments["recompute_scale_factor"] = True
    elif len(set(wanted)) == 1:
        arguments = {"size": per_axis(wanted[0]), **arguments}
    else:
        scales = [
            tuple(n // k for n, k in zip(to, x_sizes[2:], strict=True))
            for to, x_sizes in zip(wanted, b.runs_of(x), strict=True)
        ]
        whole = all(
            n % k == 0
            for to, x_sizes in zip(wanted, b.runs_of(x), strict=True)
            for n, k in zip(to, x_sizes[2:], strict=True)
        )
        if whole and len(set(scales)) == 1:
            arguments = {"scale_factor": per_axis(scales[0]), **arguments}
        else:
            sources.append(b.of_size(wanted))
    if (
        wanted[0] == x.sizes()[2:]
        and len(sources) == 1
        and all(to == each[2:] for to, each in zip(wanted, b.runs_of(x), strict=True))
    ):
        return x.with_dims(x.dims)
    return as_map(b, b.step("Interpolate", arguments, sources), x)


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
    x = b.first(b.tensor(input), 2)
    arguments = {"kernel_size": per_axis(kernel_size)} | chosen(
        {"dilation": (per_axis(dilation), 1), "padding": (per_axis(padding), 0), "stride": (per_axis(stride), 1)}
    )
    return as_map(b, b.step("Unfold", arguments, [x]), x)


@operation("fold")
def fold(
    b: GraphBuilder,
    input: Any,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> Traced:
    x = b.first(b.tensor(input), 1)
    arguments = {"output_size": per_axis(output_size), "kernel_size": per_axis(kernel_size)} | chosen(
        {"dilation": (per_axis(dilation), 1), "padding": (per_axis(padding), 0), "stride": (per_axis(stride), 1)}
    )
    return as_map(b, b.step("Fold", arguments, [x]), x)
