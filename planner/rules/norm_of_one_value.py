from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.rules._rule import Rule

if TYPE_CHECKING:
    from planner.report import Report


class NormOfOneValue(Rule):
    """Layer or group normalization of a single value: subtracting the mean leaves 0, whatever the value was.

    Why it matters: the layer gives its bias for every input, so that nothing before it can be trained through it.
    PyTorch's `GroupNorm` raises "Expected more than 1 value per channel when training" for a batch of one sample, in
    evaluation too.

    When to ignore it: never.

    How to fix it: give `GroupNorm` fewer groups than channels, put the normalization before the pooling, or leave it
    out.
    """

    code = "NSP405"
    bad = """
        input: [32, 32, 8]
        layers:
          - {type: AdaptiveAvgPool2d, output_size: 1}
          - {type: GroupNorm, num_groups: 8}  # NSP405
        """
    good = """
        input: [32, 32, 8]
        layers:
          - {type: AdaptiveAvgPool2d, output_size: 1}
          - {type: GroupNorm, num_groups: 4}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for step in report.plan.layers:
            if step.facts is None or step.layer is None or step.layer.centred(*step.inputs) != 1:
                continue
            x = step.inputs[0]
            fewer = next((n for n in range(x.channels // 2, 0, -1) if x.channels % n == 0), None)
            groups = fewer is not None and "num_groups" in type(step.layer).model_fields
            yield cls.at(
                step,
                f"{step.type} subtracts the mean from single values, which leaves 0",
                label=f"{x} in {x.elements:,} parts of one value: its output is the same for every input",
                help=(f"`num_groups: {fewer}`, " if groups else "")
                + "put the normalization before the pooling, or leave it out",
            )
