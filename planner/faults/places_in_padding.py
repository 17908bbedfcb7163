from typing import ClassVar

from planner.diagnostics import Fault, Path


class PlacesInPadding(Fault):
    """A max pool with `return_indices` is padded in a way that PyTorch's own argument cannot express: by pairs, by
    `tf_same`, or by more than half of its window.

    Why it matters: such padding is put around the input before the pool, so the indices would be places on the padded
    map. A layer that reads them, such as `MaxUnpool2d`, would put values elsewhere.

    When to ignore it: never; the plan itself is right.

    How to fix it: a number for each axis, at most kernel_size // 2, or no `return_indices`.
    """

    code = "NSP504"
    shown_by: ClassVar[str] = "planner code, on a MaxPool2d with `return_indices: true` and `padding: tf_same`"

    def __init__(self, padding: str | tuple[object, ...], path: Path) -> None:
        given = (
            padding
            if isinstance(padding, str)
            else [list(side) if isinstance(side, tuple) else side for side in padding]
        )
        super().__init__(
            "the indices of the maxima would be places on the padded map",
            label=f"`return_indices` with `padding: {given}`",
            help="use a number for `padding`, at most half of the window, or remove `return_indices`",
            key=(*path, "return_indices"),
        )
