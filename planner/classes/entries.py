"""The entries of a list as parts of a class for some of its copies: repetitions as one part, or one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from planner.classes import worlds
from planner.classes.algebra import substituted
from planner.classes.arithmetic import of_value
from planner.classes.choosing import Candidate, UnsharedError, Values, Worlds, agreed, chosen, if_shared, one, worth
from planner.classes.copies import Copies
from planner.classes.expressions import NOTHING, Expr, const, name
from planner.classes.names import unused
from planner.classes.parts import Again, Part, Unit, name_of
from planner.classes.tensors import CARRIED, INDEX, Calling, Copy, EntryCopy, Value, names_in
from planner.format import Block, Entry

Items = Sequence[tuple[Copy, EntryCopy]]


class Classes(Protocol):
    """The classes that the entries of a list may construct."""

    copies: Copies

    def of(self, copy: Copy) -> Unit:
        """The class of a copy of a list that has one of its own."""

    def laid(self, copies: Sequence[Copy], *, unrolled: bool, fixed: frozenset[str], kept: frozenset[str]) -> Unit:
        """A class for some copies of a list."""


class Entries:
    """The entries of a list as parts of a class for some of its copies.

    fixed   names that are no arguments: their values are written
    kept    names whose conditions and types are written, though all copies agree in what they come to
    assumed the names for whose values alone the parts that have been asked for are right
    firm    those of them that decide whether something is there that no copy has
    """

    def __init__(self, classes: Classes, copies: Sequence[Copy], fixed: frozenset[str], kept: frozenset[str]) -> None:
        self.classes = classes
        self.copies = copies
        self.fixed = fixed
        self.kept = kept
        self.assumed: set[str] = set()
        self.firm: set[str] = set()
        self.block = copies[0].block
        self._names = classes.copies.names

    def part(self, entry: Entry, number: int) -> Part:
        """The part that stands for an entry in all copies, and for all of its repetitions."""
        there = [copy for copy in self.copies if copy.items[number]]
        items = tuple([(copy, item) for copy in there for item in copy.items[number]])
        if len({_shape_of(item) for _, item in items}) > 1:
            raise UnsharedError
        count = None
        if entry.repeats:
            count = self._of_file(entry.repeat, [(copy, len(copy.items[number])) for copy in there])
            if len(items) == len(there) and not _hands_on(items):
                self.assumed |= count.names
        part = Part(
            values=tuple([(number, -1, i) for i in range(len(items[0][1].outputs))]),
            items=items,
            sources=agreed(copy.sources[number] for copy in there),
            name=self._name(entry, items),
            when=self._when(entry, number, there),
            count=count,
            wrapped=entry.repeats and not self.block.nameless and entry.template is None,
            again=self._again(entry, number, items),
            ties=entry.tie,
        )
        filled = if_shared(self._filled, part, entry) if entry.repeats else self._filled(part, entry)
        part = filled or self._carried(part, entry)
        if part.count is not None and INDEX in part.assumed():
            self.assumed |= part.count.names
        if part.count is not None and part.count.is_value(1) and not part.wrapped:
            part = part.once()
        _must_be_callable(part)
        return part

    def _again(self, entry: Entry, number: int, items: Items) -> Again | None:
        """The part whose module is called again, and which of its repetitions."""
        if entry.share is None:
            return None
        numbers = {item.again[0] for _, item in items if item.again} or {number}
        copies = [item.again[1] if item.again else 0 for _, item in items]
        called = agreed(numbers)
        if called == number:
            return Again(number, 0) if entry.repeats and entry.repeat != 1 else None
        together = entry.repeats and self.block.entries[called].repeats
        if together and copies == [item.index for _, item in items]:
            return Again(called, None)
        return Again(called, agreed(copies))

    def _when(self, entry: Entry, number: int, there: list[Copy]) -> Expr | None:
        """The condition under which an entry exists; none where the entry exists in all copies and always may."""
        worked_out = entry.when is not None and not isinstance(entry.when, bool)
        names = NOTHING.union(*(names_in(entry.when, copy) for copy in self.copies)) if worked_out else NOTHING
        if len(there) == len(self.copies) and not names & self.kept:
            self.assumed |= names
            return None
        if entry.when is None:
            if not entry.repeats:
                raise UnsharedError
            return None
        condition = self._of_file(entry.when, [(copy, bool(copy.items[number])) for copy in self.copies])
        if condition.is_const:
            raise UnsharedError
        return condition

    def _name(self, entry: Entry, items: Items) -> str | Expr | None:
        """The name of an entry's submodule, as it is in all copies."""
        if entry.template is not None:
            by = items[0][0].by
            pieces = [of_value(each) for each in entry.template.parts if each]
            made = Expr("f", tuple([substituted(each, by) for each in pieces if each is not None]))
            right = all(_text(made, worlds.here(copy, entry, item)) == item.name for copy, item in items)
            if None in pieces or not right:
                raise UnsharedError
            return name_of(made)
        if self.block.nameless:
            return None
        named = [item.name for _, item in items]
        found: str = agreed(each.rpartition(".")[0] for each in named) if entry.repeats else agreed(named)
        return found

    # What a part constructs or calls

    def _filled(self, part: Part, entry: Entry) -> Part:
        """The part with what it constructs or calls."""
        if part.item.inner is None:
            return self._calling(part, entry)
        if not part.item.inner.in_place:
            return self._constructing(part, entry)
        inside = self._in_place([_inner(item) for _, item in part.items])
        self.assumed |= inside.assumed
        self.firm |= inside.firm
        return replace(part, inside=inside)

    def _in_place(self, copies: list[Copy]) -> Unit:
        """The class of a list that is written in place; a single copy can always be written, with its repetitions one
        by one.
        """
        rolled = partial(self.classes.laid, copies, unrolled=False, fixed=self.fixed, kept=self.kept)
        if len(copies) > 1:
            return rolled()
        alone = if_shared(rolled)
        return alone or self.classes.laid(copies, unrolled=True, fixed=self.fixed, kept=self.kept)

    def _constructing(self, part: Part, entry: Entry) -> Part:
        """The part of a block: the class that it constructs, with its arguments."""
        unit: Unit = agreed(self.classes.of(_inner(item)) for _, item in part.items)
        types = {item.type for _, item in part.items if item.type is not None}
        self.assumed = self.assumed.union(*(each.names for each in types))
        if len(unit.copies) < len(self.classes.copies.known[unit.block]):  # which class it is, arguments decide
            own = set(self._names.declared(unit.block))
            given = [item.args[each] for _, item in part.items for each in own if each in item.args]
            self.assumed = self.assumed.union(*(expr.depends_on for expr in given))
        sights = self._sights(part, entry)
        args = {
            param: one([(item.args[param], *sight) for item, sight in sights], param in unit.types)
            for param in unit.params
        }
        for _, item in part.items:
            for each in unit.assumed:
                self.assumed |= self._of_caller(each, item)
        return replace(part, unit=unit, args=args)

    def _of_caller(self, assumed: str, item: EntryCopy) -> frozenset[str]:
        """The names in sight of a call that a name stands for which the class takes for granted."""
        if assumed.startswith("#"):
            return item.inputs[int(assumed[1:])].origin
        if assumed.startswith("^"):
            hides = assumed[1:] in self._names.declared(self.block)
            return frozenset({assumed if hides else assumed[1:]})
        return item.args[assumed].depends_on if assumed in item.args else NOTHING

    def _calling(self, part: Part, entry: Entry) -> Part:
        """The part of a layer: its calls, and the parameter that says its class."""
        first = part.item
        self.assumed = self.assumed.union(*(item.assumed for _, item in part.items))
        kind = None
        if first.type is not None:
            if len({_targets(item) for _, item in part.items}) > 1 or first.type.names & self.kept:
                kind = first.type
                for copy, item in part.items:
                    if kind.op != "name" or _targets(item) != (f"nn.{copy.values.get(kind.args[0])}",):
                        raise UnsharedError
            else:
                self.assumed |= first.type.depends_on
        calls = []
        sights = self._sights(part, entry)
        for i, call in enumerate(first.calls):
            target = None if kind is None else call.target
            others = [item.calls[i] if len(item.calls) == len(first.calls) else None for _, item in part.items]
            if any(other is not call and not _alike(other, call, target) for other in others):
                raise UnsharedError
            args = [
                (arg, one([(item.calls[i].args[k][1], *sight) for item, sight in sights]))
                for k, (arg, _) in enumerate(call.args)
            ]
            calls.append(call._replace(args=tuple(args)))
        return replace(part, type=kind, calls=tuple(calls))

    def _carried(self, part: Part, entry: Entry) -> Part:
        """Repetitions that differ in their input channels, written with a variable that is carried along."""
        if any(item.feeds != 1 for _, item in part.items):
            raise UnsharedError
        variable = unused(CARRIED, part.items[0][0].values)
        starts = [(copy, item.inputs[0]) for copy, item in part.items if not item.index]
        start = chosen(
            [
                Candidate(tensor.channels, copy.values, tensor.shape.channels, partial(self._worlds, copy))
                for copy, tensor in starts
            ]
        )
        items, ends = [], []
        for copy, item in part.items:
            tensor, *others = item.inputs
            values = {**worlds.here(copy, entry, item), variable: tensor.shape.channels}
            carried = tensor._replace(channels=name(variable))
            again = self.classes.copies.item(copy, values, entry, item.member, (carried, *others))
            again.index, again.name, again.last, again.again = item.index, item.name, item.last, item.again
            if self.classes.copies.elsewhere:
                worlds.enter(again, copy, entry, deeply=True)
            items.append((replace(copy, values=values), again))
            seen = self._seen(copy, entry, item)
            ends.append(Candidate(again.outputs[0].channels, values, again.outputs[0].shape.channels, seen))
        filled = self._filled(replace(part, items=tuple(items), variable=variable), entry)
        return replace(filled, items=part.items, carried=(start, chosen(ends)))

    # What copies agree on

    def _of_file(self, raw: Any, known: Sequence[tuple[Copy, Any]]) -> Expr:
        """A value of the file, as it is written in all copies."""
        exprs = []
        for copy, wanted in known:
            found = of_value(raw)
            expr = const(wanted, frozenset(copy.values)) if found is None else substituted(found, copy.by)
            exprs.append(Candidate(expr, copy.values, wanted, partial(self._worlds, copy)))
        return chosen(exprs)

    def _worlds(self, copy: Copy) -> Sequence[Values]:
        return copy.worlds if self.classes.copies.elsewhere else ()

    def _sights(self, part: Part, entry: Entry) -> list[tuple[EntryCopy, tuple[Values, Worlds]]]:
        """The values of the names in sight for each copy of a part's entry, here and in other worlds."""
        return [(item, (worlds.here(copy, entry, item), self._seen(copy, entry, item))) for copy, item in part.items]

    def _seen(self, copy: Copy, entry: Entry, item: EntryCopy) -> Worlds:
        """The values of the names in sight for one copy where the model's parameters have other values."""
        return lambda: worlds.seen(copy, entry, item) if self.classes.copies.elsewhere else ()

    # Repetitions one by one

    def unrolled(self, entry: Entry, number: int) -> Iterator[Part]:
        """Every repetition as a part of its own; those that have a container of their own in a list in place."""
        (copy,) = self.copies
        items = copy.items[number]
        wrapped = entry.repeats and entry.template is None and not copy.block.nameless and bool(items)
        own = sum(1 for item in items if item.again is None)
        if wrapped and not entry.borrows and (chain := self._chain(copy, entry, number)) is not None:
            label, _, _ = items[0].name.rpartition(".")
            whole = replace(items[0], outputs=items[-1].outputs)
            yield Part(((number, -1, 0),), ((copy, whole),), copy.sources[number], label, inside=chain)
            return
        for item in items:
            last = item is items[-1]
            before: tuple[Value, ...] = tuple((number, item.index - 1, i) for i in range(item.feeds))
            part = Part(
                values=tuple((number, -1 if last else item.index, i) for i in range(len(item.outputs))),
                items=((copy, item),),
                sources=copy.sources[number] if item is items[0] else (*before, *copy.sources[number][item.feeds :]),
                name=None if copy.block.nameless else item.name,
                nested=(item.name.rpartition(".")[0], item.index, own) if wrapped and item.again is None else None,
                again=None if item.again is None else Again(*item.again),
                ties=entry.tie,
            )
            yield self._alone(part, copy, entry)

    def _alone(self, part: Part, copy: Copy, entry: Entry) -> Part:
        """The part of a single repetition, with what it constructs or calls."""
        alone = Entries(self.classes, [copy], self.fixed, self.kept)
        filled = alone._filled(part, entry)
        filled = replace(filled, assumes=frozenset(alone.assumed))
        return filled.substituted({INDEX: const(part.item.index)}) if entry.repeats else filled

    def _chain(self, copy: Copy, entry: Entry, number: int) -> Unit | None:
        """The repetitions of an entry as a list of their own; None where they are no chain, or something else reads one
        of them, or calls one again, which may take its tensor otherwise than the chain does.
        """
        items = copy.items[number]
        sequential = self.classes.copies.structure.sequential
        outputs = 1 if sequential else None
        read = [each.value for each in copy.outputs] + [value for sources in copy.sources for value in sources]
        again = [item.again for each in copy.items for item in each if item.again is not None]
        if any(value[0] == number and value[1] >= 0 for value in read) or any(called == number for called, _ in again):
            return None
        if not all(len(item.inputs) == len(item.outputs[:outputs]) == 1 for item in items):
            return None
        # Without the list that stands in place there, which belongs to the file's list.
        entries = tuple(replace(entry, name=None, repeat=None, inner=None) for _ in items)
        block = Block(entry.path, items[0].name, entries, owner=copy.block)
        sources: list[tuple[Value, ...]] = [((i - 1, -1, 0),) for i in range(len(items))]
        inner = replace(
            copy, block=block, inputs=items[0].inputs, items=[[item] for item in items], sources=sources,
            outputs=items[-1].outputs,
        )  # fmt: skip
        parts = []
        for i, item in enumerate(items):
            values = tuple((i, -1, output) for output in range(len(item.outputs)))
            part = Part(values, ((inner, item),), sources[i], None)
            parts.append(self._alone(part, inner, replace(entry, name=None)))
        if not sequential and not all(part.is_module for part in parts):
            return None
        return Unit(block, (inner,), ((len(items) - 1, -1, 0),), tuple(parts), repeats=True)


