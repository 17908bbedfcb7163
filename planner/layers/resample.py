"""Resampling: interpolation to a size or by a factor, and rearranging channels as pixels or among themselves.

Shapes: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html and nn.html#vision-layers
"""

from typing import ClassVar, Literal

from pydantic import Field

from planner.faults.ambiguous_size import AmbiguousSize
from planner.faults.channels_do_not_divide import ChannelsDoNotDivide
from planner.faults.missing_key import MissingKey
from planner.faults.mode_does_not_fit import ModeDoesNotFit
from planner.faults.option_does_not_apply import OptionDoesNotApply
from planner.faults.size_does_not_divide import SizeDoesNotDivide
from planner.faults.wrong_value import WrongValue
from planner.geometry import (
    AxisMap,
    Grouped,
    InterpolationMode,
    Link,
    Resample,
    Shape,
    Shuffle,
    Sliced,
    Spread,
    Window,
    keep,
    unread,
)
from planner.layers._call import Call
from planner.layers._fields import Count, PerAxis, PerAxisFactor
from planner.layers._layer import Layer, axis_name

Mode = Literal["nearest", "linear", "bilinear", "bicubic", "trilinear", "area", "nearest-exact", "lanczos"]

_ALONG: dict[Mode, InterpolationMode] = {
    "nearest": "nearest",
    "nearest-exact": "nearest-exact",
    "linear": "linear",
    "bilinear": "linear",
    "trilinear": "linear",
    "bicubic": "cubic",
    "lanczos": "lanczos",
    "area": "area",
}
"""What each mode is on one axis."""
_AXES: dict[Mode, int] = {"linear": 1, "bilinear": 2, "bicubic": 2, "lanczos": 2, "trilinear": 3}
"""The number of axes a mode is made for."""
_WITH_CORNERS: tuple[Mode, ...] = ("linear", "bilinear", "bicubic", "trilinear", "lanczos")
_WITH_FILTER: tuple[Mode, ...] = ("bilinear", "bicubic", "lanczos")

LARGEST_SQUARE = 8
"""In squares of longer sides, a cell that is read in part counts as read."""


class _Sized(Layer):
    """What interpolations share: a size or a factor, and a mode."""

    size: PerAxis | None = Field(None, description="The output's size: one number, or one for each axis.")
    scale_factor: PerAxisFactor | None = Field(None, description="The output's size as a multiple of the input's.")

    def along(self, size: int | None, factor: float | None) -> Resample:
        """The map of one axis."""
        raise NotImplementedError

    def check(self, *inputs: Shape) -> None:
        given = [name for name in ("size", "scale_factor") if getattr(self, name) is not None]
        if len(inputs) > 1:
            given.append("the second source")
        if len(given) > 1:
            raise AmbiguousSize(given[0], given[1], key=given[-1] if len(inputs) == 1 else given[0])
        if not given:
            raise MissingKey("scale_factor", type(self).__name__, "2")

    def maps(self, *inputs: Shape) -> tuple[Resample, ...]:
        """The map of each axis of the first input."""
        rank = len(inputs[0].spatial)
        if len(inputs) > 1:
            return tuple(self.along(size, None) for size in inputs[1].spatial)
        if self.size is not None:
            return tuple(self.along(size, None) for size in self.per_axis("size", rank))
        factors = self.scale_factor if isinstance(self.scale_factor, tuple) else (self.scale_factor,) * rank
        if len(factors) != rank:
            raise WrongValue("scale_factor", f"one number, or {rank} for the {rank} spatial axes", factors)
        return tuple(self.along(None, factor) for factor in factors)

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        rank = len(inputs[0].spatial)
        return ((Link(self.maps(*inputs), keep(rank).channels), *(unread(rank) for _ in inputs[1:])),)


class _Interpolation(_Sized):
    mode: Mode = "nearest"
    align_corners: bool | None = Field(
        None, description="Whether the centres of the corner cells meet, instead of their outer edges."
    )
    recompute_scale_factor: bool | None = Field(
        None, description="Whether the step is the ratio of the two sizes, instead of 1 / scale_factor."
    )

    @property
    def filters(self) -> bool:
        """Whether the interpolation is antialiased."""
        return False

    def check(self, *inputs: Shape) -> None:
        x = inputs[0]
        rank = len(x.spatial)
        self.must_have_axes(x, 1, 2, 3)
        for like in inputs[1:]:
            self.must_have_axes(like, rank)
        super().check(*inputs)
        if self.align_corners is not None and self.mode not in _WITH_CORNERS:
            raise OptionDoesNotApply.align_corners(self.mode)
        if self.recompute_scale_factor and self.scale_factor is None:
            raise OptionDoesNotApply.recompute("`size`" if self.size is not None else "the second source")
        if self.filters and (self.mode not in _WITH_FILTER or rank != 2):
            raise OptionDoesNotApply.antialias(self.mode, rank)
        if (needed := _AXES.get(self.mode, rank)) != rank:
            raise ModeDoesNotFit(self.mode, needed, x)
        if self.mode == "lanczos" and self.align_corners:
            raise OptionDoesNotApply.lanczos("align_corners", "false")
        if self.mode == "lanczos" and not self.filters:
            raise OptionDoesNotApply.lanczos("antialias", "true")

    def along(self, size: int | None, factor: float | None) -> Resample:
        return Resample(
            size=size,
            factor=factor,
            mode=_ALONG[self.mode],
            align_corners=bool(self.align_corners),
            recompute=bool(self.recompute_scale_factor),
            antialias=self.filters,
        )


