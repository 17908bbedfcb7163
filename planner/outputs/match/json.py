"""A match as JSON, one difference or entry a line."""

from __future__ import annotations

from planner.loading import WeightsMatch
from planner.outputs._json import laid_out
from planner.outputs._screen import Screen


def render(match: WeightsMatch, screen: Screen) -> str:
    """The match in plain values, with every entry that does not agree."""
    return laid_out(match.to_dict(), 2, ascii=not screen.unicode)
