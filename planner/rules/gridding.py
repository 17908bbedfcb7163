from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.analyses.rows import MOST_NAMED, gridded, has_holes
from planner.diagnostics import Diagnostic
from planner.layers._layer import axis_name
from planner.rules._rule import Rule
from planner.words import grouped, named

if TYPE_CHECKING:
    from planner.analyses.axes import StepAxis
    from planner.report import Report


class Gridding(Rule):
    """Dilated convolutions in a row whose dilations have a common divisor: together they read a grid of cells and
    nothing between.

    Three 3×3 convolutions of dilation 2 span 13×13 cells and read 49 of these 169; neighbouring outputs read disjoint
    grids. What residual and parallel branches read besides counts, exactly; where branches meet that come from maps of
    different size, it is not known what they read together, and nothing is said.

    Why it matters: local detail is lost, and the output shows the grid (Wang et al., "Understanding Convolution for
    Semantic Segmentation", arXiv:1702.08502; Yu et al., arXiv:1705.09914).

    When to ignore it: when a layer behind an upsampling, or behind such a merge, fills the gaps.

    How to fix it: dilations without a common divisor that leave no hole, such as 1, 2, 5; or a plain convolution behind
    them.
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
    fixed = """
        input: [64, 64, 16]
        layers:
          - {type: Conv2d, out_channels: 16, kernel_size: 3, dilation: 1, padding: 1}
          - {type: ReLU}
          - {type: Conv2d, out_channels: 16, kernel_size: 3, dilation: 2, padding: 2}
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
        for row, taps in gridded(report.plan):
            places = [taps.along(axis) for axis in range(taps.rank)]
            said = grouped((axis_name(k, taps.rank), _read(each)) for k, each in enumerate(places) if has_holes(each))
            whole = f", {taps.read:,} of {taps.spanned:,} in all" if taps.rank > 1 else ""
            names = [steps[k].name for k in row.first] + [""] * (row.count - len(row.first))
            yield cls.at(
                steps[row.last],
                f"{row.count} dilated layers in a row leave a grid of unread cells",
                label=f"{said}{whole}; through {named(names, MOST_NAMED)}",
                help="use dilations that leave no holes, such as 1, 2, 5, or a plain convolution behind them",
                key="dilation",
            )


def _dilated(along: StepAxis) -> bool:
    return along.window is not None and along.window.dilation > 1


def _read(places: int) -> str:
    return f"an output reads {places.bit_count():,} of the {places.bit_length():,} cells of its field"
