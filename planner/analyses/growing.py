"""Shapes whose sizes grow by the same amounts, and where these meet multiples of a number, or one another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from planner.geometry import Shape

MOST_LOOKED_THROUGH = 1 << 16
"""Sizes that are looked through for the first at which one number of elements is a multiple of another."""


@dataclass(frozen=True, slots=True)
class Growing:
    """A shape whose sizes grow by so much with each k."""

    shape: Shape
    gains: tuple[int, ...]

    def at(self, k: int) -> Shape:
        return Shape([n + gain * k for n, gain in zip(self.shape, self.gains, strict=True)])

    @property
    def smallest(self) -> Shape:
        return Shape([1 if gain else n for n, gain in zip(self.shape, self.gains, strict=True)])

    def multiples(self, divisor: int) -> Iterator[tuple[int, int]]:
        """The first k at which a growing axis, or the number of elements, is a multiple, and the period in k of such
        multiples.
        """
        still = math.prod([n for n, gain in zip(self.shape, self.gains, strict=True) if not gain])
        axes = [(n, gain) for n, gain in zip(self.shape, self.gains, strict=True) if gain]
        for n, gain in axes:
            yield from _first_multiple(n, gain, divisor)
        rest = divisor // math.gcd(divisor, still)
        if len(axes) == 1:
            yield from _first_multiple(*axes[0], rest)
        elif rest <= MOST_LOOKED_THROUGH:
            found = (k for k in range(rest) if not math.prod([n + gain * k for n, gain in axes]) % rest)
            yield from ((k, rest) for k in islice(found, 1))


def _first_multiple(n: int, gain: int, divisor: int) -> Iterator[tuple[int, int]]:
    """The first k at which n + gain·k is a multiple, and the period in k of such multiples; empty if there is none."""
    shared = math.gcd(gain, divisor)
    if n % shared == 0:
        period = divisor // shared
        yield -n // shared * pow(gain // shared, -1, period) % period, period


def meetings(growing: Sequence[Growing]) -> set[int]:
    """The k from 1 on at which a size is as large as another one that grows more slowly."""
    sizes = {pair for each in growing for pair in zip(each.shape, each.gains, strict=True)}
    return {
        (other - n) // (gain - slow)
        for n, gain in sizes
        for other, slow in sizes
        if gain > slow and other > n and (other - n) % (gain - slow) == 0
    }
