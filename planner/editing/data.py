"""Edits to the data of a model file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from planner.diagnostics import Edit, Path


class CannotEdit(Exception):
    """An edit does not fit the data, or cannot be written into the text; the message says why."""


def edited(data: Any, edits: Iterable[Edit]) -> Any:
    """The data with edits made one after the other; what no edit touches is shared with the data given.

    A list or mapping that stands in several places, through an alias, changes in all of them.
    """
    twice = _twice(data)
    for edit in edits:
        changed: dict[int, Any] = {}
        whole = _changed(data, edit, edit.path, changed)
        if twice.isdisjoint(changed):
            data = whole
        else:
            data = _with_aliases(data, changed, {})
            twice = _twice(data)
    return data


def same(a: Any, b: Any) -> bool:
    """Whether two values are equal, kinds included: 1, 1.0 and true are not."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(value, b[key]) for key, value in a.items())
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def _changed(here: Any, edit: Edit, path: Path, changed: dict[int, Any]) -> Any:
    """A copy of `here` with an edit made at a path below; `changed` maps each container on the way to its copy."""
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
        raise CannotEdit(f"nothing stands at {path_text(edit.path)}")
    changed[id(here)] = new
    return new


def _changed_list(here: list[Any], edit: Edit, at: int) -> list[Any]:
    if edit.action == "set" and 0 <= at < len(here):
        return [*here[:at], edit.value, *here[at + 1 :]]
    if edit.action == "insert" and 0 <= at <= len(here):
        return [*here[:at], edit.value, *here[at:]]
    if edit.action == "remove" and 0 <= at < len(here):
        return [*here[:at], *here[at + 1 :]]
    raise CannotEdit(f"{path_text(edit.path)} cannot be changed so")


def _changed_key(here: dict[str, Any], edit: Edit, key: str) -> dict[str, Any]:
    if edit.action == "set":
        return {**here, key: edit.value}
    _entry(here, key)
    if edit.action == "remove":
        return {each: value for each, value in here.items() if each != key}
    if edit.action == "rename" and edit.value not in here:
        return {str(edit.value) if each == key else each: value for each, value in here.items()}
    raise CannotEdit(f"{path_text(edit.path)} cannot be changed so")


def _entry(here: Any, part: Any) -> Any:
    try:
        return here[part]
    except (KeyError, IndexError):
        raise CannotEdit(f"there is no {part}") from None


def _twice(data: Any) -> set[int]:
    """The ids of lists and mappings that stand in more than one place."""
    seen, twice, waiting = set[int](), set[int](), [data]
    while waiting:
        here = waiting.pop()
        if id(here) in seen:
            twice.add(id(here))
            continue
        seen.add(id(here))
        values = here.values() if isinstance(here, dict) else here
        waiting += [each for each in values if isinstance(each, (dict, list))]
    return twice


def _with_aliases(here: Any, changed: dict[int, Any], done: dict[int, Any]) -> Any:
    """A copy of `here` with the changed containers in all of their places, so that aliases stay aliases."""
    here = changed.get(id(here), here)
    if not isinstance(here, dict | list):
        return here
    if id(here) not in done:
        if isinstance(here, dict):
            done[id(here)] = {key: _with_aliases(each, changed, done) for key, each in here.items()}
        else:
            done[id(here)] = [_with_aliases(each, changed, done) for each in here]
    return done[id(here)]


def path_text(path: Path) -> str:
    return "/".join(map(str, path))
