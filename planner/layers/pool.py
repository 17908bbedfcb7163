"""Pooling in one, two and three dimensions: by windows, to a given size, and by windows drawn at random.

Shapes: https://docs.pytorch.org/docs/stable/nn.html#pooling-layers
"""

import math
from typing import ClassVar

from pydantic import Field

from planner.diagnostics import Path
from planner.faults.ambiguous_size import AmbiguousSize
from planner.faults.missing_key import MissingKey
from planner.faults.places_in_padding import PlacesInPadding
from planner.faults.windows_too_wide import WindowsTooWide
from planner.faults.wrong_value import WrongValue
from planner.geometry import KEEP, AxisMap, Bins, RandomBins, Shape
from planner.layers._batch_axes import TakesBatchAxes
from planner.layers._call import Call
from planner.layers._fields import Count, NonZero, PerAxis, PerAxisFactor, PerAxisOrKeep, Power
from planner.layers._layer import axis_name
from planner.layers._padding import flat, padded
from planner.layers._pools import PlainMaxPool, ReturnsIndices, Windows, WithinInput


class _MaxPool(PlainMaxPool, Windows):
    fill: ClassVar[float] = -math.inf

    dilation: PerAxis = 1

    def must_be_writable(self, path: Path) -> None:
        if self.return_indices and not self.own and not isinstance(self.padding, int):
            raise PlacesInPadding(self.padding, path)

    def dilations(self) -> tuple[int, ...]:
        return self.per_axis("dilation", self.rank)

    def functional(self, call: Call) -> Call:
        return call.as_function


class MaxPool1d(_MaxPool):
    """The largest value in each window over one axis: length = (n + padding − extent) // stride + 1.

    With `ceil_mode`, one window more where cells are left over, unless it would start in the padding at the end. The
    stride is the kernel size where none is given. Padding is never the largest value: a window on padding alone gives
    −∞.
    """

    rank: ClassVar[int] = 1


class MaxPool2d(_MaxPool):
    """The largest value in each window over two axes; per axis, length = (n + padding − extent) // stride + 1.

    With `ceil_mode`, one window more where cells are left over, unless it would start in the padding at the end. The
    stride is the kernel size where none is given. Padding is never the largest value: a window on padding alone gives
    −∞.
    """

    rank: ClassVar[int] = 2


class MaxPool3d(_MaxPool):
    """The largest value in each window over three axes; per axis, length = (n + padding − extent) // stride + 1.

    With `ceil_mode`, one window more where cells are left over, unless it would start in the padding at the end. The
    stride is the kernel size where none is given. Padding is never the largest value: a window on padding alone gives
    −∞.
    """

    rank: ClassVar[int] = 3


class _AvgPool(Windows):
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

    def functional(self, call: Call) -> Call | None:
        return None if "uncounted" in call.args else call.as_function

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        (x,) = inputs
        if self.own:
            return super().calls(x)
        without = ("padding", "ceil_mode", "count_include_pad")
        around = self.around(x)
        if self.divisor is not None:
            return (padded(around), self.pool(*without))
        if self.padding == "tf_same" or not self.count_include_pad:
            return (self.pool(*without, uncounted=flat(around)),)
        beyond = tuple((0, more - after) for (_, more), (_, after) in zip(around, self.sides(), strict=True))
        if not any(map(any, beyond)):
            return (padded(around), self.pool(*without))
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


class AvgPool3d(WithinInput, _AvgPoolWithDivisor):
    """The mean of each window over three axes; per axis, length = (n + padding − kernel_size) // stride + 1.

    With `ceil_mode`, one window more where cells are left over, unless it would start in the padding at the end. The
    stride is the kernel size where none is given. No axis may be shorter than the kernel, its padding not counted,
    unless it is padded as PyTorch's own argument cannot say.
    """

    rank: ClassVar[int] = 3


class _LPPool(Windows):
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


class LPPool3d(WithinInput, _LPPool):
    """The p-norm of each window over three axes; per axis, length = (n + padding − kernel_size) // stride + 1.

    p is norm_type. With `ceil_mode`, one window more where cells are left over. The stride is the kernel size where
    none is given. Padding is zeros, which add nothing to a norm, put around the input first. No axis may be shorter
    than the kernel, unless it is padded.
    """

    rank: ClassVar[int] = 3


class _AdaptivePool(TakesBatchAxes):
    """Pools by as many bins as are asked for."""

    rank: ClassVar[int]

    output_size: PerAxisOrKeep

    def axes(self, x: Shape) -> tuple[AxisMap, ...]:
        sizes = (self.output_size,) * self.rank if isinstance(self.output_size, int) else self.output_size
        if len(sizes) != self.rank:
            raise WrongValue("output_size", f"one number, or {self.rank} for the {self.rank} spatial axes", sizes)
        return (*self.before, *(KEEP if size is None else Bins(size) for size in sizes))

    def functional(self, call: Call) -> Call:
        return call.as_function


class AdaptiveAvgPool1d(_AdaptivePool):
    """The mean of each of output_size bins over one axis, whatever its length n.

    Bin i holds the cells floor(i·n / output_size) up to, not including, ceil((i + 1)·n / output_size): bins overlap,
    or differ in size, unless output_size divides n.
    """

    rank: ClassVar[int] = 1

    output_size: PerAxis


class AdaptiveAvgPool2d(_AdaptivePool):
    """The mean of each of output_size bins per axis, over two axes of any length n; null keeps an axis.

    Bin i holds the cells floor(i·n / output_size) up to, not including, ceil((i + 1)·n / output_size): bins overlap,
    or differ in size, unless output_size divides n. `output_size: 1` is global average pooling.
    """

    rank: ClassVar[int] = 2


class AdaptiveAvgPool3d(_AdaptivePool):
    """The mean of each of output_size bins per axis, over three axes of any length n; null keeps an axis.

    Bin i holds the cells floor(i·n / output_size) up to, not including, ceil((i + 1)·n / output_size): bins overlap,
    or differ in size, unless output_size divides n. `output_size: 1` is global average pooling.
    """

    rank: ClassVar[int] = 3


class AdaptiveMaxPool1d(PlainMaxPool, _AdaptivePool):
    """The largest value in each of output_size bins over one axis, whatever its length n.

    Bin i holds the cells floor(i·n / output_size) up to, not including, ceil((i + 1)·n / output_size): bins overlap,
    or differ in size, unless output_size divides n.
    """

    rank: ClassVar[int] = 1

    output_size: PerAxis


class AdaptiveMaxPool2d(PlainMaxPool, _AdaptivePool):
    """The largest value in each of output_size bins per axis, over two axes of any length n; null keeps an axis.

    Bin i holds the cells floor(i·n / output_size) up to, not including, ceil((i + 1)·n / output_size): bins overlap,
    or differ in size, unless output_size divides n. `output_size: 1` is global max pooling.
    """

    rank: ClassVar[int] = 2


class AdaptiveMaxPool3d(PlainMaxPool, _AdaptivePool):
    """The largest value in each of output_size bins per axis, over three axes of any length n; null keeps an axis.

    Bin i holds the cells floor(i·n / output_size) up to, not including, ceil((i + 1)·n / output_size): bins overlap,
    or differ in size, unless output_size divides n. `output_size: 1` is global max pooling.
    """

    rank: ClassVar[int] = 3


class _Fractional(ReturnsIndices):
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
