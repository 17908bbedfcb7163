"""What may be lost, from worst to least: one small model for each finding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import planner
from planner.report import Report

from ._nets import Row, step_of
from ._svg import BAR, CELL, FAINT, MARGIN, TAKEN, bar, cell, svg, text

CONV = {"type": "Conv1d", "out_channels": 1}
CASES: dict[str, list[dict[str, Any]]] = {
    "unread-input": [{"name": "a", **CONV, "kernel_size": 3, "stride": 2}],
    "lost-cells": [
        {"name": "first", **CONV, "kernel_size": 3, "padding": 1},
        {"name": "a", "type": "MaxPool1d", "kernel_size": 3, "stride": 2},
    ],
    "skipped-cells": [{"name": "a", **CONV, "kernel_size": 1, "stride": 2}],
    "skipped-on-one-branch": [
        {"name": "a", **CONV, "kernel_size": 3, "stride": 2, "padding": 1},
        {"name": "b", **CONV, "kernel_size": 1, "stride": 2, "from": "input"},
        {"type": "Add", "from": ["a", "b"]},
    ],
    "uneven-padding": [{"name": "a", **CONV, "kernel_size": 3, "stride": 2, "padding": 1}],
}
WORDS = {
    "unread-input": "a cell of the picture is not read",
    "lost-cells": "not read here; the picture is",
    "skipped-cells": "cells between windows are not read",
    "skipped-on-one-branch": "another branch reads them",
    "uneven-padding": "padding is left over",
}
LEFT = 270
COLOURS = {"a": TAKEN, "b": "#c98a1b"}


def draw() -> str:
    parts = [text("From worst to least", MARGIN, 34, 15)]
    y = 62.0
    for name, layers in CASES.items():
        report = planner.check({"input": [10, 1], "layers": layers})
        severity = next(each.severity for each in report.diagnostics if each.kind.name() == name)
        parts.append(text(name, MARGIN, y + 12, 13))
        parts.append(text(f"{severity}: {WORDS[name]}", MARGIN, y + 28, 11, FAINT))
        parts += _case(report, y)
        y += 82
    return svg("Findings from worst to least", LEFT + 12 * CELL + MARGIN, y, parts)


def _case(report: Report, top: float) -> Iterator[str]:
    """The cells that the steps `a` and `b` read, and their windows."""
    branches = [Row.of(report, step.name) for step in report.plan.layers if step.name in COLOURS]
    n = branches[0].step.inputs[0][0]
    read = {j for row in branches for i in range(len(row.places)) for j in row.reads(i)}
    for j in range(n):
        look = "cell" if j in read else "lost" if j > max(read) else "skipped"
        yield from cell(look, LEFT + (j + 1) * CELL, top, str(j))
    number, _ = step_of(report, "a")
    uneven = sum(each.loss.uneven for each in report.losses[number])
    if uneven and len(branches) == 1:
        yield from cell("uneven", LEFT + (n + 1) * CELL, top)
        yield from cell("padding", LEFT, top)
    for k, row in enumerate(branches):
        y = top + CELL + 6
        span = row.step.links[0][0].axes[0].span(n)
        assert span is not None
        for i in range(len(row.places)):
            low, high = span.at(i)
            line = 2 * k + i % 2 * (k == 0)
            yield bar(LEFT + (low + 1) * CELL, y + line * (BAR + 3), (high - low + 1) * CELL, COLOURS[row.step.name])
