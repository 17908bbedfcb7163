from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.cells import Cells, ranged
from planner.diagnostics import Diagnostic
from planner.layers._layer import axis_name
from planner.rules._rule import Rule
from planner.rules._trying import Trials
from planner.rules._waste import by_stride, leaving_out
from planner.words import joined, named, share

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
    drops = True
    mended_by = ("losing_layers", "input_size", "skipping_kernel")
    bad = """
        input: [224, 224, 3]  # NSP320
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, stride: 2}
        """
    fixed = """
        input: [224, 224, 3]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, stride: 2, padding: [[0, 1], [0, 1]]}
        """
    good = """
        input: [225, 225, 3]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, stride: 2}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        trials = Trials(report)
        for i, step in enumerate(report.plan.inputs):
            unread = report.unread_inputs.get(step.name)
            if unread is None or not unread.cells or not unread.read:
                continue
            losing = leaving_out(report, i)
            if losing and not any(by_stride(report, each) for each in losing):
                continue  # a part is taken on purpose: `discarded-cells`
            spatial = step.outputs[0].spatial
            lines = [
                _lines(axis_name(axis, len(spatial)), cells)
                for axis in range(len(spatial))
                if (cells := unread.unread_lines(axis))
            ]
            where = f"no output depends on {joined(lines)}" if lines else "no line of cells is unread as a whole:"
            verb = "is" if unread.cells == 1 else "are"
            edge = any(each.loss.real > each.loss.skipped for by in losing for each in report.losses[by])
            sizes = "`planner sizes` lists the sizes that lose nothing at an edge" if edge and trials.size_near else ""
            names = named([report.plan.steps[each].name for each in losing])
            yield cls.at(
                step,
                f"{share(unread.cells, math.prod(spatial), 'cell')} of `{step.name}` {verb} never read",
                label=f"{where} of {step.outputs[0]}"
                if lines
                else f"{where} they are scattered over {step.outputs[0]}",
                help="; ".join(each for each in (f"lost by {names}" if names else "", sizes) if each),
            )


def _lines(axis: str, cells: Cells) -> str:
    """`row 223`, `columns 222–223`."""
    noun = {"height": "row", "width": "column", "depth": "slice"}.get(axis, "cell")
    return f"{noun}{'' if cells.bit_count() == 1 else 's'} {ranged(cells)}"