class Upsample(_Interpolation):
    """Interpolates the spatial axes to `size`, or by `scale_factor`: length = size, or floor(n·scale_factor).

    Modes: nearest, nearest-exact and area on any number of axes, linear on one, bilinear and bicubic on two, trilinear
    on three. A cell i of the output lies at (i + ½)·n/length − ½ on the input; with `align_corners`, at i·(n −
    1)/(length − 1). `nearest` takes cell floor(i·n/length), half a cell off; `nearest-exact` the nearest. See
    `Interpolate` for antialiasing and a size by another tensor.
    """


class UpsamplingNearest2d(_Sized):
    """Repeats cells of two axes to `size`, or by `scale_factor`: length = size, or floor(n·scale_factor)."""

    rank: ClassVar[int] = 2

    def along(self, size: int | None, factor: float | None) -> Resample:
        return Resample(size, factor)


class UpsamplingBilinear2d(_Sized):
    """Interpolates two axes linearly to `size`, or by `scale_factor`: length = size, or floor(n·scale_factor).

    The corner cells of input and output lie on one another (`align_corners`): cell i of the output lies at i·(n −
    1)/(length − 1).
    """

    rank: ClassVar[int] = 2

    def along(self, size: int | None, factor: float | None) -> Resample:
        return Resample(size, factor, "linear", align_corners=True)


class Interpolate(_Interpolation):
    """Interpolates the spatial axes to `size`, by `scale_factor`, or to the spatial size of a second source.

    length = size, or floor(n·scale_factor). The function torch.nn.functional.interpolate: the modes of `Upsample`, and
    `antialias`, with which a smaller output reads all cells under its filter; the mode `lanczos` has it always.
    """

    takes: ClassVar[tuple[int, int | None]] = (1, 2)

    antialias: bool = False

    @property
    def filters(self) -> bool:
        return self.antialias

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        size = {"size": tuple(inputs[1].spatial)} if len(inputs) > 1 else {}
        return (Call("F.interpolate", {**size, **self.given()}, reads=(0,)),)


class PixelShuffle(Layer):
    """Channels become cells: H×W×(C·r²) becomes (H·r)×(W·r)×C, r = upscale_factor (arXiv:1609.05158).

    Output channel c reads the input channels c·r² to (c + 1)·r² − 1, one for each place in a square of r×r cells.
    """

    rank: ClassVar[int] = 2

    upscale_factor: Count

    def check(self, *inputs: Shape) -> None:
        square = self.upscale_factor**2
        if inputs[0].channels % square:
            message = "pixel_shuffle expects its input's channels to be divisible by the square of upscale_factor"
            raise ChannelsDoNotDivide(message, inputs[0].channels, square, "upscale_factor")

    def axes(self, x: Shape) -> tuple[AxisMap, ...]:
        return (Resample(factor=self.upscale_factor),) * self.rank

    def channel_map(self, x: Shape) -> AxisMap:
        left = x.channels // self.upscale_factor**2
        return Grouped(left, left)

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        places = _places(self.upscale_factor)
        parts = [Link((_dealt(r, i), _dealt(r, j)), Sliced(k, None, r * r)) for r, i, j, k in places]
        return ((Link(self.axes(x), self.channel_map(x), parts=tuple(parts)),),)


class PixelUnshuffle(Layer):
    """Cells become channels, the way back of `PixelShuffle`: (H·r)×(W·r)×C becomes H×W×(C·r²), r = downscale_factor.

    Each output cell reads a square of r×r cells; input channel c becomes the channels c·r² to (c + 1)·r² − 1.
    """

    rank: ClassVar[int] = 2

    downscale_factor: Count

    def check(self, *inputs: Shape) -> None:
        for axis, n in enumerate(inputs[0].spatial):
            if n % self.downscale_factor:
                name = axis_name(axis, self.rank)
                message = f"pixel_unshuffle expects {name} to be divisible by downscale_factor"
                raise SizeDoesNotDivide(message, name, n, self.downscale_factor, "downscale_factor")

    def axes(self, x: Shape) -> tuple[AxisMap, ...]:
        return (Window(self.downscale_factor, self.downscale_factor),) * self.rank

    def channel_map(self, x: Shape) -> AxisMap:
        return Grouped(x.channels * self.downscale_factor**2, x.channels)

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        places = _places(self.downscale_factor)
        parts = [Link((Sliced(i, None, r), Sliced(j, None, r)), _dealt(r * r, k)) for r, i, j, k in places]
        return ((Link(self.axes(x), self.channel_map(x), parts=tuple(parts)),),)


def _places(side: int) -> list[tuple[int, int, int, int]]:
    """The places in a square of cells: its side, row, column and number; none where they are too many to tell apart."""
    return [(side, i, j, i * side + j) for i in range(side) for j in range(side)] if side <= LARGEST_SQUARE else []


def _dealt(step: int, place: int) -> Spread:
    """The map of cells that go to every step-th place, from `place` on."""
    return Spread(1, step, padding=-place)


class ChannelShuffle(Layer):
    """Deals out the channels of all groups in turn, so that a grouped convolution mixes them (arXiv:1707.01083).

    Output channel j·groups + g is input channel g·C/groups + j. Sizes stay.
    """

    groups: Count

    def check(self, *inputs: Shape) -> None:
        (x,) = inputs
        self.must_have_axes(x, 1, 2, 3)
        if x.channels % self.groups:
            message = "number of channels must be divisible by groups"
            raise ChannelsDoNotDivide(message, x.channels, self.groups, "groups")

    def channel_map(self, x: Shape) -> AxisMap:
        return Shuffle(self.groups)