def _must_be_callable(part: Part) -> None:
    """Refuse copies whose repetitions, conditions or axes no module that stands for all of them can have."""
    single = all(len(item.outputs) == len(item.inputs) == 1 for _, item in part.items)
    callable_again = single if part.count is None else single or _may_iterate(part, part.count)
    if part.count is not None and not (callable_again and part.is_module and not _shadows(part)):
        raise UnsharedError
    if part.loops and (part.when is not None or part.carried is not None or part.numbered):
        raise UnsharedError
    alone = len(part.item.outputs) == 1 and not part.is_module and not part.is_tensor
    if part.when is not None and not (single or alone):
        raise UnsharedError
    ranks = {len(tensor.shape) for _, item in part.items for tensor in item.inputs[:1]}
    if len(ranks) > 1 and part.calls and (part.calls[-1].call.along or not part.is_module):
        raise UnsharedError


def _may_iterate(part: Part, count: Expr) -> bool:
    """Whether a loop can call repetitions that read more than the one before; one alone is called by itself."""
    hands_on_one = all(len(item.outputs) == 1 for _, item in part.items)
    return part.iterates and part.wrapped and hands_on_one and not count.is_value(1)


def _shadows(part: Part) -> bool:
    """Whether repetitions and those nested in them both read their number, though only one of the two can have the
    name.
    """
    return INDEX in part.within() and part.inside is not None and part.inside.numbered


