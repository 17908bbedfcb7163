from planner.diagnostics import Fault


class TooManySteps(Fault):
    """The model file unfolds into more than 250,000 steps.

    Why it matters: no such network is trained; a `repeat` has too many digits, or blocks multiply one another.

    When to ignore it: never.

    How to fix it: look at the `repeat` of the line shown and of the blocks that it stands in.
    """

    code = "NSP117"
    bad = """
        input: [32, 32, 3]
        layers:
          - {type: ReLU, repeat: 1000000000}  # NSP117
        """
    good = """
        input: [32, 32, 3]
        layers:
          - {type: ReLU, repeat: 10}
        """

    def __init__(self, copies: int, most: int) -> None:
        super().__init__(
            f"the model unfolds into more than {most:,} steps",
            label=f"{copies:,} copies" if copies > 1 else "one more than that",
            help="use a smaller `repeat`",
            key="repeat",
        )
