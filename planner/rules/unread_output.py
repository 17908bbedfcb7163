from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.rules._rule import Rule
from planner.words import named

if TYPE_CHECKING:
    from planner.report import Report

ONE_IN = 100
"""Waste below one in so many multiply-adds is not worth a word."""


class UnreadOutput(Rule):
    """Layers compute cells that nothing reads: at least one multiply-add in a hundred is wasted.

    A stride that skips cells, a crop or a slice leaves part of what was computed before it unread. In ResNet-50 v1,
    with the stride in the first 1×1 convolution of a stage, three quarters of the last block of each stage before are
    computed in vain: 375,717,888 of 3,857,973,248 multiply-adds at 224.

    Why it matters: the network can be faster with the same answers, or better for the same price.

    When to ignore it: when weights of such a network are to be loaded as they are.

    How to fix it: move the stride to the layer whose output is skipped, or use a window that reads all cells.
    """

    code = "NSP325"
    bad = """
        input: [56, 56, 64]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, padding: 1}  # NSP325
          - {type: Conv2d, out_channels: 128, kernel_size: 1, stride: 2}
        """
    good = """
        input: [56, 56, 64]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, padding: 1, stride: 2}
          - {type: Conv2d, out_channels: 128, kernel_size: 1}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        reach, total = report.reach, report.cost.macs
        if reach is None or reach.wasted_macs * ONE_IN < total or not reach.wasted_macs:
            return
        wasteful = sorted(
            (step for step in range(len(reach.macs_wasted)) if reach.macs_wasted[step]),
            key=lambda step: -reach.macs_wasted[step],
        )
        steps = report.plan.steps
        worst = steps[wasteful[0]]
        percent = reach.wasted_macs * 1000 // total
        yield cls.at(
            worst,
            f"{percent // 10}.{percent % 10} % of all multiply-adds are computed and never read",
            label=f"{reach.wasted_macs:,} of {total:,} MACs, most in {named([steps[i].name for i in wasteful], 3)}",
            help="move the stride to this layer, or let the next one read all cells",
        )
