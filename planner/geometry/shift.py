"""The axis map of padding and cropping, which nearly every layer has on an axis that it leaves as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from planner.cells import Cells, all_cells, folded, mirrored, one_cell, shifted
from planner.geometry.axis_map import AxisMap, Ramp, Span

PadMode = Literal["constant", "reflect", "replicate", "circular"]
"""What padding cells are: a number, or copies of real cells."""


@dataclass(frozen=True, slots=True)
class Shift(AxisMap):
    """Padding (positive) and cropping (negative) at either end; also the place of a part within a concatenation."""

    before: int = 0
    after: int = 0
    mode: PadMode = "constant"

    def length(self, n: int) -> int:
        return n + self.before + self.after

    def reads(self, cells: Cells, n: int) -> Cells:
        read = shifted(cells, -self.before) & all_cells(n)
        if self.mode != "constant":
            before, after = max(self.before, 0), max(self.after, 0)
            read |= self._copied(cells & all_cells(before), shifted(cells, -n - self.before) & all_cells(after), n)
        return read

    def span(self, n: int) -> Span:
        return Span(Ramp((-self.before,), 1), Ramp((-self.before,), 1))

    @property
    def settles(self) -> int:
        mirrored = 0 if self.mode == "constant" else max(self.before, self.after)
        return 1 + max(0, -self.before - self.after, mirrored)

    def _copied(self, before: Cells, after: Cells, n: int) -> Cells:
        """The real cells that padding copies, for some padding cells before the axis and some after it."""
        if self.mode == "replicate":
            return (1 if before else 0) | (one_cell(n - 1) if after else 0)
        if self.mode == "reflect":
            front = shifted(mirrored(before, self.before), 1) if before else 0
            return front | (shifted(mirrored(after, self.after), n - 1 - self.after) if after else 0)
        # As in torch, circular padding repeats what a crop at the other end leaves.
        first, end = max(-self.before, 0), n + min(self.after, 0)
        round_ = end - first
        around = folded(shifted(before, -self.before % round_), round_) | folded(
            shifted(after, (n - first) % round_), round_
        )
        return shifted(around, first)

    @property
    def keeps(self) -> bool:
        return not (self.before or self.after)


KEEP = Shift()
"""The map of every layer that leaves an axis as it is."""
