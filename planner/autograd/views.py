"""Operations that look at a tensor in another way, and copy it where the memory does not allow that."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from planner.autograd.tape import Tape
from planner.autograd.tensors import Strided, expanded, packed, viewed


def contiguous(t: Tape, x: Strided) -> Strided:
    """The tensor with its axes in order in memory."""
    return x if x.is_contiguous else copied(t, x)


def copied(t: Tape, x: Strided, strides: tuple[int, ...] | None = None) -> Strided:
    """A copy with its axes in order in memory, or with other strides."""
    return t.noted("clone", (x,), t.new(x.sizes, x.dtype, strides))


def reshape(t: Tape, x: Strided, sizes: Sequence[int]) -> Strided:
    """The tensor with other sizes, of which one may be -1, the rest."""
    whole = resolved(x, sizes)
    strides = viewed(x, whole)
    if strides is not None:
        return t.view(x, whole, strides, "view")
    copy = copied(t, x)
    return t.view(copy, whole, packed(whole), "view")


def resolved(x: Strided, sizes: Sequence[int]) -> tuple[int, ...]:
    """Sizes with the number that -1 stands for."""
    rest = x.elements // max(prod(size for size in sizes if size != -1), 1)
    return tuple(rest if size == -1 else size for size in sizes)


def flatten(t: Tape, x: Strided, start: int, end: int) -> Strided:
    """The axes from start to end as one."""
    if start == end:
        return x
    return reshape(t, x, (*x.sizes[:start], prod(x.sizes[start : end + 1]), *x.sizes[end + 1 :]))


def unflatten(t: Tape, x: Strided, dim: int, sizes: Sequence[int]) -> Strided:
    """One axis as several; it is always a view."""
    parts = resolved(Strided(x.storage, (x.sizes[dim],), (1,), x.dtype), sizes)
    whole = (*x.sizes[:dim], *parts, *x.sizes[dim + 1 :])
    strides = viewed(x, whole)
    assert strides is not None
    return t.view(x, whole, strides)


def permute(t: Tape, x: Strided, order: Sequence[int]) -> Strided:
    if tuple(order) == tuple(range(x.dim)):
        return x
    return t.view(x, [x.sizes[i] for i in order], [x.strides[i] for i in order], "permute")


def movedim(t: Tape, x: Strided, source: int, place: int) -> Strided:
    """The tensor with one axis elsewhere."""
    source, place = source % x.dim, place % x.dim
    order = [axis for axis in range(x.dim) if axis != source]
    order.insert(place, source)
    return permute(t, x, order)


def transpose(t: Tape, x: Strided, a: int, b: int) -> Strided:
    order = list(range(x.dim))
    order[a], order[b] = order[b], order[a]
    return permute(t, x, order)


def expand(t: Tape, x: Strided, sizes: Sequence[int]) -> Strided:
    """The tensor with axes of one cell, or axes that it lacks in front, repeated without a copy."""
    more = len(sizes) - x.dim
    whole = tuple(x.sizes[i - more] if size == -1 else size for i, size in enumerate(sizes))
    return x if whole == x.sizes else t.view(x, whole, expanded(x, whole), "expand")


def unsqueeze(t: Tape, x: Strided, dim: int) -> Strided:
    """The tensor with one axis more, of one cell."""
    dim %= x.dim + 1
    step = x.sizes[dim] * x.strides[dim] if dim < x.dim else 1
    sizes, strides = list(x.sizes), list(x.strides)
    sizes.insert(dim, 1)
    strides.insert(dim, step)
    return t.view(x, sizes, strides, "unsqueeze")


def squeeze(t: Tape, x: Strided, *dims: int) -> Strided:
    """The tensor without axes of one cell."""
    away = {dim % x.dim for dim in dims if x.sizes[dim] == 1}
    if not away:
        return x
    kept = [i for i in range(x.dim) if i not in away]
    return t.view(x, [x.sizes[i] for i in kept], [x.strides[i] for i in kept], "squeeze")


def cut(t: Tape, x: Strided, dim: int, cells: range) -> Strided:
    """Some cells of an axis."""
    sizes, strides = list(x.sizes), list(x.strides)
    sizes[dim], strides[dim] = len(cells), strides[dim] * cells.step
    return t.view(x, sizes, strides, "slice")


def select(t: Tape, x: Strided, dim: int) -> Strided:
    """One cell of an axis, which vanishes."""
    kept = [i for i in range(x.dim) if i != dim % x.dim]
    return t.view(x, [x.sizes[i] for i in kept], [x.strides[i] for i in kept], "select")


def split(t: Tape, x: Strided, dim: int, parts: Sequence[int]) -> list[Strided]:
    """Consecutive parts of an axis."""
    views, begin = [], 0
    for part in parts:
        sizes = list(x.sizes)
        sizes[dim] = part
        views.append(Strided(x.storage, tuple(sizes), x.strides, x.dtype))
        begin += part
    t.note("split", (x,), views)
    return views
