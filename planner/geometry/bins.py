"""The axis map of adaptive pools, whose bins share out an axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

from planner.cells import Cells, all_cells, imaged
from planner.geometry.axis_map import AxisMap, Ramp, Span


@dataclass(frozen=True, slots=True)
class Bins(AxisMap):
    """Adaptive pooling: bin i of m reads the cells floor(i·n/m) up to, not including, ceil((i+1)·n/m)."""

    bins: int

    def length(self, n: int) -> int:
        return self.bins

    def bounds(self, i: int, n: int) -> tuple[int, int]:
        return i * n // self.bins, -(-(i + 1) * n // self.bins)

    def reads(self, cells: Cells, n: int) -> Cells:
        if cells == all_cells(self.bins):
            return all_cells(n)
        common = math.gcd(n, self.bins)
        return imaged(
            cells, lambda a, b: [(a * n // self.bins, -(-b * n // self.bins))], n, self.bins // common, n // common
        )

    def period(self, n: int) -> int:
        return self.bins // math.gcd(n, self.bins)

    def span(self, n: int) -> Span:
        bounds = [self.bounds(i, n) for i in range(self.period(n))]
        advance = n // math.gcd(n, self.bins)
        return Span(
            Ramp(tuple(low for low, _ in bounds), advance), Ramp(tuple(stop - 1 for _, stop in bounds), advance)
        )
