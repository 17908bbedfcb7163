"""Series: the values that a parameter, or the shapes that an input, has in turn; each is made when it is asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

from planner.editing import written

EXAMPLE = "from:to:step, such as 32:128:8"
MOST_COMPARED = 100_000
"""Values of a series among which one that stands there twice is looked for."""

_NUMBER = r"\s*(-?\d{1,19}(?:\.\d{1,19})?)\s*"
_RANGE = re.compile(rf"{_NUMBER}:{_NUMBER}(?::{_NUMBER})?", re.ASCII)
_LIKE_A_RANGE = re.compile(r"\s*[-+.\d]*:|.*:\s*[-+.\d]+\s*$", re.ASCII)
_DOTTED = re.compile(r"\s*(-?\d+)\s*\.\.\.?\s*(-?\d+)\s*", re.ASCII)
_OPENING, _CLOSING = "[{(", "]})"


@dataclass(frozen=True, slots=True)
class Steps:
    """The numbers from a first one on in equal steps; decimals are those that a model file would have."""

    first: Fraction
    step: Fraction
    count: int

    @property
    def whole(self) -> bool:
        return self.first.denominator == self.step.denominator == 1

    def at(self, i: int) -> int | float:
        number = self.first + i * self.step
        return number.numerator if self.whole else float(number)


@dataclass(frozen=True, slots=True)
class Series:
    """Values in order, some listed, some in steps; `text` is how they were asked for."""

    parts: tuple[Steps | tuple[Any, ...], ...]
    text: str

    @classmethod
    def of(cls, given: Any) -> Series:
        """The series that a value in Python means: a range, a list or a tuple of values, or one value."""
        if isinstance(given, Series):
            return given
        if isinstance(given, range):
            step = f":{given.step}" if given.step != 1 else ""
            text = f"{given.start}:{given[-1]}{step}" if given else ""
            return cls((Steps(Fraction(given.start), Fraction(given.step), len(given)),), text)
        values = tuple(given) if isinstance(given, list | tuple) else (given,)
        return cls((values,), ",".join(map(written, values)))

    @property
    def count(self) -> int:
        return sum(map(_count, self.parts))

    def at(self, i: int) -> Any:
        """The value with a number, from 0."""
        for part in self.parts:
            if i < _count(part):
                return part.at(i) if isinstance(part, Steps) else part[i]
            i -= _count(part)
        raise IndexError(i)

    def __iter__(self) -> Iterator[Any]:
        return map(self.at, range(self.count))


def _count(part: Steps | tuple[Any, ...]) -> int:
    return part.count if isinstance(part, Steps) else len(part)


@dataclass(frozen=True, slots=True)
class ShapeSeries:
    """Shapes in order: each item is a series for every axis, or one alone for all spatial axes beside the channels that
    the model has.
    """

    items: tuple[tuple[Series, ...], ...]
    text: str

    @classmethod
    def of(cls, given: Any) -> ShapeSeries:
        """The shapes that a value in Python means: one shape as a tuple, or a list or range of shapes and of sizes."""
        if isinstance(given, ShapeSeries):
            return given
        if isinstance(given, range):
            series = Series.of(given)
            return cls(((series,),), series.text)
        listed = given if isinstance(given, list) else [given]
        items = tuple((Series.of(each),) if isinstance(each, int) else tuple(map(Series.of, each)) for each in listed)
        return cls(items, ",".join("x".join(each.text for each in item) for item in items))

    @property
    def count(self) -> int:
        return sum(map(_shapes, self.items))

    def at(self, i: int) -> tuple[int, ...]:
        """The shape with a number, from 0; its one size where it is that of all spatial axes."""
        for item in self.items:
            if i < _shapes(item):
                places = combined([series.count for series in item], i)
                return tuple([series.at(place) for series, place in zip(item, places, strict=True)])
            i -= _shapes(item)
        raise IndexError(i)


def _shapes(item: tuple[Series, ...]) -> int:
    return prod(series.count for series in item)


def read_series(text: str, read: Callable[[str], Any]) -> Series:
    """`32:128:8`, `a,b,c`, or several of both. Raises ValueError, which says why, where it is none.

    read  the value that a text means in a model file
    """
    series = Series(tuple(_steps(item) or (read(item.strip()),) for item in _items(text)), text.strip())
    _must_differ(series.count, lambda: map(repr, series), text)
    return series


def read_shapes(text: str) -> ShapeSeries:
    """`160:320:32`, `224x224x3`, `128:256:64x192x3`, or several of them. Raises ValueError, which says why."""
    items = []
    for item in _items(text.replace("×", "x").replace("X", "x")):
        axes = []
        for part in item.split("x"):
            steps = _steps(part) or _size(part, item)
            if isinstance(steps, Steps) and (not steps.whole or steps.first < 1):
                raise ValueError(f"`{item.strip()}` has sizes that are no whole numbers from 1; write {EXAMPLE}")
            axes.append(Series((steps,), part.strip()))
        items.append(tuple(axes))
    shapes = ShapeSeries(tuple(items), text.strip())
    _must_differ(shapes.count, lambda: (repr(shapes.at(i)) for i in range(shapes.count)), text)
    return shapes


def _size(part: str, item: str) -> tuple[int]:
    if not (part.strip().isdecimal() and part.isascii() and len(part.strip()) < 20 and int(part)):
        raise ValueError(f"`{item.strip()}` is no size; write 160:320:32, or a shape as 320x320x3")
    return (int(part),)


def _steps(item: str) -> Steps | None:
    """The numbers of a range; None where a text is none. Its end is in it, if a step comes to it."""
    found = _RANGE.fullmatch(item)
    if found is None:
        if dotted := _DOTTED.fullmatch(item):
            raise ValueError(f"`{item.strip()}` is no range; write {dotted[1]}:{dotted[2]}")
        if _LIKE_A_RANGE.match(item) and item.count(":") in (1, 2):
            raise ValueError(f"`{item.strip()}` is no range; write {EXAMPLE}")
        return None
    first, last, step = (Fraction(each or "1") for each in found.groups())
    if step <= 0:
        raise ValueError(f"`{item.strip()}` has a step of {found[3]}; a step is more than 0: write {EXAMPLE}")
    if first > last:
        turned = f"{found[2]}:{found[1]}" + (f":{found[3]}" if found[3] else "")
        raise ValueError(f"`{item.strip()}` goes down from {found[1]} to {found[2]}; write {turned}")
    return Steps(first, step, int((last - first) // step) + 1)


def _items(text: str) -> list[str]:
    """The parts between the commas of a text that stand in no brackets and no quotes."""
    items, depth, quote = [""], 0, ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        depth += (char in _OPENING) - (char in _CLOSING) if not quote else 0
        if char == "," and not depth and not quote:
            items.append("")
        else:
            items[-1] += char
    if not all(map(str.strip, items)):
        raise ValueError(f"`{text.strip()}` has an empty place in its list; write a,b,c or {EXAMPLE}")
    return items


def _must_differ(count: int, values: Callable[[], Iterator[str]], text: str) -> None:
    """Refuse a list in which a value stands twice, which would be planned twice."""
    if 1 < count <= MOST_COMPARED:
        seen: set[str] = set()
        for value in values():
            if value in seen:
                raise ValueError(f"`{text.strip()}` has {value} twice; leave one out")
            seen.add(value)


def combined(counts: Sequence[int], number: int) -> list[int]:
    """The places in several series of the combination with a number; the last series goes fastest."""
    places = []
    for count in reversed(counts):
        number, place = divmod(number, count)
        places.append(place)
    return places[::-1]
