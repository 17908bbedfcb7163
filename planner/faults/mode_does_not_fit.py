from planner.diagnostics import SOURCE, Fault, puts
from planner.geometry import Shape

_FITTING = {1: "nearest, nearest-exact, linear or area", 2: "nearest, nearest-exact, bilinear, bicubic or area"}
_ALWAYS = "nearest, nearest-exact, trilinear or area"
_AXES = {1: "one spatial axis", 2: "two spatial axes", 3: "three spatial axes"}


class ModeDoesNotFit(Fault):
    """An interpolation mode does not work on the number of spatial axes that the input has: `linear` works on one,
    `bilinear` and `bicubic` on two, `trilinear` on three. The other modes work on any.

    Why it matters: PyTorch refuses the layer at the first forward pass ("Got 3D input, but bilinear mode needs 4D
    input").

    When to ignore it: never.

    How to fix it: the mode for that number of axes.
    """

    code = "NSP309"
    bad = """
        input: [128, 8]
        layers:
          - {type: Upsample, scale_factor: 2, mode: bilinear}  # NSP309
        """
    fixed = """
        input: [128, 8]
        layers:
          - {type: Upsample, scale_factor: 2, mode: linear}
        """
    good = fixed

    def __init__(self, mode: str, needs: int, shape: Shape) -> None:
        rank = len(shape.spatial)
        super().__init__(
            f"got {rank + 2}D input, but {mode} mode needs {needs + 2}D input",
            label=f"{mode} works on {_AXES[needs]}, {shape} from {SOURCE} has {rank}",
            help=f"use mode: {_FITTING.get(rank, _ALWAYS)}",
            key="mode",
            mends=puts("mode", {1: "linear", 2: "bilinear", 3: "trilinear"}.get(rank, "nearest")),
        )
