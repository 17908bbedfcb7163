"""Layers that cut or pick along an axis.

Source: https://docs.pytorch.org/docs/stable/tensor_view.html and the pages of the functions of the same names.
"""

from itertools import accumulate, pairwise

from planner.faults.index_out_of_range import IndexOutOfRange
from planner.faults.no_axis_left import NoAxisLeft
from planner.faults.nothing_selected import NothingSelected
from planner.faults.parts_do_not_add_up import PartsDoNotAddUp
from planner.faults.too_many_outputs import TooManyOutputs
from planner.geometry import Link, Shape, Sliced
from planner.layers._call import Call
from planner.layers._fields import Count, Counts
from planner.layers._layer import Layer, Sizes, axis_name, axis_of, dim_of
from planner.layers._links import along, folded
from planner.memory import Memory

MOST_OUTPUTS = 10_000


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
