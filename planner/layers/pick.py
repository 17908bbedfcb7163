"""Layers that pick cells of an axis, by numbers that stand in the file or in a tensor, and that write into a part.

Source: https://docs.pytorch.org/docs/stable/torch.html and the pages of the functions of the same names.
"""

from typing import ClassVar

from planner.faults.index_out_of_range import IndexOutOfRange
from planner.faults.nothing_selected import NothingSelected
from planner.faults.sizes_differ import SizesDiffer
from planner.faults.wrong_value import WrongValue
from planner.geometry import KEEP, All, AxisMap, Link, Overwritten, Picked, Shape, Shift, Sliced, Written, keep
from planner.layers._call import Call
from planner.layers._fields import Count, Indices
from planner.layers._layer import Layer, axis_name, axis_of, dim_of
from planner.layers._links import along


class IndexSelect(Layer):
    """The listed cells of one axis, in the order of the list; a cell may be listed more than once.

    `dim` counts as in PyTorch: 1 is the channels, 2 the first spatial axis. `{dim: 1, index: [2, 1, 0]}` turns RGB
    into BGR.
    """

    dim: int
    index: Indices

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        axis = axis_of(self.dim, x)
        if (last := max(self.index)) >= x[axis]:
            raise IndexOutOfRange("index", last, x[axis], "index out of range in self", listed=True)
        return ((along(x, axis, Picked(self.index)),),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        index = (*(slice(None),) * dim_of(self.dim, inputs[0]), list(self.index))
        return (Call("Tensor.__getitem__", {"index": index}, along="index"),)


class Gather(Layer):
    """Picks a cell along one axis for every value of the second source, which holds the cells' numbers: the output has
    its shape, and value i of it is the cell number index[i] of the first source.

    `dim` counts as in PyTorch: 1 is the channels, 2 the first spatial axis. On all other axes value i picks among the
    cells at i, of which the first source may have more. Any cell along `dim` may be picked: the analyses count them
    all as read.
    """

    takes: ClassVar[tuple[int, int | None]] = (2, 2)
    indices: ClassVar[tuple[int, ...]] = (1,)

    dim: int

    def check(self, *inputs: Shape) -> None:
        x, index = inputs
        if len(x) != len(index):
            message = "index tensor must have the same number of dimensions as input tensor"
            raise SizesDiffer(message, inputs, help=f"give the second source {len(x.spatial)} spatial axes")
        axis = axis_of(self.dim, x)
        if any(m > n for i, (n, m) in enumerate(zip(x, index, strict=True)) if i != axis):
            message = f"expected index to be no larger than self apart from dimension {dim_of(self.dim, x)}"
            fits = Shape([m if i == axis else min(n, m) for i, (n, m) in enumerate(zip(x, index, strict=True))])
            raise SizesDiffer(message, inputs, help=f"cut the second source to {fits}")

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        x, index = inputs
        maps: list[AxisMap] = [KEEP if n == m else Shift(0, m - n) for n, m in zip(x, index, strict=True)]
        axis = axis_of(self.dim, x)
        maps[axis] = All(index[axis])
        return ((Link.of(maps), keep(len(index.spatial))),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (Call("torch.gather", {"dim": self.dim}, named=("index",), along="dim"),)


class TopK(Layer):
    """The k largest values along one axis, in falling order, and as a second output, `name.1`, the numbers of the cells
    where they were; with `largest: false` the smallest, in rising order.

    `dim` counts as in PyTorch: 1 is the channels; -1, the default, is the last spatial axis, or the channels of a
    vector. Every value depends on all cells along it.
    """

    extras: ClassVar[bool] = True
    places: ClassVar[tuple[int, ...]] = (1,)

    k: Count
    dim: int = -1
    largest: bool = True

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        axis = axis_of(self.dim, x)
        if self.k > x[axis]:
            wanted = f"a whole number from 1 to {x[axis]}, the cells of dimension {dim_of(self.dim, x)} "
            raise WrongValue("k", f"{wanted}(selected index k out of range)", self.k, help=f"write `k: {x[axis]}`")
        return ((along(x, axis, All(self.k)),),) * 2

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        args = {"k": self.k, "dim": self.dim, **({} if self.largest else {"largest": False})}
        return (Call("Tensor.topk", args, positional=("k",), returns=((0,), (1,)), along="dim"),)


class SetSlice(Layer):
    """Writes the second source over the cells start, start + step, … before end of one axis of the first, as Python
    counts: from the end where negative. The first source itself stays as it was.

    `dim` counts as in PyTorch: 1 is the channels, 2 the first spatial axis. What is written over is not read. It is
    PyTorch's `slice_scatter`, for `x[:, :, start:end] = y`.
    """

    takes: ClassVar[tuple[int, int | None]] = (2, 2)

    dim: int
    start: int | None = None
    end: int | None = None
    step: Count = 1

    @property
    def _cut(self) -> Sliced:
        return Sliced(self.start, self.end, self.step)

    def check(self, *inputs: Shape) -> None:
        x, part = inputs
        axis = axis_of(self.dim, x)
        cells = self._cut.length(x[axis])
        if not cells:
            raise NothingSelected(self.start or 0, self.end, axis_name(axis, len(x) - 1), x[axis], name="end")
        wanted = Shape((*x[:axis], cells, *x[axis + 1 :]))
        if part != wanted:
            message = "expected src to have a size equal to the slice of self"
            raise SizesDiffer(message, inputs, help=f"give the second source the shape of the slice, {wanted}")

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        x, part = inputs
        axis = axis_of(self.dim, x)
        n = x[axis]
        start, _, step = slice(self.start, self.end, self.step).indices(n)
        return ((along(x, axis, Overwritten(self._cut)), along(part, axis, Written(start, step, n))),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (Call("torch.slice_scatter", {**self.given(), "dim": self.dim}, along="dim"),)
