"""Convolutions and transposed convolutions in one, two and three dimensions.

Shapes: https://docs.pytorch.org/docs/stable/nn.html#convolution-layers
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from planner.faults.groups_do_not_divide import GroupsDoNotDivide
from planner.faults.missing_key import MissingKey
from planner.faults.output_padding_too_large import OutputPaddingTooLarge
from planner.faults.padding_too_wide import PaddingTooWide
from planner.faults.same_padding_with_stride import SamePaddingWithStride
from planner.faults.wrong_value import WrongValue
from planner.geometry import All, AxisMap, Grouped, SameWindow, Shape, Spread, Window
from planner.layers._fields import Count, Padding, PaddingMode, PerAxis, PerAxisNatural
from planner.layers._layer import Call, Layer, Sizes


class _GroupedWeights(Layer):
    """What convolutions and transposed convolutions share: channels, groups, and the kernel's weights."""

    rank: ClassVar[int]

    out_channels: Count | None = None
    kernel_size: PerAxis
    stride: PerAxis = 1
    groups: Count | Literal["depthwise"] = 1
    bias: bool = True
    dilation: PerAxis = 1
    in_channels: Count | None = None

    def width(self, x: Shape) -> int:
        """Output channels for input x."""
        if self.out_channels is not None:
            return self.out_channels
        if self.groups != "depthwise":
            raise MissingKey("out_channels", type(self).__name__)
        return x.channels

    def group_count(self, x: Shape) -> int:
        return x.channels if self.groups == "depthwise" else self.groups

    def check(self, *inputs: Shape) -> None:
        (x,) = inputs
        self.must_equal("in_channels", x.channels)
        groups, width = self.group_count(x), self.width(x)
        if x.channels % groups:
            raise GroupsDoNotDivide("in_channels", x.channels, groups, width)
        if width % groups:
            raise GroupsDoNotDivide("out_channels", width, groups, x.channels)

    def channel_map(self, x: Shape) -> AxisMap:
        groups = self.group_count(x)
        return All(self.width(x)) if groups == 1 else Grouped(self.width(x), groups)

    def derived(self, *inputs: Shape) -> Mapping[str, object]:
        (x,) = inputs
        return {"in_channels": x.channels, "out_channels": self.width(x)}

    def given(self) -> dict[str, Any]:
        # One order for all: in_channels and out_channels come from `derived`.
        return {name: value for name, value in super().given().items() if name not in ("in_channels", "out_channels")}

    def _call(self, x: Shape, **changed: object) -> Call:
        args = {**self.derived(x), **self.given(), **changed}
        if args.get("groups") == "depthwise":
            args["groups"] = x.channels
        return Call(f"nn.{type(self).__name__}", args)


