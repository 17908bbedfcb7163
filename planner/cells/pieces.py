"""Sets of cells of an axis that is parted into pieces, such as rows and columns: from cells to pieces and back.

Cell i of an axis with pieces of 4 and 7 cells is cell i div 7 of the first and i mod 7 of the second: the last piece
runs fastest.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from planner.cells.combs import MOST_RUNS, Run, TooManyRuns
from planner.cells.images import shifted, smeared, spaced
from planner.cells.runs import Cells, Runs, all_cells, runs_of_bits


def parted(cells: Cells, sizes: Sequence[int]) -> list[tuple[Cells, ...]]:
    """A set of cells as boxes over the pieces of its axis: disjoint products of a set for each piece."""
    if not cells:
        return []
    if len(sizes) == 1:
        return [(cells,)]
    if cells.bit_count() == prod(sizes):
        return [tuple(map(all_cells, sizes))]
    first, *others = sizes
    inner = prod(others)
    if first > MOST_RUNS:
        raise TooManyRuns
    alike: dict[Cells, int] = {}
    for i in range(first):
        if row := cells >> i * inner & all_cells(inner):
            alike[row] = alike.get(row, 0) | 1 << i
    return [(outer, *rest) for row, outer in alike.items() for rest in parted(row, others)]


def together(pieces: Sequence[Cells], sizes: Sequence[int]) -> Cells:
    """The cells of an axis whose every piece is in the set of that piece."""
    found: Cells = 1
    held = 1
    for cells, n in zip(reversed(pieces), reversed(sizes), strict=True):
        outer, row, found = spaced(cells, held), found, 0
        for a, b in _runs(row):
            found |= smeared(shifted(outer, a), b - a, 1)
        held *= n
    return found


def _runs(cells: Cells) -> list[Run]:
    return [run for each in cells.combs for run in each.runs] if isinstance(cells, Runs) else [*runs_of_bits(cells)]
