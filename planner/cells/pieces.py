"""Sets of cells of an axis that is parted into pieces, such as rows and columns: from cells to pieces and back.

Cell i of an axis with pieces of 4 and 7 cells is cell i div 7 of the first and i mod 7 of the second: the last piece
runs fastest.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from planner.cells.combs import MOST_RUNS, TooManyRuns
from planner.cells.images import shifted, smeared, spaced
from planner.cells.runs import Cells, all_cells, stretches

FEW_RUNS = 64
"""Runs that are looked at one by one."""


def parted(cells: Cells, sizes: Sequence[int]) -> list[tuple[Cells, ...]]:
    """A set of cells as boxes over the pieces of its axis, whose union it is: products of a set for each piece."""
    if not cells:
        return []
    if len(sizes) == 1:
        return [(cells,)]
    if cells.bit_count() == prod(sizes):
        return [tuple(map(all_cells, sizes))]
    first, *others = sizes
    rows = _rows(cells, first, prod(others))
    return [(outer, *rest) for row, outer in rows.items() for rest in parted(row, others)]


def _rows(cells: Cells, count: int, size: int) -> dict[Cells, Cells]:
    """The cells of an axis of `count` rows as sets of cells within a row, each with the rows that have it."""
    alike: dict[Cells, Cells] = {}
    runs = stretches(cells, FEW_RUNS + 1)
    if len(runs) > FEW_RUNS:
        if count > MOST_RUNS:
            raise TooManyRuns
        for i in range(count):
            if row := cells >> i * size & all_cells(size):
                alike[row] = alike.get(row, 0) | 1 << i
        return alike
    for a, b in runs:
        begun, ended = -(-a // size), b // size
        parts = [(0, size, begun, ended), (0, b % size, ended, ended + 1)]
        parts += [(a % size, size, begun - 1, begun)] if a % size else []
        if begun > ended:  # within a row
            parts = [(a % size, b % size, ended, begun)]
        for low, high, top, bottom in parts:
            if low < high and top < bottom:
                row = shifted(all_cells(high - low), low)
                alike[row] = alike.get(row, 0) | shifted(all_cells(bottom - top), top)
    return alike


def together(pieces: Sequence[Cells], sizes: Sequence[int]) -> Cells:
    """The cells of an axis whose every piece is in the set of that piece."""
    found: Cells = 1
    held = 1
    for cells, n in zip(reversed(pieces), reversed(sizes), strict=True):
        outer, row, found = spaced(cells, held), found, 0
        runs = stretches(row, MOST_RUNS + 1)
        if len(runs) > MOST_RUNS:
            raise TooManyRuns
        for a, b in runs:
            found |= smeared(shifted(outer, a), b - a, 1)
        held *= n
    return found
