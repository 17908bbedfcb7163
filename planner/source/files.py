"""Model files: reading a file, what can prevent that, and the bytes of a text."""

from __future__ import annotations

import codecs
import errno
import os
import re
import stat
from itertools import islice
from pathlib import Path as FilePath

from planner.diagnostics import Fault
from planner.faults._in_text import InText
from planner.faults.not_yaml import NotYaml
from planner.faults.too_large import TooLarge
from planner.faults.unreadable_file import UnreadableFile
from planner.source.limits import MOST_BYTES
from planner.source.places import Source
from planner.source.yaml import fill


def read(path: str | os.PathLike[str], *, library: bool = False) -> Source:
    """The model file, or the library of blocks, at `path`; raises a Fault."""
    file = os.fspath(path) or "."
    try:
        status = FilePath(path).stat()
        if not stat.S_ISREG(status.st_mode):
            raise _not_regular(file, status.st_mode)
        if status.st_size > MOST_BYTES:
            raise TooLarge.file(file, status.st_size, MOST_BYTES)
        with FilePath(path).open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(file, error) from None
    return parse(content, file, library=library)


def parse(text: str | bytes, file: str | None = None, *, library: bool = False) -> Source:
    """The Source that a text says; raises a Fault where the text says no model."""
    if len(text) > MOST_BYTES:
        raise TooLarge.file(file, len(text), MOST_BYTES)
    source = Source({}, file, is_library=library)
    try:
        source.text = _decoded(text) if isinstance(text, bytes) else text.removeprefix("\ufeff")
        if odd := _ODD.search(source.text):
            raise NotYaml.character(odd[0], odd.start())
        fill(source)
    except InText as fault:
        source.text = fault.text = source.text or fault.text
        if fault.start is not None and fault.end is not None:
            fault.place = source.stretch(fault.start, fault.end)
        raise
    return source


def unparsed(fault: Fault, file: str | None = None, *, library: bool = False) -> Source:
    """The Source left when `read` or `parse` raised: without data, but with the text, to show the line of the fault."""
    return Source({}, file, fault.text if isinstance(fault, InText) else "", is_library=library)


def encoded(text: str, original: bytes) -> bytes:
    """The bytes of a text in the encoding of the file that it replaces, with that file's byte order mark."""
    mark, name = next(((mark, name) for mark, name in _BYTE_ORDER_MARKS if original.startswith(mark)), (b"", "UTF-8"))
    if not name.startswith("UTF-8"):
        name += "-LE" if mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF32_LE) else "-BE"
    return mark + text.encode(name)


# --- what keeps a file from being read ---


def _not_regular(file: str, mode: int) -> Fault:
    if stat.S_ISDIR(mode):
        return UnreadableFile.folder(file, _models_in(FilePath(file)))
    return UnreadableFile.not_a_file(file, "a pipe" if stat.S_ISFIFO(mode) else "a device or a socket")


def _unreadable(file: str, error: OSError | ValueError) -> Fault:
    if isinstance(error, PermissionError):
        shut = (str(each) for each in reversed(FilePath(file).parents) if not os.access(each, os.X_OK))
        return UnreadableFile.forbidden(file, next(shut, None))
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        if FilePath(file).is_symlink():
            return UnreadableFile.dangling(file, str(FilePath(file).readlink()))
        folder = FilePath(file).parent
        if folder.is_dir():
            return UnreadableFile.missing(file, _models_in(folder))
        return UnreadableFile.no_folder(file, str(folder))
    number = error.errno if isinstance(error, OSError) else None
    return UnreadableFile.refused(file, _REFUSALS.get(number, "the system refuses it"))


_REFUSALS = {
    None: "it holds a character that no path can",
    errno.ENAMETOOLONG: "the path is too long",
    errno.ELOOP: "its links go round in a circle",
    errno.EIO: "the disk reports an error",
}


def _models_in(folder: FilePath) -> list[str]:
    try:
        entries = islice(folder.iterdir(), 1000)
        return sorted(each.name for each in entries if each.suffix in (".yaml", ".yml") and each.is_file())
    except OSError:
        return []


_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "UTF-8"),
    (codecs.BOM_UTF32_LE, "UTF-32"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)

# What YAML's `c-printable` leaves out, and the breaks NEL, LS and PS: YAML 1.1, YAML 1.2 and editors differ about them.
_ODD = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def _decoded(content: bytes) -> str:
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark)), "UTF-8")
    try:
        text = content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        if encoding == "UTF-8" and b"\0" in content:
            raise UnreadableFile.binary(content.index(0)) from None
        position = len(content[: error.start].decode(encoding).removeprefix("\ufeff"))
        fault = UnreadableFile.encoding(encoding, content[error.start], position)
        fault.text = content.decode(encoding, errors="replace").removeprefix("\ufeff")
        raise fault from None
    if "\0" in text:
        raise UnreadableFile.binary(content.index(0))
    return text
