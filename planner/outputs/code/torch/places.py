"""Where a class finds a weight of its parts: attribute by attribute, and by number in what is a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from planner.classes.names import is_attribute
from planner.classes.parts import Part, Unit

Bases = Callable[[Unit], str]
"""The class that the class of a unit derives from."""
LISTS = ("nn.ModuleList", "nn.Sequential")


def found(unit: Unit, name: str, bases: Bases) -> str | None:
    """The code that finds a weight by its dotted name, as people write it; None where that takes a function."""
    return _in_unit(unit, name.split("."), "self", bases)


def _in_unit(unit: Unit, pieces: Sequence[str], code: str, bases: Bases) -> str | None:
    """The code that finds a weight of a class, or of a chain in it, at `code`."""
    first, *others = pieces
    if unit.block.nameless:
        counted = any(part.count is not None for part in unit.parts)
        if counted or not first.isdecimal() or int(first) >= len(unit.parts) or bases(unit) not in LISTS:
            return None
        return _in_part(unit.parts[int(first)], others, f"{code}[{first}]", bases)
    if not is_attribute(first):
        return None
    for part in unit.parts:
        if part.nested is not None and [part.nested[0], str(part.nested[1])] == [first, *others[:1]]:
            return _in_part(part, others[1:], f"{code}.{first}[{others[0]}]", bases)
        if part.nested is not None or part.name != first:
            continue
        if part.count is None and part.inside is not None and part.inside.repeats:
            if bases(part.inside) not in LISTS:
                return None
            part, others, first = part.inside.parts[int(others[0])], others[1:], f"{first}[{others[0]}]"
        elif part.count is not None:
            others, first = others[1:], f"{first}[{others[0]}]"
        return _in_part(part, others, f"{code}.{first}", bases)
    return None


def _in_part(part: Part, pieces: Sequence[str], code: str, bases: Bases) -> str | None:
    """The code that finds a weight of a part at `code`."""
    inner = part.unit or part.inside
    if inner is not None and pieces:
        return _in_unit(inner, pieces, code, bases)
    named = (f"[{each}]" if each.isdecimal() else f".{each}" for each in pieces)
    return code + "".join(named) if all(each.isdecimal() or is_attribute(each) for each in pieces) else None
