"""Normalizations by statistics of the sample; `_channels.py` says how these count.

Source: https://docs.pytorch.org/docs/stable/nn.html#normalization-layers
"""

import math
from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from planner.faults.channels_differ import ChannelsDiffer
from planner.faults.norm_groups_do_not_divide import NormGroupsDoNotDivide
from planner.faults.one_value_per_channel import OneValuePerChannel
from planner.faults.wrong_number_of_axes import WrongNumberOfAxes
from planner.faults.wrong_value import WrongValue
from planner.geometry import Shape
from planner.layers._batch_axes import TakesBatchAxes
from planner.layers._call import Call, Layout
from planner.layers._fields import Count, Counts
from planner.layers._layer import Layer, Sizes
from planner.layers.norm._channels import ChannelNorm, scale_and_shift


class _InstanceNorm(ChannelNorm):
    affine: bool = False
    track_running_stats: bool = False

    def check(self, *inputs: Shape) -> None:
        super().check(*inputs)
        (x,) = inputs
        if math.prod(x.spatial[self.batch_axes :]) == 1:
            raise OneValuePerChannel(x)


class InstanceNorm1d(_InstanceNorm):
    """Instance normalization of L×C: each channel of each sample by its own mean and variance. No parameters unless
    `affine`.

    Source: Ulyanov, Vedaldi and Lempitsky, arXiv:1607.08022.
    """

    rank: ClassVar[int | None] = 1


class InstanceNorm2d(_InstanceNorm):
    """Instance normalization of H×W×C: each channel of each sample by its own mean and variance. No parameters unless
    `affine`.

    Source: Ulyanov, Vedaldi and Lempitsky, arXiv:1607.08022.
    """

    rank: ClassVar[int | None] = 2


class InstanceNorm3d(_InstanceNorm):
    """Instance normalization of D×H×W×C: each channel of each sample by its own mean and variance. No parameters
    unless `affine`.

    Source: Ulyanov, Vedaldi and Lempitsky, arXiv:1607.08022.
    """

    rank: ClassVar[int | None] = 3


class GroupNorm(TakesBatchAxes):
    """Group normalization: the channels in `num_groups` groups, each by its mean and variance over all cells of the
    sample.

    One group is layer normalization over the whole image; one channel a group is instance normalization.
    `num_groups` must divide the channels.
    Source: Wu and He, arXiv:1803.08494.
    """

    num_groups: Count
    eps: float = 1e-5
    affine: bool = True
    num_channels: Count | None = None

    def check(self, *inputs: Shape) -> None:
        channels, axes = inputs[0].channels, len(inputs[0].spatial)
        self.must_equal("num_channels", channels)
        if self.batch_axes > axes:
            raise WrongValue("batch_axes", f"at most {axes}, the number of spatial axes", self.batch_axes)
        if channels % self.num_groups:
            raise NormGroupsDoNotDivide(channels, self.num_groups)

    def weights(self, *inputs: Shape) -> Mapping[str, Sizes]:
        return scale_and_shift((inputs[0].channels,), self.affine, self.affine)

    def centred(self, *inputs: Shape) -> int | None:
        x = inputs[0]
        return math.prod(x[self.batch_axes :]) // self.num_groups

    def derived(self, *inputs: Shape) -> Mapping[str, object]:
        return {"num_channels": inputs[0].channels}

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (self.module({"num_groups": self.num_groups, **self.derived(*inputs), **self.given()}, *inputs),)


class _TrailingNorm(Layer):
    """What normalizations over the last axes of PyTorch's tensor share."""

    layout: ClassVar[Layout] = "last"

    elementwise_affine: bool = True
    normalized_shape: Counts | None = Field(
        None,
        description="The last axes, as shapes are written: 768, or [14, 14, 768]; left out, the channels.",
    )

    def sizes(self, x: Shape) -> Sizes:
        """The axes that are normalized together."""
        given = self.normalized_shape
        return (x.channels,) if given is None else (given,) if isinstance(given, int) else given

    def check(self, *inputs: Shape) -> None:
        (x,) = inputs
        sizes = self.sizes(x)
        if sizes != x[-len(sizes) :]:
            actual = list(x[-len(sizes) :]) if len(sizes) > 1 else x.channels
            raise ChannelsDiffer("normalized_shape", list(sizes) if len(sizes) > 1 else sizes[0], actual)

    def derived(self, *inputs: Shape) -> Mapping[str, object]:
        sizes = self.sizes(inputs[0])
        return {"normalized_shape": sizes if len(sizes) > 1 else sizes[0]}


class LayerNorm(_TrailingNorm):
    """Layer normalization: the channels of each cell by their mean and variance.

    PyTorch's module works on the last axes of its tensor, so on H×W×C or L×C generated code moves the channels to the
    end. To normalize whole images, give `normalized_shape: [H, W, C]`, or use `GroupNorm` with one group.
    Source: Ba, Kiros and Hinton, arXiv:1607.06450.
    """

    eps: float = 1e-5
    bias: bool = True

    def centred(self, *inputs: Shape) -> int | None:
        return math.prod(self.sizes(inputs[0]))

    def weights(self, *inputs: Shape) -> Mapping[str, Sizes]:
        affine = self.elementwise_affine
        return scale_and_shift(self.sizes(inputs[0]), affine, affine and self.bias)


class RMSNorm(_TrailingNorm):
    """Root mean square normalization: the channels of each cell by their root mean square, without a mean and a shift.

    Works on the last axes like `LayerNorm`. `eps: null` is the machine's precision.
    Source: Zhang and Sennrich, arXiv:1910.07467.
    """

    eps: float | None = None

    def weights(self, *inputs: Shape) -> Mapping[str, Sizes]:
        return scale_and_shift(self.sizes(inputs[0]), self.elementwise_affine, False)


class LocalResponseNorm(Layer):
    """Each value by the squares of the `size` channels around it, at the same cell: b = a / (k + alpha/size · Σ
    a²)^beta.

    As in AlexNet (Krizhevsky, Sutskever and Hinton, 2012), whose alpha is not divided by the size. Needs at least one
    spatial axis.
    """

    size: Count
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0

    def check(self, *inputs: Shape) -> None:
        if not inputs[0].spatial:
            raise WrongNumberOfAxes("LocalResponseNorm", inputs[0], (1, 2, 3))

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        call = self.module(self.given())
        # PyTorch views the last two of three spatial axes as a single one, which memory with gaps does not allow.
        return (Call("Tensor.contiguous"), call) if len(inputs[0].spatial) > 2 else (call,)
