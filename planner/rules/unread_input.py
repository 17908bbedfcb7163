from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.layers._layer import axis_name
from planner.rules._rule import Rule
from planner.words import named, ranged

if TYPE_CHECKING:
    from planner.report import Report


class UnreadInput(Rule):
    """Cells of the input that no path to an output reads: whatever stands there, the network answers the same.

    Strides that do not reach the end of an axis drop its last cells; behind several of them, whole rows and columns
    of the image are never read. PyTorch says nothing. SqueezeNet 1.1 at 224 never reads row 223 and column 223.

    Why it matters: what lies at the border is invisible to the network, in training and after it, and the field of
    view is shifted against the image. Small objects at the border are missed.

    When to ignore it: when the border holds nothing, as with images that were padded or cropped with room to spare.

    How to fix it: another input size (`planner sizes` lists those that lose nothing), or padding or `ceil_mode` in
    the layers that lose the cells; they are named in the finding.
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
            total, cells = math.prod(spatial), unread[0].cells
            lines = [
                _lines(axis_name(axis, len(spatial)), numbers)
                for axis in range(len(spatial))
                if (numbers := unread[0].lines(axis))
            ]
            where = " and ".join(lines) or "scattered over the axes"
            yield cls.at(
                step,
                f"{cells:,} of {total:,} cells of `{step.name}` are never read",
                label=f"no output depends on {where} of {step.outputs[0]}",
                help=f"lost by {_losers(report)}; `planner sizes` lists the sizes that lose nothing",
            )


def _losers(report: Report) -> str:
    """The steps that lose real cells, the first few by name."""
    names = [
        step.name
        for step, losses in zip(report.plan.steps, report.losses, strict=True)
        if any(each.loss.real for each in losses)
    ]
    return named(names) or "a slice or a crop"


def _lines(axis: str, numbers: list[int]) -> str:
    """`row 223`, `columns 222–223`."""
    noun = {"height": "row", "width": "column", "depth": "slice"}.get(axis, "cell")
    return f"{noun}{'' if len(numbers) == 1 else 's'} {ranged(numbers)}"
