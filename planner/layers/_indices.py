"""What max pools share."""

from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from planner.geometry import Link, Shape
from planner.layers._layer import Call, Layer


class ReturnsIndices(Layer):
    """A max pool, which can also tell where it found each maximum."""

    extras: ClassVar[bool] = True

    return_indices: bool = Field(False, description="Adds a second output, `name.1`: the place of each maximum.")

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        return super().links(*inputs) * (1 + self.return_indices)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        *first, call = super().calls(*inputs)
        return (*first, replace(call, returns=((0,), (1,))) if self.return_indices else call)
