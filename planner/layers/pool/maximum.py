"""Maxima in sliding windows.

Shapes: https://docs.pytorch.org/docs/stable/nn.html#pooling-layers
"""

import math
from typing import ClassVar

from planner.diagnostics import Path
from planner.faults.places_in_padding import PlacesInPadding
from planner.layers._call import Call
from planner.layers._fields import PerAxis
from planner.layers.pool._windows import PlainMaxPool, Windows


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
