"""The Source: what a model file says, and where.

A place is kept as character offsets, beside the container that the value stands in: a million values stay cheap.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import Any

from planner.diagnostics import Fault, Path, Place
from planner.source.shelf import Shelf

Offsets = tuple[int, int]
"""Where something starts and ends in a text, in characters from 0."""


class Source:
    """What a model file says, and where.

    data    the values: dict, list, str, int, float, bool and None; keys are strings
    file    the file as messages show it; None for a mapping or a text without a name
    text    the file's text; empty for a mapping
    faults  what is wrong but does not keep the rest from being read
    shelf   the libraries that it may use; a Source that differs by an edit shares it
    is_library  whether it is a library that a model file uses
    format  what the file is where it is no model file, such as "a Keras model"; the text is in that format
    """

    __slots__ = ("_lines", "data", "faults", "file", "format", "is_library", "marks", "root", "shelf", "text")

    def __init__(
        self,
        data: dict[str, Any],
        file: str | None = None,
        text: str = "",
        *,
        shelf: Shelf | None = None,
        is_library: bool = False,
    ) -> None:
        self.data = data
        self.file = file
        self.text = text
        self.shelf: Shelf = Shelf(file) if shelf is None else shelf
        self.is_library = is_library
        self.format = ""
        self.faults: tuple[Fault, ...] = ()
        self._lines: array[int] | None = None
        # Noted while the text is read. By the id of a container, the offsets of its items in order: four for a key and
        # its value, two in a list.
        self.marks: dict[int, array[int]] = {}
        self.root = 0

    def written_at(self, path: Path) -> tuple[Source, Path]:
        """The Source in which a path ends, which is a library's where the path leads there, and the path in it."""
        library = self.shelf.sources.get(str(path[1])) if len(path) > 1 and path[0] == "use" else None
        return (self, path) if library is None else (library, path[2:])

    def own(self, path: Path, calls: Iterable[Path] = ()) -> Path:
        """The path in this file by which something came about: the innermost of the calls that led to a path in a
        library, with the argument that stands there, as `c2` does for `$c2`.
        """
        for call in calls:
            if path[:1] != ("use",):
                break
            library, at = self.written_at(path)
            read = re.fullmatch(r"\$(\w+)(?:\[\d+\])?", str(library.at(at)))
            caller, at = self.written_at(call)
            path = (*call, read[1]) if read and read[1] in (caller.at(at) or ()) else call
        return path

    def at(self, path: Path) -> Any:
        """The value at a path; None where there is none."""
        here: Any = self.data
        for part in path:
            try:
                here = here[part]
            except (KeyError, IndexError, TypeError):
                return None
        return here

    def quoted(self, place: Place) -> str:
        """The text of the line of a place."""
        return self.shelf.of_file(place.file).line(place.line) if place.file is not None else self.line(place.line)

    def line(self, number: int) -> str:
        """The text of a line, counted from 1; "" where there is no such line."""
        starts = self._line_starts()
        return self.text[starts[number - 1] : starts[number]].rstrip("\r\n") if 0 < number < len(starts) else ""

    def place(self, path: Path, at_key: bool = False) -> Place | None:
        """The place of the value at `path`, or of its key; where `path` does not exist, of the nearest thing above."""
        source, path = self.written_at(path)
        return source.stretch(*source._find(path, at_key)) if source.text else None

    def within(self, path: Path, offset: int, length: int = 1) -> Place | None:
        """The place of a part of the text at `path`, such as an operator of an expression."""
        source, path = self.written_at(path)
        if not source.text:
            return None
        start, end = source._find(path, at_key=False)
        written = source.text[start:end]
        opening = re.match(r"(?:&\S+\s+)?[\"']?", written)
        part = start + offset + (opening.end() if opening else 0)
        if part > end or "\n" in written or "\r" in written:
            return source.stretch(start, end)
        return source.stretch(part, min(part + length, end))

    def end(self, path: Path) -> Place | None:
        """The place right behind the value at `path`; None where the text has none."""
        from planner.source.outline import outline

        node = outline(self.text).at(path) if self.text else None
        return self.stretch(node.end, node.end) if node is not None else None

    def path_at(self, line: int, column: int) -> Path:
        """The path of the value or key that is written at a line and column, counted from 1; () where nothing is."""
        from planner.source.outline import outline

        starts = self._line_starts()
        if not self.text or not 0 < line < len(starts):
            return ()
        return outline(self.text).path(min(starts[line - 1] + column - 1, starts[line] - 1))

    def offset(self, line: int, column: int) -> int:
        """The character of the text, from 0, at a line and column, counted from 1."""
        starts = self._line_starts()
        return min(starts[min(line, len(starts)) - 1] + column - 1, len(self.text))

    def stretch(self, start: int, end: int) -> Place:
        """The place of the characters from `start` to `end`; they are underlined if they are on one line."""
        starts = self._line_starts()
        if start >= len(self.text):
            start = end = len(self.text.rstrip("\r\n"))
        line = min(bisect_right(starts, start), max(len(starts) - 1, 1))
        on_one_line = line >= len(starts) - 1 or end < starts[line]
        length = max(end - start, 1) if on_one_line else 1
        return Place(line, start - starts[line - 1] + 1, length, self.file if self.is_library else None)

    def _find(self, path: Path, at_key: bool) -> Offsets:
        here: Any = self.data
        key = value = (self.root, self.root)
        for part in path:
            marks = self.marks.get(id(here))
            if marks is None:
                return self._nearest(here, key, value)
            elif isinstance(here, dict) and str(part) in here:
                i = 4 * list(here).index(str(part))
                key, value = (marks[i], marks[i + 1]), (marks[i + 2], marks[i + 3])
                here = here[str(part)]
            elif isinstance(here, list) and isinstance(part, int) and 0 <= part < len(here):
                key = value = (marks[2 * part], marks[2 * part + 1])
                here = here[part]
            else:
                return self._nearest(here, key, value)
        return key if at_key else value

    def _nearest(self, here: Any, key: Offsets, value: Offsets) -> Offsets:
        """The place to show for a child that `here` lacks: its key or, in a list, the first of its own keys."""
        if not isinstance(here, dict | list):
            return value
        own = self.marks.get(id(here)) if here and isinstance(here, dict) and key == value else None
        return (own[0], own[1]) if own and own[0] >= value[1] else key

    def _line_starts(self) -> array[int]:
        """Where each line starts and the last one ends. The breaks that only `splitlines` knows have been refused."""
        if self._lines is None:
            self._lines = array("I", accumulate(map(len, self.text.splitlines(keepends=True)), initial=0))
        return self._lines