def _hands_on(items: Items) -> bool:
    """Whether a layer or a block has as many output channels as input channels, so that another copy can follow."""
    return all(
        item.inputs and item.outputs and item.inputs[0].channels == item.outputs[0].channels for _, item in items
    )


def _shape_of(item: EntryCopy) -> tuple[Any, ...]:
    """The properties that an entry must have in common in all copies: whether it is a layer, and which of its tensors
    are vectors.
    """
    tensors = (*item.inputs, *item.outputs)
    return item.inner is None, len(item.outputs), *(len(tensor.shape) > 1 for tensor in tensors)


def _inner(item: EntryCopy) -> Copy:
    assert item.inner is not None
    return item.inner


def _targets(item: EntryCopy) -> tuple[str, ...]:
    return tuple(call.target for call in item.calls)


def _alike(other: Calling | None, call: Calling, target: str | None) -> bool:
    """Whether two calls are the same but for their arguments, and for their class where that is given."""
    return other is not None and _form(other, target) == _form(call, target)


def _form(call: Calling, target: str | None) -> tuple[Any, ...]:
    """The properties that a call must have in common in all copies, apart from the values of its arguments."""
    names = tuple(arg for arg, _ in call.args)
    form = replace(call.call, target=target or call.target, args={})
    forward = tuple(form.forward.items())
    return names, replace(form, forward={}), forward, call.padded_same, call.centred


def _text(template: Expr, values: Values) -> str:
    return "".join(str(worth(part, values)) for part in template.args)
