"""Strips: the cells of an axis and the windows below them, from what `planner calc` works out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from planner.hand_rule import Request, Strip, Working, work_out

from ._svg import BAR, CELL, bar, cell

LABELS = 130
"""The width of what stands on the left."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """Where a strip is drawn: cell 0 begins at x = `left`, and the cells at y = `top`."""

    left: float
    top: float

    def cells(self, strip: Strip) -> Iterator[str]:
        for number in range(strip.first, strip.stop):
            label = str(number) if 0 <= number < strip.cells else ""
            yield from cell(strip.mark(number), self.left + number * CELL, self.top, label)

    def row(self, strip: Strip, row: int, y: float, colour: str) -> Iterator[str]:
        """The stretch of one row, with the holes of its dilation."""
        first, last, step = strip.span.low(row), strip.span.high(row), strip.span.step
        if step == 1:
            yield bar(self.left + first * CELL, y, (last - first + 1) * CELL, colour)
            return
        yield (
            f'<rect x="{self.left + first * CELL + 3:g}" y="{y + BAR / 2 - 1:g}" '
            f'width="{(last - first + 1) * CELL - 6}" height="2" fill="{colour}"/>'
        )
        for start in range(first, last + 1, step):
            yield bar(self.left + start * CELL, y, CELL, colour)


def worked(command: str) -> Working:
    """The axis that a `planner calc` works out."""
    size, *words = command.split()
    numbers = {name: words[words.index(name) + 1] for name in ("-k", "-s", "-p", "-d") if name in words}
    kernel, stride, padding, dilation = [numbers.get(name) for name in ("-k", "-s", "-p", "-d")]
    asked = Request(size=size, kernel=kernel, stride=stride, padding=padding, dilation=dilation, ceil="--ceil" in words)
    return work_out(asked).axes[0]
