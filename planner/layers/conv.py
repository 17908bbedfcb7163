"""Convolutions and transposed convolutions in one, two and three dimensions.

Shapes: https://docs.pytorch.org/docs/stable/nn.html#convolution-layers
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from planner.faults.groups_do_not_divide import GroupsDoNotDivide
from planner.faults.missing_key import MissingKey
from planner.faults.output_padding_too_large import OutputPaddingTooLarge
from planner.faults.padding_too_wide import PaddingTooWide
from planner.faults.same_padding_with_stride import SamePaddingWithStride
from planner.geometry import All, AxisMap, Grouped, PadMode, SameWindow, Shape, Spread, Window
from planner.layers._batch_axes import TakesBatchAxes
from planner.layers._call import Call
from planner.layers._fields import Count, Padding, PaddingMode, PerAxis, PerAxisNatural
from planner.layers._layer import Sizes
from planner.layers._padding import padded, sides_of
from planner.regions import Region, everything


class _GroupedWeights(TakesBatchAxes):
    """What convolutions and transposed convolutions share: channels, groups, and the kernel's weights."""

    rank: ClassVar[int]

    out_channels: Count | None = Field(None, description="Left out, as many as come in; only with `groups: depthwise`.")
    kernel_size: PerAxis
    stride: PerAxis = 1
    padding: Padding = Field(
        0,
        description="Cells on every side, or a number or pair for each axis; `same`, `valid`, TensorFlow's `tf_same`.",
    )
    dilation: PerAxis = 1
    groups: Count | Literal["depthwise"] = Field(1, description="`depthwise` is one group for each input channel.")
    bias: bool = True
    padding_mode: PaddingMode = "zeros"
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

    def _call(self, x: Shape, *, without: tuple[str, ...] = (), **changed: object) -> Call:
        args = {**self.derived(x), **self.given(), **changed}
        if self.groups == "depthwise":
            args["groups"] = x.channels
        return self.module({name: value for name, value in args.items() if name not in without}, x)


