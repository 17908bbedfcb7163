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


def report_on(file: str, **options: Any) -> Checked:
    """The report on a file, or on what stands on standard input."""
    from planner.source import MOST_BYTES
    from planner.workbench import checked, checked_text

    if file != STDIN:
        return checked(file, **options)
    try:
        text = sys.stdin.buffer.read(MOST_BYTES + 1)
    except OSError as error:
        reason = "it is closed" if error.errno == errno.EBADF else (error.strerror or "no reason is given").lower()
        raise Failure(f"standard input cannot be read: {reason}", "name a model file instead of -") from None
    return checked_text(text, "<stdin>", **options)


def exit_code(report: Report, strict: bool = False) -> int:
    """What a command ends with that had nothing else to object to."""
    from planner.diagnostics import Severity
    from planner.faults.unreadable_file import UnreadableFile

    if any(each.kind is UnreadableFile for each in report.diagnostics):
        return 2
    return int(not report.ok or (strict and report.count(Severity.WARNING) > 0))


def print_findings(report: Report, screen: Screen, stream: TextIO | None = None, before: str = "") -> None:
    """Print what was found in a model, for people: by default on stderr, beside what a command is for."""
    print_text(before + renderer("check", "full")([report], screen), stream or sys.stderr)


def nothing_to_show(report: Report, screen: Screen) -> int:
    """Print what was found in a model of which nothing can be shown, and give the exit code."""
    print_findings(report, screen)
    return exit_code(report) or 1
