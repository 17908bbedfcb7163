"""The entries of a list as parts of a class for some of its copies: repetitions as one part, or one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from planner.classes import worlds
from planner.classes.algebra import substituted
from planner.classes.arithmetic import of_value
from planner.classes.choosing import (
    Candidate,
    UnsharedError,
    Values,
    Worlds,
    agreed,
    chosen,
    for_all_copies,
    if_shared,
    worth,
)
from planner.classes.copies import Copies
from planner.classes.expressions import NOTHING, Expr, const, name
from planner.classes.names import unused
from planner.classes.parts import Again, Part, Unit, must_be_callable, name_of
from planner.classes.tensors import CARRIED, INDEX, Calling, Copy, Use, Value, names_in
from planner.format import Block, Entry

Uses = Sequence[tuple[Copy, Use]]


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
        there = [copy for copy in self.copies if copy.uses[number]]
        uses = tuple([(copy, use) for copy in there for use in copy.uses[number]])
        if len({_shape_of(use) for _, use in uses}) > 1 or (entry.repeats and self._mixes(entry, number)):
            raise UnsharedError
        count = None
        if entry.repeats:
            count = self._of_file(entry.repeat, [(copy, len(copy.uses[number])) for copy in there])
            if len(uses) == len(there) and not _hands_on(uses):
                self.assumed |= count.names
        part = Part(
            values=tuple([(number, -1, i) for i in range(len(uses[0][1].outputs))]),
            uses=uses,
            sources=agreed(copy.sources[number] for copy in there),
            name=self._name(entry, uses),
            when=self._when(entry, number, there),
            count=count,
            wrapped=entry.repeats and not self.block.nameless and entry.template is None,
            again=self._again(entry, number, uses),
            ties=entry.tie,
        )
        filled = if_shared(self._filled, part, entry) if entry.repeats else self._filled(part, entry)
        part = filled or self._carried(part, entry)
        if part.count is not None and INDEX in part.assumed():
            self.assumed |= part.count.names
        if part.count is not None and part.count.is_value(1) and not part.wrapped:
            part = part.once()
        must_be_callable(part)
        return part

    def _again(self, entry: Entry, number: int, uses: Uses) -> Again | None:
        """The part whose module is called again, and which of its repetitions."""
        if entry.share is None:
            return None
        numbers = {use.again[0] for _, use in uses if use.again} or {number}
        copies = [use.again[1] if use.again else 0 for _, use in uses]
        called = agreed(numbers)
        if called == number:
            return Again(number, 0) if entry.repeats and entry.repeat != 1 else None
        together = entry.repeats and self.block.entries[called].repeats
        if together and copies == [use.index for _, use in uses]:
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
        condition = self._of_file(entry.when, [(copy, bool(copy.uses[number])) for copy in self.copies])
        if condition.is_const:
            raise UnsharedError
        return condition

    def _name(self, entry: Entry, uses: Uses) -> str | Expr | None:
        """The name of an entry's submodule, as it is in all copies."""
        if entry.template is not None:
            by = uses[0][0].by
            pieces = [of_value(each) for each in entry.template.parts if each]
            made = Expr("f", tuple([substituted(each, by) for each in pieces if each is not None]))
            right = all(_text(made, worlds.here(copy, entry, use)) == use.name for copy, use in uses)
            if None in pieces or not right:
                raise UnsharedError
            return name_of(made)
        if self.block.nameless:
            return None
        named = [use.name for _, use in uses]
        found: str = agreed(each.rpartition(".")[0] for each in named) if entry.repeats else agreed(named)
        return found

    # What a part constructs or calls

    def _filled(self, part: Part, entry: Entry) -> Part:
        """The part with what it constructs or calls."""
        if part.first.inner is None:
            return self._calling(part, entry)
        if not part.first.inner.in_place:
            return self._constructing(part, entry)
        inside = self._in_place([_inner(use) for _, use in part.uses])
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
        unit: Unit = agreed(self.classes.of(_inner(use)) for _, use in part.uses)
        types = {use.type for _, use in part.uses if use.type is not None}
        self.assumed = self.assumed.union(*(each.names for each in types))
        if len(unit.copies) < len(self.classes.copies.known[unit.block]):  # the arguments decide which class it is
            own = set(self._names.declared(unit.block))
            given = [use.args[each] for _, use in part.uses for each in own if each in use.args]
            self.assumed = self.assumed.union(*(expr.depends_on for expr in given))
        sights = self._sights(part, entry)
        args = {
            param: for_all_copies([(use.args[param], *sight) for use, sight in sights], param in unit.types)
            for param in unit.params
        }
        for _, use in part.uses:
            for each in unit.assumed:
                self.assumed |= self._of_caller(each, use)
        return replace(part, unit=unit, args=args)

    def _of_caller(self, assumed: str, use: Use) -> frozenset[str]:
        """The names in sight of a call that a name stands for which the class takes for granted."""
        if assumed.startswith("#"):
            return use.inputs[int(assumed[1:])].origin
        if assumed.startswith("^"):
            hides = assumed[1:] in self._names.declared(self.block)
            return frozenset({assumed if hides else assumed[1:]})
        return use.args[assumed].depends_on if assumed in use.args else NOTHING

    def _calling(self, part: Part, entry: Entry) -> Part:
        """The part of a layer: its calls, and the parameter that says its class."""
        first = part.first
        self.assumed = self.assumed.union(*(use.assumed for _, use in part.uses))
        kind = None
        if first.type is not None:
            if len({_targets(use) for _, use in part.uses}) > 1 or first.type.names & self.kept:
                kind = first.type
                for copy, use in part.uses:
                    if kind.op != "name" or _targets(use) != (f"nn.{copy.values.get(kind.args[0])}",):
                        raise UnsharedError
            else:
                self.assumed |= first.type.depends_on
        calls = []
        sights = self._sights(part, entry)
        for i, call in enumerate(first.calls):
            target = None if kind is None else call.target
            others = [use.calls[i] if len(use.calls) == len(first.calls) else None for _, use in part.uses]
            if any(other is not call and not _alike(other, call, target) for other in others):
                raise UnsharedError
            args = [
                (arg, for_all_copies([(use.calls[i].args[k][1], *sight) for use, sight in sights]))
                for k, (arg, _) in enumerate(call.args)
            ]
            calls.append(call._replace(args=tuple(args)))
        return replace(part, type=kind, calls=tuple(calls))

    def _carried(self, part: Part, entry: Entry) -> Part:
        """Repetitions that differ in their input channels, written with a variable that is carried along."""
        if any(use.feeds != 1 for _, use in part.uses):
            raise UnsharedError
        variable = unused(CARRIED, part.uses[0][0].values)
        starts = [(copy, use.inputs[0]) for copy, use in part.uses if not use.index]
        start = chosen(
            [
                Candidate(tensor.channels, copy.values, tensor.shape.channels, partial(self._worlds, copy))
                for copy, tensor in starts
            ]
        )
        uses, ends = [], []
        for copy, use in part.uses:
            tensor, *others = use.inputs
            values = {**worlds.here(copy, entry, use), variable: tensor.shape.channels}
            carried = tensor._replace(channels=name(variable))
            again = self.classes.copies.use(copy, values, entry, use.member, (carried, *others))
            again.index, again.name, again.last, again.again = use.index, use.name, use.last, use.again
            if self.classes.copies.elsewhere:
                worlds.enter(again, copy, entry, deeply=True)
            uses.append((replace(copy, values=values), again))
            seen = self._seen(copy, entry, use)
            ends.append(Candidate(again.outputs[0].channels, values, again.outputs[0].shape.channels, seen))
        filled = self._filled(replace(part, uses=tuple(uses), variable=variable), entry)
        return replace(filled, uses=part.uses, carried=(start, chosen(ends)))

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

    def _sights(self, part: Part, entry: Entry) -> list[tuple[Use, tuple[Values, Worlds]]]:
        """The values of the names in sight for each copy of a part's entry, here and in other worlds."""
        return [(use, (worlds.here(copy, entry, use), self._seen(copy, entry, use))) for copy, use in part.uses]

    def _seen(self, copy: Copy, entry: Entry, use: Use) -> Worlds:
        """The values of the names in sight for one copy where the model's parameters have other values."""
        return lambda: worlds.seen(copy, entry, use) if self.classes.copies.elsewhere else ()

    # Repetitions one by one

    def unrolled(self, entry: Entry, number: int) -> Iterator[Part]:
        """Every repetition as a part of its own; those that have a container of their own in a list in place."""
        copies = self.copies
        agreed(len(copy.uses[number]) for copy in copies)
        uses = [[(copy, copy.uses[number][index]) for copy in copies] for index in range(len(copies[0].uses[number]))]
        if any(len({_shape_of(use) for _, use in each}) > 1 for each in uses):
            raise UnsharedError
        wrapped = entry.repeats and entry.template is None and not self.block.nameless and bool(uses)
        wrapped = wrapped and not self._mixes(entry, number)
        sources = agreed(copy.sources[number] for copy in copies)
        again = [agreed(use.again for _, use in each) for each in uses]
        if wrapped and not entry.borrows and (chain := self._chain(entry, number)) is not None:
            (_, first), *_ = uses[0]
            label, _, _ = first.name.rpartition(".")
            whole = [
                (copy, replace(use, outputs=last.outputs))
                for (copy, use), (_, last) in zip(uses[0], uses[-1], strict=True)
            ]
            yield Part(((number, -1, 0),), tuple(whole), sources, label, inside=chain)
            return
        for index, each in enumerate(uses):
            (_, use), *_ = each
            before: tuple[Value, ...] = tuple((number, index - 1, i) for i in range(use.feeds))
            name = agreed(use.name for _, use in each)
            part = Part(
                values=tuple((number, -1 if each is uses[-1] else index, i) for i in range(len(use.outputs))),
                uses=tuple(each),
                sources=(*before, *sources[use.feeds :]) if index else sources,
                name=None if self.block.nameless else name,
                nested=(name.rpartition(".")[0], index, again.count(None)) if wrapped and use.again is None else None,
                again=None if use.again is None else Again(*use.again),
                ties=entry.tie,
            )
            part = self._alone(part, copies, entry)
            must_be_callable(part)
            yield part

    def _mixes(self, entry: Entry, number: int) -> bool:
        """Whether the names of an entry's repetitions say that no list of their own has them: they are within modules
        that others are in, as `stage${index}.conv` and `stage${index}.norm`, or have others within them.
        """
        if self.block.nameless:
            return False
        own = {use.name for copy in self.copies for use in copy.uses[number]}
        if entry.template is not None and any("." in each for each in own):
            return True
        bases = tuple({f"{each if entry.template else each.rpartition('.')[0]}." for each in own})
        others = (uses for copy in self.copies for i, uses in enumerate(copy.uses) if i != number)
        return any(use.name.startswith(bases) for uses in others for use in uses)

    def _alone(self, part: Part, copies: Sequence[Copy], entry: Entry) -> Part:
        """The part of a single repetition, with what it constructs or calls."""
        alone = Entries(self.classes, copies, self.fixed, self.kept)
        filled = alone._filled(part, entry)
        filled = replace(filled, assumes=frozenset(alone.assumed))
        return filled.substituted({INDEX: const(part.first.index)}) if entry.repeats else filled

    def _chain(self, entry: Entry, number: int) -> Unit | None:
        """The repetitions of an entry as a list of their own; None where they are no chain, or something else reads one
        of them, or calls one again, which may take its tensor otherwise than the chain does.
        """
        sequential = self.classes.copies.structure.sequential
        outputs = 1 if sequential else None
        for copy in self.copies:
            read = [each.value for each in copy.outputs] + [value for sources in copy.sources for value in sources]
            again = [use.again for each in copy.uses for use in each if use.again is not None]
            if any(value[0] == number and value[1] >= 0 for value in read) or any(each == number for each, _ in again):
                return None
            if not all(len(use.inputs) == len(use.outputs[:outputs]) == 1 for use in copy.uses[number]):
                return None
        first = self.copies[0].uses[number]
        # Without the list in place, which belongs to the entry of the file.
        entries = tuple(replace(entry, name=None, repeat=None, inner=None) for _ in first)
        block = Block(entry.path, first[0].name, entries, owner=self.block)
        sources: list[tuple[Value, ...]] = [((i - 1, -1, 0),) for i in range(len(first))]
        inner = [
            replace(
                copy, block=block, inputs=uses[0].inputs, uses=[[use] for use in uses], sources=sources,
                outputs=uses[-1].outputs,
            )
            for copy in self.copies
            for uses in [copy.uses[number]]
        ]  # fmt: skip
        parts = []
        for i, use in enumerate(first):
            values = tuple((i, -1, output) for output in range(len(use.outputs)))
            part = Part(values, tuple((copy, copy.uses[i][0]) for copy in inner), sources[i], None)
            parts.append(self._alone(part, inner, replace(entry, name=None)))
        if not sequential and not all(part.is_module for part in parts):
            return None
        return Unit(block, tuple(inner), ((len(first) - 1, -1, 0),), tuple(parts), repeats=True)


def _hands_on(uses: Uses) -> bool:
    """Whether a layer or a block has as many output channels as input channels, so that another copy can follow."""
    return all(use.inputs and use.outputs and use.inputs[0].channels == use.outputs[0].channels for _, use in uses)


def _shape_of(use: Use) -> tuple[Any, ...]:
    """The properties that an entry must have in common in all copies: whether it is a layer, and which of its tensors
    are vectors.
    """
    tensors = (*use.inputs, *use.outputs)
    return use.inner is None, len(use.outputs), *(len(tensor.shape) > 1 for tensor in tensors)


def _inner(use: Use) -> Copy:
    assert use.inner is not None
    return use.inner


def _targets(use: Use) -> tuple[str, ...]:
    return tuple(call.target for call in use.calls)


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
