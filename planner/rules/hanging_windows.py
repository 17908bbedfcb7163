from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from planner.analyses.loss import losses
from planner.diagnostics import Diagnostic, Severity
from planner.rules._near import near_sizes
from planner.rules._rule import Rule
from planner.words import counted, grouped, ranged

if TYPE_CHECKING:
    from planner.analyses.loss import AxisLoss
    from planner.analyses.recall import Recall
    from planner.geometry import Window
    from planner.plan import Plan
    from planner.report import Report

MOST_RESIDUES = 64
"""The largest stride for which the sizes that fit are listed."""


class HangingWindows(Rule):
    """With `ceil_mode`, the last window of a pool hangs over the edge: part of its cells lie past the end of its input,
    padding included.

    PyTorch takes the cells that are there: an average divides by their number. Other runtimes have no such window.

    Why it matters: a model that is exported to them gets other values at the edge, or another size, without a word:
    they divide by the size of the window, or leave the window out (apple/coremltools#2772).

    When to ignore it: when the model runs in PyTorch alone.

    How to fix it: an input size at which no window hangs over, named in the finding where there is one near by.
    """

    code = "NSP338"
    severity = Severity.INFO
    bad = """
        input: [3, 3, 1]
        layers:
          - {type: AvgPool2d, kernel_size: 2, stride: 2, ceil_mode: true}  # NSP338
        """
    good = """
        input: [4, 4, 1]
        layers:
          - {type: AvgPool2d, kernel_size: 2, stride: 2, ceil_mode: true}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        hanging = [
            (step, found)
            for step, lost in zip(report.plan.steps, report.losses, strict=True)
            if (found := [(each, window) for each in lost if each.loss.overhang and (window := each.window)])
        ]
        sizes = near_sizes(report, partial(_overhang, report.recall)) if hanging else []
        free = " or ".join(map(str, sizes))
        for step, found in hanging:
            fitting = _fitting(found[0][1]) if len({(window.extent, window.stride) for _, window in found}) == 1 else ""
            said = [
                f"no window of this layer hangs over where {fitting}" if fitting else "",
                f"with an input of {free} no window of the model does" if free else "",
            ]
            yield cls.at(
                step,
                f"the last window of {step.type} hangs over the edge",
                label=grouped((each.name, _over(each, window)) for each, window in found),
                help="; ".join(["other runtimes may give other values there", *filter(None, said)]),
                key="ceil_mode",
            )


def _overhang(recall: Recall, plan: Plan) -> int:
    """How many axes of steps have a window that hangs over."""
    return sum(bool(each.loss.overhang) for found in losses(plan, recall) for each in found)


def _over(each: AxisLoss, window: Window) -> str:
    padded = f" and {window.after:,} of padding" if window.after else ""
    return f"a window of {window.extent:,} reaches {counted(each.loss.overhang, 'cell')} past {each.n:,}{padded}"


def _fitting(window: Window) -> str:
    """`n ≡ 0 mod 2`: the cells along an axis at which a window does not hang over, from its own extent on."""
    if window.stride > MOST_RESIDUES:
        return ""
    first = -(-(window.extent + window.before) // window.stride) * window.stride
    fitting = sorted(n % window.stride for n in range(first, first + window.stride) if not window.loss(n).overhang)
    return f"n ≡ {ranged(fitting)} mod {window.stride}" if fitting else ""
