"""What normalizations share.

Strictly, an output of a normalization that takes its statistics from the sample depends on every value of it. By the
convention of receptive fields, statistics do not count as reading: all normalizations here are pointwise, along the
axes and the channels.

Source: https://docs.pytorch.org/docs/stable/nn.html#normalization-layers
"""

from collections.abc import Mapping

from pydantic import Field

from planner.geometry import Shape
from planner.layers._batch_axes import TakesBatchAxes
from planner.layers._fields import Count
from planner.layers._layer import COUNTER, Sizes


def scale_and_shift(sizes: Sizes, scale: bool, shift: bool, prefix: str = "") -> dict[str, Sizes]:
    """The entries of a normalization in a state_dict."""
    return {f"{prefix}{name}": sizes for name, present in (("weight", scale), ("bias", shift)) if present}


class ChannelNorm(TakesBatchAxes):
    """What batch and instance normalization share: a scale and shift for each channel, and running statistics."""

    eps: float = 1e-5
    momentum: float | None = Field(
        0.1, description="Share of the newest batch in the running statistics; null: their mean."
    )
    num_features: Count | None = None
    affine: bool
    track_running_stats: bool

    def check(self, *inputs: Shape) -> None:
        self.must_equal("num_features", inputs[0].channels)

    def weights(self, *inputs: Shape) -> Mapping[str, Sizes]:
        return scale_and_shift((inputs[0].channels,), self.affine, self.affine)

    def buffers(self, *inputs: Shape) -> Mapping[str, Sizes]:
        size = (inputs[0].channels,)
        return {"running_mean": size, "running_var": size, COUNTER: ()} if self.track_running_stats else {}

    def derived(self, *inputs: Shape) -> Mapping[str, object]:
        return {"num_features": inputs[0].channels}
