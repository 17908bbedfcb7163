"""A Source whose data were made of a file of another format; its places are those of that file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planner.diagnostics import Path, Place
from planner.source.places import Offsets, Source


class Translated(Source):
    """A model made of a file of another format, whose text and places it has.

    format    what the file is, such as "an Ultralytics model file"
    original  the file as it stands
    origins   where in the original each path of the data comes from; what is not listed comes from where the value
              around it does
    """

    __slots__ = ("original", "origins")

    def __init__(self, data: dict[str, Any], original: Source, origins: Mapping[Path, Path], format: str) -> None:
        super().__init__(data, original.file, original.text)
        self.original = original
        self.origins = origins
        self.format = format

    def origin(self, path: Path) -> Path:
        """The path in the original that a path of the data comes from."""
        return next((self.origins[path[:i]] for i in range(len(path), 0, -1) if path[:i] in self.origins), ())

    def within(self, path: Path, offset: int, length: int = 1) -> Place | None:
        return self.place(path)  # arithmetic of ours is nowhere in the text

    def end(self, path: Path) -> Place | None:
        source, path = self.written_at(path)
        return source.end(path) if source is not self else self.original.end(self.origin(path))

    def path_at(self, line: int, column: int) -> Path:
        meant = self.original.path_at(line, column)
        found = [path for path, origin in self.origins.items() if origin == meant[: len(origin)]]
        return max(found, key=lambda path: (len(self.origins[path]), len(path)), default=())

    def _find(self, path: Path, at_key: bool) -> Offsets:
        return self.original._find(self.origin(path), at_key)
