from planner.diagnostics import Fault


class RepeatedDim(Fault):
    """The same axis is listed twice. A negative number counts the axes from the end.

    Why it matters: PyTorch refuses the layer at the first forward pass.

    When to ignore it: never.

    How to fix it: list each axis once.
    """

    code = "NSP220"
    bad = """
        input: [7, 7, 512]
        layers:
          - {type: Mean, dim: [3, -1]}  # NSP220
        """
    good = """
        input: [7, 7, 512]
        layers:
          - {type: Mean, dim: [2, 3]}
        """

    def __init__(self, dim: int, first: int, name: str = "dim") -> None:
        super().__init__(
            f"dim {dim} appears multiple times in the list of dims",
            label=f"{first} and {dim} are the same axis" if first != dim else f"{dim} stands in it twice",
            help="list each axis once",
            key=name,
        )
