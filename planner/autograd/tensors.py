"""Tensors without values: their sizes, how they lie in a stretch of memory, and which stretch it is.

Strides are PyTorch's, in elements. Where they come from is said at
https://docs.pytorch.org/docs/stable/tensor_view.html and in ATen's `TensorIterator.cpp` and `MemoryFormat.h`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

Sizes = tuple[int, ...]
Role = Literal["activation", "input", "weight", "buffer", "cast"]
"""What a stretch of memory holds; a `cast` is a copy of a weight, or of a part of it, in another type of number."""

WIDTHS = {"float64": 8, "int64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int8": 1, "bool": 1, "uint8": 1}
"""Bytes of a number."""
FLOATS = ("float16", "bfloat16", "float32", "float64")


@dataclass(slots=True, eq=False)
class Storage:
    """A stretch of memory, which any number of tensors may lie in."""

    bytes: int
    role: Role = "activation"


@dataclass(slots=True, eq=False)
class Strided:
    """A tensor with its batch.

    grad  whether a gradient flows to it
    leaf  whether it is a trained parameter itself, and no view of one
    """

    storage: Storage
    sizes: Sizes
    strides: Sizes
    dtype: str
    grad: bool = False
    leaf: bool = False

    @property
    def dim(self) -> int:
        return len(self.sizes)

    @property
    def elements(self) -> int:
        return prod(self.sizes)

    @property
    def is_float(self) -> bool:
        return self.dtype in FLOATS

    @property
    def is_contiguous(self) -> bool:
        """Whether it lies without gaps, in the order of its axes; how far an axis of one cell steps does not matter."""
        step = 1
        for size, stride in zip(reversed(self.sizes), reversed(self.strides), strict=True):
            if size != 1 and stride != step:
                return False
            step *= size
        return True

    @property
    def is_dense(self) -> bool:
        """Whether it lies without gaps and without overlap, whatever the order of its axes."""
        step = 1
        for stride, size in sorted(each for each in zip(self.strides, self.sizes, strict=True) if each[1] != 1):
            if stride != step:
                return False
            step *= size
        return True

    @property
    def has_channels_last(self) -> bool:
        """Whether it is an image that lies without gaps with its channels innermost, wherever axes of one cell are."""
        if self.dim not in (4, 5):
            return False
        wanted = channels_last(self.sizes)
        return all(n == 1 or a == b for n, a, b in zip(self.sizes, self.strides, wanted, strict=True))

    @property
    def is_channels_last(self) -> bool:
        """Whether PyTorch takes it for an image with its channels innermost."""
        if self.dim not in (4, 5) or not self.strides[1]:
            return False
        least = 0
        for axis in (1, *range(self.dim - 1, 1, -1), 0):
            if not self.sizes[axis] or self.strides[axis] < least:
                return False
            if axis == 0 and least == self.strides[1]:
                return False
            least = self.strides[axis] * max(self.sizes[axis], 1)
        return True


def packed(sizes: Sequence[int], order: Sequence[int] | None = None) -> Sizes:
    """The strides of a tensor without gaps, with its axes in an order from the outermost to the innermost."""
    strides, step = [0] * len(sizes), 1
    for axis in reversed(range(len(sizes)) if order is None else order):
        strides[axis], step = step, step * max(sizes[axis], 1)
    return tuple(strides)


def channels_last(sizes: Sequence[int]) -> Sizes:
    """The strides of an image with its channels innermost."""
    return packed(sizes, (0, *range(2, len(sizes)), 1))


def suggested(x: Strided, sizes: Sequence[int] | None = None) -> Sizes:
    """The strides of a new tensor in the memory format that x suggests."""
    wanted = x.sizes if sizes is None else tuple(sizes)
    return channels_last(wanted) if x.is_channels_last and len(wanted) == x.dim else packed(wanted)


def broadcast(*shapes: Sequence[int]) -> Sizes:
    """The sizes of what is repeated to one another's."""
    rank = max(map(len, shapes))
    aligned = [(*(1,) * (rank - len(sizes)), *sizes) for sizes in shapes]
    return tuple(next((n for n in column if n != 1), 1) for column in zip(*aligned, strict=True))


def expanded(x: Strided, sizes: Sequence[int]) -> Sizes:
    """The strides of x where axes of one cell, or axes that it lacks in front, are repeated to such sizes."""
    more = len(sizes) - x.dim
    own = zip(x.sizes, x.strides, sizes[more:], strict=True)
    return (*(0,) * more, *(0 if n == 1 != size else stride for n, stride, size in own))


def viewed(x: Strided, sizes: Sequence[int]) -> Sizes | None:
    """The strides of x with other sizes; None where PyTorch has to copy it (ATen's `computeStride`)."""
    if not x.elements:
        return packed(sizes)
    strides = [0] * len(sizes)
    at = len(sizes) - 1
    base = x.strides[-1] if x.dim else 1
    held = taken = 1
    for axis in reversed(range(x.dim)):
        held *= x.sizes[axis]
        if axis == 0 or (x.sizes[axis - 1] != 1 and x.strides[axis - 1] != held * base):
            while at >= 0 and (taken < held or sizes[at] == 1):
                strides[at] = taken * base
                taken *= sizes[at]
                at -= 1
            if taken != held:
                return None
            if axis:
                base, held, taken = x.strides[axis - 1], 1, 1
    if not x.dim:
        return packed(sizes)
    return tuple(strides) if at < 0 else None


def pointwise(sizes: Sizes, *operands: Strided) -> Sizes:
    """The strides of what is worked out value by value: the axes in the order in which the operands have them."""
    if all(x.sizes == sizes for x in operands):
        if all(x.is_contiguous for x in operands):
            return packed(sizes)
        if len(sizes) == 4 and all(x.has_channels_last for x in operands):
            return channels_last(sizes)
        if len({x.strides for x in operands}) == 1 and operands[0].is_dense:
            return operands[0].strides
    strides = [expanded(x, sizes) for x in operands]
    order = list(reversed(range(len(sizes))))
    for i in range(1, len(order)):
        here = i
        for other in reversed(range(i)):
            before = _comes_before(order[other], order[here], sizes, strides)
            if before > 0:
                order[other], order[here] = order[here], order[other]
                here = other
            elif before < 0:
                break
    return packed(sizes, order[::-1])


def _comes_before(a: int, b: int, sizes: Sizes, strides: list[Sizes]) -> int:
    """Below 0 where axis a lies within axis b, above 0 where b lies within a."""
    for each in strides:
        if not each[a] or not each[b]:
            continue
        if each[a] != each[b]:
            return -1 if each[a] < each[b] else 1
        if sizes[a] > sizes[b]:
            return 1
    return 0


def like(x: Strided) -> Sizes:
    """The strides of a new tensor of the same sizes that keeps the order of the axes."""
    return x.strides if x.is_dense else pointwise(x.sizes, x)
