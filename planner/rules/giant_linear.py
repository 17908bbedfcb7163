from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic, Severity
from planner.rules._rule import Rule

if TYPE_CHECKING:
    from planner.report import Report


MILLION = 1_000_000


class GiantLinear(Rule):
    """A dense layer on a flattened feature map that holds more than half of all parameters, and more than a million.

    VGG-16's first dense layer has 102,764,544 of its 138,357,544 parameters.

    Why it matters: memory and overfitting; and the layer ties the network to one input size.

    When to ignore it: when the design is meant so, as in AlexNet and VGG.

    How to fix it: global pooling before the flatten (`{type: AdaptiveAvgPool2d, output_size: 1}`), as networks since
    GoogLeNet do.
    """

    code = "NSP401"
    severity = Severity.INFO
    bad = """
        input: [64, 64, 64]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, padding: 1}
          - {type: Flatten}
          - {type: Linear, out_features: 100}  # NSP401
        """
    good = """
        input: [64, 64, 64]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, padding: 1}
          - {type: AdaptiveAvgPool2d, output_size: 1}
          - {type: Flatten}
          - {type: Linear, out_features: 100}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        total, steps = report.cost.params, report.plan.steps
        for step in steps:
            if not step.inputs or not step.params or step.inputs[0].spatial:
                continue
            if total is None or step.params <= MILLION or step.params * 2 <= total:
                continue
            source = steps[step.sources[0].step]
            while source.inputs and len(source.inputs) == 1 and not source.params and not source.inputs[0].spatial:
                source = steps[source.sources[0].step]
            if source.inputs and source.inputs[0].spatial and source.inputs[0].channels < source.outputs[0].channels:
                rank = len(source.inputs[0].spatial)
                pool = f"{{type: AdaptiveAvgPool{rank}d, output_size: 1}}" if rank <= 3 else "global pooling"
                yield cls.at(
                    step,
                    f"{step.type} holds {step.params * 100 // total} % of all parameters",
                    label=f"{step.params:,} of {total:,}; {source.inputs[0]} is flattened into {step.inputs[0]}",
                    help=f"put {pool} before the flatten, or use fewer features behind it",
                )
