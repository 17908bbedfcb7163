"""Activations that weigh the values along one axis against each other.

Source: https://docs.pytorch.org/docs/stable/nn.html#non-linear-activations-other
"""

from typing import ClassVar

from pydantic import Field

from planner.geometry import All, AxisMap, Link, Shape
from planner.layers._call import Call
from planner.layers._layer import Layer, axis_of
from planner.layers._links import along


class _AlongAxis(Layer):
    """Weighs the values along one axis; along the others it is pointwise."""

    dim: int | None = Field(None, description="The axis, counted as in PyTorch; left out, the channels.")

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        axis = axis_of(1 if self.dim is None else self.dim, x)
        return ((along(x, axis, All(x[axis])),),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (Call(f"nn.{type(self).__name__}", {"dim": 1 if self.dim is None else self.dim}, along="dim"),)


class Softmax(_AlongAxis):
    """exp(x) divided by its sum along one axis, so that the values there are positive and add up to 1.

    `dim` counts as in PyTorch: 1 is the channels. Left out it is the channels, where PyTorch guesses, warns, and on
    L×C takes the batch.
    """


class LogSoftmax(_AlongAxis):
    """The logarithm of Softmax along one axis; left out, `dim` is the channels."""


class Softmin(_AlongAxis):
    """Softmax of −x along one axis; left out, `dim` is the channels."""


class Softmax2d(Layer):
    """Softmax over the channels of H×W×C, cell by cell."""

    rank: ClassVar[int | None] = 2

    def channel_map(self, x: Shape) -> AxisMap:
        return All(x.channels)
