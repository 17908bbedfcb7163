from planner.diagnostics import SOURCE, Fault
from planner.geometry import Shape


class CannotExpand(Fault):
    """An `Expand` gives an axis another size than it has, though it has more than one cell: only a single cell can be
    repeated to a length.

    Why it matters: PyTorch refuses the layer at the first forward pass.

    When to ignore it: never.

    How to fix it: -1 for an axis that keeps its size; `Tile` repeats axes of several cells, `Interpolate` stretches
    them.
    """

    code = "NSP232"
    bad = """
        input: [7, 7, 64]
        layers:
          - {type: Expand, size: [-1, 64, 14, 14]}  # NSP232
        """
    good = """
        input: [7, 7, 64]
        layers:
          - {type: AdaptiveAvgPool2d, output_size: 1}
          - {type: Expand, size: [-1, 64, 14, 14]}
        """

    def __init__(self, size: int, n: int, dim: int, shape: Shape) -> None:
        times = [1] * (len(shape) + 1)
        times[dim] = size // n
        tiled = f"; {{type: Tile, dims: {times}}} repeats all {n}" if size % n == 0 else ""
        super().__init__(
            f"the expanded size of the tensor ({size}) must match the existing size ({n}) at non-singleton "
            f"dimension {dim}",
            label=f"{shape} from {SOURCE}",
            help=f"write -1 or {n} for dimension {dim} to keep it{tiled}",
            key="size",
        )
