"""What one output reads through three dilated layers: a grid, or all of its field."""

from __future__ import annotations

from functools import partial

from ._nets import Net, Row, planned, traced
from ._svg import CELL, MARGIN, svg, text

CELLS = 17
MIDDLE = CELLS // 2


def draw() -> str:
    parts: list[str] = []
    top = 44.0
    for rates in ([2, 2, 2], [1, 2, 3]):
        report = planned("dilation", params={"rates": rates}, input=(CELLS, CELLS, 16))
        rows = tuple(Row.of(report, name) for name in ("input", "first.0", "second.0", "third.0"))
        seen = traced(rows, [MIDDLE])
        net = Net(150, top + 10, rows, 58)
        read = len(seen[0])
        spanned = max(seen[0]) - min(seen[0]) + 1
        parts.append(
            text(f"Rates {', '.join(map(str, rates))}: {read} of {spanned} cells are read", MARGIN, top - 12, 15)
        )
        notes = {r: f"dilation {rate}" for r, rate in enumerate(rates, 1)}
        parts += net.draw(partial(_look, seen), notes)
        top = net.y(3) + CELL + 56
    return svg("What dilated layers in a row read", 150 + CELLS * CELL - CELL / 2 + MARGIN, top - 38, parts)


def _look(seen: list[set[int]], row: int, i: int) -> str:
    return "cell" if i in seen[row] else "plain"
