"""How high a picture will be, before an engine has laid it out: the longest way down through boxes and frames."""

from __future__ import annotations

from planner.diagnostics import Severity
from planner.outputs.draw._picture import Box, Frame, Picture, frames_around

PAGE = 1000
"""Points: shrunk to a sheet of A4 or Letter, letters of 11 points are still those of a footnote."""
LEAST_OPENED = 150
"""Points that opened blocks get even where the page is full without them."""
HEADING = 100
LINE, DETAIL, SMALL_LINE, GAP, SMALL_GAP, MARGIN, TITLE = 18, 10, 14, 27, 10, 10, 35


def height(picture: Picture) -> int:
    """The estimated height of the picture, in points."""
    down: dict[int, int] = {}
    best = 0
    above: dict[int, list[Box]] = {}
    for arrow in picture.arrows:
        above.setdefault(arrow.target.number, []).append(arrow.source)
    # The title of a frame is beside its first box or, where that box has a frame of its own, above it.
    titled = {frame.number for frame in picture.frames if picture.first_in(frame).frame is not frame}
    gap = SMALL_GAP if picture.terse else GAP  # an arrow with a shape beside it is longer
    for box in picture.boxes:
        ways = (
            down[source.number] + gap + _borders(source.frame, box.frame, titled)
            for source in above.get(box.number, ())
        )
        down[box.number] = max(ways, default=0) + _tall(picture, box)
        best = max(best, down[box.number])
    return HEADING + best


def _tall(picture: Picture, box: Box) -> int:
    """The estimated height of a box: a line for each row, and smaller lines for what stands below."""
    found = [mark.severity for mark in picture.marks_of(box)]
    if box.is_block:  # remarks are shown where the block is opened
        found = [*{severity for severity in found if severity is not Severity.INFO}]
    said = min(len(found), 3) + len(box.captions)
    if box in picture.one_line or not box.rows:
        return LINE + SMALL_LINE * said
    more = [picture.says_more(row) for row in box.rows]
    lines = sum(more[1:]) + (False in more[1:])  # layers without details share a line
    return LINE + DETAIL * sum(more) + SMALL_LINE * (lines + said + (box in picture.told))


def _borders(source: Frame | None, target: Frame | None, titled: set[int]) -> int:
    """The extra length of an arrow for the frames that it leaves and enters; `titled` ones have a title above."""
    left, entered = ({each.number for each in frames_around(frame)} for frame in (source, target))
    return MARGIN * len(left ^ entered) + TITLE * len((entered - left) & titled)
