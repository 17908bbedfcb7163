"""An axis drawn as a strip of cells, with the windows as rows under it, in as many columns as there are."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, groupby, pairwise

from planner.hand_rule import Strip
from planner.outputs._screen import Screen, TextStyle

ALL_ROWS = 8
"""With more rows than this, only the first and the last `END_ROWS` are drawn."""
END_ROWS = 3
WIDEST = 80
SHORT = 11
"""The least columns of the padding, if it has that many cells."""

# What a cell is: its sign in Unicode and in ASCII, how it is painted, and what the legend says.
SIGNS: dict[str, tuple[str, str, tuple[TextStyle, ...], str]] = {
    "cell": ("■", "#", (), "cell"),
    "lost": ("×", "x", ("bold", "red"), "lost"),
    "skipped": ("○", "o", ("yellow",), "skipped"),
    "padding": ("·", ".", ("dim",), "padding"),
    "uneven": ("◌", ",", ("cyan",), "padding that is not read"),
    "overhang": ("╌", "-", ("cyan",), "over the end"),
    "cut": ("·", ".", ("dim",), "cut off by padding"),
    "many": ("+", "+", (), "10 or more"),
}
_BRACKETS = {True: tuple("└─┘┴╵…"), False: tuple("|_||^~")}
"""The beginning, the middle and the end of a stretch, a tap inside, a stretch of one cell, cells that are not shown."""


@dataclass(frozen=True, slots=True)
class _Gap:
    """Three columns for the cells from `first` up to, not including, `stop`, which are not shown."""

    column: int
    first: int
    stop: int


@dataclass(frozen=True, slots=True)
class _Columns:
    """The cell that stands in each column, with gaps where cells are left out."""

    places: dict[int, int]
    gaps: tuple[_Gap, ...]
    pitch: int


def drawn(strip: Strip, screen: Screen) -> list[str]:
    """The lines of the picture."""
    labels = _labels(strip)
    gutter = max(map(len, labels.values())) + 4
    room = min(screen.width, WIDEST) - gutter
    columns = _columns(strip, room)
    blank = " " * gutter
    lines = [blank + _numbers(strip, columns.places), blank + _cells(strip, columns, screen)]
    for row, label in labels.items():
        stretch = "" if row is None else _stretch(strip, row, columns, _BRACKETS[screen.unicode])
        lines.append(f"{screen.paint(label.rjust(gutter - 2), 'dim')}  {stretch}".rstrip())
    return lines + [blank + line for line in _legend(strip, columns, screen, room)]


def _labels(strip: Strip) -> dict[int | None, str]:
    """The rows that are drawn, with their labels; None stands for rows left out."""
    if strip.rows <= ALL_ROWS:
        return {row: f"{strip.noun} {row}" if row == 0 else str(row) for row in range(strip.rows)}
    last = range(strip.rows - END_ROWS, strip.rows)
    return {
        **{row: f"{strip.noun} {row}" if row == 0 else str(row) for row in range(END_ROWS)},
        None: "⋮",
        **{row: str(row) for row in last},
    }


def _columns(strip: Strip, room: int) -> _Columns:
    """The columns: all cells where there is room, blank-separated if possible; else the ends of cells and padding."""
    ends = sorted({strip.first, 0, strip.cells, strip.stop})
    parts = list(pairwise(ends))
    total = strip.stop - strip.first
    pitch = 2 if 2 * total <= room else 1
    places: dict[int, int] = {}
    gaps = []
    column = 0
    for (first, stop), share in zip(parts, _shares(parts, room), strict=True):
        gap = _Gap(0, stop, stop)
        if share < stop - first:
            shown = share - 3
            gap = _Gap(column + (shown + 1) // 2, first + (shown + 1) // 2, stop - shown // 2)
            gaps.append(gap)
        for cell in chain(range(first, gap.first), range(gap.stop, stop)):
            if cell == gap.stop:
                column += 3
            places[cell] = column
            column += pitch
    return _Columns(places, tuple(gaps), pitch)


def _shares(parts: list[tuple[int, int]], room: int) -> list[int]:
    """The columns of each part: as many as it has cells or, where that is too much, the real cells' first."""
    shares = [min(stop - first, SHORT) for first, stop in parts]
    room -= sum(shares)
    for i in sorted(range(len(parts)), key=lambda i: (parts[i][0] != 0, parts[i][1] - parts[i][0])):
        first, stop = parts[i]
        wanted = stop - first - shares[i]
        more = min(wanted, room) if first == 0 else min(wanted, -(-room // 2))
        shares[i] += more
        room -= more
    return shares


def _numbers(strip: Strip, places: dict[int, int]) -> str:
    """The numbers of the first and the last cell, above them."""
    first, last = places[0], places[strip.cells - 1]
    number = str(strip.cells - 1)
    if last - len(number) <= first:
        return " " * first + "0" + (" " * (last - first - 1) + number if last > first else "")
    return " " * first + "0" + number.rjust(last - first)


def _cells(strip: Strip, columns: _Columns, screen: Screen) -> str:
    marks = {column: strip.mark(cell) for cell, column in columns.places.items()}
    marks |= {gap.column + 1: "…" if screen.unicode else "~" for gap in columns.gaps}
    text, end = "", 0
    for kind, group in groupby(sorted(marks), key=lambda column: marks[column]):
        sign, looks = _sign(kind, screen)
        piece = ""
        for column in group:
            piece += " " * (column - end) + sign
            end = column + 1
        text += screen.paint(piece, *looks)
    return text


def _sign(kind: str, screen: Screen) -> tuple[str, tuple[TextStyle, ...]]:
    """The sign for a kind of cell; a number is its own sign."""
    if kind not in SIGNS:
        return kind, ("bold", "red") if kind == "0" else ()
    sign, plain, looks, _ = SIGNS[kind]
    return sign if screen.unicode else plain, looks


def _stretch(strip: Strip, row: int, columns: _Columns, brackets: tuple[str, ...]) -> str:
    """The bracket under the cells of one row, its taps marked, with an ellipsis where cells of it are not shown."""
    left, middle, right, tap, single, ellipsis = brackets
    first, last, step = strip.span.low(row), strip.span.high(row), strip.span.step
    signs: dict[int, str] = {}
    for gap in columns.gaps:
        if first < gap.stop and last >= gap.first:
            signs[gap.column] = middle if first < gap.first else " "
            signs[gap.column + 1] = ellipsis
            signs[gap.column + 2] = middle if last >= gap.stop else " "
    for cell, column in columns.places.items():
        if first == cell == last:
            signs[column] = single
        elif first <= cell <= last:
            signs[column] = left if cell == first else right if cell == last else middle
            if step > 1 and first < cell < last and (cell - first) % step == 0:
                signs[column] = tap
            if cell < last and columns.pitch > 1:
                signs[column + 1] = middle
    return "".join(signs.get(column, " ") for column in range(max(signs, default=-1) + 1))


def _legend(strip: Strip, columns: _Columns, screen: Screen, room: int) -> list[str]:
    """What the signs in the picture mean, in lines of at most `room` columns."""
    kinds = {strip.mark(cell) for cell in columns.places}
    said = [("", "1, 2, … inputs that write the cell")] if kinds - set(SIGNS) else []
    said += [(kind, words) for kind, (_, _, _, words) in SIGNS.items() if kind in kinds]
    lines, used = [""], 0
    for kind, words in said:
        sign, looks = _sign(kind, screen)
        width = len(sign) + bool(kind) + len(words)
        if used and used + 3 + width > room:
            lines.append("")
            used = 0
        lines[-1] += (" " * 3 if used else "") + (f"{screen.paint(sign, *looks)} {words}" if kind else words)
        used += (3 if used else 0) + width
    return lines
