"""Copies of the lists of layers, each with what it constructs and calls, written in the parameters in sight.

A list is gone through once for each combination of parameters and input shapes that it is called with: whatever agrees
in these agrees in everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import zip_longest
from typing import Any

from planner.arithmetic import has_arithmetic
from planner.classes import worlds
from planner.classes.algebra import binary, substituted
from planner.classes.answers import Answers
from planner.classes.arithmetic import comes_to, of_value
from planner.classes.choosing import least_assuming
from planner.classes.expressions import ONE, Expr, const, lost, name, same
from planner.classes.names import Names, unused
from planner.classes.structure import Structure
from planner.classes.tensors import (
    BEFORE,
    CARRIED,
    INDEX,
    Copy,
    SymbolicTensor,
    Use,
    argument_in,
    at_index,
    chosen_by,
    count_of,
    names_in,
    plain,
    sizes_of,
    type_of,
    valued,
    within,
    written_in,
)
from planner.faults.no_such_output import NoSuchOutput
from planner.format import Block, Entry
from planner.geometry import Shape
from planner.model import Group
from planner.plan import Step
from planner.sight import ALL, Sight, named, spread
from planner.sight import plain as plain_names

DEEPEST = 4
"""How often what is known of lists is handed on to those that call them."""
Tensors = tuple[SymbolicTensor, ...]


class Copies:
    """All copies of all lists, by list."""

    def __init__(self, structure: Structure, names: Names, fixed: set[tuple[Block, Expr]]) -> None:
        self.structure = structure
        self.names = names
        self.fixed = fixed
        """Parameters of lists that cannot be given another value, since two layers would need two."""
        model = structure.model
        self.params = {self.names.param(each): plain(found) for each, found in model.params.items()}
        self._by = {**names.renamed, **self._derived(model.root.params)}
        self._general: dict[Block, tuple[Expr | None, ...]] = {}
        """For each list, the channels of its outputs in all copies, where that takes for granted less than one does."""
        self._follow()
        for _ in range(DEEPEST):
            found = self._generalized()
            if found == self._general:
                break
            self._general = found
            self._follow()

    def _follow(self) -> None:
        """Go through the whole model once."""
        self.answers = Answers(self.structure, self.params, self.fixed)
        self.known: dict[Block, dict[tuple[str, tuple[Shape, ...]], Copy]] = {}
        self._finished: list[Copy] = []
        """Every copy after those that it calls."""
        shapes = [step.outputs[0] for step in self.structure.plan.inputs]
        inputs = tuple(SymbolicTensor((-1, -1, i), shape, const(shape.channels)) for i, shape in enumerate(shapes))
        model = self.structure.model.root
        self.root = Copy(model, self.params, {**self._by, **sizes_of(model, inputs)}, inputs)
        self.known[model] = {("", ()): self.root}
        self._go_through(self.root, None)

    def _generalized(self) -> dict[Block, tuple[Expr | None, ...]]:
        """The channels that are right in all copies of a list and take less for granted than a copy does, by list."""
        found: dict[Block, tuple[Expr | None, ...]] = {}
        for block in self.known:
            copies = self.of(block)
            if any(tensor.channels.assumed for copy in copies for tensor in copy.outputs):
                outputs = zip(*(copy.outputs for copy in copies), strict=False)
                found[block] = tuple(least_assuming(copies, tensors) for tensors in outputs)
        return found

    @cached_property
    def elsewhere(self) -> bool:
        """Give the copies other values of the model's parameters to compare with; whether there are any."""
        return worlds.tell(self.root, reversed(self._finished), self.names)

    def _derived(self, declared: Mapping[str, Any]) -> dict[str, Expr]:
        """Parameters of the model that are worked out from others."""
        found: dict[str, Expr] = {}
        for each, raw in declared.items():
            if has_arithmetic(raw) and (expr := of_value(raw)) is not None:
                expr = substituted(expr, found)
                if comes_to(expr, self.params, self.params[self.names.param(each)]):
                    found[each] = expr
        return found

    def of(self, block: Block) -> list[Copy]:
        """The copies of a list."""
        return list(self.known.get(block, {}).values())

    # One copy

    def _go_through(self, copy: Copy, group: Group | None) -> None:
        """Follow the entries of a list, as they were unfolded, with the tensors that they read."""
        block = copy.block
        names: dict[str, Tensors] = named(block.inputs, [(tensor,) for tensor in copy.inputs])
        several = spread(block.inputs, len(copy.inputs))
        sight = Sight(inputs=plain_names(block.inputs), names=names, several=several, above=copy.inputs[:1])
        members = list(self.structure.plan.members(group))
        prefix = len(group.name) + 1 if group else 0
        places: dict[int, tuple[int, int]] = {}
        at = 0
        extras = False
        while at < len(members) and isinstance(member := members[at], Step) and member.is_input:
            at += 1
        for number, entry in enumerate(block.entries):
            count = 0
            while at + count < len(members) and members[at + count].path == entry.path:
                count += 1
            sources = self._sources(entry, sight)
            uses: list[Use] = []
            inputs = tuple(map(within, sources)) if entry.repeats else sources
            for index, member in enumerate(members[at : at + count]):
                values = {**copy.values, INDEX: index} if entry.repeats else copy.values
                use = self.use(copy, values, entry, member, inputs)
                use.index, use.name, use.last = index, member.name[prefix:], index == count - 1
                use.again = places.get(id(self._again(member)))
                places[id(member)] = number, index
                uses.append(use)
                if not use.last:
                    fed = tuple(at_index(each, BEFORE) for each in valued(use.outputs[: use.feeds], number, index))
                    inputs = (*fed, *inputs[len(fed) :])
            at += count
            if uses:
                last = uses[-1].step
                extras = last is not None and last.layer is not None and last.layer.extras
            copy.uses.append(uses)
            handed = sources if uses else self._in_place_of(entry, sources, sight)
            copy.sources.append(tuple(each.value for each in handed))
            self._hand_on(copy, entry, sources, sight)
        if not block.outputs:
            copy.outputs = sight.above[: len(self.structure.plan.outputs)] if block.is_model else sight.above
            if extras and block.path not in self.structure.extras:
                copy.outputs = copy.outputs[:1]
        else:
            copy.outputs = tuple(_found(each, sight) for each in block.outputs)
        copy.assumed |= self._counted_on(copy)
        self._finished.append(copy)

    def _again(self, member: Step | Group) -> Step | Group | None:
        """What stands in the same list and is called again in place of a member."""
        if isinstance(member, Group):
            return member.again
        again = member.instance.again
        return None if again is None else self.structure.plan.steps[again]

    def _hand_on(self, copy: Copy, entry: Entry, sources: Tensors, sight: Sight[Tensors]) -> None:
        """Bring the tensors that the latest entry hands on into sight of the next entry."""
        number = len(copy.uses) - 1
        uses = copy.uses[number]
        condition = written_in(entry.when, copy)
        above = sight.above
        if not uses:
            handed = self._in_place_of(entry, sources, sight)
            given = condition.depends_on if condition is not None else names_in(entry.repeat, copy)
            left = tuple(
                SymbolicTensor((number, -1, i), each.shape, each.channels.assuming(given), each.origin | given)
                for i, each in enumerate(handed)
            )
            template = entry.template
            sight.leave_out(template.evaluate({**copy.values, "index": 0}) if template else entry.plain_name, left)
            return
        for use in uses[:-1]:
            one = tuple(at_index(each, const(use.index)) for each in valued(use.outputs, number, use.index))
            sight.hand_on(use.name, one)
        handed = valued(uses[-1].outputs, number, -1)
        if entry.repeats:
            handed = self._after(copy, entry, handed)
        if condition is not None:
            handed = tuple(chosen_by(condition, each, (sources or above)[:1]) for each in handed)
        base = uses[-1].name.rpartition(".")[0] if entry.repeats and entry.template is None else entry.plain_name
        sight.hand_on(uses[-1].name, handed)
        if base is not None:
            sight.repeated(base, handed, len(uses) if entry.repeats else None)
        sight.given |= dict.fromkeys((use.name for use in uses) if base is None else (base,), entry.path)

    def _in_place_of(self, entry: Entry, sources: Tensors, sight: Sight[Tensors]) -> Tensors:
        """What an entry that is left out hands on: all that its first source stands for, or what stands above it."""
        if entry.sources is None or not sources:
            return sight.above
        first = next(each for name in entry.sources for each in sight.meant(name))
        handed, number = sight.find(first)
        return sources[:1] if handed is None or number is not None else handed

    def _after(self, copy: Copy, entry: Entry, handed: tuple[SymbolicTensor, ...]) -> tuple[SymbolicTensor, ...]:
        """The tensors that repetitions hand on, written for any number of repetitions, where that number is an
        expression.
        """
        uses = copy.uses[handed[0].value[0]]
        count = count_of(entry, copy)
        if count is None or count.is_const:
            return tuple(at_index(each, const(len(uses) - 1)) for each in handed)
        last = binary("-", count, ONE)
        found = []
        for i, each in enumerate(handed):
            channels = self._after_all(copy, entry, count, i) if uses[0].inputs else None
            if channels is None:
                channels = lost(each.shape.channels, each.channels, count)
            changed = uses[-1].inputs[0].shape.spatial != each.shape.spatial if uses[-1].inputs else False
            origin = each.origin | count.names if changed else each.origin
            found.append(at_index(each._replace(channels=channels, origin=origin), last))
        return tuple(found)

    def _after_all(self, copy: Copy, entry: Entry, count: Expr, output: int) -> Expr | None:
        """The channels after repetitions, in terms of those before; None where they follow no rule."""
        uses = copy.uses[-1]
        start = uses[0].inputs[0]
        ends = {use.outputs[output].channels for use in uses}
        if len(uses) > 1 and len(ends) == 1 and INDEX not in (end := ends.pop()).names:
            return end
        if uses[0].feeds > 1:
            return None
        variable = unused(CARRIED, uses[0].member.name.split("."))
        values = {**copy.values, INDEX: uses[-1].index, variable: uses[-1].inputs[0].shape.channels}
        before = uses[-1].inputs[0]._replace(channels=name(variable)), *uses[-1].inputs[1:]
        end = self.use(copy, values, entry, uses[-1].member, before).outputs[output].channels
        step = binary("-", end, name(variable))
        if variable not in end.names:
            found = end if str(end) == str(start.channels) else end.assuming(count.names)
        elif variable not in step.names and INDEX not in step.names:
            found = binary("+", start.channels, binary("*", count, step))
        elif end.op == "*" and end.args[1].is_name(variable) and not end.args[0].names & {variable, INDEX}:
            found = Expr("*", (start.channels, Expr("**", (end.args[0], count))))
        else:
            return None
        values = {**copy.values, INDEX: uses[-1].index}
        return found if comes_to(found, values, uses[-1].outputs[output].shape.channels) else None

    def _counted_on(self, copy: Copy) -> set[str]:
        """The names on which it depends whether a source that is one of several repetitions exists, or is the last."""
        found: set[str] = set()
        read = {*copy.block.outputs, *(each for entry in copy.block.entries for each in entry.sources or ())}
        read |= {each.rpartition(".")[0] for each in read}
        for entry, uses in zip(copy.block.entries, copy.uses, strict=True):
            count = count_of(entry, copy) if entry.repeats else None
            if count is None or count.is_const:
                continue
            if any(not read.isdisjoint((use.name, use.name.rpartition(".")[0] + ALL)) for use in uses):
                found |= count.depends_on
        return found

    def _sources(self, entry: Entry, sight: Sight[Tensors]) -> Tensors:
        """The tensors that an entry reads."""
        if entry.sources is not None:
            return tuple(_found(each, sight) for name in entry.sources for each in sight.meant(name))
        layer = self.structure.types.get(str(entry.type))
        return () if layer is not None and layer.takes == (0, 0) else sight.above[:1]

    def use(self, copy: Copy, values: dict[str, Any], entry: Entry, member: Step | Group, inputs: Tensors) -> Use:
        """The use of an entry with these values in sight and these inputs."""
        if isinstance(member, Step):
            return self.answers.layer(copy, values, entry, member, inputs if member.sources else ())
        return self._call(copy, values, entry, member, inputs)

    # A call of another list

    def _call(self, copy: Copy, values: dict[str, Any], entry: Entry, group: Group, inputs: Tensors) -> Use:
        """A call of a block, or of a list in place: the copy of that list, with its arguments."""
        called = group.block
        in_place = self.structure.in_place(called)
        args: dict[str, Expr] = {}
        if in_place:
            by = {**copy.by, **sizes_of(called, inputs)}
            inner = Copy(called, values, by, valued(inputs, -1, -1), revalued=copy.revalued, in_place=True)
            self._go_through(inner, group)
        elif called.owner is not None:
            args = {each: name(each) for each in values}
            inner = self._found(called, values, copy.by, inputs, group)
        else:
            args = self._arguments(copy, values, entry, group, inputs)
            own = {self.names.param(each): self._argument(group, each) for each in group.args}
            inner = self._found(called, {**self.params, **own}, self.names.renamed, inputs, group)
        if not in_place:
            for tensor, each in zip(inputs, self.names.channels(called, len(inputs)), strict=False):
                args[each] = tensor.channels
            args |= {each: substituted(expr, args) for each, (_, expr) in inner.revalued.items()}
        outputs = inner.outputs
        if called in self._general:
            outputs = tuple(
                tensor if expr is None else tensor._replace(channels=expr)
                for tensor, expr in zip_longest(outputs, self._general[called][: len(outputs)])  # not all give as many
            )
        if args:
            by = {**args, **{f"#{k}": lost(0).assuming(tensor.origin) for k, tensor in enumerate(inputs)}}
            outputs = tuple(
                SymbolicTensor(
                    tensor.value,
                    tensor.shape,
                    substituted(tensor.channels, by),
                    lost(0, *(by[each] for each in tensor.origin if each in by)).assumed,
                )
                for tensor in outputs
            )
        return Use(group, inputs, outputs, inner=inner, args=args, type=type_of(entry, copy))

    def _found(
        self, called: Block, values: dict[str, Any], by: Mapping[str, Expr], inputs: Tensors, group: Group
    ) -> Copy:
        """The copy of a list with a module of its own, for these parameters and input shapes."""
        shapes = tuple(tensor.shape for tensor in inputs)
        key = (repr(values), shapes)
        known = self.known.setdefault(called, {})
        if key not in known:
            own = self.names.channels(called, len(inputs))
            ins = tuple(
                SymbolicTensor((-1, -1, i), shape, name(each), frozenset({f"#{i}"} if shape.spatial else ()))
                for i, (shape, each) in enumerate(zip(shapes, own, strict=False))
            )
            channels = {each: shape.channels for each, shape in zip(own, shapes, strict=False)}
            known[key] = Copy(called, {**values, **channels}, {**by, **sizes_of(called, ins)}, ins)
            self._go_through(known[key], group)
        return known[key]

    def _arguments(
        self, copy: Copy, values: dict[str, Any], entry: Entry, group: Group, inputs: Tensors
    ) -> dict[str, Expr]:
        """The parameters of a block, and those of the model, in terms of the caller."""
        args = {}
        called, sizes = group.block, sizes_of(group.block, inputs)
        for each in self.structure.model.params:
            param = self.names.param(each)
            found = self.params[param]
            hidden = not same(values.get(param), found)
            args[param] = const(found, frozenset({f"^{param}"})) if hidden else copy.by.get(each) or name(param)
        for each, default in called.params.items():
            given = entry.args.get(each)
            expected = self._argument(group, each)
            param = self.names.param(each)
            if given is not None:
                args[param] = argument_in(copy, values, given, expected) if has_arithmetic(given) else const(expected)
            elif has_arithmetic(default):
                args[param] = self._default(default, args, sizes, values, expected)
            else:
                args[param] = const(expected)
        return args

    def _default(
        self, raw: Any, args: Mapping[str, Expr], sizes: Mapping[str, Expr], values: Mapping[str, Any], expected: Any
    ) -> Expr:
        """A parameter's default that is worked out from sizes, and from other parameters, which are known before it."""
        known = {key: args[self.names.param(key)] for key in self.structure.params if self.names.param(key) in args}
        known |= sizes
        found = substituted(expr, known) if (expr := of_value(raw)) else None
        return found if found and comes_to(found, values, expected) else lost(expected, *known.values())

    def _argument(self, group: Group, param: str) -> Any:
        """The value of a block's parameter; a float where some copy of the block has a fraction for it."""
        found = plain(group.args[param])
        return float(found) if type(found) is int and (group.block, param) in self.structure.fractional else found


def _found(wanted: str, sight: Sight[Tensors]) -> SymbolicTensor:
    """The tensor that a name means."""
    handed, number = sight.find(wanted)
    assert handed is not None
    output = int(number or 0)
    if output >= len(handed):
        raise NoSuchOutput(wanted.removesuffix(f".{number}"), output, len(handed), ("from",))
    return handed[output]
