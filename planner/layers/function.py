"""Functions of each value by itself, or of all values along one axis, that PyTorch has as methods of its tensors.

Those that PyTorch also has as modules (Sigmoid, Tanh, …) stand with the activations.

Source: https://docs.pytorch.org/docs/stable/torch.html#pointwise-ops
"""

from typing import ClassVar

from pydantic import Field

from planner.faults.bounds_out_of_order import BoundsOutOfOrder
from planner.faults.missing_key import MissingKey
from planner.faults.wrong_number_of_sources import WrongNumberOfSources
from planner.geometry import All, Link, Prefix, Shape
from planner.layers._call import Call, Layout
from planner.layers._fields import Number, NumberOrNone
from planner.layers._layer import Layer, axis_of
from planner.layers._links import along
from planner.layers.merge._cell_by_cell import meeting, must_meet


class _PointwiseFunction(Layer):
    """A function of each value by itself, which is the method of the same name in lower case."""

    layout: ClassVar[Layout] = "any"

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (Call(f"Tensor.{self.type_name().lower()}", layout="any", by_value=True),)


class Abs(_PointwiseFunction):
    """|x|: the value without its sign."""

    keeps_whole: ClassVar[bool] = True


class Neg(Layer):
    """−x."""

    keeps_whole: ClassVar[bool] = True
    layout: ClassVar[Layout] = "any"

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (Call("operator.neg", layout="any"),)


class Sign(_PointwiseFunction):
    """1 above 0, −1 below, and 0 for 0. Its gradient is 0."""

    keeps_whole: ClassVar[bool] = True


class Square(_PointwiseFunction):
    """x²."""

    keeps_whole: ClassVar[bool] = True


class Sqrt(_PointwiseFunction):
    """√x; of numbers below 0 there is none."""


class Rsqrt(_PointwiseFunction):
    """1 / √x, for numbers above 0."""


class Reciprocal(_PointwiseFunction):
    """1 / x."""


class Exp(_PointwiseFunction):
    """e to the power of x."""


class Exp2(_PointwiseFunction):
    """2 to the power of x."""


class Expm1(_PointwiseFunction):
    """exp(x) − 1, exact also where x is small."""


class Log(_PointwiseFunction):
    """The natural logarithm, for numbers above 0."""


class Log2(_PointwiseFunction):
    """The logarithm to base 2, for numbers above 0."""


class Log10(_PointwiseFunction):
    """The logarithm to base 10, for numbers above 0, as in decibels."""


class Log1p(_PointwiseFunction):
    """log(1 + x), exact also where x is small."""


class Sin(_PointwiseFunction):
    """The sine of x in radians."""


class Cos(_PointwiseFunction):
    """The cosine of x in radians."""


class Tan(_PointwiseFunction):
    """The tangent of x in radians."""


class Asin(_PointwiseFunction):
    """The angle in radians whose sine is x, for −1 to 1."""


class Acos(_PointwiseFunction):
    """The angle in radians whose cosine is x, for −1 to 1."""


class Atan(_PointwiseFunction):
    """The angle in radians whose tangent is x."""


class Sinh(_PointwiseFunction):
    """(exp(x) − exp(−x)) / 2, the hyperbolic sine."""


class Cosh(_PointwiseFunction):
    """(exp(x) + exp(−x)) / 2, the hyperbolic cosine."""


class Erf(_PointwiseFunction):
    """The error function: 2 / √π times the integral of exp(−t²) from 0 to x."""


class Floor(_PointwiseFunction):
    """The largest whole number that is not above x. Its gradient is 0."""


class Ceil(_PointwiseFunction):
    """The smallest whole number that is not below x. Its gradient is 0."""


class Round(_PointwiseFunction):
    """The nearest whole number, and the even one of two that are as near. Its gradient is 0."""


class Trunc(_PointwiseFunction):
    """x without what stands behind the point. Its gradient is 0."""


class Long(_PointwiseFunction):
    """The whole number that is left of x without what stands behind the point: as a number that picks something, such
    as the vectors of an `Embedding`. It has no gradient.
    """

    places: ClassVar[tuple[int, ...]] = (0,)


class Clamp(Layer):
    """x, cut off below `min` and above `max`, of which one may be left out."""

    keeps_whole: ClassVar[bool] = True
    layout: ClassVar[Layout] = "any"

    min: NumberOrNone = None
    max: NumberOrNone = None

    def check(self, *inputs: Shape) -> None:
        if self.min is None and self.max is None:
            raise MissingKey("min", "Clamp", "0", instead="max")
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise BoundsOutOfOrder("min", self.min, "max", self.max)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        bounds = {name: each for name, each in (("min", self.min), ("max", self.max)) if each is not None}
        return (Call("Tensor.clamp", bounds, ("min", "max") if len(bounds) == 2 else (), layout="any", by_value=True),)


class Where(Layer):
    """The second source where the first, the condition, is above 0, and the third elsewhere, cell by cell; the number
    `other` may stand in place of the third.

    `from: [condition, a, b]`: a mask of zeros and ones is such a condition. An axis of size 1 is repeated to the
    length of the others; all must have the same number of axes.
    """

    takes: ClassVar[tuple[int, int | None]] = (3, 3)

    other: NumberOrNone = Field(None, description="A number in place of the third source.")

    def must_take(self, count: int) -> None:
        if self.other is None:
            super().must_take(count)
        elif count != 2:
            raise WrongNumberOfSources.with_number("Where", count, 3, "other")

    def check(self, *inputs: Shape) -> None:
        must_meet(inputs, repeats=True)

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        return (meeting(inputs),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        number = {} if self.other is None else {"other": self.other}
        return (
            Call("operator.gt", {"bound": 0}, layout="any"),
            Call("torch.where", number, positional=("other",), layout="any", by_value=True),
        )


class Cumsum(Layer):
    """The sum of all values up to each one along an axis.

    `dim` counts as in PyTorch: 1 is the channels, 2 the first spatial axis.
    """

    dim: int

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        return ((along(x, axis_of(self.dim, x), Prefix()),),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (Call("Tensor.cumsum", {"dim": self.dim}, along="dim"),)


class Normalize(Layer):
    """Divides the values by their p-norm along one axis, so that vectors have the length 1.

    `dim` counts as in PyTorch: 1, the default, is the channels. Nothing is divided by less than `eps`.
    """

    p: Number = 2.0
    dim: int = 1
    eps: float = 1e-12

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        axis = axis_of(self.dim, x)
        return ((along(x, axis, All(x[axis])),),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (Call("F.normalize", {**self.given(), "dim": self.dim}, along="dim"),)
