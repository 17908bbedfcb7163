"""The words about sizes, both of single axes and of axes together."""

from __future__ import annotations

from collections.abc import Iterator

from planner.analyses.input_sizes import InputSizes
from planner.analyses.residues import Residues
from planner.analyses.sizes import AxisSizes, Condition
from planner.outputs._screen import Screen, columns, cut, padded, printable, wrapped
from planner.words import counted, joined

MOST_STEPS = 24
"""Layers listed with what they ask for."""
WIDEST_NAME = 34
MOST_BESIDE = 4
"""Sizes of other axes that are named."""
KINDS = (("works", "does", "does not"), ("lossless", "is", "is not"), ("exact", "is", "is not"))
"""The three words, and how they are said of a size."""


def unread(found: InputSizes) -> str:
    """The number of an input's cells that cannot be read at its given shape, where known."""
    if found.unread is None:
        return ""
    return f", of which {counted(found.unread, 'cell')} cannot be read" if found.unread else ", every cell read"


def beside(axis: AxisSizes) -> str:
    """The sizes of other axes beside which alone the answer holds, and why."""
    listed = [f"{name} at {n:,}" for name, n in axis.beside]
    return f"; with {_few(listed)}: {axis.because}" if listed else ""


def _few(words: list[str]) -> str:
    """Words joined by commas; of many, the last are left out."""
    return joined(words if len(words) <= MOST_BESIDE else [*words[:MOST_BESIDE], f"{len(words) - MOST_BESIDE} more"])


def entry(title: str, text: str, screen: Screen) -> Iterator[str]:
    """A title with the text beside it."""
    first, *others = wrapped(text, screen.width - 12)
    yield f"  {screen.paint(title, 'bold')}{' ' * (10 - len(title))}{first}"
    yield from (f"{' ' * 12}{each}" for each in others)


def next_ones(sizes: Residues, given: int) -> str:
    """The next sizes in a set, with how much to crop or to pad to get there."""
    below, above = sizes.below(given), sizes.above(given)
    ways = [f"crop {given - below:,} to {below:,}"] if below is not None else []
    ways += [f"pad {above - given:,} to {above:,}"] if above is not None else []
    return f": {', or '.join(ways)}" if ways else ""


def conditions(axis: AxisSizes, screen: Screen) -> Iterator[str]:
    """The conditions of the layers that have any, in the order of the model."""
    least = max((each.works.start for each in axis.conditions), default=1)
    asking = [(each.step, asks) for each in axis.conditions if any(asks := _asks(each, least))]
    if not asking:
        return
    rows = [("asked for by", "to work", "to be lossless", "to be exact")]
    rows += [(printable(step), *asks) for step, asks in asking[:MOST_STEPS]]
    widths = [max(columns(row[i]) for row in rows) for i in range(4)]
    widths[0] = max(min(widths[0], WIDEST_NAME, screen.width - 8 - sum(widths[1:])), 12)
    for i, row in enumerate(rows):
        cells = [padded(cut(cell, width), width) for cell, width in zip(row, widths, strict=True)]
        line = f"  {'  '.join(cells)}".rstrip()
        yield screen.paint(line, "dim") if i == 0 else line
    if len(asking) > MOST_STEPS:
        yield f"  … and {len(asking) - MOST_STEPS} more"


def _asks(condition: Condition, least: int) -> tuple[str, str, str]:
    """The condition of a layer: a smallest size only where it decides in the end; and, to lose nothing, only what
    working does not ask already.
    """
    works = _asked(condition.works)
    lossless = _asked(condition.lossless) if condition.lossless != condition.works else ""
    exact = _asked(condition.exact) if condition.exact != condition.works else ""
    return "" if works.startswith("from ") and condition.works.start < least else works, lossless, exact


def _asked(sizes: Residues) -> str:
    """What is asked of n, sizes too small to tell left aside: `≡ 1 mod 2`, `from 63`, or nothing."""
    if not sizes.residues:
        return sizes.words("n").removeprefix("n ")
    if len(sizes.residues) == sizes.period:
        return f"from {sizes.start}" if sizes.start > 1 else ""
    return sizes.words("n").removeprefix("n ").split(", from")[0]
