"""The shelf: the libraries of blocks that a model file uses, each read once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from planner.diagnostics import Fault

if TYPE_CHECKING:
    from planner.source.places import Source


class Shelf:
    """The libraries that have been read for a model file.

    file     the model file, beside which libraries may stand; None for a model that is no file
    sources  the libraries by their keys; one that could not be read has no data
    faults   why a library could not be read
    content  the bytes of a file beside the model file, where they are not what stands there now; raises a Fault
    opened   the texts of files that are open in an editor, by their real paths, in place of what stands on the disk
    """

    __slots__ = ("content", "faults", "file", "opened", "sources")

    def __init__(self, file: str | None) -> None:
        self.file = file
        self.sources: dict[str, Source] = {}
        self.faults: dict[str, Fault] = {}
        self.content: Callable[[str], bytes] | None = None
        self.opened: Mapping[str, str] = {}

    def of_file(self, name: str) -> Source:
        """The library that is a file of this name."""
        return next(source for source in self.sources.values() if source.file == name)
