"""Whether a class is right for other arguments than those it was found with: the file is planned with them, and every
number that the class works out is compared with that plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any, NamedTuple

from planner.classes.answers import WORKED_OUT, is_call
from planner.classes.arithmetic import value
from planner.classes.expressions import Expr, UnusableError, same
from planner.classes.names import Names
from planner.classes.parts import Part, Unit
from planner.classes.structure import Structure
from planner.classes.tensors import INDEX, Calling, Copy
from planner.classes.worlds import another
from planner.format import Block
from planner.model import Group
from planner.plan import Plan, Step, propagate
from planner.source import of_mapping
from planner.unfolding import load

Values = Mapping[str, Any]
MOST_COPIES = 4
"""Calls of a class that are tried."""
TRIED = 4
"""How many other values are tried until the file can be planned with them."""


def right_elsewhere(unit: Unit, names: Names, structure: Structure, changed: Set[str]) -> bool:
    """Whether the class is right where some arguments have other values; False where no others can be planned."""
    seen = set()
    alone = [{each} for each in sorted(changed)] if len(changed) > 1 else []
    for copy in unit.copies[:MOST_COPIES]:
        comparing = _Elsewhere(unit, copy, names, structure)
        for some in (changed, *alone):
            for values in _others(copy.values, some, names.channels(unit.block, len(copy.inputs))):
                if any(same(values[each], copy.values[each]) for each in some):
                    continue
                seen.add(comparing.at(values))
                if False in seen:
                    return False
    return True in seen


def _others(now: Values, changed: Set[str], channels: Sequence[str]) -> Iterator[Values]:
    """Other values of some arguments: alone, and with the numbers of input channels that go with them."""
    for k in range(TRIED):
        values = {each: another(found, k) if each in changed else found for each, found in now.items()}
        yield values
        longer = {each: (*values[each], *values[each][-1:]) for each in changed if isinstance(values[each], tuple)}
        shorter = {each: values[each][:-1] for each in longer if len(values[each]) > 1}
        yield from ({**values, **lengths} for lengths in (longer, shorter) if lengths)
        widths = [each for each in changed if type(now[each]) is int and now[each] > 1]
        linked = {
            each: values[width] * (now[each] // now[width])
            for width in widths
            for each in channels
            if each not in changed and each in now and not now[each] % now[width]
        }
        if linked:
            yield {**values, **linked}


class _Elsewhere(NamedTuple):
    """A class, with one of its calls, and the file that the class is made for."""

    unit: Unit
    copy: Copy
    names: Names
    structure: Structure

    def at(self, values: Values) -> bool | None:
        """Whether the class is right with these arguments; None where nothing can be planned with them."""
        there = _planned(self.copy, self.names, self.structure, values)
        if there is None or not there.complete or there.model.diagnostics:
            return None
        found = Structure(there, self.structure.opened, sequential=self.structure.sequential)
        group = None if self.unit.block.is_model else there.model.groups[0]
        return _Comparing(found).agrees(self.unit, values, group)


def _planned(copy: Copy, names: Names, structure: Structure, values: Values) -> Plan | None:
    """The plan of the file, or of one call of a block of it, with these values."""
    hidden = () if copy.block.is_model else copy.block.params
    params = {
        each: _listed(found if each in hidden else values[names.param(each)])
        for each, found in structure.model.params.items()
    }
    if copy.block.is_model:
        return propagate(load(structure.model.source, params=params))
    if copy.block.owner is not None:
        return None
    shapes = [
        [*tensor.shape.spatial, values[each]]
        for tensor, each in zip(copy.inputs, names.channels(copy.block, len(copy.inputs)), strict=True)
    ]
    sources = [f"source_{i}" for i in range(len(shapes))]
    call = {each: _listed(values[names.param(each)]) for each in copy.block.params}
    file = {
        "input": dict(zip(sources, shapes, strict=True)),
        "params": params,
        "layers": [{"name": "call", "type": copy.block.name, "from": sources, **call}],
    }
    return propagate(load(of_mapping(file), blocks={**structure.model.blocks, **copy.block.in_sight}))


def _listed(found: Any) -> Any:
    """A value as a model file has it, with lists for tuples."""
    return list(map(_listed, found)) if isinstance(found, tuple) else found


class _Comparing:
    """Compares a class with its list of layers in a plan, entry by entry."""

    def __init__(self, structure: Structure) -> None:
        self.structure = structure

    def agrees(self, unit: Unit, values: Values, group: Group | None) -> bool:
        """Whether every number of the class is that of the plan, where its arguments have these values."""
        members = [
            each for each in self.structure.plan.members(group) if not (isinstance(each, Step) and each.is_input)
        ]
        try:
            return all(self._entry(unit, values, number, here) for number, here in _entries(unit.block, members))
        except UnusableError:
            return False

    def _entry(self, unit: Unit, values: Values, number: int, members: Sequence[Step | Group]) -> bool:
        """Whether the parts of an entry agree with the steps and blocks that it became."""
        parts: Sequence[Part] = [part for part in unit.parts if part.values[0][0] == number]
        if not members:
            return all(_left_out(part, values) for part in parts)
        if len(parts) == len(members) == 1 and parts[0].count is None:
            return self._part(parts[0], values, members[0])
        if len(parts) == 1 and parts[0].inside is not None and parts[0].inside.repeats:
            parts = parts[0].inside.parts
        if len(parts) != 1:
            pairs = zip(parts, members, strict=False)
            return len(parts) == len(members) and all(self._part(part, values, each) for part, each in pairs)
        return self._repeated(parts[0], values, members)

    def _repeated(self, part: Part, values: Values, members: Sequence[Step | Group]) -> bool:
        """Whether the repetitions of a part agree with the steps and blocks that its entry became."""
        if part.count is None or not same(value(part.count, values), len(members)):
            return False
        seen = dict(values)
        if part.carried is not None:
            seen[part.variable] = value(part.carried[0], values)
        for index, member in enumerate(members):
            seen[INDEX] = index
            if not self._part(part, seen, member):
                return False
            if part.carried is not None:
                seen[part.variable] = value(part.carried[1], seen)
        return True

    def _part(self, part: Part, values: Values, member: Step | Group) -> bool:
        """Whether a part, in one of its repetitions, is a step or a block of the plan."""
        if isinstance(part.name, str) and part.name not in member.name.split(".")[-2:]:
            return False
        if part.when is not None and not value(part.when, values):
            return False
        if not part.constructed:
            return True  # nothing is constructed that could be compared
        if part.inside is not None:
            return isinstance(member, Group) and self.agrees(part.inside, values, member)
        if part.unit is not None:
            types = part.unit.types
            given = {param: _argument(expr, values, param in types) for param, expr in part.args.items()}
            return isinstance(member, Group) and self.agrees(part.unit, given, member)
        return isinstance(member, Step) and _calls(part, values, member)


def _entries(block: Block, members: Sequence[Step | Group]) -> Iterator[tuple[int, list[Step | Group]]]:
    """The steps and blocks that each entry of a list became in a plan, by the entry's number."""
    at = 0
    for number, entry in enumerate(block.entries):
        start = at
        while at < len(members) and members[at].path == entry.path:
            at += 1
        yield number, list(members[start:at])


