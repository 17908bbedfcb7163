"""The files that commands write."""

from __future__ import annotations

import os
from pathlib import Path

import click

from planner.cli._ending import Failure
from planner.cli._printing import print_bytes, print_text
from planner.outputs import endings, stated

STDOUT = "-"


def ready(output: str | None, *inputs: str | None) -> None:
    """Stop, before any work, if the output file cannot be written or is one of the files that are read."""
    from planner.writing import NotWritten, ready

    try:
        ready(output, *inputs)
    except NotWritten as error:
        raise Failure(str(error), error.help) from None


def save(made: str | bytes, output: str | None) -> None:
    """Write a file or, without a name or with -, to standard output."""
    from planner.writing import NotWritten, write

    data = made.encode() if isinstance(made, str) else made
    if output is None or output == STDOUT:
        return print_bytes(data)
    try:
        write(output, data)
    except NotWritten as error:
        raise Failure(str(error), error.help) from None


def both_ready(outputs: tuple[str | None, str | None], *inputs: str) -> None:
    """Stop, before any work, if one of two files cannot be written, or both are one."""
    seen = set[str]()
    for each in outputs:
        ready(each, *inputs)
        if each is not None and each != STDOUT:
            if os.path.realpath(each) in seen:
                raise Failure(f"two options write to `{each}`", "name another file for one of them")
            seen.add(os.path.realpath(each))


def show(made: str | bytes, output: str | None, command: str, format: str) -> None:
    """Print what people read on a screen, where it goes to standard output; save anything else."""
    if isinstance(made, str) and stated(command, format).for_people and output in (None, STDOUT):
        print_text(made)
    else:
        save(made, output)


def format_of(output: str | None, command: str) -> str:
    """The format that a picture file's ending says; SVG on standard output."""
    if output is None or output == STDOUT:
        return "svg"
    known = endings(command)
    ending = Path(output).suffix.lower().removeprefix(".")
    if ending not in known:
        raise click.UsageError(f"`{output}` does not say what to draw; end it in .{', .'.join(known)}, or use --format")
    return known[ending]
