"""The metrics of a picture: numbers shown as labels in its boxes, and as the colour of the boxes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from planner.analyses.cost import BYTES
from planner.outputs._fold import Row
from planner.outputs.plan.table import amount, memory
from planner.report import Report

if TYPE_CHECKING:
    from planner.outputs.draw._picture import Picture


class Metric(NamedTuple):
    """A number that every row has: what it counts, and how it is written."""

    noun: str
    of: Callable[[Report, Row], int | None]
    told: Callable[[int], str]

    def text(self, report: Report, row: Row) -> str:
        """The count with its noun; nothing where there is none, and a question mark where it is not known."""
        number = self.of(report, row) if row.planned else None
        if number is None:
            return f"{amount(0, False)} {self.noun}"
        return f"{self.told(number)} {self.noun}" if number else ""


def _output_bytes(report: Report, row: Row) -> int:
    """The bytes of all outputs in a row, which is what training keeps."""
    elements = sum(shape.elements for i in row.steps for shape in report.plan.steps[i].outputs)
    return elements * BYTES[report.dtype] * report.batch


METRICS: Mapping[str, Metric] = {
    "params": Metric("params", lambda report, row: row.params, lambda number: f"{number:,}"),
    "macs": Metric("MACs", lambda report, row: row.macs, lambda number: f"{number:,}"),
    "bytes": Metric("out", _output_bytes, memory),
}


def most(picture: Picture, shade: str) -> int:
    """The largest value of any row, which gets the strongest colour."""
    of = METRICS[shade].of
    return max((of(picture.report, row) or 0 for box in picture.boxes for row in box.rows), default=0)
