from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic, Severity
from planner.rules._rule import Rule
from planner.rules.unmixed_groups import finding, harmless

if TYPE_CHECKING:
    from planner.report import Report


class UnmixedDepthwise(Rule):
    """Depthwise convolutions in a row: each channel is filtered twice on its own before a later layer mixes the
    channels.

    Why it matters: rarely; a 3×3 after a 3×3 is a 5×5 with fewer weights, and a 1×3 after a 3×1 is a separable 3×3.

    When to ignore it: nearly always. It is a remark, not a warning.

    How to fix it: a dense 1×1 convolution between them, if channels were meant to mix.
    """

    code = "NSP243"
    severity = Severity.INFO
    bad = """
        input: [28, 28, 48]
        layers:
          - {type: Conv2d, kernel_size: [3, 1], groups: depthwise}
          - {type: Conv2d, kernel_size: [1, 3], groups: depthwise}  # NSP243
          - {type: Conv2d, out_channels: 48, kernel_size: 1}
        """
    good = """
        input: [28, 28, 48]
        layers:
          - {type: Conv2d, kernel_size: 3, groups: depthwise}
          - {type: Conv2d, out_channels: 48, kernel_size: 1}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for kept in report.kept_apart:
            if harmless(report, kept):
                yield finding(cls, report, kept)
