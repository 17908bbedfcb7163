"""Reductions: layers that make one value of all that stand along some axes.

Source: https://docs.pytorch.org/docs/stable/torch.html#reduction-ops
"""

import math
from collections.abc import Mapping
from typing import ClassVar

from planner.diagnostics import Edit
from planner.faults.no_axis_left import NoAxisLeft
from planner.faults.wrong_number_of_sources import WrongNumberOfSources
from planner.faults.wrong_value import WrongValue
from planner.geometry import KEEP, All, Link, Shape
from planner.layers._call import Call
from planner.layers._fields import Dims, Natural, Number
from planner.layers._layer import Layer, axes_of
from planner.layers._links import folded


class _Reduction(Layer):
    """A function of all values along some axes, which vanish, or keep one cell with `keepdim: true`."""

    function: ClassVar[str] = ""
    """PyTorch's method, where its name is not that of the layer in lower case."""
    of_several: ClassVar[str] = ""
    """The layer that does the same with several tensors, cell by cell."""

    dim: Dims
    keepdim: bool = False

    def must_take(self, count: int) -> None:
        if count > 1 and self.of_several:
            help = f"use `type: {self.of_several}` for several tensors, cell by cell"
            fault = WrongNumberOfSources(self.type_name(), count, 1, 1, help=help)
            fault.mends = ((Edit(("type",), self.of_several), Edit(("dim",), action="remove")),)
            raise fault
        super().must_take(count)

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        axes = axes_of(self.dim, x)
        if not self.keepdim:
            if len(axes) == len(x):
                raise NoAxisLeft(self.type_name(), x, keepdim=True)
            return ((folded(x, {axis: All(1) for axis in axes}),),)
        return ((Link.of([All(1) if axis in axes else KEEP for axis in range(len(x))]),),)

    def options(self) -> Mapping[str, object]:
        """The arguments of the call beside the axes."""
        return {}

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        args = {**self.options(), "dim": self.dim, **({"keepdim": True} if self.keepdim else {})}
        target = f"Tensor.{self.function or self.type_name().lower()}"
        return (Call(target, args, along="dim", folds=not self.keepdim),)


class _OfOneAxis(_Reduction):
    dim: int


class Mean(_Reduction):
    """The mean over one or more axes, which vanish, or keep one cell with `keepdim: true`.

    `dim` counts as in PyTorch: [2, 3] are height and width, which is global average pooling and a `Flatten` in one.
    Where the channels are averaged away, the first spatial axis becomes the channels.
    """


class Sum(_Reduction):
    """The sum over one or more axes, which vanish, or keep one cell with `keepdim: true`. `Add` is the sum of tensors.

    `dim` counts as in PyTorch; where the channels are added up, the first spatial axis becomes the channels.
    """

    of_several: ClassVar[str] = "Add"


class Prod(_OfOneAxis):
    """The product over one axis, which vanishes, or keeps one cell with `keepdim: true`. `Multiply` is the product of
    tensors.

    `dim` counts as in PyTorch; where the channels go, the first spatial axis becomes the channels.
    """

    of_several: ClassVar[str] = "Multiply"


class Max(_Reduction):
    """The largest value over one or more axes, which vanish, or keep one cell with `keepdim: true`: PyTorch's `amax`.
    `Maximum` is the larger of tensors.

    `dim` counts as in PyTorch: 1 is the channels; where they go, the first spatial axis becomes the channels.
    """

    function: ClassVar[str] = "amax"
    of_several: ClassVar[str] = "Maximum"


class Min(_Reduction):
    """The smallest value over one or more axes, which vanish, or keep one cell with `keepdim: true`: PyTorch's `amin`.
    `Minimum` is the smaller of tensors.

    `dim` counts as in PyTorch: 1 is the channels; where they go, the first spatial axis becomes the channels.
    """

    function: ClassVar[str] = "amin"
    of_several: ClassVar[str] = "Minimum"


class _Deviation(_Reduction):
    correction: Natural = 1

    def check(self, *inputs: Shape) -> None:
        (x,) = inputs
        count = math.prod(x[axis] for axis in axes_of(self.dim, x))
        if count <= self.correction:
            few = "one value has" if count == 1 else f"{count} values have"
            wanted = f"a whole number below {count}, as {few} no more degrees of freedom"
            raise WrongValue("correction", wanted, self.correction, help="use `correction: 0`", instead=[0])

    def options(self) -> Mapping[str, object]:
        return {} if self.correction == 1 else {"correction": self.correction}


class Var(_Deviation):
    """The variance over one or more axes, which vanish, or keep one cell with `keepdim: true`.

    The sum of squares is divided by the number of values less `correction`: 1 as it stands, which is the unbiased
    estimate; 0, as in normalization layers, divides by their number. `dim` counts as in PyTorch.
    """


class Std(_Deviation):
    """The standard deviation over one or more axes, which vanish, or keep one cell with `keepdim: true`.

    It is the root of `Var`: `correction: 0` divides by the number of values, and 1, as it stands, by one less.
    """


class Norm(_Reduction):
    """The p-norm over one or more axes, which vanish, or keep one cell with `keepdim: true`: the p-th root of the sum
    of |x|^p.

    `dim` counts as in PyTorch: 1 is the length of the vector of channels at each cell.
    """

    p: Number = 2

    def options(self) -> Mapping[str, object]:
        return {"p": self.p}


class LogSumExp(_Reduction):
    """log(Σ exp(x)) over one or more axes, which vanish, or keep one cell with `keepdim: true`: a smooth maximum.

    `dim` counts as in PyTorch.
    """


class ArgMax(_OfOneAxis):
    """The place of the largest value along one axis, which vanishes, or keeps one cell with `keepdim: true`.

    Places are whole numbers, for an `Embedding` to look up or for the caller: layers with weights take none.
    """

    places: ClassVar[tuple[int, ...]] = (0,)


class ArgMin(_OfOneAxis):
    """The place of the smallest value along one axis, which vanishes, or keeps one cell with `keepdim: true`, as in the
    search for the nearest vector of a codebook.

    Places are whole numbers, for an `Embedding` to look up or for the caller: layers with weights take none.
    """

    places: ClassVar[tuple[int, ...]] = (0,)
