"""Whether a class is right for other arguments than those it was found with: the file is planned with them, and every
number that the class works out is compared with that plan.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from planner.classes.answers import WORKED_OUT, is_call
from planner.classes.arithmetic import value
from planner.classes.expressions import Expr, UnusableError, same
from planner.classes.following import Sizes, known_sizes
from planner.classes.names import Names
from planner.classes.parts import Part, Unit
from planner.classes.tensors import INDEX, Calling, Copy
from planner.classes.worlds import another
from planner.format import Block
from planner.model import Group, Model
from planner.plan import Known, Plan, Step
from planner.propagation import propagate
from planner.source import of_mapping
from planner.unfolding import Interned, load

Values = Mapping[str, Any]
MOST_COPIES = 4
"""Calls of a class that are tried."""
TRIED = 4
"""How many other values are tried until the file can be planned with them."""


class Elsewhere:
    """The file with other arguments than its own: plans of it, or of one call of a block, with these."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._plans: dict[Hashable, Plan | None] = {}
        self._layers: Interned = {}
        self._known: Known = {}

    def plan(self, copy: Copy, names: Names, values: Values) -> Plan | None:
        """The plan with these values for the arguments of a copy's class; None where they do not fit."""
        if copy.block.owner is not None:
            return None
        key = (copy.block, _key(values), tuple(each.shape for each in copy.inputs))
        if key not in self._plans:
            plan = propagate(self._unfolded(copy, names, values), known=self._known)
            self._plans[key] = plan if plan.complete and not plan.model.diagnostics else None
        return self._plans[key]

    def _unfolded(self, copy: Copy, names: Names, values: Values) -> Model:
        """The file, or a file with nothing but one call of a block."""
        block, model = copy.block, self._model
        hidden = () if block.is_model else block.params
        params = {
            each: _listed(found if each in hidden else values[names.param(each)])
            for each, found in model.params.items()
        }
        if block.is_model:
            return load(model.source, params=params, layers=self._layers)
        shapes = [
            [*tensor.shape.spatial, values[each]]
            for tensor, each in zip(copy.inputs, names.channels(block, len(copy.inputs)), strict=True)
        ]
        sources = [f"source_{i}" for i in range(len(shapes))]
        call = {each: _listed(values[names.param(each)]) for each in block.params}
        file = {
            "input": dict(zip(sources, shapes, strict=True)),
            "params": params,
            "layers": [{"name": "call", "type": block.name, "from": sources, **call}],
        }
        return load(of_mapping(file), layers=self._layers, blocks={**model.blocks, **block.in_sight})


class Rightness:
    """Classes tried with other arguments, and what has been found out about them."""

    def __init__(self, elsewhere: Elsewhere, names: Names) -> None:
        self._elsewhere = elsewhere
        self._names = names
        self._agreed: dict[Hashable, bool] = {}

    def holds(self, unit: Unit, changed: Set[str]) -> bool:
        """Whether a class is right where some arguments have other values; False where no others can be planned."""
        seen = set()
        alone = [{each} for each in sorted(changed)] if len(changed) > 1 else []
        for copy in unit.copies[:MOST_COPIES]:
            channels = self._names.channels(unit.block, len(copy.inputs))
            tried = [(some, False) for some in (changed, *alone)]
            free = {each for each in unit.params if each not in unit.assumed and type(copy.values.get(each)) is int}
            if free - changed:
                tried.append((free | changed, True))
            for some, apart in tried:
                for values in _others(copy.values, some, channels, apart=apart):
                    if any(same(values[each], copy.values[each]) for each in some):
                        continue
                    seen.add(self._at(unit, copy, values))
                    if False in seen:
                        return False
        return True in seen

    def _at(self, unit: Unit, copy: Copy, values: Values) -> bool | None:
        """Whether the class is right with these arguments; None where nothing can be planned with them."""
        plan = self._elsewhere.plan(copy, self._names, values)
        if plan is None:
            return None
        comparing = _Comparing(plan, self._agreed)
        if unit.block.is_model:
            return comparing.agrees(unit, values, None)
        return comparing.called(unit, values, plan.model.groups[0])


def _key(values: Values) -> tuple[Any, ...]:
    """Values by which something is known; 1, 1.0 and True are different ones."""
    return tuple((each, repr(found)) for each, found in values.items())


def _others(now: Values, changed: Set[str], channels: Sequence[str], *, apart: bool) -> Iterator[Values]:
    """Other values of some arguments: alone, and with the numbers of input channels that go with them. Each changes in
    the same way, or, `apart`, those that are equal become different.
    """
    way = {each: i if apart else 0 for i, each in enumerate(sorted(changed))}
    for k in range(TRIED):
        values = {each: another(found, k + way[each]) if each in changed else found for each, found in now.items()}
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


def _listed(found: Any) -> Any:
    """A value as a model file has it, with lists for tuples."""
    return list(map(_listed, found)) if isinstance(found, tuple) else found


class _Comparing:
    """Compares a class with its list of layers in a plan, entry by entry.

    known  what has been found out about calls of classes, in this plan and in others; it is added to
    """

    def __init__(self, plan: Plan, known: dict[Hashable, bool]) -> None:
        self.plan = plan
        self.known = known

    def agrees(self, unit: Unit, values: Values, group: Group | None) -> bool:
        """Whether every number of the class is that of the plan, where its arguments have these values."""
        members = [each for each in self.plan.members(group) if not (isinstance(each, Step) and each.is_input)]
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
            return self._part(unit, parts[0], values, members[0])
        if len(parts) == 1 and parts[0].inside is not None and parts[0].inside.repeats:
            parts = parts[0].inside.parts
        if len(parts) != 1:
            pairs = zip(parts, members, strict=False)
            return len(parts) == len(members) and all(self._part(unit, part, values, each) for part, each in pairs)
        return self._repeated(unit, parts[0], values, members)

    def _repeated(self, unit: Unit, part: Part, values: Values, members: Sequence[Step | Group]) -> bool:
        """Whether the repetitions of a part agree with the steps and blocks that its entry became."""
        if part.count is None or not same(value(part.count, values), len(members)):
            return False
        seen = dict(values)
        if part.carried is not None:
            seen[part.variable] = value(part.carried[0], values)
        for index, member in enumerate(members):
            seen[INDEX] = index
            if not self._part(unit, part, seen, member):
                return False
            if part.carried is not None:
                seen[part.variable] = value(part.carried[1], seen)
        return True

    def _part(self, unit: Unit, part: Part, values: Values, member: Step | Group) -> bool:
        """Whether a part of a class, in one of its repetitions, is a step or a block of the plan."""
        if isinstance(part.name, str):
            whole = f".{member.name}"
            if not whole.endswith(f".{part.name}") and not whole.rpartition(".")[0].endswith(f".{part.name}"):
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
            return isinstance(member, Group) and self.called(part.unit, given, member)
        return isinstance(member, Step) and _calls(part, values, member, known_sizes(unit.copies[0], member))

    def called(self, unit: Unit, values: Values, group: Group) -> bool:
        """Whether a class agrees with a call of its block; calls that nothing tells apart are looked at once."""
        read = tuple(map(self.plan.shape, self.plan.arriving(group)))
        key = (unit, _key(values), _key(group.args), _key(self.plan.model.params), read)
        if key not in self.known:
            self.known[key] = self.agrees(unit, values, group)
        return self.known[key]


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


def _calls(part: Part, values: Values, step: Step, own: Sizes) -> bool:
    """Whether the calls of a part are those of a layer of the plan; `own` are sizes of the list's inputs."""
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
    return all(is_call(calling, call, values, step.inputs, own=own) for calling, call in pairs)
