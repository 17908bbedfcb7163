from collections.abc import Iterable

from planner.diagnostics import Edit, Fault, nearest


class UnknownTarget(Fault):
    """`target` names something that the planner has no rules for, or lacks its number.

    Why it matters: nothing would be judged, and the model would seem to run there.

    When to ignore it: never.

    How to fix it: the message lists the targets; `onnx-opset=17` is one with a number.
    """

    code = "NSP122"
    slip = "word"
    bad = """
        target: edge-tpu  # NSP122
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 3}
        """
    fixed = """
        target: edgetpu
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 3}
        """
    good = fixed

    def __init__(self, name: str, known: Iterable[str], why: str = "") -> None:
        """`why` is what is wrong with a target that there is."""
        known = list(known)
        near = [each for each in nearest(name, known) if not why and "=" not in each]
        super().__init__(
            f"there is no target `{name}`",
            label=why or "nothing is known of it",
            help=f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(known)}",
            key=(),
            mends=[(Edit((), near[0]),)] if near else (),
        )
