"""Runs of cells: how much of each run is read, for axes that are too long to be drawn cell by cell."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import cache
from math import prod

from planner.cells import Cells, counts
from planner.geometry import Shape
from planner.regions import Region, positions

MOST = 512
"""Rows, or columns, of a picture."""

ReadShares = tuple[tuple[Fraction, ...], ...]
"""Row by row, how much of each run's cells is read."""


def run_of(n: int) -> int:
    """The number of neighbouring cells that are drawn as one, on an axis of n."""
    return -(-n // MOST)


def shares(region: Region, shape: Shape) -> ReadShares:
    """The share of each run that a region holds; a sequence is one row, and the slices of a volume are summed."""
    boxes = [(1, *box) for box in positions(region)]  # a row before all axes, for those that have none
    *deep, height, width = (1, *shape.spatial)
    depths = [prod(cells.bit_count() for cells in box[:-2]) for box in boxes]
    columns = _held([box[-1] for box in boxes], width)

    @cache
    def row(held: tuple[int, ...], tall: int) -> tuple[Fraction, ...]:
        lines = [depth * cells for depth, cells in zip(depths, held, strict=True)]
        return tuple(
            Fraction(sum(a * b for a, b in zip(lines, here, strict=True)), prod(deep) * tall * wide)
            for here, wide in columns
        )

    return tuple(row(*each) for each in _held([box[-2] for box in boxes], height))


def distinct(read: ReadShares) -> set[Fraction]:
    """All different shares; equal rows are one tuple."""
    return {share for row in {id(row): row for row in read}.values() for share in row}


def _held(sets: Iterable[Cells], n: int) -> list[tuple[tuple[int, ...], int]]:
    """For each run of an axis, the number of its cells in each set, and the length of the run."""
    run = run_of(n)
    lengths = [min(run, n - start) for start in range(0, n, run)]
    held = [counts(cells, run, n) for cells in sets]
    return [(tuple([each[i] for each in held]), length) for i, length in enumerate(lengths)]
