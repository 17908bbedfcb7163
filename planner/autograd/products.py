"""Products of matrices, and what is made of them: linear layers, distances, Einstein's notation."""

from __future__ import annotations

from math import prod

from planner.autograd import views
from planner.autograd.tape import Tape
from planner.autograd.tensors import Strided, broadcast


def mm(t: Tape, a: Strided, b: Strided, bias: Strided | None = None) -> Strided:
    """The product of two matrices; each is kept for the gradient of the other."""
    made = t.new((a.sizes[0], b.sizes[1]), a.dtype)
    inputs = (a, b) if bias is None else (bias, a, b)
    return t.noted("mm", inputs, made, *([a] if b.grad else []), *([b] if a.grad else []))


def bmm(t: Tape, a: Strided, b: Strided) -> Strided:
    a, b = t.lower(a), t.lower(b)
    made = t.new((a.sizes[0], a.sizes[1], b.sizes[2]), a.dtype)
    return t.noted("bmm", (a, b), made, *([a] if b.grad else []), *([b] if a.grad else []))


def linear(t: Tape, x: Strided, weight: Strided, bias: Strided | None = None) -> Strided:
    """x·Wᵀ + b: with a bias, PyTorch takes all axes but the last as one where they lie within one another."""
    x, weight = t.lower(x), t.lower(weight)
    bias = None if bias is None else t.lower(bias)
    turned = views.transpose(t, weight, 0, 1)
    if bias is not None and x.dim == 2:
        return mm(t, x, turned, bias)
    if bias is not None and x.is_contiguous:
        rows = views.reshape(t, x, (prod(x.sizes[:-1]), x.sizes[-1]))
        return views.reshape(t, mm(t, rows, turned, bias), (*x.sizes[:-1], turned.sizes[1]))
    made = matmul(t, x, turned)
    if bias is None:
        return made
    return t.noted("add in place", (made, bias), Strided(made.storage, made.sizes, made.strides, made.dtype))


def matmul(t: Tape, a: Strided, b: Strided) -> Strided:
    """The product on the last two axes, those before them as a batch: one matrix where PyTorch can, or in batches."""
    a, b = t.lower(a), t.lower(b)
    if a.dim == b.dim == 2:
        return mm(t, a, b)
    if a.dim == 1 or b.dim == 1:
        raise NotImplementedError("matmul of a vector")
    if _folds(a, b):
        turned = a.dim < b.dim
        more, matrix = (views.transpose(t, b, b.dim - 2, b.dim - 1), views.transpose(t, a, 0, 1)) if turned else (a, b)
        rows = views.reshape(t, more, (prod(more.sizes[:-1]), more.sizes[-1]))
        made = views.reshape(t, mm(t, rows, matrix), (*more.sizes[:-1], matrix.sizes[1]))
        return views.transpose(t, made, made.dim - 2, made.dim - 1) if turned else made
    batch = broadcast(a.sizes[:-2], b.sizes[:-2])
    count = prod(batch)
    left = views.reshape(t, views.expand(t, a, (*batch, *a.sizes[-2:])), (count, *a.sizes[-2:]))
    right = views.reshape(t, views.expand(t, b, (*batch, *b.sizes[-2:])), (count, *b.sizes[-2:]))
    return views.reshape(t, bmm(t, left, right), (*batch, a.sizes[-2], b.sizes[-1]))


def _folds(a: Strided, b: Strided) -> bool:
    """Whether PyTorch makes one matrix of the tensor with more axes (ATen's `should_fold`)."""
    first = a.dim >= b.dim
    more, matrix = (a, b) if first else (b, a)
    if more.dim < 3 or matrix.dim > 2:
        return False
    if matrix.grad:
        return True
    if a.dim == 2:
        return False
    sizes, strides = more.sizes, more.strides
    return all(strides[i] == strides[i + 1] * sizes[i + 1] for i in range(more.dim - 2))


def bilinear(t: Tape, a: Strided, b: Strided, weight: Strided, bias: Strided | None) -> Strided:
    rows = [views.reshape(t, x, (prod(x.sizes[:-1]), x.sizes[-1])) for x in (a, b)]
    made = t.new((rows[0].sizes[0], weight.sizes[0]), a.dtype)
    t.note("trilinear", (*rows, weight), (made,), *rows, weight)
    made = views.reshape(t, made, (*a.sizes[:-1], weight.sizes[0]))
    if bias is None:
        return made
    return t.noted("add in place", (made, bias), Strided(made.storage, made.sizes, made.strides, made.dtype))


LONG = 25
"""From more rows on, PyTorch works distances out by a product of matrices."""


def cdist(t: Tape, a: Strided, b: Strided, p: float = 2.0) -> Strided:
    a, b = t.full(a), t.full(b)
    batch = broadcast(a.sizes[:-2], b.sizes[:-2])
    rows, columns = a.sizes[-2], b.sizes[-2]
    left = views.expand(t, a, (*batch, *a.sizes[-2:]))
    right = views.expand(t, b, (*batch, *b.sizes[-2:]))
    flat = [views.reshape(t, x, (prod(batch), *x.sizes[-2:])) for x in (left, right)]
    made = t.new((*batch, rows, columns), a.dtype)
    if p == 2 and (rows > LONG or columns > LONG):
        return _euclidean(t, flat[0], flat[1], made)
    return t.noted("cdist", (a, b), made, a, b, made)


def _euclidean(t: Tape, a: Strided, b: Strided, made: Strided) -> Strided:
    return t.noted("cdist", (a, b), made, a, b, made)
