"""Convolutions, pools, padding and interpolation."""

from __future__ import annotations

from collections.abc import Sequence

from planner.autograd import pointwise, views
from planner.autograd.convolving import Convolving
from planner.autograd.tape import Tape
from planner.autograd.tensors import WIDTHS, Strided, channels_last, like, packed, suggested


def convolution(
    t: Tape, x: Strided, weight: Strided, bias: Strided | None, sizes: Sequence[int], how: Convolving
) -> Strided:
    """A convolution of any kind, whose output has such sizes.

    PyTorch's own transposed one over volumes makes its output of a tensor like the input, whose memory stays where the
    output needs less.
    """
    x, weight = t.lower(x), t.lower(weight)
    bias = None if bias is None else t.lower(bias)
    onednn = how.by_onednn(x, weight)
    if x.dim == 3:
        made = t.new(sizes, x.dtype, _as_row(x, sizes) if x.is_contiguous else None)
    else:
        last = (x.dim == 4 or onednn) and (x.is_channels_last or weight.is_channels_last)
        made = t.new(sizes, x.dtype, channels_last(sizes) if last else None)
    if how.transposed and x.dim == 5 and not onednn:
        made.storage.bytes = WIDTHS[x.dtype] * max(x.elements, made.elements)
    inputs = (x, weight) if bias is None else (x, weight, bias)
    name = "transposed convolution" if how.transposed else "convolution"
    return t.noted(name, inputs, made, x, weight, aside=how.aside(x, weight, bias, made))


def _as_row(x: Strided, sizes: Sequence[int]) -> tuple[int, ...]:
    """The strides of a new sequence in the memory format that x suggests as an image of one row."""
    (*outer, length), (*steps, step) = x.sizes, x.strides
    row = Strided(x.storage, (*outer, 1, length), (*steps, length * step, step), x.dtype)
    *ahead, _, last = suggested(row, (*sizes[:-1], 1, sizes[-1]))
    return (*ahead, last)


def _pooled(x: Strided, spatial: Sequence[int], *, volumes: bool = True) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The sizes and strides of what is pooled: in the memory format of the input, of volumes only with some pools. A
    sequence is an image of one row.
    """
    sizes = (*x.sizes[:2], *spatial)
    if x.dim == 3:
        return sizes, _as_row(x, sizes)
    return sizes, suggested(x, sizes) if volumes or x.dim == 4 else packed(sizes)


def max_pool(
    t: Tape, x: Strided, spatial: Sequence[int], *, adaptive: bool = False, places: bool = False
) -> tuple[Strided, Strided]:
    """The largest values and their places, which are kept, as whole numbers of 8 bytes. Autocast does it for volumes in
    full precision, unless the places are asked for too.
    """
    x = t.full(x) if len(spatial) == 3 and (adaptive or not places) else x
    sizes, strides = _pooled(x, spatial, volumes=not adaptive)
    made, found = t.new(sizes, x.dtype, strides), t.new(sizes, "int64", strides)
    t.note("max_pool", (x,), (made, found), x, found)
    return made, found


def average_pool(t: Tape, x: Strided, spatial: Sequence[int]) -> Strided:
    x = t.full(x) if len(spatial) == 3 else x
    sizes, strides = _pooled(x, spatial, volumes=False)
    return t.noted("avg_pool", (x,), t.new(sizes, x.dtype, strides), x)


def adaptive_average_pool(t: Tape, x: Strided, spatial: Sequence[int]) -> Strided:
    """One bin for each axis is a mean, which keeps nothing."""
    x = t.full(x) if len(spatial) == 3 else x
    sizes, strides = _pooled(x, spatial, volumes=set(spatial) == {1})
    made = t.new(sizes, x.dtype, strides)
    return t.noted("adaptive_avg_pool", (x,), made, *(() if set(spatial) == {1} else (x,)))


def fractional_max_pool(t: Tape, x: Strided, spatial: Sequence[int]) -> tuple[Strided, Strided]:
    x = t.full(x)
    sizes = (*x.sizes[:2], *spatial)
    made, places = t.new(sizes, x.dtype), t.new(sizes, "int64")
    t.note("max_pool", (x,), (made, places), x, places)
    return made, places


def lp_pool(t: Tape, x: Strided, spatial: Sequence[int]) -> Strided:
    """PyTorch makes it of a mean pool of powers: the sign of the sum times what of its size is above 0."""
    powers = pointwise.function(t, x, "input", "pow")
    sums = average_pool(t, powers, spatial)
    signs = pointwise.function(t, sums, "", "sign")
    size = pointwise.function(t, pointwise.function(t, sums, "input", "abs"), "output", "relu")
    scaled = pointwise.with_number(t, pointwise.multiply(t, signs, size), "mul", 1.0, first=False)
    return pointwise.function(t, scaled, "input", "pow")


FULL_PADS = {("reflect", 1), ("reflect", 2), ("replicate", 1), ("replicate", 2), ("replicate", 3)}
"""Modes of padding on so many axes that autocast does in full precision."""


def pad(t: Tape, x: Strided, sides: Sequence[int], mode: str = "constant") -> Strided:
    """Cells around the last axes; to mirror or repeat cells of the edge, the input is kept."""
    sizes = list(x.sizes)
    for i in range(len(sides) // 2):
        sizes[-1 - i] += sides[2 * i] + sides[2 * i + 1]
    if mode == "constant":
        if all(side <= 0 for side in sides):
            narrowed = t.view(x, sizes, x.strides, "slice")
            return views.copied(t, narrowed, like(narrowed))
        return t.noted("pad", (x,), t.new(sizes, x.dtype, suggested(x, sizes)))
    if mode == "circular":
        return t.noted("pad", (x,), t.new(sizes, x.dtype))
    x = t.full(x) if (mode, len(sides) // 2) in FULL_PADS else x
    strides = suggested(x, sizes) if x.dim > 3 else None
    return t.noted("pad", (x,), t.new(sizes, x.dtype, strides), x)


def interpolate(t: Tape, x: Strided, spatial: Sequence[int], mode: str = "nearest") -> Strided:
    if mode == "area":
        return adaptive_average_pool(t, x, spatial)
    sizes = (*x.sizes[:2], *spatial)
    return t.noted("upsample", (x,), t.new(sizes, x.dtype, suggested(x, sizes) if x.dim > 3 else packed(sizes)))
