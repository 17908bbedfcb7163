from planner.diagnostics import SOURCE, Fault
from planner.words import counted


class SizeDoesNotDivide(Fault):
    """An axis does not divide into the parts that a layer makes of it: the squares of downscale_factor cells of a
    `PixelUnshuffle`, the windows or patches of a `Rearrange`.

    Why it matters: PyTorch refuses the layer at the first forward pass.

    When to ignore it: never.

    How to fix it: another input size, a crop or a pad before the layer, or another factor.
    """

    code = "NSP307"
    mended_by = ("size_before_folding", "input_size")
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
        below, missing = n - n % factor, factor - n % factor
        wanted = f"{below} or {below + factor}" if below else str(factor)
        padded = f"padding of {counted(missing, 'cell')} before it"
        super().__init__(
            message,
            label=f"{n} cells from {SOURCE} / {factor} leaves {n % factor}",
            help=f"bring {axis} to {wanted}, with another input size or {padded}, or change `{key}`",
            key=key,
        )
