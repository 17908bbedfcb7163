"""Pooling to a given size, in one, two and three dimensions: by bins, and by windows drawn at random.

Shapes: https://docs.pytorch.org/docs/stable/nn.html#pooling-layers
"""

from typing import ClassVar

from pydantic import Field

from planner.faults.ambiguous_size import AmbiguousSize
from planner.faults.missing_key import MissingKey
from planner.faults.windows_too_wide import WindowsTooWide
from planner.faults.wrong_value import WrongValue
from planner.geometry import KEEP, AxisMap, Bins, RandomBins, Shape
from planner.layers._fields import PerAxis, PerAxisFactor, PerAxisOrKeep
from planner.layers._indices import ReturnsIndices
from planner.layers._layer import Layer, axis_name


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


class AdaptiveMaxPool1d(ReturnsIndices, _Adaptive):
    """The largest value in each of output_size bins over one axis, whatever its length n.

    Bin i holds the cells floor(i·n / output_size) up to, not including, ceil((i + 1)·n / output_size): bins overlap,
    or differ in size, unless output_size divides n.
    """

    rank: ClassVar[int] = 1

    output_size: PerAxis


class AdaptiveMaxPool2d(ReturnsIndices, _Adaptive):
    """The largest value in each of output_size bins per axis, over two axes of any length n; null keeps an axis.

    Bin i holds the cells floor(i·n / output_size) up to, not including, ceil((i + 1)·n / output_size): bins overlap,
    or differ in size, unless output_size divides n. `output_size: 1` is global max pooling.
    """

    rank: ClassVar[int] = 2


class AdaptiveMaxPool3d(ReturnsIndices, _Adaptive):
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
