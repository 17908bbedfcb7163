from planner.diagnostics import Fault


class TooManyOutputs(Fault):
    """A `Split` or `Chunk` makes more parts than the planner follows.

    Why it matters: each part is a tensor of its own, with its place in the table; so many are a mistake.

    When to ignore it: never.

    How to fix it: fewer and larger parts. To work on every cell in the same way, no split is needed.
    """

    code = "NSP223"
    bad = """
        input: [1000000]
        layers:
          - {name: parts, type: Split, split_size: 1}  # NSP223
          - {type: Concat, from: [parts.1, parts.0]}
        """
    good = """
        input: [1000000]
        layers:
          - {name: parts, type: Split, split_size: 500000}
          - {type: Concat, from: [parts.1, parts.0]}
        """

    def __init__(self, layer: str, count: int, most: int) -> None:
        super().__init__(
            f"{layer} has too many outputs",
            label=f"{count:,} parts, of which at most {most:,} are planned",
            help="use fewer and larger parts",
            key="split_size" if layer == "Split" else "chunks",
        )
