"""Axis maps of cells that are all read, read in groups, or written in one row with those of other axes."""

from __future__ import annotations

from dataclasses import dataclass

from planner.cells import Cells, all_cells, folded, imaged
from planner.geometry.axis_map import AxisMap, Ramp, Span


@dataclass(frozen=True, slots=True)
class All(AxisMap):
    """Every one of m output cells reads every input cell: global pooling, a dense layer's channels, attention."""

    cells: int = 1

    def length(self, n: int) -> int:
        return self.cells

    def reads(self, cells: Cells, n: int) -> Cells:
        return all_cells(n) if cells else 0


@dataclass(frozen=True, slots=True)
class Grouped(AxisMap):
    """Channels in groups: output group g of `groups` reads the input channels [g·n/groups, (g+1)·n/groups)."""

    cells: int
    groups: int

    def length(self, n: int) -> int:
        return self.cells

    def reads(self, cells: Cells, n: int) -> Cells:
        if cells == all_cells(self.cells):
            return all_cells(n)
        wide, narrow = n // self.groups, self.cells // self.groups
        return imaged(cells, lambda a, b: [(a // narrow * wide, -(-b // narrow) * wide)], n, narrow, wide)


@dataclass(frozen=True, slots=True)
class Raveled(AxisMap):
    """One of several axes that are written in one row: each cell `inner` times in turn, and the whole axis `outer`
    times.
    """

    along: AxisMap
    inner: int = 1
    outer: int = 1

    def length(self, n: int) -> int:
        return self.outer * self.along.length(n) * self.inner

    def reads(self, cells: Cells, n: int) -> Cells:
        count = self.along.length(n)
        if cells == all_cells(self.length(n)):
            return self.along.reads(all_cells(count), n)
        rows = imaged(cells, lambda a, b: [(a // self.inner, -(-b // self.inner))], self.outer * count, self.inner, 1)
        return self.along.reads(folded(rows, count), n)

    def period(self, n: int) -> int:
        return self.inner * (self.along.period(n) if self.outer == 1 else self.along.length(n))

    def span(self, n: int) -> Span | None:
        along = self.along.span(n)
        if along is None:
            return None
        if self.outer == 1:
            cells, low, high = along.period, along.low.advance, along.high.advance
        else:
            cells, low, high = self.along.length(n), 0, 0
        row = [i for i in range(cells) for _ in range(self.inner)]
        return Span(Ramp(tuple(map(along.low, row)), low), Ramp(tuple(map(along.high, row)), high), along.step)


@dataclass(frozen=True, slots=True)
class SizeOnly(AxisMap):
    """An axis of an input that is not read at all: the input only lends its size."""

    def length(self, n: int) -> int:
        return n

    def reads(self, cells: Cells, n: int) -> Cells:
        return 0
