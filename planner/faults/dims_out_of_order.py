from planner.diagnostics import SOURCE, Edit, Fault
from planner.geometry import Shape


class DimsOutOfOrder(Fault):
    """The `start_dim` of a `Flatten` comes after its `end_dim`: the layer joins the axes from the first to the second.
    A negative number counts from the end.

    Why it matters: PyTorch refuses the layer at the first forward pass.

    When to ignore it: never.

    How to fix it: swap the two, or leave them out to flatten all axes.
    """

    code = "NSP224"
    bad = """
        input: [14, 14, 768]
        layers:
          - {type: Flatten, start_dim: 3, end_dim: 2}  # NSP224
        """
    fixed = """
        input: [14, 14, 768]
        layers:
          - {type: Flatten, start_dim: 2, end_dim: 3}
        """
    good = fixed

    def __init__(self, start: int, end: int, shape: Shape) -> None:
        super().__init__(
            "start_dim cannot come after end_dim",
            label=f"from {start} to {end} on {shape} from {SOURCE}",
            help=f"swap the two: `start_dim: {end}`, `end_dim: {start}`",
            key="start_dim",
            mends=[(Edit(("start_dim",), end), Edit(("end_dim",), start))],
        )
