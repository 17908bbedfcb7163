"""Findings as the commands that make GitHub Actions annotate lines of a pull request.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from collections.abc import Iterable

from planner.diagnostics import Severity
from planner.outputs import Format
from planner.outputs._findings import in_lines
from planner.outputs._screen import Screen, printable
from planner.report import Report

FORMAT = Format("txt")

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(reports: Iterable[Report], screen: Screen) -> str:
    """A command for every finding, but for copies that have the same."""
    lines = []
    for report in reports:
        for each, text in in_lines(report):
            place = report.place(each)
            properties = {"title": f"{each.code} {each.kind.name()}", "file": report.file(place)}
            if place:
                properties |= {"line": f"{place.line}", "col": f"{place.column}"}
                properties |= {"endLine": f"{place.line}", "endColumn": f"{place.column + place.length}"}
            listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
            lines.append(f"::{_COMMANDS[each.severity]} {listed}::{_data(text)}\n")
    return "".join(lines)


def _data(text: str) -> str:
    """The text with what ends or would act in a log escaped; a name of a file may hold anything."""
    lines = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return printable(lines)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
