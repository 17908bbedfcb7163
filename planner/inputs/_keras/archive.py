"""The configuration of a network out of a `.keras` archive or a JSON file, read as data: nothing in it is run, nothing
is unpacked, and what is larger than any network needs is refused.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from planner.archives import MEGABYTE, Bounded
from planner.faults.not_imported import NotImported
from planner.inputs._archive import must_be_file, refused
from planner.source.limits import LARGEST, MOST_BYTES, MOST_VALUES

DEEPEST = 200
"""Lists and mappings in one another."""
CONFIG = "config.json"


def config_of(path: Path) -> Mapping[str, Any]:
    """What a file says of a network. An archive is known by its first bytes, whatever the file is called."""
    name = str(path)
    try:
        must_be_file(path, "name a `.keras` file, or the JSON of a configuration")
        with path.open("rb") as file:
            start = file.read(4)
            if not start.startswith(b"PK") and path.suffix != ".keras":
                return _parsed(start + file.read(MOST_BYTES), name, name)
        if not start.startswith(b"PK"):
            raise refused(name, f"is not a zip archive{_looks_like(start)}", _SAVE)
        with Bounded(path) as bounded:
            return _in_archive(bounded, name)
    except OSError as error:
        raise refused(name, "cannot be read", error.strerror or "check the path") from None


_SAVE = "save the network anew with Keras 3: `model.save('net.keras')`"


def _looks_like(start: bytes) -> str:
    if start == b"\x89HDF":
        return ", but an HDF5 file, the older format of Keras"
    return ", but JSON" if start[:1] == b"{" else ""


def _in_archive(file: Bounded, name: str) -> Mapping[str, Any]:
    try:
        with zipfile.ZipFile(file) as archive:
            if CONFIG not in archive.namelist():
                raise refused(name, f"is an archive without `{CONFIG}`", _SAVE)
            entry = archive.getinfo(CONFIG)
            if entry.flag_bits & 1:
                raise refused(name, "is encrypted", _SAVE)
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise refused(name, f"has `{CONFIG}` compressed in a way that Keras does not use", _SAVE)
            if entry.file_size > MOST_BYTES:
                raise _too_large(f"{name}: {CONFIG}", entry.file_size)
            with archive.open(entry) as config:
                data = config.read(MOST_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        reason = str(error).lower() or "it ends too early"
        raise refused(name, f"is a broken zip archive: {reason}", _SAVE) from None
    return _parsed(data, f"{name}: {CONFIG}", name)


def _too_large(name: str, size: int) -> NotImported:
    most = f"{MOST_BYTES // MEGABYTE} MB"
    return refused(name, f"has {size / MEGABYTE:,.1f} MB", f"a configuration has at most {most}")


def _parsed(data: bytes, where: str, name: str) -> Mapping[str, Any]:
    if len(data) > MOST_BYTES:
        raise refused(where, f"has more than {MOST_BYTES // MEGABYTE} MB", "a configuration has less")
    try:
        config = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        what = "is not UTF-8 text"
        raise refused(where, f"{what}{_looks_like(data[:4])}", "name JSON, or a `.keras` file") from None
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise refused(where, "is not JSON", at) from None
    except RecursionError:
        raise refused(where, "is nested too deep", "no network needs that") from None
    except ValueError:  # a number of thousands of digits
        raise refused(where, "has a number that is too large", "no network needs that") from None
    if not isinstance(config, dict):
        raise refused(name, "holds no network", "a configuration is what `model.to_json()` gives")
    return config


def must_be_bounded(config: Any) -> None:
    """Refuse data that is nested deeper than any network, or larger, or that has larger numbers."""
    level, count = [config], 0
    for _ in range(DEEPEST):
        inside = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        count += sum(map(len, inside))
        if count > MOST_VALUES:
            raise NotImported(f"the configuration has more than {MOST_VALUES:,} values", help="no network needs that")
        level = [item for items in inside for item in items]
        if any(isinstance(each, int) and abs(each) >= LARGEST for each in level):
            raise NotImported("the configuration has a number of more than 63 bits", help="no network needs that")
        if not level:
            return
    raise NotImported("the configuration is nested too deep", help=f"a network needs less than {DEEPEST} levels")
