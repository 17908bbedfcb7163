"""What every picture is made of: text, cells and lines on a white sheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

CELL = 26
"""The side of a cell, in pixels."""
BAR = 9
"""The height of a window's bar."""
MARGIN = 20
TEXT = "#24292f"
FAINT = "#6a737d"
LOOKS = {
    "cell": ("#cfe3f7", "#5b8db8", ""),
    "lost": ("#f8d0cc", "#c0392b", "×"),
    "skipped": ("#fdebc8", "#c98a1b", "○"),
    "padding": ("#f6f8fa", "#c4ccd4", ""),
    "uneven": ("#d9f2f4", "#2a9aa5", "×"),
    "overhang": ("#ffffff", "#2a9aa5", ""),
    "plain": ("#f6f8fa", "#aeb7c0", ""),
    "other": ("#fdebc8", "#c98a1b", ""),
    "both": ("#d8cdea", "#7a5ea8", ""),
    "once": ("#eaf2fa", "#5b8db8", ""),
    "twice": ("#a9cbea", "#2f6f9f", ""),
}
"""What a cell is: its fill, its edge and the sign in it."""
TAKEN, PASSED = "#2f6f9f", "#d3d9df"


def text(words: str, x: float, y: float, size: int, colour: str = TEXT, anchor: str = "start", weight: str = "") -> str:
    bold = f' font-weight="{weight}"' if weight else ""
    place = f'x="{x:g}" y="{y:g}" font-size="{size}"'
    return f'<text {place} fill="{colour}" text-anchor="{anchor}"{bold}>{escape(words, quote=False)}</text>'


def cell(look: str, x: float, y: float, label: str = "", size: float = CELL) -> Iterator[str]:
    """A cell that takes a square of `size` from (x, y), with its sign, or else a label."""
    fill, edge, sign = LOOKS[look]
    dashed = ' stroke-dasharray="3 2"' if look in ("padding", "overhang") else ""
    place = f'x="{x + 1:g}" y="{y:g}" width="{size - 2:g}" height="{size - 2:g}" rx="3"'
    yield f'<rect {place} fill="{fill}" stroke="{edge}"{dashed}/>'
    if sign or label:
        yield text(sign or label, x + size / 2, y + size / 2 + 3, 11, edge if sign else TEXT, "middle")


def box(x: float, y: float, width: float, height: float, fill: str, edge: str, radius: float = 3) -> str:
    place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}"'
    return f'<rect {place} fill="{fill}" stroke="{edge}"/>'


def bar(x: float, y: float, width: float, colour: str) -> str:
    """A window's stretch, which takes `width` from x."""
    return f'<rect x="{x + 3:g}" y="{y:g}" width="{width - 6:g}" height="{BAR}" rx="4" fill="{colour}"/>'


def line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1.5) -> str:
    ends = f'x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width:g}"/>'


def legend(entries: Iterable[tuple[str, str]], x: float, y: float) -> Iterator[str]:
    """Looks of cells and what they mean, side by side."""
    for look, meaning in entries:
        yield from cell(look, x, y, size=18)
        yield text(meaning, x + 24, y + 13, 12)
        x += 40 + 6.6 * len(meaning)


def svg(title: str, width: float, height: float, parts: Iterable[str]) -> str:
    """A whole picture on white, so that it can be read on a dark page too."""
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="system-ui, sans-serif" role="img">',
        f"<title>{escape(title, quote=False)}</title>",
        f'<rect width="{width:g}" height="{height:g}" rx="8" fill="#ffffff"/>',
        *parts,
        "</svg>",
    ]
    return "".join(f"{each}\n" for each in lines)
