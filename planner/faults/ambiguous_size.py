from planner.diagnostics import Edit, Fault


class AmbiguousSize(Fault):
    """The size of an output is given twice: as a size and as a factor, or as a size and by a second source.

    Why it matters: PyTorch refuses the layer, since the two need not agree.

    When to ignore it: never.

    How to fix it: keep one of the two.
    """

    code = "NSP308"
    bad = """
        input: [32, 32, 8]
        layers:
          - {type: Upsample, size: 64, scale_factor: 2}  # NSP308
        """
    fixed = """
        input: [32, 32, 8]
        layers:
          - {type: Upsample, size: 64}
        """
    good = """
        input: [32, 32, 8]
        layers:
          - {type: Upsample, scale_factor: 2}
        """

    def __init__(self, size: str, other: str, *, key: str) -> None:
        """`size` and `other` are the two that say it; `key` is the one to remove."""
        super().__init__(
            f"only one of {size} or {other} should be defined",
            label=f"both {size} and {other} are given",
            help=f"remove `{key}`, or keep `{key}` alone",
            key=key,
            mends=[(Edit((key,), action="remove"),)],
        )
