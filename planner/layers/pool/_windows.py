"""What pools share: windows, and the positions of maxima."""

from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from planner.faults.pool_padding_too_wide import PoolPaddingTooWide
from planner.faults.same_padding_with_stride import SamePaddingWithStride
from planner.faults.window_does_not_fit import WindowDoesNotFit
from planner.geometry import AxisMap, Link, SameWindow, Shape, Window
from planner.layers._batch_axes import TakesBatchAxes
from planner.layers._call import Call
from planner.layers._fields import Padding, PerAxis
from planner.layers._layer import Layer, axis_name
from planner.layers._padding import PadAmounts, padded, sides_of


class Windows(TakesBatchAxes):
    """Pools with sliding windows; where no stride is given, the stride is the window's own size.

    Padding that PyTorch's own argument cannot say is put around the input first, and so is what `ceil_mode` would let a
    window hang over: in place of `after` cells at the end, max(after, min(after + stride, extent) − 1) of them give the
    windows that PyTorch's rule for `ceil_mode` gives, of which none that hangs over starts in the padding at the end.
    """

    rank: ClassVar[int]
    fill: ClassVar[float] = 0.0
    """What cells of padding hold."""
    pads: ClassVar[bool] = True
    """Whether PyTorch's module has an argument for padding."""

    kernel_size: PerAxis
    stride: PerAxis | None = None
    padding: Padding = Field(
        0,
        description="Cells on every side, or a number or pair for each axis; `same`, `valid`, TensorFlow's `tf_same`.",
    )
    ceil_mode: bool = Field(False, description="Whether a last window may hang over the end.")

    def kernels(self) -> tuple[int, ...]:
        return self.per_axis("kernel_size", self.rank)

    def strides(self) -> tuple[int, ...]:
        return self.kernels() if self.stride is None else self.per_axis("stride", self.rank)

    def dilations(self) -> tuple[int, ...]:
        return (1,) * self.rank

    def sides(self) -> tuple[PadAmounts, ...]:
        """Padding before and after each axis, where it does not depend on the input's size."""
        return sides_of(self.padding, self.kernels(), self.dilations())

    @property
    def numbered(self) -> bool:
        """Whether the padding is a single number for each axis, as PyTorch's own argument is."""
        return isinstance(self.padding, int) or all(isinstance(side, int) for side in self.padding)

    @property
    def own(self) -> bool:
        """Whether PyTorch's module can express the padding: equal on both sides, and at most half the window."""
        if self.padding == "tf_same":
            return False
        if not self.pads:
            return not any(map(any, self.sides()))
        if self.numbered:
            return True
        pairs = zip(self.sides(), self.kernels(), strict=True)
        return all(before == after and before <= kernel // 2 for (before, after), kernel in pairs)

    def check(self, *inputs: Shape) -> None:
        if self.padding == "same" and max(self.strides()) > 1:
            raise SamePaddingWithStride(self.kernel_size if self.stride is None else self.stride, "pools")
        if not self.numbered or not self.pads:
            return
        for axis, ((padding, _), kernel) in enumerate(zip(self.sides(), self.kernels(), strict=True)):
            if padding > kernel // 2:
                raise PoolPaddingTooWide(padding, kernel, axis_name(axis, self.rank))

    def axes(self, x: Shape) -> tuple[AxisMap, ...]:
        return (*self.before, *self.own_axes())

    def own_axes(self) -> tuple[Window | SameWindow, ...]:
        """The maps of the axes that windows move along."""
        numbers = zip(self.kernels(), self.strides(), self.dilations(), strict=True)
        if self.padding == "tf_same":  # as many windows as there can be: `ceil_mode` adds none
            return tuple(SameWindow(*each) for each in numbers)
        windows = zip(numbers, self.sides(), strict=True)
        return tuple(Window(*each, *sides, self.ceil_mode) for each, sides in windows)

    def around(self, x: Shape) -> tuple[PadAmounts, ...]:
        """The padding that makes windows hanging over the end into whole ones."""
        sized = zip(self.own_axes(), x.spatial[self.batch_axes :], strict=True)
        windows = [axis.at(n) if isinstance(axis, SameWindow) else axis for axis, n in sized]
        return tuple(
            (each.before, max(each.after, min(each.after + each.stride, each.extent) - 1) if each.ceil else each.after)
            for each in windows
        )

    def pool(self, *without: str, **more: object) -> Call:
        """The call of PyTorch's module."""
        args = {**self.given(), **more}
        return self.module({name: value for name, value in args.items() if name not in without})

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        (x,) = inputs
        if not self.own:
            value = {"value": self.fill} if self.fill else {}
            return (padded(self.around(x), **value), self.pool("padding", "ceil_mode"))
        if self.numbered and self.pads:
            return (self.pool(),)
        padding = tuple(before for before, _ in self.sides())
        return (self.pool(padding=padding) if any(padding) else self.pool("padding"),)


class WithinInput(Windows):
    """Average pools in three dimensions: PyTorch wants a window to be no larger than the input without its padding."""

    def check(self, *inputs: Shape) -> None:
        super().check(*inputs)
        for axis, (n, kernel) in enumerate(zip(inputs[0].spatial[self.batch_axes :], self.kernels(), strict=True)):
            if kernel > n and self.own:
                numbers = f"a window that spans {kernel} on {n} cells, padding not counted,"
                raise WindowDoesNotFit(axis_name(axis, self.rank), numbers)


class ReturnsIndices(Layer):
    """A max pool, which can also return the position of each maximum."""

    extras: ClassVar[bool] = True
    places: ClassVar[tuple[int, ...]] = (1,)

    return_indices: bool = Field(False, description="Adds a second output, `name.1`: the place of each maximum.")

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        return super().links(*inputs) * (1 + self.return_indices)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        *first, call = super().calls(*inputs)
        return (*first, replace(call, returns=((0,), (1,))) if self.return_indices else call)


class PlainMaxPool(ReturnsIndices, TakesBatchAxes):
    """A max pool whose windows are not drawn at random: of axes that are as a batch it returns no positions."""

    def check(self, *inputs: Shape) -> None:
        super().check(*inputs)
        if self.return_indices:
            self.must_not_fold("`return_indices` adds the places of maxima")
