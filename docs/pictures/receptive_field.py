"""What one output cell sees, layer by layer."""

from __future__ import annotations

from ._nets import Net, Row, planned, traced
from ._svg import CELL, MARGIN, svg, text


def draw() -> str:
    report = planned("receptive_field")
    rows = tuple(Row.of(report, step.name) for step in report.plan.steps)
    seen = traced(rows, [1])
    net = Net(190, 64, rows)
    notes = {0: "", **{r: _note(report.to_dict()["steps"][r - 1]) for r in range(1, len(rows))}}
    parts = [text("What cell 1 of the last layer sees", MARGIN, 34, 15)]
    parts += net.draw(lambda row, i: "cell" if i in seen[row] else "plain", notes)
    width = net.x(rows[0].places[-1]) + CELL / 2 + MARGIN
    return svg("The receptive field of one cell", width, net.y(len(rows) - 1) + CELL + 24, parts)


def _note(step: dict[str, dict[str, dict[str, list[int]]]]) -> str:
    field = step["receptive_field"]["input"]
    return f"size {field['size'][0]}, stride {field['stride'][0]}, centre {field['center'][0]}"
