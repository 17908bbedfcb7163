"""Sets of cells of a long axis as runs of neighbours, runs that repeat being written once.

A stride leaves the same runs over and over, so an axis of 10^12 cells takes no more room than one of ten. All is exact;
a set that would take more than `MOST_RUNS` runs raises `TooManyRuns`.
"""

from __future__ import annotations

import operator
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from math import lcm
from typing import NamedTuple

MOST_RUNS = 1 << 12
"""The most runs that a set is written with."""

Run = tuple[int, int]
"""Neighbouring cells: the first, and the one after the last."""
Keep = Callable[[bool, bool], bool]
"""Whether a cell is in the result, that is in the one set or not, and in the other or not."""


class TooManyRuns(Exception):
    """A set of cells of a long axis is too ragged to be worked out."""

    def __init__(self) -> None:
        super().__init__(f"more than {MOST_RUNS:,} runs of cells")


class Comb(NamedTuple):
    """Runs that repeat: the cells from `start` up to, not including, `stop` that lie in `teeth`.

    teeth  the runs of one period, counted from `start`; the first begins there, and no two touch

    A comb begins and ends with whole runs. A single run has itself as its period.
    """

    start: int
    stop: int
    period: int
    teeth: tuple[Run, ...]

    @property
    def single(self) -> bool:
        return self.period == self.stop - self.start

    @property
    def size(self) -> int:
        return self.below(self.stop)

    def below(self, end: int) -> int:
        """How many cells there are before `end`."""
        turns, rest = divmod(min(max(end, self.start), self.stop) - self.start, self.period)
        held = sum(b - a for a, b in self.teeth) if turns else 0
        return turns * held + sum(min(b, rest) - a for a, b in self.teeth if a < rest)

    @property
    def runs(self) -> Iterator[Run]:
        for turn in range(self.start, self.stop, self.period):
            for a, b in self.teeth:
                if turn + a >= self.stop:
                    return
                yield turn + a, turn + b

    @property
    def first(self) -> Run:
        return self.start, self.start + self.teeth[0][1]

    @property
    def last(self) -> Run:
        turn, i = self._place
        return self.start + turn * self.period + self.teeth[i][0], self.stop

    @property
    def _place(self) -> tuple[int, int]:
        """The period in which the last run lies, and the number of its tooth."""
        turn, rest = divmod(self.stop - self.start - 1, self.period)
        return turn, bisect_right(self.teeth, rest, key=operator.itemgetter(0)) - 1

    def behind(self) -> tuple[Run, tuple[Run, ...]]:
        """The run that would follow the comb, and the teeth as they would go on from there."""
        turn, i = self._place
        turn, i = (turn, i + 1) if i + 1 < len(self.teeth) else (turn + 1, 0)
        start = self.start + turn * self.period
        return (start + self.teeth[i][0], start + self.teeth[i][1]), self._from(i)

    def before(self) -> Run:
        """The run that would come before the comb's first."""
        a, b = self.teeth[-1]
        return self.start + a - self.period, self.start + b - self.period

    def _from(self, i: int) -> tuple[Run, ...]:
        """The teeth of one period from tooth i on, counted from where tooth i begins."""
        at = self.teeth[i][0]
        later = [(a + self.period, b + self.period) for a, b in self.teeth[:i]]
        return tuple([(a - at, b - at) for a, b in (*self.teeth[i:], *later)])

    def clipped(self, low: int, high: int) -> Iterator[Comb]:
        """The part of the comb from low up to, not including, high."""
        low, high = max(low, self.start), min(high, self.stop)
        if low >= high:
            return
        if (low, high) == (self.start, self.stop):
            yield self
            return
        turn, phase = divmod(low - self.start, self.period)
        i = bisect_right(self.teeth, phase, key=operator.itemgetter(1))
        if i == len(self.teeth):
            turn, i = turn + 1, 0
        begin = self.start + turn * self.period
        a, b = begin + self.teeth[i][0], begin + self.teeth[i][1]
        if a < low:  # within a run
            yield single(low, min(b, high))
            turn, i = (turn, i + 1) if i + 1 < len(self.teeth) else (turn + 1, 0)
            a = self.start + turn * self.period + self.teeth[i][0]
        if a < high:
            yield from comb(a, high, self.period, self._from(i))

    def shifted(self, by: int) -> Comb:
        return Comb(self.start + by, self.stop + by, self.period, self.teeth)


def single(start: int, stop: int) -> Comb:
    return Comb(start, stop, stop - start, ((0, stop - start),))


