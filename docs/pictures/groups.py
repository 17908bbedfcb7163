"""Channels behind two grouped layers in a row, without and with a shuffle between them."""

from __future__ import annotations

from collections.abc import Iterator

from planner.geometry import bits
from planner.report import Report

from ._nets import EDGES, planned
from ._svg import FAINT, LOOKS, MARGIN, line, svg, text

WIDTH, DROP, HEIGHT = 480, 64, 16
MIXED = {1: "cell", 2: "other", 3: "both"}
"""What a channel looks like by the groups of the input that it depends on."""


def draw() -> str:
    parts, top = [], 44.0
    for shuffle, heading in (
        (False, "Two layers with two groups: two networks side by side"),
        (True, "With a shuffle"),
    ):
        parts.append(text(heading, MARGIN, top - 12, 15))
        report = planned("groups", params={"shuffle": shuffle})
        parts += _drawn(report, top + 6)
        top += len(report.plan.steps) * DROP + 24
    return svg("Groups of channels, without and with a shuffle", 150 + WIDTH + MARGIN, top - 50, parts)


def _drawn(report: Report, top: float) -> Iterator[str]:
    steps = report.plan.steps
    reads = [
        [
            bits(step.links[0][0].channels.reads(1 << o, step.inputs[0].channels))
            for o in range(step.outputs[0].channels)
        ]
        for step in steps[1:]
    ]
    groups = list(dict.fromkeys(map(tuple, reads[0])))
    depends = [{i: 1 << g for g, group in enumerate(groups) for i in group}]
    for each in reads:
        depends.append({o: sum({1 << b for i in read for b in bits(depends[-1][i])}) for o, read in enumerate(each)})
    for row in range(len(steps)):
        y, n = top + row * DROP, len(depends[row])
        if row:
            yield from _bands(reads[row - 1], depends[row], len(depends[row - 1]), y)
    for row, step in enumerate(steps):
        y, n = top + row * DROP, len(depends[row])
        yield text(step.name, MARGIN, y + 12, 13)
        yield text(f"{n} channels", MARGIN, y + 27, 11, FAINT)
        for o in range(n):
            fill, edge, _ = LOOKS[MIXED[depends[row][o]]]
            place = f'x="{150 + o * WIDTH / n + 0.5:g}" y="{y:g}" width="{WIDTH / n - 1:g}" height="{HEIGHT}"'
            yield f'<rect {place} rx="2" fill="{fill}" stroke="{edge}" stroke-width="0.8"/>'


def _bands(reads: list[list[int]], depends: dict[int, int], before: int, y: float) -> Iterator[str]:
    """What each set of channels that read the same reads: a band, or a line for a single channel."""
    n, start = len(reads), y - DROP + HEIGHT
    for read in dict.fromkeys(map(tuple, reads)):
        own = [o for o in range(n) if tuple(reads[o]) == read]
        if len(own) == len(read) == 1:
            x1, x2 = (150 + (i + 0.5) * WIDTH / count for i, count in ((read[0], before), (own[0], n)))
            yield line(x1, start, x2, y, EDGES[MIXED[depends[own[0]]]], 1)
            continue
        corners = [
            (150 + read[0] * WIDTH / before, start),
            (150 + (read[-1] + 1) * WIDTH / before, start),
            (150 + (own[-1] + 1) * WIDTH / n, y),
            (150 + own[0] * WIDTH / n, y),
        ]
        points = " ".join(f"{x:g},{at:g}" for x, at in corners)
        yield f'<polygon points="{points}" fill="{EDGES[MIXED[depends[own[0]]]]}" fill-opacity="0.18"/>'
