"""Padding in one, two and three dimensions. Negative numbers crop.

Shapes: https://docs.pytorch.org/docs/stable/nn.html#padding-layers
"""

from typing import ClassVar

from pydantic import Field

from planner.faults.crop_too_large import CropTooLarge
from planner.faults.pad_too_small import PadTooSmall
from planner.faults.padding_too_wide import PaddingTooWide
from planner.faults.wrong_value import WrongValue
from planner.geometry import AxisMap, PadMode, Shape, Shift
from planner.layers._call import Call
from planner.layers._centred import SizedLike
from planner.layers._fields import PadSides
from planner.layers._layer import Layer, axis_name
from planner.layers._padding import padded

_NAMES = {1: "left, right", 2: "left, right, top, bottom", 3: "left, right, top, bottom, front, back"}


class _Pad(Layer):
    rank: ClassVar[int]
    mode: ClassVar[PadMode]

    padding: PadSides = Field(description="Cells on each side, or a list, last axis first: left, right, top, bottom, …")

    def sides(self) -> tuple[tuple[int, int], ...]:
        """Cells before and after each axis."""
        if isinstance(self.padding, int):
            return ((self.padding, self.padding),) * self.rank
        if len(self.padding) != 2 * self.rank:
            raise WrongValue("padding", f"one number, or {2 * self.rank}: {_NAMES[self.rank]}", self.padding)
        return tuple(zip(self.padding[-2::-2], self.padding[::-2], strict=True))

    def check(self, *inputs: Shape) -> None:
        for axis, (n, (before, after)) in enumerate(zip(inputs[0].spatial, self.sides(), strict=True)):
            left = n + min(before, 0) + min(after, 0)  # what a crop leaves
            if left < 0 and self.mode in ("constant", "circular"):
                raise CropTooLarge.of_amount(axis_name(axis, self.rank), n, n - left, "padding")
            widest = {"reflect": n - 1, "circular": left}.get(self.mode)
            if widest is not None and max(before, after) > widest:
                raise PaddingTooWide(self.mode, max(before, after), widest, n - left if self.mode == "circular" else 0)

    def axes(self, x: Shape) -> tuple[AxisMap, ...]:
        return tuple(Shift(before, after, self.mode) for before, after in self.sides())

    def functional(self, call: Call) -> Call:
        mode = {} if self.mode == "constant" else {"mode": self.mode}
        return padded(self.sides(), **mode, **{name: each for name, each in call.args.items() if name == "value"})


class _ZeroPad(_Pad):
    mode: ClassVar[PadMode] = "constant"


class ZeroPad1d(_ZeroPad):
    """Pads one axis with zeros: length = n + before + after.

    A list is [left, right]. A negative number crops.
    """

    rank: ClassVar[int] = 1


class ZeroPad2d(_ZeroPad):
    """Pads two axes with zeros: length = n + before + after.

    A list is [left, right, top, bottom]. A negative number crops.
    """

    rank: ClassVar[int] = 2


class ZeroPad3d(_ZeroPad):
    """Pads three axes with zeros: length = n + before + after.

    A list is [left, right, top, bottom, front, back]. A negative number crops.
    """

    rank: ClassVar[int] = 3


class _ConstantPad(_Pad):
    mode: ClassVar[PadMode] = "constant"

    value: float


class ConstantPad1d(_ConstantPad):
    """Pads one axis with `value`: length = n + before + after.

    A list is [left, right]. A negative number crops.
    """

    rank: ClassVar[int] = 1


class ConstantPad2d(_ConstantPad):
    """Pads two axes with `value`: length = n + before + after.

    A list is [left, right, top, bottom]. A negative number crops.
    """

    rank: ClassVar[int] = 2


class ConstantPad3d(_ConstantPad):
    """Pads three axes with `value`: length = n + before + after.

    A list is [left, right, top, bottom, front, back]. A negative number crops.
    """

    rank: ClassVar[int] = 3


class _ReflectionPad(_Pad):
    mode: ClassVar[PadMode] = "reflect"


class ReflectionPad1d(_ReflectionPad):
    """Pads one axis with the cells near the edge, mirrored at the edge cell: length = n + before + after.

    A list is [left, right]. Padding must be smaller than the axis. A negative number crops.
    """

    rank: ClassVar[int] = 1


class ReflectionPad2d(_ReflectionPad):
    """Pads two axes with the cells near the edge, mirrored at the edge cell: length = n + before + after.

    A list is [left, right, top, bottom]. Padding must be smaller than the axis. A negative number crops.
    """

    rank: ClassVar[int] = 2


class ReflectionPad3d(_ReflectionPad):
    """Pads three axes with the cells near the edge, mirrored at the edge cell: length = n + before + after.

    A list is [left, right, top, bottom, front, back]. Padding must be smaller than the axis. A negative number crops.
    """

    rank: ClassVar[int] = 3


class _ReplicationPad(_Pad):
    mode: ClassVar[PadMode] = "replicate"


class ReplicationPad1d(_ReplicationPad):
    """Pads one axis with copies of the edge cell: length = n + before + after.

    A list is [left, right]. A negative number crops.
    """

    rank: ClassVar[int] = 1


class ReplicationPad2d(_ReplicationPad):
    """Pads two axes with copies of the edge cell: length = n + before + after.

    A list is [left, right, top, bottom]. A negative number crops.
    """

    rank: ClassVar[int] = 2


class ReplicationPad3d(_ReplicationPad):
    """Pads three axes with copies of the edge cell: length = n + before + after.

    A list is [left, right, top, bottom, front, back]. A negative number crops.
    """

    rank: ClassVar[int] = 3


class _CircularPad(_Pad):
    mode: ClassVar[PadMode] = "circular"


class CircularPad1d(_CircularPad):
    """Pads one axis with the cells of the other end, as if they went round: length = n + before + after.

    A list is [left, right]. Padding must be at most the axis. A negative number crops.
    """

    rank: ClassVar[int] = 1


class CircularPad2d(_CircularPad):
    """Pads two axes with the cells of the other end, as if they went round: length = n + before + after.

    A list is [left, right, top, bottom]. Padding must be at most the axis. A negative number crops.
    """

    rank: ClassVar[int] = 2


class CircularPad3d(_CircularPad):
    """Pads three axes with the cells of the other end, as if they went round: length = n + before + after.

    A list is [left, right, top, bottom, front, back]. Padding must be at most the axis. A negative number crops.
    """

    rank: ClassVar[int] = 3


class PadLike(SizedLike):
    """Zeros around the first source, to the spatial size of the second one: length = that of the second.

    The first source lies in the middle; an odd cell is added at the end. The second source is not read.
    """

    def check(self, *inputs: Shape) -> None:
        super().check(*inputs)
        x, like = inputs
        for axis, (n, size) in enumerate(zip(x.spatial, like.spatial, strict=True)):
            if size < n:
                raise PadTooSmall(axis_name(axis, len(x.spatial)), n, size)
