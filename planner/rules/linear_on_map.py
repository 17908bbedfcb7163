from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.rules._rule import Rule

if TYPE_CHECKING:
    from planner.plan import Plan, Step
    from planner.report import Report


class LinearOnMap(Rule):
    """A model that ends in a layer on the last axis, such as `Linear`, which still has a whole feature map before it:
    the model returns one vector for every cell of the map, not one for the image.

    Why it matters: most often a `Flatten` or a pooling was forgotten before the head. PyTorch's `Linear` takes the last
    axis of N×C×H×W, which is the width, and fails at the first forward pass, or passes by chance.

    When to ignore it: when a prediction for every cell is what you want; a 1×1 convolution is the usual way to write
    it.

    How to fix it: pool and flatten before it: {type: AdaptiveAvgPool2d, output_size: 1} and {type: Flatten}.
    """

    code = "NSP245"
    bad = """
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, padding: 1}
          - {type: Linear, out_features: 10}  # NSP245
        """
    good = """
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, padding: 1}
          - {type: AdaptiveAvgPool2d, output_size: 1}
          - {type: Flatten}
          - {type: Linear, out_features: 10}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        for ref in report.plan.outputs:
            head = _last_with_weights(report.plan, ref.step)
            if head is None or head.layer is None or head.layer.layout != "last" or not head.macs:
                continue
            x = head.inputs[0]
            if len(x.spatial) > 1 and x.elements > x.channels:
                yield cls.at(
                    head,
                    f"{head.type} at the end works on every cell of a map",
                    label=f"{x} becomes {head.outputs[0]}: {x.elements // x.channels:,} vectors, not one",
                    help=f"pool and flatten before it: {{type: AdaptiveAvgPool{len(x.spatial)}d, output_size: 1}}, "
                    "{type: Flatten}",
                )


def _last_with_weights(plan: Plan, at: int) -> Step | None:
    """The last step with weights on the way to an output, looking back through steps that leave sizes as they are."""
    while True:
        step = plan.steps[at]
        if step.weights or len(step.sources) != 1 or step.outputs != step.inputs:
            return step if step.weights else None
        at = step.sources[0].step
