"""Sets of sizes that repeat from some size on: a smallest size, a period and residues, exact for every size n."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from planner.words import runs


@dataclass(frozen=True, slots=True)
class Residues:
    """A set of sizes. It holds n if n ≥ start and n mod period is among the residues, or if n is among `also`."""

    start: int
    period: int
    residues: tuple[int, ...]
    also: tuple[int, ...] = ()

    def __contains__(self, n: int) -> bool:
        return (n >= self.start and _holds(self.residues, n % self.period)) or _holds(self.also, n)

    def __bool__(self) -> bool:
        return bool(self.residues or self.also)

    def __and__(self, other: Residues) -> Residues:
        return where(lambda n: n in self and n in other, *_common(self, other))

    def __or__(self, other: Residues) -> Residues:
        return where(lambda n: n in self or n in other, *_common(self, other))

    @property
    def steady(self) -> int:
        """A size from which on the set repeats."""
        return max([self.start, *(n + 1 for n in self.also)])

    def below(self, n: int) -> int | None:
        """The largest size in the set that is smaller than n."""
        near = next((m for m in range(n - 1, max(self.start, n - self.period) - 1, -1) if m in self), None)
        return near if near is not None else max((m for m in self.also if m < n), default=None)

    def above(self, n: int) -> int | None:
        """The smallest size in the set that is larger than n."""
        first = max(n + 1, self.start)
        regular = next((m for m in range(first, first + self.period) if _holds(self.residues, m % self.period)), None)
        candidates = [m for m in (*self.also, regular) if m is not None and m > n]
        return min(candidates, default=None)

    def nearest(self, n: int) -> int | None:
        """The member closest to n, n itself included; of two equally close, the smaller."""
        if n in self:
            return n
        near = [m for m in (self.below(n), self.above(n)) if m is not None]
        return min(near, key=lambda m: abs(m - n), default=None)

    def words(self, axis: str = "n") -> str:
        """The set in words, with the name of its axis: `height ≡ 12 mod 16, from 188`."""
        said = []
        if self.residues:
            if len(self.residues) == self.period:
                said.append(f"every {axis} from {self.start}")
            else:
                said.append(f"{axis} ≡ {_listed(self.residues)} mod {self.period:,}, from {self.start:,}")
        if self.also:
            said.append(("also " if said else f"{axis} = ") + _listed(self.also))
        return "; ".join(said) or f"no {axis}"


NO_SIZE = Residues(1, 1, ())


def settled(verdicts: Sequence[bool | None], steady: int, period: int) -> Residues:
    """The set of the sizes 1, 2, … at which the `verdicts` are true; they repeat with `period` from `steady` on.

    Where a verdict is None, the set may hold the size or not, whichever makes it simpler to describe.
    """
    cycle = [verdicts[steady - 1 + (i - steady) % period] is not False for i in range(period)]  # by n mod period
    for shorter in divisors(period):
        if cycle == cycle[:shorter] * (period // shorter):
            cycle, period = cycle[:shorter], shorter
            break
    start = steady
    while start > 1 and verdicts[start - 2] in (None, cycle[(start - 1) % period]):
        start -= 1
    residues = tuple([r for r, holds in enumerate(cycle) if holds])
    if not residues:
        return Residues(1, 1, (), tuple([n for n, holds in enumerate(verdicts, 1) if holds]))
    start = next(n for n in range(start, start + period) if cycle[n % period])
    return Residues(start, period, residues, tuple([n for n in range(1, start) if verdicts[n - 1]]))


def where(holds: Callable[[int], bool], steady: int, period: int) -> Residues:
    """The set of the sizes at which a condition is true that repeats with `period` from `steady` on."""
    return settled([holds(n) for n in range(1, steady + period)], steady, period)


def union(sets: Sequence[Residues]) -> Residues:
    """The union of several sets."""
    whole = NO_SIZE
    for each in sets:
        whole |= each
    return whole


def _common(*sets: Residues) -> tuple[int, int]:
    """A size from which on several sets all repeat, and their common period."""
    return max(each.steady for each in sets), math.lcm(*(each.period for each in sets))


def _holds(numbers: tuple[int, ...], n: int) -> bool:
    """Whether n is among ascending numbers."""
    at = bisect_left(numbers, n)
    return at < len(numbers) and numbers[at] == n


def divisors(n: int) -> Iterator[int]:
    """The divisors of n, n itself left out, ascending."""
    return (d for d in range(1, n // 2 + 1) if n % d == 0)


def _listed(numbers: Sequence[int]) -> str:
    """Numbers in words, runs folded: `1, 2, 5–9`."""
    shown = [f"{first:,}" if first == last else f"{first:,}–{last:,}" for first, last in runs(numbers)]
    return ", ".join(shown if len(shown) <= 12 else [*shown[:8], f"… ({len(numbers):,} in all)"])
