from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.rules._rule import Rule
from planner.words import grouped

if TYPE_CHECKING:
    from planner.report import Report


class MisalignedBranches(Rule):
    """Branches of the same size meet, but their cells of the same number look at different places of the input.

    Sizes that agree prove nothing: a branch of stride 2 and one of stride 1 can come out equally long by chance, and
    padding on one side shifts a branch against the other. Stride and centre of every branch are followed from the
    input.

    Why it matters: an Add or a Concat then mixes features of different places; the network has to learn around it.

    When to ignore it: when a branch is meant to be shifted.

    How to fix it: the same strides and the same padding per stride on both branches; the layer that moves one of them
    is named.
    """

    code = "NSP326"
    bad = """
        input: [32, 32, 8]
        layers:
          - {name: left, type: Conv2d, out_channels: 8, kernel_size: 3, padding: [[0, 2], [0, 2]]}
          - {name: right, type: Conv2d, out_channels: 8, kernel_size: 3, padding: [[2, 0], [2, 0]], from: input}
          - {type: Add, from: [left, right]}  # NSP326
        """
    good = """
        input: [32, 32, 8]
        layers:
          - {name: left, type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
          - {name: right, type: Conv2d, out_channels: 8, kernel_size: 5, stride: 2, padding: 2, from: input}
          - {type: Add, from: [left, right]}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for found in report.apart:
            far = [each for each in found if not each.small]
            if not far:
                continue
            step, plan = far[0].step, report.plan
            left, right = (plan.label(step.sources[i]) for i in (far[0].first, far[0].second))
            said = []
            for each in far:
                if each.strides[0] != each.strides[1]:
                    text = (
                        f"`{left}` moves {each.strides[0]} cells of `{each.input}` a cell, `{right}` {each.strides[1]}"
                    )
                else:
                    text = f"`{left}` and `{right}` look {each.off} cells of `{each.input}` apart"
                said.append((each.axis, text))
            cause = next((each.cause for each in far if each.cause), None)
            yield cls.at(
                step,
                f"the branches of {step.type} look at different places",
                label=grouped(said) + (f"; `{cause}` makes it so" if cause else ""),
                help="give both branches the same strides, and padding of half their reach on either side",
                key="from",
            )
