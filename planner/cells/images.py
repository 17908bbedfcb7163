"""Sets of cells moved apart, together, round, or into one another: the operations that axis maps are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import lcm
from operator import or_

from planner.cells.combs import (
    MOST_RUNS,
    Comb,
    Run,
    TooManyRuns,
    combined,
    compressed,
    limited,
    periodic,
    repeated,
    single,
    tidied,
    united,
)
from planner.cells.runs import LONGEST_BITS, Cells, cells_of, combs_of, runs_of_bits, smeared_bits

RunMap = Callable[[int, int], Iterable[Run]]
"""Which runs the cells from one up to, not including, another become."""


def shifted(cells: Cells, by: int) -> Cells:
    """The set with every cell moved up by `by` or, where that is negative, down; cells below 0 are dropped."""
    if by < 0:
        return cells >> -by
    if isinstance(cells, int) and cells.bit_length() + by <= 2 * LONGEST_BITS:
        return cells << by
    return cells_of(tuple([each.shifted(by) for each in combs_of(cells)]))


def spaced(cells: Cells, step: int) -> Cells:
    """Cell i moved to cell i·step."""
    if step == 1 or not cells:
        return cells
    if isinstance(cells, int) and cells.bit_length() * step <= 2 * LONGEST_BITS:
        return int(("0" * (step - 1)).join(f"{cells:b}"), 2)
    found: list[Comb] = []
    for each in combs_of(cells):
        if each.single:
            first, end = each.start * step, (each.stop - 1) * step + 1
            found += periodic(first, end, step, [(first, first + 1)])
            continue
        if sum([b - a for a, b in each.teeth]) > MOST_RUNS:
            raise TooManyRuns
        first, end = each.start * step, (each.stop - 1) * step + 1
        runs = [(first + i * step, first + i * step + 1) for a, b in each.teeth for i in range(a, b)]
        found += periodic(first, end, each.period * step, runs)
    return cells_of(limited(tidied(found)))


def every(cells: Cells, step: int) -> Cells:
    """Cell i·step moved to cell i; the cells between are dropped."""
    if step == 1 or not cells:
        return cells
    if isinstance(cells, int):
        return int(f"{cells:b}"[::-1][::step][::-1], 2)
    return cells_of(limited(tidied(part for each in cells.combs for part in _every(each, step))))


def _every(each: Comb, step: int) -> tuple[Comb, ...]:
    def moved(run: Run) -> Run:
        return -(-run[0] // step), -(-run[1] // step)

    period = lcm(each.period, step)
    end = each.start + period if each.stop - each.start > 2 * period else each.stop
    runs = united(run for run in map(moved, _first_runs(each, end)) if run[0] < run[1])
    if end == each.stop:
        return compressed(runs)
    low, high = moved((each.start, each.stop))
    # The first period's runs lie on [low, low + period/step): the one that passes its end begins the next.
    return limited(tidied(periodic(low, high, period // step, runs)))


def _first_runs(each: Comb, end: int) -> list[Run]:
    """The runs of a comb before `end`."""
    if -(-(end - each.start) // each.period) * len(each.teeth) > 4 * MOST_RUNS:
        raise TooManyRuns
    return [run for part in each.clipped(each.start, end) for run in part.runs]


def smeared(cells: Cells, taps: int, dilation: int) -> Cells:
    """The union of `cells` moved up by j·dilation for every tap j."""
    if isinstance(cells, int) and cells.bit_length() + (taps - 1) * dilation <= 2 * LONGEST_BITS:
        return smeared_bits(cells, taps, dilation)
    covered = 1
    while covered < taps:
        more = min(covered, taps - covered)
        cells |= shifted(cells, more * dilation)
        covered += more
    return cells


def imaged(
    cells: Cells,
    places: RunMap,
    end: int,
    period: int = 1,
    advance: int = 0,
    *,
    contiguous: bool = True,
    clamped: bool = False,
) -> Cells:
    """The set of cells that runs of cells become under a map, on an axis that ends before `end`.

    places      which runs the cells from a up to, not including, b become
    period      after so many cells, all of it comes again `advance` cells further on
    contiguous  whether neighbours become one run; otherwise each cell is asked for on its own
    clamped     whether the first and the last cell take what lies beyond them
    """
    if isinstance(cells, int) and end <= LONGEST_BITS:
        return _imaged_bits(cells, places, end, contiguous, clamped)
    found = _union([_imaged(each, places, period, advance, contiguous) for each in combs_of(cells)])
    kept = [part for each in found for part in each.clipped(0, end)]
    if clamped and found and found[0].start < 0:
        kept = [*_union([(single(0, 1),), tuple(kept)])]
    if clamped and found and found[-1].stop > end:
        kept = [*_union([tuple(kept), (single(end - 1, end),)])]
    return cells_of(limited(tidied(kept)))


def _imaged_bits(cells: int, places: RunMap, end: int, contiguous: bool, clamped: bool) -> int:
    taken = bytearray(b"0") * end  # a Python int would be copied as a whole for every run
    for a, b in runs_of_bits(cells):
        for first, last in [(a, b)] if contiguous else [(i, i + 1) for i in range(a, b)]:
            for low, high in places(first, last):
                if clamped:
                    low, high = min(low, end - 1), max(high, 1)
                low, high = max(low, 0), min(high, end)
                if low < high:
                    taken[low:high] = b"1" * (high - low)
    return int(taken[::-1], 2) if end else 0


def _union(sets: list[tuple[Comb, ...]]) -> tuple[Comb, ...]:
    """The union of several sets, united two by two."""
    while len(sets) > 1:
        pairs = [combined(one, other, or_) for one, other in zip(sets[::2], sets[1::2], strict=False)]
        sets = [*pairs, *sets[len(pairs) * 2 :]]
    return sets[0] if sets else ()


def _imaged(each: Comb, places: RunMap, period: int, advance: int, contiguous: bool) -> tuple[Comb, ...]:
    if each.single and contiguous:
        return tuple(single(*run) for run in places(each.start, each.stop))
    turn = period if each.single else lcm(each.period, period)
    count, rest = divmod(each.stop - each.start, turn)
    if count < 2:
        count, rest = 0, each.stop - each.start
    runs = _bounded(each, each.start, each.start + turn, places, contiguous) if count else []
    last = _bounded(each, each.stop - rest, each.stop, places, contiguous)
    return combined(repeated(runs, turn // period * advance, count), compressed(united(last)), or_)


def _bounded(each: Comb, low: int, high: int, places: RunMap, contiguous: bool) -> list[Run]:
    if (high - low) // each.period * len(each.teeth) > 4 * MOST_RUNS:
        raise TooManyRuns
    runs = [run for part in each.clipped(low, high) for run in part.runs]
    if not contiguous:
        if sum([b - a for a, b in runs]) > 16 * MOST_RUNS:
            raise TooManyRuns
        runs = [(i, i + 1) for a, b in runs for i in range(a, b)]
    return [place for run in runs for place in places(*run)]


def folded(cells: Cells, length: int) -> Cells:
    """Cell i moved to cell i mod length."""
    together: Cells = 0
    if cells == 0 or cells.bit_length() <= length:
        return cells
    if isinstance(cells, int):
        whole = (1 << length) - 1
        while cells:
            together |= cells & whole
            cells >>= length
        return together
    for each in cells.combs:
        turns = (each.stop - 1) // length - each.start // length + 1
        if each.single and turns > 2:
            return cells_of((single(0, length),))
        period = lcm(each.period, length)
        turns = min(turns, period // length + 1)
        if turns > MOST_RUNS:
            raise TooManyRuns
        first = each.start // length * length
        for turn in range(first, first + turns * length, length):
            kept = tuple([part.shifted(-turn) for part in each.clipped(turn, turn + length)])
            together |= cells_of(tidied(kept))
    return together


def mirrored(cells: Cells, width: int) -> Cells:
    """Cell i of `width` moved to cell width − 1 − i."""
    if isinstance(cells, int) and width <= LONGEST_BITS:
        return int(f"{cells:0{width}b}"[::-1], 2) if cells else 0
    found: list[Comb] = []
    for each in reversed(combs_of(cells)):
        period = [run for part in each.clipped(each.stop - each.period, each.stop) for run in part.runs]
        runs = [(width - b, width - a) for a, b in reversed(period)]
        found += periodic(width - each.stop, width - each.start, each.period, runs)
    return cells_of(tidied(found))
