"""Layers that exchange axes.

Source: https://docs.pytorch.org/docs/stable/tensor_view.html and the pages of the functions of the same names.
"""

from planner.faults.not_an_order import NotAnOrder
from planner.geometry import KEEP, All, Link, Pieces, Shape
from planner.layers._call import Call
from planner.layers._fields import DimOrder
from planner.layers._layer import Layer, Sizes, dim_of
from planner.memory import Memory


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
