"""The report on the model that a command is called for, and how what was found in it ends the command."""

from __future__ import annotations

import errno
import sys
from typing import TYPE_CHECKING, Any, TextIO

from planner.cli._ending import Failure
from planner.cli._printing import print_text
from planner.outputs import renderer
from planner.outputs._screen import Screen

if TYPE_CHECKING:
    from planner.report import Report
    from planner.workbench import Checked

STDIN = "-"


def report_on(file: str, *, scale: str | None = None, **options: Any) -> Checked:
    """The report on a file, or on what stands on standard input; `scale` is that of an Ultralytics model file."""
    from planner.inputs.ultralytics import taken
    from planner.source import MOST_BYTES
    from planner.workbench import Workbench

    if file != STDIN:
        return taken(Workbench.on(file, **options), scale).report
    try:
        text = sys.stdin.buffer.read(MOST_BYTES + 1)
    except OSError as error:
        reason = "it is closed" if error.errno == errno.EBADF else (error.strerror or "no reason is given").lower()
        raise Failure(f"standard input cannot be read: {reason}", "name a model file instead of -") from None
    return taken(Workbench.on_text(text, "<stdin>", **options), scale).report


def exit_code(report: Report, strict: bool = False) -> int:
    """The exit code of a command, by what was found in the model."""
    from planner.diagnostics import Severity
    from planner.faults.unreadable_file import UnreadableFile

    if any(each.kind is UnreadableFile for each in report.diagnostics):
        return 2
    return int(not report.ok or (strict and report.count(Severity.WARNING) > 0))


def print_findings(report: Report, screen: Screen, stream: TextIO | None = None, before: str = "") -> None:
    """Print the findings on a model for people, by default on stderr, beside the command's own output."""
    print_text(before + renderer("check", "full")([report], screen), stream or sys.stderr)


def nothing_to_show(report: Report, screen: Screen) -> int:
    """Print the findings on a model of which nothing can be shown, and give the exit code."""
    print_findings(report, screen)
    return exit_code(report) or 1
