"""The model file on disk: its text as an editor has it, what others make of it meanwhile, and saving it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from planner.diagnostics import Fault
from planner.faults._in_text import InText
from planner.faults.too_large import TooLarge
from planner.faults.unreadable_file import UnreadableFile
from planner.source import read
from planner.writing import HasChanged, NotWritten, rewrite, write

SECONDS = 0.2
"""How often the file is looked at; what it holds is read when it is as it was the time before."""


class ModelFile:
    """One model file that is edited. Its text has `\\n` for line ends here, whatever the file has.

    text  what the file held when it was last looked at; None where it is gone or cannot be read
    """

    def __init__(self, path: str) -> None:
        self.path = str(Path(path).absolute())
        self.name = Path(path).name
        self.uri = Path(self.path).as_uri()
        self.text: str | None = _with_plain_ends(_raw(self.path))
        self.listeners: set[Callable[[], None]] = set()
        self._seen = self._stamp()

    async def watch(self) -> None:
        """Look at the file again and again, and tell all listeners when its text is another. Who writes it may empty it
        first: it is read when nobody is writing any more.
        """
        before = self._seen
        while True:
            await asyncio.sleep(SECONDS)
            stamp = self._stamp()
            if stamp == before and stamp != self._seen:
                self._seen = stamp
                self._look()
            before = stamp

    def save(self, base: str, text: str) -> None:
        """Write a text that was made of `base`; raises NotWritten, and HasChanged where the file holds another text by
        now. A file that is gone is made anew.
        """
        if self._stamp() is None:
            write(self.path, text.encode())
        else:
            self._replace(base, text)
        self._look()

    def _replace(self, base: str, text: str) -> None:
        try:
            raw = _raw(self.path)
        except Fault as fault:
            raise NotWritten(self.path, fault.message, "put a model file in its place, or delete it") from None
        if _with_plain_ends(raw) != base:
            raise HasChanged(self.path, "meanwhile", "compare the two")
        rewrite(self.path, raw, text.replace("\n", _line_end(raw)))

    def _look(self) -> None:
        before = self.text
        try:
            self.text = _with_plain_ends(_raw(self.path))
        except Fault:
            self.text = None
        if self.text != before:
            for each in list(self.listeners):
                each()

    def _stamp(self) -> tuple[int, ...] | None:
        try:
            status = Path(self.path).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def _raw(path: str) -> str:
    """The text of the file, whether or not it is YAML; raises a Fault where it has none."""
    try:
        return read(path).text
    except InText as fault:
        if isinstance(fault, UnreadableFile) or (isinstance(fault, TooLarge) and not fault.text):
            raise
        return fault.text


def _with_plain_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _line_end(text: str) -> str:
    """The line end that a text has first."""
    end = text.find("\n")
    return "\r\n" if end > 0 and text[end - 1] == "\r" else "\n"