def _unpadded(args: Mapping[str, object]) -> dict[str, object]:
    """The arguments of a module that pads its input itself."""
    return {name: each for name, each in args.items() if name not in WORKED_OUT}


def _left_out(part: Part, values: Values) -> bool:
    """Whether a part is left out where its arguments have these values."""
    if part.when is not None and not value(part.when, values):
        return True
    return part.count is not None and same(value(part.count, values), 0)


def _argument(expr: Expr, values: Values, is_type: bool) -> Any:
    """An argument that is a class is known by its name."""
    if is_type and expr.op == "text":
        return str(expr.args[0]).removeprefix("nn.")
    return value(expr, values)


def _calls(part: Part, values: Values, step: Step) -> bool:
    """Whether the calls of a part are those of a layer of the plan."""
    assert step.layer is not None
    if len(step.outputs) != len(part.first.outputs):
        return False
    calls = step.layer.calls(*step.inputs)
    written: list[Calling] = list(part.calls)
    if part.type is not None:
        kind = value(part.type, values)
        written = [each._replace(call=replace(each.call, target=f"nn.{kind}")) for each in written]
    if any(calling.centred for calling in written):
        return True
    if any(calling.padded_same for calling in written):
        calls = tuple(each for each in calls if each.target != "F.pad")
        calls = tuple(replace(each, args=_unpadded(each.args)) for each in calls)
    if len(calls) != len(written):
        return False
    pairs = zip(written, calls, strict=True)
    return all(is_call(calling, call, values, step.inputs) for calling, call in pairs)
