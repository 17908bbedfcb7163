"""Axis maps of channels that are shuffled, or read in pairs."""

from __future__ import annotations

from dataclasses import dataclass

from planner.cells import LONGEST_BITS, MOST_RUNS, Cells, TooManyRuns, all_cells, bits, every, shifted
from planner.geometry.axis_map import AxisMap


@dataclass(frozen=True, slots=True)
class Shuffle(AxisMap):
    """Channel shuffle (ShuffleNet, arXiv:1707.01083): output j·groups + g is input g·n/groups + j."""

    groups: int

    def length(self, n: int) -> int:
        return n

    def reads(self, cells: Cells, n: int) -> Cells:
        if cells == all_cells(n):
            return cells
        wide = n // self.groups
        read: Cells = 0
        if isinstance(cells, int) and n <= LONGEST_BITS:
            for o in bits(cells):
                read |= 1 << (o % self.groups) * wide + o // self.groups
            return read
        if self.groups > MOST_RUNS:
            raise TooManyRuns
        for g in range(self.groups):
            read |= shifted(every(cells >> g, self.groups), g * wide)
        return read


@dataclass(frozen=True, slots=True)
class Halves(AxisMap):
    """Output i reads input i and input i + n/2: the gated linear unit."""

    def length(self, n: int) -> int:
        return n // 2

    def reads(self, cells: Cells, n: int) -> Cells:
        return cells | shifted(cells, n // 2)


@dataclass(frozen=True, slots=True)
class Partnered(AxisMap):
    """Output i reads input i and its partner in the other half, n/2 away: what turns two halves into one another."""

    def length(self, n: int) -> int:
        return n

    def reads(self, cells: Cells, n: int) -> Cells:
        return cells | (shifted(cells, n // 2) | shifted(cells, -(n // 2))) & all_cells(n)
