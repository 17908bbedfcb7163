"""Edits to the text of a model file: splices in the style of the surrounding text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from planner.diagnostics import Edit, Path
from planner.editing.data import CannotEdit, path_text
from planner.source.outline import OutlineNode, outline


class Splice(NamedTuple):
    """A change to a text: the characters from `start` to `end` are replaced by `text`."""

    start: int
    end: int
    text: str


Splices = tuple[Splice, ...]
"""Changes to a text that do not overlap, from its beginning to its end; all offsets are those before the changes."""


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """The text with the changes made."""
    for start, end, new in reversed([*splices]):
        text = text[:start] + new + text[end:]
    return text


def splices_of(text: str, edits: Iterable[Edit]) -> Splices:
    """The splices of the whole text that a sequence of edits comes to."""
    pieces = [_Piece(text, 0)]
    for edit in edits:
        now = "".join(piece.text for piece in pieces)
        for splice in reversed(_EditedText(now).splices(edit)):
            before, behind = _parted(pieces, splice.start)
            pieces = [*before, _Piece(splice.text), *_parted(behind, splice.end - splice.start)[1]]
    found, at, new = [], 0, ""
    for piece in (*filter(lambda piece: piece.text, pieces), _Piece("", len(text))):
        if piece.origin is None:
            new += piece.text
            continue
        if new or piece.origin > at:
            found.append(Splice(at, piece.origin, new))
        at, new = piece.origin + len(piece.text), ""
    return tuple(found)


def _one(start: int, end: int, new: str) -> Splices:
    return (Splice(start, end, new),)


class _Piece(NamedTuple):
    """A piece of the edited text, and its place before the first edit; None for text that an edit brought."""

    text: str
    origin: int | None = None


def _parted(pieces: Sequence[_Piece], at: int) -> tuple[list[_Piece], list[_Piece]]:
    """The pieces before a place and those after; a piece across the place is cut in two."""
    for i, (text, origin) in enumerate(pieces):
        if at <= len(text):
            behind = _Piece(text[at:], None if origin is None else origin + at)
            return [*pieces[:i], _Piece(text[:at], origin)], [behind, *pieces[i + 1 :]]
        at -= len(text)
    return [*pieces], []


class _EditedText:
    """A text to which one edit is made."""

    def __init__(self, text: str) -> None:
        self.text = text
        newline = re.search(r"\r\n|\n|\r", text)
        self.newline = newline[0] if newline else "\n"

    def splices(self, edit: Edit) -> Splices:
        holder = self.find(edit.path[:-1])
        last = edit.path[-1]
        if edit.action == "insert" and holder.kind == "list" and isinstance(last, int):
            return self.with_entry(holder, last, edit.value)
        at = self.index(holder, last)
        if edit.action == "set":
            if at is None:
                return self.with_key(holder, str(last), edit.value)
            return self.with_value(holder.keys[at] if holder.keys else None, holder.items[at], edit.value)
        if at is None:
            raise CannotEdit(f"{path_text(edit.path)} is not written there")
        if edit.action == "remove":
            return self.without(holder, at)
        key = holder.keys[at]
        return _one(key.start, key.end, _scalar(str(edit.value), key.quote))

    def find(self, path: Path) -> OutlineNode:
        """The node at a path; an alias leads to its anchor."""
        root = outline(self.text)
        here = root
        for part in path:
            at = self.index(here, part)
            if at is None:
                raise CannotEdit(f"{path_text(path)} is not written there")
            here = here.items[at]
            if here.kind == "alias":
                here = _anchored(root, here)
        return here

    def index(self, holder: OutlineNode, part: str | int) -> int | None:
        """The number of the member of a list or mapping with this number or key; None where none is written."""
        if holder.kind == "mapping":
            return next((i for i, key in enumerate(holder.keys) if key.value == str(part)), None)
        if holder.kind == "list" and isinstance(part, int) and 0 <= part < len(holder.items):
            return part
        raise CannotEdit("it is written in another way")

    # Lines

    def line_start(self, at: int) -> int:
        return max(self.text.rfind("\n", 0, at), self.text.rfind("\r", 0, at)) + 1

    def line_end(self, at: int) -> int:
        """Where the line that holds `at` ends, before its break."""
        found = re.compile(r"[\r\n]|\Z").search(self.text, at)
        assert found is not None
        return found.start()

    def next_line(self, at: int) -> int:
        """The start of the line after `at`; the end of the text where there is none."""
        found = re.compile(r"\r\n|\n|\r|\Z").search(self.text, at)
        assert found is not None
        return found.end()

    def indent(self, at: int) -> str:
        """The blanks that lead to the column of `at`."""
        return " " * (at - self.line_start(at))

    def begins_line(self, at: int) -> bool:
        return not self.text[self.line_start(at) : at].strip()

    def ends_line(self, at: int) -> bool:
        """Whether only a comma and a comment follow between `at` and the end of the line."""
        return re.fullmatch(r"\s*,?\s*(#.*)?", self.text[at : self.line_end(at)]) is not None

    def behind(self, key: OutlineNode) -> int:
        """The end of a key with its colon; within brackets, a key may have none."""
        colon = re.compile(r"\s*:").match(self.text, key.end)
        return colon.end() if colon else key.end

    def dash(self, entry: OutlineNode) -> re.Match[str]:
        """The match of a list entry's line up to the entry; the blanks before and after its dash are groups."""
        found = re.compile(r"( *)-( +)").match(self.text, self.line_start(entry.start))
        if found is None or found.end() != entry.start:
            raise CannotEdit("the list is written in another way")
        return found

    def span(self, holder: OutlineNode, at: int) -> tuple[int, int]:
        """The start and the end of a member of a list or mapping, with its key."""
        item = holder.items[at]
        if not holder.keys:
            return item.start, item.end
        return holder.keys[at].start, max(item.end, self.behind(holder.keys[at]))

    def with_line(self, at: int, line: str) -> Splices:
        """The splice that adds a line after the line of `at`."""
        end = self.line_end(at)
        return _one(end, end, self.newline + line)

    # What edits do

    def with_value(self, key: OutlineNode | None, old: OutlineNode, value: object) -> Splices:
        """The splices that replace a value; the new value starts on the line of the old one."""
        if old.anchor:
            raise CannotEdit("the value has an anchor")
        new = written(value, old.quote if isinstance(value, str) else "")
        if old.start == old.end and old.kind == "scalar":  # `width:` without a value
            if key is not None and self.behind(key) == key.end:  # `{width}`, without its colon
                return _one(key.end, key.end, f": {new}")
            blank = "" if self.text[old.start - 1 : old.start] == " " else " "
            return _one(old.start, old.end, blank + new)
        if old.kind in ("list", "mapping") and not old.flow and key is not None:
            colon = self.behind(key)
            rest = self.text[colon : self.line_end(colon)]
            kept = rest if rest.strip().startswith("#") else ""
            return _one(colon, old.end, f" {new}{kept}")
        return _one(old.start, old.end, new)

    def with_key(self, holder: OutlineNode, key: str, value: object) -> Splices:
        """The splices that add a key at the end of a mapping."""
        if holder.kind != "mapping":
            raise CannotEdit("no mapping stands there")
        new = f"{_scalar(key)}: {written(value)}"
        if not holder.items:
            return _one(holder.end - 1, holder.end - 1, new)
        start, end = self.span(holder, -1)
        if not holder.flow:
            return self.with_line(end, self.indent(start) + new)
        if len(holder.items) > 1 and self.begins_line(start) and self.ends_line(end):
            return self.with_flow_line(end, self.indent(start) + new)
        return _one(end, end, f", {new}")

    def with_flow_line(self, end: int, line: str) -> Splices:
        """The splices that add a line within brackets, after the item that ends at `end`, with commas as before."""
        comma = re.compile(r"\s*,").match(self.text, end)
        if comma:
            return self.with_line(end, f"{line},")
        return Splice(end, end, ","), *self.with_line(end, line)

    def without(self, holder: OutlineNode, at: int) -> Splices:
        """The splices that remove a member of a mapping or list, with a line that held nothing else."""
        if len(holder.items) == 1:
            raise CannotEdit(f"it is the only {'key' if holder.keys else 'entry'} of its {holder.kind}")
        start, end = self.span(holder, at)
        if holder.kind == "list" and not holder.flow:
            if not self.ends_line(end):
                raise CannotEdit("the list is written in another way")
            return _one(self.dash(holder.items[at]).start(), self.next_line(end), "")
        if self.begins_line(start) and self.ends_line(end) and (at or holder.flow or self.begins_line(holder.start)):
            return _one(self.line_start(start), self.next_line(end), "")
        if at + 1 < len(holder.items):
            after, _ = self.span(holder, at + 1)
            if "#" in self.text[self.line_end(end) : after]:  # the comment belongs to the next key, and stays
                return _one(start, self.line_end(end), "")
            return _one(start, after, "")
        _, before = self.span(holder, at - 1)
        return _one(before, end, "")

    def with_entry(self, holder: OutlineNode, at: int, value: object) -> Splices:
        """The splices that add an entry to a list, before the entry of this number or at the end."""
        if not holder.items:
            return _one(holder.end - 1, holder.end - 1, written(value))
        near = holder.items[min(at, len(holder.items) - 1)]
        if holder.flow:
            new = written(value)
            alone = self.begins_line(near.start)
            if at == len(holder.items):
                if alone and self.ends_line(near.end):
                    return self.with_flow_line(near.end, self.indent(near.start) + new)
                return _one(near.end, near.end, f", {new}")
            between = f",{self.newline}{self.indent(near.start)}" if alone else ", "
            return _one(near.start, near.start, new + between)
        dash = self.dash(near)
        new = self.entry(near, value, dash[1], dash[2])
        if at == len(holder.items):
            return self.with_line(near.end, new)
        return _one(dash.start(), dash.start(), new + self.newline)

    def entry(self, near: OutlineNode, value: object, indent: str, gap: str) -> str:
        """The text of an entry of a block list, in the style of the neighbouring entry."""
        if near.kind == "mapping" and not near.flow and isinstance(value, dict):
            pairs = [f"{_scalar(key)}: {written(each)}" for key, each in value.items()]
            return f"{indent}-{gap}" + f"{self.newline}{indent} {gap}".join(pairs)
        return f"{indent}-{gap}{written(value)}"


