"""Shortening and naming classes, once all of them are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import permutations

from planner.classes.algebra import substituted
from planner.classes.expressions import Expr, name
from planner.classes.names import OF_LAYERS, Names, identifier, unused
from planner.classes.parts import Part, Unit, owned
from planner.faults.refused_module_name import RefusedModuleName


def finished(units: Sequence[Unit], names: Names) -> dict[Unit, Unit]:
    """Finished classes in place of those that the copies led to, those first that others construct."""
    named = {unit: names.new_class(unit.block.name) for unit in units}
    calls: dict[Unit, list[Part]] = {}
    shorter: dict[Unit, Unit] = {}
    for unit in reversed(units):
        shorter[unit] = _merged(unit, calls.get(unit, []), names)
        for part in shorter[unit].all_parts():
            if part.unit is not None and part.constructed:
                calls.setdefault(part.unit, []).append(part)
    found: dict[Unit, Unit] = {}
    for unit in units:
        parts = _renamed(_carried_on(shorter[unit], names))
        found[unit] = replace(shorter[unit], name=named[unit], parts=_linked(parts, found))
    return found


def _linked(parts: Sequence[Part], found: Mapping[Unit, Unit]) -> tuple[Part, ...]:
    """The parts with finished classes for those that they construct."""
    linked = []
    for part in parts:
        if part.unit is not None:
            part = replace(part, unit=found[part.unit])
        elif part.inside is not None:
            part = replace(part, inside=replace(part.inside, parts=_linked(part.inside.parts, found)))
        linked.append(part)
    return tuple(linked)


def _merged(unit: Unit, calls: Sequence[Part], names: Names) -> Unit:
    """The class without those numbers of input channels that equal, in every call, an expression of its other
    arguments.
    """
    channels = names.channels(unit.block, unit.arity)
    by: dict[str, Expr] = {}
    for each in channels if calls else ():
        if each in unit.params:
            same_as = (
                expr
                for expr in _worked_out(unit, [param for param in unit.params if param not in channels])
                if all(substituted(expr, part.args) == part.args.get(each) for part in calls)
            )
            found = next(same_as, None)
            if found is not None:
                by[each] = found
    parts = tuple([part.substituted(by) for part in unit.parts])
    return replace(unit, by=by, parts=parts, params=tuple(param for param in unit.params if param not in by))


def _worked_out(unit: Unit, params: Sequence[str]) -> Iterator[Expr]:
    """Some arguments of a class, the expressions that it computes from them, and these with one argument in place of
    another.
    """
    yield from map(name, params)
    found = [expr for expr in unit.expressions() if expr.size and expr.names and expr.names <= set(params)]
    found = sorted(dict.fromkeys(found), key=lambda expr: expr.size)
    yield from found
    for expr in found:
        for one_of, other in permutations(params, 2):
            if one_of in expr.names:
                yield substituted(expr, {one_of: name(other)})


def _carried_on(unit: Unit, names: Names) -> list[Part]:
    """The parts of a class; a carried number of channels stays in the argument that it starts from, if nothing else
    reads that.
    """
    parts = list(map(_read, unit.parts))
    for i, part in enumerate(parts):
        if part.carried is None or part.carried[0].op != "name":
            continue
        argument = part.carried[0].args[0]
        read = part.within().union(part.carried[1].names, *(each.reads() for each in parts[:i] + parts[i + 1 :]))
        if argument in names.channels(unit.block, unit.arity) and argument not in read:
            parts[i] = replace(part.substituted({part.variable: part.carried[0]}, own=True), variable=argument)
    return parts


def _read(part: Part) -> Part:
    """The part without a number that is carried along and read by nothing."""
    unread = part.carried is not None and part.variable not in part.within()
    if part.inside is not None:
        part = replace(part, inside=replace(part.inside, parts=tuple(map(_read, part.inside.parts))))
    return replace(part, carried=None) if unread else part


def _renamed(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts with names that torch takes: layers without weights may have another name than the file gives them;
    those with weights may not.
    """
    taken = {part.name.partition(".")[0] for part in parts if isinstance(part.name, str)}
    refused = dict(_refused(parts))
    found = []
    for part in parts:
        if part.inside is not None:
            part = replace(part, inside=replace(part.inside, parts=_renamed(part.inside.parts)))
        if part in refused:
            name, owner = refused[part]
            if part.stateful or isinstance(part.name, Expr):
                raise RefusedModuleName(name, part.first.member.path, owner)
            free = unused(identifier(name), taken)
            part = replace(part, name=free, nested=None)
            taken.add(free)
        found.append(part)
    return tuple(found)


def _refused(parts: Sequence[Part]) -> Iterator[tuple[Part, tuple[str, str]]]:
    """The parts with names that torch does not take, with these, and with the name of the module that has something of
    its own there, if that is why.
    """
    for part in parts:
        names = {use.name for _, use in part.uses} if isinstance(part.name, Expr) else {part.name or "0"}
        for each in names:
            if not {"training", ""}.isdisjoint(each.split(".")):
                yield part, (each, "")
    for owner, part, within in owned(parts):
        if _has_of_its_own(owner, within):
            given_up = owner if part.stateful and not (owner.stateful or owner.is_tensor) else part
            yield given_up, (str(part.name), str(owner.name)) if given_up is part else (str(owner.name), "")


def _has_of_its_own(owner: Part, name: str) -> bool:
    """Whether a part has, or may have, something else than a part of the same list under a name."""
    inner = owner.unit or owner.inside
    if inner is not None:
        names = [str(i) if part.name is None else str(part.name) for i, part in enumerate(inner.parts)]
        kept = (*inner.params, "has")
        return any(identifier(name) == identifier(each.partition(".")[0]) for each in names) or any(
            name == each or name.startswith(f"{each}_") for each in kept
        )
    step = owner.first.step
    if owner.is_tensor or not owner.is_module or step is None or step.layer is None or step.facts is None:
        return owner.is_tensor
    own = {each.partition(".")[0] for each in (*step.facts.weights, *step.facts.buffers)}
    return bool(step.facts.foreign) or name in own | OF_LAYERS | type(step.layer).model_fields.keys()
