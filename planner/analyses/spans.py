"""Spans of receptive fields: the stretch that cells see, put together from those of other cells."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Literal

from planner.geometry import Ramp, Span

LONGEST_PERIOD = 4096
"""Spans with a longer period are not followed."""
MOST_GATHERED = 1 << 16
"""Cells that are looked at for one period."""

WHOLE: Literal["whole"] = "whole"
"""The span of a cell that sees the whole axis, wherever it lies: after attention, or a gate worked out by global
pooling."""

AxisSpan = Span | Literal["whole"] | None
"""None where no single number holds: after branches of different strides."""


def enclosing(stretches: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The stretch that several stretches lie in."""
    return min([low for low, _ in stretches]), max([high for _, high in stretches])


def spanned(stretches: Sequence[tuple[int, int]], moved: Fraction) -> Span:
    """The span of which one period of cells is given, with each period `moved` cells further on."""
    lows, highs = zip(*stretches, strict=True)
    return Span(Ramp(lows, int(moved)).reduced(), Ramp(highs, int(moved)).reduced())


def gathered(span: AxisSpan, period: int, advance: int, cells: Iterable[Sequence[int]]) -> AxisSpan:
    """The span of cells of which each sees what some cells with a `span` see.

    period, advance  after so many cells all of it comes again, so many cells of `span` further on
    cells            for each cell of the first period, the cells that it sees
    """
    if not isinstance(span, Span):
        return span
    turns = span.period // math.gcd(advance, span.period)
    if period * turns > LONGEST_PERIOD:
        return None
    rows, left = [], MOST_GATHERED
    for row in cells:
        rows.append(row)
        left -= len(row) * turns
        if left < 0:
            return None
    if turns > 1:
        rows = [[i + turn * advance for i in row] for turn in range(turns) for row in rows]
    return spanned(_stretches(span, rows), span.stride * advance * turns)


def _stretches(span: Span, rows: Sequence[Sequence[int]]) -> Sequence[tuple[int, int]]:
    """The stretches that rows of cells with a `span` see; empty for a row that sees nothing."""
    if span.plain or all([len(row) == 1 for row in rows]):
        lows, highs = span.low.at([min(row) for row in rows]), span.high.at([max(row) for row in rows])
        return [(low, max(high, low - 1)) for low, high in zip(lows, highs, strict=True)]
    found = [[span.at(i) for i in row] for row in rows]
    return [enclosing([each for each in row if each[0] <= each[1]] or [(row[0][0], row[0][0] - 1)]) for row in found]
