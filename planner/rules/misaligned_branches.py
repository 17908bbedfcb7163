from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.analyses.alignment import Manner
from planner.diagnostics import Diagnostic
from planner.rules._branches import how_far, meeting
from planner.rules._rule import Rule

if TYPE_CHECKING:
    from planner.report import Report


class MisalignedBranches(Rule):
    """Branches of the same size meet, but cells with the same number look at different places of the input.

    Sizes that agree prove nothing: a branch of stride 2 and one of stride 1 can come out equally long by chance, and
    padding on one side shifts a branch against the other. Stride and centre of every branch are followed from the
    input. This rule speaks where strides differ and cells drift apart, and where the middle of what one branch sees
    lies outside of what the other one sees. It is silent where resampling explains the shift (from a stride of S to one
    of s, cells move by up to (S − s)/2: `shifted-branches`), where padding is causal (`causal-branches`), and below
    half a cell of the grid on which they meet (`half-cell-shift`).

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
    fixed = """
        input: [32, 32, 8]
        layers:
          - {name: left, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1}
          - {name: right, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1, from: input}
          - {type: Add, from: [left, right]}
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
        for found in meeting(report, Manner.OUTSIDE):
            yield cls.at(
                found[0].step,
                f"the branches of {found[0].step.type} look at different places",
                label=how_far(report.plan, found),
                help="give both branches the same strides, and padding of half their extent on either side",
                key="from",
            )
