from planner.diagnostics import SOURCE, Fault


class SizeDoesNotDivide(Fault):
    """The image that a `PixelUnshuffle` gets does not divide into squares of downscale_factor cells, each of which
    becomes one cell.

    Why it matters: PyTorch refuses the layer at the first forward pass.

    When to ignore it: never.

    How to fix it: another input size, a crop or a pad before the layer, or another factor.
    """

    code = "NSP307"
    mended_by = ("input_size",)
    bad = """
        input: [57, 56, 3]
        layers:
          - {type: PixelUnshuffle, downscale_factor: 2}  # NSP307
        """
    fixed = """
        input: [58, 56, 3]
        layers:
          - {type: PixelUnshuffle, downscale_factor: 2}
        """
    good = """
        input: [56, 56, 3]
        layers:
          - {type: PixelUnshuffle, downscale_factor: 2}
        """

    def __init__(self, axis: str, n: int, factor: int) -> None:
        below = n - n % factor
        wanted = f"{below} or {below + factor}" if below else str(factor)
        super().__init__(
            f"pixel_unshuffle expects {axis} to be divisible by downscale_factor",
            label=f"{n} cells from {SOURCE} / {factor} leaves {n % factor}",
            help=f"bring {axis} to {wanted}, or change `downscale_factor`",
            key="downscale_factor",
        )
