"""What is made of all values along some axes, and cells that are picked or moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from planner.autograd import pointwise, views
from planner.autograd.tape import Tape
from planner.autograd.tensors import WIDTHS, Strided, channels_last, packed
from planner.autograd.tensors import pointwise as strides_of

KEEPS = {
    "mean": "",
    "sum": "",
    "prod": "input output",
    "amax": "input output",
    "amin": "input output",
    "var": "input",
    "std": "input output",
    "norm": "input output",
    "logsumexp": "input output",
}
"""What reductions keep."""


def _of_maxima(x: Strided, name: str) -> int:
    """Bytes that backward takes to share a gradient among all cells that are largest: a mask, which is also made whole
    numbers to be counted, and numbers of the input's type.
    """
    width = WIDTHS[x.dtype]
    return x.elements * (1 + max(WIDTHS["int64"], 2 * width) - width) if name in ("amax", "amin") else 0


def reduced(t: Tape, x: Strided, name: str, dims: Sequence[int], *, keepdim: bool = False) -> Strided:
    """The values along some axes as one, by the method of this name."""
    x = t.full(x) if name == "prod" else x
    axes = {dim % x.dim for dim in dims}
    sizes = [1 if i in axes else n for i, n in enumerate(x.sizes)]
    made = t.new([size for i, size in enumerate(sizes) if keepdim or i not in axes], x.dtype)
    keeps = KEEPS[name]
    saved = ([x] if "input" in keeps else []) + ([made] if "output" in keeps else [])
    return t.noted(name, (x,), made, *saved, aside=(0, _of_maxima(x, name)))


def picked_places(t: Tape, x: Strided, dim: int, *, keepdim: bool) -> Strided:
    """The numbers of the largest cells, which have no gradient."""
    sizes = [1 if i == dim % x.dim else n for i, n in enumerate(x.sizes) if keepdim or i != dim % x.dim]
    return t.new(sizes, "int64")


def cumulated(t: Tape, x: Strided) -> Strided:
    return t.noted("cumsum", (x,), t.new(x.sizes, x.dtype if x.is_float else "int64"))


def normalized(t: Tape, x: Strided, dim: int) -> Strided:
    """Divided by the norm along an axis, which is bounded from below."""
    norm = reduced(t, x, "norm", (dim,), keepdim=True)
    least = pointwise.function(t, norm, "input", "clamp")
    return pointwise.divide(t, x, views.expand(t, least, x.sizes))


def top(t: Tape, x: Strided, count: int, dim: int) -> tuple[Strided, Strided]:
    sizes = [count if i == dim % x.dim else n for i, n in enumerate(x.sizes)]
    made, places = t.new(sizes, x.dtype), t.new(sizes, "int64")
    t.note("topk", (x,), (made,), places)
    return made, places


def gather(t: Tape, x: Strided, index: Strided) -> Strided:
    return t.noted("gather", (x,), t.new(index.sizes, x.dtype), x, index)


def at_index(t: Tape, x: Strided, dim: int, count: int) -> Strided:
    """The cells whose numbers stand in a list."""
    sizes = tuple(count if i == dim else n for i, n in enumerate(x.sizes))
    index = t.new((count,), "int64")
    cells = replace(x, sizes=sizes, strides=tuple(0 if i == dim else n for i, n in enumerate(x.strides)))
    numbers = replace(index, sizes=sizes, strides=tuple(int(i == dim) for i in range(x.dim)))
    return t.noted("index", (x,), t.new(sizes, x.dtype, strides_of(sizes, cells, numbers)), index)


def looked_up(t: Tape, index: Strided, table: Strided) -> Strided:
    """The rows of a table, which an embedding picks by their numbers."""
    return t.noted("embedding", (table,), t.new((*index.sizes, table.sizes[1]), table.dtype), index)


def moved_about(t: Tape, x: Strided, sizes: Sequence[int] | None = None, *, name: str = "roll") -> Strided:
    """A copy whose cells stand elsewhere, or as often as its sizes say."""
    return t.noted(name, (x,), t.new(x.sizes if sizes is None else sizes, x.dtype))


def shuffled(t: Tape, x: Strided, sizes: Sequence[int]) -> Strided:
    last = x.is_channels_last
    return t.noted("shuffle", (x,), t.new(sizes, x.dtype, channels_last(sizes) if last else packed(sizes)))
