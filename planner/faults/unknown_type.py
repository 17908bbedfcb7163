from collections.abc import Iterable

from planner.diagnostics import Fault, did_you_mean, nearest, puts


class UnknownType(Fault):
    """`type` names neither a layer that the planner knows nor a block of the model file.

    Why it matters: without its shape rule, nothing after the layer can be planned.

    When to ignore it: never.

    How to fix it: types are PyTorch's class names, with their capitals (`Conv2d`, `BatchNorm2d`); functions have
    names like classes (`Add`, `Concat`). A block's name is written as under `blocks:`.
    """

    code = "NSP113"
    slip = "word"
    bad = """
        input: [32, 32, 3]
        layers:
          - {type: conv2, out_channels: 8, kernel_size: 3}  # NSP113
        """
    good = """
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 3}
        """

    def __init__(self, name: str, known: Iterable[str]) -> None:
        known = set(known)
        super().__init__(
            f"there is no layer or block `{name}`",
            label="not a layer type, nor a block of this file",
            help=did_you_mean(name, known) or f"define it under `blocks:`, as `{name}: {{layers: […]}}`",
            key="type",
            mends=puts("type", *nearest(name, known, 2)),
        )
