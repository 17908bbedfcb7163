"""Modules: what copies of a list of layers have in common, as one class that constructs them all.

An argument is written in the parameters of the class where that gives every copy what the plan has. Copies that no
class can construct in common are parted, and get a class each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from planner.faults.refused_module_name import RefusedModuleName
from planner.outputs.code._arithmetic import of_value, read, value
from planner.outputs.code._copies import INDEX, Calling, Copies, Copy, Item, Value
from planner.outputs.code._expressions import Expr, UnusableError, const, name, same, substituted, text
from planner.outputs.code._names import Names, identifier, unused
from planner.outputs.code._parts import CARRIED, Part, Unit
from planner.outputs.code._structure import Listing, Slot

LONG = 4
"""From how many operators on an expression that was worked out is rather a parameter, if one fits."""
Values = Mapping[str, Any]
Known = tuple[Expr, Values, Any]
"""An expression of one copy, what the names in sight come to there, and what it must come to."""


class UnsharedError(Exception):
    """Copies have no class in common, or a list cannot be written with its repetitions."""


class Units:
    """The modules of a model, those that others are made of first."""

    def __init__(self, copies: Copies, names: Names) -> None:
        self.copies = copies
        self.names = names
        self.all: list[Unit] = []
        self._of: dict[Copy, Unit] = {}
        self.root = self.of(copies.root)
        for unit in reversed(self.all):
            self._merge(unit)
        for unit in self.all:
            self._carry_on(unit)
            self._check_names(unit)

    def of(self, copy: Copy) -> Unit:
        """The module of a copy that has one."""
        if copy not in self._of:
            for unit in self._parted(copy.listing):
                unit.name = self.names.new_class(unit.listing.name)
                self.all.append(unit)
                self._of.update(dict.fromkeys(unit.copies, unit))
        return self._of[copy]

    def _parted(self, listing: Listing) -> list[Unit]:
        """As few modules as can be found for all copies of a list."""
        copies = self.copies.of(listing)
        try:
            return [self._unit(listing, copies)]
        except UnsharedError:
            pass
        units: list[Unit] = []
        for copy in copies:
            for i, unit in enumerate(units):
                try:
                    units[i] = self._unit(listing, [*unit.copies, copy])
                    break
                except UnsharedError:
                    continue
            else:
                try:
                    units.append(self._unit(listing, [copy]))
                except UnsharedError:
                    units.append(self._unit(listing, [copy], unrolled=True))
        return units

    def _unit(self, listing: Listing, copies: list[Copy], *, unrolled: bool = False) -> Unit:
        unit = Unit(listing, copies, _agreed(tuple(each.value for each in copy.outputs) for copy in copies))
        handed: dict[Value, Value] = {}
        """What stands for the outputs of entries that no copy has."""
        for number, slot in enumerate(listing.slots):
            parts = len(unit.parts)
            if not any(copy.items[number] for copy in copies):
                source = _agreed(copy.sources[number][0] for copy in copies)
                handed[number, -1, 0] = handed.get(source, source)
            elif unrolled:
                unit.parts += self._unrolled(copies[0], slot, number)
            else:
                unit.parts.append(self._part(unit, slot, number))
            for part in unit.parts[parts:]:
                part.sources = tuple(handed.get(value, value) for value in part.sources)
        unit.outputs = tuple(handed.get(value, value) for value in unit.outputs)
        read = [*unit.outputs, *(value for part in unit.parts for value in part.sources)]
        if not unrolled and any(index >= 0 for _, index, _ in read):
            raise UnsharedError
        if not listing.chain and not unit.reachable:
            raise UnsharedError
        reads: set[str] = set()
        for part in unit.parts:
            reads |= part.reads()
            unit.types |= {each for expr in part.types() for each in expr.names}
        if unit.types & reads:
            raise UnsharedError
        declared = [self.names.param(each) for each in _declared(listing)]
        order = dict.fromkeys((*self.names.channels(listing), *declared, *self.copies.params, *sorted(reads)))
        unit.params = tuple(each for each in order if each in reads | unit.types)
        return unit

    def picks(self, place: int) -> bool:
        """Whether an input of the model holds whole numbers that pick something."""
        plan = self.copies.structure.plan
        return any(
            step.layer is not None and step.layer.indices and ref.step == place
            for step in plan.layers
            for ref in step.sources
        )

    @property
    def chains(self) -> bool:
        """Whether the model is one chain through and through."""
        return all(unit.listing.chain and all(part.plain for part in unit.parts) for unit in self.all)

    @property
    def weighted(self) -> set[str]:
        """The classes of torch.nn in the model that have a weight of two or more axes, and may have a bias."""
        found = set()
        for unit in self.all:
            for part in unit.all_parts():
                step = part.item.step
                biased = step is not None and step.layer is not None and "bias" in type(step.layer).model_fields
                if step is not None and biased and len(step.weights.get("weight", ())) > 1:
                    found.add(part.calls[-1].target)
        return found

    # Shorter

    def _merge(self, unit: Unit) -> None:
        """Leave out numbers of input channels that are another argument in every call."""
        calls = [part for other in self.all for part in other.all_parts() if part.unit is unit]
        for channels in self.names.channels(unit.listing):
            same_as = [
                param
                for param in unit.params
                if param != channels
                and param not in self.names.channels(unit.listing)
                and all(part.args.get(channels) == part.args[param] for part in calls)
            ]
            if channels in unit.params and same_as and calls:
                unit.by[channels] = name(same_as[0])
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
            part.name = part.alias = unused(identifier(refused[0]), taken)
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
            if argument in self.names.channels(unit.listing) and not any(
                argument in other.reads() for other in unit.parts if other is not part
            ):
                part.substituted({part.variable: part.carried[0]}, own=True)
                part.variable = argument

    # One entry

    def _part(self, unit: Unit, slot: Slot, number: int) -> Part:
        there = [copy for copy in unit.copies if copy.items[number]]
        part = Part(
            values=tuple((number, -1, i) for i in range(len(there[0].items[number][0].outputs))),
            items=[(copy, item) for copy in there for item in copy.items[number]],
            sources=_agreed(copy.sources[number] for copy in there),
            name=None,
        )
        part.name = self._name(unit.listing, slot, part)
        if slot.repeats:
            part.count = self._of_file(slot.repeat, [(copy, len(copy.items[number])) for copy in there])
            part.wrapped = not unit.listing.nameless and slot.template is None
        if len(there) < len(unit.copies):
            if slot.when is not None:
                part.when = self._of_file(slot.when, [(copy, bool(copy.items[number])) for copy in unit.copies])
            elif not slot.repeats:
                raise UnsharedError
        try:
            self._fill(part, slot)
        except UnsharedError:
            if part.count is None:
                raise
            self._carry(part, slot)
        if part.count is not None and part.count.is_value(1) and not part.wrapped:
            part.once()
        single = len(part.item.outputs) == len(part.item.inputs) == 1
        if part.count is not None and not (single and part.is_module and not _shadows(part)):
            raise UnsharedError
        if part.when is not None and not (single or (len(part.item.outputs) == 1 and not part.is_module)):
            raise UnsharedError
        return part

    def _name(self, listing: Listing, slot: Slot, part: Part) -> str | Expr | None:
        if slot.template is not None:
            copy = part.items[0][0]
            pieces = (each if isinstance(each, str) else each.text for each in slot.template.parts)
            made = Expr("f", tuple(_piece(each, copy) for each in pieces if each))
            if any(_text(made, _values(copy, slot, item)) != item.name for copy, item in part.items):
                raise UnsharedError
            return made
        if listing.nameless:
            return None
        named = [item.name for _, item in part.items]
        found: str = _agreed(each.rpartition(".")[0] for each in named) if slot.repeats else _agreed(named)
        return found

    def _fill(self, part: Part, slot: Slot) -> None:
        """What a part constructs or calls."""
        part.type = None
        if part.item.inner is None:
            part.calls = self._calls(part, slot)
        elif part.item.inner.listing.in_place:
            inner = [_inner(item) for _, item in part.items]
            part.inside = self._in_place(inner)
        else:
            part.unit = _agreed(self.of(_inner(item)) for _, item in part.items)
            known = [(item, _values(copy, slot, item)) for copy, item in part.items]
            part.args = {
                param: self._one([(item.args[param], values) for item, values in known], param in part.unit.types)
                for param in part.unit.params
            }

    def _in_place(self, copies: list[Copy]) -> Unit:
        """A list that is written in place; what stands alone can always be written, its repetitions one by one."""
        try:
            return self._unit(copies[0].listing, copies)
        except UnsharedError:
            if len(copies) > 1:
                raise
        return self._unit(copies[0].listing, copies, unrolled=True)

    def _calls(self, part: Part, slot: Slot) -> tuple[Calling, ...]:
        first = part.item
        if first.type is not None and len({_targets(item) for _, item in part.items}) > 1:
            part.type = first.type
            for copy, item in part.items:
                if first.type.op != "name" or _targets(item) != (f"nn.{copy.values.get(first.type.args[0])}",):
                    raise UnsharedError
        calls = []
        for i, call in enumerate(first.calls):
            target = None if part.type is None else call.target
            others = [item.calls[i] if len(item.calls) == len(first.calls) else None for _, item in part.items]
            if any(other is None or _form(other, target) != _form(call, target) for other in others):
                raise UnsharedError
            args = []
            for k, (arg, _) in enumerate(call.args):
                known = [(item.calls[i].args[k][1], _values(copy, slot, item)) for copy, item in part.items]
                args.append((arg, self._one(known)))
            calls.append(call._replace(args=tuple(args)))
        return tuple(calls)

    def _one(self, known: Sequence[tuple[Expr, Values]], is_type: bool = False) -> Expr:
        """The expression of all copies."""
        first = known[0][0]
        agree = all(expr == first for expr, _ in known)
        if is_type:
            if agree and first.op in ("name", "text"):
                return first
            return text(f"nn.{_agreed(_value(expr, values) for expr, values in known)}")
        if agree and (first.is_const or len(known) == 1 or first.size < LONG):
            return const(first.args[0]) if first.op == "lost" else first
        try:
            wanted = [(expr, values, value(expr, values)) for expr, values in known]
        except UnusableError:
            if agree:
                return first
            raise UnsharedError from None
        return (self._parameter(wanted) or first) if agree else self._chosen(wanted)

    # Repetitions

    def _carry(self, part: Part, slot: Slot) -> None:
        """Write repetitions that differ in their input channels with a variable that is carried along."""
        if len(part.item.inputs) != 1:
            raise UnsharedError
        items = part.items
        part.variable = unused(CARRIED, items[0][0].values)
        starts = [(copy, item.inputs[0]) for copy, item in items if not item.index]
        start = self._chosen([(tensor.channels, copy.values, tensor.shape.channels) for copy, tensor in starts])
        part.items, ends = [], []
        for copy, item in items:
            (tensor,) = item.inputs
            values = {**_values(copy, slot, item), part.variable: tensor.shape.channels}
            carried = tensor._replace(channels=name(part.variable))
            again = self.copies.item(copy, values, slot, item.member, (carried,))
            again.index, again.name = item.index, item.name
            part.items.append((replace(copy, values=values), again))
            ends.append((again.outputs[0].channels, values, again.outputs[0].shape.channels))
        self._fill(part, slot)
        part.items = items
        part.carried = start, self._chosen(ends)

    def _unrolled(self, copy: Copy, slot: Slot, number: int) -> Iterator[Part]:
        """Every repetition as a part of its own; those that have a container of their own in a list in place."""
        items = copy.items[number]
        wrapped = slot.repeats and slot.template is None and not copy.listing.nameless and bool(items)
        read = [each.value for each in copy.outputs] + [value for sources in copy.sources for value in sources]
        if wrapped and not any(value[0] == number and value[1] >= 0 for value in read):
            slots = [replace(slot, name=None, repeat=None) for _ in items]
            listing = Listing(slot.path, items[0].name, slots, owner=copy.listing, chain=True)
            sources: list[tuple[Value, ...]] = [((i - 1, -1, 0),) for i in range(len(items))]
            inner = replace(
                copy, listing=listing, inputs=items[0].inputs, items=[[item] for item in items], sources=sources,
                outputs=items[-1].outputs,
            )  # fmt: skip
            unit = Unit(listing, [inner], ((len(items) - 1, -1, 0),), repeats=True)
            for i in range(len(items)):
                unit.parts += self._unrolled(inner, replace(slot, repeat=None), i)
            for part, item in zip(unit.parts, items, strict=True):
                part.substituted({INDEX: const(item.index)})
            name, _, _ = items[0].name.rpartition(".")
            yield Part(((number, -1, 0),), [(copy, items[0])], copy.sources[number], name, inside=unit)
            return
        for item in items:
            last = item is items[-1]
            part = Part(
                values=tuple((number, -1 if last else item.index, i) for i in range(len(item.outputs))),
                items=[(copy, item)],
                sources=copy.sources[number] if item is items[0] else ((number, item.index - 1, 0),),
                name=None if copy.listing.nameless else item.name,
                nested=(item.name.rpartition(".")[0], item.index) if wrapped else None,
            )
            self._fill(part, slot)
            if slot.repeats:
                part.substituted({INDEX: const(item.index)})
            yield part

    # What copies agree on

    def _of_file(self, raw: Any, known: Sequence[tuple[Copy, Any]]) -> Expr:
        """A value of the file, as it is written in all copies."""
        exprs = []
        for copy, wanted in known:
            try:
                expr = substituted(of_value(raw), copy.by)
            except UnusableError:
                expr = const(wanted)
            exprs.append((expr, copy.values, wanted))
        return self._chosen(exprs)

    def _chosen(self, known: Sequence[Known]) -> Expr:
        """An expression of one of the copies that is right in all of them, or a parameter that is."""
        for expr in dict.fromkeys(expr for expr, _, _ in known if expr.op != "lost"):
            if all(_comes_to(expr, values, wanted) for _, values, wanted in known):
                return expr
        _, _, first = known[0]
        if all(same(wanted, first) for _, _, wanted in known):
            return const(first)
        found = self._parameter(known)
        if found is None:
            raise UnsharedError
        return found

    def _parameter(self, known: Sequence[Known]) -> Expr | None:
        """A parameter that is what is wanted in every copy, of which two differ."""
        _, first, wanted = known[0]
        if all(same(each, wanted) for _, _, each in known):
            return None
        fits = (each for each in first if all(each in values and same(values[each], want) for _, values, want in known))
        return next(map(name, fits), None)


def _shadows(part: Part) -> bool:
    """Whether repetitions and repetitions within them both read their number, of which only one has the name."""
    inner = part.inside.parts if part.inside else []
    return INDEX in part.within() and any(each.count is not None and INDEX in each.within() for each in inner)


def _agreed(found: Iterable[Any]) -> Any:
    """The one thing that all of them are."""
    first, *others = dict.fromkeys(found)
    if others:
        raise UnsharedError
    return first


def _value(expr: Expr, values: Values) -> Any:
    try:
        return value(expr, values)
    except UnusableError:
        raise UnsharedError from None


def _comes_to(expr: Expr, values: Values, wanted: Any) -> bool:
    try:
        return same(value(expr, values), wanted)
    except UnusableError:
        return False


def _values(copy: Copy, slot: Slot, item: Item) -> Values:
    """What the names in sight come to for one item."""
    values = copy.values
    if copy.revalued:
        values = {**values, **{each: found for each, (found, _) in copy.revalued.items()}}
    return {**values, INDEX: item.index} if slot.repeats else values


def _inner(item: Item) -> Copy:
    assert item.inner is not None
    return item.inner


def _targets(item: Item) -> tuple[str, ...]:
    return tuple(call.target for call in item.calls)


def _form(call: Calling, target: str | None) -> tuple[Any, ...]:
    """What must be the same of a call in all copies, but for what its arguments are."""
    of = call.call
    names = tuple(arg for arg, _ in call.args)
    more = (of.gathers, of.layout, of.reads, of.forward, of.returns, of.batches, call.padded_same, call.centred)
    return (names, target or call.target, more)


def _piece(raw: str, copy: Copy) -> Expr:
    return substituted(read(raw), copy.by) if "$" in raw else const(raw)


def _text(template: Expr, values: Values) -> str:
    return "".join(str(_value(part, values)) for part in template.args)


def _declared(listing: Listing) -> list[str]:
    """The parameters of the block that a list belongs to."""
    return list(listing.params) if listing.owner is None else _declared(listing.owner)
