"""The memory of training as a Markdown table, for a pull request or a README."""

from __future__ import annotations

from planner.outputs import Format
from planner.outputs._fold import rows
from planner.outputs._screen import Screen
from planner.outputs.plan.markdown import INDENT, escaped
from planner.outputs.plan.table import title
from planner.outputs.train.table import columns, totals_said
from planner.report import Report
from planner.training.memory import Training

FORMAT = Format("md", folds=True)


def render(report: Report, training: Training, screen: Screen, depth: int | None = None) -> str:
    """A heading, the table with blocks in bold, the totals, and what holds the peak."""
    name, inputs = title(report)
    shown = list(rows(report.plan, depth))
    names, *others = columns(training, shown)
    lines = [f"**{escaped(name)}**, input {escaped(inputs)}", ""]
    lines.append(f"| {' | '.join(each.title for each in (names, *others))} |")
    lines.append(f"|{'|'.join('--:' if each.right else ':--' for each in (names, *others))}|")
    for i, row in enumerate(shown):
        own = escaped(row.name)
        cells = [
            INDENT * row.depth + (f"**{own}**" if row.is_block else own),
            *(escaped(each.texts[i]) for each in others),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines.append(f"| **total** | {' | '.join(f'**{each.total}**' if each.total else '' for each in others)} |")
    for text in totals_said(training):
        lines += ["", text]
    return "".join(f"{line}\n" for line in lines)
