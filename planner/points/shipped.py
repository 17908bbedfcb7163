"""A model as it is shipped to where it is planned: its text, and those of the libraries beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from planner.diagnostics import Fault
from planner.faults.unreadable_file import UnreadableFile
from planner.source import MOST_BYTES, Source, of_mapping, parse
from planner.unfolding import load


@dataclass(frozen=True, slots=True)
class Shipped:
    """A model that is planned without any file.

    text       the model file's text; of a model made in Python, its data
    file       the file as messages show it
    libraries  the contents of the libraries beside the model file, by the names that it leads to
    scale      that of an Ultralytics model file
    """

    text: str | Mapping[str, Any]
    file: str | None = None
    libraries: Mapping[str, bytes] = field(default_factory=dict)
    scale: str | None = None

    @classmethod
    def of(cls, source: Source, scale: str | None = None) -> Shipped:
        """A model file that has been read, with the libraries that it uses, which are read now."""
        if not source.text:
            return cls(source.data, source.file, scale=scale)
        return cls(source.text, source.file, _read_with(source), scale)

    def source(self) -> Source:
        """The Source that it was made of; raises the fault of a text that says no model."""
        if not isinstance(self.text, str):
            return of_mapping(self.text)
        source = parse(self.text, self.file)
        source.shelf.content = self._library
        return source

    def _library(self, file: str) -> bytes:
        try:
            return self.libraries[file]
        except KeyError:
            raise UnreadableFile(f"`{file}` was not there when the sweep began") from None

    @property
    def digest(self) -> str:
        """A text that is another one wherever the model is."""
        said = hashlib.sha256(repr(self.text).encode("utf-8", "backslashreplace"))
        for file, content in sorted(self.libraries.items()):
            said.update(repr((file, content)).encode("utf-8", "backslashreplace"))
        return said.hexdigest()


def _read_with(source: Source) -> dict[str, bytes]:
    """The contents of the libraries that unfolding a model reads beside it."""
    if "use" not in source.data or source.file is None:
        return {}
    folder = Path(source.file).parent.resolve()
    contents: dict[str, bytes] = {}

    def content(file: str) -> bytes:
        try:
            if Path(file).resolve().is_relative_to(folder):
                with Path(file).open("rb") as stream:
                    contents[file] = stream.read(MOST_BYTES + 1)
                return contents[file]
        except OSError:
            pass
        raise UnreadableFile(f"`{file}` cannot be read")

    again = parse(source.text, source.file)
    again.shelf.content = content
    try:
        load(again)
    except Fault:  # which every point will tell
        pass
    return contents
