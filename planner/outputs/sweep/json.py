"""A sweep as JSON, one row a line."""

from __future__ import annotations

from typing import Any

from planner.outputs._json import laid_out
from planner.outputs._screen import Screen
from planner.outputs.draw._engine import DrawDot
from planner.points import SweepOutcome


def render(outcome: SweepOutcome, screen: Screen, theme: str, engine: DrawDot) -> str:
    """The question, the limits, the front, and the rows."""
    x, y = outcome.axes
    limits, tally = outcome.limits, outcome.tally
    told: dict[str, Any] = {
        "sweep": outcome.question.told,
        "limits": {"max": dict(limits.most), "min": dict(limits.least), "lossless": limits.lossless},
        "rows_kept": tally["kept"],
        "rows_left_out": tally["left out"],
        "front": {"x": str(x), "y": str(y), "for_each_input": outcome.each_input, "points": outcome.front},
        "rows": [row.to_dict(outcome.question.kept) for row in outcome.rows],
    }
    return laid_out(told, 2, ascii=not screen.unicode)
