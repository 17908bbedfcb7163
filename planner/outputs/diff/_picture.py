"""Both models side by side as SVG: what is the same step stands at the same height, what differs is coloured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from planner.comparison import Comparison
from planner.diagnostics import Severity
from planner.outputs._fold import summed
from planner.outputs._screen import cut, printable, wrapped
from planner.outputs.diff import _words
from planner.outputs.diff._rows import step_details
from planner.outputs.diff._stretches import StepStretch, StretchKind, stretches
from planner.outputs.draw._themes import THEMES, Theme
from planner.outputs.plan.table import amount, memory, shapes_text
from planner.plan import Plan
from planner.report import Report
from planner.words import counted

WIDE, APART, MARGIN = 320, 60, 28
"""The widths of a box, of what is between the two columns, and of the border."""
LANE, MOST_LANES = 7, 8
"""How far arrows past boxes are from one another, and how many there are beside one another."""
LETTERS = 52
"""Letters that a line of a box holds."""
LINE, PAD, BETWEEN = 15, 6, 14
SIZE = 11
MOST_BOXES = 150
MOST_LINES = 3
"""Lines about what was changed in a step."""

_SAID: Mapping[StretchKind, str] = {
    "+": "added",
    "-": "removed",
    "~": "changed",
    "→": "renamed",
    "≈": "other shapes or costs",
    "=": "as before",
}


class SideBox(NamedTuple):
    """What a box says: its title in bold, what it is and costs, and what was changed in it."""

    title: str
    facts: tuple[str, ...]
    changed: tuple[str, ...] = ()


@dataclass(slots=True)
class PictureRow:
    """A stretch, with its box on either side, and where it is from the top."""

    stretch: StepStretch
    boxes: tuple[SideBox | None, SideBox | None]
    top: int = 0

    @property
    def tall(self) -> int:
        return 2 * PAD + LINE * (1 + max(len(box.facts + box.changed) for box in self.boxes if box is not None))

    @property
    def middle(self) -> float:
        return self.top + self.tall / 2


def svg(both: Comparison, theme_name: str) -> bytes:
    """The drawing, which needs no layout."""
    theme, found = THEMES[theme_name], stretches(both)
    rows = [PictureRow(each, (_box(both, each, 0), _box(both, each, 1))) for each in found[:MOST_BOXES]]
    lanes = LANE * (MOST_LANES + 1)
    xs = MARGIN + lanes, MARGIN + lanes + WIDE + APART
    width = xs[1] + WIDE + lanes + MARGIN
    heads = [list(_head(both, side)) for side in (0, 1)]
    top = MARGIN + LINE * (len(heads[0]) + 2)
    for row in rows:
        row.top = top
        top += row.tall + BETWEEN
    body = [part for row in rows for part in _row(row, xs, theme)]
    for side in (0, 1):
        body += _arrows(both.sides[side].plan, rows, side, xs[side], theme)
        for i, line in enumerate(heads[side]):
            size, ink = (14, theme.text) if not i else (SIZE, theme.faint)
            body.append(_text(line, xs[side], MARGIN + LINE * (i + 1), ink, size, bold=not i))
    if len(found) > len(rows):
        body.append(
            _text(f"and {len(found) - len(rows):,} more: --format json has all", xs[0], top + LINE, theme.faint)
        )
        top += 2 * LINE
    body += _legend([*dict.fromkeys(row.stretch.kind for row in rows)], xs[0], top + LINE, theme)
    tall = top + 2 * LINE + MARGIN
    head = f'viewBox="0 0 {width} {tall}" width="{width}" height="{tall}" font-family="Helvetica, Arial, sans-serif"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {head} role="img">',
        f"<title>{escape(' → '.join(dict.fromkeys(_words.titles(both))))}</title>",
        f'<rect x="0" y="0" width="{width}" height="{tall}" fill="{theme.page}"/>',
        *body,
        "</svg>",
    ]
    return "".join(f"{part}\n" for part in parts).encode("utf-8", "backslashreplace")


def _head(both: Comparison, side: int) -> Iterator[str]:
    """What stands above a column: the file, and the totals."""
    name = _words.titles(both)[side]
    which = ("before", "after")[side]
    yield cut(f"{which}: {name}", 40)
    for each in _words.totals(both):
        more = f"  {each.difference}" if side and each.difference else ""
        yield cut(f"{each.title} {(each.before, each.after)[side]}{more}", LETTERS + 4)


# Boxes


def _box(both: Comparison, stretch: StepStretch, side: int) -> SideBox | None:
    numbers = stretch.numbers(side)
    if not numbers:
        return None
    plan = both.sides[side].plan
    steps = [plan.steps[i] for i in numbers]
    first, last = steps[0], steps[-1]
    if len(steps) == 1:
        name, kind = first.name, first.type
    elif stretch.block is not None:
        name, kind = _block_name(stretch, both, side), f"{stretch.block.type}, {counted(len(steps), 'step')}"
    else:
        name, kind = f"{first.name} … {last.name}", counted(len(steps), "step")
    costs = ", ".join(_costs(both.sides[side], numbers))
    facts = [cut(f"{printable(kind)}  → {shapes_text(last.outputs) or 'not planned'}", LETTERS)]
    facts += wrapped(costs, LETTERS) if costs else []
    changed = ", ".join(step_details(stretch.changes[0])) if side and stretch.kind == "~" else ""
    lines = [cut(line, LETTERS) for line in wrapped(changed, LETTERS)][:MOST_LINES] if changed else []
    return SideBox(cut(printable(name), LETTERS - 10), tuple(facts), tuple(lines))


def _costs(report: Report, numbers: Sequence[int]) -> Iterator[str]:
    """What steps cost together; nothing of what they have none of."""
    steps = [report.plan.steps[i] for i in numbers]
    known = all(step.facts is not None for step in steps)
    for noun, counts in (("params", [step.params for step in steps]), ("MACs", [step.macs for step in steps])):
        if (count := amount(summed(counts), known)) != "–":
            yield f"{count} {noun}"
    kept = summed(report.trained.steps[i].kept for i in numbers) if report.trained else 0
    if kept != 0:
        yield "? kept" if kept is None else f"{memory(kept)} kept"


def _block_name(stretch: StepStretch, both: Comparison, side: int) -> str:
    """The name of a block, which on the side before may be another: what the names of its steps begin with."""
    assert stretch.block is not None
    if side == 1 or stretch.kind == "-":
        return stretch.block.name
    names = [both.before.plan.steps[i].name.split(".") for i in stretch.numbers(0)]
    common = [parts[0] for parts in zip(*(each[:-1] for each in names), strict=False) if len({*parts}) == 1]
    return ".".join(common) or f"{'.'.join(names[0])} …"


def _row(row: PictureRow, xs: Sequence[int], theme: Theme) -> Iterator[str]:
    kind = row.stretch.kind
    fill, line = _colours(kind, theme)
    if all(row.boxes):
        dashes = ' stroke-dasharray="4 3"' if kind != "=" else ""
        ends = f'x1="{xs[0] + WIDE}" y1="{row.middle:g}" x2="{xs[1]}" y2="{row.middle:g}"'
        yield f'<line {ends} stroke="{line}"{dashes}/>'
    for x, box in zip(xs, row.boxes, strict=True):
        if box is None:
            continue
        size = f'x="{x}" y="{row.top}" width="{WIDE}" height="{row.tall}"'
        yield f'<rect {size} fill="{fill}" stroke="{line}" stroke-width="{1 if kind in "=≈" else 1.5}"/>'
        y = row.top + PAD + LINE - 4
        sign = {"=": "", "≈": "", "-": "− "}.get(kind, f"{kind} ")
        yield _text(f"{sign}{box.title}", x + 8, y, theme.text if kind != "=" else theme.faint, bold=kind != "=")
        for i, text in enumerate((*box.facts, *box.changed), 1):
            faint = kind == "=" or i <= len(box.facts)
            yield _text(text, x + 8, y + LINE * i, theme.faint if faint else theme.text)


def _colours(kind: StretchKind, theme: Theme) -> tuple[str, str]:
    """The fill and the outline of boxes of a kind."""
    error, warning = theme.marks[Severity.ERROR], theme.marks[Severity.WARNING]
    found: Mapping[StretchKind, tuple[str, str]] = {
        "+": (theme.fill("pool"), "#15803d" if theme.text != "#000000" else theme.text),
        "-": (error[2], error[0]),
        "~": (warning[2], warning[0]),
        "→": (theme.frame, theme.skip),
        "≈": (theme.frame, theme.line),
        "=": (theme.page, theme.frame_line),
    }
    return found[kind]


# Arrows


def _arrows(plan: Plan, rows: Sequence[PictureRow], side: int, x: int, theme: Theme) -> Iterator[str]:
    """The arrows from each box to those that read it: straight to the next one, and past others on the outer side."""
    shown = [row for row in rows if row.boxes[side] is not None]
    owner = {i: place for place, row in enumerate(shown) for i in row.stretch.numbers(side)}
    past: dict[tuple[int, int], None] = {}
    for place, row in enumerate(shown):
        for i in row.stretch.numbers(side):
            for tensor in plan.steps[i].sources:
                source = owner.get(tensor.step)
                if source is not None and source < place:
                    past[source, place] = None
    lanes: list[int] = []
    for source, place in sorted(past, key=lambda pair: (pair[0], pair[1] - pair[0])):
        above, below = shown[source], shown[place]
        if place == source + 1:
            yield from _straight(x + WIDE / 2, above.top + above.tall, below.top, theme)
            continue
        lane = next((k for k, free in enumerate(lanes) if free <= source), len(lanes))
        if lane < MOST_LANES:
            lanes[lane : lane + 1] = [place]
            yield from _round(x + WIDE * side, above.middle + 4, below.middle - 4, (lane + 1) * (2 * side - 1), theme)


def _straight(x: float, top: float, bottom: float, theme: Theme) -> Iterator[str]:
    yield f'<line x1="{x:g}" y1="{top:g}" x2="{x:g}" y2="{bottom - 4:g}" stroke="{theme.line}"/>'
    yield _head_of_arrow([(x, bottom), (x - 3, bottom - 6), (x + 3, bottom - 6)], theme.line)


def _round(x: float, top: float, bottom: float, lane: int, theme: Theme) -> Iterator[str]:
    out = x + lane * LANE
    turn = 1 if lane > 0 else -1
    points = f"{x:g},{top:g} {out:g},{top:g} {out:g},{bottom:g} {x + turn * 5:g},{bottom:g}"
    yield f'<polyline points="{points}" fill="none" stroke="{theme.skip}"/>'
    yield _head_of_arrow([(x, bottom), (x + turn * 6, bottom - 3), (x + turn * 6, bottom + 3)], theme.skip)


def _head_of_arrow(points: Sequence[tuple[float, float]], colour: str) -> str:
    return f'<polygon points="{" ".join(f"{x:g},{y:g}" for x, y in points)}" fill="{colour}"/>'


# Words


def _text(text: str, x: float, y: float, colour: str, size: int = SIZE, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}"{weight} fill="{colour}">{escape(text)}</text>'


def _legend(kinds: Sequence[StretchKind], x: int, y: int, theme: Theme) -> Iterator[str]:
    for kind in kinds:
        fill, line = _colours(kind, theme)
        yield f'<rect x="{x}" y="{y - 9}" width="12" height="12" fill="{fill}" stroke="{line}"/>'
        yield _text(_SAID[kind], x + 17, y + 1, theme.faint)
        x += 32 + 6 * len(_SAID[kind])
