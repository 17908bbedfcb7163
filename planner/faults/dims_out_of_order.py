from planner.diagnostics import SOURCE, Edit, Fault
from planner.geometry import Shape


class DimsOutOfOrder(Fault):
    """`Flatten` joins the axes from start_dim to end_dim, so the first cannot come after the second. A negative
    number counts from the end.

    Why it matters: PyTorch refuses it at the first forward pass.

    When to ignore it: never.

    How to fix it: exchange the two, or leave them out to flatten all.
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
            help=f"exchange them: `start_dim: {end}`, `end_dim: {start}`",
            key="start_dim",
            mends=[(Edit(("start_dim",), end), Edit(("end_dim",), start))],
        )
