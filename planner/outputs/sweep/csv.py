"""A sweep as CSV, one row a point, for spreadsheets and data frames."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any

from planner.outputs._screen import Screen, printable
from planner.outputs.draw._engine import DrawDot
from planner.outputs.plan.csv import harmless
from planner.outputs.sweep._flat import columns, records
from planner.points import SweepOutcome


def render(outcome: SweepOutcome, screen: Screen, theme: str, engine: DrawDot) -> str:
    """The rows with all columns; what is not known is empty."""
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(map(harmless, columns(outcome)))
    writer.writerows([_cell(value) for value in record] for record in records(outcome))
    return file.getvalue()


def _cell(value: Any) -> Any:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    return str(value).lower() if isinstance(value, bool) else harmless(printable(str(value)))
