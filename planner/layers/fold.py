"""Sliding blocks: an image as a row of its windows, and back.

Shapes: https://docs.pytorch.org/docs/stable/generated/torch.nn.Unfold.html and torch.nn.Fold.html
"""

import math
from collections.abc import Sequence
from itertools import product
from typing import ClassVar

from planner.faults.blocks_do_not_match import BlocksDoNotMatch
from planner.faults.channels_do_not_divide import ChannelsDoNotDivide
from planner.faults.window_does_not_fit import WindowDoesNotFit
from planner.geometry import All, AxisMap, Grouped, Link, Raveled, Shape, Spread, Window
from planner.layers._fields import PerAxis, PerAxisNatural
from planner.layers._layer import Layer, axis_name

MOST_CELLS = 256
"""In larger windows, cells are not told apart: each channel counts as reading the whole window."""


class _Blocks(Layer):
    kernel_size: PerAxis
    dilation: PerAxis = 1
    padding: PerAxisNatural = 0
    stride: PerAxis = 1

    @property
    def cells(self) -> int:
        """Cells in a window."""
        return math.prod(self.per_axis("kernel_size", 2))

    def windows(self) -> tuple[Window, ...]:
        """The windows on the two axes of the image."""
        names = ("kernel_size", "stride", "dilation", "padding", "padding")
        return tuple(Window(*numbers) for numbers in zip(*(self.per_axis(name, 2) for name in names), strict=True))


class Unfold(_Blocks):
    """Every window of an image as one position of a row: H×W×C becomes L×(C·kernel cells).

    L is the number of windows, length(H) · length(W), row by row; per axis, length = (n + 2·padding − extent) // stride
    + 1. The cells of a window stand in the channels, those of the first channel first.
    """

    rank: ClassVar[int] = 2

    def check(self, *inputs: Shape) -> None:
        for axis, (window, n) in enumerate(zip(self.windows(), inputs[0].spatial, strict=True)):
            if window.length(n) < 1:
                raise WindowDoesNotFit(axis_name(axis, 2), window.misfit(n))

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        down, across = (window.length(n) for window, n in zip(self.windows(), x.spatial, strict=True))

        def link(rows: Window, columns: Window, channels: AxisMap, parts: Sequence[Link] = ()) -> Link:
            return Link((Raveled(rows, inner=across), Raveled(columns, outer=down)), channels, (0, 0), tuple(parts))

        rows, columns = self.windows()
        taps = product(_taps(rows), _taps(columns)) if self.cells <= MOST_CELLS else ()
        parts = [link(i, j, Spread(1, self.cells, padding=-place)) for place, (i, j) in enumerate(taps)]
        return ((link(rows, columns, Grouped(x.channels * self.cells, x.channels), parts),),)

    def outputs(self, links: tuple[tuple[Link, ...], ...], *inputs: Shape) -> tuple[Shape, ...]:
        (x,), link = inputs, links[0][0]
        return (Shape((link.axes[0].length(x.spatial[0]), link.channels.length(x.channels))),)


def _taps(window: Window) -> list[Window]:
    """A window's cells one by one, each as a window of its own."""
    offsets = range(0, window.extent, window.dilation)
    return [
        Window(1, window.stride, 1, window.before - offset, window.after - (window.extent - 1 - offset))
        for offset in offsets
    ]


class Fold(_Blocks):
    """A row of blocks added up in an image, as `Unfold` took them: L×(C·kernel cells) becomes output_size×C.

    L must be the number of windows on an image of output_size; per axis, length = (n + 2·padding − extent) // stride +
    1. Every cell is counted as reading all blocks, since rows and columns of the image come from one axis.
    """

    rank: ClassVar[int] = 1

    output_size: PerAxis

    def needed(self, *inputs: Shape) -> tuple[str, ...]:
        return ()  # PyTorch has output_size before kernel_size

    def check(self, *inputs: Shape) -> None:
        (x,) = inputs
        sizes = self.per_axis("output_size", 2)
        counts = tuple(window.length(n) for window, n in zip(self.windows(), sizes, strict=True))
        if x.channels % self.cells:
            message = "expected size of input's dimension 1 to be divisible by the product of kernel_size"
            raise ChannelsDoNotDivide(message, x.channels, self.cells, "kernel_size")
        if min(counts) < 1 or math.prod(counts) != x.spatial[0]:
            raise BlocksDoNotMatch(x.spatial[0], counts, sizes)

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        groups = inputs[0].channels // self.cells
        return ((Link((All(),), Grouped(groups, groups), onto=(None,)),),)

    def outputs(self, links: tuple[tuple[Link, ...], ...], *inputs: Shape) -> tuple[Shape, ...]:
        return (Shape((*self.per_axis("output_size", 2), inputs[0].channels // self.cells)),)