class _Conv(_GroupedWeights):
    def sides(self) -> tuple[tuple[int, int], ...]:
        """Padding before and after each axis, where it does not depend on the input's size."""
        return sides_of(self.padding, self.per_axis("kernel_size", self.rank), self.per_axis("dilation", self.rank))

    def windows(self, x: Shape) -> tuple[Window, ...]:
        """The plain window of each axis of x."""
        sized = zip(self.own_axes(), x.spatial[self.batch_axes :], strict=True)
        return tuple(axis.at(n) if isinstance(axis, SameWindow) else axis for axis, n in sized)

    def check(self, *inputs: Shape) -> None:
        super().check(*inputs)
        (x,) = inputs
        if self.padding == "same" and max(self.per_axis("stride", self.rank)) > 1:
            raise SamePaddingWithStride(self.stride)
        if self._mode != "constant" and any(each.before != each.after for each in self.windows(x)):
            self.must_not_fold(f"padding_mode is {self.padding_mode}, and the padding differs from side to side")
        if self.padding_mode in ("reflect", "circular"):
            for n, window in zip(x.spatial[self.batch_axes :], self.windows(x), strict=True):
                most = n - (self.padding_mode == "reflect")
                if max(window.before, window.after) > most:
                    raise PaddingTooWide(self.padding_mode, max(window.before, window.after), most)

    def axes(self, x: Shape) -> tuple[AxisMap, ...]:
        return (*self.before, *self.own_axes())

    def own_axes(self) -> tuple[Window | SameWindow, ...]:
        """The maps of the axes that windows move along."""
        kernels, strides, dilations = (self.per_axis(name, self.rank) for name in ("kernel_size", "stride", "dilation"))
        if self.padding == "tf_same":
            return tuple(SameWindow(k, s, d, self._mode) for k, s, d in zip(kernels, strides, dilations, strict=True))
        numbers = zip(kernels, strides, dilations, self.sides(), strict=True)
        return tuple(Window(k, s, d, before, after, mode=self._mode) for k, s, d, (before, after) in numbers)

    @property
    def _mode(self) -> PadMode:
        """What `F.pad` calls the padding mode."""
        return "constant" if self.padding_mode == "zeros" else self.padding_mode

    def weights(self, *inputs: Shape) -> Mapping[str, Sizes]:
        (x,) = inputs
        kernel = self.per_axis("kernel_size", self.rank)
        width = self.width(x)
        named: dict[str, Sizes] = {"weight": (width, x.channels // self.group_count(x), *kernel)}
        if self.bias:
            named["bias"] = (width,)
        return named

    def multiply_adds(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> int:
        (x,), (y,) = inputs, outputs
        return y.elements * (x.channels // self.group_count(x)) * math.prod(self.per_axis("kernel_size", self.rank))

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        (x,) = inputs
        if self.padding in ("same", "valid") or isinstance(self.padding, int):
            return (self._call(x),)
        windows = self.windows(x)
        if all(window.before == window.after for window in windows):
            return (self._call(x, padding=tuple(window.before for window in windows)),)
        mode = {"mode": self._mode} if self._mode != "constant" else {}
        pad = padded(((window.before, window.after) for window in windows), **mode)
        return (pad, self._call(x, without=("padding", "padding_mode")))


class Conv1d(_Conv):
    """A convolution over one axis: L×C.

    Per axis, with extent = dilation·(kernel_size − 1) + 1: length = (n + padding − extent) // stride + 1.
    Input channels are worked out; `groups: depthwise` gives every input channel a kernel of its own.
    """

    rank: ClassVar[int] = 1


class Conv2d(_Conv):
    """A convolution over two axes: H×W×C.

    Per axis, with extent = dilation·(kernel_size − 1) + 1: length = (n + padding − extent) // stride + 1.
    Input channels are worked out; `groups: depthwise` gives every input channel a kernel of its own.
    """

    rank: ClassVar[int] = 2


class Conv3d(_Conv):
    """A convolution over three axes: D×H×W×C.

    Per axis, with extent = dilation·(kernel_size − 1) + 1: length = (n + padding − extent) // stride + 1.
    Input channels are worked out; `groups: depthwise` gives every input channel a kernel of its own.
    """

    rank: ClassVar[int] = 3


class _ConvTranspose(_GroupedWeights):
    padding: PerAxisNatural = Field(0, description="Cells taken off each side of the result.")
    output_padding: PerAxisNatural = Field(0, description="Cells added at the end, to choose among the possible sizes.")
    padding_mode: Literal["zeros"] = "zeros"

    def given(self) -> dict[str, Any]:
        # `output_padding` stands behind `padding`, as in PyTorch's class.
        args = super().given()
        return {
            name: args[name] for name in ("kernel_size", "stride", "padding", "output_padding", *args) if name in args
        }

    def check(self, *inputs: Shape) -> None:
        super().check(*inputs)
        names = ("output_padding", "stride", "dilation")
        for extra, stride, dilation in zip(*(self.per_axis(name, self.rank) for name in names), strict=True):
            if extra >= stride and extra >= dilation:
                raise OutputPaddingTooLarge(extra, stride, dilation)

    def axes(self, x: Shape) -> tuple[AxisMap, ...]:
        names = ("kernel_size", "stride", "dilation", "padding", "output_padding")
        numbers = zip(*(self.per_axis(name, self.rank) for name in names), strict=True)
        return (*self.before, *(Spread(*each) for each in numbers))

    def weights(self, *inputs: Shape) -> Mapping[str, Sizes]:
        (x,) = inputs
        width = self.width(x)
        kernel = self.per_axis("kernel_size", self.rank)
        named: dict[str, Sizes] = {"weight": (x.channels, width // self.group_count(x), *kernel)}
        if self.bias:
            named["bias"] = (width,)
        return named

    def multiply_adds(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> int:
        (x,) = inputs
        kernel = math.prod(self.per_axis("kernel_size", self.rank))
        return x.elements * (self.width(x) // self.group_count(x)) * kernel

    def spared(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], read: Region) -> int:
        (x,), (y,) = inputs, outputs
        axes = [each for each in self.axes(x) if isinstance(each, Spread)]

        def written(region: Region) -> int:
            return sum(
                math.prod(cells.bit_count() for cells in (*box[: self.batch_axes], box[-1]))
                * math.prod(map(Spread.written, axes, box[self.batch_axes : -1], x.spatial[self.batch_axes :]))
                for box in region
            )

        return (written(everything(y)) - written(read)) * (x.channels // self.group_count(x))

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (self._call(inputs[0]),)


class ConvTranspose1d(_ConvTranspose):
    """A transposed convolution over one axis: length = (n − 1)·stride − 2·padding + extent + output_padding."""

    rank: ClassVar[int] = 1


class ConvTranspose2d(_ConvTranspose):
    """A transposed convolution over two axes: length = (n − 1)·stride − 2·padding + extent + output_padding."""

    rank: ClassVar[int] = 2


class ConvTranspose3d(_ConvTranspose):
    """A transposed convolution over three axes: length = (n − 1)·stride − 2·padding + extent + output_padding."""

    rank: ClassVar[int] = 3
