"""Two branches on one input: where each of their cells has its middle."""

from __future__ import annotations

from functools import partial

from ._nets import Net, Row, planned
from ._svg import CELL, FAINT, MARGIN, TEXT, line, svg, text


def draw() -> str:
    report = planned("alignment", input=(12, 12, 8))
    ((apart, _),) = report.apart
    conv, pool = Row.of(report, "conv"), Row.of(report, "pool")
    rows = Row.of(report, "input")
    up, down = Net(190, 146, (rows, conv), -78), Net(190, 146, (rows, pool), 78)
    parts = [text(f"Cells of the same number, {apart.off} cell apart", MARGIN, 34, 15)]
    for net, row, look in ((up, conv, "cell"), (down, pool, "other")):
        note = f"centre {row.places[0]}, stride {row.places[1] - row.places[0]}"
        parts += net.draw(partial(_look, look), {1: note})
        y = net.y(1) + (CELL + 4 if net is down else -14)
        for place in row.places:
            parts.append(line(net.x(place), y, net.x(place), y + 8, TEXT))
    bottom = down.y(1) + CELL + 34
    parts.append(text("Add puts cell 0 on cell 0, 1 on 1, and so on.", 190 - CELL / 2, bottom, 12, FAINT))
    width = up.x(rows.places[-1]) + CELL / 2 + MARGIN
    return svg("Two branches that meet half a cell apart", width, bottom + 22, dict.fromkeys(parts))


def _look(look: str, row: int, i: int) -> str:
    return look if row else "plain"
