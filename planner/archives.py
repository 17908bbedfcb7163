"""Zip archives from anywhere, of which no more is read than their lists of contents may hold."""

from __future__ import annotations

import io
import os
import zipfile

MEGABYTE = 1 << 20
MOST_CONTENTS = 4 * MEGABYTE
"""Bytes of an archive's list of what it holds, which is read as a whole."""


class Bounded(io.FileIO):
    """A file of which no more is read at once than a list of contents needs, and nothing beyond its end.

    most  the bytes that such a list may have
    """

    most = MOST_CONTENTS

    def read(self, size: int | None = -1, /) -> bytes:
        most = self.most + 1
        data = super().read(most if size is None or size < 0 else min(size, most)) or b""
        if len(data) == most:
            raise zipfile.BadZipFile("the list of its contents is too long")
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        if whence == os.SEEK_SET and not 0 <= offset <= os.fstat(self.fileno()).st_size:
            raise zipfile.BadZipFile("it names a place outside of itself")
        return super().seek(offset, whence)
