"""Transposed convolutions in one, two and three dimensions.

Shapes: https://docs.pytorch.org/docs/stable/nn.html#convolution-layers
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from planner.faults.output_padding_too_large import OutputPaddingTooLarge
from planner.geometry import AxisMap, Shape, Spread
from planner.layers._call import Call
from planner.layers._fields import PerAxisNatural
from planner.layers._layer import Sizes
from planner.layers.conv._grouped import GroupedWeights
from planner.regions import Region, everything


class _ConvTranspose(GroupedWeights):
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
