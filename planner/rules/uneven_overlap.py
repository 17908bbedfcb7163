from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.geometry import Spread
from planner.layers._layer import axis_name
from planner.rules._rule import Rule
from planner.words import grouped

if TYPE_CHECKING:
    from planner.report import Report


class UnevenOverlap(Rule):
    """A transposed convolution whose stride does not divide its kernel: neighbouring output cells are written by
    different numbers of inputs, in a pattern that repeats with the stride.

    Kernel 3 with stride 2 writes cells 1, 2, 1, 2, … times along an axis, so 1 to 4 times on a plane.

    Why it matters: the pattern shows in images as a checkerboard, and the layers behind have to learn to undo it
    (Odena et al., "Deconvolution and Checkerboard Artifacts", Distill 2016).

    When to ignore it: where the outputs are no images and a later convolution smooths them.

    How to fix it: a kernel that the stride divides (4 for stride 2), or an upsampling followed by a convolution.
    """

    code = "NSP330"
    bad = """
        input: [16, 16, 32]
        layers:
          - {type: ConvTranspose2d, out_channels: 16, kernel_size: 3, stride: 2}  # NSP330
        """
    good = """
        input: [16, 16, 32]
        layers:
          - {type: ConvTranspose2d, out_channels: 16, kernel_size: 4, stride: 2}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for step in report.plan.steps:
            said, stride = [], 1
            for links in step.links:
                for link, x in zip(links, step.inputs, strict=True):
                    for axis, along in enumerate(link.axes):
                        if isinstance(along, Spread) and min(along.overlap) and len(set(along.overlap)) > 1:
                            counts = ", ".join(map(str, along.overlap))
                            stride = along.stride
                            said.append(
                                (
                                    axis_name(axis, len(x.spatial)),
                                    f"cells are written by {counts}, … inputs: {stride} does not divide {along.kernel}",
                                )
                            )
            if said:
                yield cls.at(
                    step,
                    f"{step.type} writes neighbouring cells unevenly",
                    label=grouped(said),
                    help=f"use a kernel that {stride} divides, such as `kernel_size: {2 * stride}`",
                    key="kernel_size",
                )
