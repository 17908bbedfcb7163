"""The memory of training as a table for the terminal: each step and block, the totals, and the peak."""

from __future__ import annotations

from planner.outputs import Format
from planner.outputs._columns import GAP, Column, lines_of, widths_in
from planner.outputs._fold import Row, rows, summed
from planner.outputs._screen import Screen, printable, wrapped
from planner.outputs.plan.table import memory, title
from planner.report import Report
from planner.training.memory import StepMemory, Training
from planner.words import named

FORMAT = Format("txt", for_people=True, folds=True)


def render(report: Report, training: Training, screen: Screen, depth: int | None = None) -> str:
    """The title, the table, the totals, and what holds the peak."""
    name, inputs = title(report)
    shown = list(rows(report.plan, depth))
    table = columns(training, shown)
    widths = widths_in(table, screen.width - len(GAP))
    rule = screen.paint(GAP + "─" * (sum(widths) + len(GAP) * (len(table) - 1)), "dim")
    lines = [*wrapped(f"{name}  input {inputs}", screen.width), ""]
    lines += [GAP + screen.paint(GAP.join(cells), "dim") for cells in lines_of([c.title for c in table], table, widths)]
    lines.append(rule)
    for i, row in enumerate(shown):
        for cells in lines_of([column.texts[i] for column in table], table, widths):
            text = GAP + GAP.join(cells).rstrip()
            lines.append(screen.paint(text, "bold") if row.is_block else text)
    lines.append(rule)
    for cells in lines_of([column.total for column in table], table, widths):
        lines.append(screen.paint(GAP + GAP.join(cells).rstrip(), "bold"))
    lines.append("")
    for text in totals_said(training):
        lines += [GAP + line for line in wrapped(text, screen.width - len(GAP))]
    return "".join(f"{line}\n" for line in lines)


def totals_said(training: Training) -> list[str]:
    """The totals that are no columns of the table, in sentences."""
    optimizer = "" if training.optimizer == "none" else f", {training.optimizer}"
    mixed = f", autocast to {training.autocast}" if training.autocast else ""
    how = f"(batch {training.batch:,}, {training.dtype}{mixed}{optimizer})"
    there = f"{memory(training.fixed_bytes)} are there all the time: parameters, buffers, inputs, and optimizer state"
    lines = []
    if training.peak_bytes is None:
        lines.append(
            f"peak: not known, since it is not known what {named([*map(printable, training.unknown)], 3)} keeps"
        )
    else:
        way = "backward" if training.peak.backward else "forward"
        lines.append(
            f"peak {memory(training.peak_bytes)}, at `{printable(training.peak_step)}` going {way} {how}; {there}"
        )
    if training.cast_bytes:
        lines.append(f"of what is kept, {memory(training.cast_bytes)} are copies of weights in {training.autocast}")
    return lines


def columns(training: Training, shown: list[Row]) -> list[Column]:
    """The columns of the table, of which the first has the names of the rows."""
    steps = [_together(training, row) for row in shown]
    names = ["  " * row.depth + printable(row.name) for row in shown]
    types = [printable(row.type) + row.times for row in shown]
    kept = f"{memory(training.known_kept)} + ?" if training.kept_bytes is None else memory(training.known_kept)
    columns = [
        Column("step", names, "total", least=8),
        Column("type", types, least=6),
        Column("kept", [_bytes(each.kept) for each in steps], kept, right=True),
        Column("parameters", [_bytes(each.params) for each in steps], memory(training.parameter_bytes), right=True),
        Column("gradients", [_bytes(each.gradients) for each in steps], memory(training.gradient_bytes), right=True),
    ]
    if training.optimizer_bytes:
        texts = [_bytes(each.optimizer) for each in steps]
        columns.append(Column("optimizer", texts, memory(training.optimizer_bytes), right=True))
    return columns


def _together(training: Training, row: Row) -> StepMemory:
    """The bytes of all steps of a row."""
    steps = [training.steps[i] for i in row.steps]
    return StepMemory(
        summed(each.kept for each in steps),
        sum(each.params for each in steps),
        sum(each.gradients for each in steps),
        sum(each.optimizer for each in steps),
    )


def _bytes(number: int | None) -> str:
    return "?" if number is None else memory(number) if number else "–"
