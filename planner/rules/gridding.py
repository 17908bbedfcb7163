from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from planner.analyses.axes import window_on
from planner.diagnostics import Diagnostic
from planner.layers._layer import axis_name
from planner.rules._rule import Rule
from planner.words import grouped, named

if TYPE_CHECKING:
    from planner.analyses.axes import Along
    from planner.plan import Step
    from planner.report import Report

MOST_NAMED = 4
"""Layers of a row that are named."""
WIDEST = 1 << 12
"""Fields wider than this have been filled, or never will be."""


class Gridding(Rule):
    """Dilated convolutions in a row with a common divisor in their dilations: together they read a grid of cells and
    nothing between.

    Three 3×3 convolutions of dilation 2 span 13×13 cells and read 49 of these 169; neighbouring outputs read disjoint
    grids.

    Why it matters: local detail is lost, and the output shows the grid (Wang et al., "Understanding Convolution for
    Semantic Segmentation", arXiv:1702.08502; Yu et al., arXiv:1705.09914).

    When to ignore it: when a layer behind a merge fills the gaps.

    How to fix it: dilations without a common divisor that leave no hole, such as 1, 2, 5; or a plain convolution
    behind them.
    """

    code = "NSP332"
    mended_by = ("mixed_dilation",)
    bad = """
        input: [64, 64, 16]
        layers:
          - {type: Conv2d, out_channels: 16, kernel_size: 3, dilation: 2, padding: 2}
          - {type: ReLU}
          - {type: Conv2d, out_channels: 16, kernel_size: 3, dilation: 2, padding: 2}  # NSP332
        """
    good = """
        input: [64, 64, 16]
        layers:
          - {type: Conv2d, out_channels: 16, kernel_size: 3, padding: 1}
          - {type: ReLU}
          - {type: Conv2d, out_channels: 16, kernel_size: 3, dilation: 2, padding: 2}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        if sum(any(map(_dilated, along)) for _, along in report.axes) < 2:
            return
        steps = report.plan.steps
        rows: list[_Row] = []
        continued: set[int] = set()
        for i, step in enumerate(steps):
            before = rows[step.sources[0].step] if len(step.sources) == 1 else None
            row = _continued(before, step, i) if before else None
            if row:
                continued.add(step.sources[0].step)
            rows.append(row or _Row((1,) * len(step.outputs[0].spatial) if step.outputs else ()))
        for i, row in enumerate(rows):
            if row.count > 1 and i not in continued and any(map(_holes, row.taps)):
                rank = len(row.taps)
                said = grouped(
                    (axis_name(axis, rank), _read(taps)) for axis, taps in enumerate(row.taps) if _holes(taps)
                )
                read, spanned = (math.prod(map(count, row.taps)) for count in (int.bit_count, int.bit_length))
                whole = f", {read:,} of {spanned:,} in all" if rank > 1 else ""
                names = [steps[k].name for k in row.first] + [""] * (row.count - len(row.first))
                yield cls.at(
                    steps[row.last],
                    f"{row.count} dilated layers in a row leave a grid of unread cells",
                    label=f"{said}{whole}; through {named(names, MOST_NAMED)}",
                    help="use dilations that leave no holes, such as 1, 2, 5, or a plain convolution behind them",
                    key="dilation",
                )


@dataclass(frozen=True, slots=True)
class _Row:
    """Windows of stride 1 in a row: the cells that one output reads, axis by axis, and which of the steps are dilated:
    how many, the first few, and the last.
    """

    taps: tuple[int, ...]
    count: int = 0
    first: tuple[int, ...] = ()
    last: int = -1


def _dilated(along: Along) -> bool:
    return along.window is not None and along.window.dilation > 1


def _holes(taps: int) -> bool:
    return taps.bit_count() < taps.bit_length()


def _read(taps: int) -> str:
    return f"an output reads {taps.bit_count():,} of the {taps.bit_length():,} cells of its field"


def _continued(before: _Row, step: Step, i: int) -> _Row | None:
    """The row of a step's source with the step added; None where it does not go on."""
    if not step.links or max((taps.bit_length() for taps in before.taps), default=0) > WIDEST:
        return None
    link, x = step.links[0][0], step.inputs[0]
    if len(link.axes) != len(before.taps) or link.onto is not None:
        return None
    taps, dilated = [], False
    for along, cells, n in zip(link.axes, before.taps, x.spatial, strict=True):
        window = window_on(along, n)
        if along.keeps:
            taps.append(cells)
        elif window is not None and window.stride == 1:
            taps.append(reduce(or_, [cells << j * window.dilation for j in range(window.kernel)]))
            dilated = dilated or (window.dilation > 1 and window.kernel > 1)
        else:
            return None
    if not dilated:
        return _Row(tuple(taps), before.count, before.first, before.last)
    first = before.first if before.count >= MOST_NAMED else (*before.first, i)
    return _Row(tuple(taps), before.count + 1, first, i)
