"""Layers that put tensors beside one another along an axis."""

from typing import ClassVar

from planner.faults.sizes_differ import SizesDiffer
from planner.geometry import Link, Shape, Shift
from planner.layers._call import Call
from planner.layers._layer import Layer, axis_of, dim_of
from planner.layers._links import along, inserted


class Concat(Layer):
    """Joins tensors one after the other along one axis; all other axes must be equal.

    `dim` counts as in PyTorch: 1, the default, is the channels; tokens L×C are joined along the sequence by `dim: 2`.
    """

    takes: ClassVar[tuple[int, int | None]] = (1, None)
    keeps_whole: ClassVar[bool] = True

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
    keeps_whole: ClassVar[bool] = True

    dim: int

    def check(self, *inputs: Shape) -> None:
        dim_of(self.dim, inputs[0], new=True)
        if len(set(inputs)) > 1:
            raise SizesDiffer("stack expects each tensor to be equal size", inputs)

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        x, count = inputs[0], len(inputs)
        return ((inserted(x, axis_of(self.dim, x, new=True), count),) * count,)

    def outputs(self, links: tuple[tuple[Link, ...], ...], *inputs: Shape) -> tuple[Shape, ...]:
        sizes = list(inputs[0].torch)
        sizes.insert(dim_of(self.dim, inputs[0], new=True) - 1, len(inputs))
        return (Shape.of_torch(tuple(sizes)),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (Call("torch.stack", {"dim": self.dim}, gathers=True),)
