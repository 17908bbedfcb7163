from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.geometry import Spread, all_cells
from planner.rules._rule import Rule
from planner.words import grouped, share

if TYPE_CHECKING:
    from planner.report import Report


class UnwrittenCells(Rule):
    """A transposed convolution whose kernel is smaller than its stride, or whose `output_padding` goes past the last
    kernel: some output cells are written by no input and hold the bias alone.

    Why it matters: the output is a grid of values between constants.

    When to ignore it: when a later layer is meant to fill the gaps.

    How to fix it: a kernel at least as large as the stride; a multiple of it also overlaps evenly.
    """

    code = "NSP331"
    mended_by = ("even_kernel",)
    bad = """
        input: [16, 16, 32]
        layers:
          - {type: ConvTranspose2d, out_channels: 16, kernel_size: 2, stride: 3}  # NSP331
        """
    fixed = """
        input: [16, 16, 32]
        layers:
          - {type: ConvTranspose2d, out_channels: 16, kernel_size: 3, stride: 3, padding: 1, output_padding: 1}
        """
    good = """
        input: [16, 16, 32]
        layers:
          - {type: ConvTranspose2d, out_channels: 16, kernel_size: 3, stride: 3}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for step, axes in report.axes:
            spread = [(each, each.map) for each in axes if isinstance(each.map, Spread)]
            empty = [(*each, count) for each in spread if (count := _unwritten(each[1], each[0].n))]
            if empty:
                gaps = [along for _, along, _ in empty if not min(along.overlap)]
                yield cls.at(
                    step,
                    f"{step.type} leaves output cells unwritten",
                    label=grouped((each.name, _said(along, each.n, count)) for each, along, count in empty),
                    help=_full(gaps[0]) if gaps else "use a larger kernel, or less `output_padding`",
                    key="kernel_size" if gaps else "output_padding",
                )


def _unwritten(spread: Spread, n: int) -> int:
    length = spread.length(n)
    return length - spread.forward.reads(all_cells(n), length).bit_count()


def _said(spread: Spread, n: int, unwritten: int) -> str:
    verb = "is" if unwritten == 1 else "are"
    said = f"{share(unwritten, spread.length(n), 'output cell')} {verb} written by no input"
    if not min(spread.overlap):
        spread_out = f", dilation {spread.dilation}" if spread.dilation > 1 else ""
        return f"{said}: kernel {spread.kernel} at stride {spread.stride}{spread_out}"
    return f"{said}: those that `output_padding` adds lie past the last kernel"


def _full(spread: Spread) -> str:
    if math.gcd(spread.dilation, spread.stride) > 1:
        return "use a dilation that has no divisor in common with the stride"
    return f"use `kernel_size: {spread.stride}` or a multiple of it"
