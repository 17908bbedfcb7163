"""A map as PNG: the cells alone, with what one cell sees in a frame; words are only in the SVG."""

from __future__ import annotations

from planner.outputs.map._pixels import OUTSIDE, UNREAD, colours, enlarged, framed, png
from planner.outputs.map._seen import Seen
from planner.report import Report

LONG_SIDE = 896
FRAME = "#ffffff"


def render(report: Report, seen: Seen, theme_name: str = "light", image: bytes | None = None) -> bytes:
    """The file, each cell a square."""
    times = max(1, LONG_SIDE // max(seen.height, seen.width))
    strip = max(times, 24) if seen.height == 1 else times
    pixels = enlarged(colours(seen.shares, OUTSIDE if seen.stretch else UNREAD), times)
    if strip > times:
        pixels = pixels.repeat(-(-strip // times), axis=0)
    if seen.stretch:
        (top, bottom), (left, right) = seen.stretch.ends
        rows = pixels.shape[0] // seen.height
        framed(pixels, top * rows, left * times, (bottom + 1) * rows - 1, (right + 1) * times - 1, FRAME)
    return png(pixels)
