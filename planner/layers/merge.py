"""Layers that bring tensors, or the cells of one, together.

Where sizes may differ is said exactly: PyTorch would silently repeat a single cell or channel in a sum, which hides
mistakes.
"""

from typing import ClassVar

from pydantic import Field

from planner.faults.no_axis_left import NoAxisLeft
from planner.faults.repeated_dim import RepeatedDim
from planner.faults.sizes_differ import SizesDiffer
from planner.geometry import KEEP, All, AxisMap, Link, Shape, Shift
from planner.layers._fields import Dims
from planner.layers._layer import Call, Layer, along, axis_of, dim_of, folded


class _CellByCell(Layer):
    """An operator on tensors of one shape, cell by cell; where it repeats, a size of 1 stands for any."""

    takes: ClassVar[tuple[int, int | None]] = (2, None)
    operator: ClassVar[str]

    def repeats(self) -> bool:
        """Whether an axis of one cell is repeated to the length of the others."""
        raise NotImplementedError

    def check(self, *inputs: Shape) -> None:
        if len(set(inputs)) == 1:
            return
        same_rank = len(set(map(len, inputs))) == 1
        fits = same_rank and all(len({n for n in sizes if n > 1}) <= 1 for sizes in zip(*inputs, strict=True))
        if not (fits and self.repeats()):
            raise SizesDiffer("sizes of tensors must match", inputs, repeats=fits)

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        sizes = tuple(map(max, zip(*inputs, strict=True)))
        return (tuple(_repeated(x, sizes) for x in inputs),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (Call(f"operator.{self.operator}", layout="any"),)


def _repeated(x: Shape, sizes: tuple[int, ...]) -> Link:
    maps: list[AxisMap] = [KEEP if n == size else All(size) for n, size in zip(x, sizes, strict=True)]
    return Link(tuple(maps[:-1]), maps[-1])


class _Sum(_CellByCell):
    broadcast: bool = Field(False, description="Whether an axis of size 1 is repeated to the length of the others.")

    def repeats(self) -> bool:
        return self.broadcast


class Add(_Sum):
    """The sum of two or more tensors of one shape, cell by cell; a residual connection.

    PyTorch repeats an axis of size 1 to the length of the other without a word; here that needs `broadcast: true`.
    """

    operator: ClassVar[str] = "add"


class Subtract(_Sum):
    """The first tensor minus all others, cell by cell; all have one shape, unless `broadcast: true`."""

    operator: ClassVar[str] = "sub"


class Multiply(_CellByCell):
    """The product of two or more tensors, cell by cell, as in a gate: an axis of size 1 is repeated to the length of
    the others.

    So a squeeze-and-excitation gate of 1×1×C scales the channels of H×W×C. All must have the same number of axes.
    """

    operator: ClassVar[str] = "mul"

    def repeats(self) -> bool:
        return True


class Concat(Layer):
    """Joins tensors one after the other along one axis; all other axes must be equal.

    `dim` counts as in PyTorch: 1, the default, is the channels; tokens L×C are joined along the sequence by `dim: 2`.
    """

    takes: ClassVar[tuple[int, int | None]] = (1, None)

    dim: int = 1

    def check(self, *inputs: Shape) -> None:
        axis = axis_of(self.dim, inputs[0])
        if len(set(map(len, inputs))) > 1:
            raise SizesDiffer("tensors must have same number of dimensions", inputs)
        if len({(*x[:axis], *x[axis + 1 :]) for x in inputs}) > 1:
            message = f"sizes of tensors must match except in dimension {dim_of(self.dim, inputs[0])}"
            raise SizesDiffer(message, inputs, free=axis)

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        axis = axis_of(self.dim, inputs[0])
        before, total = 0, sum(x[axis] for x in inputs)
        found = []
        for x in inputs:
            found.append(along(x, axis, Shift(before, total - before - x[axis])))
            before += x[axis]
        return (tuple(found),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (Call("torch.cat", {"dim": self.dim}, gathers=True, along="dim"),)


class Stack(Layer):
    """Lays tensors of one shape beside each other along a new axis, which gets as many cells as there are tensors.

    `dim` is the new axis, counted in the result. With `dim: 1` the new axis is the channels, and what was the channels
    becomes the first spatial axis. Each tensor is one cell of the new axis; the analyses count it as read wherever any
    cell of that axis is.
    """

    takes: ClassVar[tuple[int, int | None]] = (1, None)

    dim: int

    def check(self, *inputs: Shape) -> None:
        dim_of(self.dim, inputs[0], new=True)
        if len(set(inputs)) > 1:
            raise SizesDiffer("stack expects each tensor to be equal size", inputs)

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        x = inputs[0]
        rank, new = len(x.spatial), axis_of(self.dim, x, new=True)
        if new == len(x):
            link = Link((KEEP,) * rank, All(len(inputs)), tuple(range(1, rank + 1)))
        else:
            link = Link((KEEP,) * rank, KEEP, tuple(axis + (axis >= new) for axis in range(rank)))
        return ((link,) * len(inputs),)

    def outputs(self, links: tuple[tuple[Link, ...], ...], *inputs: Shape) -> tuple[Shape, ...]:
        sizes = list(inputs[0].torch)
        sizes.insert(dim_of(self.dim, inputs[0], new=True) - 1, len(inputs))
        return (Shape.of_torch(tuple(sizes)),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (Call("torch.stack", {"dim": self.dim}, gathers=True),)


class Mean(Layer):
    """The mean over one or more axes, which vanish, or keep one cell with `keepdim: true`.

    `dim` counts as in PyTorch: [2, 3] are height and width, which is global average pooling and a `Flatten` in one.
    Where the channels are averaged away, the first spatial axis becomes the channels.
    """

    dim: Dims
    keepdim: bool = False

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        dims = (self.dim,) if isinstance(self.dim, int) else self.dim
        axes = [axis_of(dim, x) for dim in dims]
        for i, axis in enumerate(axes):
            if axis in axes[:i]:
                raise RepeatedDim(dims[i], dims[axes.index(axis)])
        if not self.keepdim:
            if len(axes) == len(x):
                raise NoAxisLeft("Mean", x)
            return ((folded(x, {axis: All(1) for axis in axes}),),)
        maps: list[AxisMap] = [All(1) if axis in axes else KEEP for axis in range(len(x))]
        return ((Link(tuple(maps[:-1]), maps[-1]),),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        args = {"dim": self.dim, **({"keepdim": True} if self.keepdim else {})}
        return (Call("Tensor.mean", args, along="dim", folds=not self.keepdim),)
