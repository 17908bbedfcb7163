from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.rules._rule import Rule

if TYPE_CHECKING:
    from planner.report import Report


class OneValuePerChannelInTraining(Rule):
    """Batch normalization of a single cell per channel: a batch of one sample then has one value per channel, and no
    variance.

    Why it matters: PyTorch raises "Expected more than 1 value per channel when training"; often only at the last,
    smaller batch of an epoch. With small batches the statistics are poor.

    When to ignore it: when every batch has many samples (`drop_last=True`).

    How to fix it: put the normalization before the pooling, leave it out, or use `GroupNorm`.
    """

    code = "NSP403"
    mended_by = ("group_norm",)
    bad = """
        input: [32, 32, 8]
        layers:
          - {type: AdaptiveAvgPool2d, output_size: 1}
          - {type: Conv2d, out_channels: 8, kernel_size: 1, bias: false}
          - {type: BatchNorm2d}  # NSP403
        """
    fixed = """
        input: [32, 32, 8]
        layers:
          - {type: AdaptiveAvgPool2d, output_size: 1}
          - {type: Conv2d, out_channels: 8, kernel_size: 1, bias: false}
          - {type: GroupNorm, num_groups: 1}
        """
    good = """
        input: [32, 32, 8]
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 1, bias: false}
          - {type: BatchNorm2d}
          - {type: AdaptiveAvgPool2d, output_size: 1}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for step in report.plan.steps:
            if step.facts is None or step.layer is None or not step.layer.batch_statistics:
                continue
            x = step.inputs[0]
            if x.spatial and x.elements == x.channels:
                yield cls.at(
                    step,
                    f"{step.type} will see one value per channel and sample",
                    label=f"{x} has a single cell: a batch of one sample fails in training",
                    help="use batches of two or more (`drop_last=True`), or {type: GroupNorm, num_groups: 1}",
                )
