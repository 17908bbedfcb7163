"""The screen that text is laid out for: its width, and whether it has colours; texts from a model file made safe."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple
from unicodedata import category, east_asian_width

TAB = 4
"""Columns from one tab stop to the next."""

TextStyle = Literal["bold", "dim", "red", "green", "yellow", "blue", "magenta", "cyan"]

_CODES: dict[TextStyle, int] = {
    "bold": 1,
    "dim": 2,
    "red": 31,
    "green": 32,
    "yellow": 33,
    "blue": 34,
    "magenta": 35,
    "cyan": 36,
}


class Screen(NamedTuple):
    """The screen on which a text will be read: its columns, whether it has colours, and Unicode or only ASCII."""

    width: int = 80
    colour: bool = False
    unicode: bool = True

    def paint(self, text: str, *looks: TextStyle) -> str:
        """The text in these styles, on a screen with colours."""
        if not self.colour or not text or not looks:
            return text
        return f"\x1b[{';'.join(str(_CODES[look]) for look in looks)}m{text}\x1b[0m"


def printable(text: str) -> str:
    """The text with everything escaped that would not show, or would act: controls, direction marks, line breaks."""
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(char: str) -> str:
    return char if char.isprintable() or category(char) == "Zs" else char.encode("unicode_escape").decode()


def columns(text: str) -> int:
    """The number of columns that a printable text takes: wide East Asian characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


@lru_cache(maxsize=1 << 10)
def _columns(char: str) -> int:
    if east_asian_width(char) in "WF":
        return 2
    return 0 if category(char) in ("Mn", "Me") else 1


def cut(text: str, width: int) -> str:
    """The text, or its beginning and an ellipsis where it is wider than `width`."""
    if columns(text) <= width:
        return text
    taken, used = 0, 1
    for char in text:
        used += _columns(char)
        if used > width:
            break
        taken += 1
    return text[:taken] + "…"


def padded(text: str, width: int, right: bool = False) -> str:
    """The text filled up with blanks to `width` columns, on the left where it goes to the right."""
    blanks = " " * (width - columns(text))
    return blanks + text if right else text + blanks


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` columns, broken at blanks; a word that is wider stands alone and whole."""
    lines: list[str] = []
    line, *words = text.split(" ")
    used = columns(line)
    for word in words:
        more = columns(word)
        if used + 1 + more > width:
            lines.append(line)
            line, used = word, more
        else:
            line, used = f"{line} {word}", used + 1 + more
    return [*lines, line]


class Excerpt(NamedTuple):
    """A line of a file as it is shown, and the columns that are marked in it."""

    text: str
    start: int
    length: int


def excerpt(line: str, start: int, length: int, width: int, behind: int = 0) -> Excerpt:
    """The line around the `length` characters from index `start`, in at most `width` columns, tabs as blanks.

    A line that has to be cut is cut so that, if possible, `behind` columns are free on the right of the mark.
    """
    begin, end = max(start - width, 0), start + length + width
    cells: list[str] = []
    for char in line[begin:end].rstrip():
        cells.append(" " * (TAB - columns("".join(cells)) % TAB) if char == "\t" else _shown(char))
    sizes = list(map(columns, cells))
    mark = start - begin
    before, after = sum(sizes[:mark]), sum(sizes[mark:])
    first = 0
    if begin or before + after > width:
        wanted = sum(sizes[mark : mark + length]) + behind
        right = max(min(after, width // 2), wanted if wanted <= width * 2 // 3 else 0)
        room = width - 2 - right
        while before > room:
            before -= sizes[first]
            first += 1
    left = "…" if begin or first else ""
    text = left + "".join(cells[first:])
    shown = text if end >= len(line) and columns(text) <= width else cut(text + "…", width)
    column = columns(left) + before
    return Excerpt(shown, column, max(min(sum(sizes[mark : mark + length]), columns(shown) - column), 1))
