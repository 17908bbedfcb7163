"""The end of a run that cannot go on: a message on stderr, and the exit code."""

from __future__ import annotations

import os
import sys
from types import TracebackType

import click

from planner.cli._printing import print_text, stop_printing
from planner.outputs._screen import printable


class Failure(click.ClickException):
    """An error to show to the user, with what to do about it."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.help = help


class Ending:
    """Turns whatever ends a command early into a message on stderr and an exit code."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, click.ClickException):
            print_text(_usage(error), sys.stderr)
            sys.exit(2)
        if isinstance(error, click.Abort | KeyboardInterrupt):
            sys.exit(130)
        if isinstance(error, SystemExit) and type(sys.stdout).__name__.endswith("PacifyFlushWrapper"):
            sys.exit(0)  # click's sign that the reader of a help text has gone away
        if isinstance(error, OSError) and error.filename is None:
            stop_printing(sys.stdout, error)
        if isinstance(error, Exception):
            print_trace(error)
            said = printable(f"{type(error).__name__}: {error}"[:500])
            advice = "please report it with the model file; PLANNER_DEBUG=1 shows where it happened"
            print_text(f"planner: internal error: {said} ({advice})\n", sys.stderr)
            sys.exit(2)


def print_trace(error: Exception) -> None:
    """Print the traceback of an internal error, for those who asked for it."""
    if os.environ.get("PLANNER_DEBUG"):
        import traceback

        traceback.print_exception(error)


def _usage(error: click.ClickException) -> str:
    """The message on a wrong command, and where its options are explained."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return f"{error.format_message()}\n"
    said = error.message
    if isinstance(error, click.NoSuchOption):
        from planner.diagnostics import did_you_mean

        near = did_you_mean(error.option_name, list(error.possibilities or ()))
        said = f"there is no option `{error.option_name}`" + (f"; {near}" if near else "")
    elif isinstance(error, click.MissingParameter):
        said = f"{error.param.make_metavar(error.ctx) if error.param and error.ctx else 'something'} is missing"
    elif isinstance(error, click.BadParameter) and error.param is not None:
        said = f"{error.param.opts[0]}: {said}"
    said = said if said[:2].isupper() else said[:1].lower() + said[1:]
    said = f"error: {printable(said.rstrip('.'))}\n"
    context = error.ctx if isinstance(error, click.UsageError) else None
    if isinstance(error, Failure):
        said += f" = help: {printable(error.help)}\n"
    return f"{said} = help: {context.command_path} --help\n" if context else said
