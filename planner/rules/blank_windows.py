from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.rules._rule import Rule
from planner.words import counted, grouped

if TYPE_CHECKING:
    from planner.report import Report


class BlankWindows(Rule):
    """Windows that lie on padding alone: more padding than the window reaches, or a window that `ceil_mode` adds past
    the end.

    Why it matters: their outputs are constants, whatever the input: the bias, or the lowest number for a max pool.

    When to ignore it: never; the padding is too wide.

    How to fix it: padding smaller than the reach of the window, dilation·(kernel_size − 1) + 1.
    """

    code = "NSP334"
    bad = """
        input: [16, 16, 8]
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 3, padding: 3}  # NSP334
        """
    good = """
        input: [16, 16, 8]
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for step, losses in zip(report.plan.steps, report.losses, strict=True):
            blank = [each for each in losses if each.loss.blank]
            if blank:
                yield cls.at(
                    step,
                    f"windows of {step.type} lie on padding alone",
                    label=grouped(
                        (each.name, f"{counted(each.loss.blank, 'window')} of {each.length:,}") for each in blank
                    ),
                    help="use less padding than the window reaches",
                    key="padding",
                )
