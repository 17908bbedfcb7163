"""A plan as JSON, one step a line."""

from __future__ import annotations

import json
from typing import Any

from planner.outputs._screen import Screen
from planner.report import Report


def render(report: Report, screen: Screen, depth: int | None = None) -> str:
    """The report's `to_dict`, laid out for people and for line-by-line comparison."""
    entries = ",\n".join(f"  {_text(key)}: {_laid_out(value)}" for key, value in report.to_dict().items())
    return f"{{\n{entries}\n}}\n"


def _laid_out(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return _text(value)
    lines = ",\n".join(f"    {_text(each)}" for each in value)
    return f"[\n{lines}\n  ]"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
