"""A plan as a Markdown table, for README files."""

from __future__ import annotations

import re

from planner.outputs import Format
from planner.outputs._fold import Row, rows
from planner.outputs._screen import Screen, printable
from planner.outputs.plan.table import amount, known, shapes_text, title, totals
from planner.report import Report

FORMAT = Format("md", folds=True)

INDENT = "&emsp;"
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~$&@:]|^-)")


def render(report: Report, screen: Screen, depth: int | None = None) -> str:
    """A heading, the table with blocks in bold, and the totals."""
    name, inputs = title(report)
    lines = [f"**{escaped(name)}**, input {escaped(inputs)}", "", "| step | type | output | params | MACs |"]
    lines.append("|:--|:--|:--|--:|--:|")
    lines += [_line(row) for row in rows(report.plan, depth)]
    cost = report.cost
    sums = known(cost.known_params, cost.unknown_params), known(cost.known_macs, cost.unknown_macs)
    lines.append(f"| **total** | | | **{sums[0]}** | **{sums[1]}** |")
    lines += ["", totals(report)]
    return "".join(f"{line}\n" for line in lines)


def _line(row: Row) -> str:
    name = escaped(row.name)
    shapes = shapes_text(row.outputs) if row.outputs else "not planned"
    numbers = (amount(row.params, row.planned), amount(row.macs, row.planned))
    cells = [
        INDENT * row.depth + (f"**{name}**" if row.is_block else name),
        escaped(row.type) + row.times + escaped(row.notes),
        shapes,
        *numbers,
    ]
    return f"| {' | '.join(cells)} |"


def escaped(text: str) -> str:
    """A text that Markdown shows as it is."""
    return _SPECIAL.sub(r"\\\1", printable(text))
