from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.geometry import SameWindow, Window
from planner.layers._layer import axis_name
from planner.rules._rule import Rule
from planner.words import grouped

if TYPE_CHECKING:
    from planner.report import Report


class PaddingOnlyTaps(Rule):
    """Taps of a kernel that fall on padding in every window: their weights are multiplied with zeros only.

    A 3×3 convolution at dilation 36 on 33×33 cells is a 1×1: eight of its nine taps never touch a real cell.

    Why it matters: the weights are never trained, and the layer sees far less than its dilation promises; this is how
    atrous pyramids degenerate on small inputs (Chen et al., "Rethinking Atrous Convolution", arXiv:1706.05587,
    section 3.3).

    When to ignore it: when the network will be used at a larger input only.

    How to fix it: a smaller dilation, a larger input, or a smaller output stride before the layer.
    """

    code = "NSP333"
    bad = """
        input: [33, 33, 64]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, dilation: 36, padding: 36}  # NSP333
        """
    good = """
        input: [33, 33, 64]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, dilation: 12, padding: 12}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for step in report.plan.steps:
            said = []
            for links in step.links:
                for link, x in zip(links, step.inputs, strict=True):
                    for axis, (along, n) in enumerate(zip(link.axes, x.spatial, strict=True)):
                        window = along.at(n) if isinstance(along, SameWindow) else along
                        if isinstance(window, Window) and (window.before or window.after):
                            idle = window.taps(n).count(0)
                            if idle:
                                text = f"{idle} of {window.kernel} taps are always on padding, a reach of {window.reach} on {n}"
                                said.append((axis_name(axis, len(x.spatial)), text))
            if said and step.weights:
                yield cls.at(
                    step,
                    f"taps of {step.type} never touch a real cell",
                    label=grouped(said),
                    help="use a smaller dilation or kernel, or a larger input",
                    key="dilation",
                )
