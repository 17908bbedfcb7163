from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.rules._rule import Rule

if TYPE_CHECKING:
    from planner.report import Report

SMALLEST_IMAGE = 16


class ChannelsFirstInput(Rule):
    """An input that looks as if it were written in PyTorch's order, channels first: `[3, 224, 224]`.

    Shapes in a model file have the channels last. Read so, this is an image 3 cells high with 224 channels.

    Why it matters: every size and every count of the plan would be those of another network, or windows would not fit.

    When to ignore it: when the input really is one or three cells high, with as many channels as it is wide.

    How to fix it: write the channels last: `input: [224, 224, 3]`.
    """

    code = "NSP244"
    bad = """
        input: [3, 224, 224]  # NSP244
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, padding: 1}
        """
    good = """
        input: [224, 224, 3]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, padding: 1}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for step in report.plan.inputs:
            first, *rest = step.outputs[0]
            if len(rest) > 1 and first in (1, 3) and len(set(rest[-2:])) == 1 and rest[-1] >= SMALLEST_IMAGE:
                yield cls.at(
                    step,
                    f"`{step.name}` looks as if its channels stood first",
                    label=f"this is {first} cells high with {rest[-1]} channels",
                    help=f"write the channels last: `input: {[*rest, first]}`",
                )
