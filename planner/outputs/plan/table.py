"""A plan as a table for the terminal: the tree of blocks, shapes, costs, and what it all adds up to.

Laid out by hand: a layout library takes a minute for a table of a hundred thousand rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import NamedTuple

from planner.analyses.cost import Cost
from planner.diagnostics import Place, Severity
from planner.geometry import Shape
from planner.outputs import Format
from planner.outputs._columns import GAP, Column, lines_of, longest_word, widths_in
from planner.outputs._fold import Row, rows
from planner.outputs._screen import Screen, TextStyle, cut, printable, wrapped
from planner.report import Report
from planner.words import counted, joined, named

FORMAT = Format("txt", for_people=True, folds=True)

WIDE = 104
"""From this width there is room for the input and the line in the file."""
NOT_PLANNED = "not planned"

_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")


class _RowSign(NamedTuple):
    """The sign of a row with an error or a warning."""

    sign: str
    look: TextStyle
    code: str


_SIGNS: dict[Severity, tuple[str, TextStyle]] = {Severity.ERROR: ("✗", "red"), Severity.WARNING: ("!", "yellow")}


def render(report: Report, screen: Screen, depth: int | None = None) -> str:
    """The title, the table and the totals; nothing where nothing could be read."""
    shown = list(rows(report.plan, depth))
    if not shown:
        return ""
    marks = list(_marks(report, shown))
    table = _columns(report, shown, marks, screen)
    widths = widths_in(table, screen.width - len(GAP))
    rule = screen.paint(GAP + "─" * (sum(widths) + len(GAP) * (len(table) - 1)), "dim")
    lines = [*_heading(report, screen), ""]
    lines += [
        GAP + screen.paint(GAP.join(cells), "dim")
        for cells in lines_of([column.title for column in table], table, widths)
    ]
    lines.append(rule)
    for i, (row, mark) in enumerate(zip(shown, marks, strict=True)):
        looks: list[TextStyle] = [mark.look] if mark else [] if row.planned else ["dim"]
        bold: list[TextStyle] = ["bold"] if row.is_block else []
        faint: list[TextStyle] = ["dim"] if row.opened else looks
        for nth, cells in enumerate(lines_of([column.texts[i] for column in table], table, widths)):
            step, facts = GAP.join(cells[:2]), GAP.join(cells[2:]).rstrip()
            step = screen.paint(f"{step}{GAP}" if facts else step.rstrip(), *looks, *bold)
            sign = screen.paint(mark.sign, mark.look) if mark and not nth else " "
            lines.append(f"{sign} {step}{screen.paint(facts, *faint)}")
    totals_row = lines_of([column.total for column in table], table, widths)
    lines += [rule, *(screen.paint(GAP + GAP.join(cells).rstrip(), "bold") for cells in totals_row)]
    lines += ["", *(GAP + line for line in wrapped(totals(report), screen.width - len(GAP)))]
    return "".join(f"{line}\n" for line in lines)


def _heading(report: Report, screen: Screen) -> Iterator[str]:
    """The model's name and its inputs, on as many lines as they take."""
    name, inputs = title(report)
    name = cut(name, screen.width)
    first, *rest = wrapped(f"{name}  input {inputs}", screen.width)
    yield screen.paint(name, "bold") + first.removeprefix(name) if first.startswith(name) else first
    yield from (GAP + line for text in rest for line in wrapped(text, screen.width - len(GAP)))


def title(report: Report) -> tuple[str, str]:
    """The network's name and its inputs."""
    inputs = report.plan.inputs
    shapes = [str(each.outputs[0]) for each in inputs]
    if len(inputs) > 1 or (inputs and inputs[0].name != "input"):
        shapes = [f"{printable(each.name)} {shape}" for each, shape in zip(inputs, shapes, strict=True)]
    return printable(report.plan.model.name), ", ".join(shapes)


def totals(report: Report) -> str:
    """The totals of the plan that are no columns of the table."""
    cost = report.cost
    missing = sum(step.facts is None for step in report.plan.layers)
    without = f"without the {counted(missing, 'step')} not planned: " if missing else ""
    flops = known(2 * cost.known_macs, cost.unknown_macs)
    return (
        f"{without}{flops} FLOPs, {memory(cost.activation_bytes)} activations, "
        f"{memory(cost.peak_bytes)} peak (batch {cost.batch:,}, {cost.dtype}){_undeclared(cost)}"
    )


