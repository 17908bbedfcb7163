"""The program in an archive of `torch.export.save`, read as data: nothing in it is run or unpickled, no weights are
read, and what is larger than any program needs is refused.

Source: https://docs.pytorch.org/docs/stable/export/pt2_archive.html
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from planner.archives import MEGABYTE, Bounded
from planner.faults._in_text import shown
from planner.faults.not_imported import NotImported
from planner.inputs._archive import must_be_file

MOST_BYTES = 64 * MEGABYTE
"""Bytes of a program, of which PyTorch writes some thousand for each call of a function."""
MOST_SCALAR = 16
"""Bytes of a number."""
SAVE = "save the network anew: `torch.export.save(torch.export.export(net.eval(), (x,)), 'net.pt2')`"
MEMBER = "models/model.json"
OLD_MEMBER = "serialized_exported_program.json"
WEIGHTS, CONSTANTS = "data/weights/model_weights_config.json", "data/constants/model_constants_config.json"


@dataclass(frozen=True)
class Archive:
    """What an archive holds of a program.

    program    the program, as PyTorch writes it down
    weights    where its weights lie, by name: those of one place are one tensor
    constants  the bytes of its constants that are single numbers, by name
    """

    program: Mapping[str, Any]
    weights: Mapping[str, Any] = field(default_factory=dict)
    constants: Mapping[str, bytes] = field(default_factory=dict)


def refused(name: str, what: str, help: str = SAVE) -> NotImported:
    """The fault of a file that is no such archive."""
    return NotImported(f"`{shown(name, 200)}` {what}", help=help)


def archive_at(path: Path) -> Archive:
    """What stands in a file. Raises NotImported."""
    name = str(path)
    try:
        must_be_file(path, "name a `.pt2` file")
        with path.open("rb") as start:
            first = start.read(4)
        if not first.startswith(b"PK"):
            raise refused(name, f"is not a zip archive{_looks_like(first)}")
        with Bounded(path) as file:
            return archive_in(file, name)
    except OSError as error:
        raise refused(name, "cannot be read", (error.strerror or "check the path").lower()) from None


def _looks_like(first: bytes) -> str:
    if first[:1] == b"\x80":
        return ", but a pickle, which could run anything and is not read"
    return ", but empty" if not first else ""


def archive_in(file: BinaryIO, name: str) -> Archive:
    """What an archive holds that is open for reading."""
    try:
        with zipfile.ZipFile(file) as archive:
            entries = {each.filename.partition("/")[2]: each for each in archive.infolist()}
            entries |= {each.filename: each for each in archive.infolist()}
            member = entries.get(MEMBER) or entries.get(OLD_MEMBER)
            if member is None:
                raise refused(name, f"holds no program of torch.export{_another_kind(entries)}")
            program = _json(archive, member, name)
            weights = _config(archive, entries.get(WEIGHTS), name)
            constants = _config(archive, entries.get(CONSTANTS), name)
            return Archive(program, weights, dict(_numbers(archive, entries, constants)))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        reason = str(error).lower() or "it ends too early"
        reason = "its end is missing" if reason == "file is not a zip file" else reason
        raise refused(name, f"is a broken zip archive: {shown(reason, 120)}") from None


def _another_kind(entries: Mapping[str, Any]) -> str:
    """What an archive is instead."""
    if "constants.pkl" in entries:
        return ", but a scripted module"
    if "data.pkl" in entries:
        return ", but a pickle of torch.save, which could run anything and is not read"
    if any(each.startswith("data/aotinductor/") for each in entries):
        return ", but code that was compiled for one machine"
    return ", but a model of Keras" if "config.json" in entries else ""


def _json(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> Mapping[str, Any]:
    where = f"{name}: {member.filename.rpartition('/')[2]}"
    if member.flag_bits & 1:
        raise refused(where, "is encrypted")
    with archive.open(member) as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise refused(where, f"has more than {MOST_BYTES // MEGABYTE} MB", "no program needs that")
    try:
        found = json.loads(data)
    except RecursionError:
        raise refused(where, "is nested too deep", "no program needs that") from None
    except ValueError:
        raise refused(where, "is not JSON") from None
    if not isinstance(found, dict):
        raise refused(where, "holds no program")
    return found


def _config(archive: zipfile.ZipFile, member: zipfile.ZipInfo | None, name: str) -> dict[str, Any]:
    found = _json(archive, member, name).get("config") if member is not None else {}
    if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
        raise refused(name, "has a list of weights that is broken")
    return found


def _numbers(
    archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], constants: Mapping[str, Any]
) -> dict[str, bytes]:
    """The bytes of the constants that are single numbers."""
    found = {}
    for name, about in constants.items():
        member = entries.get(f"data/constants/{about.get('path_name')}")
        meta = about.get("tensor_meta")
        scalar = isinstance(meta, dict) and meta.get("sizes") == [] and not about.get("use_pickle")
        if scalar and member is not None and member.file_size <= MOST_SCALAR:
            with archive.open(member) as file:
                found[name] = file.read(MOST_SCALAR)
    return found
