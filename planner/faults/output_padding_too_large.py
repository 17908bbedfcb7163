from planner.diagnostics import Fault, puts


class OutputPaddingTooLarge(Fault):
    """The `output_padding` of a transposed convolution is smaller neither than its stride nor than its dilation. It
    chooses among the sizes that the forward convolution brings to one and the same size; there are only as many of them
    as the stride (or the dilation).

    Why it matters: PyTorch refuses the layer on the CPU and on CUDA.

    When to ignore it: never.

    How to fix it: a smaller `output_padding`; to enlarge further, use a pad after the layer.
    """

    code = "NSP304"
    bad = """
        input: [16, 16, 8]
        layers:
          - {type: ConvTranspose2d, out_channels: 4, kernel_size: 4, stride: 2, padding: 1, output_padding: 2}  # NSP304
        """
    fixed = """
        input: [16, 16, 8]
        layers:
          - {type: ConvTranspose2d, out_channels: 4, kernel_size: 4, stride: 2, padding: 1, output_padding: 1}
        """
    good = fixed

    def __init__(self, output_padding: int, stride: int, dilation: int) -> None:
        most = max(stride, dilation) - 1
        super().__init__(
            "output padding must be smaller than either stride or dilation",
            label=f"{output_padding}, with stride {stride} and dilation {dilation}",
            help=f"use `output_padding: {most}` or less" if most else "leave `output_padding` out",
            key="output_padding",
            mends=puts("output_padding", most),
        )
