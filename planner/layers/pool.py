"""Pooling in one, two and three dimensions: by windows, to a given size, and by windows drawn at random.

Shapes: https://docs.pytorch.org/docs/stable/nn.html#pooling-layers
"""

from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from planner.faults.ambiguous_size import AmbiguousSize
from planner.faults.missing_key import MissingKey
from planner.faults.pool_padding_too_wide import PoolPaddingTooWide
from planner.faults.window_does_not_fit import WindowDoesNotFit
from planner.faults.windows_too_wide import WindowsTooWide
from planner.faults.wrong_value import WrongValue
from planner.geometry import KEEP, AxisMap, Bins, Link, RandomBins, Shape, Window
from planner.layers._fields import Count, NonZero, PerAxis, PerAxisFactor, PerAxisNatural, PerAxisOrKeep, Power
from planner.layers._layer import Call, Layer, axis_name


class _Windows(Layer):
    """Pools by windows, which move by their own size where no stride is given."""

    rank: ClassVar[int]

    kernel_size: PerAxis
    stride: PerAxis | None = None
    ceil_mode: bool = Field(False, description="Whether a last window may hang over the end.")

    def dilations(self) -> tuple[int, ...]:
        return (1,) * self.rank

    def paddings(self) -> tuple[int, ...]:
        return (0,) * self.rank

    def axes(self, x: Shape) -> tuple[AxisMap, ...]:
        kernels = self.per_axis("kernel_size", self.rank)
        strides = kernels if self.stride is None else self.per_axis("stride", self.rank)
        numbers = zip(kernels, strides, self.dilations(), self.paddings(), strict=True)
        return tuple(Window(k, s, d, p, p, self.ceil_mode) for k, s, d, p in numbers)


class _PaddedWindows(_Windows):
    padding: PerAxisNatural = 0

    def check(self, *inputs: Shape) -> None:
        sides = zip(self.paddings(), self.per_axis("kernel_size", self.rank), strict=True)
        for axis, (padding, kernel) in enumerate(sides):
            if padding > kernel // 2:
                raise PoolPaddingTooWide(padding, kernel, axis_name(axis, self.rank))

    def paddings(self) -> tuple[int, ...]:
        return self.per_axis("padding", self.rank)


class _WithinInput(_Windows):
    """Average pools in three dimensions: PyTorch wants a window to be no larger than the input without its padding."""

    def check(self, *inputs: Shape) -> None:
        super().check(*inputs)
        sizes = zip(inputs[0].spatial, self.per_axis("kernel_size", self.rank), strict=True)
        for axis, (n, kernel) in enumerate(sizes):
            if kernel > n:
                numbers = f"a window that reaches {kernel} on {n} cells, padding not counted,"
                raise WindowDoesNotFit(axis_name(axis, self.rank), numbers)


class _Places(Layer):
    """What max pools share: they can also tell where they found each maximum."""

    extras: ClassVar[bool] = True

    return_indices: bool = Field(False, description="Adds a second output, `name.1`: the place of each maximum.")

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        return super().links(*inputs) * (1 + self.return_indices)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        (call,) = super().calls(*inputs)
        return (replace(call, returns=((0,), (1,))) if self.return_indices else call,)


class _MaxPool(_Places, _PaddedWindows):
    dilation: PerAxis = 1

    def dilations(self) -> tuple[int, ...]:
        return self.per_axis("dilation", self.rank)


class MaxPool1d(_MaxPool):
    """The largest value in each window over one axis: length = (n + 2·padding − reach) // stride + 1.

    With `ceil_mode`, one window more where cells are left over, unless it would start in the padding at the end. The
    stride is the kernel size where none is given; padding is never the largest value.
    """

    rank: ClassVar[int] = 1


class MaxPool2d(_MaxPool):
    """The largest value in each window over two axes; per axis, length = (n + 2·padding − reach) // stride + 1.

    With `ceil_mode`, one window more where cells are left over, unless it would start in the padding at the end. The
    stride is the kernel size where none is given; padding is never the largest value.
    """

    rank: ClassVar[int] = 2


