from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic
from planner.rules._rule import Rule

if TYPE_CHECKING:
    from planner.plan import Plan, Step
    from planner.report import Report


class LinearOnMap(Rule):
    """The last layer with weights, such as a `Linear`, works on the last axis of a whole feature map: the model returns
    one vector for every cell of the map, not one for the image.

    Why it matters: most often a `Flatten` or a pooling was forgotten before the head. PyTorch's `Linear` takes the last
    axis of N×C×H×W, which is the width, and fails at the first forward pass, or passes by chance.

    When to ignore it: when a prediction for every cell is what you want; a 1×1 convolution is the usual way to write
    it. Networks that work on the last axis before too, by a `LayerNorm` or a `Linear` between other layers, are not
    reported: transformers, MLP-Mixers, ConvNeXt.

    How to fix it: pool and flatten before the layer: {type: AdaptiveAvgPool2d, output_size: 1} and {type: Flatten}.
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
            if head is None or not _on_map(report.plan.steps[head]):
                continue
            step = report.plan.steps[head]
            x = step.inputs[0]
            if step.macs and not _works_on_tokens(report.plan, head):
                yield cls.at(
                    step,
                    f"{step.type} at the end works on every cell of a map",
                    label=f"{x} becomes {step.outputs[0]}: {x.elements // x.channels:,} vectors, not one",
                    help=f"pool and flatten before it: {{type: AdaptiveAvgPool{len(x.spatial)}d, output_size: 1}}, "
                    "{type: Flatten}",
                )


def _last_with_weights(plan: Plan, at: int) -> int | None:
    """The last step with weights on the way to an output, looking back through steps that leave sizes as they are."""
    while True:
        step = plan.steps[at]
        if step.weights or len(step.sources) != 1 or step.outputs != step.inputs:
            return at if step.weights else None
        at = step.sources[0].step


def _on_map(step: Step) -> bool:
    """Whether a step has weights for the last axis and takes it from every cell of a map."""
    if step.layer is None or step.layer.layout != "last" or not step.weights or not step.inputs:
        return False
    x = step.inputs[0]
    return len(x.spatial) > 1 and x.elements > x.channels


def _works_on_tokens(plan: Plan, head: int) -> bool:
    """Whether layers on the last axis stand in the network too, before the row of them at its end: a LayerNorm or a
    Linear between other layers, as in transformers and MLP-Mixers.
    """
    at, step = head, plan.steps[head]
    while len(step.sources) == 1 and (
        (_on_map(step) and step.macs) or (not step.weights and step.outputs == step.inputs)
    ):
        at = step.sources[0].step
        step = plan.steps[at]
    seen, waiting = {at}, [at]
    while waiting:
        step = plan.steps[waiting.pop()]
        if _on_map(step):
            return True
        behind = {ref.step for ref in step.sources} - seen
        seen |= behind
        waiting += behind
    return False
