"""Adaptive pooling by the hand rule: the number of bins is given, and the windows are made to fit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from planner.diagnostics import Severity
from planner.geometry import Bins
from planner.hand_rule._working import (
    Argument,
    Change,
    Finding,
    OnAxis,
    Strip,
    Working,
    WorkingLine,
    nearest,
    perfect,
    plural,
)
from planner.words import counted

TRIED = 10_000
"""How far from the given number of bins others are tried."""


@dataclass(frozen=True, slots=True)
class Adaptive(OnAxis):
    """The argument of an adaptive pool along an axis."""

    bins: int

    def map(self, n: int) -> Bins:
        return Bins(self.bins)

    def arguments(self) -> dict[str, Argument]:
        return {"output_size": self.bins}

    def words(self) -> str:
        return f"adaptive, {counted(self.bins, 'bin')}"

    def perfect(self, n: int) -> bool:
        sizes = {stop - start for start, stop in _period(self.map(n), n)}
        return len(sizes) == 1 and self.bins * max(sizes) == n

    def work_out(self, n: int) -> Working:
        bins = self.map(n)
        sizes = sorted({stop - start for start, stop in _period(bins, n)})
        return Working(
            layer=self,
            n=n,
            out=bins.length(n),
            lines=tuple(_lines(self.bins, n, sizes)),
            findings=tuple(_findings(bins, n, sizes)),
            praise=f"{self.bins} divides {n}: every cell is in one bin, and all bins are alike.",
            changes=() if self.perfect(n) else tuple(self._changes(n)),
            heading="All bins are alike with",
            strip=Strip.of(bins, n, "bin"),
            more={"bin_sizes": sizes},
        )

    def _changes(self, n: int) -> Iterator[Change]:
        near = n - n % self.bins
        sizes = nearest((near + turn * self.bins for turn in range(-2, 4)), n)
        yield from perfect("size", ((str(size), self, size) for size in sizes), 3)
        divisors = (bins for bins in range(max(self.bins - TRIED, 1), min(self.bins + TRIED, n) + 1) if n % bins == 0)
        tried = ((f"--adaptive {bins}", replace(self, bins=bins), n) for bins in nearest(divisors, self.bins))
        yield from perfect("bins", tried, 3)


def _period(bins: Bins, n: int) -> Iterator[tuple[int, int]]:
    """The bounds of the bins, up to where the bins repeat."""
    return (bins.bounds(i, n) for i in range(bins.bins // math.gcd(bins.bins, n)))


def _lines(bins: int, n: int, sizes: list[int]) -> Iterator[WorkingLine]:
    yield WorkingLine("", n, "cells")
    yield WorkingLine(
        "÷",
        bins,
        f"bins; bin i begins at i · {n}/{bins}, rounded down, and ends before (i + 1) · {n}/{bins}, rounded up",
    )
    words = "in each bin" if len(sizes) == 1 else f"in some bins, {sizes[-1]} in others"
    yield WorkingLine("", sizes[0], f"cell{'s' * (sizes[0] != 1)} {words}")


def _findings(bins: Bins, n: int, sizes: list[int]) -> Iterator[Finding]:
    if n < bins.bins:
        text = f"There are {bins.bins} bins for {counted(n, 'cell')}: cells are repeated, and nothing is gained."
        yield Finding("repeated-cells", Severity.WARNING, "cells repeated", text, explained=False)
    elif n % bins.bins:
        twice = sum(stop - start for start, stop in _period(bins, n)) * math.gcd(bins.bins, n) - n
        text = (
            f"{bins.bins} does not divide {n}: bins have {' or '.join(map(str, sizes))} cells, and "
            f"{counted(twice, 'cell')} {plural(twice, 'is', 'are')} in two bins at once. Nothing is lost, but cells do "
            "not count alike, and not every export to ONNX takes it."
        )
        yield Finding("uneven-bins", Severity.INFO, "uneven bins", text)
