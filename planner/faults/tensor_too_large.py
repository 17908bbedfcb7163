from planner.diagnostics import Fault
from planner.geometry import Shape


class TensorTooLarge(Fault):
    """A tensor would have more than 2^63 − 1 elements, which is more than PyTorch can count.

    Why it matters: such a size is a typing mistake, or a mistake in an expression.

    When to ignore it: never.

    How to fix it: look for a size or a number of channels with too many digits.
    """

    code = "NSP210"
    bad = """
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 9000000000000000000, kernel_size: 1}  # NSP210
        """
    good = """
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 90, kernel_size: 1}
        """

    def __init__(self, shape: Shape) -> None:
        super().__init__(
            "the tensor is too large",
            label=f"{shape} is more than the 2^63 − 1 elements that PyTorch can count",
            help="look for a size with too many digits",
        )
