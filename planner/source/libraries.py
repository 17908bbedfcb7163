"""Libraries of blocks: the file that a name in `use` means, and what it says.

A library comes with the planner, as `residual`, or is a file beside the model file, as `./blocks.yaml`. Whatever links
and dots say, such a file lies in the folder of the model file or below it; nothing else is read.

Its key stands for it in paths: the name of one that comes with the planner, or the way to the file from the model
file's folder, `./parts/blocks.yaml`.
"""

from __future__ import annotations

import os
import re
from functools import cache
from itertools import islice
from pathlib import Path as FilePath
from pathlib import PurePosixPath

from planner.diagnostics import Fault, nearest
from planner.faults.unreadable_file import UnreadableFile
from planner.faults.unusable_library import UnusableLibrary
from planner.source.files import parse, read, unparsed
from planner.source.places import Source
from planner.source.shelf import Shelf

MOST_LIBRARIES = 100
SHIPPED = FilePath(__file__).parents[1] / "library"
_ENDINGS = (".yaml", ".yml")


@cache
def shipped() -> tuple[str, ...]:
    """The names of the libraries that come with the planner."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.yaml")))


@cache
def library(name: str) -> Source:
    """A library that comes with the planner; it is read once."""
    return read(SHIPPED / f"{name}.yaml", library=True)


@cache
def _homes() -> dict[str, str]:
    return {block: name for name in shipped() for block in library(name).data["blocks"] if not block.startswith("_")}


def home_of(block: str) -> str:
    """The library that comes with the planner and brings a block of this name; "" where none does."""
    return _homes().get(block, "")


def key_of(name: str, shelf: Shelf, user: str | None = None) -> str:
    """The key of the library that a name means, in the model file or in the library `user`; it has been read then.
    Raises UnusableLibrary where there is none, and what is wrong in the text of one.
    """
    key = name if name in shipped() else _below(name, shelf, user)
    if key not in shelf.sources:
        if len(shelf.sources) >= MOST_LIBRARIES:
            raise UnusableLibrary.too_many(MOST_LIBRARIES)
        _read(key, name, shelf)
    if key in shelf.faults:
        raise shelf.faults[key]
    return key


def _read(key: str, name: str, shelf: Shelf) -> None:
    """Put a library on the shelf."""
    if key in shipped():
        shelf.sources[key] = library(key)
        return
    path = FilePath(shelf.file or "").parent / key[2:]
    file = str(path)
    try:
        if shelf.content is not None:
            shelf.sources[key] = parse(shelf.content(file), file, library=True)
        elif shelf.opened and (text := shelf.opened.get(os.path.realpath(file))) is not None:
            shelf.sources[key] = parse(text, file, library=True)
        else:
            shelf.sources[key] = read(file, library=True)
    except Fault as fault:
        if isinstance(fault, UnreadableFile) and fault.start is None:
            said = {file: name, str(path.parent): name.rpartition("/")[0]}
            instead = _instead(name, path) if shelf.content is None else ([], [])
            raise UnusableLibrary.unreadable(fault, said, *instead) from None
        shelf.faults[key] = fault
        shelf.sources[key] = unparsed(fault, file, library=True)


def _below(name: str, shelf: Shelf, user: str | None) -> str:
    """The key of a file beside a model file, as the model file or a library calls it."""
    if re.match(r"[A-Za-z][\w+.-]*://", name):
        raise UnusableLibrary.address()
    if not name.startswith(("./", "../")):
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or re.match(r"[A-Za-z]:|~", name):
            raise UnusableLibrary.outside(name)
        if name.endswith(_ENDINGS) or "/" in name or "\\" in name:
            raise UnusableLibrary.without_dot(name)
        raise UnusableLibrary.unknown(name, shipped(), nearest(name, shipped()))
    if shelf.file is None:
        raise UnusableLibrary.beside_nothing(name)
    folder = FilePath(shelf.file).parent.resolve()
    using = folder if user is None or user in shipped() else (folder / user).parent
    try:
        # What stands elsewhere has none of the links that stand here.
        found = (using / name).resolve() if shelf.content is None else FilePath(os.path.normpath(using / name))
    except (OSError, RuntimeError, ValueError):  # links in a circle, or a character that no path can hold
        found = using / name
    if not found.is_relative_to(folder):
        raise UnusableLibrary.outside(name)
    return f"./{found.relative_to(folder).as_posix()}"


def _instead(name: str, path: FilePath) -> tuple[list[str], list[str]]:
    """The names of the files that a name may mean, beside where it leads to, or in it; and those that are alike."""
    folder, lead = (path, name.rstrip("/")) if path.is_dir() else (path.parent, name.rpartition("/")[0])
    try:
        there = sorted(each.name for each in islice(folder.iterdir(), 1000) if each.suffix in _ENDINGS)
    except OSError:
        there = []
    near = nearest(path.name, there)
    return [f"{lead}/{each}" for each in there], [f"{lead}/{each}" for each in near]
