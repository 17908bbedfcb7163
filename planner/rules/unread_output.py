from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.rules._rule import Rule
from planner.rules._trying import Trials
from planner.rules._waste import ONE_IN, by_stride, by_waste, is_unread, wastes
from planner.words import named, percent

if TYPE_CHECKING:
    from planner.report import Report


class UnreadOutput(Rule):
    """Layers compute cells that nothing reads: at least one multiply-add in a hundred is wasted.

    A stride that skips cells, or drops them at an edge, leaves part of what was computed before it unread. In ResNet-50
    v1, with the stride in the first 1×1 convolution of a stage, three quarters of what the last block of the stage
    before puts out are computed in vain: 375,717,888 of 3,857,973,248 multiply-adds at 224. There is one finding for
    the whole model, at the layer that wastes most.

    Why it matters: the network can be faster with the same answers, or better for the same price.

    When to ignore it: when weights of such a network are to be loaded as they are.

    How to fix it: move the stride to the layer whose output is skipped, or use a window that reads all cells.
    """

    code = "NSP325"
    drops = True
    mended_by = ("stride_moved", "skipping_kernel")
    bad = """
        input: [57, 57, 64]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, padding: 1}
          - {type: Conv2d, out_channels: 128, kernel_size: 1, stride: 2}  # NSP325
        """
    fixed = """
        input: [57, 57, 64]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, padding: 1}
          - {type: Conv2d, out_channels: 128, kernel_size: 2, stride: 2, padding: [[0, 1], [0, 1]]}
        """
    good = """
        input: [57, 57, 64]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, padding: 1, stride: 2}
          - {type: Conv2d, out_channels: 128, kernel_size: 1}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        total, steps = report.cost.known_macs, report.plan.steps
        found = [each for each in wastes(report) if by_stride(report, each.step) and not is_unread(report, each.step)]
        spent = sum(each.macs for each in found)
        if not found or spent * ONE_IN < total:
            return
        worst = max(found, key=lambda each: each.macs)
        computed_by = by_waste(report, (i for each in found for i in each.computed_by))
        names = named([steps[each.step].name for each in found], 3)
        known = "" if report.cost.macs is not None else "known "
        yield cls.at(
            steps[worst.step],
            f"{percent(spent, total)} of all {known}multiply-adds are computed and never read",
            label=f"{spent:,} of {total:,} {known}MACs, most in {named([steps[i].name for i in computed_by], 3)}; "
            f"{names} {'leaves' if len(found) == 1 else 'leave'} them unread",
            help=_help(report, worst.step),
            key="stride",
        )


def _help(report: Report, i: int) -> str:
    trials, step = Trials(report), report.plan.steps[i]
    if not any(each.loss.skipped for each in report.losses[i]):
        return "fix the loss at the edge: `lost-cells` says how"
    if trials.taken_over(step) or trials.taken_before(step):
        return "move the stride to a layer with a larger window"
    return "read the skipped cells, or do not compute them: `skipped-cells` says how"
