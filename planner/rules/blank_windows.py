from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.rules._rule import Rule
from planner.rules._trying import Trials
from planner.words import grouped, share

if TYPE_CHECKING:
    from planner.analyses.loss import AxisLoss
    from planner.geometry import Window
    from planner.plan import Step
    from planner.report import Report


class BlankWindows(Rule):
    """Windows lie on padding alone: there is more padding than a window reaches, or its taps are so far apart that they
    stand on both sides of a short input.

    Why it matters: their outputs are constants, whatever the input is: zeros, or the bias; −∞ from a max pool, and no
    number from a mean that does not count padding.

    When to ignore it: never; the padding is too wide.

    How to fix it: padding smaller than the extent of the window, dilation·(kernel_size − 1) + 1.
    """

    code = "NSP334"
    drops = True
    mended_by = ("less_padding",)
    bad = """
        input: [16, 16, 8]
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 3, padding: 3}  # NSP334
        """
    fixed = """
        input: [16, 16, 8]
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 3, padding: 2}
        """
    good = """
        input: [16, 16, 8]
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        trials = Trials(report)
        for step, losses in zip(report.plan.steps, report.losses, strict=True):
            blank = [(each, window) for each in losses if each.loss.blank and (window := each.window)]
            if blank:
                most = min(window.extent - 1 for _, window in blank)
                yield cls.at(
                    step,
                    f"windows of {step.type} lie on padding alone",
                    label=grouped((each.name, _blank(each, window)) for each, window in blank),
                    help=_help(trials, step, most),
                    key="padding",
                )


def _help(trials: Trials, step: Step, most: int) -> str:
    if not trials.fits(step, padding=most):
        return "use less padding, or a larger kernel; the sizes of later layers change too"
    return f"use `padding: {most}` or less: every window then reaches beyond the padding" if most else "use no padding"


def _blank(each: AxisLoss, window: Window) -> str:
    verb = "touches" if each.loss.blank == 1 else "touch"
    padding = f"{window.before} + {window.after} cells of padding"
    blank = share(each.loss.blank, each.length, "window")
    return f"{blank} {verb} no real cell: {padding} for an extent of {window.extent}"
