"""Layers that turn axes round, add and drop axes of one cell, and repeat the cells of an axis.

Source: the pages of the functions of the same names in https://docs.pytorch.org/docs/stable/torch.html
"""

from planner.faults.cannot_expand import CannotExpand
from planner.faults.no_axis_left import NoAxisLeft
from planner.faults.wrong_value import WrongValue
from planner.geometry import KEEP, All, AxisMap, Flipped, Link, Raveled, Rolled, Shape, broadcast, keep
from planner.layers._call import Call
from planner.layers._fields import Count, Dims, ExpandedSizes, Repeats
from planner.layers._layer import Layer, Sizes, axes_of, axis_of, dim_of
from planner.layers._links import along, folded, inserted
from planner.memory import Memory


def _listed(dims: int | Sizes) -> Sizes:
    return (dims,) if isinstance(dims, int) else dims


class Roll(Layer):
    """Moves the cells of an axis on by `shifts`; those that leave at one end come in at the other, as when Swin
    shifts its windows.

    `dims` count as in PyTorch: 1 is the channels, 2 the first spatial axis; there are as many `shifts` as `dims`.
    Cell i of the result is cell i − shift of the input: `{shifts: [-3, -3], dims: [2, 3]}` moves an image up and left.
    """

    shifts: Dims
    dims: Dims

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        shifts, dims = _listed(self.shifts), _listed(self.dims)
        if len(shifts) != len(dims):
            wanted = f"as many numbers as `dims`, which has {len(dims)} (shifts and dimensions must align)"
            raise WrongValue("shifts", wanted, self.shifts)
        maps: list[AxisMap] = [KEEP] * len(x)
        for axis in dict.fromkeys(axes := [axis_of(dim, x, "dims") for dim in dims]):
            maps[axis] = Rolled(sum(shift for shift, at in zip(shifts, axes, strict=True) if at == axis))
        return ((Link.of(maps),),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (Call("torch.roll", {"shifts": self.shifts, "dims": self.dims}, along="dims"),)


class Flip(Layer):
    """Turns axes round: the last cell becomes the first, as for a branch that reads a sequence backwards.

    `dims` count as in PyTorch: 2 is the first spatial axis, [3] mirrors an image from left to right.
    """

    dims: Dims

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        axes = axes_of(self.dims, x, "dims")
        return ((Link.of([Flipped() if axis in axes else KEEP for axis in range(len(x))]),),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (Call("Tensor.flip", {"dims": _listed(self.dims)}, positional=("dims",), along="dims"),)


class Squeeze(Layer):
    """Drops an axis of one cell, or several; axes of more cells stay, as in PyTorch.

    `dim` counts as in PyTorch: `dim: [2, 3]` makes a vector of 1×1×C. Where the channels go, the first spatial axis
    becomes the channels. The batch always stays.
    """

    dim: Dims

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        away = [axis for axis in axes_of(self.dim, x) if x[axis] == 1]
        if len(away) == len(x):
            raise NoAxisLeft("Squeeze", x)
        return ((folded(x, {axis: All(1) for axis in away}) if away else keep(len(x.spatial)),),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        positional = ("dim",) if isinstance(self.dim, int) else ()
        return (Call("Tensor.squeeze", {"dim": self.dim}, positional=positional, along="dim", folds=True),)

    def views(self, x: Memory, *, training: bool) -> tuple[Memory, ...] | None:
        shape = Shape.of_torch(x.sizes)
        for dim in sorted((dim_of(dim, shape) for dim in _listed(self.dim)), reverse=True):
            x = x.without(dim - 1) if x.sizes[dim - 1] == 1 else x
        return (x,)


class Unsqueeze(Layer):
    """Adds an axis of one cell.

    `dim` is where the new axis stands in the result, as PyTorch counts: of a vector, `dim: 2` makes a sequence of one
    cell, 1×C. With `dim: 1` the new axis is the channels, and what was the channels becomes the first spatial axis.
    """

    dim: int

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        return ((inserted(x, axis_of(self.dim, x, new=True)),),)

    def outputs(self, links: tuple[tuple[Link, ...], ...], *inputs: Shape) -> tuple[Shape, ...]:
        return (Shape.of_torch(self._with_axis(inputs[0].torch)),)

    def _with_axis(self, sizes: Sizes) -> Sizes:
        at = dim_of(self.dim, Shape.of_torch(sizes), new=True) - 1
        return (*sizes[:at], 1, *sizes[at:])

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (Call("Tensor.unsqueeze", {"dim": self.dim}, positional=("dim",)),)

    def views(self, x: Memory, *, training: bool) -> tuple[Memory, ...] | None:
        return (Memory(self._with_axis(x.sizes), self._with_axis(x.strides), x.start),)


class Expand(Layer):
    """Repeats axes of one cell to a length, without copying.

    `size` has PyTorch's order, the batch first: -1 keeps a size, and always stands for the batch. So
    `size: [-1, -1, 14, 14]` spreads a vector in the form of 1×1×C over 14×14×C.
    """

    size: ExpandedSizes

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        if len(self.size) != len(x) + 1 or self.size[0] != -1:
            example = [-1] * (len(x) + 1)
            wanted = f"a size for each of the {len(x) + 1} dimensions, -1 for the batch, as in {example}"
            raise WrongValue("size", wanted, self.size)
        for dim, (n, size) in enumerate(zip(x.torch, self.size[1:], strict=True), 1):
            if size != -1 and n not in (1, size):
                raise CannotExpand(size, n, dim, x)
        first, *spatial = self.size[1:]
        sizes = zip(x, (*spatial, first), strict=True)
        return ((Link.of([broadcast(n, n if size == -1 else size) for n, size in sizes]),),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (Call("Tensor.expand", {"size": self.size}, positional=("size",)),)

    def views(self, x: Memory, *, training: bool) -> tuple[Memory, ...] | None:
        kept = [size in (-1, n) for n, size in zip(x.sizes, self.size[1:], strict=True)]
        sizes = tuple(n if keeps else size for n, size, keeps in zip(x.sizes, self.size[1:], kept, strict=True))
        return (Memory(sizes, tuple(step * keeps for step, keeps in zip(x.strides, kept, strict=True)), x.start),)


class RepeatInterleave(Layer):
    """Repeats every cell of an axis so many times, one after the other: cell i of the result is cell i // repeats, as
    when a few heads of keys serve several heads of queries.

    `dim` counts as in PyTorch: 1 is the channels, 2 the first spatial axis.
    """

    repeats: Count
    dim: int

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        return ((along(x, axis_of(self.dim, x), Raveled(KEEP, inner=self.repeats)),),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        args = {"repeats": self.repeats, "dim": self.dim}
        return (Call("torch.repeat_interleave", args, along="dim"),)


class Tile(Layer):
    """Lays the whole tensor beside itself, so many times along each axis: cell i of the result is cell i mod n.

    `dims` has PyTorch's order and counts from the last axis: `dims: [2, 3]` repeats an image twice downwards and three
    times to the right, `dims: [1, 4, 1, 1]` its channels four times. The batch stays.
    """

    dims: Repeats

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        rank = len(x) + 1
        times = (*(1,) * (rank - len(self.dims)), *self.dims)
        if len(self.dims) > rank or times[0] != 1:
            raise WrongValue("dims", f"a number for each of the {rank} dimensions at most, 1 for the batch", self.dims)
        _, channels, *spatial = times
        maps = [Raveled(KEEP, outer=count) if count > 1 else KEEP for count in (*spatial, channels)]
        return ((Link.of(maps),),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (Call("Tensor.tile", {"dims": self.dims}, positional=("dims",)),)
