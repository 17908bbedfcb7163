"""The lines of a text that edits are about, to be read without the rest of it.

Where values are written below one another, each key or entry has lines of its own, and what these say does not depend
on the lines around them, as long as the text has no anchors.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from planner.diagnostics import Edit, Path
from planner.source import Source
from planner.source.outline import OutlineNode, outline

Edits = tuple[Edit, ...]


def parts_of(source: Source, edits: Edits) -> list[tuple[Source, Edits]]:
    """The smallest parts of a source within which edits are made, each as a source of its own with the edits in it; the
    whole where that cannot be divided.
    """
    whole = source.format or source.faults or _has_anchors(source.text) or not all([edit.path for edit in edits])
    found = None if whole else _parts(source, edits, 0, outline(source.text), (0, len(source.text)))
    return found or [(source, edits)]


def _parts(
    source: Source, edits: Edits, depth: int, node: OutlineNode, lines: tuple[int, int]
) -> list[tuple[Source, Edits]] | None:
    """The parts of a list or mapping at a depth of the data, which stands in some lines; None where edits concern more
    than the members that it has, or where these share lines.
    """
    members: dict[str | int, list[Edit]] = {}
    for edit in edits:
        members.setdefault(edit.path[depth], []).append(edit)
    found: list[tuple[Source, Edits]] = []
    for part, inside in members.items():
        at = _number(node, part)
        if at is None or node.flow or not all(_stays(each, depth) for each in inside):
            return None
        start, end = _first(source.text, node, at), lines[1]
        if at + 1 < len(node.items):
            end = _first(source.text, node, at + 1)
        if start < 0 or end < 0:
            return None
        deep = min(len(each.path) for each in inside) > depth + 1
        within = _parts(source, tuple(inside), depth + 1, node.items[at], (start, end)) if deep else None
        found += within or [_part(source, tuple(inside), depth, source.text[start:end])]
    return found


def _stays(edit: Edit, depth: int) -> bool:
    """Whether an edit leaves the member of a list or mapping on its way where it is."""
    return len(edit.path) > depth + 1 or edit.action == "set"


def _part(source: Source, edits: Edits, depth: int, lines: str) -> tuple[Source, Edits]:
    """A member of a list or mapping in its lines, alone in a list or mapping under one key."""
    path = edits[0].path
    data = source.at(path[: depth + 1])
    key: str | int = path[depth] if isinstance(path[depth], str) else 0
    said: Any = [data] if key == 0 else {key: data}
    head: Path = ()
    if depth:
        head = ("layers" if "layers" in path[:depth] else "blocks",)  # below `layers`, numbers may be infinite
        said, lines = {head[0]: said}, f"{head[0]}:\n{lines}"
    inner = tuple(edit._replace(path=(*head, key, *edit.path[depth + 1 :])) for edit in edits)
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
