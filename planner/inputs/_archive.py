"""Files from anywhere, archives among them, of which no more is read than they may hold."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

from planner.faults._in_text import shown
from planner.faults.not_imported import NotImported

MEGABYTE = 1 << 20
MOST_CONTENTS = 4 * MEGABYTE
"""Bytes of an archive's list of what it holds, which is read as a whole."""


def must_be_file(path: Path, help: str) -> None:
    """Refuse a path at which no ordinary file is."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is no ordinary file" if path.exists() else "is not there"
        raise NotImported(f"`{shown(str(path), 200)}` {what}", help=help)


class Bounded(io.FileIO):
    """A file of which no more is read at once than a list of contents needs, and nothing beyond its end."""

    def read(self, size: int | None = -1, /) -> bytes:
        most = MOST_CONTENTS + 1
        data = super().read(most if size is None or size < 0 else min(size, most)) or b""
        if len(data) == most:
            raise zipfile.BadZipFile("the list of its contents is too long")
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        if whence == os.SEEK_SET and not 0 <= offset <= os.fstat(self.fileno()).st_size:
            raise zipfile.BadZipFile("it names a place outside of itself")
        return super().seek(offset, whence)
