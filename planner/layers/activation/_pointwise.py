"""What functions of each value by itself share."""

from typing import ClassVar

from pydantic import Field

from planner.layers._call import Layout
from planner.layers._layer import Layer
from planner.memory import Memory


class Pointwise(Layer):
    """A function of each value by itself: any shape, no parameters."""

    layout: ClassVar[Layout] = "any"


class InPlace(Pointwise):
    inplace: bool = Field(False, description="Whether the input's own memory is written over.")

    def views(self, x: Memory, *, training: bool) -> tuple[Memory, ...] | None:
        return (x,) if self.inplace else None

    def overwrites(self, *, training: bool) -> bool:
        return self.inplace
