"""A comparison as PNG: both models side by side."""

from __future__ import annotations

from planner.comparison import Comparison
from planner.outputs._screen import Screen
from planner.outputs.diff._picture import svg
from planner.outputs.draw._engine import DrawDot
from planner.outputs.draw.png import of_svg


def render(both: Comparison, screen: Screen, theme: str, engine: DrawDot) -> bytes:
    """The file."""
    return of_svg(svg(both, theme), engine)
