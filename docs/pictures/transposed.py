"""How many inputs write each cell of a transposed convolution, along an axis and on a plane."""

from __future__ import annotations

from collections.abc import Iterator

from planner.report import Report

from ._nets import Net, Row, planned
from ._svg import CELL, FAINT, MARGIN, svg, text

LOOK = {1: "once", 2: "twice"}
SHADES = {1: "#eaf2fa", 2: "#a9cbea", 4: "#5a93c8"}
PLANE = 160 + 11 * CELL + 40
"""Where the planes begin."""
SMALL = 13


def draw() -> str:
    parts: list[str] = []
    top = 64.0
    for params, heading in (
        ({}, "Kernel 3, stride 2: uneven"),
        ({"kernel": 4, "padding": 1}, "Kernel 4, stride 2, padding 1: all alike but at the ends"),
    ):
        report = planned("transposed", params=params)
        parts.append(text(heading, MARGIN, top - 26, 15))
        parts += _drawn(report, top)
        top += 226
    return svg("How many inputs write a cell", PLANE + 11 * SMALL + MARGIN, top - 70, parts)


def _drawn(report: Report, top: float) -> Iterator[str]:
    up = Row.of(report, "up")
    net = Net(160 + CELL, top, (Row.of(report, "input"), up), unit=2 * CELL)
    counts = [len(up.reads(i)) for i in range(len(up.places))]
    yield from net.draw(lambda r, i: LOOK[counts[i]] if r else "plain", labels=lambda r, i: str(counts[i]) if r else "")
    for y, above in enumerate(counts):
        for x, across in enumerate(counts):
            place = f'x="{PLANE + x * SMALL:g}" y="{top + y * SMALL:g}" width="{SMALL}" height="{SMALL}"'
            yield f'<rect {place} fill="{SHADES[above * across]}" stroke="#ffffff" stroke-width="0.5"/>'
    yield text("the same on a plane:", PLANE, top - 6, 11, FAINT)
