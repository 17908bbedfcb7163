from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.geometry import Cells, Window
from planner.layers._layer import axis_name
from planner.rules._rule import Rule
from planner.words import grouped, named

if TYPE_CHECKING:
    from planner.plan import Step
    from planner.report import Report

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
        steps = report.plan.steps
        rows: list[_Row] = []
        continued: set[int] = set()
        for i, step in enumerate(steps):
            before = rows[step.sources[0].step] if len(step.sources) == 1 else None
            row = _continued(step, i, before)
            if row.goes_on and step.sources:
                continued.add(step.sources[0].step)
            rows.append(row)
        for i, row in enumerate(rows):
            if len(row.dilated) > 1 and i not in continued and any(map(_holes, row.taps)):
                rank = len(row.taps)
                said = [
                    (
                        axis_name(axis, rank),
                        f"{taps.bit_count()} of the {taps.bit_length()} cells of the field are read",
                    )
                    for axis, taps in enumerate(row.taps)
                    if _holes(taps)
                ]
                yield cls.at(
                    steps[row.dilated[-1]],
                    f"{len(row.dilated)} dilated layers in a row leave a grid of unread cells",
                    label=f"{grouped(said)}, behind {named([steps[k].name for k in row.dilated])}",
                    help="use dilations without holes, such as 1, 2, 5, or a plain convolution behind them",
                    key="dilation",
                )


@dataclass(frozen=True, slots=True)
class _Row:
    """Windows of stride 1 in a row: the cells that one output reads, axis by axis, and which of the steps are dilated."""

    taps: tuple[Cells, ...] = ()
    dilated: tuple[int, ...] = ()
    goes_on: bool = False


def _holes(taps: Cells) -> bool:
    return taps.bit_count() < taps.bit_length()


def _continued(step: Step, i: int, before: _Row | None) -> _Row:
    """The row that a step is the end of: that of its source with the step added, or a new one."""
    if before is None or not step.links or max((taps.bit_length() for taps in before.taps), default=0) > WIDEST:
        return _Row((1,) * len(step.outputs[0].spatial) if step.outputs else ())
    axes = step.links[0][0].axes
    if len(axes) != len(before.taps) or step.links[0][0].onto is not None:
        return _Row((1,) * len(step.outputs[0].spatial))
    taps, dilated = [], False
    for along, cells in zip(axes, before.taps, strict=True):
        if along.keeps:
            taps.append(cells)
        elif isinstance(along, Window) and along.stride == 1:
            together = 0
            for j in range(along.kernel):
                together |= cells << j * along.dilation
            taps.append(together)
            dilated = dilated or (along.dilation > 1 and along.kernel > 1)
        else:
            return _Row((1,) * len(step.outputs[0].spatial))
    return _Row(tuple(taps), (*before.dilated, i) if dilated else before.dilated, True)
