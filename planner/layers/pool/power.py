"""Pooling by a power mean in windows, and by windows drawn at random.

Shapes: https://docs.pytorch.org/docs/stable/nn.html#pooling-layers
"""

from typing import ClassVar

from pydantic import Field

from planner.faults.ambiguous_size import AmbiguousSize
from planner.faults.missing_key import MissingKey
from planner.faults.windows_too_wide import WindowsTooWide
from planner.faults.wrong_value import WrongValue
from planner.geometry import RandomBins, Shape
from planner.layers._fields import Count, PerAxis, PerAxisFactor, PowerValue
from planner.layers._layer import axis_name
from planner.layers.pool._windows import ReturnsIndices, Windows, WithinInput


class _LPPool(Windows):
    pads: ClassVar[bool] = False

    norm_type: PowerValue

    def needed(self, *inputs: Shape) -> tuple[str, ...]:
        return ()  # PyTorch has norm_type before kernel_size

    def check(self, *inputs: Shape) -> None:
        super().check(*inputs)
        if self.own:
            return
        if self.norm_type < 0:
            help = "leave the padding out: zeros have no negative power"
            raise WrongValue("norm_type", "a number above 0 where there is padding", self.norm_type, help=help)
        if self.ceil_mode and self.padding != "tf_same":
            help = "remove `ceil_mode`, or the padding: PyTorch scales up what a window over the end holds"
            raise WrongValue("ceil_mode", "nothing but false where there is padding", self.ceil_mode, help=help)


class LPPool1d(_LPPool):
    """The p-norm of each window over one axis: length = (n + padding − kernel_size) // stride + 1.

    p is norm_type. With `ceil_mode`, one window more where cells are left over. The stride is the kernel size where
    none is given. Padding is zeros, which add nothing to a norm, put around the input first.
    """

    rank: ClassVar[int] = 1

    kernel_size: Count


class LPPool2d(_LPPool):
    """The p-norm of each window over two axes; per axis, length = (n + padding − kernel_size) // stride + 1.

    p is norm_type. With `ceil_mode`, one window more where cells are left over. The stride is the kernel size where
    none is given. Padding is zeros, which add nothing to a norm, put around the input first.
    """

    rank: ClassVar[int] = 2


class LPPool3d(WithinInput, _LPPool):
    """The p-norm of each window over three axes; per axis, length = (n + padding − kernel_size) // stride + 1.

    p is norm_type. With `ceil_mode`, one window more where cells are left over. The stride is the kernel size where
    none is given. Padding is zeros, which add nothing to a norm, put around the input first. No axis may be shorter
    than the kernel, unless it is padded.
    """

    rank: ClassVar[int] = 3


class _Fractional(ReturnsIndices):
    """Max pools whose windows are drawn at random. In torch, `spare` cells must be left over in three dimensions."""

    rank: ClassVar[int]
    stochastic: ClassVar[bool] = True
    spare: ClassVar[int] = 0

    kernel_size: PerAxis
    output_size: PerAxis | None = None
    output_ratio: PerAxisFactor | None = Field(None, description="The output's size as a part of the input's, below 1.")

    def check(self, *inputs: Shape) -> None:
        if self.output_size is not None and self.output_ratio is not None:
            raise AmbiguousSize("output_size", "output_ratio", key="output_ratio")
        if self.output_size is None and self.output_ratio is None:
            raise MissingKey("output_size", type(self).__name__)
        ratios = self.output_ratio if isinstance(self.output_ratio, tuple) else (self.output_ratio or 0.5,)
        if max(ratios) >= 1:
            raise WrongValue("output_ratio", "numbers between 0 and 1", self.output_ratio)
        for axis, (along, n) in enumerate(zip(self.axes(inputs[0]), inputs[0].spatial, strict=True)):
            windows = along.length(n)
            if windows + along.kernel - 1 + self.spare > n:
                raise WindowsTooWide(axis_name(axis, self.rank), n, windows, along.kernel, self.spare)

    def axes(self, x: Shape) -> tuple[RandomBins, ...]:
        kernels = self.per_axis("kernel_size", self.rank)
        if self.output_size is not None:
            return tuple(map(RandomBins, kernels, self.per_axis("output_size", self.rank)))
        ratios = self.output_ratio if isinstance(self.output_ratio, tuple) else (self.output_ratio,) * self.rank
        if len(ratios) != self.rank:
            raise WrongValue("output_ratio", f"one number, or {self.rank} for the {self.rank} spatial axes", ratios)
        return tuple(RandomBins(kernel, None, ratio) for kernel, ratio in zip(kernels, ratios, strict=True))


class FractionalMaxPool2d(_Fractional):
    """The largest value in each of output_size windows per axis, whose places are drawn at random (arXiv:1412.6071).

    Give the output's size, or `output_ratio` of the input's: length = floor(n·output_ratio). A window reads the cells
    that chance may give it: its start is one of the whole numbers around i·(n − kernel_size) / (length − 1).
    """

    rank: ClassVar[int] = 2


class FractionalMaxPool3d(_Fractional):
    """The largest value in each of output_size windows per axis, whose places are drawn at random (arXiv:1412.6071).

    Give the output's size, or `output_ratio` of the input's: length = floor(n·output_ratio). A window reads the cells
    that chance may give it: its start is one of the whole numbers around i·(n − kernel_size) / (length − 1). PyTorch
    wants length + kernel_size ≤ n here, one cell more than in two dimensions.
    """

    rank: ClassVar[int] = 3
    spare: ClassVar[int] = 1
