from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.rules._dropped import dropped, left_out, share_read, to_read_all
from planner.rules._rule import Rule
from planner.rules._trying import Trials
from planner.words import grouped

if TYPE_CHECKING:
    from planner.plan import Step
    from planner.report import Report
    from planner.rules._dropped import Dropped


TAKEN_OVER = "have a layer with a larger window take the stride"


class SkippedCells(Rule):
    """A stride larger than the window (or the holes of a dilated one) leaves cells between windows that nothing reads.

    A 1×1 convolution of stride 2 reads one cell in four and throws three quarters of a plane away; a 3×3 of stride 4
    reads 9 cells in 16. This rule speaks where no other branch reads the cells either.

    Why it matters: what the layers before computed in these cells is wasted, time and memory included, and detail of
    that scale is lost by sub-sampling without a filter.

    When to ignore it: when sub-sampling is what you want, and the cost of the layers before does not matter.

    How to fix it: put the stride into a layer whose window is at least as large (ResNet v1.5 moved it from the 1×1 to
    the 3×3), or pool before the 1×1, as ResNet-D does.
    """

    code = "NSP322"
    drops = True
    mended_by = ("kernel_size", "stride_moved", "pooled_first")
    bad = """
        input: [56, 56, 64]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, padding: 1}
          - {type: Conv2d, out_channels: 128, kernel_size: 1, stride: 2}  # NSP322
        """
    fixed = """
        input: [56, 56, 64]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, padding: 1}
          - {type: Conv2d, out_channels: 128, kernel_size: 2, stride: 2}
        """
    good = """
        input: [56, 56, 64]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, padding: 1}
          - {type: AvgPool2d, kernel_size: 2}
          - {type: Conv2d, out_channels: 128, kernel_size: 1}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        trials = Trials(report)
        for step, found in dropped(report):
            skipped = [each for each in found if each.between & each.nowhere]
            holes = left_out(report, step, found[0].axis.source) if not skipped and found[0].between else 0
            if skipped or holes:
                skipped = skipped or [each for each in found if each.between]
                said = grouped(each.said(each.between) for each in skipped)
                nothing = f"; {holes:,} are read by nothing" if holes else ""
                yield cls.at(
                    step,
                    f"{step.type} skips cells that nothing else reads",
                    label=f"{said}; {share_read(step, found)}{nothing}",
                    help=_help(trials, step, skipped),
                    key="stride",
                )


def _help(trials: Trials, step: Step, skipped: list[Dropped]) -> str:
    way = to_read_all(trials, step, skipped)
    said = [f"use {way}" if way else "", TAKEN_OVER if trials.taken_over(step) else ""]
    return "; or ".join(filter(None, said))
