"""A report as a notebook shows it: a table of the steps, and what was found."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from planner.outputs._screen import printable
from planner.report import Report


def table(report: Report) -> str:
    """The table that a notebook shows."""
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>" for cells in _rows(report)
    )
    said = "".join(
        f"<li><b>{escape(each.code)}</b> {escape(printable(each.headline))}</li>" for each in report.diagnostics
    )
    head = "".join(f"<th>{title}</th>" for title in ("step", "type", "output", "params", "MACs"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table><ul>{said}</ul>"


def _rows(report: Report) -> Iterable[tuple[str, ...]]:
    for step in report.plan.layers:
        shapes = ", ".join(map(str, step.outputs)) or "not planned"
        numbers = ("" if each is None else f"{each:,}" for each in (step.params, step.macs))
        yield step.name, step.type, shapes, *numbers
