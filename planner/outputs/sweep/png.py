"""A sweep as PNG: its rows in two measures, with the Pareto front."""

from __future__ import annotations

from planner.outputs._screen import Screen
from planner.outputs.draw._engine import DrawDot
from planner.outputs.draw.png import of_svg
from planner.outputs.sweep._picture import svg
from planner.points import SweepOutcome


def render(outcome: SweepOutcome, screen: Screen, theme: str, engine: DrawDot) -> bytes:
    """The file."""
    return of_svg(svg(outcome, theme), engine)