def comb(start: int, high: int, period: int, teeth: tuple[Run, ...]) -> Iterator[Comb]:
    """The combs of teeth that begin at `start` and are cut off at `high`; no two teeth touch."""
    turn, rest = divmod(high - start, period)
    i = bisect_left(teeth, rest, key=operator.itemgetter(0)) - 1  # the last tooth that begins before `high`
    if i < 0:
        turn, i = turn - 1, len(teeth) - 1
    a, b = start + turn * period + teeth[i][0], start + turn * period + teeth[i][1]
    cut = None
    if b > high:  # only a part of the last run
        cut, i = single(a, high), i - 1
        if i < 0:
            turn, i = turn - 1, len(teeth) - 1
    if turn >= 0:
        stop = start + turn * period + teeth[i][1]
        whole = Comb(start, stop, period, teeth)
        if stop - start > period:
            yield whole
        else:
            yield from (single(a, b) for a, b in whole.runs)
    if cut:
        yield cut


def periodic(low: int, high: int, period: int, runs: Sequence[Run]) -> Iterator[Comb]:
    """Runs within the first period from `low` on, repeated up to `high`; they are in order and do not touch."""
    if not runs:
        return
    if runs[0] == (low, low + period):
        yield single(low, high)
        return
    if runs[0][0] == low and runs[-1][1] == low + period:  # a single run goes from the end of a period into the next
        yield single(low, min(runs[0][1], high))
        runs = [*runs[1:-1], (runs[-1][0], low + period + runs[0][1] - low)]
    at = runs[0][0]
    if at < high:
        yield from comb(at, high, *_shortest(period, tuple([(a - at, b - at) for a, b in runs])))


