"""How high a picture will be, before an engine has laid it out: the longest way down through boxes and frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.outputs.draw._picture import Box, Frame, Picture

PAGE = 1100
"""Points: shrunk to a sheet of A4 or Letter, letters of 11 points are still those of a footnote."""
LEAST_OPENED = 150
"""Points that are given to opened blocks even where the page is full without them."""
HEADING = 75
LINE, SMALL_LINE, GAP, MARGIN = 18, 14, 20, 10


def height(picture: Picture) -> int:
    """About how high the picture is, in points."""
    down: dict[int, int] = {}
    best = 0
    above: dict[int, list[Box]] = {}
    for arrow in picture.arrows:
        above.setdefault(arrow.target.number, []).append(arrow.source)
    for box in picture.boxes:
        ways = (
            down[source.number] + GAP + MARGIN * _borders(source.frame, box.frame)
            for source in above.get(box.number, ())
        )
        down[box.number] = max(ways, default=0) + _tall(picture, box)
        best = max(best, down[box.number])
    return HEADING + best


def _tall(picture: Picture, box: Box) -> int:
    """About how high a box is: a line for each row, and smaller ones for what is said below."""
    said = min(len(picture.marks_of(box)), 3)
    return LINE + SMALL_LINE * (1 + (len(box.rows) > 1) + said + len(box.captions))


def _borders(source: Frame | None, target: Frame | None) -> int:
    """How many frames an arrow leaves and enters."""
    left, entered = _around(source), _around(target)
    return len(left ^ entered)


def _around(frame: Frame | None) -> set[int]:
    found: set[int] = set()
    while frame is not None:
        found.add(frame.number)
        frame = frame.parent
    return found
