"""Normalizations by statistics of the batch.

Source: https://docs.pytorch.org/docs/stable/nn.html#normalization-layers
"""

from typing import Annotated, ClassVar

from pydantic import Field

from planner.faults.wrong_number_of_axes import WrongNumberOfAxes
from planner.geometry import Shape
from planner.layers.norm._channels import ChannelNorm


class _BatchNorm(ChannelNorm):
    batch_statistics: ClassVar[bool] = True

    eps: Annotated[float, Field(gt=0)] = 1e-5
    affine: bool = True
    track_running_stats: bool = True


class BatchNorm1d(_BatchNorm):
    """Batch normalization of C or L×C: each channel by its mean and variance over the batch and all cells.

    In training PyTorch needs more than one value per channel: a batch of at least 2 on a vector.
    Parameters: 2 for each channel.
    Source: Ioffe and Szegedy, arXiv:1502.03167.
    """

    def check(self, *inputs: Shape) -> None:
        super().check(*inputs)
        own = len(inputs[0].spatial) - self.batch_axes
        if own > 1 or (self.batch_axes and own != 1):
            ranks = (1 + self.batch_axes,) if self.batch_axes else (0, 1)
            raise WrongNumberOfAxes("BatchNorm1d", inputs[0], ranks)


class BatchNorm2d(_BatchNorm):
    """Batch normalization of H×W×C: each channel by its mean and variance over the batch and all cells.

    A bias in the convolution before it has no effect. Parameters: 2 for each channel.
    Source: Ioffe and Szegedy, arXiv:1502.03167.
    """

    rank: ClassVar[int | None] = 2


class BatchNorm3d(_BatchNorm):
    """Batch normalization of D×H×W×C: each channel by its mean and variance over the batch and all cells.

    A bias in the convolution before it has no effect. Parameters: 2 for each channel.
    Source: Ioffe and Szegedy, arXiv:1502.03167.
    """

    rank: ClassVar[int | None] = 3
