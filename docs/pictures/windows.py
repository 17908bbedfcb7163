"""One strip for each thing that may happen to cells."""

from __future__ import annotations

from ._strips import LABELS, Canvas, worked
from ._svg import BAR, CELL, FAINT, MARGIN, TAKEN, svg, text

WINDOWS = [
    ("10 -k 3 -s 2", "lost cell"),
    ("10 -k 3 -s 2 -p 1", "uneven padding"),
    ("10 -k 1 -s 3", "skipped cells"),
    ("10 -k 3 -s 2 --ceil", "overhang"),
    ("10 -k 3 -d 3 -s 3", "holes of a dilation"),
]


def draw() -> str:
    parts: list[str] = []
    top = 24.0
    for command, name in WINDOWS:
        strip = worked(command).strip
        assert strip is not None
        canvas = Canvas(MARGIN + LABELS + CELL, top)
        parts.append(text(name, MARGIN, top + 16, 14))
        parts.append(text(command.partition(" ")[2], MARGIN, top + 34, 11, FAINT))
        parts += canvas.cells(strip)
        y = top + CELL + 6
        for row in range(strip.rows):
            parts += canvas.row(strip, row, y, TAKEN)
            y += BAR + 4
        top = y + 22
    return svg("What may happen to the cells of an axis", MARGIN + LABELS + 12 * CELL + MARGIN, top, parts)
