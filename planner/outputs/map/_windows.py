"""The windows of one layer along its axes: where each window falls, and which cells are left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from planner.analyses.spans import LONGEST_PERIOD
from planner.geometry import AxisMap
from planner.hand_rule import Strip
from planner.layers._layer import axis_name
from planner.outputs.draw._themes import THEMES, Theme
from planner.outputs.map._seen import NoMap, step_number
from planner.outputs.map.svg import picture, text_line, texted
from planner.report import Report
from planner.words import joined

CELL = 26
BAR = 9
MARGIN = 24
LABELS = 110
MOST_CELLS = 34
"""With more cells than this, only those at the ends are drawn."""
ENDS = 13
MOST_ROWS = 12
END_ROWS = 4
SECONDS = 0.7
"""How long the frame stays at a window."""
LOOKS = {
    "cell": ("#cfe3f7", "#5b8db8", "", ""),
    "lost": ("#f8d0cc", "#c0392b", "×", "lost: read by no window"),
    "skipped": ("#fdebc8", "#c98a1b", "○", "skipped, between windows"),
    "padding": ("none", "#9aa7b4", "", "padding"),
    "uneven": ("#d9f2f4", "#2a9aa5", "×", "padding that is not read"),
    "overhang": ("none", "#2a9aa5", "", "over the end"),
}
"""For each kind of cell its fill, its edge, its sign and, unless it needs no explanation, what the legend says."""
TAKEN = "#2f6f9f"
FRAME = "#d9560b"


def _shown(strip: Strip) -> list[int | None]:
    """The cells from left to right; None stands for cells left out."""
    cells = range(strip.first, strip.stop)
    return [*cells] if len(cells) <= MOST_CELLS else [*cells[:ENDS], None, *cells[-ENDS:]]


def _rows(strip: Strip) -> list[int | None]:
    """The windows from the first to the last; None stands for windows left out."""
    rows = range(strip.rows)
    return [*rows] if len(rows) <= MOST_ROWS else [*rows[:END_ROWS], None, *rows[-END_ROWS:]]


def render(report: Report, step: str, theme_name: str = "light") -> str:
    """The picture: a strip for each axis, axes that are alike once. Raises NoMap."""
    theme = THEMES[theme_name]
    at = report.plan.steps[step_number(report, step)]
    if at.facts is None or not at.links:
        raise NoMap(f"`{at.name}` is an input, or has a fault: it has no windows")
    if not at.inputs:
        raise NoMap(f"`{at.name}` ({at.type}) reads nothing: it has no windows")
    strips: dict[tuple[AxisMap, int], list[str]] = {}
    for axis, (along, n) in enumerate(zip(at.links[0][0].axes, at.inputs[0].spatial, strict=True)):
        if not along.keeps and along.period(n) <= LONGEST_PERIOD and along.span(n) is not None:
            strips.setdefault((along, n), []).append(axis_name(axis, len(at.inputs[0].spatial)))
    if not strips:
        raise NoMap(f"`{at.name}` ({at.type}) has no windows that move over its input")
    parts: list[str] = []
    top, wide = 60.0, 0.0
    for (along, n), names in strips.items():
        strip = Strip.of(along, n, "output")
        parts.append(text_line(f"{joined(names)}: {n} → {strip.rows}", MARGIN, top, 14, theme.text))
        drawn = list(_strip(strip, top + 34, theme))
        parts += drawn
        top += 34 + CELL + 16 + (BAR + 6) * len(_rows(strip))
        marks = dict.fromkeys(strip.mark(cell) for cell in _shown(strip) if cell is not None)
        parts += _legend(marks, top, theme)
        top += 44
        wide = max(wide, LABELS + CELL * len(_shown(strip)))
    return picture(
        f"{at.name}: {at.type}",
        MARGIN * 2 + max(wide, 520),
        top,
        theme,
        [
            text_line(texted(f"{at.name}: {at.type}"), MARGIN, 30, 17, theme.text, bold=True),
            *parts,
        ],
    )


def _strip(strip: Strip, top: float, theme: Theme) -> Iterator[str]:
    left = MARGIN + LABELS
    shown = _shown(strip)
    places = {cell: left + CELL * i for i, cell in enumerate(shown) if cell is not None}
    for cell, x in places.items():
        mark = strip.mark(cell)
        fill, edge, sign, _ = LOOKS[mark]
        dashed = ' stroke-dasharray="3 2"' if mark in ("padding", "overhang") else ""
        yield (
            f'<rect x="{x + 1}" y="{top}" width="{CELL - 2}" height="{CELL - 2}" rx="3" fill="{fill}" '
            f'stroke="{edge}"{dashed}/>'
        )
        ink = edge if sign else "#24292f"
        number = sign or (str(cell) if 0 <= cell < strip.cells else "")
        if number:
            yield text_line(number, x + CELL / 2, top + CELL / 2 + 3, 10, ink, anchor="middle")
    if None in shown:
        gap = shown.index(None) + 0.5
        yield text_line("…", left + CELL * gap, top + CELL / 2 + 3, 14, theme.faint, anchor="middle")
    y = top + CELL + 8
    frames = []
    for row in _rows(strip):
        if row is None:
            yield text_line("⋮", MARGIN + 40, y + BAR, 12, theme.faint)
        else:
            yield text_line(f"{strip.noun} {row}", MARGIN, y + BAR, 12, theme.text)
            taps = range(strip.span.low(row), strip.span.high(row) + 1, strip.span.step)
            seen = [x for cell, x in places.items() if cell in taps]
            for x, width in _stretches(seen):
                yield f'<rect x="{x + 3:g}" y="{y:g}" width="{width - 6:g}" height="{BAR}" rx="4" fill="{TAKEN}"/>'
            if seen:
                frames.append((min(seen), max(seen) + CELL - min(seen)))
        y += BAR + 6
    if len(frames) > 1:
        yield _frame(frames, top)


def _stretches(places: list[int]) -> Iterator[tuple[int, int]]:
    """Cells side by side as one stretch each: where it begins, and how wide it is."""
    start = before = None
    for x in places:
        if start is None or before is None or x != before + CELL:
            if start is not None and before is not None:
                yield start, before + CELL - start
            start = x
        before = x
    if start is not None and before is not None:
        yield start, before + CELL - start


def _frame(frames: list[tuple[int, int]], top: float) -> str:
    """A frame that steps over the windows that are drawn."""
    seconds = f"{SECONDS * len(frames):g}s"

    def stepping(name: str, values: list[int]) -> str:
        listed = ";".join(map(str, values))
        return (
            f'<animate attributeName="{name}" values="{listed}" dur="{seconds}" calcMode="discrete" '
            'repeatCount="indefinite"/>'
        )

    x, width = frames[0]
    return (
        f'<rect x="{x}" y="{top - 3:g}" width="{width}" height="{CELL + 4}" rx="5" fill="none" stroke="{FRAME}" '
        f'stroke-width="2.5">{stepping("x", [x for x, _ in frames])}{stepping("width", [w for _, w in frames])}</rect>'
    )


def _legend(marks: Iterable[str], y: float, theme: Theme) -> Iterator[str]:
    x = float(MARGIN + LABELS)
    for fill, edge, sign, words in (LOOKS[mark] for mark in marks):
        if not words:
            continue
        yield f'<rect x="{x:g}" y="{y - 10:g}" width="14" height="14" rx="3" fill="{fill}" stroke="{edge}"/>'
        if sign:
            yield text_line(sign, x + 7, y + 1, 10, edge, anchor="middle")
        yield text_line(words, x + 20, y + 1, 12, theme.faint)
        x += 40 + 6.4 * len(words)
