"""Modules: what copies of a list of layers have in common, as one class that constructs them all.

An argument is written in the parameters of the class where that gives every copy what the plan has. Copies that no
class can construct in common are parted, and get a class each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial
from itertools import permutations
from typing import Any

from planner.classes import worlds as other_worlds
from planner.classes.algebra import substituted
from planner.classes.arithmetic import of_value
from planner.classes.choosing import Known, UnsharedError, Values, Worlds, agreed, chosen, one, worth
from planner.classes.copies import Copies
from planner.classes.elsewhere import right_elsewhere
from planner.classes.expressions import NOTHING, Expr, UnusableError, const, name, same
from planner.classes.names import Names, identifier, unused
from planner.classes.parts import Part, Unit
from planner.classes.structure import names_others
from planner.classes.tensors import CARRIED, INDEX, Calling, Copy, Item, Value, names_in
from planner.faults.refused_module_name import RefusedModuleName
from planner.format import Block, Entry


class Units:
    """The modules of a model, those that others are made of first."""

    def __init__(self, copies: Copies, names: Names) -> None:
        self.copies = copies
        self.structure = copies.structure
        self.names = names
        self.all: list[Unit] = []
        self._of: dict[Copy, Unit] = {}
        self._open: set[Block] = set()
        self.root = self.of(copies.root)
        used = self._used(self.root, {})
        self.all = [unit for unit in self.all if unit in used]
        for unit in self.all:
            unit.name = self.names.new_class(unit.block.name)
        calls: dict[Unit, list[Part]] = {}
        for part in (part for unit in self.all for part in unit.all_parts()):
            if part.unit is not None:
                calls.setdefault(part.unit, []).append(part)
        for unit in reversed(self.all):
            self._merge(unit, calls.get(unit, []))
        for unit in self.all:
            self._carry_on(unit)
            self._check_names(unit)

    def _used(self, unit: Unit, found: dict[Unit, None]) -> dict[Unit, None]:
        """A module and those that it is made of; others were tried, and given up."""
        if unit not in found:
            found[unit] = None
            for part in unit.all_parts():
                if part.unit is not None:
                    self._used(part.unit, found)
        return found

    def of(self, copy: Copy) -> Unit:
        """The module of a copy that has one."""
        if copy not in self._of and copy.block in self._open:  # a block within itself, by a type that is worked out
            unit = self._general(copy.block, [copy], unrolled=True)
            self.all.append(unit)
            self._of[copy] = unit
        if copy not in self._of:
            self._open.add(copy.block)
            for unit in self._parted(copy.block):
                self.all.append(unit)
                self._of.update(dict.fromkeys(unit.copies, unit))
            self._open.discard(copy.block)
        return self._of[copy]

    def _parted(self, block: Block) -> list[Unit]:
        """As few modules as can be found for all copies of a list."""
        copies = self.copies.of(block)
        try:
            return [self._general(block, copies)]
        except UnsharedError:
            pass
        units: list[Unit] = []
        for copy in copies:
            for i, unit in enumerate(units):
                try:
                    units[i] = self._general(block, [*unit.copies, copy])
                    break
                except UnsharedError:
                    continue
            else:
                try:
                    units.append(self._general(block, [copy]))
                except UnsharedError:
                    units.append(self._general(block, [copy], unrolled=True))
        return units

    def _general(self, block: Block, copies: list[Copy], *, unrolled: bool = False) -> Unit:
        """The module of some copies, whose arguments are right for all values that they may be given.

        What was taken from the copies alone, though an argument decides it, becomes a condition or a type that is
        worked out, if that can be; else the argument is none, and its value is written.
        """
        fixed: frozenset[str] = NOTHING
        kept: frozenset[str] = NOTHING
        cleared: frozenset[str] = NOTHING
        while True:
            unit = self._unit(block, copies, unrolled=unrolled, fixed=fixed, kept=kept)
            unit.assumed = (unit.assumed | fixed) - cleared
            if INDEX in set(unit.params) - fixed and _numbered(unit):
                fixed |= {INDEX}
                continue
            doubtful = (unit.assumed & set(unit.params)) - fixed
            if not doubtful:
                return unit
            if unit.firm & doubtful:
                fixed |= unit.firm & doubtful
                continue
            if not doubtful <= kept:
                try:
                    self._unit(block, copies, unrolled=unrolled, fixed=fixed, kept=kept | doubtful)
                    kept |= doubtful
                    continue
                except UnsharedError:
                    pass
            right = self._right(unit, doubtful)
            cleared |= right
            fixed |= doubtful - right

    def _right(self, unit: Unit, doubtful: set[str]) -> set[str]:
        """Those of some arguments for whose other values a module is right all the same."""
        if right_elsewhere(unit, self.names, self.structure, doubtful):
            return doubtful
        each = doubtful if len(doubtful) > 1 else set()
        return {name for name in each if right_elsewhere(unit, self.names, self.structure, {name})}

    def _unit(
        self,
        block: Block,
        copies: list[Copy],
        *,
        unrolled: bool = False,
        fixed: frozenset[str] = NOTHING,
        kept: frozenset[str] = NOTHING,
    ) -> Unit:
        """A module for some copies of a list.

        fixed  names that are no arguments: their values are written
        kept   names whose conditions and types are written, though all copies agree in what they come to
        """
        unit = Unit(block, copies, agreed(tuple(each.value for each in copy.outputs) for copy in copies))
        unit.kept, unit.fixed = kept, fixed
        unit.assumed = set().union(*(copy.assumed for copy in copies))
        handed: dict[Value, Value] = {}
        """What stands for the outputs of entries that no copy has."""
        for number, entry in enumerate(block.entries):
            parts = len(unit.parts)
            if names_others(block, number):
                unit.assumed |= _decides(entry, copies)
            if not any(copy.items[number] for copy in copies):
                unit.firm |= _decides(entry, copies)
                unit.assumed |= unit.firm
                source = agreed(copy.sources[number] for copy in copies)
                for i, value in enumerate(source):
                    handed[number, -1, i] = handed.get(value, value)
            elif unrolled:
                unit.assumed |= _decides(entry, copies)
                unit.parts += self._unrolled(unit, entry, number)
            else:
                unit.parts.append(self._part(unit, entry, number))
            for part in unit.parts[parts:]:
                part.sources = tuple(handed.get(value, value) for value in part.sources)
        unit.outputs = tuple(handed.get(value, value) for value in unit.outputs)
        self._check_wiring(unit, unrolled)
        written = {each: const(_agreed_value(each, copies)) for each in fixed}
        reads: set[str] = set()
        for part in unit.parts:
            part.substituted(written)
            unit.assumed |= part.assumed()
            reads |= part.reads()
            unit.types |= {each for expr in part.types() for each in expr.names}
        if unit.types & reads:
            raise UnsharedError
        declared = [self.names.param(each) for each in _declared(block)]
        order = dict.fromkeys((*self.names.channels(block), *declared, *self.copies.params, *sorted(reads)))
        unit.params = tuple(each for each in order if each in reads | unit.types)
        return unit

    def _check_wiring(self, unit: Unit, unrolled: bool) -> None:
        read = [*unit.outputs, *(value for part in unit.parts for value in part.sources)]
        if not unrolled and any(index >= 0 for _, index, _ in read):
            raise UnsharedError
        made = {value for part in unit.parts for value in part.values}
        if any(value[0] >= 0 and value not in made for value in read):
            raise UnsharedError
        if not self.structure.is_chain(unit.block) and not unit.reachable:
            raise UnsharedError

    def picks(self, place: int) -> bool:
        """Whether an input of the model holds whole numbers that pick something."""
        plan = self.structure.plan
        return any(
            step.layer is not None and step.layer.indices and ref.step == place
            for step in plan.layers
            for ref in step.sources
        )

    @cached_property
    def chains(self) -> bool:
        """Whether the model is one chain through and through."""
        return all(self.structure.is_chain(unit.block) and all(part.plain for part in unit.parts) for unit in self.all)

    @property
    def weighted(self) -> set[str]:
        """The classes of torch.nn in the model that have a weight of two or more axes, and may have a bias."""
        found = set()
        for unit in self.all:
            for part in unit.all_parts():
                step = part.item.step
                biased = step is not None and step.layer is not None and "bias" in type(step.layer).model_fields
                if step is not None and biased and part.calls and step.macs and "weight" in step.weights:
                    found.add(part.calls[-1].target)
        return found

    # Shorter

    def _merge(self, unit: Unit, calls: Sequence[Part]) -> None:
        """Leave out numbers of input channels that are in every call what the module works out from other arguments."""
        channels = self.names.channels(unit.block)
        for each in channels if calls else ():
            if each in unit.params:
                same_as = (
                    expr
                    for expr in _worked_out(unit, [param for param in unit.params if param not in channels])
                    if all(substituted(expr, part.args) == part.args.get(each) for part in calls)
                )
                found = next(same_as, None)
                if found is not None:
                    unit.by[each] = found
        for part in unit.parts:
            part.substituted(unit.by)
        unit.params = tuple(param for param in unit.params if param not in unit.by)

    def _check_names(self, unit: Unit) -> None:
        """Layers without weights may have another name than the file gives them; those with weights may not."""
        taken = {part.name for part in unit.parts if isinstance(part.name, str)}
        for part in unit.parts:
            if part.inside is not None:
                self._check_names(part.inside)
            names = {item.name for _, item in part.items} if isinstance(part.name, Expr) else {part.name}
            refused = [each for each in names if each is not None and ("." in each or each == "training")]
            if not refused or part.nested:
                continue
            if part.stateful or isinstance(part.name, Expr):
                raise RefusedModuleName(refused[0], part.item.member.path)
            part.name = unused(identifier(refused[0]), taken)
            taken.add(part.name)

    def _carry_on(self, unit: Unit) -> None:
        """Carry a number of channels on in the argument that it begins with, if nothing else reads that."""
        for part in unit.all_parts():
            if part.carried is not None and part.variable not in part.within():
                part.carried = None
        for part in unit.parts:
            if part.carried is None or part.carried[0].op != "name":
                continue
            argument = part.carried[0].args[0]
            if argument in self.names.channels(unit.block) and not any(
                argument in other.reads() for other in unit.parts if other is not part
            ):
                part.substituted({part.variable: part.carried[0]}, own=True)
                part.variable = argument

    # One entry

    def _part(self, unit: Unit, entry: Entry, number: int) -> Part:
        there = [copy for copy in unit.copies if copy.items[number]]
        part = Part(
            values=tuple((number, -1, i) for i in range(len(there[0].items[number][0].outputs))),
            items=[(copy, item) for copy in there for item in copy.items[number]],
            sources=agreed(copy.sources[number] for copy in there),
            name=None,
        )
        if len({_shape_of(item) for _, item in part.items}) > 1:
            raise UnsharedError
        part.name = self._name(unit.block, entry, part)
        if entry.repeats:
            part.count = self._of_file(entry.repeat, [(copy, len(copy.items[number])) for copy in there])
            part.wrapped = not unit.block.nameless and entry.template is None
            if max(len(copy.items[number]) for copy in there) == 1 and not _hands_on(part):
                unit.assumed |= part.count.names
        self._decide(unit, part, entry, number, there)
        try:
            self._fill(unit, part, entry)
        except UnsharedError:
            if part.count is None:
                raise
            self._carry(unit, part, entry)
        if part.count is not None and INDEX in part.assumed():
            unit.assumed |= part.count.names
        if part.count is not None and part.count.is_value(1) and not part.wrapped:
            part.once()
        single = all(len(item.outputs) == len(item.inputs) == 1 for _, item in part.items)
        if part.count is not None and not (single and part.is_module and not _shadows(part)):
            raise UnsharedError
        alone = len(part.item.outputs) == 1 and not part.is_module and not part.is_parameter
        if part.when is not None and not (single or alone):
            raise UnsharedError
        ranks = {len(tensor.shape) for _, item in part.items for tensor in item.inputs[:1]}
        if len(ranks) > 1 and part.calls and (part.calls[-1].call.along or not part.is_module):
            raise UnsharedError
        return part

    def _decide(self, unit: Unit, part: Part, entry: Entry, number: int, there: list[Copy]) -> None:
        """The condition on which a part is there; none where it is there in all copies and always may be."""
        worked_out = entry.when is not None and not isinstance(entry.when, bool)
        names = set().union(*(names_in(entry.when, copy) for copy in unit.copies)) if worked_out else set()
        if len(there) < len(unit.copies) or names & unit.kept:
            if entry.when is not None:
                part.when = self._of_file(entry.when, [(copy, bool(copy.items[number])) for copy in unit.copies])
                if part.when.is_const:
                    raise UnsharedError
            elif not entry.repeats:
                raise UnsharedError
        else:
            unit.assumed |= names

    def _name(self, block: Block, entry: Entry, part: Part) -> str | Expr | None:
        if entry.template is not None:
            copy = part.items[0][0]
            try:
                made = Expr("f", tuple(substituted(of_value(each), copy.by) for each in entry.template.parts if each))
            except UnusableError:
                raise UnsharedError from None
            if any(_text(made, _values(copy, entry, item)) != item.name for copy, item in part.items):
                raise UnsharedError
            return made
        if block.nameless:
            return None
        named = [item.name for _, item in part.items]
        found: str = agreed(each.rpartition(".")[0] for each in named) if entry.repeats else agreed(named)
        return found

    def _fill(self, unit: Unit, part: Part, entry: Entry) -> None:
        """What a part constructs or calls."""
        part.type = None
        if part.item.inner is None:
            part.calls = self._calls(unit, part, entry)
        elif part.item.inner.in_place:
            inner = [_inner(item) for _, item in part.items]
            part.inside = self._in_place(inner, unit)
            unit.assumed |= part.inside.assumed
            unit.firm |= part.inside.firm
        else:
            part.unit = agreed(self.of(_inner(item)) for _, item in part.items)
            types = {item.type for _, item in part.items if item.type is not None}
            unit.assumed = unit.assumed.union(*(each.names for each in types))
            if len(part.unit.copies) < len(self.copies.known[part.unit.block]):  # which class it is, arguments decide
                own = set(map(self.names.param, _declared(part.unit.block)))
                given = [item.args[each] for _, item in part.items for each in own if each in item.args]
                unit.assumed = unit.assumed.union(*(expr.depends_on for expr in given))
            known = [(copy, item, _values(copy, entry, item)) for copy, item in part.items]
            part.args = {
                param: one(
                    [
                        (item.args[param], values, _worlds(self.copies, copy, entry, item))
                        for copy, item, values in known
                    ],
                    param in part.unit.types,
                )
                for param in part.unit.params
            }
            for _, item in part.items:
                for each in part.unit.assumed:
                    if each.startswith("#"):
                        unit.assumed |= item.inputs[int(each[1:])].origin
                    elif each.startswith("^"):
                        hides = each[1:] in map(self.names.param, _declared(unit.block))
                        unit.assumed.add(each if hides else each[1:])
                    elif each in item.args:
                        unit.assumed |= item.args[each].depends_on

    def _in_place(self, copies: list[Copy], around: Unit) -> Unit:
        """A list that is written in place; what stands alone can always be written, its repetitions one by one."""
        try:
            return self._unit(copies[0].block, copies, kept=around.kept, fixed=around.fixed)
        except UnsharedError:
            if len(copies) > 1:
                raise
        return self._unit(copies[0].block, copies, unrolled=True, kept=around.kept, fixed=around.fixed)

    def _calls(self, unit: Unit, part: Part, entry: Entry) -> tuple[Calling, ...]:
        first = part.item
        unit.assumed = unit.assumed.union(*(item.assumed for _, item in part.items))
        if first.type is not None:
            if len({_targets(item) for _, item in part.items}) > 1 or first.type.names & unit.kept:
                part.type = first.type
                for copy, item in part.items:
                    if first.type.op != "name" or _targets(item) != (f"nn.{copy.values.get(first.type.args[0])}",):
                        raise UnsharedError
            else:
                unit.assumed |= first.type.depends_on
        calls = []
        for i, call in enumerate(first.calls):
            target = None if part.type is None else call.target
            others = [item.calls[i] if len(item.calls) == len(first.calls) else None for _, item in part.items]
            if any(other is not call and not _alike(other, call, target) for other in others):
                raise UnsharedError
            args = []
            for k, (arg, _) in enumerate(call.args):
                known = [
                    (item.calls[i].args[k][1], _values(copy, entry, item), _worlds(self.copies, copy, entry, item))
                    for copy, item in part.items
                ]
                args.append((arg, one(known)))
            calls.append(call._replace(args=tuple(args)))
        return tuple(calls)

    # Repetitions

    def _carry(self, unit: Unit, part: Part, entry: Entry) -> None:
        """Write repetitions that differ in their input channels with a variable that is carried along."""
        if any(len(item.inputs) != 1 for _, item in part.items):
            raise UnsharedError
        items = part.items
        part.variable = unused(CARRIED, items[0][0].values)
        starts = [(copy, item.inputs[0]) for copy, item in items if not item.index]
        start = chosen(
            [
                Known(tensor.channels, copy.values, tensor.shape.channels, partial(self._worlds, copy))
                for copy, tensor in starts
            ]
        )
        part.items, ends = [], []
        for copy, item in items:
            (tensor,) = item.inputs
            values = {**_values(copy, entry, item), part.variable: tensor.shape.channels}
            carried = tensor._replace(channels=name(part.variable))
            again = self.copies.item(copy, values, entry, item.member, (carried,))
            again.index, again.name, again.last = item.index, item.name, item.last
            if self.copies.elsewhere:
                other_worlds.enter(again, copy, entry, deeply=True)
            part.items.append((replace(copy, values=values), again))
            worlds = _worlds(self.copies, copy, entry, item)
            ends.append(Known(again.outputs[0].channels, values, again.outputs[0].shape.channels, worlds))
        self._fill(unit, part, entry)
        part.items = items
        part.carried = start, chosen(ends)

    def _unrolled(self, unit: Unit, entry: Entry, number: int) -> Iterator[Part]:
        """Every repetition as a part of its own; those that have a container of their own in a list in place."""
        copy = unit.copy
        items = copy.items[number]
        wrapped = entry.repeats and entry.template is None and not copy.block.nameless and bool(items)
        read = [each.value for each in copy.outputs] + [value for sources in copy.sources for value in sources]
        singly = any(value[0] == number and value[1] >= 0 for value in read)
        sequential = self.structure.sequential
        ends = 1 if sequential else None
        if wrapped and not singly and all(len(item.inputs) == len(item.outputs[:ends]) == 1 for item in items):
            chain = self._chain_of(unit, entry, number)
            if sequential or all(part.is_module for part in chain.parts):
                name, _, _ = items[0].name.rpartition(".")
                whole = replace(items[0], outputs=items[-1].outputs)
                yield Part(((number, -1, 0),), [(copy, whole)], copy.sources[number], name, inside=chain)
                return
        for item in items:
            last = item is items[-1]
            before: tuple[Value, ...] = ((number, item.index - 1, 0),) if item.inputs else ()
            sources = copy.sources[number] if item is items[0] else before
            part = Part(
                values=tuple((number, -1 if last else item.index, i) for i in range(len(item.outputs))),
                items=[(copy, item)],
                sources=sources,
                name=None if copy.block.nameless else item.name,
                nested=(item.name.rpartition(".")[0], item.index, len(items)) if wrapped else None,
            )
            self._fill_alone(unit, part, copy, entry)
            yield part

    def _fill_alone(self, around: Unit, part: Part, copy: Copy, entry: Entry) -> None:
        """What a single repetition constructs or calls."""
        alone = Unit(copy.block, [copy], (), kept=around.kept, fixed=around.fixed)
        self._fill(alone, part, entry)
        part.assumes = frozenset(alone.assumed)
        if entry.repeats:
            part.substituted({INDEX: const(part.item.index)})

    def _chain_of(self, around: Unit, entry: Entry, number: int) -> Unit:
        """The repetitions of one entry as a list of their own."""
        copy = around.copy
        items = copy.items[number]
        entries = tuple(replace(entry, name=None, repeat=None) for _ in items)
        block = Block(entry.path, items[0].name, entries, owner=copy.block)
        sources: list[tuple[Value, ...]] = [((i - 1, -1, 0),) for i in range(len(items))]
        inner = replace(
            copy, block=block, inputs=items[0].inputs, items=[[item] for item in items], sources=sources,
            outputs=items[-1].outputs,
        )  # fmt: skip
        unit = Unit(block, [inner], ((len(items) - 1, -1, 0),), repeats=True)
        for i, item in enumerate(items):
            values = tuple((i, -1, output) for output in range(len(item.outputs)))
            part = Part(values, [(inner, item)], sources[i], None)
            self._fill_alone(around, part, inner, replace(entry, name=None))
            unit.parts.append(part)
        return unit

    # What copies agree on

    def _of_file(self, raw: Any, known: Sequence[tuple[Copy, Any]]) -> Expr:
        """A value of the file, as it is written in all copies."""
        exprs = []
        for copy, wanted in known:
            try:
                expr = substituted(of_value(raw), copy.by)
            except UnusableError:
                expr = const(wanted, frozenset(copy.values))
            exprs.append(Known(expr, copy.values, wanted, partial(self._worlds, copy)))
        return chosen(exprs)

    def _worlds(self, copy: Copy) -> Sequence[Values]:
        return copy.worlds if self.copies.elsewhere else ()


def _worked_out(unit: Unit, params: Sequence[str]) -> Iterator[Expr]:
    """Some arguments of a module, what it works out from them, and the same for one of them instead of another."""
    yield from map(name, params)
    found = [expr for expr in unit.expressions() if expr.size and expr.names and expr.names <= set(params)]
    found = sorted(dict.fromkeys(found), key=lambda expr: expr.size)
    yield from found
    for expr in found:
        for one_of, other in permutations(params, 2):
            if one_of in expr.names:
                yield substituted(expr, {one_of: name(other)})


def _hands_on(part: Part) -> bool:
    """Whether what a layer or a block reads has the channels of what it gives, so that another one can follow."""
    return all(
        item.inputs and item.outputs and item.inputs[0].channels == item.outputs[0].channels for _, item in part.items
    )


def _shape_of(item: Item) -> tuple[Any, ...]:
    """What must be the same of an item in all copies: whether it is a layer, and which of its tensors are vectors."""
    tensors = (*item.inputs, *item.outputs)
    return item.inner is None, len(item.outputs), *(len(tensor.shape) > 1 for tensor in tensors)


def _decides(entry: Entry, copies: Sequence[Copy]) -> set[str]:
    """The names that decide whether, and how often, an entry is there."""
    return set().union(*(names_in(raw, copy) for raw in (entry.when, entry.repeat) for copy in copies))


def _agreed_value(param: str, copies: Sequence[Copy]) -> Any:
    """The value that a name has in all copies."""
    first = copies[0].values[param]
    if not all(same(copy.values[param], first) for copy in copies):
        raise UnsharedError
    return first


def _shadows(part: Part) -> bool:
    """Whether repetitions and repetitions within them both read their number, of which only one has the name."""
    return INDEX in part.within() and part.inside is not None and _numbered(part.inside)


def _numbered(unit: Unit) -> bool:
    """Whether repetitions in a module read their number, so that nothing else there can have its name."""
    return any(part.numbered or (part.inside is not None and _numbered(part.inside)) for part in unit.parts)


def _values(copy: Copy, entry: Entry, item: Item) -> Values:
    """What the names in sight come to for one item."""
    values = copy.values
    if copy.revalued:
        values = {**values, **{each: found for each, (found, _) in copy.revalued.items()}}
    return {**values, INDEX: item.index} if entry.repeats else values


def _worlds(copies: Copies, copy: Copy, entry: Entry, item: Item) -> Worlds:
    """What the names in sight come to for one item where the model's parameters have other values."""
    return lambda: other_worlds.seen(copy, entry, item) if copies.elsewhere else ()


def _inner(item: Item) -> Copy:
    assert item.inner is not None
    return item.inner


def _targets(item: Item) -> tuple[str, ...]:
    return tuple(call.target for call in item.calls)


def _alike(other: Calling | None, call: Calling, target: str | None) -> bool:
    return other is not None and _form(other, target) == _form(call, target)


def _form(call: Calling, target: str | None) -> tuple[Any, ...]:
    """What must be the same of a call in all copies, but for what its arguments are."""
    names = tuple(arg for arg, _ in call.args)
    form = replace(call.call, target=target or call.target, args={})
    forward = tuple(form.forward.items())
    return names, replace(form, forward={}), forward, call.padded_same, call.centred


def _text(template: Expr, values: Values) -> str:
    return "".join(str(worth(part, values)) for part in template.args)


def _declared(block: Block) -> list[str]:
    """The parameters of the block that a list belongs to; the model's own are in sight everywhere."""
    if block.owner is not None:
        return _declared(block.owner)
    return [] if block.is_model else list(block.params)
