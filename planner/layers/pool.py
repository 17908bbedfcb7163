"""Pooling by windows, in one, two and three dimensions.

Shapes: https://docs.pytorch.org/docs/stable/nn.html#pooling-layers
"""

import math
from typing import ClassVar

from pydantic import Field

from planner.diagnostics import Path
from planner.faults.places_in_padding import PlacesInPadding
from planner.faults.pool_padding_too_wide import PoolPaddingTooWide
from planner.faults.same_padding_with_stride import SamePaddingWithStride
from planner.faults.window_does_not_fit import WindowDoesNotFit
from planner.faults.wrong_value import WrongValue
from planner.geometry import SameWindow, Shape, Window
from planner.layers._fields import Count, NonZero, Padding, PerAxis, Power
from planner.layers._indices import ReturnsIndices
from planner.layers._layer import Call, Layer, axis_name
from planner.layers._padding import Side, flat, sides_of


class _Windows(Layer):
    """Pools by windows, which move by their own size where no stride is given.

    Padding that PyTorch's own argument cannot say is put around the input first, and so is what `ceil_mode` would let a
    window hang over: in place of `after` cells at the end, max(after, min(after + stride, reach) − 1) of them give the
    windows that PyTorch's rule for `ceil_mode` gives, of which none that hangs over starts in the padding at the end.
    """

    rank: ClassVar[int]
    fill: ClassVar[float] = 0.0
    """What cells of padding hold."""
    pads: ClassVar[bool] = True
    """Whether PyTorch's module has an argument for padding."""

    kernel_size: PerAxis
    stride: PerAxis | None = None
    padding: Padding = Field(
        0,
        description="Cells on every side, or a number or pair for each axis; `same`, `valid`, TensorFlow's `tf_same`.",
    )
    ceil_mode: bool = Field(False, description="Whether a last window may hang over the end.")

    def kernels(self) -> tuple[int, ...]:
        return self.per_axis("kernel_size", self.rank)

    def strides(self) -> tuple[int, ...]:
        return self.kernels() if self.stride is None else self.per_axis("stride", self.rank)

    def dilations(self) -> tuple[int, ...]:
        return (1,) * self.rank

    def sides(self) -> tuple[Side, ...]:
        """Padding before and after each axis, where it does not depend on the input's size."""
        return sides_of(self.padding, self.kernels(), self.dilations())

    @property
    def numbered(self) -> bool:
        """Whether the padding is a number for each axis, as PyTorch's own argument is."""
        return isinstance(self.padding, int) or all(isinstance(side, int) for side in self.padding)

    @property
    def own(self) -> bool:
        """Whether PyTorch's module can say the padding: the same on both sides, and at most half of the window."""
        if self.padding == "tf_same":
            return False
        if not self.pads:
            return not any(map(any, self.sides()))
        if self.numbered:
            return True
        pairs = zip(self.sides(), self.kernels(), strict=True)
        return all(before == after and before <= kernel // 2 for (before, after), kernel in pairs)

    def check(self, *inputs: Shape) -> None:
        if self.padding == "same" and max(self.strides()) > 1:
            raise SamePaddingWithStride(self.kernel_size if self.stride is None else self.stride, "pools")
        if not self.numbered or not self.pads:
            return
        for axis, ((padding, _), kernel) in enumerate(zip(self.sides(), self.kernels(), strict=True)):
            if padding > kernel // 2:
                raise PoolPaddingTooWide(padding, kernel, axis_name(axis, self.rank))

    def axes(self, x: Shape) -> tuple[Window | SameWindow, ...]:
        numbers = zip(self.kernels(), self.strides(), self.dilations(), strict=True)
        if self.padding == "tf_same":  # as many windows as there can be: `ceil_mode` adds none
            return tuple(SameWindow(*each) for each in numbers)
        padded = zip(numbers, self.sides(), strict=True)
        return tuple(Window(*each, *sides, self.ceil_mode) for each, sides in padded)

    def around(self, x: Shape) -> tuple[Side, ...]:
        """Padding with which windows that do not hang over the end are all there are."""
        sized = zip(self.axes(x), x.spatial, strict=True)
        windows = [axis.at(n) if isinstance(axis, SameWindow) else axis for axis, n in sized]
        return tuple(
            (each.before, max(each.after, min(each.after + each.stride, each.reach) - 1) if each.ceil else each.after)
            for each in windows
        )

    def pool(self, *without: str, **more: object) -> Call:
        """The call of PyTorch's module."""
        args = {**self.given(), **more}
        return self.module({name: value for name, value in args.items() if name not in without})

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        (x,) = inputs
        if not self.own:
            value = {"value": self.fill} if self.fill else {}
            return (
                Call("F.pad", {"pad": flat(self.around(x)), **value}, positional=("pad",)),
                self.pool("padding", "ceil_mode"),
            )
        if self.numbered and self.pads:
            return (self.pool(),)
        padding = tuple(before for before, _ in self.sides())
        return (self.pool(padding=padding) if any(padding) else self.pool("padding"),)


class _WithinInput(_Windows):
    """Average pools in three dimensions: PyTorch wants a window to be no larger than the input without its padding."""

    def check(self, *inputs: Shape) -> None:
        super().check(*inputs)
        for axis, (n, kernel) in enumerate(zip(inputs[0].spatial, self.kernels(), strict=True)):
            if kernel > n and self.own:
                numbers = f"a window that reaches {kernel} on {n} cells, padding not counted,"
                raise WindowDoesNotFit(axis_name(axis, self.rank), numbers)


class _MaxPool(ReturnsIndices, _Windows):
    fill: ClassVar[float] = -math.inf

    dilation: PerAxis = 1

    def must_be_writable(self, path: Path) -> None:
        if self.return_indices and not self.own and not isinstance(self.padding, int):
            raise PlacesInPadding(self.padding, path)

    def dilations(self) -> tuple[int, ...]:
        return self.per_axis("dilation", self.rank)


class MaxPool1d(_MaxPool):
    """The largest value in each window over one axis: length = (n + padding − reach) // stride + 1.

    With `ceil_mode`, one window more where cells are left over, unless it would start in the padding at the end. The
    stride is the kernel size where none is given. Padding is never the largest value: a window on
    padding alone gives −∞.
    """

    rank: ClassVar[int] = 1


class MaxPool2d(_MaxPool):
    """The largest value in each window over two axes; per axis, length = (n + padding − reach) // stride + 1.

    With `ceil_mode`, one window more where cells are left over, unless it would start in the padding at the end. The
    stride is the kernel size where none is given. Padding is never the largest value: a window on
    padding alone gives −∞.
    """

    rank: ClassVar[int] = 2


class MaxPool3d(_MaxPool):
    """The largest value in each window over three axes; per axis, length = (n + padding − reach) // stride + 1.

    With `ceil_mode`, one window more where cells are left over, unless it would start in the padding at the end. The
    stride is the kernel size where none is given. Padding is never the largest value: a window on
    padding alone gives −∞.
    """

    rank: ClassVar[int] = 3


class _AvgPool(_Windows):
    """Means, of which PyTorch's module can leave its own padding out, and no other.

    Sums of what is padded with zeros are divided by those of ones that are padded alike: so a mean is that of the cells
    that count. TensorFlow leaves padding out of every pool ("the padded input values are ignored",
    https://www.tensorflow.org/api_docs/python/tf/nn, "Notes on padding").
    """

    count_include_pad: bool = Field(
        True, description="Whether cells of padding count in the mean; those of `tf_same` never do."
    )

    @property
    def divisor(self) -> int | None:
        """What a window's sum is divided by, whatever its size."""
        return None

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        (x,) = inputs
        if self.own:
            return super().calls(x)
        without = ("padding", "ceil_mode", "count_include_pad")
        around = self.around(x)
        if self.divisor is not None:
            return (Call("F.pad", {"pad": flat(around)}, positional=("pad",)), self.pool(*without))
        if self.padding == "tf_same" or not self.count_include_pad:
            return (self.pool(*without, uncounted=flat(around)),)
        beyond = tuple((0, more - after) for (_, more), (_, after) in zip(around, self.sides(), strict=True))
        if not any(map(any, beyond)):
            return (Call("F.pad", {"pad": flat(around)}, positional=("pad",)), self.pool(*without))
        return (self.pool(*without, counted=flat(self.sides()), uncounted=flat(beyond)),)


class _AvgPoolWithDivisor(_AvgPool):
    divisor_override: NonZero | None = Field(None, description="What a window's sum is divided by, whatever its size.")

    @property
    def divisor(self) -> int | None:
        return self.divisor_override


class AvgPool1d(_AvgPool):
    """The mean of each window over one axis: length = (n + padding − kernel_size) // stride + 1.

    With `ceil_mode`, one window more where cells are left over, unless it would start in the padding at the end. The
    stride is the kernel size where none is given.
    """

    rank: ClassVar[int] = 1


class AvgPool2d(_AvgPoolWithDivisor):
    """The mean of each window over two axes; per axis, length = (n + padding − kernel_size) // stride + 1.

    With `ceil_mode`, one window more where cells are left over, unless it would start in the padding at the end. The
    stride is the kernel size where none is given.
    """

    rank: ClassVar[int] = 2


class AvgPool3d(_WithinInput, _AvgPoolWithDivisor):
    """The mean of each window over three axes; per axis, length = (n + padding − kernel_size) // stride + 1.

    With `ceil_mode`, one window more where cells are left over, unless it would start in the padding at the end. The
    stride is the kernel size where none is given. No axis may be shorter than the kernel, its padding not counted,
    unless it is padded as PyTorch's own argument cannot say.
    """

    rank: ClassVar[int] = 3


class _LPPool(_Windows):
    pads: ClassVar[bool] = False

    norm_type: Power

    def needed(self, *inputs: Shape) -> tuple[str, ...]:
        return ()  # PyTorch has norm_type before kernel_size

    def check(self, *inputs: Shape) -> None:
        super().check(*inputs)
        if self.own:
            return
        if self.norm_type < 0:
            help = "leave the padding out: zeros have no negative power"
            raise WrongValue("norm_type", "a number above 0 where there is padding", self.norm_type, help=help)
        if self.ceil_mode and self.padding != "tf_same":
            help = "remove `ceil_mode`, or the padding: PyTorch scales up what a window over the end holds"
            raise WrongValue("ceil_mode", "nothing but false where there is padding", self.ceil_mode, help=help)


class LPPool1d(_LPPool):
    """The p-norm of each window over one axis: length = (n + padding − kernel_size) // stride + 1.

    p is norm_type. With `ceil_mode`, one window more where cells are left over. The stride is the kernel size where
    none is given. Padding is zeros, which add nothing to a norm, put around the input first.
    """

    rank: ClassVar[int] = 1

    kernel_size: Count


class LPPool2d(_LPPool):
    """The p-norm of each window over two axes; per axis, length = (n + padding − kernel_size) // stride + 1.

    p is norm_type. With `ceil_mode`, one window more where cells are left over. The stride is the kernel size where
    none is given. Padding is zeros, which add nothing to a norm, put around the input first.
    """

    rank: ClassVar[int] = 2


class LPPool3d(_WithinInput, _LPPool):
    """The p-norm of each window over three axes; per axis, length = (n + padding − kernel_size) // stride + 1.

    p is norm_type. With `ceil_mode`, one window more where cells are left over. The stride is the kernel size where
    none is given. Padding is zeros, which add nothing to a norm, put around the input first. No axis may be shorter
    than the kernel, unless it is padded.
    """

    rank: ClassVar[int] = 3
