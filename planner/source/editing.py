"""Edits to a model: to its data, and to its text, in which everything else stays as it was written.

Both are done, the text is read again, and what it says must be what the data say: else the edit cannot be written.
A file's layout is kept: a new key stands as the keys around it do, on a line of its own or behind the last one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from planner.diagnostics import Edit, Fault, Path
from planner.source.files import parse
from planner.source.outline import Node, outline
from planner.source.places import Source


class CannotEdit(Exception):
    """The edit does not fit the data, or cannot be written into the text; the text says why."""


def edited(data: Any, edits: Iterable[Edit]) -> Any:
    """The data with the edits made, one after the other; what they do not touch is shared with the data given.

    A list or mapping that stands in several places, through an alias, changes in all of them.
    """
    for edit in edits:
        changed: dict[int, Any] = {}
        whole = _changed(data, edit, edit.path, changed)
        data = _with_aliases(data, changed, {}) if _any_twice(data, changed) else whole
    return data


def rewritten(source: Source, edits: Iterable[Edit]) -> Source:
    """The source with the edits made in its text; raises CannotEdit where the text would not say what is meant."""
    edits = tuple(edits)
    meant = edited(source.data, edits)
    text = source.text
    for edit in edits:
        text = _Text(text).edited(edit)
    try:
        found = parse(text, source.file)
    except Fault as fault:
        raise CannotEdit(f"the text could not be read any more: {fault.message}") from None
    if not same(found.data, meant):
        raise CannotEdit("it would change other places too, through an anchor or a merge key")
    return found


def same(a: Any, b: Any) -> bool:
    """Whether two values are equal, kinds included: 1, 1.0 and true are not."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(value, b[key]) for key, value in a.items())
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


# The data


def _changed(here: Any, edit: Edit, path: Path, changed: dict[int, Any]) -> Any:
    """`here` with an edit made at the path below it; `changed` is told what became of each container on the way."""
    if not path:
        raise CannotEdit("the model file as a whole is not replaced")
    part, rest = path[0], path[1:]
    if isinstance(here, dict):
        key = str(part)
        if rest:
            new: Any = {**here, key: _changed(_entry(here, key), edit, rest, changed)}
        else:
            new = _changed_key(here, edit, key)
    elif isinstance(here, list) and isinstance(part, int):
        if rest:
            new = [*here[:part], _changed(_entry(here, part), edit, rest, changed), *here[part + 1 :]]
        else:
            new = _changed_list(here, edit, part)
    else:
        raise CannotEdit(f"nothing stands at {_path(edit.path)}")
    changed[id(here)] = new
    return new


def _changed_list(here: list[Any], edit: Edit, at: int) -> list[Any]:
    if edit.action == "set" and 0 <= at < len(here):
        return [*here[:at], edit.value, *here[at + 1 :]]
    if edit.action == "insert" and 0 <= at <= len(here):
        return [*here[:at], edit.value, *here[at:]]
    raise CannotEdit(f"{_path(edit.path)} cannot be changed so")


def _changed_key(here: dict[str, Any], edit: Edit, key: str) -> dict[str, Any]:
    if edit.action == "set":
        return {**here, key: edit.value}
    _entry(here, key)
    if edit.action == "remove":
        return {each: value for each, value in here.items() if each != key}
    if edit.action == "rename" and edit.value not in here:
        return {str(edit.value) if each == key else each: value for each, value in here.items()}
    raise CannotEdit(f"{_path(edit.path)} cannot be changed so")


def _entry(here: Any, part: Any) -> Any:
    try:
        return here[part]
    except (KeyError, IndexError):
        raise CannotEdit(f"there is no {part}") from None


def _any_twice(data: Any, wanted: dict[int, Any]) -> bool:
    """Whether one of the lists and mappings wanted stands in more than one place."""
    seen, waiting = set(), [data]
    while waiting:
        here = waiting.pop()
        if not isinstance(here, dict | list):
            continue
        if id(here) in seen:
            if id(here) in wanted:
                return True
            continue
        seen.add(id(here))
        waiting += here.values() if isinstance(here, dict) else here
    return False


def _with_aliases(here: Any, changed: dict[int, Any], done: dict[int, Any]) -> Any:
    """`here` with what has changed put in all its places; what was in several places before is so after."""
    here = changed.get(id(here), here)
    if not isinstance(here, dict | list):
        return here
    if id(here) not in done:
        if isinstance(here, dict):
            done[id(here)] = {key: _with_aliases(each, changed, done) for key, each in here.items()}
        else:
            done[id(here)] = [_with_aliases(each, changed, done) for each in here]
    return done[id(here)]


