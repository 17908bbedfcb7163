"""Activations: functions of each value by itself, and those that weigh the values along one axis against each other.

Source: https://docs.pytorch.org/docs/stable/nn.html#non-linear-activations-weighted-sum-nonlinearity
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from planner.faults.bounds_out_of_order import BoundsOutOfOrder
from planner.faults.halving_odd_axis import HalvingOddAxis
from planner.faults.wrong_value import WrongValue
from planner.geometry import All, AxisMap, Halves, Link, Shape
from planner.layers._call import Call, Layout
from planner.layers._fields import Count
from planner.layers._layer import Layer, Sizes, axis_of
from planner.layers._links import along
from planner.memory import Memory


class _Pointwise(Layer):
    """A function of each value by itself: any shape, no parameters."""

    layout: ClassVar[Layout] = "any"


class _InPlace(_Pointwise):
    inplace: bool = Field(False, description="Whether the input's own memory is written over.")

    def views(self, x: Memory, *, training: bool) -> tuple[Memory, ...] | None:
        return (x,) if self.inplace else None

    def overwrites(self, *, training: bool) -> bool:
        return self.inplace


class ELU(_InPlace):
    """x above 0, alpha·(exp(x) − 1) below: exponential linear unit.

    Source: Clevert, Unterthiner and Hochreiter, arXiv:1511.07289.
    """

    alpha: float = 1.0


class Hardshrink(_Pointwise):
    """x where |x| is above lambd, 0 elsewhere."""

    lambd: float = 0.5


class Hardsigmoid(_InPlace):
    """x/6 + 1/2, cut off below 0 and above 1.

    Source: Courbariaux, Bengio and David, arXiv:1511.00363.
    """


class Hardtanh(_InPlace):
    """x, cut off below min_val and above max_val."""

    min_val: float = -1.0
    max_val: float = 1.0

    def check(self, *inputs: Shape) -> None:
        if self.max_val <= self.min_val:
            raise BoundsOutOfOrder("min_val", self.min_val, "max_val", self.max_val)


class Hardswish(_InPlace):
    """x·Hardsigmoid(x), as in MobileNetV3.

    Source: Howard et al., arXiv:1905.02244.
    """


class LeakyReLU(_InPlace):
    """x above 0, negative_slope·x below."""

    negative_slope: float = 0.01


class LogSigmoid(_Pointwise):
    """log(1 / (1 + exp(−x)))."""


class PReLU(_Pointwise):
    """x above 0, a·x below, with a trained slope a: one for all, or one for each channel.

    Source: He et al., arXiv:1502.01852.

    `num_parameters` is 1 or the number of channels.
    """

    layout: ClassVar[Layout] = "first"

    num_parameters: Count = 1
    init: float = 0.25

    def check(self, *inputs: Shape) -> None:
        channels = inputs[0].channels
        if self.num_parameters not in (1, channels):
            wanted = f"1, or the number of channels, {channels}: mismatch of parameter numbers and input channel size"
            raise WrongValue("num_parameters", wanted, self.num_parameters, help=f"use `num_parameters: {channels}`")

    def weights(self, *inputs: Shape) -> Mapping[str, Sizes]:
        return {"weight": (self.num_parameters,)}


class ReLU(_InPlace):
    """x above 0, 0 below: rectified linear unit."""


class ReLU6(_InPlace):
    """x, cut off below 0 and above 6."""


class RReLU(_InPlace):
    """x above 0, a·x below; a is drawn from [lower, upper] in training and is their mean afterwards.

    Source: Xu et al., arXiv:1505.00853.
    """

    stochastic: ClassVar[bool] = True

    lower: float = 1 / 8
    upper: float = 1 / 3

    def check(self, *inputs: Shape) -> None:
        if self.lower > self.upper:
            raise BoundsOutOfOrder("lower", self.lower, "upper", self.upper, may_be_equal=True)


class SELU(_InPlace):
    """scale·ELU(x) with alpha 1.6733 and scale 1.0507, so that layers keep mean 0 and variance 1.

    Source: Klambauer et al., arXiv:1706.02515.
    """


class CELU(_InPlace):
    """x above 0, alpha·(exp(x / alpha) − 1) below: an ELU whose slope is continuous for every alpha.

    Source: Barron, arXiv:1704.07483.
    """

    alpha: float = 1.0

    def check(self, *inputs: Shape) -> None:
        if not self.alpha:
            raise WrongValue("alpha", "a number other than 0, by which it divides", self.alpha, help="use `alpha: 1.0`")


class GELU(_Pointwise):
    """x·Φ(x), with Φ the normal distribution's cumulative function, or its tanh approximation.

    Source: Hendrycks and Gimpel, arXiv:1606.08415.
    """

    approximate: Literal["none", "tanh"] = "none"


class Sigmoid(_Pointwise):
    """1 / (1 + exp(−x))."""


class SiLU(_InPlace):
    """x·sigmoid(x), also called swish."""


class Mish(_InPlace):
    """x·tanh(softplus(x)).

    Source: Misra, arXiv:1908.08681.
    """


class Softplus(_Pointwise):
    """log(1 + exp(beta·x)) / beta, and x itself where beta·x is above the threshold."""

    beta: float = 1.0
    threshold: float = 20.0


class Softshrink(_Pointwise):
    """x − lambd above lambd, x + lambd below −lambd, 0 between."""

    lambd: Annotated[float, Field(ge=0)] = 0.5


class Softsign(_Pointwise):
    """x / (1 + |x|)."""


class Tanh(_Pointwise):
    """The hyperbolic tangent."""


class Tanhshrink(_Pointwise):
    """x − tanh(x)."""


class Threshold(_InPlace):
    """x above the threshold, `value` elsewhere."""

    threshold: float
    value: float


class _AlongAxis(Layer):
    """Weighs the values along one axis; along the others it is pointwise."""

    dim: int | None = Field(None, description="The axis, counted as in PyTorch; left out, the channels.")

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        axis = axis_of(1 if self.dim is None else self.dim, x)
        return ((along(x, axis, All(x[axis])),),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (Call(f"nn.{type(self).__name__}", {"dim": 1 if self.dim is None else self.dim}, along="dim"),)


class Softmax(_AlongAxis):
    """exp(x) divided by its sum along one axis, so that the values there are positive and add up to 1.

    `dim` counts as in PyTorch: 1 is the channels. Left out it is the channels, where PyTorch guesses, warns, and on
    L×C takes the batch.
    """


class LogSoftmax(_AlongAxis):
    """The logarithm of Softmax along one axis; left out, `dim` is the channels."""


class Softmin(_AlongAxis):
    """Softmax of −x along one axis; left out, `dim` is the channels."""


class Softmax2d(Layer):
    """Softmax over the channels of H×W×C, cell by cell."""

    rank: ClassVar[int | None] = 2

    def channel_map(self, x: Shape) -> AxisMap:
        return All(x.channels)


class GLU(Layer):
    """Gated linear unit: the first half of an axis times the sigmoid of the second half; the axis comes out half as
    long.

    `dim` counts as in PyTorch, and its default −1 is the last spatial axis: `dim: 1` halves the channels.
    Source: Dauphin et al., arXiv:1612.08083.
    """

    dim: int = -1

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        axis = axis_of(self.dim, x)
        if x[axis] % 2:
            raise HalvingOddAxis(self.dim, x[axis], x.channels)
        return ((along(x, axis, Halves()),),)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (Call("nn.GLU", {"dim": self.dim}, along="dim"),)
