"""Other values that the parameters of a model might have: what holds there too does not hold by chance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from planner.arithmetic import has_arithmetic
from planner.classes.arithmetic import value
from planner.classes.expressions import UnusableError
from planner.classes.names import Names
from planner.classes.tensors import INDEX, Copy, Use
from planner.format import Entry

FURTHER = 4
"""How many more repetitions an expression must be right for, where their number is an argument."""


def tell(root: Copy, finished: Iterable[Copy], names: Names) -> bool:
    """Give copies the values of the names in sight where the model's parameters are larger, and where they are smaller;
    whether there are any.

    finished  every copy, those that call others first
    """
    for change in (_larger, _smaller, _less):
        world = {param: change(found, k) for k, (param, found) in enumerate(root.values.items())}
        for param, expr in root.by.items():
            if "." in param or names.param(param) not in world:
                continue  # a size, or a parameter of a block
            try:
                world[names.param(param)] = value(expr, world)
            except UnusableError:
                return False
        if world != root.values and world not in root.worlds:
            root.worlds.append(world)
    if not root.worlds:
        return False
    for copy in finished:
        for entry, uses in zip(copy.block.entries, copy.uses, strict=True):
            for use in uses:
                enter(use, copy, entry)
    return True


def enter(use: Use, copy: Copy, entry: Entry, *, deeply: bool = False) -> None:
    """Give the copy that an entry calls its worlds, and `deeply` also the lists in place within that copy."""
    if use.inner is None:
        return
    in_place = use.inner.in_place
    for world in seen(copy, entry, use):
        inside = dict(world) if in_place else {}
        for param, expr in use.args.items():
            try:
                inside[param] = value(expr, world)
            except UnusableError:
                continue
        if inside not in use.inner.worlds:
            use.inner.worlds.append(inside)
    if deeply and in_place:
        for inner_entry, uses in zip(use.inner.block.entries, use.inner.uses, strict=True):
            for each in uses:
                enter(each, use.inner, inner_entry, deeply=True)


def here(copy: Copy, entry: Entry, use: Use) -> Mapping[str, Any]:
    """The values of the names in sight of an entry in a copy."""
    values = copy.values
    if copy.revalued:
        values = {**values, **{each: found for each, (found, _) in copy.revalued.items()}}
    return {**values, INDEX: use.index} if entry.repeats else values


def seen(copy: Copy, entry: Entry, use: Use) -> list[dict[str, Any]]:
    """The values of the names in sight of an entry in each world, where the entry may be repeated more often."""
    if not entry.repeats:
        return copy.worlds
    worlds = [{**world, INDEX: use.index} for world in copy.worlds]
    if use.last and has_arithmetic(entry.repeat):
        worlds += [{**copy.values, INDEX: use.index + further} for further in range(1, FURTHER)]
    return worlds


def another(found: Any, k: int) -> Any:
    """The k-th other value that a parameter might have; a text has none."""
    return _changed(found, lambda number: (2 * number, number + 1, 3 * number, max(number - 1, 0))[k % 4])


def _larger(found: Any, k: int) -> Any:
    if isinstance(found, tuple):
        return tuple(_larger(each, k + i) for i, each in enumerate(found))
    return found * 7 + 3 + 2 * k if type(found) in (int, float) else found


def _smaller(found: Any, k: int) -> Any:
    return _changed(found, lambda number: number // 2 if type(number) is int else number / 2)


def _less(found: Any, k: int) -> Any:
    return _changed(found, lambda number: max(number - 1, 0))


def _changed(found: Any, change: Callable[[Any], Any]) -> Any:
    """Other numbers for those in a value, and the other truth for a truth."""
    if isinstance(found, tuple):
        return tuple(_changed(each, change) for each in found)
    if isinstance(found, bool):
        return not found
    return change(found) if type(found) in (int, float) else found
