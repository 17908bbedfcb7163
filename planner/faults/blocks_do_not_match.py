from planner.diagnostics import SOURCE, Fault


class BlocksDoNotMatch(Fault):
    """A `Fold` gets another number of blocks than there are windows on an image of `output_size`: it puts one block
    back at each window.

    Why it matters: PyTorch refuses the layer at the first forward pass.

    When to ignore it: never.

    How to fix it: use the arguments of the `Unfold` that made the blocks, and the size of the image that it was given.
    """

    code = "NSP312"
    bad = """
        input: [9, 12]
        layers:
          - {type: Fold, output_size: 5, kernel_size: 2}  # NSP312
        """
    good = """
        input: [16, 12]
        layers:
          - {type: Fold, output_size: 5, kernel_size: 2}
        """

    def __init__(self, blocks: int, windows: tuple[int, ...], output_size: tuple[int, ...]) -> None:
        counts = "×".join(str(max(count, 0)) for count in windows)
        image = "×".join(map(str, output_size))
        super().__init__(
            "expected size of input's dimension 2 to match the calculated number of sliding blocks",
            label=f"{blocks} blocks from {SOURCE}, {counts} windows on {image} cells",
            help="use the kernel_size, stride, padding and dilation of the `Unfold`, and the size of its input",
            key="output_size",
        )
