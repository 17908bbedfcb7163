"""What steps do not read of their inputs, and whether anything else does: shared by the rules on lost and skipped
cells.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.geometry import Cells, all_cells, bits
from planner.words import counted, ranged

if TYPE_CHECKING:
    from planner.analyses.loss import AxisLoss
    from planner.plan import Step
    from planner.report import Report


@dataclass(frozen=True, slots=True)
class Dropped:
    """Cells of one axis of one input that a step does not read.

    edge, between   those past the first or last window, or those between windows; never both
    nowhere         those of them that no other path to an output reads either
    """

    axis: AxisLoss
    edge: Cells
    between: Cells
    nowhere: Cells


def dropped(report: Report) -> Iterator[tuple[Step, list[Dropped]]]:
    """Every step that leaves real cells of an input unread, with what it leaves, axis by axis."""
    for step, losses in zip(report.plan.steps, report.losses, strict=True):
        found = [_of(report, step, each) for each in losses if each.loss.real]
        if found:
            yield step, found


def _of(report: Report, step: Step, axis: AxisLoss) -> Dropped:
    n = axis.n
    unread = all_cells(n) & ~axis.map.reads(all_cells(axis.length), n)
    # Where the windows stand apart, the end is one more gap between them.
    edge = 0 if axis.loss.skipped else unread
    ref = step.sources[axis.source]
    known = report.reach.unread[ref.step] if report.reach else None
    nowhere = unread & known[ref.output or 0].unread_lines(axis.axis) if known else unread
    return Dropped(axis, edge, unread & ~edge, nowhere)


def sentence(axis: AxisLoss, cells: Cells, verdict: str) -> tuple[str, str]:
    """`height`, and `cell 223 of 224 is read by no window`."""
    numbers = bits(cells)
    noun = "cell" if len(numbers) == 1 else "cells"
    if len(numbers) > 3 and axis.loss.skipped:
        return axis.name, f"{counted(len(numbers), 'cell')} of {axis.n:,} {verdict}"
    return axis.name, f"{noun} {ranged(numbers)} of {axis.n:,} {'is' if len(numbers) == 1 else 'are'} {verdict}"