def _anchored(root: OutlineNode, alias: OutlineNode) -> OutlineNode:
    """The node that an alias stands for: the last one above with that anchor."""
    found, waiting = None, [root]
    while waiting:
        node = waiting.pop()
        if node.anchor == alias.value and node.start < alias.start and (found is None or node.start > found.start):
            found = node
        waiting += node.items
    if found is None:
        raise CannotEdit(f"there is no anchor &{alias.value}")
    return found


# Values


def written(value: object, quote: str = "") -> str:
    """A value as YAML on one line, within brackets or not: a text that would need quotes there has them everywhere."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(str(key))}: {written(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(written, value)) + "]"
    return _scalar(value, quote)


_PLAIN = re.compile(r"[^\W\d]([\w.+*/$ -]*[\w.$])?|(?=.*\$)[\w$][\w.+*/$ -]*\w")
_OTHERWISE = {"null", "true", "false"}


def _scalar(value: object, quote: str = "") -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return repr(value).replace("inf", ".inf") if value == value else json.dumps(str(value))
    if not isinstance(value, str):
        return str(value)
    if quote == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    if quote != '"' and _PLAIN.fullmatch(value) and value.lower() not in _OTHERWISE and value.isprintable():
        return value
    return json.dumps(value, ensure_ascii=False)
