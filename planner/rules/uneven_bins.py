from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic, Severity
from planner.geometry import Bins
from planner.layers._layer import axis_name
from planner.rules._rule import Rule
from planner.words import grouped

if TYPE_CHECKING:
    from planner.report import Report


class UnevenBins(Rule):
    """Adaptive pooling to a size that does not divide the input: its bins differ in size, or overlap.

    Bin i of m covers the cells floor(i·n/m) up to ceil((i+1)·n/m). On 10 cells, 4 bins are 3 cells wide and overlap.

    Why it matters: cells count with different weights, and the ONNX export of such a layer fails, after the training.

    When to ignore it: when the network is not exported, and the pooling is coarse anyway.

    How to fix it: an input size whose features the output size divides, or a fixed kernel and stride.
    """

    code = "NSP335"
    severity = Severity.INFO
    bad = """
        input: [10, 10, 8]
        layers:
          - {type: AdaptiveAvgPool2d, output_size: 4}  # NSP335
        """
    good = """
        input: [12, 12, 8]
        layers:
          - {type: AdaptiveAvgPool2d, output_size: 4}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for step in report.plan.steps:
            said = []
            for links in step.links:
                for link, x in zip(links, step.inputs, strict=True):
                    for axis, (along, n) in enumerate(zip(link.axes, x.spatial, strict=True)):
                        if isinstance(along, Bins) and n % along.bins:
                            bounds = [along.bounds(i, n) for i in range(min(along.bins, 1000))]
                            sizes = sorted({stop - start for start, stop in bounds})
                            wide = " or ".join(map(str, sizes))
                            overlap = ", and overlap" if any(b[0] < a[1] for a, b in pairwise(bounds)) else ""
                            text = f"{along.bins} bins on {n} cells are {wide} cells wide{overlap}"
                            said.append((axis_name(axis, len(x.spatial)), text))
            if said:
                yield cls.at(
                    step,
                    f"the bins of {step.type} are uneven",
                    label=grouped(said),
                    help="use an output size that divides the input, as ONNX export demands",
                    key="output_size",
                )
