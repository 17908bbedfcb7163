"""Sets of cells on an axis, kept exactly: as bits of a Python int, or for cells far out as runs.

Bit i is cell i; union is `|`, what both hold `&`, what the other does not hold `& ~`, the count `bit_count()`. A set
that reaches beyond `LONGEST_BITS` cells is a `Runs`, which takes the same signs and needs no more room on a longer
axis. `TooManyRuns` is raised for one that is too ragged for that.

Whatever is changed here must stay exact: the tests hold every operation to sets of numbers.
"""

from __future__ import annotations

from planner.cells.combs import MOST_RUNS, Run, TooManyRuns, single, united
from planner.cells.images import every, folded, imaged, mirrored, shifted, smeared, spaced
from planner.cells.pieces import parted, together
from planner.cells.runs import LONGEST_BITS, AllBut, Cells, Runs, all_cells, cells_of, lowest, stretches
from planner.words import in_runs

__all__ = [
    "LONGEST_BITS",
    "MOST_RUNS",
    "AllBut",
    "Cells",
    "Run",
    "Runs",
    "TooManyRuns",
    "all_cells",
    "bits",
    "counts",
    "every",
    "folded",
    "imaged",
    "lowest",
    "mirrored",
    "one_cell",
    "parted",
    "ranged",
    "shifted",
    "smeared",
    "spaced",
    "stretches",
    "together",
    "united",
]


def one_cell(i: int) -> Cells:
    """The set of cell i alone."""
    return 1 << i if i < LONGEST_BITS else cells_of((single(i, i + 1),))


def bits(cells: Cells) -> list[int]:
    """The numbers of the cells in a set, ascending."""
    if isinstance(cells, Runs):
        return [cell for a, b in stretches(cells) for cell in range(a, b)]
    if cells.bit_count() * 16 < cells.bit_length():
        text, found = f"{cells:b}"[::-1], []
        i = text.find("1")
        while i >= 0:
            found.append(i)
            i = text.find("1", i + 1)
        return found
    return [i for i, bit in enumerate(reversed(f"{cells:b}")) if bit == "1"] if cells else []


def counts(cells: Cells, run: int, n: int) -> list[int]:
    """The number of the set's cells in each block of `run` neighbours, from cell 0 of an axis of n on."""
    found = [0] * -(-n // run)
    if isinstance(cells, int):
        whole = all_cells(min(run, LONGEST_BITS))
        assert isinstance(whole, int)
        for i in range(-(-cells.bit_length() // run)):
            found[i] = (cells >> i * run & whole).bit_count()
        return found
    for each in cells.combs:
        for i in range(each.start // run, -(-each.stop // run)):
            found[i] += each.below((i + 1) * run) - each.below(i * run)
    return found


def ranged(cells: Cells, most: int = 4) -> str:
    """A set in words, as `planner.words.ranged` has it: `223`, `1, 3, 5, … (112 in all)`."""
    return in_runs([(a, b - 1) for a, b in stretches(cells, most + 1)], cells.bit_count(), most)
