"""Means in sliding windows.

Shapes: https://docs.pytorch.org/docs/stable/nn.html#pooling-layers
"""

from typing import ClassVar

from pydantic import Field

from planner.geometry import Shape
from planner.layers._call import Call
from planner.layers._fields import NonZero
from planner.layers._padding import flat, padded
from planner.layers.pool._windows import Windows, WithinInput


class _AvgPool(Windows):
    """Means, of which PyTorch's module can leave its own padding out, and no other.

    Sums of what is padded with zeros are divided by those of ones that are padded alike: so a mean is that of the cells
    that count. TensorFlow leaves padding out of every pool ("the padded input values are ignored",
    https://www.tensorflow.org/api_docs/python/tf/nn, "Notes on padding").
    """

    count_include_pad: bool = Field(
        True, description="Whether cells of padding count in the mean; those of `tf_same` never do."
    )

    @property
    def divisor(self) -> int | None:
        """What a window's sum is divided by, whatever its size."""
        return None

    def functional(self, call: Call) -> Call | None:
        return None if "uncounted" in call.args else call.as_function

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        (x,) = inputs
        if self.own:
            return super().calls(x)
        without = ("padding", "ceil_mode", "count_include_pad")
        around = self.around(x)
        if self.divisor is not None:
            return (padded(around), self.pool(*without))
        if self.padding == "tf_same" or not self.count_include_pad:
            return (self.pool(*without, uncounted=flat(around)),)
        beyond = tuple((0, more - after) for (_, more), (_, after) in zip(around, self.sides(), strict=True))
        if not any(map(any, beyond)):
            return (padded(around), self.pool(*without))
        return (self.pool(*without, counted=flat(self.sides()), uncounted=flat(beyond)),)


class _AvgPoolWithDivisor(_AvgPool):
    divisor_override: NonZero | None = Field(None, description="What a window's sum is divided by, whatever its size.")

    @property
    def divisor(self) -> int | None:
        return self.divisor_override


class AvgPool1d(_AvgPool):
    """The mean of each window over one axis: length = (n + padding − kernel_size) // stride + 1.

    With `ceil_mode`, one window more where cells are left over, unless it would start in the padding at the end. The
    stride is the kernel size where none is given.
    """

    rank: ClassVar[int] = 1


class AvgPool2d(_AvgPoolWithDivisor):
    """The mean of each window over two axes; per axis, length = (n + padding − kernel_size) // stride + 1.

    With `ceil_mode`, one window more where cells are left over, unless it would start in the padding at the end. The
    stride is the kernel size where none is given.
    """

    rank: ClassVar[int] = 2


class AvgPool3d(WithinInput, _AvgPoolWithDivisor):
    """The mean of each window over three axes; per axis, length = (n + padding − kernel_size) // stride + 1.

    With `ceil_mode`, one window more where cells are left over, unless it would start in the padding at the end. The
    stride is the kernel size where none is given. No axis may be shorter than the kernel, its padding not counted,
    unless it is padded as PyTorch's own argument cannot say.
    """

    rank: ClassVar[int] = 3
