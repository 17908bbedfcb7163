"""The report on the model that a command is called for, and how what was found in it ends the command."""

from __future__ import annotations

import errno
import sys
from typing import TYPE_CHECKING, Any, TextIO

import click

from planner.cli._ending import Failure
from planner.cli._options import ARGUMENTS
from planner.cli._printing import print_text
from planner.outputs import renderer
from planner.outputs._screen import Screen

if TYPE_CHECKING:
    from planner.diagnostics import Fault
    from planner.report import Report
    from planner.source import Source
    from planner.workbench import Checked

STDIN = "-"


def report_on(file: str, *, scale: str | None = None, **options: Any) -> Checked:
    """The report on a file, on a network that is named as net.py:Net, or on what stands on standard input; `scale` is
    that of an Ultralytics model file.
    """
    from planner.inputs import is_source
    from planner.inputs.ultralytics import taken
    from planner.workbench import Workbench

    must_take_options(file, scale)
    if is_source(file):
        return Workbench.on_text(brought_in(file, options.pop("input", None)), file, **options).report
    if file != STDIN:
        return taken(Workbench.on(file, **options), scale).report
    return taken(Workbench.on_text(_standard_input(), "<stdin>", **options), scale).report


def source_of(file: str, scale: str | None = None) -> Source:
    """A model file, read. Raises the fault that keeps it from being read."""
    from planner.source import parse, read

    must_take_options(file, scale)
    return parse(_standard_input(), "<stdin>") if file == STDIN else read(file)


def _standard_input() -> bytes:
    from planner.source import MOST_BYTES

    try:
        return sys.stdin.buffer.read(MOST_BYTES + 1)
    except OSError as error:
        reason = "it is closed" if error.errno == errno.EBADF else (error.strerror or "no reason is given").lower()
        raise Failure(f"standard input cannot be read: {reason}", "name a model file instead of -") from None


def report_at(revision: str, file: str, *, scale: str | None = None, **options: Any) -> Checked:
    """The report on a file as it was at a revision of git."""
    from pathlib import Path

    from planner.diagnostics import Fault
    from planner.inputs import FILES, is_source
    from planner.inputs.ultralytics import taken
    from planner.revision import Commit, NotThere
    from planner.workbench import Workbench

    if file == STDIN:
        raise Failure("standard input has no earlier revision", "name a file beside --git")
    if is_source(file) and Path(file).suffix not in FILES:
        help = f"take both from folders: `git worktree add ../before {revision}`, and name what is in there as OLD"
        raise Failure(f"`{file}` is code, and code of a revision is not run", help)
    must_take_options(file, scale)
    try:
        there = Commit(revision, file)
        if is_source(file):
            return Workbench.on_text(_brought_back(there.content(file), file, options), file, **options).report
        return taken(Workbench.on(there.source(file), **options), scale).report
    except NotThere as error:
        raise Failure(str(error), error.help) from None
    except Fault as fault:
        return Workbench.without_source(fault, file, **options).report


def must_take_options(file: str, scale: str | None) -> None:
    """Refuse options that mean nothing for a file: `--scale` for what is no YAML, `--arg` for a model file."""
    from planner.inputs import is_source

    if is_source(file):
        if scale is not None:
            help = "leave it out: only a model file of Ultralytics has scales"
            raise Failure(f"`{file}` has no scale `{scale}`", help)
    elif arguments := _arguments():
        help = "leave it out, or use --set for a parameter of the file; --arg is for net.py:Net"
        raise Failure(f"a model file is not called, and takes no argument `{next(iter(arguments))}`", help)


def _arguments() -> dict[str, Any] | None:
    """What `--arg` gives to the command that runs."""
    context = click.get_current_context(silent=True)
    return context.meta.get(ARGUMENTS) if context is not None else None


def _brought_back(content: bytes, file: str, options: dict[str, Any]) -> str:
    """The model file of a network in another format, of which git has the bytes."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path = Path(folder, Path(file).name)
        path.write_bytes(content)
        return brought_in(str(path), options.pop("input", None))


def brought_in(source: str, input: Any) -> str:
    """The model file of a network that is named as net.py:Net; its class or function gets what `--arg` gives."""
    from planner.diagnostics import Fault

    try:
        return text_of(source, input)
    except Fault as fault:
        raise Failure(fault.headline, fault.help) from None


def text_of(source: str, input: Any) -> str:
    """The model file of a network that is named as net.py:Net. Raises the fault that keeps it from being imported."""
    from planner.inputs import imported

    return imported(source, input=input, arguments=_arguments())


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


def unreadable(fault: Fault, file: str, screen: Screen) -> int:
    """Print what is wrong with a file that cannot be read, and give the exit code."""
    from planner.workbench import Workbench

    report = Workbench.without_source(fault, file).report
    print_findings(report, screen)
    return exit_code(report)


def nothing_to_show(report: Report, screen: Screen) -> int:
    """Print the findings on a model of which nothing can be shown, and give the exit code."""
    print_findings(report, screen)
    return exit_code(report) or 1
