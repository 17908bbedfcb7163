"""Pools, padding and interpolation."""

from __future__ import annotations

from functools import partial

from planner.autograd import pointwise, reductions, windows
from planner.autograd.calls._running import Handler, Running
from planner.autograd.tensors import WIDTHS, Strided


def _max_pool(c: Running) -> tuple[Strided, Strided]:
    return windows.max_pool(
        c.t, c.x, c.spatial, adaptive="Adaptive" in c.name, places=bool(c.args.get("return_indices"))
    )


def _average_pool(c: Running) -> Strided:
    if "uncounted" not in c.args:
        return windows.average_pool(c.t, c.x, c.spatial)
    x = windows.pad(c.t, c.x, c.args["counted"]) if c.args.get("counted") else c.x
    ones = c.t.new(x.sizes, x.dtype)
    pooled = windows.average_pool(c.t, windows.pad(c.t, x, c.args["uncounted"]), c.spatial)
    return pointwise.divide(
        c.t, pooled, windows.average_pool(c.t, windows.pad(c.t, ones, c.args["uncounted"]), c.spatial)
    )


def _adaptive_average_pool(c: Running) -> Strided:
    return windows.adaptive_average_pool(c.t, c.x, c.spatial)


def _fractional(c: Running) -> tuple[Strided, Strided]:
    return windows.fractional_max_pool(c.t, c.x, c.spatial)


def _lp_pool(c: Running) -> Strided:
    return windows.lp_pool(c.t, c.x, c.spatial)


def _pad(c: Running) -> Strided:
    return windows.pad(c.t, c.x, c.args["pad"], c.args.get("mode", "constant"))


def _pad_module(c: Running, mode: str) -> Strided:
    padding = c.args["padding"]
    rank = c.x.dim - 2
    return windows.pad(c.t, c.x, (padding,) * (2 * rank) if isinstance(padding, int) else padding, mode)


def _interpolate(c: Running, mode: str = "") -> Strided:
    return windows.interpolate(c.t, c.x, c.spatial, mode or c.args.get("mode", "nearest"))


def _shuffle(c: Running) -> Strided:
    return reductions.shuffled(c.t, c.x, c.outputs[0])


def _unfold(c: Running) -> Strided:
    """PyTorch makes its output of a tensor like the input, whose memory stays where the output needs less."""
    made = reductions.moved_about(c.t, c.x, c.outputs[0], name="unfold")
    made.storage.bytes = WIDTHS[c.x.dtype] * max(c.x.elements, made.elements)
    return made


HANDLERS: dict[str, Handler] = {
    **{f"nn.{kind}MaxPool{n}d": _max_pool for kind in ("", "Adaptive") for n in (1, 2, 3)},
    **{f"nn.AvgPool{n}d": _average_pool for n in (1, 2, 3)},
    **{f"nn.AdaptiveAvgPool{n}d": _adaptive_average_pool for n in (1, 2, 3)},
    **{f"nn.FractionalMaxPool{n}d": _fractional for n in (2, 3)},
    **{f"nn.LPPool{n}d": _lp_pool for n in (1, 2, 3)},
    "F.pad": _pad,
    **{
        f"nn.{kind}Pad{n}d": partial(_pad_module, mode=mode)
        for kind, mode in (
            ("Zero", "constant"),
            ("Constant", "constant"),
            ("Reflection", "reflect"),
            ("Replication", "replicate"),
            ("Circular", "circular"),
        )
        for n in (1, 2, 3)
    },
    **dict.fromkeys(("F.interpolate", "nn.Upsample"), _interpolate),
    "nn.UpsamplingNearest2d": partial(_interpolate, mode="nearest"),
    "nn.UpsamplingBilinear2d": partial(_interpolate, mode="bilinear"),
    **dict.fromkeys(("nn.PixelShuffle", "nn.PixelUnshuffle", "nn.ChannelShuffle"), _shuffle),
    **dict.fromkeys(("nn.Unfold", "nn.Fold"), _unfold),
}
