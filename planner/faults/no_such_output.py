from planner.diagnostics import Edit, Fault, Path


class NoSuchOutput(Fault):
    """A layer with several outputs was named without saying which one, or with a number that it does not have.

    Why it matters: `Split` and `Chunk` give several tensors, and each must find its reader.

    When to ignore it: never.

    How to fix it: write `name.0`, `name.1`, …
    """

    code = "NSP208"
    bad = """
        input: [32, 32, 8]
        layers:
          - {name: halves, type: Chunk, chunks: 2}
          - {type: Add, from: [halves.0, halves.2]}  # NSP208
        """
    good = """
        input: [32, 32, 8]
        layers:
          - {name: halves, type: Chunk, chunks: 2}
          - {type: Add, from: [halves.0, halves.1]}
        """

    def __init__(self, name: str, output: int | None, count: int, key: Path) -> None:
        listed = ", ".join(f"`{name}.{i}`" for i in range(min(count, 4))) + (", …" if count > 4 else "")
        first = f"{name}.0" if count > 1 else name
        if first.replace(".", "", 1).isdecimal():
            first = f'"{first}"'  # else YAML reads a number
        super().__init__(
            f"`{name}` has {count} outputs: say which one" if output is None else f"`{name}` has no output {output}",
            label=f"its outputs are {listed}" if count > 1 else f"`{name}` has one output",
            help=f"write `from: {first}`",
            key=key,
            mends=[(Edit((), f"{name}.0" if count > 1 else name),)],
        )
