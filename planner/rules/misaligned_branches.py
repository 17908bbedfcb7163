from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.rules._rule import Rule
from planner.words import grouped

if TYPE_CHECKING:
    from planner.analyses.alignment import Apart
    from planner.plan import Plan
    from planner.report import Report


class MisalignedBranches(Rule):
    """Branches of the same size meet, but their cells of the same number look at different places of the input.

    Sizes that agree prove nothing: a branch of stride 2 and one of stride 1 can come out equally long by chance, and
    padding on one side shifts a branch against the other. Stride and centre of every branch are followed from the
    input; this rule speaks where cells that meet look at places more than half a cell of their grid apart, or more than
    a whole cell at one of the ends where a resize lets them drift.

    Why it matters: an Add or a Concat then mixes features of different places; the network has to learn around it.

    When to ignore it: when a branch is meant to be shifted.

    How to fix it: the same strides and the same padding per stride on both branches; the layer that moves one of them
    is named.
    """

    code = "NSP326"
    mended_by = ("shifted_padding",)
    bad = """
        input: [32, 32, 8]
        layers:
          - {name: left, type: Conv2d, out_channels: 8, kernel_size: 3, padding: [[0, 2], [0, 2]]}
          - {name: right, type: Conv2d, out_channels: 8, kernel_size: 3, padding: [[2, 0], [2, 0]], from: input}
          - {type: Add, from: [left, right]}  # NSP326
        """
    good = """
        input: [33, 33, 8]
        layers:
          - {name: left, type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
          - {name: right, type: Conv2d, out_channels: 8, kernel_size: 5, stride: 2, padding: 2, from: input}
          - {type: Add, from: [left, right]}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for found in report.apart:
            if not all(each.small for each in found):
                yield cls.at(
                    found[0].step,
                    f"the branches of {found[0].step.type} look at different places",
                    label=how_far(report.plan, found),
                    help="give both branches the same strides, and padding of half their reach on either side",
                    key="from",
                )


def how_far(plan: Plan, found: list[Apart]) -> str:
    """`height and width: `conv` and `pool` look 1/2 cell of `input` apart; `pool` makes it so`."""
    said = []
    for each in found:
        left, right = (f"`{plan.label(each.step.sources[k])}`" for k in (each.first, each.second))
        far = f"{_number(each.off)} {'cell' if each.off <= 1 else 'cells'}"
        steps = [_number(stride) for stride in each.strides]
        if each.drifts:
            cells = "cell" if each.strides[0] == 1 else "cells"
            text = f"{left} moves {steps[0]} {cells} of `{each.input}` a step, {right} {steps[1]}: up to {far} apart"
        else:
            text = f"{left} and {right} look {far} of `{each.input}` apart, at {steps[0]} a step"
        said.append((each.axis, text))
    cause = next((each.cause for each in found if each.cause), None)
    return grouped(said) + (f"; `{cause}` makes it so" if cause else "")


def _number(number: Fraction) -> str:
    """A fraction as it is, where it is one that people read: `1/2`, `12`; else a number near it."""
    if number.denominator == 1:
        return f"{int(number):,}"
    return str(number) if number.denominator <= 8 and number < 1000 else f"about {float(number):,.2f}"
