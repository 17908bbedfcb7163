"""Printing to the standard streams, with any encoding, and whether or not anybody reads them."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from typing import NoReturn, TextIO

import click

_PLAIN = str.maketrans({"×": "x", "–": "-", "─": "-", "…": "~", "✗": "x", "→": ">", "’": "'"})
"""What stands for our own signs, each in one column, where the stream cannot hold them."""


def print_text(text: str, stream: TextIO | None = None) -> None:
    """Write a text in characters that the stream can hold; a reader that has gone away is no error."""
    stream = stream or sys.stdout
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        plain = {sign: other for sign, other in _PLAIN.items() if not chr(sign).encode(encoding, "ignore")}
        text = text.translate(plain).encode(encoding, "backslashreplace").decode(encoding)
    _to(stream, lambda: click.echo(text, file=stream, nl=False, color=True))


def print_bytes(data: bytes) -> None:
    """Write bytes to standard output; a reader that has gone away is no error."""
    _to(sys.stdout, lambda: (sys.stdout.buffer.write(data), sys.stdout.buffer.flush()))


def _to(stream: TextIO, print_: Callable[[], object]) -> None:
    """Print to a standard stream; a reader that has gone away is no error."""
    try:
        print_()
    except BrokenPipeError:
        _print_no_more(stream)
    except OSError as error:
        stop_printing(stream, error)


def stop_printing(stream: TextIO, error: OSError) -> NoReturn:
    """End the run because a stream cannot be written, and say so where that can be read."""
    _print_no_more(stream)
    if stream is not sys.stderr:
        closed = error.errno == errno.EBADF
        reason = "it is closed" if closed else (error.strerror or "no reason is given").lower()
        print_text(f"error: standard output cannot be written: {reason}\n", sys.stderr)
    sys.exit(2)


def _print_no_more(stream: TextIO) -> None:
    """Discard what is left to print, also by the interpreter when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def open_streams() -> None:
    """Replace each standard stream that the caller has closed by one that fails.

    Otherwise the next file that is opened takes its number, and what is printed goes into that file.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            taken = os.open(os.devnull, os.O_RDONLY if number == 1 else os.O_WRONLY)
            if taken != number:
                os.dup2(taken, number)
                os.close(taken)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False))
