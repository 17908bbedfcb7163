"""Axes that are parted and joined again: windows, patches and heads, there and back.

Source: https://einops.rocks/api/rearrange/ (A. Rogozhnikov, "Einops: clear and reliable tensor manipulations with
Einstein-like notation", ICLR 2022).
"""

from collections.abc import Collection, Mapping
from math import prod
from typing import ClassVar

from pydantic import ConfigDict, Field

from planner.geometry import Link, Shape, unread
from planner.layers._call import Call
from planner.layers._fields import Count, PatternText
from planner.layers._layer import Layer
from planner.layers._pattern import Pattern, names_in


class Rearrange(Layer):
    """Parts axes and joins them in another order, by a pattern as einops has it: `(h i) (w j) c -> (h w) (i j) c, i: 7,
    j: 7` makes H×W×C windows of 7×7 cells, (H/7·W/7)×49×C.

    The pattern names the axes as shapes do, the channels last and without the batch. Names in brackets are parts of one
    axis, of which the last runs fastest; a size that is not given beside the pattern is worked out. `1` is an axis of
    one cell, `...` any number of axes. Attention and all layers that work on the channels take axes in front as a
    batch: so windows are attended to one by one.

    A second source has the spatial size of the result, as on the way back: `{pattern: "(h w) (i j) c -> (h i) (w j) c",
    i: 7, j: 7, from: [attention, map]}`. With `(i h) (j w) c` the cells of a window lie a grid step apart, as in
    MaxViT; with `(i j) (h w) c` behind the arrow attention goes across patches, as in MobileViT; `l (h d) -> h l d`
    parts channels into heads.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Count]

    takes: ClassVar[tuple[int, int | None]] = (1, 2)

    pattern: PatternText = Field(
        description="The axes of the source and of the result; the size of a name stands beside it, as `i: 7`."
    )

    @classmethod
    def names(cls, args: Mapping[str, object]) -> Collection[str]:
        return [*cls.model_fields, *names_in(str(args.get("pattern", "")))]

    def _read(self, *inputs: Shape) -> tuple[Pattern, dict[str, int]]:
        """The pattern on these inputs, and the size of each of its names."""
        x, like = inputs[0], inputs[1] if len(inputs) > 1 else None
        pattern = Pattern.read(self.pattern, x)
        if like is not None:
            self.must_have_axes(like, len(pattern.right) - 1)
        return pattern, pattern.sizes(x, self.__pydantic_extra__, like, self.pattern)

    def check(self, *inputs: Shape) -> None:
        pattern, sizes = self._read(*inputs)
        pattern.must_fit(inputs[0], sizes, self.__pydantic_extra__, inputs[1] if len(inputs) > 1 else None)

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        pattern, sizes = self._read(*inputs)
        leads = [i for i, name in enumerate(sizes) if name not in self.__pydantic_extra__]
        link = Link.of_pieces(pattern.pieces(sizes), leads)
        return ((link, *(unread(len(like.spatial)) for like in inputs[1:])),)

    def outputs(self, links: tuple[tuple[Link, ...], ...], *inputs: Shape) -> tuple[Shape, ...]:
        pattern, sizes = self._read(*inputs)
        return (Shape(prod(sizes[name] for name in axis) for axis in pattern.right),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        pattern, sizes = self._read(*inputs)
        pieces = pattern.pieces(sizes)
        free = pattern.worked_out(self.__pydantic_extra__)
        written = tuple(-1 if name in free else size for name, size in sizes.items())
        args = {"sizes": written, "ins": pieces.ins, "outs": pieces.outs}
        return (Call("planner.rearranged", args, reads=(0,) if len(inputs) > 1 else None),)
