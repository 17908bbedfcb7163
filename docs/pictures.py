"""The pictures in the pages of this folder, drawn as SVG from what `planner calc` works out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from planner.hand_rule import Request, Strip, Working, work_out

CELL = 26
"""The side of a cell, in pixels."""
BAR = 9
MARGIN = 20
LABELS = 130
"""The width of what stands on the left."""
TEXT = "#24292f"
LOOKS = {
    "cell": ("#cfe3f7", "#5b8db8", ""),
    "lost": ("#f8d0cc", "#c0392b", "×"),
    "skipped": ("#fdebc8", "#c98a1b", "○"),
    "padding": ("#f6f8fa", "#c4ccd4", ""),
    "uneven": ("#d9f2f4", "#2a9aa5", "×"),
    "overhang": ("#ffffff", "#2a9aa5", ""),
}
"""What a cell is: its fill, its edge and the sign in it."""
TAKEN, PASSED = "#2f6f9f", "#d3d9df"


@dataclass(frozen=True, slots=True)
class Canvas:
    """Where a strip is drawn: cell 0 begins at x = `left`, and the cells at y = `top`."""

    left: float
    top: float

    def cells(self, strip: Strip) -> Iterator[str]:
        for cell in range(strip.first, strip.stop):
            fill, edge, sign = LOOKS[strip.mark(cell)]
            x = self.left + cell * CELL
            dashed = ' stroke-dasharray="3 2"' if strip.mark(cell) in ("padding", "overhang") else ""
            yield (
                f'<rect x="{x + 1}" y="{self.top}" width="{CELL - 2}" height="{CELL - 2}" rx="3" '
                f'fill="{fill}" stroke="{edge}"{dashed}/>'
            )
            shown = sign or (str(cell) if 0 <= cell < strip.cells else "")
            yield text(shown, x + CELL / 2, self.top + CELL / 2 + 3, 11, edge if sign else TEXT, "middle")

    def bar(self, strip: Strip, row: int, y: float, colour: str) -> Iterator[str]:
        """The stretch of one row, with the holes of its dilation."""
        first, last, step = strip.span.low(row), strip.span.high(row), strip.span.step
        if step > 1:
            yield (
                f'<rect x="{self.left + first * CELL + 3}" y="{y + BAR / 2 - 1}" '
                f'width="{(last - first + 1) * CELL - 6}" height="2" fill="{colour}"/>'
            )
        for start in range(first, last + 1, step) if step > 1 else [first]:
            width = (1 if step > 1 else last - first + 1) * CELL
            yield (
                f'<rect x="{self.left + start * CELL + 3}" y="{y}" width="{width - 6}" height="{BAR}" rx="4" '
                f'fill="{colour}"/>'
            )


def text(words: str, x: float, y: float, size: int, colour: str = TEXT, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}" text-anchor="{anchor}">{words}</text>'


def svg(title: str, width: float, height: float, parts: list[str]) -> str:
    """A whole picture on white, so that it can be read on a dark page too."""
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="system-ui, sans-serif" role="img">',
        f"<title>{title}</title>",
        f'<rect width="{width:g}" height="{height:g}" rx="8" fill="#ffffff"/>',
        *parts,
        "</svg>",
    ]
    return "".join(f"{line}\n" for line in lines)


def worked(command: str) -> Working:
    """The axis that a `planner calc` works out."""
    size, *words = command.split()
    numbers = {name: words[words.index(name) + 1] for name in ("-k", "-s", "-p", "-d") if name in words}
    kernel, stride, padding, dilation = [numbers.get(name) for name in ("-k", "-s", "-p", "-d")]
    asked = Request(size=size, kernel=kernel, stride=stride, padding=padding, dilation=dilation, ceil="--ceil" in words)
    return work_out(asked).axes[0]


def hand_rule() -> str:
    """All places for a window at stride 1, and those of them that the stride takes."""
    strided, free = worked("10 -k 3 -s 2"), worked("10 -k 3")
    assert strided.strip is not None
    assert free.strip is not None
    canvas = Canvas(MARGIN + LABELS, 64)
    heading = f"10 cells, kernel 3, stride 2: {free.out} places, {strided.out} windows"
    parts = [text(heading, MARGIN, 34, 15), *canvas.cells(strided.strip)]
    taken = {strided.strip.span.low(row): row for row in range(strided.strip.rows)}
    y = canvas.top + CELL + 10
    for place in range(free.strip.rows):
        window = taken.get(place)
        parts += canvas.bar(free.strip, place, y, PASSED if window is None else TAKEN)
        label = f"place {place}" if window is None else f"place {place} → output {window}"
        parts.append(text(label, MARGIN, y + BAR, 12, "#8a949e" if window is None else TEXT))
        y += BAR + 8
    (lost,) = strided.findings
    parts.append(text(f"Place {place} is passed over: {lost.brief}.", MARGIN, y + 18, 13))
    return svg("The hand rule on 10 cells", canvas.left + 10 * CELL + MARGIN, y + 36, parts)


WINDOWS = [
    ("10 -k 3 -s 2", "lost cell"),
    ("10 -k 3 -s 2 -p 1", "uneven padding"),
    ("10 -k 1 -s 3", "skipped cells"),
    ("10 -k 3 -s 2 --ceil", "overhang"),
    ("10 -k 3 -d 3 -s 3", "holes of a dilation"),
]


def windows() -> str:
    """One strip for each thing that may happen to cells."""
    parts: list[str] = []
    top = 24.0
    for command, name in WINDOWS:
        strip = worked(command).strip
        assert strip is not None
        canvas = Canvas(MARGIN + LABELS + CELL, top)
        parts.append(text(name, MARGIN, top + 16, 14))
        parts.append(text(command.partition(" ")[2], MARGIN, top + 34, 11, "#6a737d"))
        parts += canvas.cells(strip)
        y = top + CELL + 6
        for row in range(strip.rows):
            parts += canvas.bar(strip, row, y, TAKEN)
            y += BAR + 4
        top = y + 22
    return svg("What may happen to the cells of an axis", MARGIN + LABELS + 12 * CELL + MARGIN, top, parts)


PICTURES: dict[str, Callable[[], str]] = {"hand-rule.svg": hand_rule, "windows.svg": windows}
