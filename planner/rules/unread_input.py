from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.layers._layer import axis_name
from planner.rules._rule import Rule

if TYPE_CHECKING:
    from planner.report import Report


class UnreadInput(Rule):
    """Cells of the input that no path to an output reads: whatever stands there, the network answers the same.

    Strides that do not reach the end of an axis drop its last cells; behind several of them, whole rows and columns of the
    image are never read. PyTorch says nothing. SqueezeNet 1.1 at 224 never reads row 223 and column 223.

    Why it matters: what lies at the border is invisible to the network, in training and after it, and the field of view is
    shifted against the image. Small objects at the border are missed.

    When to ignore it: when the border holds nothing, as with images that were padded or cropped with room to spare.

    How to fix it: another input size (`planner sizes` lists those that lose nothing), or padding or `ceil_mode` in the layers that
    lose the cells; they are named in the finding.
    """

    code = "NSP320"
    bad = """
        input: [224, 224, 3]  # NSP320
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, stride: 2}
        """
    good = """
        input: [225, 225, 3]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, stride: 2}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        if report.reach is None:
            return
        for step, unread in zip(report.plan.steps, report.reach.unread, strict=True):
            if not step.is_input or unread is None or not unread[0].cells or not unread[0].read:
                continue
            spatial = step.outputs[0].spatial
            total = 1
            for n in spatial:
                total *= n
            cells = unread[0].cells
            lines = [
                f"{_plural(axis_name(axis, len(spatial)))} {_ranges(numbers)}"
                for axis in range(len(spatial))
                if (numbers := unread[0].lines(axis))
            ]
            where = " and ".join(lines) or "scattered over the axes"
            yield cls.at(
                step,
                f"{cells:,} of {total:,} cells of `{step.name}` are never read",
                label=f"{where} of {step.outputs[0]} influence no output",
                help=f"lost by {_losers(report)}; `planner sizes` lists the sizes that lose nothing",
            )


def _losers(report: Report) -> str:
    """The steps that lose real cells, the first few by name."""
    names = [
        step.name
        for step, losses in zip(report.plan.steps, report.losses, strict=True)
        if any(each.loss.real for each in losses)
    ]
    shown = ", ".join(f"`{name}`" for name in names[:4])
    return (shown + (f" and {len(names) - 4} more" if len(names) > 4 else "")) or "a slice or a crop"


_LINES = {"height": "rows", "width": "columns", "length": "cells", "depth": "slices"}


def _plural(axis: str) -> str:
    return _LINES.get(axis, axis)


def _ranges(numbers: list[int]) -> str:
    """`223`, `220–222`, `1, 3, 5, … (112 in all)`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    shown = [str(first) if first == last else f"{first}–{last}" for first, last in runs]
    return ", ".join(shown) if len(shown) <= 4 else ", ".join(shown[:3]) + f", … ({len(numbers)} in all)"
