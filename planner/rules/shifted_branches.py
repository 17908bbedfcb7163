from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.analyses.alignment import Manner
from planner.diagnostics import Diagnostic, Severity
from planner.rules._branches import how_coarse, meeting
from planner.rules._rule import Rule

if TYPE_CHECKING:
    from planner.report import Report


class ShiftedBranches(Rule):
    """Branches meet shifted by more than half a cell of their grid, but no further than resampling moves them, or so
    that each sees the place where the other one looks.

    A cell of stride S that is upsampled to stride s stands for S/s cells, the middle of which is (S − s)/2 away from
    where convolutions with odd kernels have their first cell. This happens in every feature pyramid, in HRNet, and in
    every U-Net that goes down by 3×3 convolutions of stride 2 and up by nearest neighbours.

    Why it matters: it seldom does; the layers behind it learn around it. Heat maps, masks and keypoints that are read
    off with sub-pixel precision show it.

    When to ignore it: nearly always. It is a remark, not a warning.

    How to fix it: bilinear upsampling to the size of the other branch with `align_corners: true`, at an input of which
    the size less one divides by the strides (513 for 32): corners then lie on corners. This is among the fixes where it
    works.
    """

    code = "NSP329"
    severity = Severity.INFO
    mended_by = ("corners_on_corners",)
    bad = """
        input: [64, 64, 3]
        layers:
          - {name: fine, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1}
          - {name: down1, type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
          - {name: down2, type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
          - {name: up, type: Interpolate, from: [down2, fine]}
          - {type: Add, from: [fine, up]}  # NSP329
        """
    fixed = """
        input: [65, 65, 3]
        layers:
          - {name: fine, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1}
          - {name: down1, type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
          - {name: down2, type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
          - {name: up, type: Interpolate, from: [down2, fine], mode: bilinear, align_corners: true}
          - {type: Add, from: [fine, up]}
        """
    good = """
        input: [65, 65, 3]
        layers:
          - {name: fine, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1}
          - {name: down1, type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
          - {name: down2, type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
          - {name: up, type: Interpolate, mode: bilinear, align_corners: true, from: [down2, fine]}
          - {type: Add, from: [fine, up]}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for found in meeting(report, Manner.SHIFTED):
            yield cls.at(
                found[0].step,
                f"the branches of {found[0].step.type} are shifted against each other",
                label=how_coarse(report.plan, found),
                help="harmless for most networks: what is behind them sees both places",
                key="from",
            )
