from planner.diagnostics import SOURCE, Fault
from planner.geometry import Shape


class NotAnOrder(Fault):
    """The `dims` of a `Permute` do not list every axis once: 0, the batch, comes first; 1, the channels, and the
    spatial axes follow in the order that they shall have.

    Why it matters: PyTorch refuses a list with other numbers; with the batch in another place, samples would be mixed.

    When to ignore it: never.

    How to fix it: `dims: [0, 2, 1]` exchanges the channels and the sequence of L×C, `[0, 1, 3, 2]` height and width of
    H×W×C.
    """

    code = "NSP219"
    bad = """
        input: [14, 14, 768]
        layers:
          - {type: Permute, dims: [0, 3, 2]}  # NSP219
        """
    good = """
        input: [14, 14, 768]
        layers:
          - {type: Permute, dims: [0, 1, 3, 2]}
        """

    def __init__(self, dims: tuple[int, ...], shape: Shape) -> None:
        rank = len(shape) + 1
        allowed = [dim for dim in dims if -rank <= dim < rank]
        if len(dims) != rank:
            message = f"input.dim() = {rank} is not equal to len(dims) = {len(dims)}"
        elif len(allowed) < rank:
            message = "dimension out of range"
        elif len({dim % rank for dim in allowed}) < rank:
            message = "duplicate dims are not allowed"
        else:
            message = "the batch must stay dimension 0"
        super().__init__(
            message,
            label=f"{list(dims[:8])} on {shape} from {SOURCE}, which has the batch and {len(shape)} more",
            help=f"list 0, then each number from 1 to {rank - 1} once, as in `dims: {list(range(rank))}`",
            key="dims",
        )
