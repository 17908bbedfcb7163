"""Pooling to a given size, whatever size arrives.

Shapes: https://docs.pytorch.org/docs/stable/nn.html#pooling-layers
"""

from typing import ClassVar

from planner.faults.wrong_value import WrongValue
from planner.geometry import KEEP, AxisMap, Bins, Shape
from planner.layers._batch_axes import TakesBatchAxes
from planner.layers._call import Call
from planner.layers._fields import PerAxis, PerAxisOrKeep
from planner.layers.pool._windows import PlainMaxPool


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
