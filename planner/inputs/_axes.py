"""What the dimensions of a traced tensor are made of, and where they lie on the axes of a step's output.

A tensor of PyTorch may hold (N, C, H, W), (N, H, W, C), (N, L, C), (N · windows, L, C): the planner has one order,
spatial axes and then channels, without the batch. So each tensor keeps, for every dimension, the factors of which it
consists, and the same for every axis of the step's output that it is. To reshape, permute or flatten changes the
dimensions alone; where a layer asks for an order, the axes are rearranged once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod

from planner.inputs._graph import NotSayable, Output

Sizes = tuple[int, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Factor:
    """A factor of an axis. `sizes` has its size in each run of the network; the runs have inputs of different sizes."""

    sizes: Sizes

    def __repr__(self) -> str:
        return "×".join(map(str, self.sizes))


Axis = tuple[Factor, ...]
"""The factors of an axis, the last of which runs fastest; none for an axis of one cell."""


@dataclass(frozen=True, eq=False, slots=True)
class Traced:
    """A traced tensor: the output of a step, with its axes, and what the dimensions in the trace are made of.

    axes  those of the step's output, channels last, without the batch
    dims  those of the traced tensor; `batch` stands in one of them, or in none of a tensor that is the same for all
    """

    output: Output
    axes: tuple[Axis, ...]
    dims: tuple[Axis, ...]
    batch: Factor

    @property
    def rank(self) -> int:
        return len(self.dims)

    @property
    def has_batch(self) -> bool:
        return any(self.batch in dim for dim in self.dims)

    @property
    def is_empty(self) -> bool:
        """Whether the tensor holds nothing; its step is then not its own."""
        return any(0 in factor.sizes for dim in self.dims for factor in dim)

    def sizes(self, run: int = 0) -> Sizes:
        """The sizes of the traced tensor in a run."""
        return tuple(prod(factor.sizes[run] for factor in dim) for dim in self.dims)

    def with_dims(self, dims: Iterable[Axis]) -> Traced:
        return replace(self, dims=tuple(dims))

    def dim(self, dim: int, new: int = 0) -> int:
        """A dimension counted from the front."""
        rank = self.rank + new
        if not -rank <= dim < max(rank, 1):
            raise NotSayable(f"dimension {dim} of {rank}")
        return dim % max(rank, 1)

    def own(self, dim: int) -> Axis:
        """The factors of a dimension without the batch."""
        return tuple(factor for factor in self.dims[dim] if factor is not self.batch)

    def split(self, factor: Factor, parts: Axis) -> Traced:
        """The same tensor with a factor parted into several."""

        def parted(axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
            return tuple(tuple(new for old in axis for new in (parts if old is factor else (old,))) for axis in axes)

        return replace(self, axes=parted(self.axes), dims=parted(self.dims))

    def joined(self) -> Traced:
        """The same tensor with factors made one that follow one another on an axis and in a dimension."""
        found = self
        while True:
            pairs = (pair for dim in found.dims for pair in pairwise(dim))
            after = next((one for pair in pairs if (one := found._with_one(*pair)) is not found), None)
            if after is None:
                return found
            found = after

    def _with_one(self, first: Factor, second: Factor) -> Traced:
        axis = next((each for each in self.axes if second in each), ())
        if self.batch in (first, second) or first not in axis or axis.index(second) != axis.index(first) + 1:
            return self
        whole = Factor(tuple(a * b for a, b in zip(first.sizes, second.sizes, strict=True)))

        def made(axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
            return tuple(tuple(whole if each is second else each for each in own if each is not first) for own in axes)

        return replace(self, axes=made(self.axes), dims=made(self.dims))

    def reshaped(self, wanted: Sequence[Sizes]) -> Traced:
        """The tensor with dimensions of other sizes, each given for all runs; the values keep their order."""
        if any(0 in sizes for sizes in wanted):
            raise NotSayable("an empty tensor")
        found, waiting = self, [factor for dim in self.dims for factor in dim]
        dims: list[Axis] = []
        for sizes in wanted:
            dim: list[Factor] = []
            left = sizes
            if waiting and waiting[0] is self.batch and set(self.batch.sizes) == {1}:
                dim.append(waiting.pop(0))  # one sample, which a size does not show
            while any(n != 1 for n in left):
                if not waiting:
                    raise NotSayable("a reshape to another number of values")
                factor = waiting.pop(0)
                if all(n % have == 0 for n, have in zip(left, factor.sizes, strict=True)):
                    dim.append(factor)
                    left = tuple(n // have for n, have in zip(left, factor.sizes, strict=True))
                    continue
                if factor is self.batch or any(have % n for n, have in zip(left, factor.sizes, strict=True)):
                    raise NotSayable("a reshape whose sizes lie across one another")
                outer = Factor(left)
                inner = Factor(tuple(have // n for n, have in zip(left, factor.sizes, strict=True)))
                found = found.split(factor, (outer, inner))
                dims = [
                    tuple(new for old in axis for new in ((outer, inner) if old is factor else (old,))) for axis in dims
                ]
                dim.append(outer)
                waiting.insert(0, inner)
                left = (1,) * len(left)
            dims.append(tuple(dim))
        if waiting:
            raise NotSayable("a reshape to another number of values")
        return found.with_dims(dims)


def fresh(axis: Axis) -> Axis:
    """New factors of the same sizes, for an axis that a result has beside the same one of another tensor."""
    return tuple(Factor(factor.sizes) for factor in axis)


def factors(shapes: Sequence[Sizes]) -> tuple[Axis, ...]:
    """New axes of the sizes that a shape has in each run."""
    return tuple(() if set(sizes) == {1} else (Factor(tuple(sizes)),) for sizes in zip(*shapes, strict=True))


def size_of(axis: Axis, run: int = 0) -> int:
    return prod(factor.sizes[run] for factor in axis)
