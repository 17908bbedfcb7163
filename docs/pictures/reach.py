"""The cells of three tensors: those that an output depends on, and those that none does."""

from __future__ import annotations

from ._nets import Net, Row, planned
from ._svg import CELL, MARGIN, legend, svg, text


def draw() -> str:
    report = planned("reach")
    assert report.reach is not None
    names = [step.name for step in report.plan.steps]
    rows = tuple(Row.of(report, name) for name in names)
    lost = [set(unread[0].lines(0)) if unread else set() for unread in report.reach.unread]
    net = Net(150, 64, rows)
    parts = [text("Backwards from the outputs: what is read?", MARGIN, 34, 15)]
    parts += net.draw(lambda row, i: "lost" if i in lost[row] else "cell")
    bottom = net.y(len(rows) - 1) + CELL + 22
    parts += legend([("cell", "an output depends on it"), ("lost", "none does")], 136, bottom)
    return svg("Which cells an output depends on", net.x(rows[0].places[-1]) + CELL / 2 + MARGIN, bottom + 38, parts)
