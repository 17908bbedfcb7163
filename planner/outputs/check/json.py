"""Findings as JSON: those of all files in one list, in the form that they have in a plan's JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from planner.outputs._dictionary import finding
from planner.outputs._json import laid_out
from planner.outputs._screen import Screen
from planner.report import Report


def render(reports: Iterable[Report], screen: Screen) -> str:
    """One object: the files, their findings, and how many of each severity."""
    files: list[str | None] = []
    found: list[dict[str, Any]] = []
    for report in reports:
        files.append(report.source.file)
        found += (finding(report, each) for each in report.diagnostics)
    counts = {f"{word}s": sum(each["severity"] == word for each in found) for word in ("error", "warning", "info")}
    return laid_out({"files": files, **counts, "diagnostics": found}, 2, ascii=not screen.unicode)
