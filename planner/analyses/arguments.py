"""Arguments that are worked out from sizes: with which period they repeat, or grow by the same amount, and from where.

Arithmetic over a size is a step function of it: `$input.height // 32` grows by one every 32 cells, `-$input.height % 7`
repeats after 7, and `max($input.height // 4, 8)` does so from 32 on. The period has no prime factor that the numbers of
the arithmetic have not, though it may have one several times where rounding stands within rounding; it is tried far
out, and then at every size up to a bound and at some beyond. What is no such function, as a product of two sizes, is
refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random
from typing import Any

from planner.analyses.line import NotPeriodic
from planner.analyses.spans import LONGEST_PERIOD
from planner.model import SizedLayer

FAR = 1 << 20
"""A size at which arithmetic is as it is ever after."""
NEAR = 1 << 11
"""Sizes of which each is tried."""
PHASES = 1 << 10
"""Sizes that are tried far out, one after the other."""
SAMPLES = 16
Numbers = tuple[Any, ...] | None
"""The numbers among arguments, as they stand there; None where the arithmetic has a fault."""


@dataclass(frozen=True, slots=True)
class Law:
    """What becomes of arguments as one size grows: from `start` on they repeat, or grow by the same amount, after each
    `period`.
    """

    period: int
    start: int
    grows: bool


def law(name: str, sized: SizedLayer, sizes: Sequence[int], at: int) -> Law:
    """The law of a step's arguments as the size at a place grows, the others staying as they are.

    Raises NotPeriodic where there is none.
    """
    key = at, *sizes[:at], *sizes[at + 1 :]
    found = sized.laws.get(key)
    if found is None:
        found = sized.laws[key] = _Growth(sized, sizes, at).law()
    if not isinstance(found, Law):
        raise NotPeriodic(f"an argument of `{name}` does not follow the sizes that it reads in even steps")
    return found


class _Growth:
    """The arguments of a step at one size after another."""

    def __init__(self, sized: SizedLayer, sizes: Sequence[int], at: int) -> None:
        self.sized, self.sizes, self.at = sized, sizes, at
        self.numbers = sorted({abs(n) for n in sized.numbers if abs(n) > 1})
        self.known: dict[int, Numbers] = {}

    def law(self) -> Law | None:
        """The law; None where there is none."""
        random = Random(0)
        tried = [*(random.randrange(FAR, 2 * FAR) for _ in range(SAMPLES)), *range(FAR, FAR + PHASES)]
        for period in _products(self.numbers):
            gain = self.gain(FAR, period)
            if all(self.gain(n, period) == gain for n in tried):
                return Law(period, self.start(period, gain), isinstance(gain, tuple) and any(gain))
        return None

    def start(self, period: int, gain: object) -> int:
        """The size from which on the arguments grow as they do far out."""
        bad = (n for n in self.tried(period) if self.gain(n, period) != gain)
        return next(bad, 0) + 1

    def tried(self, period: int) -> Iterator[int]:
        """Sizes, the largest first: some, those about which the numbers may make a difference, and all near ones."""
        random = Random(1)
        some = [random.randrange(NEAR << k, NEAR << (k + 1)) for k in range(9) for _ in range(SAMPLES)]
        few = self.numbers[:8]
        marks = {a * b * c for a in (1, *few) for b, c in (*combinations(few, 2), (1, 1), *((1, n) for n in few))}
        marked = [n + k for mark in marks for n in (mark - period, mark) if NEAR < n < FAR for k in range(-4, 5)]
        yield from sorted({*some, *marked}, reverse=True)
        yield from range(NEAR, 0, -1)

    def gain(self, n: int, period: int) -> object:
        """By how much each argument grows in a period; a value that equals no other where anything else changes."""
        near, far = self.of(n), self.of(n + period)
        if near is None or far is None or len(near) != len(far):
            return near is far or object()
        pairs = list(zip(near, far, strict=True))
        gains = tuple([b - a if type(a) is type(b) is int else 0 for a, b in pairs])
        return gains if all(a == b or type(a) is type(b) is int for a, b in pairs) else object()

    def of(self, n: int) -> Numbers:
        if n not in self.known:
            sizes = (*self.sizes[: self.at], n, *self.sizes[self.at + 1 :])
            found = self.sized.arguments(tuple(sizes))
            self.known[n] = None if found is None else tuple(_flat(found))
        return self.known[n]


def _flat(value: Any) -> Iterator[Any]:
    """What stands in a value, the lengths of its lists with it."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list | tuple):
        yield f"{len(value)} values"
        for each in value:
            yield from _flat(each)
    else:
        yield value


def _products(numbers: Sequence[int]) -> list[int]:
    """The products of the prime factors of numbers, each factor any number of times, up to the longest period."""
    found = [1]
    for prime in sorted({prime for n in numbers for prime in _primes(n)}):
        powers = [prime**k for k in range(LONGEST_PERIOD.bit_length()) if prime**k <= LONGEST_PERIOD]
        found = [n * power for n in found for power in powers if n * power <= LONGEST_PERIOD]
    return sorted(found)


def _primes(n: int) -> Iterator[int]:
    """The prime factors of a number that may divide a period: none beyond the longest."""
    for p in range(2, LONGEST_PERIOD + 1):
        while n % p == 0:
            yield p
            n //= p
        if n == 1:
            return
