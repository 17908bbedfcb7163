from planner.diagnostics import SOURCE, Fault


class PadTooSmall(Fault):
    """A `PadLike` gets a second source that is smaller than its first: it pads the first source to the size of the
    second.

    Why it matters: padding cannot shrink; the two sources are likely the wrong way round.

    When to ignore it: never.

    How to fix it: swap the sources, or crop with `CropLike`.
    """

    code = "NSP314"
    mended_by = ("swapped_sources",)
    bad = """
        input: [64, 64, 8]
        layers:
          - {name: pool, type: MaxPool2d, kernel_size: 2}
          - {type: PadLike, from: [input, pool]}  # NSP314
        """
    fixed = """
        input: [64, 64, 8]
        layers:
          - {name: pool, type: MaxPool2d, kernel_size: 2}
          - {type: PadLike, from: [pool, input]}
        """
    good = fixed

    def __init__(self, axis: str, n: int, size: int) -> None:
        super().__init__(
            "padding cannot make an axis shorter",
            label=f"{axis}: {n} cells to be padded to {size}, from {SOURCE}",
            help="swap the two sources, or use CropLike",
            key="from",
        )
