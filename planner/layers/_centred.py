"""What layers share that put the middle of a tensor into a map of another size."""

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from planner.geometry import KEEP, Centre, Link, Shape, Shift, unread
from planner.layers._call import Call
from planner.layers._layer import Layer
from planner.layers._padding import padded


def shifted(shifts: Iterable[Shift]) -> Call:
    """The call that pads and crops the axes of the first input."""
    return replace(padded((shift.before, shift.after) for shift in shifts), reads=(0,))


class SizedLike(Layer):
    """A layer whose first source gets the spatial size of the second, which is not read."""

    takes: ClassVar[tuple[int, int | None]] = (2, 2)

    def check(self, *inputs: Shape) -> None:
        x, like = inputs
        self.must_have_axes(x, 1, 2, 3)
        self.must_have_axes(like, len(x.spatial))

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        like = inputs[1]
        return ((Link(tuple(map(Centre, like.spatial)), KEEP), unread(len(like.spatial))),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        x, like = inputs
        return (shifted(Centre(size).at(n) for n, size in zip(x.spatial, like.spatial, strict=True)),)
