from collections.abc import Sequence

from planner.diagnostics import SOURCE, Fault
from planner.geometry import Shape


class SizesDiffer(Fault):
    """Tensors that meet in one layer have different sizes: `Add` and `Multiply` work cell by cell, and `Concat` joins
    along one axis tensors that are alike in all others.

    Why it matters: PyTorch refuses most of them at the first forward pass. The others are worse: where one tensor has
    a single cell or channel, an addition silently repeats it over the whole axis, and the network trains, but not the
    one that was meant.

    When to ignore it: where an `Add` or `Subtract` is meant to repeat a single cell, say so with `broadcast: true`.
    `Multiply`, whose gates usually are one cell, needs no such word.

    How to fix it: the usual cause in an encoder and decoder is an odd size that a stride rounded: take another input
    size (`planner sizes` lists the good ones), crop the larger with `CropLike`, pad the smaller with `PadLike`, or
    let `Interpolate` take the size of the skip. A residual block with a stride needs a 1×1 convolution with the same
    stride on its shortcut.
    """

    code = "NSP204"
    mended_by = (
        "joined_axis",
        "broadcast",
        "size_from_skip",
        "parameter_shape",
        "output_padding",
        "fitted_window",
        "crop_like",
        "pad_like",
        "projection",
        "same_channels",
        "input_size",
    )
    bad = """
        input: [32, 32, 8]
        layers:
          - {name: conv, type: Conv2d, out_channels: 8, kernel_size: 3}
          - {type: Concat, from: [conv, input]}  # NSP204
        """
    fixed = """
        input: [32, 32, 8]
        layers:
          - {name: conv, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1}
          - {type: Concat, from: [conv, input]}
        """
    good = """
        input: [32, 32, 8]
        layers:
          - {name: conv, type: Conv2d, out_channels: 8, kernel_size: 3}
          - {name: skip, type: CropLike, from: [input, conv]}
          - {type: Concat, from: [conv, skip]}
        """

    def __init__(
        self, message: str, shapes: Sequence[Shape], *, free: int | None = None, repeats: bool = False, help: str = ""
    ) -> None:
        """`free` is the axis on which the sizes may differ; `repeats` says that PyTorch would have let it pass."""

        def label() -> str:
            listed = list(dict.fromkeys(map(str, shapes)))
            several = f"{', '.join(listed[:-1])} and {listed[-1]}" if len(listed) < 7 else f"{', '.join(listed[:6])}, …"
            return f"{several} from {SOURCE}{'; PyTorch would repeat the single one silently' if repeats else ''}"

        def advice() -> str:
            shortcut = _shortcut(shapes) if free is None and not repeats else ""
            wish = "if repeating it is meant, add `broadcast: true`; else " if repeats else ""
            return wish + (help or shortcut or _remedy(shapes, free))

        super().__init__(message, label=label, help=advice, key="from")


MOST_STRIDE = 4
"""The largest stride of a shortcut that is advised: a larger one would leave little of its input."""


def _shortcut(shapes: Sequence[Shape]) -> str:
    """The 1×1 convolution whose stride brings the larger shape to the smaller one; nothing where there is none."""
    ranks = {len(shape) - 1 for shape in shapes}
    if len(different := sorted(set(shapes))) != 2 or ranks not in ({1}, {2}, {3}):
        return ""
    small, large = different
    sides = [*zip(large.spatial, small.spatial, strict=True)]
    if min(small.spatial) < 2:
        return ""
    strides = [-(-n // m) for n, m in sides]
    fits = all(-(-n // s) == m for (n, m), s in zip(sides, strides, strict=True))
    if not fits or not 1 < max(strides) <= MOST_STRIDE:
        return ""
    rank = len(sides)
    stride = strides[0] if len(set(strides)) == 1 else strides
    layer = f"type: Conv{rank}d, out_channels: {small.channels}, kernel_size: 1, stride: {stride}"
    return f"bring {large} to {small} before it, as the shortcut of a residual block does: {{{layer}}}"


def _fits_behind(least: Shape, other: Shape, free: int | None) -> bool:
    """Whether a shape of fewer axes is the end of the other one, with single cells in place of some of its sizes."""
    if not least.spatial or free is not None:
        return not least.spatial and least.channels == other.channels
    ends = zip(least, other[-len(least) :], strict=True)
    return all(n in (1, m) for n, m in ends)


def _remedy(shapes: Sequence[Shape], free: int | None) -> str:
    ranks = {len(shape) for shape in shapes}
    if len(ranks) > 1:
        least, *others = sorted(shapes, key=len)
        if len(set(others)) == 1 and _fits_behind(least, others[0], free):
            sizes = ", ".join(map(str, (*[1] * (len(others[0]) - len(least)), *least)))
            return f"bring {least} to as many axes before it: {{type: Reshape, shape: [{sizes}]}}"
        return "bring them to the same number of axes before it, with Flatten, Unflatten or Reshape"
    rank = ranks.pop() - 1
    differ = [axis for axis in range(rank + 1) if len({shape[axis] for shape in shapes}) > 1]
    if free is not None and len(differ) == 1 and differ[0] < rank and min(shape[differ[0]] for shape in shapes) == 1:
        return f"join them along the axis that differs: `dim: {differ[0] + 2}`"
    if any(axis != free for axis in differ if axis < rank):
        if rank > 3:
            return "bring them to equal sizes before it"
        return (
            "before it, crop the larger: {type: CropLike, from: [larger, smaller]}, or enlarge the smaller with "
            "PadLike or Interpolate; or take another input size"
        )
    most = max(shape.channels for shape in shapes)
    layer = (
        f"type: Conv{rank}d, out_channels: {most}, kernel_size: 1"
        if 1 <= rank <= 3
        else f"type: Linear, out_features: {most}"
    )
    return f"bring the others to {most} channels before it: {{{layer}}}"
