"""A map as SVG: the cells or runs of them, the unread rows and columns, what one cell sees, and a legend."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from html import escape

from planner.analyses.paths import LONGEST_AXIS
from planner.cells import Cells, counts, ranged
from planner.outputs import Format
from planner.outputs._screen import printable
from planner.outputs.draw._themes import THEMES, Theme
from planner.outputs.map._pixels import OUTSIDE, PARTLY, READ, SCALE, UNREAD, painted, png
from planner.outputs.map._runs import distinct
from planner.outputs.map._seen import Seen
from planner.report import Report
from planner.words import counted, joined, runs

FORMAT = Format(over_image=True)
LONG_SIDE = 520
MARGIN = 56
LEGEND = 120
STRIP = 40
FIELD = "#ffffff"
KINDS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif", b"RIFF": "webp"}
MOST_POINTERS = 40
"""Where more rows or columns have unread cells, only the colours show them."""
MOST_DIGITS = 6
"""Longer numbers beside the picture are turned."""
OVER_IMAGE = 150
"""The opacity of the cells above an image, of 255."""


def render(report: Report, seen: Seen, theme_name: str = "light", image: bytes | None = None) -> str:
    """The picture; `image` is the user's own, which is put under the cells."""
    theme = THEMES[theme_name]
    cell = LONG_SIDE / max(seen.height, seen.width)
    width, height = seen.width * cell, max(seen.height * cell, STRIP if seen.height == 1 else 0)
    words = _words(report, seen)
    title = f"{report.plan.model.name}: {_heading(seen)}"
    whole = 2 * MARGIN + max(width, 360, 9.5 * len(title), *(6.5 * len(each) for each in words))
    tall = 96 + height + 40 + LEGEND / 2 + 20 * len(words)
    parts = [
        text_line(texted(title), MARGIN, 34, 17, theme.text, bold=True),
        f'<g transform="translate({MARGIN} 72)">',
        *cells(seen, cell, width, height, theme, image),
        "</g>",
        *_legend(seen, theme, 72 + height + 44),
        *(text_line(texted(each), MARGIN, 72 + height + 104 + 20 * i, 13, theme.text) for i, each in enumerate(words)),
    ]
    return picture(f"{seen.input} of {report.plan.model.name}", whole, tall, theme, parts)


def picture(title: str, width: float, height: float, theme: Theme, parts: Sequence[str]) -> str:
    """A whole SVG file."""
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    font = 'font-family="Helvetica, Arial, sans-serif"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font} role="img">',
        f"<title>{texted(title)}</title>",
        f'<rect width="{width:g}" height="{height:g}" fill="{theme.page}"/>',
        *parts,
        "</svg>",
    ]
    return "".join(f"{line}\n" for line in lines)


def cells(
    seen: Seen, cell: float, width: float, height: float, theme: Theme, image: bytes | None = None
) -> Iterator[str]:
    """The cells with what is marked on them, from (0, 0) on."""
    tall = height / seen.height
    size = f'width="{width:g}" height="{height:g}" preserveAspectRatio="none"'
    if image is not None:
        kind = next((kind for start, kind in KINDS.items() if image.startswith(start)), "png")
        yield f'<image {size} href="data:image/{kind};base64,{b64encode(image).decode()}"/>'
    made = png(painted(seen, OVER_IMAGE if image is not None else 255))
    yield (f'<image {size} style="image-rendering:pixelated" href="data:image/png;base64,{b64encode(made).decode()}"/>')
    yield from _axis(seen.size[1], cell, width, theme, across=True)
    if seen.size[0] > 1:
        yield from _axis(seen.size[0], tall, height, theme, across=False)
    rows, columns = (_lines(*each) for each in zip(seen.unread, seen.size, seen.runs, strict=True))
    for first, last in rows[0]:
        yield _band(0, first * tall, width, (last + 1 - first) * tall)
    for first, last in rows[1]:
        yield _pointer(width + 4, (first + last + 1) / 2 * tall, across=False)
    for first, last in columns[0]:
        yield _band(first * cell, 0, (last + 1 - first) * cell, height)
    for first, last in columns[1]:
        yield _pointer((first + last + 1) / 2 * cell, height + 4, across=True)
    if seen.stretch:
        (top, bottom), (left, right) = seen.stretch.drawn(seen.runs)
        box = (left * cell, top * tall, (right + 1 - left) * cell, (bottom + 1 - top) * tall)
        for colour, thick, dash in (("#000000", 4, ""), (FIELD, 2, ' stroke-dasharray="7 4"')):
            yield (
                f'<rect x="{box[0]:g}" y="{box[1]:g}" width="{box[2]:g}" height="{box[3]:g}" fill="none" '
                f'stroke="{colour}" stroke-width="{thick}"{dash}/>'
            )


