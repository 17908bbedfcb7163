from planner.diagnostics import SOURCE, Fault


class WindowDoesNotFit(Fault):
    """No window fits on the input of a layer: the window is larger than the padded input, or more is cropped than there
    is.

    Why it matters: PyTorch refuses the layer ("Kernel size can't be greater than actual input size", "Output size is
    too small"). The usual cause is an input too small for the number of strides before.

    When to ignore it: never.

    How to fix it: a larger input, fewer strides before, more padding or a smaller kernel.
    """

    code = "NSP301"
    mended_by = ("padding", "kernel_size", "input_size")
    bad = """
        input: [5, 5, 3]
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 7}  # NSP301
        """
    fixed = """
        input: [5, 5, 3]
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 5}
        """
    good = fixed

    def __init__(self, axis: str, numbers: str) -> None:
        super().__init__(
            "kernel size can't be greater than actual input size" if "spans" in numbers else "output size is too small",
            label=f"{axis}: {numbers} from {SOURCE}",
            help="use a larger input, fewer strides before it, more padding or a smaller kernel",
        )
