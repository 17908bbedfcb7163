from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic, Severity
from planner.rules._dropped import (
    dropped,
    left_out,
    share_read,
    to_read_all,
    to_the_edge,
)
from planner.rules._rule import Rule
from planner.rules._trying import Trials
from planner.words import grouped

if TYPE_CHECKING:
    from planner.report import Report


class SkippedOnOneBranch(Rule):
    """A layer leaves cells of its input unread, between its windows or at the edge, and another branch reads them.

    The shortcuts of ResNet are the usual case: a 1×1 convolution of stride 2 beside a 3×3 of stride 2 that reads
    everything.

    Why it matters: it rarely does; only the branch itself sees a quarter of the plane.

    When to ignore it: nearly always. It is a remark, not a warning.

    How to fix it: ResNet-D pools with 2×2 before the 1×1 convolution, so that the shortcut sees all cells
    (arXiv:1812.01187).
    """

    code = "NSP323"
    severity = Severity.INFO
    bad = """
        input: [56, 56, 64]
        layers:
          - {name: conv, type: Conv2d, out_channels: 128, kernel_size: 3, stride: 2, padding: 1}
          - {name: shortcut, type: Conv2d, out_channels: 128, kernel_size: 1, stride: 2, from: input}  # NSP323
          - {type: Add, from: [conv, shortcut]}
        """
    good = """
        input: [56, 56, 64]
        layers:
          - {name: conv, type: Conv2d, out_channels: 128, kernel_size: 2, stride: 2}
          - {name: pool, type: AvgPool2d, kernel_size: 2, from: input}
          - {name: shortcut, type: Conv2d, out_channels: 128, kernel_size: 1}
          - {type: Add, from: [conv, shortcut]}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        trials = Trials(report)
        for step, found in dropped(report):
            if any(each.nowhere for each in found) or left_out(report, step, found[0].axis.source):
                continue
            skipped = [each for each in found if each.between]
            said = grouped(each.said(each.edge | each.between) for each in found)
            way = to_read_all(trials, step, skipped) if skipped else to_the_edge(trials, step, found)
            yield cls.at(
                step,
                f"{step.type} {'skips' if skipped else 'drops'} cells that another branch reads",
                label=f"{said}; {share_read(step, found)}",
                help=f"harmless; to have this branch read all cells too, use {way}" if way else "harmless",
                key="stride",
            )
