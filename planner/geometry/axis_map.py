"""The contract of axis maps: how long an axis becomes, which cells are read, and which are lost."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise, starmap
from operator import le
from typing import NamedTuple

from planner.cells import Cells
from planner.words import counted


class Loss(NamedTuple):
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
        """The number of real cells that no window reads."""
        return self.at_edge + self.skipped

    @property
    def at_edge(self) -> int:
        """The number of real cells at the ends of the axis that no window reads."""
        return self.lost + self.lost_before

    @property
    def exact(self) -> bool:
        """Whether the last window ends where the axis ends with its padding."""
        return not (self.leftover or self.overhang)

    @property
    def clauses(self) -> dict[str, str]:
        """Everything amiss but real cells that no window reads: clauses in words, by the names of their rules."""
        said = {}
        if self.uneven:
            is_not = "is not" if self.uneven == 1 else "are not"
            said["uneven-padding"] = f"{counted(self.uneven, 'cell')} of padding at the end {is_not} used"
        if self.overhang:
            said["overhang"] = f"the last window hangs {counted(self.overhang, 'cell')} over the end"
        if self.blank:
            lie = "lies" if self.blank == 1 else "lie"
            said["blank-windows"] = f"{counted(self.blank, 'window')} {lie} on padding alone"
        return said

    def __bool__(self) -> bool:
        return self != NO_LOSS


NO_LOSS = Loss()


@dataclass(frozen=True)
class Ramp:
    """A whole number for every cell i of an endless axis: values[i mod P] + advance · (i div P), where P =
    len(values).
    """

    values: tuple[int, ...]
    advance: int

    def __call__(self, i: int) -> int:
        turns, phase = divmod(i, len(self.values))
        return self.values[phase] + self.advance * turns

    def at(self, cells: Iterable[int]) -> list[int]:
        """The numbers of several cells."""
        values, advance, period = self.values, self.advance, len(self.values)
        return [values[i % period] + i // period * advance for i in cells]

    @cached_property
    def slope(self) -> Fraction:
        return Fraction(self.advance, len(self.values))

    @cached_property
    def rises(self) -> bool:
        """Whether no cell has a smaller number than the one before it."""
        return all(starmap(le, pairwise((*self.values, self.values[0] + self.advance))))

    def reduced(self) -> Ramp:
        """The same ramp with the smallest period."""
        period = len(self.values)
        for shorter in range(1, period // 2 + 1):
            if period % shorter == 0 and self.advance * shorter % period == 0:
                step = self.advance * shorter // period
                if all(later - value == step for value, later in zip(self.values, self.values[shorter:], strict=False)):
                    return Ramp(self.values[:shorter], step)
        return self


@dataclass(frozen=True)
class Span:
    """Which stretch of an endless axis each cell sees: from `low(i)` to `high(i)`, every `step`-th cell of it.

    Where the cells of a period see stretches of different size, `low` may pass `high` by one: that cell sees nothing.
    """

    low: Ramp
    high: Ramp
    step: int = 1

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Worked out once: spans are looked up again and again."""
        return hash((self.low, self.high, self.step))

    def at(self, i: int) -> tuple[int, int]:
        """The first and the last cell that cell i sees."""
        return self.low(i), self.high(i)

    @cached_property
    def period(self) -> int:
        return math.lcm(len(self.low.values), len(self.high.values))

    @cached_property
    def advance(self) -> int:
        """How far the stretch moves in a period."""
        return int(self.stride * self.period)

    @cached_property
    def size(self) -> int:
        """Cells of the widest stretch."""
        return max([high - low + 1 for low, high in map(self.at, range(self.period))])

    @cached_property
    def stride(self) -> Fraction:
        """The mean distance, in input cells, between the stretches of neighbouring cells; 0 where all cells see the
        same.
        """
        return self.low.slope

    @cached_property
    def centre(self) -> Fraction:
        """The middle of the stretch that cell 0 sees; the mean over a period where its cells' stretches differ."""
        stretches = [(i, *self.at(i)) for i in range(self.period)]
        seeing = [each for each in stretches if each[1] <= each[2]] or stretches
        ends, places = sum([low + high for _, low, high in seeing]), sum([i for i, _, _ in seeing])
        return (Fraction(ends, 2) - places * self.stride) / len(seeing)

    @cached_property
    def plain(self) -> bool:
        """Whether every cell sees something, and no stretch begins or ends before that of the cell before."""
        return (
            self.low.rises and self.high.rises and all([low <= high for low, high in map(self.at, range(self.period))])
        )


class AxisMap:
    """How one output axis depends on one input axis. Subclasses are frozen values."""

    __slots__ = ()

    def length(self, n: int) -> int:
        """The number of cells of the output axis; below 1 where the map does not fit on n cells."""
        raise NotImplementedError

    def reads(self, cells: Cells, n: int) -> Cells:
        """The set of those of the n input cells that the given output cells read."""
        raise NotImplementedError

    def loss(self, n: int) -> Loss:
        return NO_LOSS

    def misfit(self, n: int) -> str:
        """The reason why no output cell is left of n input cells, in words and numbers."""
        return f"{n} cells leave {self.length(n)}"

    def span(self, n: int) -> Span | None:
        """The stretch of the input that each output cell reads, on an axis without ends; None where each reads the
        whole.
        """
        return None

    def period(self, n: int) -> int:
        """The number of output cells after which the stretches of `span` repeat, moved on."""
        return 1

    @property
    def widest(self) -> int:
        """The most cells from end to end of a window, or from one window to the next."""
        return 1

    @property
    def settles(self) -> int:
        """The number of input cells from which on the map is regular: one period of cells more makes the output longer
        by one period.
        """
        return 1

    @property
    def keeps(self) -> bool:
        """Whether every output cell is exactly the input cell of the same number."""
        return False
