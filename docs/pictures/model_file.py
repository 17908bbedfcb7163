"""A model file, and the steps that each entry of its `layers` becomes."""

from __future__ import annotations

from itertools import groupby

from planner.plan import Step

from ._nets import planned
from ._svg import FAINT, MARGIN, svg, text

COLOURS = ["#2f6f9f", "#c98a1b", "#3f8f5f", "#7a5ea8", "#c0392b", "#2a9aa5"]
HIGH, WIDE = 19, 6.05
RIGHT = 600
TOP = 66


def draw() -> str:
    report = planned("model_file")
    lines = report.source.text.splitlines()
    parts = [text("An entry of the file …", MARGIN, 34, 15), text("… and its steps", RIGHT + 20, 34, 15)]

    def line(step: Step) -> int:
        """The line of the outermost entry that made a step, from 0."""
        place = report.source.place((step.instance.calls or (step.path,))[-1])
        assert place is not None
        return place.line - 1

    steps = list(report.plan.layers)
    colours: dict[int, str] = {}
    x = MARGIN + max(len(lines[line(step)]) for step in steps) * WIDE + 6
    y = TOP
    for at, made in groupby(steps, line):
        colour = colours[at] = COLOURS[len(colours) % len(COLOURS)]
        start, middle = y, TOP + at * HIGH - 4
        for step in made:
            parts.append(text(step.name, RIGHT + 20, y, 12, colour))
            parts.append(text(str(step.outputs[0]), RIGHT + 150, y, 11, FAINT))
            y += HIGH
        corners = f"{x:g},{middle - 5} {x:g},{middle + 5} {RIGHT + 14},{y - HIGH + 3} {RIGHT + 14},{start - 12}"
        parts.append(f'<polygon points="{corners}" fill="{colour}" fill-opacity="0.18"/>')
    for i, each in enumerate(lines):
        place = f'x="{MARGIN}" y="{TOP + i * HIGH}" font-size="10" font-family="monospace" xml:space="preserve"'
        parts.append(f'<text {place} fill="{colours.get(i, "#24292f")}">{each}</text>')
    return svg("A model file and its steps", RIGHT + 230, TOP + max(len(lines), len(steps)) * HIGH, parts)
