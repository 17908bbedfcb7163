"""A map as PNG: the picture alone, with what one cell sees in a frame; words are only in the SVG."""

from __future__ import annotations

from planner.outputs.map._pixels import framed, painted, png
from planner.outputs.map._seen import Seen
from planner.report import Report

LONG_SIDE = 896
FRAME = "#ffffff"


def render(report: Report, seen: Seen, theme_name: str = "light", image: bytes | None = None) -> bytes:
    """The file, each cell a square, or each run of cells."""
    times = max(1, LONG_SIDE // max(seen.height, seen.width))
    strip = max(times, 24) if seen.height == 1 else times
    made = painted(seen).repeat(times, axis=0).repeat(times, axis=1)
    if strip > times:
        made = made.repeat(-(-strip // times), axis=0)
    if seen.stretch:
        (top, bottom), (left, right) = seen.stretch.drawn(seen.runs)
        rows = made.shape[0] // seen.height
        framed(made, top * rows, left * times, (bottom + 1) * rows - 1, (right + 1) * times - 1, FRAME)
    return png(made)
