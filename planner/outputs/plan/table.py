"""A plan as a table for the terminal: the tree of blocks, shapes, costs, and what it all adds up to.

Laid out by hand: a layout library takes a minute for a table of a hundred thousand rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from planner.diagnostics import Severity
from planner.geometry import Shape
from planner.outputs._findings import counted
from planner.outputs._fold import Row, rows
from planner.outputs._screen import Look, Screen, columns, cut, padded, printable, wrapped
from planner.report import Report

GAP = "  "
WIDE = 104
"""From this width there is room for the input and the line in the file."""
_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")
NOT_PLANNED = "not planned"


class _Mark(NamedTuple):
    sign: str
    look: Look
    text: str


_SIGNS: tuple[tuple[str, Look, Severity], ...] = (("!", "yellow", Severity.WARNING), ("✗", "red", Severity.ERROR))


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    texts: Sequence[str]
    total: str
    right: bool = False
    least: int = 0
    """How narrow it may get where the screen is; 0: it is never cut."""


def render(report: Report, screen: Screen, depth: int | None = None) -> str:
    """The title, the table and the totals; nothing where nothing could be read."""
    shown = list(rows(report.plan, depth))
    if not shown:
        return ""
    marks = _marks(report)
    table = _columns(report, shown, marks, screen)
    widths = _widths(table, screen.width - len(GAP))
    name, inputs = title(report)
    rule = screen.paint(GAP + "─" * (sum(widths) + len(GAP) * (len(table) - 1)), "dim")
    lines = [f"{screen.paint(name, 'bold')}  input {inputs}", ""]
    lines += [GAP + screen.paint(_line([column.title for column in table], table, widths), "dim"), rule]
    for i, row in enumerate(shown):
        mark = None if row.opened else next((marks[step] for step in row.steps if step in marks), None)
        looks: list[Look] = [mark.look] if mark else [] if row.planned else ["dim"]
        looks += ["bold"] if row.is_block else []
        text = _line([column.texts[i] for column in table], table, widths)
        lines.append(screen.paint(f"{mark.sign if mark else ' '} {text}".rstrip(), *looks))
    lines += [rule, screen.paint(GAP + _line([column.total for column in table], table, widths), "bold")]
    lines += ["", *(GAP + line for line in wrapped(totals(report), screen.width - len(GAP)))]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def title(report: Report) -> tuple[str, str]:
    """The network's name, and its inputs."""
    inputs = report.plan.inputs
    shapes = [str(each.outputs[0]) for each in inputs]
    if len(inputs) > 1 or (inputs and inputs[0].name != "input"):
        shapes = [f"{printable(each.name)} {shape}" for each, shape in zip(inputs, shapes, strict=True)]
    return printable(report.plan.model.name), ", ".join(shapes)


def totals(report: Report) -> str:
    """What the plan adds up to beside the columns of the table."""
    cost = report.cost
    missing = sum(step.facts is None for step in report.plan.layers)
    without = f"without the {counted(missing, 'step')} not planned: " if missing else ""
    return (
        f"{without}{cost.flops:,} FLOPs, {memory(cost.activation_bytes)} activations, "
        f"{memory(cost.peak_bytes)} peak (batch {cost.batch:,}, {cost.dtype})"
    )


def memory(size: int) -> str:
    """A number of bytes to a tenth of the unit that suits it: `9.2 MiB`."""
    if size < 1024:
        return f"{size} bytes"
    power = min((size.bit_length() - 1) // 10, len(_UNITS))
    tenths = (10 * size + (1 << 10 * power - 1)) >> 10 * power
    return f"{tenths // 10:,}.{tenths % 10} {_UNITS[power - 1]}"


def amount(number: int, known: bool) -> str:
    """A count as a table shows it: none as a dash, and a question mark for what is not known."""
    return "?" if not known else f"{number:,}" if number else "–"


def shapes_text(shapes: Iterable[Shape]) -> str:
    """Shapes in a row; equal ones as a number of them."""
    counts: dict[Shape, int] = {}
    for shape in shapes:
        counts[shape] = counts.get(shape, 0) + 1
    return ", ".join(str(shape) if count == 1 else f"{count} of {shape}" for shape, count in counts.items())


def _columns(report: Report, shown: list[Row], marks: dict[int, _Mark], screen: Screen) -> list[_Column]:
    plan, cost = report.plan, report.cost
    names = ["  " * row.depth + printable(row.name) for row in shown]
    types = [printable(row.type) + (f" ×{row.copies}" if row.copies > 1 else "") for row in shown]
    stops = [marks[row.steps[0]].text if row.steps[0] in marks else NOT_PLANNED for row in shown]
    outputs = [shapes_text(row.outputs) or stop for row, stop in zip(shown, stops, strict=True)]
    params = [amount(row.params, row.planned) for row in shown]
    macs = [amount(row.macs, row.planned) for row in shown]
    given = shapes_text(shape for ref in plan.outputs if (shape := plan.shape(ref)))
    count = sum(1 for _ in plan.layers)
    table = [
        _Column("step", names, "total", least=12),
        _Column("type", types, counted(count, "step"), least=8),
        _Column("output", outputs, given, least=11),
        _Column("params", params, f"{cost.params:,}", right=True),
        _Column("MACs", macs, f"{cost.macs:,}", right=True),
    ]
    if screen.width >= WIDE:
        inputs = [shapes_text(row.inputs) for row in shown]
        numbers = [str(report.line(plan.steps[row.steps[0]]) or "") if not row.is_block else "" for row in shown]
        table.insert(2, _Column("input", inputs, shapes_text(step.outputs[0] for step in plan.inputs), least=11))
        table.append(_Column("line", numbers, "", right=True))
    return table


def _widths(table: list[_Column], width: int) -> list[int]:
    """The width of each column: what it needs or, where that is too much together, less for those that can be cut."""
    widths = [max(map(columns, (column.title, column.total, *column.texts))) for column in table]
    excess = sum(widths) + len(GAP) * (len(table) - 1) - width
    while excess > 0:
        widest = max(range(len(table)), key=lambda i: widths[i] - table[i].least if table[i].least else -1)
        if not table[widest].least or widths[widest] <= table[widest].least:
            break
        widths[widest] -= 1
        excess -= 1
    return widths


def _line(texts: list[str], table: list[_Column], widths: list[int]) -> str:
    cells = zip(texts, table, widths, strict=True)
    return GAP.join(padded(cut(text, width), width, column.right) for text, column, width in cells)


def _marks(report: Report) -> dict[int, _Mark]:
    """The steps with an error or a warning, and how each is marked."""
    places = {step.name: i for i, step in enumerate(report.plan.steps)}
    marks: dict[int, _Mark] = {}
    for sign, look, severity in _SIGNS:
        for each in report.diagnostics:
            if each.severity is severity and each.step in places:
                marks[places[each.step]] = _Mark(sign, look, each.code)
    return marks
