from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic, Severity
from planner.rules._rule import Rule
from planner.words import counted

if TYPE_CHECKING:
    from planner.report import Report


class BiasBeforeNorm(Rule):
    """A layer with a bias, whose only reader is a batch normalization: the normalization subtracts the mean, and the
    bias with it.

    Why it matters: the bias is trained, stored and loaded to no effect; its gradient is zero.

    When to ignore it: when published weights have it, as VGG with batch norm does.

    How to fix it: `bias: false`.
    """

    code = "NSP402"
    severity = Severity.INFO
    mended_by = ("no_bias",)
    bad = """
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3}  # NSP402
          - {type: BatchNorm2d}
        """
    good = """
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, bias: false}
          - {type: BatchNorm2d}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        steps = report.plan.steps
        readers: dict[int, list[int]] = {}
        for i, step in enumerate(steps):
            for ref in step.sources:
                readers.setdefault(ref.step, []).append(i)
        returned = {ref.step for ref in report.plan.outputs}
        for i, step in enumerate(steps):
            bias = step.weights.get("bias")
            if bias is None or not step.macs or i in returned or len(readers.get(i, ())) != 1:
                continue
            reader = steps[readers[i][0]]
            if reader.layer is not None and reader.layer.batch_statistics:
                yield cls.at(
                    step,
                    f"the bias of {step.type} is undone by the {reader.type} behind it",
                    label=f"{counted(bias[0], 'parameter')} without effect",
                    help="use `bias: false`",
                    key="bias",
                )
