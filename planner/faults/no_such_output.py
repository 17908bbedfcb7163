from collections.abc import Sequence

from planner.diagnostics import Edit, Fault, Path


class NoSuchOutput(Fault):
    """A layer or a block with several outputs is named without saying which output is meant, or with a number or a name
    that none of its outputs has.

    Why it matters: `Split` and `Chunk` give several tensors, and a reader takes one of them.

    When to ignore it: never.

    How to fix it: write `name.0`, `name.1`, … The outputs of a block have their numbers in the order of its `outputs:`,
    and the copies of a repeated layer are `name.0`, `name.1`, … too.
    """

    code = "NSP208"
    bad = """
        input: [32, 32, 8]
        layers:
          - {name: halves, type: Chunk, chunks: 2}
          - {type: Add, from: [halves.0, halves.2]}  # NSP208
        """
    fixed = """
        input: [32, 32, 8]
        layers:
          - {name: halves, type: Chunk, chunks: 2}
          - {type: Add, from: [halves.0, halves.1]}
        """
    good = fixed

    def __init__(
        self,
        name: str,
        output: int | str | None,
        count: int,
        key: Path,
        names: Sequence[str] = (),
        *,
        copies: int | None = None,
        wanted: int = 1,
    ) -> None:
        """`output` is what was asked of the `count` outputs of `name`; None where it was not said.

        names   what the outputs are called in the block that gives them
        copies  how many copies the layer has, where it is repeated
        wanted  how many tensors the reader takes
        """
        counted = f"{count} output{'' if count == 1 else 's'}"
        called = [f"`{name}.{i}`" + (f" (`{names[i]}`)" if i < len(names) else "") for i in range(min(count, 4))]
        listed = ", ".join(called) + (", …" if count > 4 else "")
        meant = str(output) in names and isinstance(output, str)
        number = list(names).index(str(output)) if meant else count - 1 if isinstance(output, int) else 0
        first = f"{name}.{number}" if count > 1 else name
        if copies is not None:
            first = f"{name}.{copies - 1}"
        shown = f'"{first}"' if first.replace(".", "", 1).isdecimal() else first  # else YAML reads a number
        if output is None:
            message, label = f"`{name}` has {counted}: say which one", f"its outputs are {listed}"
        elif copies is not None:
            copy = f"{copies} cop{'y' if copies == 1 else 'ies'}"
            message, label = f"`{name}` has no copy {output}", f"it has {copy}, numbered from 0"
        elif isinstance(output, str):
            message, label = f"`{name}` has no output `{output}`", f"outputs are read by their numbers: {listed}"
        else:
            message = f"`{name}` has no output {output}"
            label = f"its outputs are {listed}" if count > 1 else f"`{name}` has one output"
        if output is None and wanted == count > 1:
            shown = f"[{', '.join(f'{name}.{i}' for i in range(count))}]"
        place = "" if "outputs" in key else "from: "
        super().__init__(
            message,
            label=label,
            help=f"write `{place}{shown}`" if meant or not isinstance(output, str) else _inside(name),
            key=key,
            mends=[(Edit((), first),)] if meant or not isinstance(output, str) else [],
        )


def _inside(name: str) -> str:
    return f"a layer inside `{name}` is read from outside where the block lists it under `outputs:`"
