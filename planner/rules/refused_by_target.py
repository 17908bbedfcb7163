from __future__ import annotations

from planner.diagnostics import Severity
from planner.rules._aims import OfTargets


class RefusedByTarget(OfTargets):
    """A layer that a target cannot run, or that cannot be brought there.

    Targets stand in the file, `target: [edgetpu, onnx-opset=17]`, or come with the command: `--target edgetpu`. Each
    has a page, `planner explain edgetpu`, with its rules and the vendor's page that each comes from.

    Why it matters: the export fails after the training, or the layer and what follows it run on a slower processor.

    When to ignore it: when the toolchain has learnt it since, or the layer is meant to run elsewhere.

    How to fix it: use what the finding names in place of the layer.
    """

    code = "NSP450"
    severity = Severity.ERROR
    finds = "refused"
    does = "refuses"
    bad = """
        target: edgetpu
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 16, kernel_size: 3, padding: 1}
          - {type: GroupNorm, num_groups: 4}  # NSP450
        """
    good = """
        target: edgetpu
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 16, kernel_size: 3, padding: 1, bias: false}
          - {type: BatchNorm2d}
        """
