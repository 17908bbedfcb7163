"""The rows of a sweep as a chart: two measures, the front as a line, and rows that lose cells in a colour of their own.

Points are polygons and all texts straight, so that what paints the SVG as PNG or PDF has no more to know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from math import cos, pi, sin

from planner.diagnostics import Severity
from planner.outputs._screen import cut, printable
from planner.outputs.draw._themes import THEMES, Theme
from planner.outputs.sweep._axis import ChartAxis
from planner.outputs.sweep._flat import shape_text
from planner.outputs.sweep._words import front_words, noun
from planner.points import Objective, SweepOutcome, SweepRow
from planner.words import counted

WIDTH, HEIGHT = 640, 400
"""The size of the field with the points."""
LEFT, TOP, RIGHT, BOTTOM = 92, 84, 60, 84
SIZE = 12
FINE = 3
"""Points that are nearer than so many pixels are drawn as one."""
MOST_NAMED = 12
"""Points of the front that are named."""
LINE = 13
LETTER = 6.2
"""How wide a letter is, about."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Two axes, what they are about, and the colours."""

    x: Objective
    y: Objective
    across: ChartAxis
    up: ChartAxis
    theme: Theme

    def spot(self, row: SweepRow) -> tuple[float, float] | None:
        """Where a row stands; None for one that does not have both numbers."""
        x, y = self.x.of(row), self.y.of(row)
        if row.error or x is None or y is None:
            return None
        return self.at(x, y)

    def at(self, x: float, y: float) -> tuple[float, float]:
        return LEFT + WIDTH * self.across.place(x), TOP + HEIGHT * (1 - self.up.place(y))


def svg(outcome: SweepOutcome, theme_name: str) -> bytes:
    """The drawing, which needs no layout."""
    theme, (x, y) = THEMES[theme_name], outcome.axes
    ends = _ends(outcome, x, y)
    body = []
    if ends is not None:
        chart = Chart(x, y, ChartAxis.of(x, *ends[0]), ChartAxis.of(y, *ends[1]), theme)
        body = [*_grid(chart), *_bounds(chart, outcome), *_points(chart, outcome), *_legend(chart, outcome)]
    else:
        body = [_text("no row has both numbers", LEFT, TOP + 20, theme.faint)]
    name = printable(outcome.question.model.file or "model")
    width, height = LEFT + WIDTH + RIGHT, TOP + HEIGHT + BOTTOM
    head = (
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="Helvetica, Arial, sans-serif"'
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {head} role="img">',
        f"<title>{escape(name)}: {escape(front_words(outcome))}</title>",
        f'<rect x="0" y="0" width="{width}" height="{height}" fill="{theme.page}"/>',
        _text(cut(name, 80), LEFT, 28, theme.text, 15, bold=True),
        _text(f"{counted(outcome.tally['kept'], 'row')}; front: {front_words(outcome)}", LEFT, 48, theme.faint),
        *body,
        "</svg>",
    ]
    return "".join(f"{part}\n" for part in parts).encode("utf-8", "backslashreplace")


def _ends(outcome: SweepOutcome, x: Objective, y: Objective) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """The least and the most of both measures; None where no row has them."""
    ends: list[list[float]] = []
    for row in outcome.rows:
        numbers = [x.of(row), y.of(row)]
        if row.error or None in numbers:
            continue
        values = [float(each) for each in numbers if each is not None]
        if not ends:
            ends = [[value, value] for value in values]
        for end, value in zip(ends, values, strict=True):
            end[:] = min(end[0], value), max(end[1], value)
    return ((ends[0][0], ends[0][1]), (ends[1][0], ends[1][1])) if ends else None


def _grid(chart: Chart) -> Iterator[str]:
    theme, bottom, right = chart.theme, TOP + HEIGHT, LEFT + WIDTH
    for number, text in chart.across.ticks():
        x = LEFT + WIDTH * chart.across.place(number)
        yield _line(x, TOP, x, bottom, theme.block)
        yield _text(text, x, bottom + 18, theme.faint, anchor="middle")
    for number, text in chart.up.ticks():
        y = TOP + HEIGHT * (1 - chart.up.place(number))
        yield _line(LEFT, y, right, y, theme.block)
        yield _text(text, LEFT - 8, y + 4, theme.faint, anchor="end")
    yield f'<polyline points="{LEFT},{TOP} {LEFT},{bottom} {right},{bottom}" fill="none" stroke="{theme.line}"/>'
    yield _text(_titled(chart.x), LEFT + WIDTH / 2, bottom + 42, theme.text, 13, anchor="middle")
    yield _text(_titled(chart.y), 14, TOP - 10, theme.text, 13)


def _titled(aim: Objective) -> str:
    return f"{noun(aim)} ({'more' if aim.most else 'less'} is better)"


def _bounds(chart: Chart, outcome: SweepOutcome) -> Iterator[str]:
    """The limits that lie in the field, as broken lines."""
    warn = chart.theme.marks[Severity.ERROR][0]
    for limits in (outcome.limits.most, outcome.limits.least):
        at = limits.get(chart.x.measure)
        if at is not None and chart.across.low < at < chart.across.high:
            x = LEFT + WIDTH * chart.across.place(at)
            yield _line(x, TOP, x, TOP + HEIGHT, warn, dashed=True)
        at = limits.get(chart.y.measure)
        if at is not None and chart.up.low < at < chart.up.high:
            y = TOP + HEIGHT * (1 - chart.up.place(at))
            yield _line(LEFT, y, LEFT + WIDTH, y, warn, dashed=True)


