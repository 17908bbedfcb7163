from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.geometry import Spread
from planner.rules._rule import Rule
from planner.rules._trying import changed, facts_of
from planner.words import grouped

if TYPE_CHECKING:
    from planner.plan import Step
    from planner.report import Report

MOST_COUNTS = 8
"""The most counts that are shown."""


class UnevenOverlap(Rule):
    """The stride of a transposed convolution does not divide its kernel: neighbouring output cells are written by
    different numbers of inputs, in a pattern that repeats with the stride.

    Kernel 3 with stride 2 writes cells 1, 2, 1, 2, … times along an axis, so 1 to 4 times on a plane.

    Why it matters: the pattern shows in images as a checkerboard, and the layers behind have to learn to undo it (Odena
    et al., "Deconvolution and Checkerboard Artifacts", Distill 2016).

    When to ignore it: where the outputs are no images and a later convolution smooths them.

    How to fix it: a kernel that the stride divides (4 for stride 2), or an upsampling followed by a convolution.
    """

    code = "NSP330"
    mended_by = ("even_kernel",)
    bad = """
        input: [16, 16, 32]
        layers:
          - {type: ConvTranspose2d, out_channels: 16, kernel_size: 3, stride: 2}  # NSP330
        """
    fixed = """
        input: [16, 16, 32]
        layers:
          - {type: ConvTranspose2d, out_channels: 16, kernel_size: 4, stride: 2, padding: 1, output_padding: 1}
        """
    good = """
        input: [16, 16, 32]
        layers:
          - {type: ConvTranspose2d, out_channels: 16, kernel_size: 4, stride: 2}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for step, axes in report.axes:
            spread = [(each, each.map) for each in axes if isinstance(each.map, Spread)]
            uneven = [(each.name, along) for each, along in spread if _is_uneven(along, each.n)]
            if uneven:
                yield cls.at(
                    step,
                    f"{step.type} writes neighbouring cells unevenly",
                    label=grouped((name, _counts(along)) for name, along in uneven),
                    help="" if report.brief else _even(step, uneven[0][1]),
                    key="kernel_size",
                )


def _is_uneven(spread: Spread, n: int) -> bool:
    """Whether the counts differ away from the ends, on an axis that is long enough to have a middle."""
    return 0 < min(spread.overlap) < max(spread.overlap) and (n - 1) * spread.stride >= spread.extent


def _counts(spread: Spread) -> str:
    counts = ", ".join(map(str, spread.overlap[:MOST_COUNTS]))
    return f"cells are written by {counts}, … inputs: {spread.stride} does not divide {spread.kernel}"


def _even(step: Step, spread: Spread) -> str:
    """A kernel that overlaps evenly, with the padding that leaves the output as long as it is."""
    kernel = max(-(-spread.kernel // spread.stride), 2) * spread.stride
    longer = kernel - spread.kernel + 2 * spread.padding - spread.output_padding  # what the padding has to take off
    values = {"kernel_size": kernel, "padding": -(-longer // 2), "output_padding": longer % 2}
    layer = changed(step, **values) if longer >= 0 and spread.dilation == 1 else None
    facts = facts_of(layer, step) if layer is not None else None
    if facts is None or facts.outputs != step.outputs:
        return f"use a kernel that {spread.stride} divides"
    said = ", ".join(f"`{name}: {value}`" for name, value in values.items())
    return f"use {said}: the output keeps its size, written evenly"
