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
from planner.diagnostics import Beside, Diagnostic, Fix, Kind, Path, Place, Severity
from planner.editing import rewritten
from planner.outputs._findings import called, path_text, sentence
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
    related = [*each.beside, *(Beside(path, f"{called(path)} from here") for path in each.calls)]
    calls = [
        {"id": i, **_location(report, report.source.place(path), path), "message": {"text": text}}
        for i, (path, text) in enumerate(related)
    ]
    fixes = [_fix(report, fix) for fix in report.fixes(each) if fix.edits and report.source.text]
    return {**result, **({"relatedLocations": calls} if calls else {}), **({"fixes": fixes} if fixes else {})}


def _fix(report: Report, fix: Fix) -> dict[str, Any]:
    """What the fix does to the lines of the file, in one replacement, and whether it is safe."""
    old, new = report.source.text, rewritten(report.source, fix.edits).text
    lines = [text.splitlines(keepends=True) for text in (old, new)]
    same = _alike(*lines)
    after = _alike(*(each[same:][::-1] for each in lines))
    gone, come = ("".join(each[same : len(each) - after]) for each in lines)
    start = sum(map(len, lines[0][:same]))
    replacement = {"deletedRegion": _region(old, start, start + len(gone)), "insertedContent": {"text": come}}
    place = _location(report, None, ()).get("physicalLocation", {}).get("artifactLocation", {"uri": "model"})
    return {
        "description": {"text": f"{fix.label}: {fix.text} → {fix.effect}"},
        "artifactChanges": [{"artifactLocation": place, "replacements": [replacement]}],
        "properties": {"safe": fix.safe},
    }


def _alike(old: list[str], new: list[str]) -> int:
    """The number of lines that two texts have in common at their beginning."""
    return next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))


def _region(text: str, start: int, end: int) -> dict[str, int]:
    """A stretch of a text as a SARIF region, which does not include its end."""
    (line, column), (last, behind) = _position(text[:start]), _position(text[:end])
    return {"startLine": line, "startColumn": column, "endLine": last, "endColumn": behind}


def _position(before: str) -> tuple[int, int]:
    """The line and the column after a text."""
    lines = f"{before}.".splitlines()
    return len(lines), len(lines[-1])


def _location(report: Report, place: Place | None, path: Path) -> dict[str, Any]:
    file = report.file(place)
    if file is None:
        return {"logicalLocations": [{"fullyQualifiedName": path_text(path) or "model"}]}
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(file)}}
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
