"""Rectifiers: activations that are linear in pieces.

Source: https://docs.pytorch.org/docs/stable/nn.html#non-linear-activations-weighted-sum-nonlinearity
"""

from collections.abc import Mapping
from typing import ClassVar

from planner.faults.bounds_out_of_order import BoundsOutOfOrder
from planner.faults.wrong_value import WrongValue
from planner.geometry import Shape
from planner.layers._call import Layout
from planner.layers._fields import Count
from planner.layers._layer import Sizes
from planner.layers.activation._pointwise import InPlace, Pointwise


class Hardtanh(InPlace):
    """x, cut off below min_val and above max_val."""

    min_val: float = -1.0
    max_val: float = 1.0

    def check(self, *inputs: Shape) -> None:
        if self.max_val <= self.min_val:
            raise BoundsOutOfOrder("min_val", self.min_val, "max_val", self.max_val)


class LeakyReLU(InPlace):
    """x above 0, negative_slope·x below."""

    negative_slope: float = 0.01


class PReLU(Pointwise):
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


class ReLU(InPlace):
    """x above 0, 0 below: rectified linear unit."""


class ReLU6(InPlace):
    """x, cut off below 0 and above 6."""


class RReLU(InPlace):
    """x above 0, a·x below; a is drawn from [lower, upper] in training and is their mean afterwards.

    Source: Xu et al., arXiv:1505.00853.
    """

    stochastic: ClassVar[bool] = True

    lower: float = 1 / 8
    upper: float = 1 / 3

    def check(self, *inputs: Shape) -> None:
        if self.lower > self.upper:
            raise BoundsOutOfOrder("lower", self.lower, "upper", self.upper, may_be_equal=True)


class Threshold(InPlace):
    """x above the threshold, `value` elsewhere."""

    threshold: float
    value: float
