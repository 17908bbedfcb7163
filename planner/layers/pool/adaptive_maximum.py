"""Maxima over as many bins as are asked for, whatever size arrives.

Shapes: https://docs.pytorch.org/docs/stable/nn.html#pooling-layers
"""

from typing import ClassVar

from planner.layers._fields import PerAxis
from planner.layers.pool._adaptive import AdaptivePool
from planner.layers.pool._windows import PlainMaxPool


class AdaptiveMaxPool1d(PlainMaxPool, AdaptivePool):
    """The largest value in each of output_size bins over one axis, whatever its length n.

    Bin i holds the cells floor(i·n / output_size) up to, not including, ceil((i + 1)·n / output_size): bins overlap,
    or differ in size, unless output_size divides n.
    """

    rank: ClassVar[int] = 1

    output_size: PerAxis


class AdaptiveMaxPool2d(PlainMaxPool, AdaptivePool):
    """The largest value in each of output_size bins per axis, over two axes of any length n; null keeps an axis.

    Bin i holds the cells floor(i·n / output_size) up to, not including, ceil((i + 1)·n / output_size): bins overlap,
    or differ in size, unless output_size divides n. `output_size: 1` is global max pooling.
    """

    rank: ClassVar[int] = 2


class AdaptiveMaxPool3d(PlainMaxPool, AdaptivePool):
    """The largest value in each of output_size bins per axis, over three axes of any length n; null keeps an axis.

    Bin i holds the cells floor(i·n / output_size) up to, not including, ceil((i + 1)·n / output_size): bins overlap,
    or differ in size, unless output_size divides n. `output_size: 1` is global max pooling.
    """

    rank: ClassVar[int] = 3
