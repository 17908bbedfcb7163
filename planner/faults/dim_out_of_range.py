from planner.diagnostics import SOURCE, Fault, puts
from planner.geometry import Shape


class DimOutOfRange(Fault):
    """A `dim` names an axis that the tensor does not have, or the batch, which a model file leaves alone.

    Axes are counted as in PyTorch: 0 is the batch, 1 the channels, from 2 on the spatial axes in order, -1 the last of
    them. So `dim: 1` on 14×14×512 is the 512 channels, and `dim: 2` on the tokens 197×768 is the sequence of 197.

    Why it matters: PyTorch refuses a dimension out of range; an operation over the batch would mix the samples.

    When to ignore it: never.

    How to fix it: one of the numbers that the message lists.
    """

    code = "NSP211"
    bad = """
        input: [14, 14, 512]
        layers:
          - {type: Softmax, dim: 4}  # NSP211
        """
    fixed = """
        input: [14, 14, 512]
        layers:
          - {type: Softmax, dim: 3}
        """
    good = """
        input: [14, 14, 512]
        layers:
          - {type: Softmax, dim: 1}
        """

    def __init__(self, name: str, dim: int, shape: Shape, rank: int) -> None:
        """`rank` is the number of PyTorch's axes, the batch and a new axis included."""
        batch = -rank <= dim < rank
        listed = [f"{1} (channels)", *map(str, range(2, rank))]
        super().__init__(
            "dimension 0 is the batch" if batch else "dimension out of range",
            label=f"{dim} on {shape} from {SOURCE}, which has the batch and {len(shape)} more",
            help=f"use {name}: {', '.join(listed[:-1])} or {listed[-1]}"
            if rank > 2
            else f"use {name}: 1, the channels",
            key=name,
            mends=puts(name, 1 if batch else rank - 1) if name == "dim" else (),
        )
