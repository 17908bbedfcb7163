"""Spans of receptive fields: the stretch that cells see, put together from those of other cells."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
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


def around(stretches: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The stretch that several stretches lie in."""
    return min([low for low, _ in stretches]), max([high for _, high in stretches])


def spanned(stretches: Sequence[tuple[int, int]], moved: Fraction) -> Span:
    """The span of which one period of cells is given, with each period `moved` cells further on."""
    lows, highs = zip(*stretches, strict=True)
    return Span(Ramp(lows, int(moved)).reduced(), Ramp(highs, int(moved)).reduced())


def gathered(span: AxisSpan, period: int, advance: int, cells: Callable[[int], Iterable[int]]) -> AxisSpan:
    """The span of cells of which each sees what some `cells` see that have `span`.

    period, advance  after so many cells all of it comes again, so many cells of `span` further on
    """
    if not isinstance(span, Span):
        return span
    turns = span.period // math.gcd(advance, span.period)
    if period * turns > LONGEST_PERIOD:
        return None
    stretches, left = [], MOST_GATHERED
    for j in range(period * turns):
        own = [*cells(j)]
        left -= len(own)
        if left < 0:
            return None
        found = [span.at(i) for i in own]
        seeing = [each for each in found if each[0] <= each[1]] or [(found[0][0], found[0][0] - 1)]
        stretches.append(around(seeing))
    return spanned(stretches, span.stride * advance * turns)
