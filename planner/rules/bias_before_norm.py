from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic, Severity, puts
from planner.rules._rule import Rule
from planner.words import counted

if TYPE_CHECKING:
    from planner.report import Report


class BiasBeforeNorm(Rule):
    """A layer has a bias, and its only reader is a batch normalization: the normalization subtracts the mean, and the
    bias with it.

    Why it matters: the bias is trained, stored and loaded to no effect; its gradient is zero.

    When to ignore it: when published weights have it, as VGG with batch norm does.

    How to fix it: `bias: false`.
    """

    code = "NSP402"
    severity = Severity.INFO
    bad = """
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3}  # NSP402
          - {type: BatchNorm2d}
        """
    fixed = """
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, bias: false}
          - {type: BatchNorm2d}
        """
    good = fixed

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        plan = report.plan
        for i, step in enumerate(plan.steps):
            bias = step.weights.get("bias")
            if bias is None or not step.macs or i in plan.returned or len(plan.readers(i)) != 1:
                continue
            reader = plan.steps[plan.readers(i)[0].step]
            if reader.layer is not None and reader.layer.batch_statistics:
                yield cls.at(
                    step,
                    f"the bias of {step.type} is undone by the {reader.type} behind it",
                    label=f"{counted(bias[0], 'parameter')} without effect",
                    help="use `bias: false`",
                    key="bias",
                    mends=puts("bias", False),
                )
