"""Columns of texts for a terminal, as wide as what is in them and the screen allow.

Laid out by hand: a layout library takes a minute for a table of a hundred thousand rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from planner.outputs._screen import columns, cut, padded, wrapped

GAP = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """A column of texts; `least` is how narrow it may get where the screen is, 0 if it is never cut.

    wraps  what is too long goes on in the next line, instead of being cut
    """

    title: str
    texts: Sequence[str]
    total: str = ""
    right: bool = False
    least: int = 0
    wraps: bool = False


def widths_in(table: Sequence[Column], width: int) -> list[int]:
    """The width of each column: what it needs or, where that is too much together, less for those that can be cut."""
    widths = [max(map(columns, (column.title, column.total, *column.texts))) for column in table]
    excess = sum(widths) + len(GAP) * (len(table) - 1) - width
    while excess > 0:
        widest = max(range(len(table)), key=lambda i: widths[i] - table[i].least if table[i].least else -1)
        if not table[widest].least or widths[widest] <= table[widest].least:
            break
        widths[widest] -= 1
        excess -= 1
    return widths


def lines_of(texts: Sequence[str], table: Sequence[Column], widths: Sequence[int]) -> Iterator[list[str]]:
    """The cells of a row, on as many lines as they take."""
    parts = [
        [cut(part, width) for part in wrapped(text, width)]
        if each.wraps and columns(text) > width
        else [cut(text, width)]
        for text, width, each in zip(texts, widths, table, strict=True)
    ]
    for line in zip_longest(*parts, fillvalue=""):
        yield [padded(text, width, each.right) for text, width, each in zip(line, widths, table, strict=True)]


def longest_word(texts: Iterable[str]) -> int:
    """The width that a column needs so that no word is cut."""
    return max((columns(word) for text in texts for word in text.split(" ")), default=0) or 1
