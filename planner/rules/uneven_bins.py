from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic, Severity
from planner.geometry import Bins
from planner.rules._rule import Rule
from planner.words import counted, grouped

if TYPE_CHECKING:
    from planner.report import Report

LOOKED_AT = 1000
"""The most bins that are looked at."""


class UnevenBins(Rule):
    """Adaptive pooling to a size that does not divide its input: the bins differ in size, or overlap.

    Bin i of m covers the cells floor(i·n/m) up to ceil((i+1)·n/m). On 10 cells, 4 bins are 3 cells wide and overlap.

    Why it matters: cells count with different weights; and an export to ONNX may refuse the layer, after the training
    (pytorch/pytorch#42653, #64806, #109370).

    When to ignore it: when the network is not exported, and the pooling is coarse anyway.

    How to fix it: an input size whose features the output size divides, or a fixed kernel and stride.
    """

    code = "NSP335"
    severity = Severity.INFO
    mended_by = ("even_bins", "input_size")
    bad = """
        input: [10, 10, 8]
        layers:
          - {type: AdaptiveAvgPool2d, output_size: 4}  # NSP335
        """
    fixed = """
        input: [10, 10, 8]
        layers:
          - {type: AdaptiveAvgPool2d, output_size: 5}
        """
    good = """
        input: [12, 12, 8]
        layers:
          - {type: AdaptiveAvgPool2d, output_size: 4}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for step, axes in report.axes:
            uneven = [(each, each.map) for each in axes if isinstance(each.map, Bins) and each.n % each.map.bins]
            if uneven:
                yield cls.at(
                    step,
                    f"the bins of {step.type} are uneven",
                    label=grouped((each.name, _bins(bins, each.n)) for each, bins in uneven),
                    help="use an output size that divides the input",
                    key="output_size",
                )


def _bins(bins: Bins, n: int) -> str:
    """`4 bins on 10 cells are 3 cells wide, and overlap`; bins repeat after `bins // gcd` of them."""
    bounds = [bins.bounds(i, n) for i in range(min(bins.bins // math.gcd(bins.bins, n), LOOKED_AT) + 1)]
    bounds = [each for each in bounds if each[0] < n]
    sizes = sorted({stop - start for start, stop in bounds})
    overlap = ", and overlap" if any(after[0] < before[1] for before, after in pairwise(bounds)) else ""
    width = f"{' or '.join(map(str, sizes))} {'cell' if sizes == [1] else 'cells'}"
    return f"{counted(bins.bins, 'bin')} on {counted(n, 'cell')} are {width} wide{overlap}"
