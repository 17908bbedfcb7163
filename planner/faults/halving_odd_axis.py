from planner.diagnostics import SOURCE, Fault, puts


class HalvingOddAxis(Fault):
    """A gated linear unit halves an axis of odd length: it multiplies one half of the axis by the sigmoid of the other
    half.

    Why it matters: PyTorch refuses the layer at the first forward pass. The default, `dim: -1`, is the last spatial
    axis, not the channels.

    When to ignore it: never.

    How to fix it: `dim: 1` where the channels are meant, or an even size.
    """

    code = "NSP218"
    bad = """
        input: [15, 64]
        layers:
          - {type: GLU}  # NSP218
        """
    fixed = """
        input: [15, 64]
        layers:
          - {type: GLU, dim: 1}
        """
    good = fixed

    def __init__(self, dim: int, n: int, channels: int) -> None:
        other = f"use `dim: 1` to halve the {channels} channels, or " if not channels % 2 else ""
        super().__init__(
            "halving dimension must be even",
            label=f"dimension {dim} of {SOURCE} has {n}",
            help=f"{other}make that dimension {n - 1} or {n + 1} long",
            key="dim",
            mends=puts("dim", 1) if not channels % 2 else (),
        )
