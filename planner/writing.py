"""Files that a command writes: all of the new text or, where that fails, the old one; and never over what it reads.

A file is written beside its place and then put there, so that a run which is killed leaves the old file or the new
one. What cannot be put there so is written in place: a device, a file with two names, or one of another owner.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path
from secrets import token_hex
from typing import TextIO

from planner.faults._in_text import LONGEST_PATH, shown
from planner.source import encoded

STDIO = "-"
_REASONS = {errno.EISDIR: "it is a folder", errno.EACCES: "it is not permitted", errno.EPERM: "it is not permitted"}


class NotWritten(Exception):
    """A file that is not written; the text says why, `help` what to do."""

    said = "`{}` cannot be written: {}"

    def __init__(self, output: str, reason: str, help: str) -> None:
        super().__init__(self.said.format(shown(output, LONGEST_PATH), reason))
        self.help = help


class HasChanged(NotWritten):
    """A file that is not written because it no longer holds what is to be replaced."""

    said = "`{}` has changed {}; nothing is written"


def ready(output: str | None, *inputs: str | None) -> None:
    """See, before any work is done, that a file can be written and is none of the inputs; raises NotWritten.

    The files are compared as the system knows them, so a link, another name of the same file, or a name in capitals
    where the system does not tell them apart, is found out. Without a name, and for `-`, it is a standard stream.
    """
    name = "standard output" if output is None or output == STDIO else output
    if name == "":
        raise NotWritten(name, "it is not the name of a file", "name a file, or leave -o out for standard output")
    there = _status(output, sys.stdout)
    if there is None:
        if output is not None and output != STDIO:
            _see_folder(output)
        return
    if stat.S_ISDIR(there.st_mode):
        raise NotWritten(name, "it is a folder", "name a file in it")
    for each in inputs:
        read = _status(each, sys.stdin) if each is not None else None
        if read is not None and stat.S_ISREG(there.st_mode) and os.path.samestat(there, read):
            raise NotWritten(name, "it is the file that is read", "name another file, so that this one is kept")


def _see_folder(output: str) -> None:
    """See that a file that is not there yet has a folder to be in."""
    missing = None
    for folder in Path(os.path.realpath(output)).parents:
        if folder.is_dir():
            break
        if folder.exists():
            raise NotWritten(output, f"`{shown(str(folder), LONGEST_PATH)}` is a file, not a folder", "name a folder")
        missing = folder
    if missing is not None:
        raise NotWritten(
            output, f"there is no folder `{shown(str(missing), LONGEST_PATH)}`", "make it, or name another"
        )


def _status(file: str | None, stream: TextIO) -> os.stat_result | None:
    """What the system knows about a file, or about the stream that stands for it; None where there is none."""
    with suppress(OSError, ValueError):  # a stream that is no file of the system, or a path that none can have
        return os.fstat(stream.fileno()) if file is None or file == STDIO else Path(file).stat()
    return None


def write(output: str, data: bytes) -> None:
    """Put bytes into a file. Links, the mode and the owner stay as they are; raises NotWritten."""
    file = Path(output)
    try:
        place = Path(os.path.realpath(output))
        if _may_be_replaced(file, place):
            _replace(place, data)
        elif file.is_file():
            _overwrite(file, data)
        else:
            file.write_bytes(data)
    except OSError as error:
        raise _refused(output, error) from None


def _refused(output: str, error: OSError | ValueError) -> NotWritten:
    number, said = (error.errno, error.strerror) if isinstance(error, OSError) else (None, str(error))
    return NotWritten(output, _REASONS.get(number or 0, (said or "no reason is given").lower()), "name another file")


class Appended:
    """A file of lines that grows by whole lines, and is written by one run at a time; raises NotWritten.

    A line is written as a whole: a run that is killed leaves, at most, the beginning of its last line. It is `torn`,
    once the lines have been read, and goes when a line is added: until then, nothing in the file is changed.
    """

    def __init__(self, output: str) -> None:
        self.output = output
        self.torn = b""
        there = _status(output, sys.stdout) if output != STDIO else None
        if output == STDIO or (there is not None and not stat.S_ISREG(there.st_mode)):
            raise NotWritten(output, "it does not keep what is written to it", "name a file")
        try:
            self._stream = FileIO(output, "a+")
            self._lock()
        except (OSError, ValueError) as error:
            raise _refused(output, error) from None

    def _lock(self) -> None:
        try:
            import fcntl
        except ImportError:  # Windows keeps no such locks
            return
        try:
            fcntl.flock(self._stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._stream.close()
            raise NotWritten(self.output, "another run is writing it", "wait for it, or name another file") from None
        except OSError:  # a file system without locks
            pass

    def lines(self) -> Iterator[bytes]:
        """The whole lines that it holds."""
        self._stream.seek(0)
        with open(self._stream.fileno(), "rb", closefd=False) as reader:
            for line in reader:
                if line.endswith(b"\n"):
                    yield line
                else:
                    self.torn = line

    def add(self, line: bytes) -> None:
        """Write a line at the end, with its line break."""
        try:
            if self.torn:
                self._stream.truncate(self._stream.seek(0, os.SEEK_END) - len(self.torn))
                self.torn = b""
            left = memoryview(line)
            while left:
                left = left[self._stream.write(left) :]
        except OSError as error:
            raise _refused(self.output, error) from None

    def close(self) -> None:
        self._stream.close()


def rewrite(output: str, old: str, new: str, *, since: str = "meanwhile") -> None:
    """Put a new text into a file that holds the old one, in the file's own encoding; raises NotWritten."""
    file = Path(output)
    try:
        original = file.read_bytes()
        if encoded(old, original) != original:
            raise HasChanged(output, since, "read it again")
        if not file.stat().st_mode & 0o222 or not os.access(file, os.W_OK):
            raise NotWritten(output, "it is read-only", "make it writable")
    except OSError as error:
        raise _refused(output, error) from None
    write(output, encoded(new, original))


def _may_be_replaced(file: Path, place: Path) -> bool:
    """Whether a file can be replaced by a new file without anybody noticing the difference."""
    if not os.access(place.parent, os.W_OK):
        return False
    if not file.exists():
        return True
    status = file.stat()
    own = not hasattr(os, "geteuid") or os.geteuid() == status.st_uid
    alone = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
    return own and alone and os.access(file, os.W_OK) and place.exists() and file.samefile(place)


def _replace(place: Path, data: bytes) -> None:
    beside = place.with_name(f".planner-{token_hex(8)}")
    try:
        with beside.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(FileNotFoundError):
            beside.chmod(stat.S_IMODE(place.stat().st_mode))
        beside.replace(place)
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()


def _overwrite(file: Path, data: bytes) -> None:
    """Write a file in its place; what it held comes back where that fails."""
    original = file.read_bytes()
    with file.open("r+b", buffering=0) as stream:
        try:
            _fill(stream, data)
        except OSError:
            stream.seek(0)
            _fill(stream, original)
            raise


def _fill(stream: FileIO, data: bytes) -> None:
    written = 0
    while written < len(data):
        written += stream.write(data[written:])
    stream.truncate(len(data))
    os.fsync(stream.fileno())
