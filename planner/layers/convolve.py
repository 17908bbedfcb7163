"""Convolutions whose weight is a tensor of the network, such as one that is worked out from trained ones.

Source: https://docs.pytorch.org/docs/stable/nn.functional.html#convolution-functions
"""

import math
from typing import ClassVar

from planner.faults.groups_do_not_divide import GroupsDoNotDivide
from planner.faults.sizes_differ import SizesDiffer
from planner.geometry import KEEP, All, AxisMap, Grouped, Link, Shape, Window
from planner.layers._call import Call
from planner.layers._fields import Count, PerAxis, PerAxisNatural
from planner.layers._layer import Layer


class _Convolve(Layer):
    takes: ClassVar[tuple[int, int | None]] = (2, 3)
    one_type: ClassVar[bool] = True
    own_rank: ClassVar[int]
    """How many axes it moves along."""

    stride: PerAxis = 1
    padding: PerAxisNatural = 0
    dilation: PerAxis = 1
    groups: Count = 1

    def check(self, *inputs: Shape) -> None:
        x, weight, *biases = inputs
        self.must_have_axes(x, self.own_rank)
        self.must_have_axes(weight, self.own_rank + 1)
        if weight[0] * self.groups != x.channels:
            message = f"expected input to have {weight[0] * self.groups} channels, but got {x.channels} channels"
            help = f"give it a weight of {x.channels} / groups channels in front, or other groups"
            raise SizesDiffer(message, inputs[:2], help=help)
        if weight.channels % self.groups:
            raise GroupsDoNotDivide("out_channels", weight.channels, self.groups, x.channels)
        for bias in biases:
            if bias != (weight.channels,):
                help = f"give it a bias of {weight.channels}"
                raise SizesDiffer("expected bias to have a size for each output channel", (weight, bias), help=help)

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        _, weight, *biases = inputs
        names = ("stride", "dilation", "padding", "padding")
        numbers = zip(weight[1:-1], *(self.per_axis(name, self.own_rank) for name in names), strict=True)
        width: AxisMap = All(weight.channels) if self.groups == 1 else Grouped(weight.channels, self.groups)
        whole = Link((All(1),) * len(weight.spatial), KEEP, (None,) * len(weight.spatial))
        return ((Link(tuple(Window(*each) for each in numbers), width), whole, *(Link((), KEEP, ()) for _ in biases)),)

    def multiply_adds(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> int:
        return outputs[0].elements * math.prod(inputs[1].spatial)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (Call(f"F.conv{self.own_rank}d", self.given(), unbatched=(1, 2)[: len(inputs) - 1]),)


class Convolve1d(_Convolve):
    """A convolution over one axis whose weight is its second source: `from: [x, weight]`, or `[x, weight, bias]`.

    The weight is (C / groups)×kernel_size×out_channels, channels last as all shapes, the bias out_channels. Where they
    come from an input of the network, each sample has its own. Lengths and multiply-adds are those of a `Conv1d`.
    """

    own_rank: ClassVar[int] = 1


class Convolve2d(_Convolve):
    """A convolution over two axes whose weight is its second source: `from: [x, weight]`, or `[x, weight, bias]`.

    The weight is (C / groups)×kernel height×kernel width×out_channels, channels last as all shapes, the bias
    out_channels: so a trained weight may be standardized first, as in NFNets (arXiv:2102.06171). Where they come from
    an input of the network, each sample has its own. Sizes and multiply-adds are those of a `Conv2d`.
    """

    own_rank: ClassVar[int] = 2


class Convolve3d(_Convolve):
    """A convolution over three axes whose weight is its second source: `from: [x, weight]`, or `[x, weight, bias]`.

    The weight is (C / groups)×kernel depth×height×width×out_channels, channels last as all shapes, the bias
    out_channels. Where they come from an input of the network, each sample has its own. Sizes and multiply-adds are
    those of a `Conv3d`.
    """

    own_rank: ClassVar[int] = 3
