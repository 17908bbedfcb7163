from collections.abc import Sequence

from planner.diagnostics import SOURCE, Fault
from planner.geometry import Shape


class LettersDiffer(Fault):
    """A letter in the equation of an `Einsum` stands for axes of different sizes.

    Why it matters: PyTorch refuses the layer at the first forward pass. An axis of one cell is repeated.

    When to ignore it: never.

    How to fix it: look at the order of the letters, which is PyTorch's: the batch, the channels, then the spatial axes.
    """

    code = "NSP234"
    bad = """
        input: {x: [14, 14, 64], weights: [64, 8]}
        layers:
          - {type: Einsum, equation: "bchw,bck->bkhw", from: [x, weights]}  # NSP234
        """
    good = """
        input: {x: [14, 14, 64], weights: [64, 8]}
        layers:
          - {type: Einsum, equation: "bchw,bkc->bkhw", from: [x, weights]}
        """

    def __init__(
        self, letter: str, equation: str, shapes: Sequence[Shape], known: int, size: int, operand: int | None = None
    ) -> None:
        """`operand` is the number of the single one that has both sizes."""
        met = f"subscript {letter} has size {size}, which does not broadcast with previously seen size {known}"
        if operand is not None:
            met = f"subscript {letter} is repeated for operand {operand} but the sizes don't match, {size} != {known}"
        super().__init__(
            f"einsum(): {met}",
            label=f"`{equation[:80]}` on {', '.join(map(str, shapes))} from {SOURCE}",
            help="letters stand for the batch, the channels, then the spatial axes: bchw for H×W×C",
            key="equation",
        )
