"""The right end of an axis with a finding, and with each of its fixes."""

from __future__ import annotations

from collections.abc import Iterator

from planner.diagnostics import Edit
from planner.editing import edited
from planner.report import Report
from planner.source import of_mapping
from planner.workbench import checked

from ._nets import planned, step_of
from ._svg import BAR, CELL, FAINT, MARGIN, TAKEN, bar, cell, svg, text

SHOWN = 12
"""Cells at the end of the axis."""
LEFT = 250


def draw() -> str:
    report = planned("fixes")
    (finding,) = (each for each in report.diagnostics if each.kind.name() == "unread-input")
    parts = [text("What each fix would do", MARGIN, 34, 15)]
    y = 62.0
    for name, effect, each in (
        ("as it is", finding.message, report),
        *((fix.text, fix.effect, _with(report, fix.edits)) for fix in report.fixes(finding)),
    ):
        parts.append(text(name, MARGIN, y + 10, 12))
        parts += (text(line, MARGIN, y + 26 + 14 * i, 11, FAINT) for i, line in enumerate(_lines(effect)))
        parts += _end(each, y)
        y += 96
    return svg("A finding and its fixes", LEFT + (SHOWN + 3) * CELL + MARGIN, y - 8, parts)


def _with(report: Report, edits: tuple[Edit, ...]) -> Report:
    return checked(of_mapping(edited(report.source.data, edits)))


def _end(report: Report, top: float) -> Iterator[str]:
    """The last cells of the input and the last windows of the stem."""
    number, step = step_of(report, "stem")
    ((link,),) = step.links
    n, m = step.inputs[0][0], step.outputs[0][0]
    span = link.axes[0].span(n)
    assert span is not None
    first = n - SHOWN
    lost = sum(each.loss.lost for each in report.losses[number] if each.axis == 0)
    for i in range(first, max(n, span.high(m - 1) + 1)):
        look = "padding" if i >= n else "lost" if i >= n - lost else "cell"
        yield from cell(look, LEFT + (i - first) * CELL, top, str(i) if i < n else "")
    windows = [o for o in range(m) if span.low(o) >= first]
    for k, o in enumerate(windows[-3:]):
        y = top + CELL + 6 + k * (BAR + 4)
        yield bar(LEFT + (span.low(o) - first) * CELL, y, (span.high(o) - span.low(o) + 1) * CELL, TAKEN)


def _lines(effect: str) -> Iterator[str]:
    line = ""
    for word in effect.split():
        if len(line) + len(word) > 34:
            yield line
            line = ""
        line = f"{line} {word}".strip()
    yield line
