"""Layers that multiply the channels of each cell by a matrix, look them up in a table, or leave them alone.

Source: https://docs.pytorch.org/docs/stable/nn.html#linear-layers and #sparse-layers
"""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from planner.faults.index_out_of_range import IndexOutOfRange
from planner.faults.sizes_differ import SizesDiffer
from planner.geometry import KEEP, All, AxisMap, Link, Pieces, Shape
from planner.layers._call import Layout
from planner.layers._fields import Count
from planner.layers._layer import Layer, Sizes
from planner.memory import Memory


def affine(out_features: int, in_features: int, bias: bool, prefix: str = "") -> dict[str, Sizes]:
    """The entries of an `nn.Linear` in a state_dict."""
    weight: dict[str, Sizes] = {f"{prefix}weight": (out_features, in_features)}
    return {**weight, f"{prefix}bias": (out_features,)} if bias else weight


class Identity(Layer):
    """Hands its input on. A place that has a name, or that another layer is meant to take."""

    layout: ClassVar[Layout] = "any"

    def views(self, x: Memory, *, training: bool) -> tuple[Memory, ...] | None:
        return (x,)


class Linear(Layer):
    """A fully connected layer on the channels of every cell: …×C becomes …×out_features.

    Every output channel reads every input channel of its own cell, and no other cell: on H×W×C it is a 1×1 convolution.
    Input channels are worked out; put a `Flatten` before it where it should see the whole image.
    Multiply-adds: in_features · out_features for each cell.
    """

    layout: ClassVar[Layout] = "last"

    out_features: Count
    bias: bool = True
    in_features: Count | None = None

    def check(self, *inputs: Shape) -> None:
        self.must_equal("in_features", inputs[0].channels)

    def channel_map(self, x: Shape) -> AxisMap:
        return All(self.out_features)

    def weights(self, *inputs: Shape) -> Mapping[str, Sizes]:
        return affine(self.out_features, inputs[0].channels, self.bias)

    def multiply_adds(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> int:
        return outputs[0].elements * inputs[0].channels

    def derived(self, *inputs: Shape) -> Mapping[str, object]:
        return {"in_features": inputs[0].channels}


class Bilinear(Layer):
    """y = x₁ᵀ·A·x₂ + b on the channels of two inputs, cell by cell; their spatial axes must be equal.

    Multiply-adds: in1_features · in2_features · out_features for each cell, one for each weight.
    """

    takes: ClassVar[tuple[int, int | None]] = (2, 2)
    layout: ClassVar[Layout] = "last"

    out_features: Count
    bias: bool = True
    in1_features: Count | None = None
    in2_features: Count | None = None

    def check(self, *inputs: Shape) -> None:
        left, right = inputs
        self.must_equal("in1_features", left.channels)
        self.must_equal("in2_features", right.channels)
        if left.spatial != right.spatial:
            raise SizesDiffer("bilinear(): input batch dimensions do not match", inputs)

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        return (tuple(Link((KEEP,) * len(x.spatial), All(self.out_features)) for x in inputs),)

    def weights(self, *inputs: Shape) -> Mapping[str, Sizes]:
        weight: dict[str, Sizes] = {"weight": (self.out_features, inputs[0].channels, inputs[1].channels)}
        return {**weight, "bias": (self.out_features,)} if self.bias else weight

    def multiply_adds(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> int:
        return outputs[0].elements * inputs[0].channels * inputs[1].channels

    def derived(self, *inputs: Shape) -> Mapping[str, object]:
        return {"in1_features": inputs[0].channels, "in2_features": inputs[1].channels}


class Embedding(Layer):
    """A table of num_embeddings vectors; each number of the input picks one: L numbers become L×embedding_dim.

    The input holds whole numbers from 0 to num_embeddings − 1, and all its axes are positions: `input: [128]` is a
    sequence of 128 tokens and comes out as 128×embedding_dim. A position reads its own number only.
    """

    layout: ClassVar[Layout] = "last"
    indices: ClassVar[tuple[int, ...]] = (0,)

    num_embeddings: Count
    embedding_dim: Count
    padding_idx: int | None = Field(None, description="The number whose vector stays zero and is not trained.")
    max_norm: float | None = Field(None, description="Vectors with a larger norm are scaled down to it.")
    norm_type: float = 2.0
    scale_grad_by_freq: bool = False
    sparse: bool = False

    def check(self, *inputs: Shape) -> None:
        if self.padding_idx is not None and not -self.num_embeddings <= self.padding_idx < self.num_embeddings:
            raise IndexOutOfRange(
                "padding_idx", self.padding_idx, self.num_embeddings, "padding_idx must be within num_embeddings"
            )

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        positions = tuple((axis,) for axis in range(len(x)))
        pieces = Pieces((*x, self.embedding_dim), positions, (*positions, (len(x),)))
        return ((Link((KEEP,) * len(x.spatial), All(self.embedding_dim), pieces=pieces),),)

    def outputs(self, links: tuple[tuple[Link, ...], ...], *inputs: Shape) -> tuple[Shape, ...]:
        return (Shape((*inputs[0], self.embedding_dim)),)

    def weights(self, *inputs: Shape) -> Mapping[str, Sizes]:
        return {"weight": (self.num_embeddings, self.embedding_dim)}
