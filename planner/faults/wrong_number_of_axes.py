from collections.abc import Iterable

from planner.diagnostics import SOURCE, Edit, Fault, puts
from planner.geometry import Shape

_FORMS = {0: "C", 1: "L×C", 2: "H×W×C", 3: "D×H×W×C"}


class WrongNumberOfAxes(Fault):
    """A layer gets a tensor with more or fewer axes than it works on: a `Conv2d` on a flattened vector, a `Conv1d` on
    an image.

    Why it matters: PyTorch fails at the first forward pass, or takes the batch for channels.

    When to ignore it: never.

    How to fix it: use the layer's form for that number of axes (`Conv1d`, `Conv2d`, `Conv3d`), or put a `Flatten`,
    `Unflatten` or `Reshape` before it.
    """

    code = "NSP206"
    bad = """
        input: [28, 28, 1]
        layers:
          - {type: Flatten}
          - {type: Conv2d, out_channels: 8, kernel_size: 3}  # NSP206
        """
    good = """
        input: [28, 28, 1]
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 3}
          - {type: Flatten}
        """

    def __init__(self, layer: str, shape: Shape, ranks: tuple[int, ...], *, help: str = "") -> None:
        wanted = " or ".join(_FORMS.get(rank, f"{rank} spatial axes and C") for rank in ranks)
        rank = len(shape.spatial)
        sibling = f"{layer[:-2]}{rank}d"
        mends: Iterable[tuple[Edit, ...]] = ()
        if not help and layer[-2:] in ("1d", "2d", "3d") and 1 <= rank <= 3:
            help, mends = f"use type: {sibling}", puts("type", sibling)
        elif rank == 0:
            help = help or "move it above the Flatten, or give the vector axes with Unflatten or Reshape"
        super().__init__(
            f"{layer} works on {wanted}",
            label=f"{shape} from {SOURCE}",
            help=help or "put a Flatten, Unflatten or Reshape before it",
            key="type",
            mends=mends,
        )
