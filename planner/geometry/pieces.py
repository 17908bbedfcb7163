"""Axes parted into pieces that are joined to other axes: windows, patches, heads, and the way back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import NamedTuple

from planner.cells import Cells, parted, shifted, smeared, spaced, together
from planner.geometry.axis_map import AxisMap
from planner.geometry.mixing import All, Raveled
from planner.geometry.shift import KEEP

Numbers = tuple[int, ...]


class Digit(NamedTuple):
    """Where a piece lies on an axis: cell i of the axis is cell (i div inner) mod size of the piece."""

    axis: int
    inner: int
    size: int


@dataclass(frozen=True)
class Pieces:
    """Every axis of an input, and every axis of an output, as a row of pieces that both have in common. The output may
    have pieces of its own: its values there all read the same.

    sizes  of the pieces
    ins    for each axis of the input, the channels last, its pieces in order; the last one runs fastest
    outs   the same for each axis of the output
    """

    sizes: Numbers
    ins: tuple[Numbers, ...]
    outs: tuple[Numbers, ...]

    @property
    def moves(self) -> bool:
        """Whether the output holds what the input holds, in another order."""
        return sorted(i for axis in self.ins for i in axis) == sorted(i for axis in self.outs for i in axis)

    def read(self, box: Sequence[Cells]) -> Iterator[tuple[Cells, ...]]:
        """The boxes of the input that a box of the output reads."""
        rows = [
            parted(cells, self._sizes(pieces)) if pieces else [()] * bool(cells)
            for cells, pieces in zip(box, self.outs, strict=True)
        ]
        for each in product(*rows):
            held: dict[int, Cells] = {}
            for pieces, cells in zip(self.outs, each, strict=True):
                held.update(zip(pieces, cells, strict=True))
            yield tuple(together([held[i] for i in pieces], self._sizes(pieces)) for pieces in self.ins)

    def _sizes(self, pieces: Sequence[int]) -> Numbers:
        return tuple(self.sizes[i] for i in pieces)

    @cached_property
    def before(self) -> dict[int, Digit]:
        """Where each piece lies in the input."""
        return self._places(self.ins)

    @cached_property
    def behind(self) -> dict[int, Digit]:
        """Where each piece lies in the output."""
        return self._places(self.outs)

    def _places(self, axes: tuple[Numbers, ...]) -> dict[int, Digit]:
        return {
            piece: Digit(axis, prod(self._sizes(pieces[at + 1 :])), self.sizes[piece])
            for axis, pieces in enumerate(axes)
            for at, piece in enumerate(pieces)
        }

    def landing(self, axis: int, lead: int | None = None) -> tuple[AxisMap, int | None]:
        """What is read at most along an axis of the input, and the output's axis on which it lands: that of its piece
        `lead`, or else of its first one.
        """
        own = [i for i in self.ins[axis] if self.sizes[i] > 1] or list(self.ins[axis])
        if not own:
            return All(1), None
        to = self.behind[lead if lead in own else own[0]]
        row = self.outs[to.axis]
        if set(own) <= set(row) and own == [i for i in row if self.sizes[i] > 1 and i in own]:
            first, last = row.index(own[0]), row.index(own[-1])
            between = [i for i in row[first : last + 1] if self.sizes[i] > 1]
            if between == own or len(own) == 1:
                return self._raveled(KEEP, self.behind[own[0]], self.behind[own[-1]]), to.axis
        at = own.index(lead) if lead in own else 0
        part = OnePiece(prod(self._sizes(own[:at])), prod(self._sizes(own[at + 1 :])))
        return self._raveled(part, to, to), to.axis

    def _raveled(self, along: AxisMap, first: Digit, last: Digit) -> AxisMap:
        outer = prod(self._sizes(self.outs[first.axis])) // (first.inner * first.size)
        return along if along is KEEP and last.inner == outer == 1 else Raveled(along, last.inner, outer)


@dataclass(frozen=True, slots=True)
class OnePiece(AxisMap):
    """One piece of an axis, whose cells stand for all that have it: the axis is `outer` times the piece, and each cell
    of the piece `inner` cells.
    """

    outer: int
    inner: int

    def length(self, n: int) -> int:
        return n // (self.outer * self.inner)

    def reads(self, cells: Cells, n: int) -> Cells:
        row = smeared(spaced(cells, self.inner), self.inner, 1)
        held = self.length(n) * self.inner
        read: Cells = 0
        for i in range(self.outer):
            read |= shifted(row, i * held)
        return read
