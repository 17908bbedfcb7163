"""An axis of a chart: where a number stands on it, and the numbers that are written beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor, log, log2, log10

from planner.points import MEASURES, Objective
from planner.quantities import written

FAR_APART = 20
"""From this ratio of the largest number to the smallest on, equal ratios are equally far apart."""
MOST_TICKS = 7


@dataclass(frozen=True, slots=True)
class ChartAxis:
    """The numbers from the lowest to the highest, along a length; `by_ratio` says that equal ratios are equally far."""

    low: float
    high: float
    of_bytes: bool
    by_ratio: bool

    @classmethod
    def of(cls, aim: Objective, low: float, high: float) -> ChartAxis:
        """The axis for what an aim is about, with a little room at both ends."""
        of_bytes = aim.measure in MEASURES and MEASURES[aim.measure].of_bytes
        if low > 0 and high / low >= FAR_APART:
            room = (high / low) ** 0.05
            return cls(low / room, high * room, of_bytes, True)
        room = (high - low) * 0.05 or abs(high) * 0.1 or 1
        return cls(low - room if low < 0 else max(low - room, 0), high + room, of_bytes, False)

    def place(self, number: float) -> float:
        """Where a number stands, from 0 at the lowest to 1 at the highest."""
        if self.by_ratio:
            return log(number / self.low) / log(self.high / self.low)
        return (number - self.low) / (self.high - self.low)

    def ticks(self) -> Iterator[tuple[float, str]]:
        """Round numbers, each with its text."""
        found = [each for each in (self._ratios() if self.by_ratio else self._steps()) if self.low <= each <= self.high]
        thin = ceil(len(found) / MOST_TICKS)
        for number in found[::thin]:
            yield number, self._text(number)

    def _ratios(self) -> Iterator[float]:
        base = 2.0 if self.of_bytes else 10.0
        first, last = floor(log(self.low, base)), ceil(log(self.high, base))
        wide = (last - first > 3) or self.of_bytes
        for power in range(first, last + 1):
            yield from (base**power * part for part in ((1,) if wide else (1, 2, 5)))

    def _steps(self) -> Iterator[float]:
        rough = (self.high - self.low) / MOST_TICKS
        base = 2.0 ** floor(log2(rough)) if self.of_bytes else 10.0 ** floor(log10(rough))
        step = next((base * part for part in (1, 2, 5) if base * part >= rough), base * 10)
        first = ceil(self.low / step)
        yield from (step * i for i in range(first, floor(self.high / step) + 1))

    def _text(self, number: float) -> str:
        if number != int(number):
            return f"{number:g}"
        return _short(int(number), self.of_bytes)


def _short(number: int, of_bytes: bool) -> str:
    """A round number as a person writes it: `1.5M` rather than `1,500k`."""
    units = (
        {"GiB": 2**30, "MiB": 2**20, "KiB": 2**10} if of_bytes else {"T": 10**12, "G": 10**9, "M": 10**6, "k": 10**3}
    )
    for unit, size in units.items():
        if number >= size and not number * 100 % size:
            return f"{number / size:g}{' ' if of_bytes else ''}{unit}"
    return written(number, of_bytes=of_bytes)
