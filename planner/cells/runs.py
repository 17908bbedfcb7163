"""A set of cells as runs, which answers like a Python int that is a set of bits."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from planner.cells.combs import Comb, Keep, Run, combined, compressed, single, tidied

LONGEST_BITS = 1 << 20
"""Sets that reach beyond this many cells are kept as runs, others as bits."""


class Runs:
    """A set of cells of a long axis. With `&`, `|`, `<<` and the like it can stand wherever an int of bits can."""

    __slots__ = ("combs",)

    def __init__(self, combs: tuple[Comb, ...]) -> None:
        self.combs = combs

    def bit_count(self) -> int:
        """The number of cells in the set."""
        return sum([each.size for each in self.combs])

    def bit_length(self) -> int:
        """The number of the last cell, plus 1."""
        return self.combs[-1].stop

    def __and__(self, other: Cells | AllBut) -> Cells:
        if isinstance(other, AllBut):
            return other & self
        if isinstance(other, int) and other < 0:
            return self._with(~other, _without)
        return self._with(other, operator.and_)

    def __or__(self, other: Cells) -> Cells:
        return self._with(other, operator.or_)

    __rand__, __ror__ = __and__, __or__

    def __invert__(self) -> AllBut:
        return AllBut(self)

    def __lshift__(self, by: int) -> Cells:
        return cells_of(tuple([each.shifted(by) for each in self.combs]))

    def __rshift__(self, by: int) -> Cells:
        kept = (part.shifted(-by) for each in self.combs for part in each.clipped(by, each.stop))
        return cells_of(tidied(kept))

    def _with(self, other: Cells, keep: Keep) -> Cells:
        return cells_of(combined(self.combs, combs_of(other), keep))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Runs) or hash(self) != hash(other):
            return False
        return self.combs == other.combs or not combined(self.combs, other.combs, operator.xor)

    def __hash__(self) -> int:
        return hash((self.combs[0].start, self.bit_length(), self.bit_count()))

    def __repr__(self) -> str:
        return f"Runs({self.combs})"


Cells = int | Runs
"""A set of cells of one axis: as bits, or where there are cells far out, as runs."""


class AllBut:
    """The complement of a set, which can only be used with `&`."""

    __slots__ = ("cells",)

    def __init__(self, cells: Runs) -> None:
        self.cells = cells

    def __and__(self, other: Cells) -> Cells:
        return cells_of(combined(combs_of(other), self.cells.combs, _without))

    __rand__ = __and__


def _without(one: bool, other: bool) -> bool:
    return one and not other


@lru_cache(maxsize=64)
def _compressed(cells: int) -> tuple[Comb, ...]:
    return compressed(runs_of_bits(cells))


def combs_of(cells: Cells) -> tuple[Comb, ...]:
    if isinstance(cells, Runs):
        return cells.combs
    if not cells:
        return ()
    start, stop = lowest(cells), cells.bit_length()
    return (single(start, stop),) if stop - start == cells.bit_count() else _compressed(cells)


def cells_of(combs: tuple[Comb, ...]) -> Cells:
    """The set of these combs, without cells below 0; as bits where the set has no cell far out."""
    if not combs:
        return 0
    if combs[-1].stop > LONGEST_BITS:
        return Runs(combs)
    cells = 0
    for each in combs:
        period = sum([(1 << b) - (1 << a) for a, b in each.teeth])
        turns = -((each.start - each.stop) // each.period)
        cells |= (smeared_bits(period, turns, each.period) & (1 << each.stop - each.start) - 1) << each.start
    return cells


def all_cells(n: int) -> Cells:
    """The set of all cells of an axis of n."""
    return (1 << n) - 1 if n <= LONGEST_BITS else cells_of((single(0, n),))


def smeared_bits(cells: int, taps: int, dilation: int) -> int:
    """The union of bits moved up by j·dilation for every tap j, in log(taps) steps."""
    covered = 1
    while covered < taps:
        more = min(covered, taps - covered)
        cells |= cells << more * dilation
        covered += more
    return cells


def lowest(cells: Cells) -> int:
    """The first cell of a set that is not empty."""
    return (cells & -cells).bit_length() - 1 if isinstance(cells, int) else cells.combs[0].start


def runs_of_bits(cells: int) -> Iterator[Run]:
    """The runs of neighbouring bits, as pairs: the first bit, and the bit after the last."""
    text = f"{cells:b}"[::-1]
    at = text.find("1")
    while at >= 0:
        end = text.find("0", at)
        end = end if end >= 0 else len(text)
        yield at, end
        at = text.find("1", end)


def stretches(cells: Cells, most: int | None = None) -> list[Run]:
    """The first runs of neighbours in a set, as pairs: the first cell, and the cell after the last."""
    found: Iterator[Run] = (
        (run for each in cells.combs for run in each.runs) if isinstance(cells, Runs) else runs_of_bits(cells)
    )
    return list(islice(found, most))