def _shortest(period: int, teeth: tuple[Run, ...]) -> tuple[int, tuple[Run, ...]]:
    """The same teeth with the shortest period."""
    count = len(teeth)
    for few in range(1, count // 2 + 1):
        if count % few == 0 and period * few % count == 0:
            step = period * few // count
            if all((a + step, b + step) == later for (a, b), later in zip(teeth, teeth[few:], strict=False)):
                return step, teeth[:few]
    return period, teeth


def tidied(combs: Iterable[Comb]) -> tuple[Comb, ...]:
    """Combs in order, with runs that touch joined, and a comb that continues the comb before joined to it."""
    done: list[Comb] = []
    waiting = iter(combs)
    again: list[Comb] = []
    while (each := again.pop() if again else next(waiting, None)) is not None:
        if not done:
            done.append(each)
        elif done[-1].stop == each.start:
            before = done.pop()
            (a, _), (_, b) = before.last, each.first
            done += before.clipped(before.start, a)
            again += reversed([single(a, b), *each.clipped(b, each.stop)])
        else:
            joined = _joined(done.pop(), each)
            (again if len(joined) == 1 else done).extend(joined)
    return tuple(done)


def _joined(one: Comb, other: Comb) -> tuple[Comb, ...]:
    if one.single and other.single:
        return one, other
    if one.single:
        if other.before() == one.first:
            behind = tuple([(a + other.start - one.start, b + other.start - one.start) for a, b in other.teeth[:-1]])
            return (Comb(one.start, other.stop, other.period, ((0, one.stop - one.start), *behind)),)
        return one, other
    run, teeth = one.behind()
    if run == other.first and (other.single or (one.period == other.period and teeth == other.teeth)):
        return (one._replace(stop=other.stop),)
    return one, other


def combined(one: Sequence[Comb], other: Sequence[Comb], keep: Keep) -> tuple[Comb, ...]:
    """The cells of two sets for which `keep` is true, given whether a cell is in the one and in the other."""
    return limited(tidied(_sections(one, other, keep)))


def limited(combs: tuple[Comb, ...]) -> tuple[Comb, ...]:
    if sum([len(each.teeth) for each in combs]) > MOST_RUNS:
        raise TooManyRuns
    return combs


def _sections(one: Sequence[Comb], other: Sequence[Comb], keep: Keep) -> Iterator[Comb]:
    """Stretches in which either set is one comb, or has no cells."""
    edges = sorted({edge for each in (*one, *other) for edge in (each.start, each.stop)})
    i = j = 0
    for low, high in pairwise(edges):
        while i < len(one) and one[i].stop <= low:
            i += 1
        while j < len(other) and other[j].stop <= low:
            j += 1
        a = one[i] if i < len(one) and one[i].start <= low else None
        b = other[j] if j < len(other) and other[j].start <= low else None
        if a is None or a.single:
            yield from _kept(b, low, high, keep(a is not None, True), keep(a is not None, False))
        elif b is None or b.single:
            yield from _kept(a, low, high, keep(True, b is not None), keep(False, b is not None))
        else:
            yield from _interleaved(a, b, low, high, keep)


def _kept(each: Comb | None, low: int, high: int, inside: bool, outside: bool) -> Iterator[Comb]:
    """A comb within a stretch, or the gaps between its runs, or all of it."""
    if each is None or each.single:
        if inside if each else outside:
            yield single(low, high)
    elif inside and outside:
        yield single(low, high)
    elif inside:
        yield from each.clipped(low, high)
    elif outside:
        (_, first), (last, _) = each.first, each.last
        gaps = [(b, a) for (_, b), (a, _) in pairwise([*each.teeth, (each.period, 0)])]
        at = gaps[0][0]
        between = periodic(each.start + at, last, each.period, [(each.start + a, each.start + b) for a, b in gaps])
        for gap in between if first < last else ():
            yield from gap.clipped(low, high)


def _interleaved(one: Comb, other: Comb, low: int, high: int, keep: Keep) -> Iterator[Comb]:
    period = lcm(one.period, other.period)
    end = low + period if high - low > 2 * period else high
    ours, others = [[single(*run) for run in _listed(each, low, end)] for each in (one, other)]
    found = [(each.start, each.stop) for each in tidied(_sections(ours, others, keep))]
    yield from periodic(low, high, period, found) if end < high else (single(*run) for run in found)


def _listed(each: Comb, low: int, high: int) -> Iterator[Run]:
    """The runs of a comb in a stretch, one by one."""
    if ((high - low) // each.period + 1) * len(each.teeth) > 2 * MOST_RUNS:
        raise TooManyRuns
    for part in each.clipped(low, high):
        yield from part.runs


def united(runs: Iterable[Run]) -> list[Run]:
    """The union of runs in any order, as runs that neither touch nor overlap."""
    found: list[Run] = []
    for a, b in sorted(runs):
        if found and a <= found[-1][1]:
            found[-1] = (found[-1][0], max(b, found[-1][1]))
        else:
            found.append((a, b))
    return found


def repeated(runs: Sequence[Run], period: int, count: int) -> tuple[Comb, ...]:
    """The union of runs moved up by 0, 1, … count − 1 periods; they may overlap with their neighbours'."""
    runs = united(runs)
    if not runs or not count:
        return ()
    if not period:
        return compressed(runs)
    first, end = runs[0][0], max(b for _, b in runs)
    turns = (end - first) // period + 2  # periods at either end in which not all repetitions overlap yet
    if len(runs) * min(count, 3 * turns) > 4 * MOST_RUNS:
        raise TooManyRuns
    if count <= 3 * turns:
        every = united((a + turn * period, b + turn * period) for turn in range(count) for a, b in runs)
        return limited(tuple(single(*run) for run in every))
    low, high = first + turns * period, first + (count - turns) * period
    ring = []
    for a, b in runs:
        a, b = low + (a - low) % period, low + (a - low) % period + min(b - a, period)
        ring += [(a, min(b, low + period)), (low, b - period)] if b > low + period else [(a, b)]
    ends = (*range(turns), *range(count - 2 * turns, count))
    outer = united((a + turn * period, b + turn * period) for turn in ends for a, b in runs)
    middle = tidied(periodic(low, high, period, united(ring)))
    return combined(tuple(single(*run) for run in outer), middle, operator.or_)


def compressed(runs: Iterable[Run]) -> tuple[Comb, ...]:
    """Runs in order that do not touch, as combs where they repeat; periods of up to `REPEATS` runs are looked for."""
    listed = list(runs)
    found: list[Comb] = []
    i = 0
    while i < len(listed):
        found.append(_longest(listed, i))
        i = bisect_left(listed, (found[-1].stop, 0))
        if len(found) > MOST_RUNS:
            raise TooManyRuns
    return limited(tidied(found))


REPEATS = 64


def _longest(listed: list[Run], i: int) -> Comb:
    """The comb that begins with run i of a list."""
    a, b = listed[i]
    for few in range(1, REPEATS + 1):
        if i + 2 * few >= len(listed):
            break
        period = listed[i + few][0] - a
        j = i
        while j + few < len(listed) and (listed[j][0] + period, listed[j][1] + period) == listed[j + few]:
            j += 1
        if j - i > few:
            teeth = tuple([(start - a, stop - a) for start, stop in listed[i : i + few]])
            return Comb(a, listed[j + few - 1][1], period, teeth)
    return single(a, b)
