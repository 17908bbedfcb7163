"""Where a class finds a weight of its parts: attribute by attribute, and by number in what is a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from planner.classes.expressions import Expr
from planner.classes.names import is_attribute
from planner.classes.parts import Part, Unit

Bases = Callable[[Unit], str]
"""The class that the class of a unit derives from."""
LISTS = ("nn.ModuleList", "nn.Sequential")


def code_of_weight(unit: Unit, name: str, bases: Bases) -> str | None:
    """The code that finds a weight by its dotted name, as people write it; None where that takes a function."""
    return _in_unit(unit, name.split("."), "self", bases)


def _in_unit(unit: Unit, pieces: Sequence[str], code: str, bases: Bases) -> str | None:
    """The code that finds a weight of a class, or of a chain in it, at `code`."""
    first, others = pieces[0], list(pieces[1:])
    if unit.block.nameless:
        counted = any(part.count is not None for part in unit.parts)
        if counted or not first.isdecimal() or int(first) >= len(unit.parts) or bases(unit) not in LISTS:
            return None
        return _in_part(unit.parts[int(first)], others, f"{code}[{first}]", bases)
    for part in sorted(unit.parts, key=lambda part: -str(part.name).count(".")):
        own = str(part.name).split(".")
        others = list(pieces[len(own) :])
        if isinstance(part.name, Expr) or [*own, *others] != [*pieces]:
            continue
        names = own if part.nested is None else own[:-1]
        if not all(map(is_attribute, names)):
            return None
        first = ".".join(names)
        if part.nested is not None:
            return _in_part(part, others, f"{code}.{first}[{own[-1]}]", bases)
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