def _lines(unread: Cells, n: int, run: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The rows or columns of the picture that are wholly unread, and those with an unread line in them, as far as the
    picture points at these.
    """
    held = counts(unread, run, n)
    bare = runs(i for i, count in enumerate(held) if count == min(run, n - i * run))
    touched = runs(i for i, count in enumerate(held) if count)
    everywhere = touched == [(0, len(held) - 1)]
    return bare, touched if len(touched) <= MOST_POINTERS and not everywhere else []


def _band(x: float, y: float, width: float, height: float) -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{UNREAD}"/>'


def _pointer(x: float, y: float, across: bool) -> str:
    """A small triangle beside the picture that points at an unread row or column."""
    corners = ((0, 0), (5, 9), (-5, 9)) if across else ((0, 0), (9, 5), (9, -5))
    return f'<polygon fill="{UNREAD}" points="{" ".join(f"{x + dx:g},{y + dy:g}" for dx, dy in corners)}"/>'


def _axis(n: int, cell: float, length: float, theme: Theme, across: bool) -> Iterator[str]:
    """Numbers at the ends of an axis."""
    for i, middle in {0: cell / 2, n - 1: length - cell / 2}.items():
        if across:
            yield text_line(str(i), middle, -8, 12, theme.faint, anchor="middle")
        elif len(str(n)) <= MOST_DIGITS:
            yield text_line(str(i), -8, middle + 4, 12, theme.faint, anchor="end")
        else:
            turned = text_line(str(i), 0, 0, 12, theme.faint, anchor="start" if i else "end")
            yield f'<g transform="translate(-8 {length * bool(i):g}) rotate(-90)">{turned}</g>'


def _legend(seen: Seen, theme: Theme, y: float) -> Iterator[str]:
    entries: list[tuple[Sequence[str], str]] = []
    x = MARGIN
    if seen.shares is not None:
        for i, colour in enumerate(SCALE):
            yield f'<rect x="{MARGIN + 26 * i}" y="{y:g}" width="26" height="12" fill="{colour}"/>'
        yield text_line("fewest paths", MARGIN, y + 28, 12, theme.faint)
        yield text_line("most", MARGIN + 26 * len(SCALE), y + 28, 12, theme.faint, anchor="end")
        x += 26 * len(SCALE) + 24
        nothing = bool((seen.shares == 0).any())
    else:
        shares = distinct(seen.read)
        nothing = 0 in shares
        entries += [((READ,), "all read")] * (1 in shares)
        entries += [(PARTLY, "some of it")] * bool(shares - {0, 1})
    entries += [((OUTSIDE,), "not seen")] * bool(seen.stretch and nothing)
    entries += [((UNREAD,), "never read")] * bool(seen.cells and (seen.shares is not None or nothing))
    for fills, name in entries:
        for i, fill in enumerate(fills):
            yield f'<rect x="{x + 26 * i}" y="{y:g}" width="26" height="12" fill="{fill}"/>'
        yield text_line(name, x, y + 28, 12, theme.faint)
        x += 26 * len(fills) + 54


def _heading(seen: Seen) -> str:
    rows, columns = seen.size
    shape = f"{rows}×{columns}" if rows > 1 else f"{columns} cells"
    if seen.stretch:
        at = f" cell {', '.join(map(str, seen.stretch.cell))}" if seen.stretch.cell else ""
        return f"what {seen.stretch.step}{at} reads of {seen.input}, {shape}"
    return f"how {seen.input} is read, {shape}"


def _words(report: Report, seen: Seen) -> Sequence[str]:
    """What the picture shows, in words."""
    said = [each] if (each := scale(seen)) else []
    if seen.cells:
        lines = [
            f"{noun}{'s' * (numbers.bit_count() > 1)} {ranged(numbers)}"
            for noun, numbers in zip(("row", "column"), seen.unread, strict=True)
            if numbers
        ]
        where = f": {joined(lines)}" if lines else ""
        said.append(f"{seen.cells:,} of {counted(seen.total, 'cell')} never read{where}")
    elif not seen.stretch:
        said.append("every cell is read by some path to an output")
    if seen.stretch:
        (top, bottom), (left, right) = seen.stretch.ends
        rows = f"rows {top}–{bottom}, " if seen.size[0] > 1 else ""
        said.append(f"it sees {rows}columns {left}–{right} (dashed)")
    elif seen.shares is not None and seen.height > 1:
        corner, edge = seen.shares[0, 0], seen.shares[0, seen.width // 2]
        said.append(
            f"of the paths of the best-read cell, the corner has {_share(corner)}, the middle of an edge {_share(edge)}"
        )
    if seen.slices > 1:
        said.append(f"summed over {seen.slices} slices")
    return said


def scale(seen: Seen) -> str:
    """What a map stands for whose cells are not drawn one by one, or whose paths are not counted."""
    if seen.shares is not None:
        return ""
    drawn = [
        f"1 {noun} = {counted(run, 'cell')}" for noun, run in zip(("row", "column"), seen.runs, strict=True) if run > 1
    ]
    return "; ".join(
        [*([", ".join(drawn)] if drawn else []), f"no paths counted: an axis has over {LONGEST_AXIS:,} cells"]
    )


def _share(share: float) -> str:
    percent = share * 100
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.1f} %" if percent >= 0.1 else "less than 0.1 %"


def text_line(text: str, x: float, y: float, size: int, colour: str, bold: bool = False, anchor: str = "start") -> str:
    """A line of text that is already escaped."""
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{colour}" text-anchor="{anchor}"{weight}>{text}</text>'


def texted(text: str) -> str:
    """A text of the model file, as SVG shows it."""
    return escape(printable(text))
