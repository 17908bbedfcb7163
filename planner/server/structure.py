"""The structure of a file: its symbols, and what can be folded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from planner.diagnostics import Path
from planner.outputs.plan.table import shapes_text
from planner.server.document import Document, is_entry
from planner.server.text import Passage
from planner.source import Translated
from planner.source.outline import OutlineNode

SymbolKind = Literal["section", "input", "parameter", "layer", "block"]


@dataclass(frozen=True, slots=True)
class NamedPart:
    """A part of a file that has a name.

    whole  all of its text
    name_at  the text that is shown when it is chosen
    """

    name: str
    kind: SymbolKind
    detail: str
    whole: Passage
    name_at: Passage
    inner: tuple[NamedPart, ...] = ()


def symbols(document: Document) -> list[NamedPart]:
    """The sections of a file with what is in them."""
    root = document.outline
    if root is None or root.kind != "mapping" or not document.is_model:
        return []
    return list(_members(document, root, ()))


_SECTIONS = {"input": "input", "params": "parameter", "blocks": "block"}


def _members(document: Document, node: OutlineNode, path: Path) -> Iterator[NamedPart]:
    """The symbols of a section or a block."""
    mark = document.mark
    for key, item in zip(node.keys, node.items, strict=True):
        at = (*path, key.value)
        whole = Passage(key.start + mark, max(item.end, key.end) + mark)
        name_at = Passage(key.start + mark, key.end + mark)
        if not path:
            yield NamedPart(key.value, "section", "", whole, name_at, tuple(_inner(document, item, at)))
        elif path == ("blocks",):
            inner = _members(document, item, at) if item.kind == "mapping" else ()
            yield NamedPart(key.value, "block", "", whole, name_at, tuple(inner))
        elif path[-1] in ("params", "input"):
            kind: SymbolKind = "parameter" if path[-1] == "params" else "input"
            yield NamedPart(key.value, kind, document.text.text[item.start + mark : item.end + mark], whole, name_at)
        elif key.value in ("params", "layers"):
            yield NamedPart(key.value, "section", "", whole, name_at, tuple(_inner(document, item, at)))


def _inner(document: Document, item: OutlineNode, path: Path) -> Iterator[NamedPart]:
    if path[-1] == "layers" and item.kind == "list":
        yield from _entries(document, item, path)
    elif item.kind == "mapping" and path[-1] in ("params", "input", "blocks"):
        yield from _members(document, item, path)
    elif isinstance(document.source, Translated) and item.kind == "list":
        yield from _rows(document, document.source, item, path)


def _rows(document: Document, source: Translated, node: OutlineNode, home: Path) -> Iterator[NamedPart]:
    """The rows of a file of another format, by the names that their layers have."""
    rows = {source.origin(path): copies for path, copies in document.copies.items()}
    for i, item in enumerate(node.items):
        for copy in rows.get((*home, i), ())[:1]:
            detail = " → ".join(filter(None, [copy.type, shapes_text(document.shapes(copy))]))
            whole = Passage(item.start + document.mark, item.end + document.mark)
            yield NamedPart(copy.name, "layer", detail, whole, whole)


def _entries(document: Document, node: OutlineNode, home: Path) -> Iterator[NamedPart]:
    mark = document.mark
    names = {entry: name for (place, name), entry in reversed([*document.local.items()]) if place == home}
    for i, item in enumerate(node.items):
        path = (*home, i)
        if item.kind != "mapping" or not is_entry(path):
            continue
        kind, inner = item.at(("type",)), item.at(("layers",))
        given = item.at(("name",))
        name = given.value if given is not None else names.get(path, str(i))
        shapes = dict.fromkeys(shapes_text(document.shapes(each)) for each in document.copies.get(path, ()))
        shape = next(iter(shapes), "")
        detail = " → ".join(filter(None, [kind.value if kind is not None else "", shape]))
        whole = Passage(item.start + mark, item.end + mark)
        at = given if given is not None else kind if kind is not None else item.keys[0] if item.keys else item
        children = _entries(document, inner, (*path, "layers")) if inner is not None and inner.kind == "list" else ()
        yield NamedPart(name or "?", "layer", detail, whole, Passage(at.start + mark, at.end + mark), tuple(children))


_COMMENT = re.compile(r"[ \t]*#")


def folds(document: Document) -> list[tuple[int, int, bool]]:
    """The stretches of lines that can be folded, from the first line to the last; and whether they are a comment."""
    found: dict[int, tuple[int, int, bool]] = {}
    waiting = [document.outline] if document.outline is not None else []
    line_at = document.text.line_at
    while waiting:
        node = waiting.pop()
        starts = node.keys or node.items
        for start, item in zip(starts, node.items, strict=True):
            first, last = line_at(start.start + document.mark), line_at(item.end + document.mark)
            if last > first and item.kind in ("mapping", "list"):
                found[first] = max(found.get(first, (first, last, False)), (first, last, False))
            waiting.append(item)
    lines = document.text.splitlines()
    at = 0
    while at < len(lines):
        end = at
        while end < len(lines) and _COMMENT.match(lines[end]):
            end += 1
        if end - at > 1:
            found.setdefault(at, (at, end - 1, True))
        at = max(end, at + 1)
    return sorted(found.values())
