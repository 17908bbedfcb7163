"""A plan as JSON, one step a line."""

from __future__ import annotations

import json
from typing import Any

from planner.outputs._screen import Screen
from planner.report import Report


def render(report: Report, screen: Screen, depth: int | None = None) -> str:
    """The report's `to_dict`, laid out for people and for line-by-line comparison."""
    encoder = json.JSONEncoder(ensure_ascii=not screen.unicode)
    entries = (f"  {encoder.encode(key)}: {_laid_out(value, encoder)}" for key, value in report.to_dict().items())
    return "{\n" + ",\n".join(entries) + "\n}\n"


def _laid_out(value: Any, encoder: json.JSONEncoder) -> str:
    if not isinstance(value, list) or not value:
        return encoder.encode(value)
    lines = ",\n".join(f"    {encoder.encode(each)}" for each in value)
    return f"[\n{lines}\n  ]"
