"""The graph for an engine to lay out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from planner.outputs.draw import dot
from planner.outputs.draw._look import Look
from planner.report import Report


def graphs(report: Report, look: Look) -> Iterator[str]:
    """The DOT source, and a plainer one for where its layout takes too long."""
    yield dot.render(report, look)
    yield dot.render(report, replace(look, plain=True))
