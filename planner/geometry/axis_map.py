"""What an axis map is: how long an axis becomes, what is read of it, what is lost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from planner.cells import Cells


@dataclass(frozen=True, slots=True)
class Loss:
    """What one axis map loses on an axis of a given length, in cells.

    lost, lost_before   real cells past the last window, or before the first, that no window reads
    uneven              padding cells that no window reads although those of the other side are read
    skipped             real cells inside the covered stretch that no window reads
    overhang            cells of the last window past the padded end (ceil_mode)
    blank               windows that read padding alone
    """

    leftover: int = 0
    lost: int = 0
    lost_before: int = 0
    uneven: int = 0
    skipped: int = 0
    overhang: int = 0
    blank: int = 0

    @property
    def real(self) -> int:
        """Real cells that are read by no window at all."""
        return self.lost + self.lost_before + self.skipped

    def __bool__(self) -> bool:
        return self != NO_LOSS


NO_LOSS = Loss()


@dataclass(frozen=True, slots=True)
class Ramp:
    """A whole number for every cell i of an endless axis: values[i mod P] + advance · (i div P), where P =
    len(values).
    """

    values: tuple[int, ...]
    advance: int

    def __call__(self, i: int) -> int:
        turns, phase = divmod(i, len(self.values))
        return self.values[phase] + self.advance * turns

    @property
    def slope(self) -> Fraction:
        return Fraction(self.advance, len(self.values))

    @property
    def rises(self) -> bool:
        """Whether no cell has a smaller number than the one before it."""
        return all(self(i) <= self(i + 1) for i in range(len(self.values)))

    def reduced(self) -> Ramp:
        """The same ramp with the smallest period."""
        period = len(self.values)
        for shorter in range(1, period // 2 + 1):
            if period % shorter == 0 and self.advance * shorter % period == 0:
                short = Ramp(self.values[:shorter], self.advance * shorter // period)
                if all(short(i) == value for i, value in enumerate(self.values)):
                    return short
        return self


@dataclass(frozen=True, slots=True)
class Span:
    """Which stretch of an endless axis each cell sees: from `low(i)` to `high(i)`, every `step`-th cell of it.

    Where the cells of a period see stretches of different size, `low` may pass `high` by one: that cell sees nothing.
    """

    low: Ramp
    high: Ramp
    step: int = 1

    def at(self, i: int) -> tuple[int, int]:
        """The first and the last cell that cell i sees."""
        return self.low(i), self.high(i)

    @property
    def period(self) -> int:
        return math.lcm(len(self.low.values), len(self.high.values))

    @property
    def advance(self) -> int:
        """How far the stretch moves in a period."""
        return int(self.stride * self.period)

    @property
    def size(self) -> int:
        """Cells of the widest stretch."""
        return max([high - low + 1 for low, high in map(self.at, range(self.period))])

    @property
    def stride(self) -> Fraction:
        """How far the stretch moves from one cell to the next; 0 where every cell sees the same."""
        return self.low.slope

    @property
    def centre(self) -> Fraction:
        """Where the middle of cell 0's stretch lies; the mean over a period where its cells differ."""
        stretches = [(i, *self.at(i)) for i in range(self.period)]
        seeing = [each for each in stretches if each[1] <= each[2]] or stretches
        ends, places = sum([low + high for _, low, high in seeing]), sum([i for i, _, _ in seeing])
        return (Fraction(ends, 2) - places * self.stride) / len(seeing)

    @property
    def plain(self) -> bool:
        """Whether every cell sees something, and none begins or ends to see before the one before it does."""
        return (
            self.low.rises and self.high.rises and all([low <= high for low, high in map(self.at, range(self.period))])
        )


class AxisMap:
    """How one output axis depends on one input axis. Subclasses are frozen values."""

    __slots__ = ()

    def length(self, n: int) -> int:
        """Cells of the output axis; below 1 where the map does not fit on n cells."""
        raise NotImplementedError

    def reads(self, cells: Cells, n: int) -> Cells:
        """Which of the n input cells the given output cells read."""
        raise NotImplementedError

    def loss(self, n: int) -> Loss:
        return NO_LOSS

    def misfit(self, n: int) -> str:
        """Why nothing is left of n cells, in words and numbers."""
        return f"{n} cells leave {self.length(n)}"

    def span(self, n: int) -> Span | None:
        """Which stretch of the input each output cell reads, on an axis without ends; None where every cell reads all
        of it.
        """
        return None

    def period(self, n: int) -> int:
        """After how many output cells the stretches of `span` repeat, further on."""
        return 1

    @property
    def widest(self) -> int:
        """The most cells from one end of a window to the other, or from one window to the next."""
        return 1

    @property
    def settles(self) -> int:
        """From how many cells on the map is regular: one period of cells more, and the length grows by one period's
        worth.
        """
        return 1

    @property
    def keeps(self) -> bool:
        """Whether every output cell is exactly the input cell of the same number."""
        return False