class MaxPool3d(_MaxPool):
    """The largest value in each window over three axes; per axis, length = (n + 2·padding − reach) // stride + 1.

    With `ceil_mode`, one window more where cells are left over, unless it would start in the padding at the end. The
    stride is the kernel size where none is given; padding is never the largest value.
    """

    rank: ClassVar[int] = 3


class AvgPool1d(_PaddedWindows):
    """The mean of each window over one axis: length = (n + 2·padding − kernel_size) // stride + 1.

    With `ceil_mode`, one window more where cells are left over, unless it would start in the padding at the end. The
    stride is the kernel size where none is given.
    """

    rank: ClassVar[int] = 1

    count_include_pad: bool = Field(True, description="Whether cells of padding count in the mean.")


class AvgPool2d(_PaddedWindows):
    """The mean of each window over two axes; per axis, length = (n + 2·padding − kernel_size) // stride + 1.

    With `ceil_mode`, one window more where cells are left over, unless it would start in the padding at the end. The
    stride is the kernel size where none is given.
    """

    rank: ClassVar[int] = 2

    count_include_pad: bool = Field(True, description="Whether cells of padding count in the mean.")
    divisor_override: NonZero | None = Field(None, description="What a window's sum is divided by, whatever its size.")


class AvgPool3d(_WithinInput, _PaddedWindows):
    """The mean of each window over three axes; per axis, length = (n + 2·padding − kernel_size) // stride + 1.

    With `ceil_mode`, one window more where cells are left over, unless it would start in the padding at the end. The
    stride is the kernel size where none is given. No axis may be shorter than the kernel, its padding not counted.
    """

    rank: ClassVar[int] = 3

    count_include_pad: bool = Field(True, description="Whether cells of padding count in the mean.")
    divisor_override: NonZero | None = Field(None, description="What a window's sum is divided by, whatever its size.")


class LPPool1d(_Windows):
    """The p-norm of each window over one axis, p = norm_type: length = (n − kernel_size) // stride + 1.

    With `ceil_mode`, one window more where cells are left over. The stride is the kernel size where none is given.
    """

    rank: ClassVar[int] = 1

    norm_type: Power
    kernel_size: Count


class LPPool2d(_Windows):
    """The p-norm of each window over two axes, p = norm_type; per axis, length = (n − kernel_size) // stride + 1.

    With `ceil_mode`, one window more where cells are left over. The stride is the kernel size where none is given.
    """

    rank: ClassVar[int] = 2

    norm_type: Power


class LPPool3d(_WithinInput):
    """The p-norm of each window over three axes, p = norm_type; per axis, length = (n − kernel_size) // stride + 1.

    With `ceil_mode`, one window more where cells are left over. The stride is the kernel size where none is given. No
    axis may be shorter than the kernel.
    """

    rank: ClassVar[int] = 3

    norm_type: Power


class _Adaptive(Layer):
    """Pools by as many bins as are asked for."""

    rank: ClassVar[int]

    output_size: PerAxisOrKeep

    def axes(self, x: Shape) -> tuple[AxisMap, ...]:
        sizes = (self.output_size,) * self.rank if isinstance(self.output_size, int) else self.output_size
        if len(sizes) != self.rank:
            raise WrongValue("output_size", f"one number, or {self.rank} for the {self.rank} spatial axes", sizes)
        return tuple(KEEP if size is None else Bins(size) for size in sizes)


class AdaptiveAvgPool1d(_Adaptive):
    """The mean of each of output_size bins over one axis, whatever its length n.

    Bin i holds the cells floor(i·n / output_size) up to, not including, ceil((i + 1)·n / output_size): bins overlap,
    or differ in size, unless output_size divides n.
    """

    rank: ClassVar[int] = 1

    output_size: PerAxis


class AdaptiveAvgPool2d(_Adaptive):
    """The mean of each of output_size bins per axis, over two axes of any length n; null keeps an axis.

    Bin i holds the cells floor(i·n / output_size) up to, not including, ceil((i + 1)·n / output_size): bins overlap,
    or differ in size, unless output_size divides n. `output_size: 1` is global average pooling.
    """

    rank: ClassVar[int] = 2


class AdaptiveAvgPool3d(_Adaptive):
    """The mean of each of output_size bins per axis, over three axes of any length n; null keeps an axis.

    Bin i holds the cells floor(i·n / output_size) up to, not including, ceil((i + 1)·n / output_size): bins overlap,
    or differ in size, unless output_size divides n. `output_size: 1` is global average pooling.
    """

    rank: ClassVar[int] = 3


