"""The text of an open file, with lines and columns as editors count them.

An editor ends a line at LF, CR LF or CR and nowhere else, and counts columns in code units of UTF-16 unless another
encoding was agreed upon. All else in this folder counts characters of the text from 0.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Literal, NamedTuple

TextUnits = Literal["utf-8", "utf-16", "utf-32"]
"""What columns are counted in."""

_BREAK = re.compile(r"\r\n|\n|\r")
_WIDTH: dict[TextUnits, tuple[str, int]] = {
    "utf-8": ("utf-8", 1),
    "utf-16": ("utf-16-le", 2),
    "utf-32": ("utf-32-le", 4),
}


class Passage(NamedTuple):
    """A stretch of a text: the characters from `start` to, not including, `end`."""

    start: int
    end: int

    def holds(self, offset: int) -> bool:
        """Whether a cursor at an offset touches it, its end included."""
        return self.start <= offset <= self.end


class Point(NamedTuple):
    """A line and a column as editors count them, both from 0."""

    line: int
    column: int


class EditorText:
    """A text, and where its lines start."""

    __slots__ = ("starts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0, *(found.end() for found in _BREAK.finditer(text))]

    def line_at(self, offset: int) -> int:
        """The number of the line, from 0, on which a character stands."""
        return bisect_right(self.starts, offset) - 1

    def line_passage(self, line: int) -> Passage:
        """A line without its break; a line that is not there is empty, at the end of the text."""
        if line >= len(self.starts):
            return Passage(len(self.text), len(self.text))
        start = self.starts[line]
        end = self.starts[line + 1] if line + 1 < len(self.starts) else len(self.text)
        return Passage(start, start + len(self.text[start:end].rstrip("\r\n")))

    def splitlines(self) -> list[str]:
        """The lines, each with its break."""
        ends = [*self.starts[1:], len(self.text)]
        return [self.text[start:end] for start, end in zip(self.starts, ends, strict=True)]

    def offset(self, point: Point, units: TextUnits) -> int:
        """The character at a line and column; one beyond the end of a line means that end."""
        start, end = self.line_passage(point.line)
        if point.column <= 0:
            return start
        line = self.text[start:end]
        if line.isascii() or units == "utf-32":
            return min(start + point.column, end)
        left = point.column
        for at, char in enumerate(line):
            left -= columns(char, units)
            if left < 0:
                return start + at
        return end

    def point(self, offset: int, units: TextUnits) -> Point:
        """The line and column of a character."""
        offset = max(0, min(offset, len(self.text)))
        line = self.line_at(offset)
        return Point(line, columns(self.text[self.starts[line] : offset], units))

    def changed(self, span: Passage, new: str) -> EditorText:
        """The text with something else in place of a stretch."""
        return EditorText(self.text[: span.start] + new + self.text[span.end :])


def columns(text: str, units: TextUnits) -> int:
    """How many columns a text takes."""
    if text.isascii():
        return len(text)
    encoding, width = _WIDTH[units]
    return len(text.encode(encoding, "surrogatepass")) // width
