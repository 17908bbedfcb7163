"""From a graph to the entries of a model file: calls of modules become blocks, equal ones a single block with
parameters, and runs of them `repeat`. The inverse of `unfolding`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from planner.inputs._alike import ANYTHING, WHEN, constants_of, fill_up, skeleton, with_optional_parts
from planner.inputs._graph import Graph, NotAlike
from planner.inputs._lists import (
    Body,
    EntryData,
    FoldedBlock,
    called,
    defaults,
    entries_of,
    inputs_of,
    listed,
    plain,
    same,
)


def folded(graph: Graph) -> tuple[list[EntryData], dict[str, FoldedBlock], list[str]]:
    """The entries of the file's list of layers, its blocks, and the names of its outputs, none for the last entry's."""
    body = listed(graph)
    blocks: dict[str, FoldedBlock] = {}
    alone = len(graph.outputs) == 1 and graph.outputs == body.items[-1].gives
    outputs = [] if alone else [called(body, each) for each in graph.outputs]
    entries = _parts_folded(body, blocks)
    for block in blocks.values():
        block.entries = _without_defaults(block.entries, blocks)
    return _without_defaults(entries, blocks), blocks, outputs


def _without_defaults(entries: list[EntryData], blocks: Mapping[str, FoldedBlock]) -> list[EntryData]:
    """Entries without the arguments that a block has anyway."""
    found = []
    for entry in entries:
        own = blocks[entry["type"]].params if entry.get("type") in blocks else {}
        new = {key: value for key, value in entry.items() if own.get(key) is None or not same(own[key], value)}
        found.append({**new, "layers": _without_defaults(new["layers"], blocks)} if "layers" in new else new)
    return found


def _parts_folded(top: Body, blocks: dict[str, FoldedBlock]) -> list[EntryData]:
    """The entries of the outermost list, after all lists within it have become blocks, or entries with lists."""
    bodies: list[Body] = []

    def walk(body: Body) -> None:
        for item in body.items:
            if item.body is not None:
                walk(item.body)
                bodies.append(item.body)

    walk(top)
    heights = _heights(bodies)
    for height in sorted(set(heights.values())):
        alike: dict[object, list[Body]] = {}
        for body in (each for each in bodies if heights[each] == height):
            body.entries = entries_of(body)
            alike.setdefault(skeleton(body), []).append(body)
        for group in with_optional_parts(alike):
            fill_up(group)
            if not _is_plain(group[0]) or _saves_lines(group):
                _as_block(group, blocks)
    _must_share(top)
    return entries_of(top)


def _must_share(body: Body) -> None:
    """Raise NotAlike where a module that is called again is another block than at first."""
    for item in body.items:
        if item.body is not None:
            first = item.shares.body if item.shares is not None else item.body
            if first is None or first.block is not item.body.block:
                raise NotAlike(item.body.path)
            _must_share(item.body)


def _heights(bodies: Sequence[Body]) -> dict[Body, int]:
    """How high each list stands above those within it; lists of one class of modules stand equally high, so that they
    are compared when all that stands in them is written.
    """
    kinds = {body: id(body) if body.kind in ("Sequential", "ModuleList") else body.kind for body in bodies}
    found: dict[object, int] = dict.fromkeys(kinds.values(), 1)
    for _ in bodies:
        before = dict(found)
        for body in bodies:
            found[kinds[body]] = max(found[kinds[body]], *(found[kinds[each]] + 1 for each in body.inner), 1)
        if found == before:
            return {body: found[kind] for body, kind in kinds.items()}
    own: dict[Body, int] = {}  # a class within itself
    for body in bodies:  # those within come first
        own[body] = 1 + max((own[each] for each in body.inner), default=0)
    return own


FEWER = 3
"""Lines that a block of lists without a class of their own must save, so that a reader goes to another place for it."""


def _saves_lines(group: list[Body]) -> bool:
    """Whether lists that are alike read better as a block: modules of one class do, and one that is called again."""
    if group[0].kind not in ("Sequential", "ModuleList") or len({body.path for body in group}) < len(group):
        return len(group) > 1
    lines = len(group[0].entries)
    return len(group) * (lines + 2) - (len(group) + lines + 3) >= FEWER


def _is_plain(body: Body) -> bool:
    """Whether a list can stand in place: it reads one tensor, and gives what its last entry gives."""
    return len(body.reads) == 1 and body.gives_its_last


def _as_block(group: list[Body], blocks: dict[str, FoldedBlock]) -> None:
    """Make one block of lists that are alike, with a parameter for what they differ in."""
    first = group[0]
    constants = [dict(constants_of(body.entries)) for body in group]
    params: dict[str, tuple[Any, ...]] = {}
    places: dict[tuple[Any, ...], str] = {}
    for place in constants[0]:
        values = tuple(each.get(place, ANYTHING) for each in constants)
        known = [value for value in values if value is not ANYTHING]
        key = _said_at(place, first.entries)
        text = _expression(key, values, params) if params else None
        if all(same(value, known[0]) for value in known) and (text is None or len(known) == len(values)):
            continue
        if text is None:
            values = tuple(known[0] if value is ANYTHING else value for value in values)
            text = _new_param(key, values, params)
        places[place] = text
    name = _block_name(first, blocks)
    defaults = {
        param: values[-1] for param, values in params.items() if _is_usual(param, values, places, first.entries, blocks)
    }
    entries = plain(_with_params(first.entries, places))
    inputs = None if len(first.reads) == 1 else inputs_of(first)
    outputs = None if first.gives_its_last else [called(first, each) for each in first.gives]
    blocks[name] = block = FoldedBlock(name, {param: defaults.get(param) for param in params}, inputs, outputs, entries)
    for i, body in enumerate(group):
        body.block = block
        body.values = {param: values[i] for param, values in params.items()}


def _is_usual(
    param: str,
    values: tuple[Any, ...],
    places: Mapping[tuple[Any, ...], str],
    entries: list[EntryData],
    blocks: Mapping[str, FoldedBlock],
) -> bool:
    """Whether a parameter has a default, which its last value is: one that a layer has too, or that an entry is left
    out.
    """
    at = next(place for place, text in places.items() if text == f"${param}")
    holder: Any = entries
    for part in at[:-1]:
        holder = holder[part]
    block = blocks.get(holder.get("type"))
    own = {**defaults(holder.get("type")), **(block.params if block is not None else {}), WHEN: False}
    return at[-1] in own and same(own[at[-1]], values[-1])


WIDTHS = {"out_channels", "out_features", "groups", "num_groups"}
"""Arguments that count channels, of which one may be a multiple of another."""


def _expression(key: str, values: tuple[Any, ...], params: dict[str, tuple[Any, ...]]) -> str | None:
    """Values by a parameter that there is: the same, a width that is a multiple of another or a part of it, or the
    padding that belongs to a kernel.
    """
    pairs = {
        name: [(value, by) for value, by in zip(values, known, strict=True) if value is not ANYTHING]
        for name, known in params.items()
    }
    for name, both in pairs.items():
        if all(same(value, by) for value, by in both) and _of(name) in (key, *(WIDTHS if key in WIDTHS else ())):
            return f"${name}"
    for name, both in pairs.items():
        if any(type(each) is not int or not each for pair in both for each in pair):
            continue
        if key == "padding" and _of(name) == "kernel_size" and all(value == by // 2 for value, by in both):
            return f"${name} // 2"
        if key not in WIDTHS or _of(name) not in WIDTHS:
            continue
        value, by = both[0]
        if value > by and all(a * by == value * b for a, b in both) and not value % by:
            return f"{value // by} * ${name}"
        if value < by and all(a * by == value * b for a, b in both) and not by % value:
            return f"${name} // {by // value}"
    return None


def _of(param: str) -> str:
    """The argument after which a parameter is called."""
    head, _, number = param.rpartition("_")
    return head if number.isdecimal() else param


def _said_at(place: tuple[Any, ...], entries: list[EntryData]) -> str:
    """What a parameter is called that stands at a place: the argument's name, or that of the entry that it leaves
    out.
    """
    if place[-1] != WHEN:
        return str(place[-1])
    holder: Any = entries
    for part in place[:-1]:
        holder = holder[part]
    return str(holder.get("name", WHEN))


def _new_param(base: str, values: tuple[Any, ...], params: dict[str, tuple[Any, ...]]) -> str:
    name, n = base, 1
    while name in params or name in RESERVED:
        n += 1
        name = f"{base}_{n}"
    params[name] = values
    return f"${name}"


RESERVED = {"name", "type", "from", "repeat", "when", "share", "tie", "allow", "layers", "index", "input"}


def _with_params(
    entries: list[EntryData], places: dict[tuple[Any, ...], str], at: tuple[Any, ...] = ()
) -> list[EntryData]:
    """Entries with parameters at places."""
    found = []
    for i, entry in enumerate(entries):
        new: EntryData = {}
        for key, value in entry.items():
            if key == "layers":
                new[key] = _with_params(value, places, (*at, i, key))
            else:
                new[key] = places.get((*at, i, key), value)
        found.append(new)
    return found


def _block_name(body: Body, blocks: dict[str, FoldedBlock]) -> str:
    """A name for a block that no other has: the module's class, or the last word of its path."""
    parts = [part for part in body.path.split(".") if not part.isdecimal()]
    words = body.kind if body.kind not in ("Sequential", "ModuleList") else parts[-1] if parts else "block"
    base = "".join(
        f"_{c.lower()}" if c.isupper() and i and not words[i - 1].isupper() else c.lower() for i, c in enumerate(words)
    )
    base = base.strip("_") or "block"
    base = f"block_{base}" if base[0].isdigit() or base == "input" else base
    name, n = base, 1
    while name in blocks:
        n += 1
        name = f"{base}_{n}"
    return name
