"""Positions that are told by turning: pairs of channels are rotated by angles that grow along a sequence."""

from typing import Annotated, ClassVar

from pydantic import Field

from planner.faults.channels_do_not_divide import ChannelsDoNotDivide
from planner.geometry import AxisMap, Grouped, Partnered, Shape
from planner.layers._call import Call, Layout
from planner.layers._layer import Layer
from planner.layers.attention import must_be_sequences


class RotaryEmbedding(Layer):
    """Turns each pair of channels of a sequence …×L×C by an angle: pair i at position p by p / base^(2i/C).

    So the product of a query and a key that were turned tells how far apart they are: queries and keys go through it,
    with their heads as an axis before the sequence, and values do not. The positions are the last spatial axis and
    count from 0. A pair is the channels 2i and 2i + 1, as in the paper and in Llama's own code; with
    `interleaved: false` the channels i and i + C/2, as in GPT-NeoX and in the library transformers. PyTorch has no
    module of this name: the code has a class for it.

    Source: Su et al., RoFormer, arXiv:2104.09864.
    """

    layout: ClassVar[Layout] = "last"

    base: Annotated[float, Field(gt=0, description="What the lengths of the waves are powers of.")] = 10_000.0
    interleaved: bool = Field(True, description="Whether pairs are neighbours, and not of the two halves.")

    def check(self, *inputs: Shape) -> None:
        (x,) = inputs
        must_be_sequences("RotaryEmbedding", inputs)
        if x.channels % 2:
            raise ChannelsDoNotDivide("the channels must be pairs", x.channels, 2, "type")

    def channel_map(self, x: Shape) -> AxisMap:
        if self.interleaved:
            return Grouped(x.channels, x.channels // 2)
        return Partnered()

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        base = {"base": self.base} if "base" in self.given() else {}
        return (Call("planner.RotaryEmbedding", {**base, "interleaved": self.interleaved}, layout="last"),)
