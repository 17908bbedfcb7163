from planner.diagnostics import Fault, Path


class SourceBelow(Fault):
    """`from` names a layer that comes later in the list. A layer reads only what stands above it, so the list is an
    order of execution, and a cycle cannot be written.

    Why it matters: if the later layer depends on this one in turn, the two form a cycle, which no forward pass can run.

    When to ignore it: never.

    How to fix it: move the named layer above the one that reads it; if the two form a cycle, unroll it with `repeat`.
    """

    code = "NSP203"
    bad = """
        input: [32, 32, 8]
        layers:
          - {name: a, type: Add, from: [input, b]}  # NSP203
          - {name: b, type: ReLU}
        """
    good = """
        input: [32, 32, 8]
        layers:
          - {name: b, type: ReLU}
          - {name: a, type: Add, from: [input, b]}
        """

    def __init__(self, name: str, cycle: list[str], line: int | None, key: Path) -> None:
        """`cycle` lists the names around the cycle, from this layer to itself; empty where there is none."""
        where = f" on line {line}" if line is not None else ""
        if cycle:
            super().__init__(
                "the layers form a cycle",
                label=" → ".join(f"`{each}`" for each in cycle),
                help="a forward pass has a beginning and an end: unroll the loop with `repeat`",
                key=key,
            )
        else:
            super().__init__(
                f"`{name}` comes later than the layer that reads it",
                label=f"`{name}` stands below{where}",
                help=f"move `{name}` above this layer",
                key=key,
            )
