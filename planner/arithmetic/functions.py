"""The functions that expressions may call."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

from planner.faults.bad_arithmetic import kind

Number = int | Fraction


class RefusedError(Exception):
    """A function refuses its arguments."""


class Function(NamedTuple):
    """A function of exact numbers, with the least and the greatest number of its arguments."""

    call: Callable[..., Number]
    least: int
    most: float
    example: str
    takes_numbers: bool = True


def _make_divisible(value: Number, divisor: Number, least: Number | None = None) -> Number:
    """The multiple of `divisor` nearest to `value`, but not below `least` nor below 90 % of `value`: how the MobileNets
    round their widths (M. Sandler et al., arXiv:1801.04381, reference code; torchvision's `_make_divisible`).
    """
    if value < 0 or divisor <= 0:
        raise RefusedError("`make_divisible` takes a positive divisor, and no negative value")
    nearest = max(divisor if least is None else least, (value + Fraction(divisor, 2)) // divisor * divisor)
    return nearest + divisor if nearest < Fraction(9, 10) * value else nearest


def _length(items: Any) -> Number:
    if not isinstance(items, list | tuple):
        raise RefusedError(f"`len` takes a list, not {kind(items)}")
    return len(items)


FUNCTIONS = {
    "min": Function(min, 2, math.inf, "min($a, $b)"),
    "max": Function(max, 2, math.inf, "max($a, $b)"),
    "round": Function(round, 1, 1, "round($a / 4)"),
    "ceil": Function(math.ceil, 1, 1, "ceil($a / 4)"),
    "floor": Function(math.floor, 1, 1, "floor($a / 4)"),
    "len": Function(_length, 1, 1, "len($list)", takes_numbers=False),
    "make_divisible": Function(_make_divisible, 2, 3, "make_divisible($a, 8)"),
}
"""By name. `round` goes to the even number at a half, as in Python."""
