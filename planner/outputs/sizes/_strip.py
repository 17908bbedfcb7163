"""A strip chart of an axis: a sign for each size, in rows of whole periods, so that what repeats stands in line."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby

from planner.analyses.sizes import AxisSizes
from planner.outputs._screen import Screen, TextStyle

WIDEST = 96
"""Columns of signs at most."""

# Unicode, ASCII, how it is painted, and what it means.
SIGNS: dict[str, tuple[str, str, tuple[TextStyle, ...], str]] = {
    "exact": ("·", ".", ("green",), "exact"),
    "lossless": ("–", "-", (), "lossless"),
    "fails": ("×", "x", ("dim",), "does not work"),
}
LOSSY = "1–9 layers that lose cells"


def strip(axis: AxisSizes, low: int, high: int, screen: Screen) -> Iterator[str]:
    """The lines of the chart of the sizes from low to high, and of those around the given one where it is outside,
    with a legend; rows that repeat are drawn once. Without a range there is no chart.
    """
    if high < low:
        return
    gutter = len(f"{max(high, axis.given):,}") + 4
    period = math.lcm(axis.works.period, axis.lossless.period, axis.exact.period)
    columns = _columns(period, min(screen.width - gutter, WIDEST))
    first = axis.given - axis.given % columns
    if axis.given < low < first + columns:
        low = axis.given
    ranges = [(max(first, 1), first + columns - 1)] * (axis.given < low) + [(low, high)]
    ranges += [(max(first - columns, high + 1), first + 2 * columns - 1)] * (axis.given > high)
    left_out = f"{'⋮' if screen.unicode else '...':>{gutter - 2}}"
    last, end = "", ranges[0][0]
    for low, high in ranges:
        if low > end + 1 and last != left_out:
            yield left_out
        for last in _rows(axis, low, high, columns, gutter, screen):
            yield last
        end = high
    yield " " * gutter + _legend(screen)


def _rows(axis: AxisSizes, low: int, high: int, columns: int, gutter: int, screen: Screen) -> Iterator[str]:
    previous: list[str] = []
    repeats = False
    for start in range(low - low % columns, high + 1, columns):
        row = [_kind(axis, n) if n >= low else " " for n in range(start, min(start + columns, high + 1))]
        given = max(start, low) <= axis.given < start + columns
        if row == previous[: len(row)] and not given:
            if not repeats:
                yield f"{'⋮' if screen.unicode else '...':>{gutter - 2}}"
            repeats = True
            continue
        yield f"{start:>{gutter - 2},}  {_painted(row, screen)}"
        if given:
            yield " " * (gutter + axis.given - start) + screen.paint(f"^ {axis.given:,}", "bold")
        previous, repeats = row, False


def _columns(period: int, room: int) -> int:
    """The number of columns that fit: of whole periods, and if possible of eights; where no period fits, of tens."""
    unit = next((each for each in (math.lcm(period, 8), period, 10) if each <= room), 1)
    return room // unit * unit


def _kind(axis: AxisSizes, n: int) -> str:
    """The kind of a size: a key of SIGNS, or the number of layers that lose cells."""
    if n not in axis.works:
        return "fails" if n else " "
    if n in axis.exact:
        return "exact"
    if n in axis.lossless:
        return "lossless"
    return str(min(max(sum(n not in each.lossless for each in axis.conditions), 1), 9))


def _painted(row: list[str], screen: Screen) -> str:
    return "".join(_sign(kind, screen, len([*group])) for kind, group in groupby(row))


def _sign(kind: str, screen: Screen, count: int = 1) -> str:
    if kind not in SIGNS:
        return screen.paint(kind * count, "yellow") if kind != " " else kind * count
    sign, plain, looks, _ = SIGNS[kind]
    return screen.paint((sign if screen.unicode else plain) * count, *looks)


def _legend(screen: Screen) -> str:
    said = [f"{_sign(kind, screen)} {meaning}" for kind, (_, _, _, meaning) in SIGNS.items()]
    lossy = LOSSY if screen.unicode else LOSSY.replace("–", "-")
    return "  ".join([*said[:2], lossy, said[2]])
