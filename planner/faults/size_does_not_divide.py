from planner.diagnostics import SOURCE, Fault


class SizeDoesNotDivide(Fault):
    """An axis does not divide into the parts that a layer makes of it: the squares of downscale_factor cells of a
    `PixelUnshuffle`, the windows or patches of a `Rearrange`.

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

    def __init__(self, message: str, axis: str, n: int, factor: int, key: str) -> None:
        below = n - n % factor
        wanted = f"{below} or {below + factor}" if below else str(factor)
        super().__init__(
            message,
            label=f"{n} cells from {SOURCE} / {factor} leaves {n % factor}",
            help=f"bring {axis} to {wanted}, or change `{key}`",
            key=key,
        )
