from planner.diagnostics import SOURCE, Fault, puts
from planner.geometry import Shape


class NoAxisLeft(Fault):
    """A layer would take away the last axis of a tensor, which leaves a single number for each sample.

    Why it matters: every tensor of a model has channels, if only one, for the layers behind it to work on.

    When to ignore it: never.

    How to fix it: keep one cell, with `keepdim: true`, or with a `Slice` in place of a `Select`.
    """

    code = "NSP222"
    bad = """
        input: [10]
        layers:
          - {type: Mean, dim: 1}  # NSP222
        """
    fixed = """
        input: [10]
        layers:
          - {type: Mean, dim: 1, keepdim: true}
        """
    good = fixed

    def __init__(self, layer: str, shape: Shape, *, keepdim: bool = False) -> None:
        """`keepdim` says that the layer has this argument."""
        cell = "use {type: Slice, dim: 1, start: 0, stop: 1} to keep one cell"
        super().__init__(
            f"{layer} leaves no axis",
            label=f"{shape} from {SOURCE}",
            help="add `keepdim: true`" if keepdim else cell,
            key="dim",
            mends=puts("keepdim", True) if keepdim else (),
        )
