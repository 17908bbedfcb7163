"""The rows of a sweep in two measures, as `planner sweep` draws them."""

from __future__ import annotations

from pathlib import Path

from planner.outputs.sweep._picture import svg
from planner.points import Limits, SweepOutcome
from planner.source import read
from planner.sweeping import asked, rows

MODEL = Path(__file__).parents[1] / "models" / "sweep.yaml"


def draw() -> str:
    source = read(MODEL)
    source.file = MODEL.name
    question = asked(source, {"width": range(16, 97, 16), "blocks": [2, 4]}, {"": [129, 160, 161, 193]})
    planned = list(rows(question))
    return svg(SweepOutcome(question, lambda: iter(planned), Limits({"macs": 200_000_000})), "light").decode()
