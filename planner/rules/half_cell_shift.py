from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.analyses.alignment import Manner
from planner.diagnostics import Diagnostic, Severity
from planner.rules._branches import how_far, meeting
from planner.rules._rule import Rule

if TYPE_CHECKING:
    from planner.analyses.alignment import Apart
    from planner.report import Report


PARITY = "; with windows of the same parity on both branches there is no shift"


class HalfCellShift(Rule):
    """Branches meet in step, but one branch is shifted against the other by up to half a cell of the grid on which they
    meet; or a resize lets them drift up to a cell apart at one of the ends.

    An even window has its centre between cells, an odd one on a cell. ResNet-D's 2×2 average pool in the shortcut,
    beside a 3×3 convolution of stride 2, is off by half a cell of its input (arXiv:1812.01187); so is bilinear
    upsampling beside convolutions with odd kernels.

    Why it matters: it seldom does; networks learn around it. Heat maps and masks that are read off with sub-pixel
    precision show it.

    When to ignore it: nearly always. It is a remark, not a warning.

    How to fix it: windows of the same parity on both branches.
    """

    code = "NSP327"
    severity = Severity.INFO
    bad = """
        input: [56, 56, 64]
        layers:
          - {name: conv, type: Conv2d, out_channels: 128, kernel_size: 3, stride: 2, padding: 1}
          - {name: pool, type: AvgPool2d, kernel_size: 2, from: input}
          - {name: shortcut, type: Conv2d, out_channels: 128, kernel_size: 1}
          - {type: Add, from: [conv, shortcut]}  # NSP327
        """
    good = """
        input: [57, 57, 64]
        layers:
          - {name: conv, type: Conv2d, out_channels: 128, kernel_size: 3, stride: 2, padding: 1}
          - {name: pool, type: AvgPool2d, kernel_size: 3, stride: 2, padding: 1, from: input}
          - {name: shortcut, type: Conv2d, out_channels: 128, kernel_size: 1}
          - {type: Add, from: [conv, shortcut]}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for found in meeting(report, Manner.HALF):
            far = "drift up to a cell apart" if any(each.drifts for each in found) else "are up to half a cell apart"
            yield cls.at(
                found[0].step,
                f"the branches of {found[0].step.type} {far}",
                label=how_far(report.plan, found),
                help="harmless for most networks" + ("" if any(map(_resized, found)) else PARITY),
                key="from",
            )


def _resized(each: Apart) -> bool:
    """Whether a resize moves a branch, not the middle of a window."""
    return each.drifts or each.coarsest > max(each.strides)