def _points(chart: Chart, outcome: SweepOutcome) -> Iterator[str]:
    """All points, those that lose cells above the others, and the front above all."""
    fronts = {point: number for number, points in enumerate(outcome.fronts) for point in points}
    plain: set[tuple[int, int]] = set()
    losing: set[tuple[int, int]] = set()
    best: list[tuple[SweepRow, tuple[float, float]]] = []
    for row in outcome.rows:
        spot = chart.spot(row)
        if spot is None:
            continue
        if row.point in fronts:
            best.append((row, spot))
        else:
            (losing if row.loses else plain).add((round(spot[0] / FINE), round(spot[1] / FINE)))
    for across, down in sorted(plain - losing):
        yield _dot(across * FINE, down * FINE, chart.theme.line)
    for across, down in sorted(losing):
        yield _diamond(across * FINE, down * FINE, _losing(chart.theme))
    best.sort(key=lambda each: (each[1][0], -each[1][1]))
    lines: dict[int, list[str]] = {}
    for row, (x, y) in best:
        lines.setdefault(fronts[row.point], []).append(f"{x:.1f},{y:.1f}")
    for corners in (" ".join(each) for each in lines.values() if len(each) > 1):
        yield f'<polyline points="{corners}" fill="none" stroke="{chart.theme.skip}" stroke-width="1.5"/>'
    for row, (x, y) in best:
        yield _diamond(x, y, _losing(chart.theme), 5) if row.loses else _dot(x, y, chart.theme.skip, 4.5)
    yield from _names(chart, best, outcome)


def _names(chart: Chart, best: list[tuple[SweepRow, tuple[float, float]]], outcome: SweepOutcome) -> Iterator[str]:
    """What the points of the front are made of, as far as there is room: on the side where nothing is better. Of
    several fronts, what each is for stands at its end.
    """
    taken: list[tuple[float, float, float]] = []
    if outcome.each_input:
        best = [*{tuple(row.inputs.values()): (row, spot) for row, spot in best}.values()]
    for row, (x, y) in best[:: -(-len(best) // MOST_NAMED) or 1]:
        text = cut(_named(row, outcome), 36)
        wide = LETTER * len(text)
        left = x - 9 - wide > LEFT and (not chart.x.most or x + 9 + wide > LEFT + WIDTH + RIGHT)
        start = x - 9 - wide if left else x + 9
        over = [each for each in taken if start <= each[1] and start + wide >= each[0]]
        bases = (y - 6, y - 6 - LINE) if chart.y.most else (y + 14, y + 14 + LINE)
        base = next((base for base in bases if all(abs(base - down) > SIZE for _, _, down in over)), None)
        if base is not None:
            taken.append((start, start + wide, base))
            yield _text(text, x - 9 if left else x + 9, base, chart.theme.text, 11, anchor="end" if left else "start")


def _named(row: SweepRow, outcome: SweepOutcome) -> str:
    """What is special about a row, or about its front: the values that are not the same in all."""
    params = {} if outcome.each_input else outcome.question.params
    said = [f"{name} {row.values[name]}" for name, series in params.items() if series.count > 1]
    for name in outcome.inputs:
        asked = outcome.asked_of(name)
        if asked is not None and asked.count > 1:
            said.append((shape_text(row, name) or "").replace("x", "×"))
    return printable(", ".join(said))


def _legend(chart: Chart, outcome: SweepOutcome) -> Iterator[str]:
    theme, x, y = chart.theme, LEFT, TOP + HEIGHT + 66
    yield _dot(x, y - 4, theme.skip, 4.5)
    yield _text("on the front", x + 11, y, theme.faint)
    yield _dot(x + 110, y - 4, theme.line)
    yield _text("beaten by one of them", x + 121, y, theme.faint)
    if outcome.tally["losing"]:
        yield _diamond(x + 268, y - 4, _losing(theme), 5)
        yield _text("loses cells that nothing reads", x + 279, y, theme.faint)
    if outcome.tally["failed"]:
        yield _text(f"{counted(outcome.tally['failed'], 'point')} not planned", x + 470, y, theme.faint)


def _losing(theme: Theme) -> str:
    return theme.marks[Severity.WARNING][0]


def _dot(x: float, y: float, colour: str, r: float = 3) -> str:
    corners = " ".join(f"{x + r * cos(i * pi / 6):.1f},{y + r * sin(i * pi / 6):.1f}" for i in range(12))
    return f'<polygon points="{corners}" fill="{colour}"/>'


def _diamond(x: float, y: float, colour: str, r: float = 4) -> str:
    corners = f"{x:.1f},{y - r:.1f} {x + r:.1f},{y:.1f} {x:.1f},{y + r:.1f} {x - r:.1f},{y:.1f}"
    return f'<polygon points="{corners}" fill="{colour}"/>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, *, dashed: bool = False) -> str:
    dashes = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dashes}/>'


def _text(
    text: str, x: float, y: float, colour: str, size: int = SIZE, *, bold: bool = False, anchor: str = "start"
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    place = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}"{weight}{place} fill="{colour}">{escape(text)}</text>'
