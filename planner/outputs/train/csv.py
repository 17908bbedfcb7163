"""The memory of training as CSV, one step a row, in bytes."""

from __future__ import annotations

import csv
from io import StringIO

from planner.outputs._screen import Screen, printable
from planner.report import Report
from planner.training.memory import Training

COLUMNS = ("name", "type", "kept_bytes", "parameter_bytes", "gradient_bytes", "optimizer_bytes")


def render(report: Report, training: Training, screen: Screen, depth: int | None = None) -> str:
    """All columns of all steps; what is not known is empty."""
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for step, each in zip(report.plan.steps, training.steps, strict=True):
        if not step.is_input:
            texts = (printable(text) for text in (step.name, step.type))
            writer.writerow([*texts, each.kept, each.params, each.gradients, each.optimizer])
    return file.getvalue()
