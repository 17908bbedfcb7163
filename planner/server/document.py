"""A Document: one version of an open file, with all that is known about it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from planner.diagnostics import Path, Place
from planner.inputs.ultralytics import taken
from planner.server.text import EditorText, Passage
from planner.source import Source
from planner.workbench import Checked, Workbench

_A_MODEL = re.compile(r"^\ufeff?(layers|input|blocks|backbone|head)[ \t]*:", re.MULTILINE)
"""What a file holds that is about a network: an editor may ask about any file of YAML."""


@dataclass(eq=False)
class Document:
    """One version of an open file. It is a value: another text is another Document.

    text     as the editor has it
    version  the editor's number of it
    file     where the file stands, for libraries beside it; None where it is no file yet
    before   the version that was planned before this one
    good     the last version of which every step was planned: this one, or one before it
    """

    text: EditorText
    version: int
    file: str | None = None
    before: Document | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.report: Checked = self._bench().report
        self.good: Document | None = self if self.report.plan.complete else self.before and self.before.good
        self.before = None  # a chain of all versions would stay in memory

    def _bench(self) -> Workbench:
        return taken(Workbench.on_text(self.text.text, self.file))

    @cached_property
    def is_model(self) -> bool:
        """Whether the file is about a network at all."""
        return _A_MODEL.search(self.text.text) is not None

    @property
    def source(self) -> Source:
        return self.report.source

    # Places

    @property
    def _mark(self) -> int:
        """The length of a byte order mark, which a Source leaves out."""
        return int(self.text.text.startswith("\ufeff"))

    def span(self, place: Place) -> Passage:
        """The stretch of a place in this file."""
        start = self.source.offset(place.line, place.column) + self._mark
        return Passage(start, min(start + place.length, len(self.text.text)))

    def span_of(self, path: Path, at_key: bool = False) -> Passage | None:
        """The stretch of the value at a path, or of its key; None where it is not in this file."""
        place = self.source.place(path, at_key)
        return self.span(place) if place is not None and place.file is None else None

    def path_at(self, offset: int) -> Path:
        """The path of the value or key that is written at an offset; () where nothing is, or nothing can be read."""
        if not self.source.data:
            return ()
        line = self.text.line_at(offset)
        return self.source.path_at(line + 1, offset - self.text.starts[line] + 1)
