"""Lists that can be one block: what they have in common, and how they are filled up to differ in constants alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from planner.arithmetic import has_arithmetic
from planner.inputs._lists import Body, EntryData, called, defaults, is_numbered

KEPT = {"name", "type", "from", "layers", "pattern", "share", "tie", "batch_axes"}
"""Keys whose values make lists other lists when they differ."""


def skeleton(body: Body) -> object:
    """What lists that can be one block have in common."""
    return (len(body.reads), tuple(called(body, each) for each in body.gives), _shape_of(body.entries))


def _shape_of(value: Any, key: str = "") -> object:
    if isinstance(value, dict):
        own = defaults(value.get("type"))
        return tuple((name, _shape_of(each, name)) for name, each in value.items() if name not in own or name in KEPT)
    if isinstance(value, list) and key in ("layers", ""):
        return tuple(map(_shape_of, value))
    if not key or key in KEPT or has_arithmetic(value):
        return repr(value)
    return type(value).__name__


def fill_up(group: Sequence[Body]) -> None:
    """Write an argument out in all lists of a group that one of them has, so that it can be a parameter."""

    def fill(lists: Sequence[list[EntryData]]) -> None:
        for entries in zip(*lists, strict=True):
            if all("layers" in each for each in entries):
                fill([each["layers"] for each in entries])
            own = defaults(entries[0].get("type"))
            for name in [name for name in own if any(name in each for each in entries)]:
                for each in entries:
                    each.setdefault(name, own[name])

    fill([body.entries for body in group])


def with_optional_parts(alike: Mapping[object, list[Body]]) -> list[list[Body]]:
    """The groups of lists that are alike; a group without an entry that another one has besides joins that one, which
    then has the entry by a parameter: what is left out hands on what it would read.
    """
    groups = list(alike.values())
    for larger in groups:
        for smaller in groups:
            if smaller is larger or not smaller or not larger or len(smaller[0].entries) + 1 != len(larger[0].entries):
                continue
            at = _extra(larger[0], smaller[0])
            if at is not None:
                extra = larger[0].entries[at]
                for body in smaller:
                    body.entries = [
                        *body.entries[:at],
                        {**_open(extra), WHEN: False},
                        *_renamed(body.entries[at:], larger[0].entries[at + 1 :]),
                    ]
                for body in larger:
                    body.entries[at] = {**body.entries[at], WHEN: True}
                larger += smaller
                smaller.clear()
    return [group for group in groups if group]


WHEN = "when"


class _Anything:
    """The value of an argument of an entry that is left out: any will do."""


ANYTHING = _Anything()


def _open(entry: EntryData) -> EntryData:
    """An entry that is left out, whose constants may be any."""
    return {
        key: [_open(each) for each in value] if key == "layers" else value if key in KEPT else ANYTHING
        for key, value in entry.items()
    }


def _extra(larger: Body, smaller: Body) -> int | None:
    """Which entry one list has more than another, if that is all in which they differ."""
    if len(larger.reads) != len(smaller.reads) or is_numbered(larger) or is_numbered(smaller):
        return None
    for at, extra in enumerate(larger.entries):
        name, source = extra.get("name"), extra.get("from")
        follows = larger.entries[at + 1 : at + 2]
        if name is None or not isinstance(source, str) or not follows or "from" not in follows[0]:
            continue  # what reads it without naming it would read another one where it is left out
        rest = [*larger.entries[:at], *(_without(each, name, source) for each in larger.entries[at + 1 :])]
        if _shape_of(rest) == _shape_of(smaller.entries):
            gives = [called(body, each) for body in (larger, smaller) for each in body.gives]
            return at if name not in gives and len(set(gives)) <= 1 else None
    return None


def _without(entry: EntryData, name: str, source: str) -> EntryData:
    """An entry that reads what a left-out one would."""
    read = entry.get("from")
    if read is None:
        return entry
    new = [source if each == name else each for each in (read if isinstance(read, list) else [read])]
    return {**entry, "from": new if isinstance(read, list) else new[0]}


def _renamed(entries: Sequence[EntryData], like: Sequence[EntryData]) -> list[EntryData]:
    """Entries that read what those of another list read."""
    return [
        {**each, "from": other["from"]} if "from" in other else each for each, other in zip(entries, like, strict=True)
    ]


def constants_of(entries: list[EntryData], at: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The constants of entries, each with its place."""
    for i, entry in enumerate(entries):
        for key, value in entry.items():
            if key == "layers":
                yield from constants_of(value, (*at, i, key))
            elif key not in KEPT:
                yield (*at, i, key), value