def _undeclared(cost: Cost) -> str:
    """The steps whose numbers nobody knows."""
    nouns: dict[tuple[str, ...], list[str]] = {}
    for noun, steps in (("params", cost.unknown_params), ("MACs", cost.unknown_macs)):
        nouns.setdefault(steps, []).append(noun)
    return "".join(
        f"; {joined(each)} of {named([*map(printable, steps)], 3)} are not known, and not counted"
        for steps, each in nouns.items()
        if steps
    )


def known(number: int, unknown: Sequence[str] | bool) -> str:
    """A total, of which a part may be unknown."""
    return f"{number:,} + ?" if unknown else f"{number:,}"


def memory(size: int) -> str:
    """A number of bytes to a tenth of the unit that suits it: `9.2 MiB`."""
    if size < 1024:
        return f"{size} bytes"
    power = 1
    while (tenths := (10 * size + (1 << 10 * power - 1)) >> 10 * power) >= 10240 and power < len(_UNITS):
        power += 1
    return f"{tenths // 10:,}.{tenths % 10} {_UNITS[power - 1]}"


def amount(number: int | None, known: bool) -> str:
    """A number as the table shows it: a dash for none, a question mark for an unknown one."""
    return "?" if number is None or not known else f"{number:,}" if number else "–"


def shapes_text(shapes: Iterable[Shape]) -> str:
    """Shapes in a row; equal ones as a number of them."""
    counts: dict[Shape, int] = {}
    for shape in shapes:
        counts[shape] = counts.get(shape, 0) + 1
    return ", ".join(str(shape) if count == 1 else f"{count} of {shape}" for shape, count in counts.items())


def _columns(report: Report, shown: list[Row], marks: list[_RowSign | None], screen: Screen) -> list[Column]:
    plan, cost = report.plan, report.cost
    names = ["  " * row.depth + printable(row.name) for row in shown]
    types = [printable(row.type) + row.times + row.notes for row in shown]
    outputs = [
        shapes_text(row.outputs) or (mark.code if mark else NOT_PLANNED) for row, mark in zip(shown, marks, strict=True)
    ]
    params = [amount(row.params, row.planned) for row in shown]
    macs = [amount(row.macs, row.planned) for row in shown]
    given = shapes_text(shape for ref in plan.outputs if (shape := plan.shape(ref)))
    steps = counted(len(plan.steps) - len(plan.inputs), "step")
    table = [
        Column("step", names, "total", least=10),
        Column("type", types, steps, least=7, wraps=True),
        Column("output", outputs, given, least=longest_word(["output", *outputs, given]), wraps=True),
        Column("params", params, known(cost.known_params, cost.unknown_params), right=True),
        Column("MACs", macs, known(cost.known_macs, cost.unknown_macs), right=True),
    ]
    if screen.width >= WIDE:
        inputs = [shapes_text(row.inputs) for row in shown]
        places = [report.source.place(row.path) for row in shown]
        lines = [line_text(place) if place else "" for place in places]
        table.insert(2, _input_column(inputs, shapes_text(step.outputs[0] for step in plan.inputs)))
        table.append(Column("line", lines, "", right=True))
    return table


def line_text(place: Place) -> str:
    """The number of a line, and the file if it is a library: `12`, `residual.yaml:12`."""
    file = f"{printable(PurePath(place.file).name)}:" if place.file is not None else ""
    return f"{file}{place.line}"


def _input_column(texts: Sequence[str], total: str) -> Column:
    return Column("input", texts, total, least=longest_word(["input", *texts, total]), wraps=True)


def _marks(report: Report, shown: list[Row]) -> Iterator[_RowSign | None]:
    """The mark of each row, for the worst that was found in its steps; an opened block leaves it to its layers."""
    found: dict[int, _RowSign] = {}
    for severity in (Severity.WARNING, Severity.ERROR):
        for each in report.diagnostics:
            at = report.plan.numbers.get(each.step or "")
            if each.severity is severity and at is not None:
                found[at] = _RowSign(*_SIGNS[severity], each.code)
    for row in shown:
        marks = [] if row.opened else [found[i] for i in row.steps if i in found]
        yield min(marks, key=lambda mark: mark.look != "red", default=None)
