"""Convolutions, pools, and what changes the size of a map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from planner.inputs._axes import Traced
from planner.inputs._graph import NotSayable
from planner.inputs._onnx.building import OnnxBuilder
from planner.inputs._onnx.nodes import FileNode
from planner.inputs._onnx.operators import operator
from planner.inputs._onnx.values import Value
from planner.inputs.operations._arguments import per_axis

PadPairs = list[tuple[int, int]]


def numbers_of(node: FileNode, name: str, rank: int) -> list[int]:
    """A number for each spatial axis, 1 where none is given."""
    found = node.get(name) or [1] * rank
    if len(found) != rank:
        raise NotSayable(f"`{name}` for {len(found)} axes of {rank}")
    return list(found)


def spatial_rank(b: OnnxBuilder, x: Value) -> int:
    rank = b.rank(x) - 2
    if not 1 <= rank <= 3:
        raise NotSayable(f"windows on {rank} axes")
    return rank


def sides_of(b: OnnxBuilder, node: FileNode, x: Value, kernel: Sequence[int], *, own_same: bool = True) -> Any:
    """The padding of windows: `tf_same`, or cells before and after each axis."""
    rank = len(kernel)
    how = node.get("auto_pad", "NOTSET")
    if how == "VALID":
        return [(0, 0)] * rank
    if how == "SAME_UPPER" and own_same:
        return "tf_same"
    if how in ("SAME_UPPER", "SAME_LOWER"):
        strides, dilations = numbers_of(node, "strides", rank), numbers_of(node, "dilations", rank)
        runs = [
            [
                _same(*each, upper=how == "SAME_UPPER")
                for each in zip(sizes[2:], kernel, strides, dilations, strict=True)
            ]
            for sizes in b.sizes(x)
        ]
        if any(each != runs[0] for each in runs):
            raise NotSayable("padding that follows from the input's size")
        return runs[0]
    pads = node.get("pads") or [0] * 2 * rank
    if len(pads) != 2 * rank:
        raise NotSayable(f"`pads` for {len(pads) // 2} axes of {rank}")
    return list(zip(pads[:rank], pads[rank:], strict=True))


def _same(n: int, kernel: int, stride: int, dilation: int, *, upper: bool) -> tuple[int, int]:
    """The padding that gives one window for every stride that was begun; an odd cell of it stands after, or before."""
    total = max(0, (-(-n // stride) - 1) * stride + dilation * (kernel - 1) + 1 - n)
    less = total // 2
    return (less, total - less) if upper else (total - less, less)


def padding_of(sides: Any) -> Any:
    """Padding as a layer has it: one number for an axis where both sides are equal."""
    if isinstance(sides, str):
        return sides
    if all(before == after for before, after in sides):
        return per_axis([before for before, _ in sides])
    return [list(each) for each in sides]


@operator("Conv")
def conv(b: OnnxBuilder, node: FileNode, x: Value, w: Value, bias: Value | None = None) -> Traced:
    rank = spatial_rank(b, x)
    computed = isinstance(w, Traced)
    kernel = list((b.sizes(w)[0] if computed else b.weight(w).sizes)[2:])
    if len(kernel) != rank or (node.get("kernel_shape") or kernel) != kernel:
        raise NotSayable(f"a kernel of {len(kernel) + 2} dimensions on {rank} axes")
    sides = sides_of(b, node, x, kernel, own_same=not computed)
    image = b.tensor(x)
    if not isinstance(sides, str) and any(n < 0 for pair in sides for n in pair):
        image, sides = padded(b, image, sides), [(0, 0)] * rank
    weights: tuple[Any, Any] = w, None if bias is None or not computed else b.tensor(bias)
    if not computed:
        path = b.path(w, bias)
        weights = b.held(path, "weight", w), b.held(path, "bias", bias)
    found: Traced = b.torch(
        f"conv{rank}d", image, *weights,
        padding=padding_of(sides), stride=numbers_of(node, "strides", rank),
        dilation=numbers_of(node, "dilations", rank), groups=node.get("group", 1),
    )  # fmt: skip
    return found


def padded(b: OnnxBuilder, x: Traced, sides: PadPairs, mode: str = "constant", value: float = 0) -> Traced:
    """A map with cells before and after its axes, or without."""
    flat = [n for pair in reversed(sides) for n in pair]
    found: Traced = b.torch("pad", x, flat, mode, value)
    return found


@operator("ConvTranspose")
def conv_transpose(b: OnnxBuilder, node: FileNode, x: Value, w: Value, bias: Value | None = None) -> Traced:
    rank = spatial_rank(b, x)
    weight = b.weight(w)
    kernel = list(weight.sizes[2:])
    if len(kernel) != rank:
        raise NotSayable(f"a kernel of {len(weight.sizes)} dimensions on {rank} axes")
    stride, dilation = numbers_of(node, "strides", rank), numbers_of(node, "dilations", rank)
    extra = list(node.get("output_padding") or [0] * rank)
    sides = _cut_off(b, node, x, kernel, stride, dilation, extra)
    # Cells that are cut off before count on both sides in PyTorch; those that this takes too many come back at the end
    begin = [max(before, 0) for before, _ in sides]
    extra = [each + before - after for each, before, (_, after) in zip(extra, begin, sides, strict=True)]
    cut = [(min(before, 0), min(each, 0)) for (before, _), each in zip(sides, extra, strict=True)]
    path = b.path(w, bias)
    found: Traced = b.torch(
        f"conv_transpose{rank}d", b.tensor(x), b.held(path, "weight", w), b.held(path, "bias", bias), stride=stride,
        padding=begin, output_padding=[max(each, 0) for each in extra], groups=node.get("group", 1), dilation=dilation,
    )  # fmt: skip
    if any(before < 0 for before, _ in cut):
        raise NotSayable("a transposed convolution with cells before its first")
    return padded(b, found, cut) if any(map(any, cut)) else found


def _cut_off(
    b: OnnxBuilder, node: FileNode, x: Value, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int],
    extra: Sequence[int],
) -> PadPairs:  # fmt: skip
    """The cells that a transposed convolution takes off its result, before and after each axis."""
    rank = len(kernel)
    how = node.get("auto_pad", "NOTSET")
    wanted = node.get("output_shape")
    if wanted is None and how not in ("SAME_UPPER", "SAME_LOWER"):
        pads = node.get("pads") or [0] * 2 * rank
        if how == "VALID":
            pads = [0] * 2 * rank
        return list(zip(pads[:rank], pads[rank:], strict=True))
    runs = []
    for sizes in b.sizes(x):
        goal = [n * by for n, by in zip(sizes[2:], stride, strict=True)] if wanted is None else wanted[-rank:]
        sides = []
        for n, k, by, d, more, to in zip(sizes[2:], kernel, stride, dilation, extra, goal, strict=True):
            total = by * (n - 1) + more + d * (k - 1) + 1 - to
            if total < -1:
                raise NotSayable("a transposed convolution whose result is longer than what it writes")
            if total < 0:  # a cell that nothing is written to stands at the end
                sides.append((0, total))
                continue
            less = total // 2
            sides.append((less, total - less) if how == "SAME_UPPER" else (total - less, less))
        runs.append(sides)
    if any(each != runs[0] for each in runs):
        raise NotSayable("a size that follows from the input's")
    return runs[0]
