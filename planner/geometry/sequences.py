"""Axis maps along sequences, where an output sees the inputs up to its own, or those that a mask leaves it."""

from __future__ import annotations

from dataclasses import dataclass

from planner.cells import Cells, all_cells, bits
from planner.geometry.axis_map import AxisMap


@dataclass(frozen=True, slots=True)
class Prefix(AxisMap):
    """Output i reads the inputs 0 to i: a recurrent layer that goes along an axis in one direction, causal attention.

    cells  of the output, where there are not as many as of the input; those past its end read all of it
    """

    cells: int | None = None

    def length(self, n: int) -> int:
        return n if self.cells is None else self.cells

    def reads(self, cells: Cells, n: int) -> Cells:
        return all_cells(min(cells.bit_length(), n))


@dataclass(frozen=True, slots=True)
class Listed(AxisMap):
    """Output i reads the cells rows[i]: attention with a mask that hides others from it."""

    rows: tuple[Cells, ...]

    def length(self, n: int) -> int:
        return len(self.rows)

    def reads(self, cells: Cells, n: int) -> Cells:
        read: Cells = 0
        for i in bits(cells):
            read |= self.rows[i]
        return read
