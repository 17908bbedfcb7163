"""Axis maps of bins that are drawn at random, and of interpolation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from planner.cells import Cells, Run, imaged, united
from planner.geometry.axis_map import AxisMap, Ramp, Span
from planner.geometry.bins import Bins


@dataclass(frozen=True, slots=True)
class RandomBins(AxisMap):
    """Fractional max pooling: windows of `kernel` cells, about (n − kernel) / (length − 1) apart, drawn at random.

    An output cell reads what it may read: window i starts at one of the whole numbers around i times the distance.
    B. Graham, "Fractional max-pooling", arXiv:1412.6071, as PyTorch draws it.
    """

    kernel: int
    size: int | None = None
    ratio: float | None = None

    def length(self, n: int) -> int:
        return self.size if self.size is not None else math.floor(n * (self.ratio or 0))

    def distance(self, n: int) -> Fraction:
        return Fraction(n - self.kernel, self.length(n) - 1) if self.length(n) > 1 else Fraction(0)

    def bounds(self, i: int, n: int) -> tuple[int, int]:
        """The first cell that output i may read, and the one after the last."""
        if self.length(n) == 1:
            return n - self.kernel, n
        start = i * self.distance(n)
        return math.floor(start), math.ceil(start) + self.kernel

    def reads(self, cells: Cells, n: int) -> Cells:
        period, advance = self.distance(n).denominator, self.distance(n).numerator
        contiguous = self.distance(n) <= self.kernel
        return imaged(
            cells,
            lambda a, b: [(self.bounds(a, n)[0], self.bounds(b - 1, n)[1])],
            n,
            period,
            advance,
            contiguous=contiguous,
        )

    def period(self, n: int) -> int:
        return self.distance(n).denominator

    def span(self, n: int) -> Span:
        distance = self.distance(n)
        bounds = [self.bounds(i, n) for i in range(distance.denominator)]
        lows, highs = tuple(low for low, _ in bounds), tuple(stop - 1 for _, stop in bounds)
        return Span(Ramp(lows, distance.numerator), Ramp(highs, distance.numerator))


InterpolationMode = Literal["nearest", "nearest-exact", "linear", "cubic", "lanczos", "area"]
_FILTERS: Mapping[InterpolationMode, int] = {"linear": 1, "cubic": 2, "lanczos": 3}
"""How many steps the filter of an antialiased interpolation reaches on either side."""


@dataclass(frozen=True, slots=True)
class Resample(AxisMap):
    """Interpolation to a size, or by a factor; the factor is multiplied in double precision, as torch does.

    `ratio` is what torch steps by on the input: 1/factor where it keeps the factor, n/m where it works it out again. An
    axis that keeps its length is copied, but by `nearest-exact`, and by `cubic` without antialias; one that is doubled
    by `nearest` has each cell twice.
    """

    size: int | None = None
    factor: float | None = None
    mode: InterpolationMode = "nearest"
    align_corners: bool = False
    recompute: bool = False
    antialias: bool = False

    def length(self, n: int) -> int:
        return self.size if self.size is not None else math.floor(n * (self.factor or 1))

    def ratio(self, n: int) -> Fraction:
        m = self.length(n)
        if self.align_corners:
            return Fraction(n - 1, m - 1) if m > 1 else Fraction(0)
        copies = m == n and (self.antialias or self.mode in ("nearest", "linear"))
        doubles = m == 2 * n and self.mode == "nearest"
        if self.factor is None or self.recompute or copies or doubles or self.mode == "area":
            return Fraction(n, m)
        return 1 / (Fraction(self.factor).limit_denominator(1 << 20) or Fraction(self.factor))

    def reads(self, cells: Cells, n: int) -> Cells:
        if self.mode == "area":
            return Bins(self.length(n)).reads(cells, n)
        ratio = self.ratio(n)
        contiguous = ratio <= 1 and not self.antialias

        def taken(a: int, b: int) -> list[Run]:
            if not contiguous:
                return united((cell, cell + 1) for cell in self._taps(a, ratio))
            # A cell whose centre falls on an input cell has fewer taps, so its neighbour may reach further.
            ends = [self._taps(i, ratio) for i in {a, min(a + 1, b - 1), max(b - 2, a), b - 1}]
            return [(min([each[0] for each in ends]), max([each[-1] for each in ends]) + 1)]

        # At the ends of the axis an antialiasing filter is cut off; other taps are clamped to the last cell.
        return imaged(
            cells,
            taken,
            n,
            ratio.denominator,
            ratio.numerator,
            contiguous=contiguous,
            clamped=not self.antialias,
        )

    def _taps(self, i: int, ratio: Fraction) -> Sequence[int]:
        """The input cells that output i reads with a weight other than zero, on an axis without ends."""
        if self.mode == "nearest":
            return range(math.floor(i * ratio), math.floor(i * ratio) + 1)
        if self.mode == "nearest-exact":
            cell = math.floor((i + Fraction(1, 2)) * ratio)
            return range(cell, cell + 1)
        centre = (i + Fraction(1, 2)) * ratio - Fraction(1, 2)
        if self.antialias:
            # The filter is zero at whole steps from its middle, which align_corners does not move.
            step = max(ratio, Fraction(1))
            half = _FILTERS[self.mode] * step
            cells = range(math.floor(centre - half) + 1, math.ceil(centre + half))
            return [cell for cell in cells if cell == centre or (cell - centre) % step]
        if self.align_corners:
            centre = i * ratio
        cell = math.floor(centre)
        if centre == cell:
            return range(cell, cell + 1)
        return range(cell, cell + 2) if self.mode == "linear" else range(cell - 1, cell + 3)

    def period(self, n: int) -> int:
        return Bins(self.length(n)).period(n) if self.mode == "area" else self.ratio(n).denominator

    def span(self, n: int) -> Span | None:
        if self.mode == "area":
            return Bins(self.length(n)).span(n)
        ratio = self.ratio(n)
        taps = [self._taps(i, ratio) for i in range(ratio.denominator)]
        lows, highs = tuple(each[0] for each in taps), tuple(each[-1] for each in taps)
        return Span(Ramp(lows, ratio.numerator), Ramp(highs, ratio.numerator))

    @property
    def keeps(self) -> bool:
        return self.factor == 1
