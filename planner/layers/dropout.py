"""Dropout: values, channels or whole samples are left out at random in training; in evaluation the input is handed on.

Source: https://docs.pytorch.org/docs/stable/nn.html#dropout-layers
"""

from typing import ClassVar, Literal

from pydantic import Field

from planner.geometry import Shape
from planner.layers._call import Call, Layout
from planner.layers._fields import Probability
from planner.layers._layer import Layer
from planner.memory import Memory


class _DropoutNd(Layer):
    stochastic: ClassVar[bool] = True

    p: Probability = Field(0.5, description="How likely a value, or a channel, is left out.")
    inplace: bool = Field(False, description="Whether the input's own memory is written over.")

    def views(self, x: Memory, *, training: bool) -> tuple[Memory, ...] | None:
        return None if self.p and training and not self.overwrites(training=training) else (x,)

    def overwrites(self, *, training: bool) -> bool:
        return self.inplace and training and self.p > 0


class _AlphaDropoutNd(_DropoutNd):
    """PyTorch's module takes `inplace`, and does not heed it."""

    def overwrites(self, *, training: bool) -> bool:
        return False


class Dropout(_DropoutNd):
    """Each value becomes 0 with probability p; the others are divided by 1 − p.

    Source: Srivastava et al., JMLR 15, 2014.
    """

    layout: ClassVar[Layout] = "any"


class AlphaDropout(_AlphaDropoutNd):
    """Dropout that keeps mean and variance behind SELU: values become SELU's negative limit.

    Source: Klambauer et al., arXiv:1706.02515.
    """

    layout: ClassVar[Layout] = "any"


class Dropout1d(_DropoutNd):
    """Each channel of L×C becomes 0 as a whole with probability p; the others are divided by 1 − p.

    Source: Tompson et al., arXiv:1411.4280.
    """

    rank: ClassVar[int | None] = 1


class Dropout2d(_DropoutNd):
    """Each channel of H×W×C becomes 0 as a whole with probability p; the others are divided by 1 − p.

    Source: Tompson et al., arXiv:1411.4280.

    On a vector, where a channel is one value, it is `Dropout`; PyTorch takes that, and L×C, with a warning.
    """


class Dropout3d(_DropoutNd):
    """Each channel of D×H×W×C becomes 0 as a whole with probability p; the others are divided by 1 − p.

    Source: Tompson et al., arXiv:1411.4280.

    PyTorch takes other numbers of axes with a warning.
    """


class FeatureAlphaDropout(_AlphaDropoutNd):
    """AlphaDropout of whole channels: each becomes SELU's negative limit with probability p."""


class StochasticDepth(Layer):
    """A whole sample (`mode: row`), or the whole batch (`mode: batch`), becomes 0 with probability p in training.

    At the end of a residual branch it leaves the branch out. As torchvision.ops.StochasticDepth.
    Source: Huang et al., arXiv:1603.09382.
    """

    stochastic: ClassVar[bool] = True

    p: Probability
    mode: Literal["batch", "row"] = "row"

    def views(self, x: Memory, *, training: bool) -> tuple[Memory, ...] | None:
        return None if self.p and training else (x,)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (
            Call("torchvision.ops.StochasticDepth", {"p": self.p, "mode": self.mode}, positional=("p",), layout="any"),
        )