class _Conv(_GroupedWeights):
    padding: Padding = 0
    padding_mode: PaddingMode = "zeros"

    def sides(self, n_axes: int) -> tuple[tuple[int, int], ...] | None:
        """Padding before and after each axis; None for `tf_same`, which depends on the input's size."""
        if self.padding == "tf_same":
            return None
        if self.padding == "same":
            totals = [
                d * (k - 1)
                for d, k in zip(self.per_axis("dilation", n_axes), self.per_axis("kernel_size", n_axes), strict=True)
            ]
            return tuple((total // 2, total - total // 2) for total in totals)
        if isinstance(self.padding, int):
            return ((self.padding, self.padding),) * n_axes
        if len(self.padding) != n_axes:
            raise WrongValue("padding", f"one number, or {n_axes} for the {n_axes} spatial axes", list(self.padding))
        return tuple(side if isinstance(side, tuple) else (side, side) for side in self.padding)  # type: ignore[misc]

    def check(self, *inputs: Shape) -> None:
        super().check(*inputs)
        (x,) = inputs
        if self.padding == "same" and max(self.per_axis("stride", self.rank)) > 1:
            raise SamePaddingWithStride(self.stride)
        limits = {"reflect": -1, "circular": 0}
        if self.padding_mode in limits and (sides := self.sides(self.rank)):
            for n, pair in zip(x.spatial, sides, strict=True):
                if max(pair) > n + limits[self.padding_mode]:
                    raise PaddingTooWide(self.padding_mode, max(pair), n)

    def axes(self, x: Shape) -> tuple[AxisMap, ...]:
        steps = [self.per_axis(name, self.rank) for name in ("kernel_size", "stride", "dilation")]
        sides = self.sides(self.rank)
        if sides is None:
            return tuple(SameWindow(*numbers) for numbers in zip(*steps, strict=True))
        return tuple(Window(k, s, d, *side) for k, s, d, side in zip(*steps, sides, strict=True))

    def weights(self, *inputs: Shape) -> Mapping[str, Sizes]:
        (x,) = inputs
        kernel = self.per_axis("kernel_size", self.rank)
        width = self.width(x)
        named: dict[str, Sizes] = {"weight": (width, x.channels // self.group_count(x), *kernel)}
        if self.bias:
            named["bias"] = (width,)
        return named

    def macs(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> int:
        (x,), (y,) = inputs, outputs
        return y.elements * (x.channels // self.group_count(x)) * math.prod(self.per_axis("kernel_size", self.rank))

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        (x,) = inputs
        sides = self.sides(self.rank)
        if self.padding in ("same",) or (sides is not None and all(before == after for before, after in sides)):
            symmetric = self.padding if isinstance(self.padding, int | str) else tuple(side[0] for side in sides or ())
            return (self._call(x, **({"padding": symmetric} if symmetric != 0 else {})),)
        if sides is None:
            windows = [axis.at(n) for axis, n in zip(self.axes(x), x.spatial, strict=True) if isinstance(axis, SameWindow)]
            sides = tuple((window.before, window.after) for window in windows)
        mode = {"zeros": "constant"}.get(self.padding_mode, self.padding_mode)
        pad = tuple(number for side in reversed(sides) for number in side)
        conv = self._call(x, padding=0, padding_mode="zeros")
        args = {name: value for name, value in conv.args.items() if name not in ("padding", "padding_mode")}
        mode_given = {"mode": mode} if mode != "constant" else {}
        return (Call("F.pad", {"pad": pad, **mode_given}), Call(conv.target, args))


class Conv1d(_Conv):
    """A convolution over one axis: L×C.

    Per axis, with reach = dilation·(kernel_size − 1) + 1: length = (n + padding − reach) // stride + 1.
    Input channels are worked out; `groups: depthwise` gives every input channel a kernel of its own.
    """

    rank: ClassVar[int] = 1


class Conv2d(_Conv):
    """A convolution over two axes: H×W×C.

    Per axis, with reach = dilation·(kernel_size − 1) + 1: length = (n + padding − reach) // stride + 1.
    Input channels are worked out; `groups: depthwise` gives every input channel a kernel of its own.
    """

    rank: ClassVar[int] = 2


class Conv3d(_Conv):
    """A convolution over three axes: D×H×W×C.

    Per axis, with reach = dilation·(kernel_size − 1) + 1: length = (n + padding − reach) // stride + 1.
    Input channels are worked out; `groups: depthwise` gives every input channel a kernel of its own.
    """

    rank: ClassVar[int] = 3


class _ConvTranspose(_GroupedWeights):
    padding: PerAxisNatural = 0
    output_padding: PerAxisNatural = 0

    def check(self, *inputs: Shape) -> None:
        super().check(*inputs)
        names = ("output_padding", "stride", "dilation")
        for extra, stride, dilation in zip(*(self.per_axis(name, self.rank) for name in names), strict=True):
            if extra >= stride and extra >= dilation:
                raise OutputPaddingTooLarge(extra, stride, dilation)

    def axes(self, x: Shape) -> tuple[AxisMap, ...]:
        names = ("kernel_size", "stride", "dilation", "padding", "output_padding")
        return tuple(Spread(*numbers) for numbers in zip(*(self.per_axis(name, self.rank) for name in names), strict=True))

    def weights(self, *inputs: Shape) -> Mapping[str, Sizes]:
        (x,) = inputs
        width = self.width(x)
        kernel = self.per_axis("kernel_size", self.rank)
        named: dict[str, Sizes] = {"weight": (x.channels, width // self.group_count(x), *kernel)}
        if self.bias:
            named["bias"] = (width,)
        return named

    def macs(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> int:
        (x,) = inputs
        kernel = math.prod(self.per_axis("kernel_size", self.rank))
        return x.elements * (self.width(x) // self.group_count(x)) * kernel

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (self._call(inputs[0]),)


class ConvTranspose1d(_ConvTranspose):
    """A transposed convolution over one axis: length = (n − 1)·stride − 2·padding + reach + output_padding."""

    rank: ClassVar[int] = 1


class ConvTranspose2d(_ConvTranspose):
    """A transposed convolution over two axes: length = (n − 1)·stride − 2·padding + reach + output_padding."""

    rank: ClassVar[int] = 2


class ConvTranspose3d(_ConvTranspose):
    """A transposed convolution over three axes: length = (n − 1)·stride − 2·padding + reach + output_padding."""

    rank: ClassVar[int] = 3
