"""A plan as JSON, one step a line."""

from __future__ import annotations

from planner.outputs import Format
from planner.outputs._dictionary import dictionary
from planner.outputs._json import laid_out
from planner.outputs._screen import Screen
from planner.report import Report

FORMAT = Format(has_findings=True)


def render(report: Report, screen: Screen, depth: int | None = None) -> str:
    """The whole report; every step is in it, so there is nothing to fold."""
    return laid_out(dictionary(report), 2, ascii=not screen.unicode)
