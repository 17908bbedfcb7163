"""Convolutions in one, two and three dimensions.

Shapes: https://docs.pytorch.org/docs/stable/nn.html#convolution-layers
"""

import math
from collections.abc import Mapping
from typing import ClassVar

from planner.faults.padding_too_wide import PaddingTooWide
from planner.faults.same_padding_with_stride import SamePaddingWithStride
from planner.geometry import AxisMap, PadMode, SameWindow, Shape, Window
from planner.layers._call import Call
from planner.layers._layer import Sizes
from planner.layers._padding import padded, sides_of
from planner.layers.conv._grouped import GroupedWeights


class _Conv(GroupedWeights):
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
