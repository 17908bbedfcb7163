"""Zip archives of weights: what is in them, looked at before it is believed."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from planner.archives import MEGABYTE, Bounded
from planner.checkpoints._checkpoint import Refusing, cut
from planner.faults._in_text import shown

CHUNK = 1 << 18
"""Bytes that are read at once."""


class _Contents(Bounded):
    """An archive with an entry for each of very many tensors."""

    most = 16 * MEGABYTE


@contextmanager
def opened(path: Path, refusing: Refusing) -> Iterator[zipfile.ZipFile]:
    """An archive, in which no two members have one name. What is broken in it is raised as UnreadableCheckpoint."""
    try:
        with _Contents(path) as file, zipfile.ZipFile(file) as archive:
            names = set[str]()
            for each in archive.infolist():
                if each.filename in names:
                    raise refusing.broken(f"is broken: it has `{cut(each.filename)}` twice")
                names.add(each.filename)
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        reason = str(error).lower() or "it ends too early"
        reason = "its end is missing" if reason == "file is not a zip file" else reason
        raise refusing.broken(f"is a broken zip archive: {shown(reason, 120)}") from None


def beginning(archive: zipfile.ZipFile, member: zipfile.ZipInfo, refusing: Refusing, most: int) -> bytes:
    """The first bytes of a member, at most so many; no more of it is unpacked."""
    if member.flag_bits & 1:
        raise refusing.broken(f"is encrypted: `{cut(member.filename)}`", "unpack it first")
    found = bytearray()
    with archive.open(member) as file:
        while len(found) < most and (chunk := file.read(min(CHUNK, most - len(found)))):
            found += chunk
    return bytes(found)


def whole(archive: zipfile.ZipFile, member: zipfile.ZipInfo, refusing: Refusing, most: int) -> bytes:
    """All of a member, which has at most so many bytes."""
    found = beginning(archive, member, refusing, most + 1)
    if len(found) > most:
        raise refusing.broken(
            f"holds `{cut(member.filename)}` of more than {most // MEGABYTE} MB", "no file needs that"
        )
    return found


def must_be_there(path: Path, member: zipfile.ZipInfo, refusing: Refusing) -> None:
    """Refuse a member that is stored as it is and would end behind the end of the file."""
    if member.compress_type == zipfile.ZIP_STORED and member.header_offset + member.file_size > path.stat().st_size:
        raise refusing.broken(f"ends too early: within `{cut(member.filename)}`")