class AdaptiveMaxPool1d(_Places, _Adaptive):
    """The largest value in each of output_size bins over one axis, whatever its length n.

    Bin i holds the cells floor(i·n / output_size) up to, not including, ceil((i + 1)·n / output_size): bins overlap,
    or differ in size, unless output_size divides n.
    """

    rank: ClassVar[int] = 1

    output_size: PerAxis


class AdaptiveMaxPool2d(_Places, _Adaptive):
    """The largest value in each of output_size bins per axis, over two axes of any length n; null keeps an axis.

    Bin i holds the cells floor(i·n / output_size) up to, not including, ceil((i + 1)·n / output_size): bins overlap,
    or differ in size, unless output_size divides n. `output_size: 1` is global max pooling.
    """

    rank: ClassVar[int] = 2


class AdaptiveMaxPool3d(_Places, _Adaptive):
    """The largest value in each of output_size bins per axis, over three axes of any length n; null keeps an axis.

    Bin i holds the cells floor(i·n / output_size) up to, not including, ceil((i + 1)·n / output_size): bins overlap,
    or differ in size, unless output_size divides n. `output_size: 1` is global max pooling.
    """

    rank: ClassVar[int] = 3


class _Fractional(_Places):
    """Max pools whose windows are drawn at random. In torch, `spare` cells must be left over in three dimensions."""

    rank: ClassVar[int]
    stochastic: ClassVar[bool] = True
    spare: ClassVar[int] = 0

    kernel_size: PerAxis
    output_size: PerAxis | None = None
    output_ratio: PerAxisFactor | None = Field(None, description="The output's size as a part of the input's, below 1.")

    def check(self, *inputs: Shape) -> None:
        if self.output_size is not None and self.output_ratio is not None:
            raise AmbiguousSize("output_size", "output_ratio", key="output_ratio")
        if self.output_size is None and self.output_ratio is None:
            raise MissingKey("output_size", type(self).__name__)
        ratios = self.output_ratio if isinstance(self.output_ratio, tuple) else (self.output_ratio or 0.5,)
        if max(ratios) >= 1:
            raise WrongValue("output_ratio", "numbers between 0 and 1", self.output_ratio)
        for axis, (along, n) in enumerate(zip(self.axes(inputs[0]), inputs[0].spatial, strict=True)):
            windows = along.length(n)
            if windows + along.kernel - 1 + self.spare > n:
                raise WindowsTooWide(axis_name(axis, self.rank), n, windows, along.kernel, self.spare)

    def axes(self, x: Shape) -> tuple[RandomBins, ...]:
        kernels = self.per_axis("kernel_size", self.rank)
        if self.output_size is not None:
            return tuple(map(RandomBins, kernels, self.per_axis("output_size", self.rank)))
        ratios = self.output_ratio if isinstance(self.output_ratio, tuple) else (self.output_ratio,) * self.rank
        if len(ratios) != self.rank:
            raise WrongValue("output_ratio", f"one number, or {self.rank} for the {self.rank} spatial axes", ratios)
        return tuple(RandomBins(kernel, None, ratio) for kernel, ratio in zip(kernels, ratios, strict=True))


class FractionalMaxPool2d(_Fractional):
    """The largest value in each of output_size windows per axis, whose places are drawn at random (arXiv:1412.6071).

    Give the output's size, or `output_ratio` of the input's: length = floor(n·output_ratio). A window reads the cells
    that chance may give it: its start is one of the whole numbers around i·(n − kernel_size) / (length − 1).
    """

    rank: ClassVar[int] = 2


class FractionalMaxPool3d(_Fractional):
    """The largest value in each of output_size windows per axis, whose places are drawn at random (arXiv:1412.6071).

    Give the output's size, or `output_ratio` of the input's: length = floor(n·output_ratio). A window reads the cells
    that chance may give it: its start is one of the whole numbers around i·(n − kernel_size) / (length − 1). PyTorch
    wants length + kernel_size ≤ n here, one cell more than in two dimensions.
    """

    rank: ClassVar[int] = 3
    spare: ClassVar[int] = 1
