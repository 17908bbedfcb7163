"""Findings as SARIF 2.1.0, which code scanning services and editors read.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from planner import __version__
from planner.diagnostics import Diagnostic, Kind, Path, Place, Severity
from planner.outputs._findings import path_text, sentence
from planner.outputs._json import laid_out
from planner.outputs._screen import Screen
from planner.report import Report

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render(reports: Iterable[Report], screen: Screen) -> str:
    """One run over all files."""
    kinds: dict[str, type[Kind]] = {}
    results = []
    for report in reports:
        for each in report.diagnostics:
            kinds.setdefault(each.code, each.kind)
            results.append(_result(report, each, list(kinds).index(each.code)))
    driver = {"name": "planner", "version": __version__, "rules": [_rule(kind) for kind in kinds.values()]}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return laid_out({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, 4, ascii=not screen.unicode)


def _rule(kind: type[Kind]) -> dict[str, Any]:
    page = inspect.getdoc(kind) or ""
    return {
        "id": kind.code,
        "name": kind.__name__,
        "shortDescription": {"text": " ".join(page.split("\n\n")[0].split())},
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": _LEVELS[kind.severity]},
    }


def _result(report: Report, each: Diagnostic, index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": each.code,
        "ruleIndex": index,
        "level": _LEVELS[each.severity],
        "message": {"text": sentence(each)},
        "locations": [_location(report, report.place(each), each.path)],
    }
    calls = [
        {"id": i, **_location(report, report.source.place(path), path), "message": {"text": "called from here"}}
        for i, path in enumerate(each.calls)
    ]
    return {**result, "relatedLocations": calls} if calls else result


def _location(report: Report, place: Place | None, path: Path) -> dict[str, Any]:
    if report.source.file is None:
        return {"logicalLocations": [{"fullyQualifiedName": path_text(path) or "model"}]}
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(report.source.file)}}
    if place is not None:
        physical["region"] = {
            "startLine": place.line,
            "startColumn": place.column,
            "endColumn": place.column + place.length,
        }
    return {"physicalLocation": physical}


def _uri(file: str) -> str:
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix(), errors="surrogateescape")
