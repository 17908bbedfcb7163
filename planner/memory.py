"""Where the elements of tensors lie in memory, and whether two tensors have some in common.

Views are made as PyTorch makes them: https://docs.pytorch.org/docs/stable/tensor_view.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from planner.geometry import Pieces

Sizes = tuple[int, ...]


class Memory(NamedTuple):
    """The places of one sample's elements in a stretch of memory, axis by axis in PyTorch's order, without the batch.

    The element at place i of each axis is at `start` plus the sum of all i times the axis's stride.
    """

    sizes: Sizes
    strides: Sizes
    start: int = 0

    @classmethod
    def packed(cls, sizes: Sizes, order: Sequence[int] | None = None) -> Memory:
        """A tensor stored without gaps, with its axes in the given order from outermost to innermost."""
        strides, step = [0] * len(sizes), 1
        for axis in reversed(range(len(sizes)) if order is None else order):
            strides[axis], step = step, step * sizes[axis]
        return cls(sizes, tuple(strides))

    @property
    def end(self) -> int:
        """The place after the last element."""
        return 1 + self.start + sum((size - 1) * stride for size, stride in zip(self.sizes, self.strides, strict=True))

    @property
    def order(self) -> Sizes:
        """The axes from the outermost to the innermost."""
        return tuple(sorted(range(len(self.sizes)), key=lambda axis: -self.strides[axis]))

    def permuted(self, order: Sizes) -> Memory:
        """The same memory with its axes in another order: axis i of the result is axis order[i]."""
        return Memory(tuple(self.sizes[i] for i in order), tuple(self.strides[i] for i in order), self.start)

    def cut(self, axis: int, cells: range) -> Memory:
        """The view of some cells of one axis."""
        sizes, strides = list(self.sizes), list(self.strides)
        sizes[axis], strides[axis] = len(cells), strides[axis] * cells.step
        return Memory(tuple(sizes), tuple(strides), self.start + cells.start * self.strides[axis])

    def without(self, axis: int) -> Memory:
        """The view of the first cell of an axis; the axis itself vanishes."""
        return Memory(
            self.sizes[:axis] + self.sizes[axis + 1 :], self.strides[:axis] + self.strides[axis + 1 :], self.start
        )

    def regrouped(self, sizes: Sizes) -> Memory | None:
        """The view with other sizes; None where PyTorch has to copy, because axes to be joined do not lie within one
        another.
        """
        runs: list[tuple[int, int]] = []
        """Nested axes, from the outermost: how many elements each holds, and how far apart these are"""
        for size, stride in zip(self.sizes, self.strides, strict=True):
            if size > 1 and runs and runs[-1][1] == size * stride:
                runs[-1] = (runs[-1][0] * size, stride)
            elif size > 1:
                runs.append((size, stride))
        strides = []
        held, apart = 1, 1
        for size in reversed(sizes):
            if held == 1 and size > 1:
                held, apart = runs.pop()
            if held % size:
                return None
            strides.append(apart)
            held, apart = held // size, apart * size
        return Memory(sizes, tuple(reversed(strides)), self.start)

    def rearranged(self, pieces: Pieces) -> Memory | None:
        """The view with its axes parted and joined in another way; None where PyTorch has to copy."""
        ins, outs = ((axes[-1], *axes[:-1]) for axes in (pieces.ins, pieces.outs))
        order = [i for axis in ins for i in axis]
        parted = self.regrouped(tuple(pieces.sizes[i] for i in order))
        if parted is None:
            return None
        turned = parted.permuted(tuple(order.index(i) for axis in outs for i in axis))
        return turned.regrouped(tuple(prod(pieces.sizes[i] for i in axis) for axis in outs))

    @property
    def repeats(self) -> bool:
        """Whether one place in memory holds several elements, as after `expand`."""
        return any(size > 1 and not stride for size, stride in zip(self.sizes, self.strides, strict=True))

    def meets(self, other: Memory) -> bool:
        """Whether this tensor has an element at the same place in memory as another tensor."""
        # The difference between an address of this memory and one of the other, whose axes are counted from their ends.
        most: Counter[int] = Counter()
        for each in (self, other):
            for size, stride in zip(each.sizes, each.strides, strict=True):
                most[stride] += size - 1
        terms = sorted(((stride, count) for stride, count in most.items() if count), reverse=True)
        return _is_sum(terms, other.end - 1 - self.start)


def _is_sum(terms: list[tuple[int, int]], total: int) -> bool:
    """Whether a total is a sum of terms, the largest first, each taken up to a given number of times."""
    rests = [prod(term) for term in terms]
    left = [sum(rests[i:]) for i in range(len(terms) + 1)]
    tried = set()
    stack = [(0, total)]
    while stack:
        at, wanted = stack.pop()
        if at == len(terms):
            if not wanted:
                return True
            continue
        term, count = terms[at]
        for times in range(max(0, -((left[at + 1] - wanted) // term)), min(count, wanted // term) + 1):
            state = (at + 1, wanted - times * term)
            if state not in tried:
                tried.add(state)
                stack.append(state)
    return False