def _path(path: Path) -> str:
    return "/".join(map(str, path))


# The text


class _Text:
    """A text to be edited once."""

    def __init__(self, text: str) -> None:
        self.text = text
        newline = re.search(r"\r\n|\n|\r", text)
        self.newline = newline[0] if newline else "\n"

    def edited(self, edit: Edit) -> str:
        holder = self.find(edit.path[:-1])
        last = edit.path[-1]
        if edit.action == "insert" and holder.kind == "list" and isinstance(last, int):
            return self.with_entry(holder, last, edit.value)
        at = self.index(holder, last)
        if edit.action == "set":
            if at is None:
                return self.with_key(holder, str(last), edit.value)
            return self.with_value(holder.keys[at] if holder.keys else None, holder.items[at], edit.value, holder.flow)
        if at is None or holder.kind != "mapping":
            raise CannotEdit(f"{_path(edit.path)} is not written there")
        if edit.action == "remove":
            return self.without(holder, at)
        key = holder.keys[at]
        return self.spliced(key.start, key.end, _scalar(str(edit.value), key.quote, flow=True))

    def find(self, path: Path) -> Node:
        """What stands at a path; an alias is followed to its anchor."""
        root = outline(self.text)
        here = root
        for part in path:
            at = self.index(here, part)
            if at is None:
                raise CannotEdit(f"{_path(path)} is not written there")
            here = here.items[at]
            if here.kind == "alias":
                here = _anchored(root, here)
        return here

    def index(self, holder: Node, part: str | int) -> int | None:
        """Which of the items of a list or mapping has this number or key; None where none is written there."""
        if holder.kind == "mapping":
            return next((i for i, key in enumerate(holder.keys) if key.value == str(part)), None)
        if holder.kind == "list" and isinstance(part, int) and 0 <= part < len(holder.items):
            return part
        raise CannotEdit("it is written in another way")

    def spliced(self, start: int, end: int, new: str) -> str:
        return self.text[:start] + new + self.text[end:]

    # Lines

    def line_start(self, at: int) -> int:
        return max(self.text.rfind("\n", 0, at), self.text.rfind("\r", 0, at)) + 1

    def line_end(self, at: int) -> int:
        """Where the line that holds `at` ends, before its break."""
        found = re.compile(r"[\r\n]|\Z").search(self.text, at)
        assert found is not None
        return found.start()

    def next_line(self, at: int) -> int:
        """Where the line after the one that holds `at` starts; the end of the text where there is none."""
        found = re.compile(r"\r\n|\n|\r|\Z").search(self.text, at)
        assert found is not None
        return found.end()

    def indent(self, at: int) -> str:
        """Blanks up to the column of `at`."""
        return " " * (at - self.line_start(at))

    def begins_line(self, at: int) -> bool:
        return not self.text[self.line_start(at) : at].strip()

    def ends_line(self, at: int) -> bool:
        """Whether nothing but a comma and a comment stands between `at` and the end of its line."""
        return re.fullmatch(r"\s*,?\s*(#.*)?", self.text[at : self.line_end(at)]) is not None

    def behind(self, key: Node) -> int:
        """Where a key ends with its colon; in brackets it may stand without."""
        colon = re.compile(r"\s*:").match(self.text, key.end)
        return colon.end() if colon else key.end

    def with_line(self, at: int, line: str) -> str:
        """The text with one more line after the one that holds `at`."""
        end = self.line_end(at)
        return self.spliced(end, end, self.newline + line)

    # What edits do

    def with_value(self, key: Node | None, old: Node, value: object, flow: bool) -> str:
        """One value replaced by another one, which is written on the line where the old one began."""
        if old.anchor:
            raise CannotEdit("the value has an anchor")
        new = written(value, old.quote if isinstance(value, str) else "", flow=flow)
        if old.start == old.end and old.kind == "scalar":  # `width:` without a value
            if key is not None and self.behind(key) == key.end:  # `{width}`, without its colon
                return self.spliced(key.end, key.end, f": {new}")
            blank = "" if self.text[old.start - 1 : old.start] == " " else " "
            return self.spliced(old.start, old.end, blank + new)
        if old.kind in ("list", "mapping") and not old.flow and key is not None:
            colon = self.behind(key)
            rest = self.text[colon : self.line_end(colon)]
            kept = rest if rest.strip().startswith("#") else ""
            return self.spliced(colon, old.end, f" {new}{kept}")
        return self.spliced(old.start, old.end, new)

    def with_key(self, holder: Node, key: str, value: object) -> str:
        """One more key at the end of a mapping."""
        if holder.kind != "mapping":
            raise CannotEdit("no mapping stands there")
        new = f"{_scalar(key, flow=holder.flow)}: {written(value, flow=holder.flow)}"
        if not holder.items:
            return self.spliced(holder.end - 1, holder.end - 1, new)
        first, last = holder.keys[-1], holder.items[-1]
        end = max(last.end, self.behind(first))
        if not holder.flow:
            return self.with_line(end, self.indent(first.start) + new)
        if len(holder.items) > 1 and self.begins_line(first.start) and self.ends_line(end):
            return self.with_flow_line(end, self.indent(first.start) + new)
        return self.spliced(end, end, f", {new}")

    def with_flow_line(self, end: int, line: str) -> str:
        """One more line in brackets, after the item that ends at `end`, with commas as there were."""
        comma = re.compile(r"\s*,").match(self.text, end)
        if comma:
            return self.with_line(end, f"{line},")
        return _Text(self.with_line(end, line)).spliced(end, end, ",")

    def without(self, holder: Node, at: int) -> str:
        """A mapping without one of its keys; a line that held nothing else goes with it."""
        if len(holder.items) == 1:
            raise CannotEdit("it is the only key of its mapping")
        start = holder.keys[at].start
        end = max(holder.items[at].end, self.behind(holder.keys[at]))
        if self.begins_line(start) and self.ends_line(end) and (at or holder.flow or self.begins_line(holder.start)):
            return self.spliced(self.line_start(start), self.next_line(end), "")
        if at + 1 < len(holder.items):
            after = holder.keys[at + 1].start
            if "#" in self.text[self.line_end(end) : after]:  # a comment of the next key's, which stays
                return self.spliced(start, self.line_end(end), "")
            return self.spliced(start, after, "")
        before = max(holder.items[at - 1].end, self.behind(holder.keys[at - 1]))
        return self.spliced(before, end, "")

    def with_entry(self, holder: Node, at: int, value: object) -> str:
        """A list with one more entry before the one that has the number, or at its end."""
        if not holder.items:
            return self.spliced(holder.end - 1, holder.end - 1, written(value, flow=True))
        near = holder.items[min(at, len(holder.items) - 1)]
        if holder.flow:
            new = written(value, flow=True)
            alone = self.begins_line(near.start)
            if at == len(holder.items):
                if alone and self.ends_line(near.end):
                    return self.with_flow_line(near.end, self.indent(near.start) + new)
                return self.spliced(near.end, near.end, f", {new}")
            between = f",{self.newline}{self.indent(near.start)}" if alone else ", "
            return self.spliced(near.start, near.start, new + between)
        line = self.line_start(near.start)
        dash = re.compile(r"( *)-( +)").match(self.text, line)
        if dash is None or dash.end() != near.start:
            raise CannotEdit("the list is written in another way")
        new = self.entry(near, value, dash[1], dash[2])
        if at == len(holder.items):
            return self.with_line(near.end, new)
        return self.spliced(line, line, new + self.newline)

    def entry(self, near: Node, value: object, indent: str, gap: str) -> str:
        """An entry of a block list, in the style of the one beside it."""
        if near.kind == "mapping" and not near.flow and isinstance(value, dict):
            pairs = [f"{_scalar(key)}: {written(each)}" for key, each in value.items()]
            return f"{indent}-{gap}" + f"{self.newline}{indent} {gap}".join(pairs)
        return f"{indent}-{gap}{written(value)}"


def _anchored(root: Node, alias: Node) -> Node:
    """What an alias stands for: the last value above it with that anchor."""
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


def written(value: object, quote: str = "", *, flow: bool = False) -> str:
    """A value as YAML on one line; within brackets a text needs its quotes more often."""
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(f"{_scalar(str(key), flow=True)}: {written(each, flow=True)}" for key, each in value.items())
            + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(written(each, flow=True) for each in value) + "]"
    return _scalar(value, quote, flow=flow)


_PLAIN = re.compile(r"[^\W\d]([\w.+*/$ -]*[\w.$])?|(?=.*\$)[\w$][\w.+*/$ -]*\w")
_OTHERWISE = {"null", "true", "false"}


def _scalar(value: object, quote: str = "", *, flow: bool = False) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return repr(value) if value == value and abs(value) != float("inf") else json.dumps(str(value))
    if not isinstance(value, str):
        return str(value)
    if quote == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    if quote != '"' and _PLAIN.fullmatch(value) and value.lower() not in _OTHERWISE and value.isprintable():
        return value
    return json.dumps(value, ensure_ascii=False)
