"""Activations: functions of each value by itself, and the gated linear unit.

Source: https://docs.pytorch.org/docs/stable/nn.html#non-linear-activations-weighted-sum-nonlinearity
"""

from typing import Annotated, Literal

from pydantic import Field

from planner.faults.halving_odd_axis import HalvingOddAxis
from planner.faults.wrong_value import WrongValue
from planner.geometry import Halves, Link, Shape
from planner.layers._call import Call
from planner.layers._layer import Layer, axis_of
from planner.layers._links import along
from planner.layers.activation._pointwise import InPlace, Pointwise


class ELU(InPlace):
    """x above 0, alpha·(exp(x) − 1) below: exponential linear unit.

    Source: Clevert, Unterthiner and Hochreiter, arXiv:1511.07289.
    """

    alpha: float = 1.0


class Hardshrink(Pointwise):
    """x where |x| is above lambd, 0 elsewhere."""

    lambd: float = 0.5


class Hardsigmoid(InPlace):
    """x/6 + 1/2, cut off below 0 and above 1.

    Source: Courbariaux, Bengio and David, arXiv:1511.00363.
    """


class Hardswish(InPlace):
    """x·Hardsigmoid(x), as in MobileNetV3.

    Source: Howard et al., arXiv:1905.02244.
    """


class LogSigmoid(Pointwise):
    """log(1 / (1 + exp(−x)))."""


class SELU(InPlace):
    """scale·ELU(x) with alpha 1.6733 and scale 1.0507, so that layers keep mean 0 and variance 1.

    Source: Klambauer et al., arXiv:1706.02515.
    """


class CELU(InPlace):
    """x above 0, alpha·(exp(x / alpha) − 1) below: an ELU whose slope is continuous for every alpha.

    Source: Barron, arXiv:1704.07483.
    """

    alpha: float = 1.0

    def check(self, *inputs: Shape) -> None:
        if not self.alpha:
            raise WrongValue("alpha", "a number other than 0, by which it divides", self.alpha, help="use `alpha: 1.0`")


class GELU(Pointwise):
    """x·Φ(x), with Φ the normal distribution's cumulative function, or its tanh approximation.

    Source: Hendrycks and Gimpel, arXiv:1606.08415.
    """

    approximate: Literal["none", "tanh"] = "none"


class Sigmoid(Pointwise):
    """1 / (1 + exp(−x))."""


class SiLU(InPlace):
    """x·sigmoid(x), also called swish."""


class Mish(InPlace):
    """x·tanh(softplus(x)).

    Source: Misra, arXiv:1908.08681.
    """


class Softplus(Pointwise):
    """log(1 + exp(beta·x)) / beta, and x itself where beta·x is above the threshold."""

    beta: float = 1.0
    threshold: float = 20.0


class Softshrink(Pointwise):
    """x − lambd above lambd, x + lambd below −lambd, 0 between."""

    lambd: Annotated[float, Field(ge=0)] = 0.5


class Softsign(Pointwise):
    """x / (1 + |x|)."""


class Tanh(Pointwise):
    """The hyperbolic tangent."""


class Tanhshrink(Pointwise):
    """x − tanh(x)."""


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
