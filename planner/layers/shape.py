"""Layers that only move values to other places: they flatten, cut, pick, exchange and regroup axes.

Sizes are regrouped in PyTorch's order, channels first, so that a value ends up where PyTorch has it.

Source: https://docs.pytorch.org/docs/stable/tensor_view.html and the pages of the functions of the same names.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from operator import mul

from pydantic import Field

from planner.faults.dims_out_of_order import DimsOutOfOrder
from planner.faults.elements_differ import ElementsDiffer
from planner.faults.index_out_of_range import IndexOutOfRange
from planner.faults.no_axis_left import NoAxisLeft
from planner.faults.not_an_order import NotAnOrder
from planner.faults.nothing_selected import NothingSelected
from planner.faults.parts_do_not_add_up import PartsDoNotAddUp
from planner.faults.too_many_outputs import TooManyOutputs
from planner.geometry import KEEP, All, AxisMap, Link, Pieces, Raveled, Shape, Sliced, Spread, Window
from planner.layers._call import Call
from planner.layers._fields import Count, Counts, DimOrder, ShapeSizesOrRest
from planner.layers._layer import Layer, Sizes, axis_name, axis_of, dim_of
from planner.layers._links import along, folded
from planner.memory import Memory

MOST_OUTPUTS = 10_000


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


class _Reordering(Layer):
    """Puts the axes in another order."""

    def order(self, x: Shape) -> Sizes:
        """For each axis of the result in PyTorch's order, batch left out, which one of the input it is."""
        raise NotImplementedError

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        order = self.order(x)
        if not order[0]:
            return (
                (Link((KEEP,) * len(x.spatial), KEEP, tuple(order.index(i + 1) - 1 for i in range(len(x.spatial)))),),
            )
        axes = tuple(All(1) if i + 1 == order[0] else KEEP for i in range(len(x.spatial)))
        onto = tuple(None if i + 1 == order[0] else order.index(i + 1) - 1 for i in range(len(x.spatial)))
        return ((Link(axes, All(x.torch[order[0]]), onto, pieces=self._pieces(x)),),)

    def _pieces(self, x: Shape) -> Pieces:
        """Every axis in one piece, which goes elsewhere."""
        places = [(axis - 1) % len(x) for axis in self.order(x)]
        outs = (*places[1:], places[0])
        return Pieces(tuple(x), tuple((axis,) for axis in range(len(x))), tuple((axis,) for axis in outs))

    def outputs(self, links: tuple[tuple[Link, ...], ...], *inputs: Shape) -> tuple[Shape, ...]:
        (x,) = inputs
        return (Shape.of_torch(tuple(x.torch[axis] for axis in self.order(x))),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        dims = (0, *(axis + 1 for axis in self.order(inputs[0])))
        return (Call("Tensor.permute", {"dims": dims}, positional=("dims",)),)

    def views(self, x: Memory, *, training: bool) -> tuple[Memory, ...] | None:
        return (x.permuted(self.order(Shape.of_torch(x.sizes))),)


class Permute(_Reordering):
    """Puts the axes in another order: axis i of the result is axis dims[i] of the input, counted as in PyTorch.

    All axes are listed, the batch first: `dims: [0, 1, 3, 2]` exchanges height and width, `[0, 2, 1]` the channels and
    the sequence of L×C.
    """

    dims: DimOrder

    def order(self, x: Shape) -> Sizes:
        rank = len(x) + 1
        dims = tuple(dim % rank for dim in self.dims if -rank <= dim < rank)
        if sorted(dims) != list(range(rank)) or len(self.dims) != rank or dims[0]:
            raise NotAnOrder(self.dims, x)
        return tuple(dim - 1 for dim in dims[1:])


class Transpose(_Reordering):
    """Exchanges two axes: `{dim0: 2, dim1: 3}` height and width of H×W×C, `{dim0: 1, dim1: 2}` the channels and the
    sequence of L×C.

    Dimensions count as in PyTorch: 1 is the channels, 2 the first spatial axis, -1 the last one; the batch stays where
    it is.
    """

    dim0: int
    dim1: int

    def order(self, x: Shape) -> Sizes:
        first, second = dim_of(self.dim0, x, "dim0") - 1, dim_of(self.dim1, x, "dim1") - 1
        exchanged = {first: second, second: first}
        return tuple(exchanged.get(axis, axis) for axis in range(len(x)))


class Slice(Layer):
    """The cells start, start + step, … before stop of one axis, as Python counts: from the end where negative.

    `dim` counts as in PyTorch: 1 is the channels, 2 the first spatial axis.
    """

    dim: int
    start: int = 0
    stop: int | None = None
    step: Count = 1

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        axis = axis_of(self.dim, x)
        cut = Sliced(self.start, self.stop, self.step)
        if cut.length(x[axis]) < 1:
            raise NothingSelected(self.start, self.stop, axis_name(axis, len(x) - 1), x[axis])
        return ((along(x, axis, cut),),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        dim = dim_of(self.dim, inputs[0])
        begins = type(self.start) is int and not self.start
        cut = slice(None if begins else self.start, self.stop, None if self.step == 1 else self.step)
        return (Call("Tensor.__getitem__", {"index": (*(slice(None),) * dim, cut)}, along="index"),)

    def views(self, x: Memory, *, training: bool) -> tuple[Memory, ...] | None:
        axis = dim_of(self.dim, Shape.of_torch(x.sizes)) - 1
        return (x.cut(axis, range(x.sizes[axis])[self.start : self.stop : self.step]),)


class Select(Layer):
    """One cell of an axis, which vanishes: `dim: 2, index: 0` of the tokens L×C is the vector of the first token.

    `dim` counts as in PyTorch; a negative index counts from the end. Where the channels go, the first spatial axis
    becomes the channels.
    """

    dim: int
    index: int

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        axis = axis_of(self.dim, x)
        n = x[axis]
        if not -n <= self.index < n:
            raise IndexOutOfRange("index", self.index, n, "index out of range")
        if len(x) == 1:
            raise NoAxisLeft("Select", x)
        return ((folded(x, {axis: Sliced(self.index % n, self.index % n + 1)}),),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        args = {"dim": self.dim, "index": self.index}
        return (Call("Tensor.select", args, positional=("dim", "index"), along="dim", folds=True),)

    def views(self, x: Memory, *, training: bool) -> tuple[Memory, ...] | None:
        axis = dim_of(self.dim, Shape.of_torch(x.sizes)) - 1
        at = self.index % x.sizes[axis]
        return (x.cut(axis, range(at, at + 1)).without(axis),)


class _Parts(Layer):
    """Cuts one axis into consecutive parts: one output each."""

    dim: int = 1

    def parts(self, n: int) -> Sizes:
        """The sizes that n cells are cut into."""
        raise NotImplementedError

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        axis = axis_of(self.dim, x)
        bounds = pairwise(accumulate(self.parts(x[axis]), initial=0))
        return tuple((along(x, axis, Sliced(start, stop)),) for start, stop in bounds)

    def _call(self, target: str, args: dict[str, object], x: Shape) -> Call:
        count = len(self.parts(x[axis_of(self.dim, x)]))
        (first, *_) = args
        return Call(target, args, positional=(first,), returns=tuple((i,) for i in range(count)), along="dim")

    def views(self, x: Memory, *, training: bool) -> tuple[Memory, ...] | None:
        axis = dim_of(self.dim, Shape.of_torch(x.sizes)) - 1
        bounds = pairwise(accumulate(self.parts(x.sizes[axis]), initial=0))
        return tuple(x.cut(axis, range(start, stop)) for start, stop in bounds)


def _equal_parts(n: int, size: int, type: str) -> Sizes:
    count = -(-n // size)
    if count > MOST_OUTPUTS:
        raise TooManyOutputs(type, count, MOST_OUTPUTS)
    return (*(size,) * (count - 1), n - size * (count - 1))


class Split(_Parts):
    """Cuts one axis into parts of split_size, the last one smaller where it does not divide, or into a list of sizes.

    `dim` counts as in PyTorch: 1, the default, is the channels. The parts are `name.0`, `name.1`, …
    """

    split_size: Counts

    def parts(self, n: int) -> Sizes:
        if isinstance(self.split_size, int):
            return _equal_parts(n, self.split_size, "Split")
        if sum(self.split_size) != n:
            raise PartsDoNotAddUp(self.split_size, n)
        if len(self.split_size) > MOST_OUTPUTS:
            raise TooManyOutputs("Split", len(self.split_size), MOST_OUTPUTS)
        return self.split_size

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (self._call("Tensor.split", {"split_size_or_sections": self.split_size, "dim": self.dim}, inputs[0]),)


class Chunk(_Parts):
    """Cuts one axis into as many equal parts as asked for: each of ceil(n / chunks) cells, the last one smaller.

    There are fewer parts where that many cells run out before: 5 cells in 4 chunks are 2, 2 and 1.
    `dim` counts as in PyTorch: 1, the default, is the channels. The parts are `name.0`, `name.1`, …
    """

    chunks: Count

    def parts(self, n: int) -> Sizes:
        return _equal_parts(n, -(-n // self.chunks), "Chunk")

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (self._call("Tensor.chunk", {"chunks": self.chunks, "dim": self.dim}, inputs[0]),)
