from planner.diagnostics import Fault, puts


class PoolPaddingTooWide(Fault):
    """A pool is padded by more than half of its window, so that a window at the edge could lie on padding alone.

    Why it matters: PyTorch refuses the layer at the first forward pass. Half of the window is counted without dilation.

    When to ignore it: never.

    How to fix it: a padding of at most kernel_size // 2, or a pair for each axis, which is put around the input first.
    """

    code = "NSP302"
    bad = """
        input: [32, 32, 8]
        layers:
          - {type: MaxPool2d, kernel_size: 3, stride: 1, padding: 2}  # NSP302
        """
    fixed = """
        input: [32, 32, 8]
        layers:
          - {type: MaxPool2d, kernel_size: 3, stride: 1, padding: 1}
        """
    good = fixed

    def __init__(self, padding: int, kernel_size: int, axis: str) -> None:
        super().__init__(
            "pad should be at most half of effective kernel size",
            label=f"{axis}: padding {padding} with kernel size {kernel_size}",
            help=f"use `padding: {kernel_size // 2}` or less",
            key="padding",
            mends=puts("padding", kernel_size // 2),
        )
