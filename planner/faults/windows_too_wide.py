from planner.diagnostics import SOURCE, Fault, puts


class WindowsTooWide(Fault):
    """The windows of a fractional max pooling are too wide for its input: `output_size` windows are laid over the
    input, each beginning at a cell of its own, and there must be room for that many.

    Why it matters: PyTorch refuses the layer at the first forward pass ("pool height too large relative to input
    height").

    When to ignore it: never.

    How to fix it: a smaller kernel or a smaller output size. `FractionalMaxPool3d` needs one cell more than
    `FractionalMaxPool2d`.
    """

    code = "NSP313"
    bad = """
        input: [9, 9, 8]
        layers:
          - {type: FractionalMaxPool2d, kernel_size: 3, output_size: 8}  # NSP313
        """
    fixed = """
        input: [9, 9, 8]
        layers:
          - {type: FractionalMaxPool2d, kernel_size: 2, output_size: 8}
        """
    good = """
        input: [9, 9, 8]
        layers:
          - {type: FractionalMaxPool2d, kernel_size: 3, output_size: 7}
        """

    def __init__(self, axis: str, n: int, windows: int, kernel: int, spare: int) -> None:
        """`spare` cells must be left over when the windows lie side by side, each one cell after the other."""
        most, fitting = n - windows + 1 - spare, n - kernel + 1 - spare
        super().__init__(
            f"pool {axis} too large relative to input {axis}",
            label=f"{windows} windows of {kernel} need {windows + kernel - 1 + spare} cells, {n} from {SOURCE}",
            help=f"use `kernel_size: {most}`" if most > 0 else f"use an output size of at most {fitting}",
            key="kernel_size",
            mends=puts("kernel_size", most) if most > 0 else (),
        )
