from __future__ import annotations

from planner.diagnostics import Severity
from planner.rules._aims import OfTargets


class SplitByTarget(OfTargets):
    """A layer that becomes several operators, because the version of ONNX that is aimed at has none for it.

    Why it matters: what reads the file has to find the layer in the pieces again to run it in one.

    When to ignore it: when the runtime is known to put the pieces together, or the layer is a small part of the work.

    How to fix it: aim at a later version of the operators, if the runtime takes it.
    """

    code = "NSP453"
    severity = Severity.INFO
    finds = "split"
    does = "takes several operators for"
    bad = """
        target: onnx-opset=17
        input: [32, 64]
        layers:
          - {type: Linear, out_features: 64}
          - {type: GELU}  # NSP453
        """
    good = """
        target: onnx-opset=20
        input: [32, 64]
        layers:
          - {type: Linear, out_features: 64}
          - {type: GELU}
        """
