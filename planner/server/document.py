"""A Document: one version of an open file, with all that is known about it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import InitVar, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from planner.diagnostics import Fault, Path, Place
from planner.faults.too_large import TooLarge
from planner.geometry import Shape
from planner.inputs.ultralytics import taken
from planner.model import Group
from planner.plan import Plan, Step
from planner.server.text import EditorText, Passage
from planner.source import Source, parse
from planner.source.outline import OutlineNode, outline_if_readable
from planner.workbench import Checked, Workbench, failed

if TYPE_CHECKING:
    from planner.server.names import Occurrence

TOLERATED: tuple[type[Exception], ...] = (Exception,)
"""Internal errors that may occur while a file is planned: they are told as a finding. Tests let them through."""
MOST_KNOWN = 10_000
"""Answers of layers, and of analyses, that are handed from one version of a file to the next; with more, a new start is
made.
"""
MOST_TYPED = 1 << 20
"""Characters of a text that is planned while it is typed: a larger one would keep all open files waiting."""
MOST_BLANKED = 4
"""Lines that are left out, one after the other, to be able to read a text."""

_A_MODEL = re.compile(r"^\ufeff?(layers|input|blocks|backbone|head)[ \t]*:", re.MULTILINE)
"""What a file holds that is about a network: an editor may ask about any file of YAML."""

StepOrGroup = Step | Group
"""A copy of an entry in the plan: a step, or a block."""


@dataclass(eq=False)
class Document:
    """One version of an open file. It is a value: another text is another Document.

    text     as the editor has it
    version  the editor's number of it
    file     where the file stands, for libraries beside it; None where it is no file yet
    before   the version that was planned before this one
    opened   the texts of the other files that are open, by their real paths: libraries may be among them
    report   on this text
    good     the last version of which every step was planned: this one, or one before it
    """

    text: EditorText
    version: int
    file: str | None = None
    before: InitVar[Document | None] = None
    opened: Mapping[str, str] = field(default_factory=dict, repr=False)
    report: Checked = field(init=False, repr=False)
    good: Document | None = field(init=False, repr=False)

    def __post_init__(self, before: Document | None) -> None:
        shared: dict[str, Any] = {}
        bench = before.report.bench if before is not None else None
        if bench is not None and max(len(bench.known), len(bench.recall)) < MOST_KNOWN:
            shared = {"layers": bench.layers, "known": bench.known, "recall": bench.recall}
        self.report = self._planned(self.text.text, shared)
        self.good = self if self.report.plan.complete else before and before.good

    def _planned(self, text: str, shared: Mapping[str, Any]) -> Checked:
        if self.too_large:
            fault = TooLarge.typed(len(text), MOST_TYPED)
            return Workbench.without_source(fault, self.file).report
        try:
            bench = Workbench.on_text(text, self.file, **shared)
            bench.source.shelf.opened = self.opened
            return taken(bench).report
        except TOLERATED as error:
            return failed(self.file or "this file", error)

    @cached_property
    def is_model(self) -> bool:
        """Whether the file is about a network at all."""
        return _A_MODEL.search(self.text.text) is not None

    @property
    def too_large(self) -> bool:
        """Whether it is not even read: nothing is known then but that."""
        return len(self.text.text) > MOST_TYPED

    @property
    def source(self) -> Source:
        return self.view.source

    @property
    def plan(self) -> Plan:
        return self.view.plan

    @property
    def uses_files(self) -> bool:
        """Whether it uses libraries that are files, or names some that could not be found."""
        return bool(self._own_libraries or self._named_libraries)

    def uses(self, file: str) -> bool:
        """Whether a file, by its real path, may be a library that it uses: one that could not be found may be any."""
        found = self._own_libraries
        return len(found) < self._named_libraries or file in found

    @cached_property
    def _own_libraries(self) -> list[str]:
        shelf = self.report.source.shelf
        return [os.path.realpath(each.file or "") for key, each in shelf.sources.items() if key.startswith("./")]

    @cached_property
    def _named_libraries(self) -> int:
        """How many files stand in `use`."""
        given = self.report.source.at(("use",))
        names = given if isinstance(given, list) else [given]
        return sum(isinstance(each, str) and each.startswith(("./", "../")) for each in names)

    def retyped(self, text: EditorText) -> Document:
        """This plan with a newer text, which has not been planned: for what is asked while it is typed."""
        kept = {"view": self.view, "outline": self.outline, "copies": self.copies, "local": self.local}
        found = copy(self)
        found.text = text
        for each in ("readable", "is_model", "names", "_same"):
            vars(found).pop(each, None)
        vars(found).update(kept)
        return found

    # What can be read of it

    @cached_property
    def readable(self) -> str:
        """The text or, where that is no YAML, the text with the lines blank that keep it from being read; every
        character stays at its place.
        """
        text = self.text.text
        if self.report.bench.fault is None or self.too_large:
            return text
        if self.good is not None and (kept := _read(self._blank(text, *self._changed_lines))) is not None:
            return kept
        for _ in range(MOST_BLANKED):
            try:
                parse(text, self.file)
                return text
            except Fault as fault:
                if fault.place is None:
                    return text
                line = fault.place.line - 1
            while line > 0 and not self._line(text, line).strip():
                line -= 1
            text = self._blank(text, line, line)
        return text

    def _line(self, text: str, line: int) -> str:
        start, end = self.text.line_passage(line)
        return text[start:end]

    def _blank(self, text: str, first: int, last: int) -> str:
        for line in range(first, last + 1):
            start, end = self.text.line_passage(line)
            text = text[:start] + " " * (end - start) + text[end:]
        return text

    @cached_property
    def view(self) -> Checked:
        """The report on what can be read of the text."""
        return self.report if self.readable is self.text.text else self._planned(self.readable, {})

    @cached_property
    def outline(self) -> OutlineNode | None:
        """The structure of what can be read; None where nothing can."""
        return outline_if_readable(self.view.source.text) if self.view.bench.fault is None else None

    # The version that was good

    @cached_property
    def _same(self) -> tuple[int, int]:
        """The number of whole lines that the good version and this one have in common at the beginning and the end."""
        assert self.good is not None
        was, now = (each.splitlines() for each in (self.good.text, self.text))
        most = min(len(was), len(now))
        head = next((i for i in range(most) if was[i] != now[i]), most)
        tail = next((i for i in range(most - head) if was[-1 - i] != now[-1 - i]), most - head)
        return head, tail

    @property
    def _changed_lines(self) -> tuple[int, int]:
        """The first and the last line that are not as in the good version."""
        head, tail = self._same
        return head, len(self.text.starts) - 1 - tail

    def line_now(self, line: int) -> int | None:
        """The line that a line of the good version has become; None where it has changed."""
        assert self.good is not None
        head, tail = self._same
        more = len(self.text.starts) - len(self.good.text.starts)
        if line < head:
            return line
        return line + more if line >= len(self.good.text.starts) - tail else None

    # Places

    @property
    def mark(self) -> int:
        """The length of a byte order mark, which a Source leaves out."""
        return int(self.text.text.startswith("\ufeff"))

    def passage(self, place: Place) -> Passage:
        """The stretch of a place in this file."""
        start = self.report.source.offset(place.line, place.column) + self.mark
        return Passage(start, min(start + place.length, len(self.text.text)))

    def passage_of(self, path: Path, at_key: bool = False) -> Passage | None:
        """The stretch of the value at a path, or of its key; None where it is not in this file."""
        place = self.source.place(path, at_key)
        return self.passage(place) if place is not None and place.file is None else None

    def path_at(self, offset: int) -> Path:
        """The path of the value or key that is written at an offset; () where nothing is, or nothing can be read."""
        if self.outline is None:
            return ()
        line = self.text.line_at(offset)
        return self.source.path_at(line + 1, offset - self.text.starts[line] + 1 - (self.mark if not line else 0))

    # Entries, and their copies

    @cached_property
    def copies(self) -> Mapping[Path, Sequence[StepOrGroup]]:
        """The copies of each entry of this file, by the entry's path."""
        found: dict[Path, list[StepOrGroup]] = {}
        translated = bool(self.source.format)
        for step in self.plan.steps:
            path = self.source.own(step.path, step.instance.calls) if translated else step.path
            if path[:1] != ("use",) and not (translated and len(path) < 2):
                found.setdefault(path, []).append(step)
        for group in self.plan.model.groups:
            if group.path[:1] != ("use",):
                copies = found.setdefault(group.path, [])
                if translated:  # of a row, the block alone
                    copies[:] = [each for each in copies if isinstance(each, Group)]
                copies.append(group)
        return found

    @cached_property
    def local(self) -> Mapping[tuple[Path, str], Path]:
        """The entries that names in lists of layers stand for, by the list and the name."""
        from planner.server.names import local_names

        return local_names(self)

    @cached_property
    def names(self) -> Sequence[Occurrence]:
        """Every place where a name stands, from top to bottom."""
        from planner.server.names import occurrences

        return occurrences(self)

    def shapes(self, copy: StepOrGroup) -> tuple[Shape, ...]:
        """What a copy hands on; nothing where that is not known."""
        if isinstance(copy, Step):
            return copy.outputs
        if copy.first == copy.last and not copy.outputs:
            return ()
        shapes = tuple(self.plan.shape(tensor) for tensor in self.plan.leaving(copy))
        return tuple(each for each in shapes if each is not None) if None not in shapes else ()

    def steps(self, copy: StepOrGroup) -> Sequence[Step]:
        """The steps that a copy stands for."""
        return [copy] if isinstance(copy, Step) else self.plan.steps[copy.first : copy.last]

    def home(self, step: Step) -> Path:
        """Where a step comes about in this file: its entry, or the innermost call that leads to it."""
        paths = (step.path, *step.instance.calls)
        return next((path for path in paths if path[:1] != ("use",)), step.path)


def is_entry(path: Path) -> bool:
    """Whether a path is that of an entry of a list of layers."""
    return len(path) > 1 and isinstance(path[-1], int) and path[-2] == "layers" and len(path) % 2 == 0


def lists_of(data: object) -> Iterator[tuple[Path, list[Any]]]:
    """Every list of layers of a file by its path: the model's, those of blocks, and those in place."""
    if not isinstance(data, dict):
        return
    blocks = data.get("blocks")
    named = blocks.items() if isinstance(blocks, dict) else ()
    waiting: list[tuple[Path, Any]] = [((), data), *((("blocks", name), block) for name, block in named)]
    while waiting:
        path, holder = waiting.pop(0)
        layers = holder.get("layers") if isinstance(holder, dict) else None
        if isinstance(layers, list):
            yield (*path, "layers"), layers
            waiting[:0] = [((*path, "layers", i), each) for i, each in enumerate(layers)]


def _read(text: str) -> str | None:
    """The text, if it can be read."""
    try:
        parse(text)
    except Fault:
        return None
    return text
