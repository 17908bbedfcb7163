"""Links: how an output of a step depends on an input, with a map for each axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import prod

from planner.geometry.axis_map import AxisMap
from planner.geometry.mixing import All, SizeOnly
from planner.geometry.pieces import Pieces
from planner.geometry.shape import Shape
from planner.geometry.shift import KEEP


@dataclass(frozen=True)
class Link:
    """How one output of a step depends on one of its inputs.

    axes      for each spatial axis of the input, its map
    channels  the map of the channel axis
    onto      for each spatial axis of the input, the output's spatial axis it lands on, or None where it is folded
              away; left out: axis for axis
    parts     where what is read on one axis depends on the others: links whose union it is exactly; the maps themselves
              then say what is read at most
    pieces    where axes are parted and joined in another way, how; the maps then say what is read at most
    """

    axes: tuple[AxisMap, ...]
    channels: AxisMap
    onto: tuple[int | None, ...] | None = None
    parts: tuple[Link, ...] = ()
    pieces: Pieces | None = None

    @classmethod
    def of_pieces(cls, pieces: Pieces, leads: Sequence[int] = ()) -> Link:
        """The link of axes that are parted and joined; `leads` are the pieces whose sizes come from the input."""
        last = len(pieces.outs) - 1
        axes, onto = [], list[int | None]()
        for axis in range(len(pieces.ins) - 1):
            lead = next((i for i in pieces.ins[axis] if i in leads), None)
            along, to = pieces.landing(axis, lead)
            axes.append(along if to != last else All(1))
            onto.append(to if to != last else None)
        channels, to = pieces.landing(len(pieces.ins) - 1)
        width = prod(pieces.sizes[i] for i in pieces.outs[-1])
        return cls(tuple(axes), channels if to == last else All(width), tuple(onto), pieces=pieces)

    @classmethod
    def of(cls, maps: Sequence[AxisMap]) -> Link:
        """The link with a map for each axis, the channels last, which all land axis for axis."""
        return cls(tuple(maps[:-1]), maps[-1])

    @cached_property
    def landing(self) -> tuple[int | None, ...]:
        return self.onto if self.onto is not None else tuple(range(len(self.axes)))

    @property
    def empty(self) -> bool:
        """Whether the output reads nothing of the input."""
        return isinstance(self.channels, SizeOnly)

    @cached_property
    def keeps_places(self) -> bool:
        """Whether every cell of the output reads the input's cell of its own place alone, in whatever channels."""
        return self.onto is None and not self.empty and all([axis.keeps for axis in self.axes])

    @cached_property
    def keeps(self) -> bool:
        """Whether every cell of the output reads the input's cell of its own place, in its own channel alone."""
        plain = self.onto is None and not self.parts and self.pieces is None
        return plain and all(axis.keeps for axis in (*self.axes, self.channels))

    def output(self, x: Shape) -> Shape:
        """The output's shape, for a link whose axes all land in order."""
        sizes = [
            axis.length(n) for axis, n, to in zip(self.axes, x.spatial, self.landing, strict=True) if to is not None
        ]
        return Shape((*sizes, self.channels.length(x.channels)))


@cache
def keep(rank: int) -> Link:
    """The link of a pointwise layer on `rank` spatial axes."""
    return Link((KEEP,) * rank, KEEP)


def broadcast(n: int, size: int) -> AxisMap:
    """The map of an axis of `size` cells, or of a single one that is repeated to as many."""
    return KEEP if n == size else All(size)


def unread(rank: int) -> Link:
    """The link to an input on `rank` spatial axes that only lends its size."""
    return Link((SizeOnly(),) * rank, SizeOnly())
