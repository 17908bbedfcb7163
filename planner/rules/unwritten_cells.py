from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.geometry import Spread, all_cells
from planner.layers._layer import axis_name
from planner.rules._rule import Rule
from planner.words import grouped

if TYPE_CHECKING:
    from planner.report import Report


class UnwrittenCells(Rule):
    """A transposed convolution whose kernel is smaller than its stride: some output cells are written by no input and
    hold the bias alone.

    Why it matters: the output is a grid of values in between constants.

    When to ignore it: when a later layer is meant to fill the gaps.

    How to fix it: a kernel at least as large as the stride; a multiple of it also overlaps evenly.
    """

    code = "NSP331"
    bad = """
        input: [16, 16, 32]
        layers:
          - {type: ConvTranspose2d, out_channels: 16, kernel_size: 2, stride: 3}  # NSP331
        """
    good = """
        input: [16, 16, 32]
        layers:
          - {type: ConvTranspose2d, out_channels: 16, kernel_size: 3, stride: 3}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for step in report.plan.steps:
            said, stride = [], 1
            for links in step.links:
                for link, x in zip(links, step.inputs, strict=True):
                    for axis, (along, n) in enumerate(zip(link.axes, x.spatial, strict=True)):
                        if isinstance(along, Spread) and not min(along.overlap):
                            length, stride = along.length(n), along.stride
                            empty = length - along.forward.reads(all_cells(n), length).bit_count()
                            said.append(
                                (
                                    axis_name(axis, len(x.spatial)),
                                    f"{empty:,} of {length:,} output cells are written by no input",
                                )
                            )
            if said:
                yield cls.at(
                    step,
                    f"{step.type} leaves output cells unwritten",
                    label=grouped(said),
                    help=f"use `kernel_size: {stride}` or a multiple of it",
                    key="kernel_size",
                )
