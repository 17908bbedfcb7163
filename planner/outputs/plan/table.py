"""A plan as a table for the terminal: the tree of blocks, shapes, costs, and what it all adds up to.

Laid out by hand: a layout library takes a minute for a table of a hundred thousand rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from planner.diagnostics import Severity
from planner.geometry import Shape
from planner.outputs._findings import counted
from planner.outputs._fold import Row, rows
from planner.outputs._screen import Look, Screen, columns, cut, padded, printable
from planner.report import Report

GAP = "  "
WIDE = 104
"""From this width there is room for the input and the line in the file."""
_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")
_MARKS: dict[Severity, tuple[str, Look]] = {Severity.ERROR: ("✗", "red"), Severity.WARNING: ("!", "yellow")}


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    texts: Sequence[str]
    right: bool = False
    least: int = 0
    """How narrow it may get where the screen is; 0: it is never cut."""


def render(report: Report, screen: Screen, depth: int | None = None) -> str:
    """The title, the table and the totals; nothing where nothing could be read."""
    shown = list(rows(report.plan, depth))
    if not shown:
        return ""
    marks = _marks(report)
    table = _columns(report, shown, screen)
    widths = _widths(table, screen.width - 2)
    name, inputs = title(report)
    lines = [screen.paint(name, "bold") + screen.paint(f"  input {inputs}", "dim"), ""]
    lines.append("  " + screen.paint(_line([column.title for column in table], table, widths), "dim"))
    rule = screen.paint("  " + "─" * (sum(widths) + len(GAP) * (len(table) - 1)), "dim")
    lines.append(rule)
    for i, row in enumerate(shown):
        mark, look = next(((marks[step]) for step in row.steps if step in marks and not row.opened), (" ", None))
        text = _line([column.texts[i] for column in table], table, widths)
        looks: tuple[Look, ...] = (look,) if look else ("bold",) if row.is_block else () if row.planned else ("dim",)
        lines.append(f"{screen.paint(mark, *looks) if look else mark} {screen.paint(text, *looks)}")
    lines.append(rule)
    lines += [f"  {line}" for line in totals(report)]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def title(report: Report) -> tuple[str, str]:
    """The network's name, and its inputs."""
    inputs = report.plan.inputs
    shapes = [str(each.outputs[0]) for each in inputs]
    if len(inputs) > 1 or (inputs and inputs[0].name != "input"):
        shapes = [f"{printable(each.name)} {shape}" for each, shape in zip(inputs, shapes, strict=True)]
    return printable(report.plan.model.name), ", ".join(shapes)


def totals(report: Report) -> list[str]:
    """What the plan adds up to: one line of counts, one of memory."""
    cost, plan = report.cost, report.plan
    least = ""
    missing = sum(step.facts is None for step in plan.layers)
    if missing:
        least = f"without {counted(missing, 'step')} that could not be planned: "
    sample = f"a batch of {cost.batch:,}" if cost.batch > 1 else "a batch of 1"
    return [
        f"{least}{cost.params:,} params, {cost.macs:,} MACs, {cost.flops:,} FLOPs",
        f"{memory(cost.activation_bytes)} of activations, {memory(cost.peak_bytes)} at the peak, for {sample} in {cost.dtype}",
    ]


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


def _columns(report: Report, shown: list[Row], screen: Screen) -> list[_Column]:
    names = ["  " * row.depth + printable(row.name) for row in shown]
    types = [printable(row.type) + (f" ×{row.copies}" if row.copies > 1 else "") for row in shown]
    outputs = [shapes_text(row.outputs) or "not planned" for row in shown]
    columns = [
        _Column("step", names, least=12),
        _Column("type", types, least=8),
        _Column("output", outputs, least=11),
        _Column("params", [amount(row.params, row.planned) for row in shown], right=True),
        _Column("MACs", [amount(row.macs, row.planned) for row in shown], right=True),
    ]
    if screen.width >= WIDE:
        inputs = [shapes_text(row.inputs) or "–" for row in shown]
        steps = report.plan.steps
        lines = [str(report.line(steps[row.steps[0]]) or "–") if not row.is_block else "" for row in shown]
        columns.insert(2, _Column("input", inputs, least=11))
        columns.append(_Column("line", lines, right=True))
    return columns


def _widths(table: list[_Column], width: int) -> list[int]:
    """The width of each column: what it needs or, where that is too much together, less for those that can be cut."""
    widths = [max(map(columns, (column.title, *column.texts))) for column in table]
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


def _marks(report: Report) -> dict[int, tuple[str, Look]]:
    """The steps with an error or a warning, and how each is marked."""
    places = {step.name: i for i, step in enumerate(report.plan.steps)}
    marks: dict[int, tuple[str, Look]] = {}
    for severity in (Severity.WARNING, Severity.ERROR):
        for each in report.diagnostics:
            if each.severity is severity and each.step in places:
                marks[places[each.step]] = _MARKS[severity]
    return marks
