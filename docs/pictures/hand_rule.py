"""All places for a window at stride 1, and those of them that the stride takes."""

from __future__ import annotations

from ._strips import LABELS, Canvas, worked
from ._svg import BAR, CELL, MARGIN, PASSED, TAKEN, TEXT, svg, text


def draw() -> str:
    strided, free = worked("10 -k 3 -s 2"), worked("10 -k 3")
    assert strided.strip is not None
    assert free.strip is not None
    canvas = Canvas(MARGIN + LABELS, 64)
    heading = f"10 cells, kernel 3, stride 2: {free.out} places, {strided.out} windows"
    parts = [text(heading, MARGIN, 34, 15), *canvas.cells(strided.strip)]
    taken = {strided.strip.span.low(row): row for row in range(strided.strip.rows)}
    y = canvas.top + CELL + 10
    for place in range(free.strip.rows):
        window = taken.get(place)
        parts += canvas.row(free.strip, place, y, PASSED if window is None else TAKEN)
        label = f"place {place}" if window is None else f"place {place} → output {window}"
        parts.append(text(label, MARGIN, y + BAR, 12, "#8a949e" if window is None else TEXT))
        y += BAR + 8
    (lost,) = strided.findings
    parts.append(text(f"Place {place} is passed over: {lost.brief}.", MARGIN, y + 18, 13))
    return svg("The hand rule on 10 cells", canvas.left + 10 * CELL + MARGIN, y + 36, parts)
