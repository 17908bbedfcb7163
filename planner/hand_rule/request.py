"""Requests: the text of the command line becomes a layer on each axis, or is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from planner.faults.output_padding_too_large import OutputPaddingTooLarge
from planner.faults.pool_padding_too_wide import PoolPaddingTooWide
from planner.faults.same_padding_with_stride import SamePaddingWithStride
from planner.hand_rule._working import OnAxis
from planner.hand_rule.adaptive import Adaptive
from planner.hand_rule.sliding import Sliding
from planner.hand_rule.transposed import Transposed

MOST_CELLS = 1_000_000
"""The longest axis that is worked out."""
MOST = 10_000
"""The largest argument."""
MOST_AXES = 3

_OPTIONS = {
    "kernel": "-k",
    "stride": "-s",
    "padding": "-p",
    "dilation": "-d",
    "output_padding": "--output-padding",
    "ceil": "--ceil",
    "transposed": "--transposed",
    "same": "--same",
    "tf_same": "--tf-same",
    "adaptive": "--adaptive",
}
_CLASHES = {
    "adaptive": ({*_OPTIONS} - {"adaptive"}, "an adaptive pool makes its windows itself"),
    "transposed": ({"ceil", "same", "tf_same"}, "a transposed convolution has no such thing"),
    "same": ({"padding", "tf_same", "ceil"}, "`same` says all about the padding"),
    "tf_same": ({"padding", "ceil"}, "TensorFlow's SAME says all about the padding"),
}


class Refused(Exception):
    """The request is no layer; the text says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The arguments as they were written; an argument that was not is None, or False for a switch."""

    size: str
    kernel: str | None = None
    stride: str | None = None
    padding: str | None = None
    dilation: str | None = None
    output_padding: str | None = None
    adaptive: str | None = None
    ceil: bool = False
    transposed: bool = False
    same: bool = False
    tf_same: bool = False

    def sizes(self) -> tuple[int, ...]:
        """The cells of each axis."""
        example = "write it as 416, or 224x200 for two axes"
        sizes = tuple(_number(part, "the size", 1, MOST_CELLS, example) for part in _parts(self.size))
        if len(sizes) > MOST_AXES:
            raise Refused(
                f"`{self.size}` has {len(sizes)} axes; at most {MOST_AXES} are worked out, without the channels"
            )
        return sizes

    def layers(self) -> list[OnAxis]:
        """The layer on each axis."""
        self._refuse_clashes()
        axes = len(self.sizes())
        if self.adaptive is not None:
            return [Adaptive(bins) for bins in self._numbers("adaptive", axes, 1)]
        if self.kernel is None:
            raise Refused("the kernel is missing; give it as -k 3, or as -k 7x3 for two axes")
        kernels, strides = self._numbers("kernel", axes, 1), self._numbers("stride", axes, 1)
        dilations, paddings = self._numbers("dilation", axes, 1), self._sides(axes)
        if self.transposed:
            extras = self._numbers("output_padding", axes, 0)
            for extra, stride, dilation in zip(extras, strides, dilations, strict=True):
                _refuse_output_padding(extra, stride, dilation)
            befores = [_both(side) for side in paddings]
            return [Transposed(*each) for each in zip(kernels, strides, dilations, befores, extras, strict=True)]
        if self.same and max(strides) > 1:
            fault = SamePaddingWithStride(max(strides))
            raise Refused(f"{fault.headline}; use --tf-same for TensorFlow's meaning, or a number: -p 1")
        word: Literal["same", "tf_same"] | None = "same" if self.same else "tf_same" if self.tf_same else None
        numbers = zip(kernels, strides, dilations, paddings, strict=True)
        return [_allowed(Sliding(k, s, d, word or side, self.ceil)) for k, s, d, side in numbers]

    def _refuse_clashes(self) -> None:
        given = [name for name in _OPTIONS if getattr(self, name) not in (None, False)]
        for name, (others, why) in _CLASHES.items():
            clash = [_OPTIONS[other] for other in given if other in others]
            if name in given and clash:
                raise Refused(f"{_OPTIONS[name]} and {clash[0]} do not go together: {why}; leave one out")
        if self.output_padding is not None and not self.transposed:
            raise Refused("--output-padding belongs to a transposed convolution; add --transposed, or leave it out")

    def _numbers(self, name: str, axes: int, least: int) -> list[int]:
        """An argument's number for each axis; its least possible value where it is not given."""
        option, text = _OPTIONS[name], getattr(self, name)
        example = f"write it as {option} 3, or {option} 7x3 for two axes"
        parts = [str(least)] if text is None else _parts(text)
        return [_number(part, option, least, MOST, example) for part in self._for_each(option, parts, axes)]

    def _sides(self, axes: int) -> list[tuple[int, int]]:
        """The padding before and after each axis."""
        sides = []
        for part in self._for_each("-p", _parts(self.padding or "0"), axes):
            if part in ("same", "tf_same"):
                raise Refused(f"-p takes numbers; for the word there is --{part.replace('_', '-')}")
            example = "write it as -p 1, as -p 0,1 for before and after, or as -p 1x0,1 for two axes"
            numbers = [_number(each, "-p", 0, MOST, example) for each in part.split(",")]
            if len(numbers) > 2:
                raise Refused(f"-p: `{part}` are more than two sides; {example}")
            sides.append((numbers[0], numbers[-1]))
        return sides

    def _for_each(self, option: str, parts: list[str], axes: int) -> list[str]:
        if len(parts) not in (1, axes):
            raise Refused(
                f"{option} has {len(parts)} numbers, and `{self.size}` has {axes} ax{'e' if axes > 1 else 'i'}s; "
                f"give one for all, or one for each"
            )
        return parts if len(parts) == axes else parts * axes


def _parts(text: str) -> list[str]:
    return [part.strip() or text for part in text.replace("×", "x").replace("X", "x").split("x")]


def _number(text: str, what: str, least: int, most: int, example: str) -> int:
    """A whole number within its bounds."""
    if not (text.isascii() and text.isdecimal()):
        raise Refused(f"{what}: `{text}` is not a whole number; {example}")
    number = int(text) if len(text) < 20 else most + 1
    if number < least:
        raise Refused(f"{what}: `{text}` is too small; the least is {least}")
    if number > most:
        raise Refused(f"{what}: `{text[:40]}` is too large; {most:,} is the most that is worked out")
    return number


def _refuse_output_padding(extra: int, stride: int, dilation: int) -> None:
    """PyTorch's rule for the argument."""
    if extra >= max(stride, dilation):
        fault = OutputPaddingTooLarge(extra, stride, dilation)
        raise Refused(f"{fault.headline}; use --output-padding {max(stride, dilation) - 1} or less")


def _allowed(layer: Sliding) -> Sliding:
    """PyTorch's rule for the padding of pools."""
    if not layer.allowed:
        headline = PoolPaddingTooWide(0, layer.kernel, "").message
        most = layer.kernel // 2
        raise Refused(
            f"{headline}: only pools have --ceil, and kernel {layer.kernel} allows -p {most}; use that or less"
        )
    return layer


def _both(side: tuple[int, int]) -> int:
    before, after = side
    if before != after:
        raise Refused(
            f"-p: a transposed convolution cuts the same off both ends, not {before},{after}; use -p {before}"
        )
    return before
