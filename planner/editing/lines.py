"""The lines of a text that edits are about, to be read without the rest of it.

Where values are written below one another, each key or entry has lines of its own, and what these say does not depend
on the lines around them, as long as the text has no anchors.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

from planner.diagnostics import Edit, Path
from planner.source import Source
from planner.source.outline import OutlineNode, outline


def part_of(source: Source, edits: tuple[Edit, ...]) -> tuple[Source, tuple[Edit, ...]]:
    """The smallest part of a source within which edits are made, as a source of its own, and the edits in it; the whole
    where that cannot be divided.
    """
    found = source, edits
    if not edits or source.format or source.faults or _has_anchors(source.text):
        return found
    text, node = source.text, outline(source.text)
    data: Any = source.data
    end = len(text)
    path = edits[0].path
    for depth in range(min(len(edit.path) for edit in edits) - 1):
        at = _number(node, path[depth])
        if at is None or node.flow or any(edit.path[: depth + 1] != path[: depth + 1] for edit in edits):
            break
        start, end = _first(text, node, at), end if at + 1 == len(node.items) else _first(text, node, at + 1)
        if start < 0 or end < 0:
            break
        node, data = node.items[at], data[path[depth]]
        found = _part(source, edits, depth, data, text[start:end])
    return found


def _part(
    source: Source, edits: tuple[Edit, ...], depth: int, data: Any, lines: str
) -> tuple[Source, tuple[Edit, ...]]:
    """A member of a list or mapping in its lines, alone in a list or mapping under one key."""
    path = edits[0].path
    key: str | int = path[depth] if isinstance(path[depth], str) else 0
    said: Any = [data] if key == 0 else {key: data}
    head: Path = ()
    if depth:
        head = ("layers" if "layers" in path[:depth] else "blocks",)  # below `layers`, numbers may be infinite
        said, lines = {head[0]: said}, f"{head[0]}:\n{lines}"
    inner = tuple(replace(edit, path=(*head, key, *edit.path[depth + 1 :])) for edit in edits)
    return Source(said, source.file, lines), inner


def _number(node: OutlineNode, part: str | int) -> int | None:
    """The number of the member of a list or mapping with this number or key; None where there is none."""
    if node.kind == "mapping":
        return next((i for i, key in enumerate(node.keys) if key.value == part), None)
    return part if node.kind == "list" and isinstance(part, int) and 0 <= part < len(node.items) else None


def _first(text: str, node: OutlineNode, at: int) -> int:
    """Where the first line of a member of a list or mapping starts; -1 where it shares the line with something else."""
    start = (node.keys or node.items)[at].start
    line = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    before = text[line:start].strip(" ")
    return line if before == ("" if node.keys else "-") else -1


@lru_cache(maxsize=2)
def _has_anchors(text: str) -> bool:
    """Whether a value has an anchor, or stands for one that has."""
    waiting = [outline(text)]
    while waiting:
        node = waiting.pop()
        if node.anchor or node.kind == "alias":
            return True
        waiting += node.keys
        waiting += node.items
    return False
