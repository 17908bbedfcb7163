from planner.diagnostics import Fault


class WindowTooLarge(Fault):
    """A window that spans more than a million cells: a kernel, a dilation, a stride or a padding has too many digits.

    Why it matters: no network has such a window; it is a typing mistake, or a mistake in an expression.

    When to ignore it: never.

    How to fix it: look at the numbers of the layer, and at the parameters that they are worked out from.
    """

    code = "NSP315"
    bad = """
        input: [64, 64, 3]
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 3, dilation: 1000000, padding: 1000000}  # NSP315
        """
    good = """
        input: [64, 64, 3]
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 3, dilation: 10, padding: 10}
        """

    def __init__(self, widest: int, most: int) -> None:
        super().__init__(
            "the window is too large",
            label=f"its extent, stride or padding is {widest:,} cells, of which at most {most:,} are planned",
            help="look for a kernel_size, dilation, stride or padding with too many digits",
        )
