from __future__ import annotations

from planner.diagnostics import Severity
from planner.rules._aims import OfTargets


class HinderedByTarget(OfTargets):
    """A layer that a target runs in a roundabout way, or of which its vendor does not say that it runs.

    Why it matters: the model is slower there than its multiply-adds promise, or fails with another version.

    When to ignore it: when the layer is small, or was tried on the target.

    How to fix it: use what the finding names in place of the layer.
    """

    code = "NSP451"
    severity = Severity.WARNING
    finds = "hindered"
    does = "hinders"
    bad = """
        target: tensorrt
        input: [64, 8]
        layers:
          - {type: MaxPool1d, kernel_size: 2}  # NSP451
        """
    good = """
        target: tensorrt
        input: [64, 1, 8]
        layers:
          - {type: MaxPool2d, kernel_size: [2, 1]}
        """
