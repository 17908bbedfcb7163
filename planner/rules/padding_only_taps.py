from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.geometry import Window
from planner.layers._fields import per_axis
from planner.rules._rule import Rule
from planner.rules._trying import Trials
from planner.words import grouped, share

if TYPE_CHECKING:
    from planner.analyses.axes import StepAxis
    from planner.plan import Step
    from planner.report import Report


class PaddingOnlyTaps(Rule):
    """Taps of a kernel fall on padding in every window: their weights are multiplied with zeros only.

    A 3×3 convolution at dilation 36 on 33×33 cells is a 1×1: eight of its nine taps never touch a real cell.

    Why it matters: the weights are never trained, and the layer sees far less than its dilation promises; this is how
    atrous pyramids degenerate on small inputs (Chen et al., "Rethinking Atrous Convolution", arXiv:1706.05587, section
    3.3).

    When to ignore it: when the network will be used at a larger input only.

    How to fix it: a smaller dilation, a larger input, or a smaller output stride before the layer.
    """

    code = "NSP333"
    mended_by = ("smaller_dilation",)
    bad = """
        input: [33, 33, 64]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, dilation: 36, padding: 36}  # NSP333
        """
    fixed = """
        input: [33, 33, 64]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, dilation: 32, padding: 32}
        """
    good = """
        input: [33, 33, 64]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, dilation: 12, padding: 12}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        trials = Trials(report)
        for step, axes in report.axes:
            found = [(each, window) for each in axes if (window := each.window) is not None]
            live = [_live(window, each.n) for each, window in found]
            idle = [(*each, taps) for each, taps in zip(found, live, strict=True) if taps < each[1].kernel]
            if not idle or not step.weights:
                continue
            dilated = any(min(window.dilation, window.kernel) > 1 for _, window, _ in idle)
            way = _way(trials, step, found, live, dilated=dilated)
            left = share(math.prod(live), math.prod(window.kernel for _, window in found), "tap")
            said = grouped((each.name, _idle(window, each.n, taps)) for each, window, taps in idle)
            yield cls.at(
                step,
                f"taps of {step.type} never touch a real cell",
                label=f"{said}; {left} {'touches' if math.prod(live) == 1 else 'touch'} any",
                help=f"use {way}a larger input",
                key="dilation" if dilated else "kernel_size",
            )


@lru_cache(maxsize=1 << 12)
def _live(window: Window, n: int) -> int:
    """How many taps fall on a real cell in some window; padding that repeats cells is as good as real."""
    if window.mode != "constant" or not (window.before or window.after):
        return window.kernel
    return window.kernel - window.taps(n).count(0)


def _widest(window: Window, n: int) -> int:
    """The largest dilation with which all taps touch one of n cells, padded by half the extent."""
    return 2 * (n - 1) // (window.kernel - 1)


def _way(trials: Trials, step: Step, found: list[tuple[StepAxis, Window]], live: list[int], *, dilated: bool) -> str:
    """A change that keeps the output's length and lets every tap touch a cell, followed by `, or `; empty where none
    was found.
    """
    shorter = [
        replace(
            window, dilation=min(window.dilation, _widest(window, each.n)) if window.kernel > 1 else window.dilation
        )
        if dilated
        else replace(window, kernel=taps)
        for (each, window), taps in zip(found, live, strict=True)
    ]
    room = [old.before + old.after + new.extent - old.extent for new, (_, old) in zip(shorter, found, strict=True)]
    key, sizes = ("dilation", [each.dilation for each in shorter])
    if not dilated:
        key, sizes = ("kernel_size", [each.kernel for each in shorter])
    if min(room) < 0 or min(sizes) < 1 or any(total % 2 for total in room):
        return ""
    padding = (
        {} if isinstance(getattr(step.layer, "padding", 0), str) else {"padding": per_axis([k // 2 for k in room])}
    )
    values = {key: per_axis(sizes), **padding}
    halves = [replace(each, before=total // 2, after=total // 2) for each, total in zip(shorter, room, strict=True)]
    full = all(_live(half, each.n) == half.kernel for half, (each, _) in zip(halves, found, strict=True))
    if not full or not trials.fits(step, **values):
        return ""
    return " with ".join(f"`{name}: {value}`" for name, value in values.items()) + ", or "


def _idle(window: Window, n: int, live: int) -> str:
    apart = f", {window.dilation} apart," if window.dilation > 1 else ""
    cells = f"all {n} cells" if n > 1 else "the only cell"
    idle = window.kernel - live
    verb = "misses" if idle == 1 else "miss"
    return f"{idle} of {window.kernel} taps{apart} {verb} {cells} wherever the window stands"
