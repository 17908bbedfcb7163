from planner.diagnostics import Fault


class WrongNumberOfSources(Fault):
    """A layer takes another number of inputs than `from` gives it.

    Why it matters: an `Add` of one tensor, or a convolution of two, has no meaning.

    When to ignore it: never.

    How to fix it: name all sources, as in `from: [left, right]`; left out, `from` is the layer above alone.
    """

    code = "NSP207"
    bad = """
        input: [32, 32, 8]
        layers:
          - {name: conv, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1}
          - {type: Add}  # NSP207
        """
    good = """
        input: [32, 32, 8]
        layers:
          - {name: conv, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1}
          - {type: Add, from: [conv, input]}
        """

    def __init__(self, layer: str, given: int, least: int, most: int | None) -> None:
        wanted = f"{least}" if least == most else f"{least} or more" if most is None else f"{least} to {most}"
        example = "[" + ", ".join("abcdefgh"[: max(least, 2)]) + "]" if (most or 2) > 1 else "one_layer"
        super().__init__(
            f"{layer} takes {wanted} {'source' if wanted == '1' else 'sources'}",
            label=f"{given} given",
            help=f"name them: `from: {example}`" if most != 0 else "leave `from` out",
            key="from",
        )
