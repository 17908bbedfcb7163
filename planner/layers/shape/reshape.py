"""Layers that regroup axes, in PyTorch's order, channels first, so that a value ends up where PyTorch has it.

Source: https://docs.pytorch.org/docs/stable/tensor_view.html and the pages of the functions of the same names.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from operator import mul

from pydantic import Field

from planner.faults.dims_out_of_order import DimsOutOfOrder
from planner.faults.elements_differ import ElementsDiffer
from planner.geometry import KEEP, All, AxisMap, Link, Pieces, Raveled, Shape, Spread, Window
from planner.layers._call import Call
from planner.layers._fields import ShapeSizesOrRest
from planner.layers._layer import Layer, Sizes, dim_of
from planner.memory import Memory


class _Regrouping(Layer):
    """Leaves the values in their order and changes the sizes."""

    def regrouped(self, x: Shape) -> Shape:
        raise NotImplementedError

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        return ((_regrouping(x, self.regrouped(x)),),)

    def outputs(self, links: tuple[tuple[Link, ...], ...], *inputs: Shape) -> tuple[Shape, ...]:
        return (self.regrouped(inputs[0]),)

    def views(self, x: Memory, *, training: bool) -> tuple[Memory, ...] | None:
        view = x.regrouped(self.regrouped(Shape.of_torch(x.sizes)).torch)
        return (view,) if view is not None else None


def _regrouping(x: Shape, y: Shape) -> Link:
    """The link of values that stay in PyTorch's order, channels first, while the sizes change from x to y.

    The pieces say it exactly, where both have some in common. The maps say what is read at most: each axis of x is
    written into the leading axis of the stretch of y that holds the same values, and where one is parted, what follows
    the leading axis counts as reading all its cells.
    """
    axes: list[AxisMap] = [All(1)] * len(x.spatial)
    onto: list[int | None] = [None] * len(x.spatial)
    channels: AxisMap = All(y.channels)
    for ins, outs in _stretches(x.torch, y.torch):
        leads = outs[0] or (outs[1] if len(outs) > 1 else 0)
        for axis in ins:
            outer = math.prod(x.torch[each] for each in ins if each < axis)
            inner = math.prod(x.torch[each] for each in ins if each > axis)
            if not axis and not outs[0]:
                wanted = math.prod(y.torch[each] for each in outs[1:])
                channels = _parted(inner, wanted, y.channels)
            elif axis and leads:
                onto[axis - 1] = leads - 1
                if len(outs) == 1:
                    axes[axis - 1] = KEEP if len(ins) == 1 else Raveled(KEEP, inner, outer)
                elif len(ins) == 1:
                    axes[axis - 1] = _parted(1, x.torch[axis] // y.torch[leads], y.torch[leads])
                else:
                    axes[axis - 1] = All(y.torch[leads])
    return Link(tuple(axes), channels, tuple(onto), pieces=_common_pieces(x, y))


def _common_pieces(x: Shape, y: Shape) -> Pieces | None:
    """The pieces that the axes of both shapes are made of, in PyTorch's order; None where their edges lie across one
    another, as where 4×6 becomes 3×8.
    """
    sizes: list[int] = []
    ins: list[tuple[int, ...]] = [()] * len(x)
    outs: list[tuple[int, ...]] = [()] * len(y)
    for here, there in _stretches(x.torch, y.torch):
        known = sorted({1, *_edges(here, x), *_edges(there, y)})
        if any(after % before for before, after in pairwise(known)):
            return None
        steps = [after // before for before, after in pairwise(known)][::-1]
        numbers = range(len(sizes), len(sizes) + len(steps))
        sizes += steps
        for axes, shape, found in ((here, x, ins), (there, y, outs)):
            taken = iter(zip(numbers, steps, strict=True))
            for axis in axes:
                own, held = [], 1
                while held < shape.torch[axis]:
                    number, n = next(taken)
                    own.append(number)
                    held *= n
                found[(axis - 1) % len(shape)] = tuple(own)
    return Pieces(tuple(sizes), tuple(ins), tuple(outs))


def _edges(axes: Sequence[int], x: Shape) -> Iterator[int]:
    """How many values lie within each axis of a stretch together with those behind it."""
    return accumulate((x.torch[axis] for axis in reversed(axes)), mul)


def _parted(held: int, wanted: int, length: int) -> AxisMap:
    """The map of the cells of a leading axis, which hold `held` values each, to those of one of `length` that want
    `wanted`.
    """
    if held == wanted:
        return KEEP
    if held % wanted == 0:
        return Spread(held // wanted, held // wanted)
    return Window(wanted // held, wanted // held) if wanted % held == 0 else All(length)


def _stretches(a: Sizes, b: Sizes) -> Iterator[tuple[list[int], list[int]]]:
    """The shortest stretches of axes that hold the same number of values in both; axes of size 1 may be left out."""
    i = j = 0
    while i < len(a) and j < len(b):
        if a[i] != b[j] and 1 in (a[i], b[j]):
            i, j = i + (a[i] == 1), j + (a[i] != 1)
            continue
        ins, outs, held, wanted = [i], [j], a[i], b[j]
        while held != wanted:
            if held < wanted:
                ins.append(i := i + 1)
                held *= a[i]
            else:
                outs.append(j := j + 1)
                wanted *= b[j]
        yield ins, outs
        i, j = i + 1, j + 1


class Flatten(_Regrouping):
    """Joins the axes from start_dim to end_dim into one. As it stands, H×W×C becomes a vector of C·H·W.

    Dimensions count as in PyTorch: `start_dim: 2` keeps the channels and makes the sequence H·W×C of the cells, row by
    row. In a vector, channel c of cell (h, w) is at c·H·W + h·W + w.
    """

    start_dim: int = 1
    end_dim: int = -1

    def regrouped(self, x: Shape) -> Shape:
        start, end, sizes = dim_of(self.start_dim, x, "start_dim"), dim_of(self.end_dim, x, "end_dim"), x.torch
        if start > end:
            raise DimsOutOfOrder(self.start_dim, self.end_dim, x)
        return Shape.of_torch((*sizes[: start - 1], math.prod(sizes[start - 1 : end]), *sizes[end:]))


class Unflatten(_Regrouping):
    """Parts one axis into several, whose sizes multiply to its own; one of them may be -1, the rest.

    `dim` counts as in PyTorch: `dim: 1` parts the channels into channels and leading spatial axes, as at the start of
    a generator: `unflattened_size: [512, 4, 4]` makes 4×4×512 of a vector of 8192.
    """

    dim: int
    unflattened_size: ShapeSizesOrRest = Field(description="Sizes in PyTorch's order.")

    def regrouped(self, x: Shape) -> Shape:
        dim, sizes = dim_of(self.dim, x), x.torch
        parts = _without_rest("unflattened_size", self.unflattened_size, sizes[dim - 1])
        return Shape.of_torch((*sizes[: dim - 1], *parts, *sizes[dim:]))


class Reshape(_Regrouping):
    """Gives the values another shape of as many values, written as all shapes are, channels last; one size may be
    -1, the rest.

    The values keep PyTorch's order: all of the first channel, then all of the second. So `shape: [196, 768]` makes
    the sequence of cells of 14×14×768, and `shape: [4, 4, 512]` a 4×4 image of a vector of 8192.
    """

    shape: ShapeSizesOrRest = Field(description="The new shape, channels last, without the batch.")

    def regrouped(self, x: Shape) -> Shape:
        return Shape(_without_rest("shape", self.shape, x.elements))

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (Call("Tensor.reshape", {"shape": (-1, *self.regrouped(inputs[0]).torch)}, positional=("shape",)),)


def _without_rest(name: str, sizes: Sizes, total: int) -> Sizes:
    """Sizes that multiply to the total, with the number that -1 stands for."""
    rest, over = divmod(total, math.prod(size for size in sizes if size > 0))
    if over or (rest != 1 and -1 not in sizes):
        raise ElementsDiffer(name, sizes, total)
    return tuple(size if size > 0 else rest for size in sizes)
