"""A plan as CSV, one step a row, for spreadsheets and data frames."""

from __future__ import annotations

import csv
from io import StringIO

from planner.outputs._screen import Screen, printable
from planner.outputs._weights import lent
from planner.outputs.plan.table import line_text
from planner.report import Report

COLUMNS = ("name", "type", "from", "in", "out", "params", "macs", "line", "weights")


def render(report: Report, screen: Screen, depth: int | None = None) -> str:
    """All columns of all steps; what is not known is empty, and so are weights that are a step's own."""
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for step in report.plan.layers:
        sources = " ".join(report.plan.label(ref) for ref in step.sources)
        shapes = (" ".join(map(str, shapes)) for shapes in (step.inputs, step.outputs))
        place = report.stands(step)
        texts = [printable(text) for text in (step.name, step.type, sources, *shapes)]
        line, weights = line_text(place) if place else None, harmless(lent(report.plan, step))
        writer.writerow([*map(harmless, texts), step.params, step.macs, line, weights])
    return file.getvalue()


def harmless(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: where it starts like one, a quote before it keeps it a text."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
