"""Copies of the lists of layers, each with what it constructs and calls, written in the parameters in sight.

A list is gone through once for each combination of parameters and input shapes that it is called with: whatever agrees
in these agrees in everything.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from planner.arithmetic import is_expression
from planner.diagnostics import Fault
from planner.faults.no_such_output import NoSuchOutput
from planner.geometry import KEEP, Centre, Link, SameWindow, Shape, Slice
from planner.layers._layer import Call, Layer
from planner.model import Group
from planner.outputs.code._arithmetic import of_value, read, value
from planner.outputs.code._expressions import (
    NOTHING,
    ONE,
    Expr,
    UnusableError,
    binary,
    const,
    lost,
    name,
    same,
    substituted,
)
from planner.outputs.code._names import Names, unused
from planner.outputs.code._structure import Listing, Slot, Structure, has_arithmetic
from planner.outputs.code._symbols import cut_length, shaped, size_of, sizes_of, with_symbols, written
from planner.plan import Step

INDEX = "index"
"""What the number of a repetition is called."""
CARRIED = "channels"
"""The variable for a number of channels that is carried along repetitions."""
Value = tuple[int, int, int]
"""A tensor within a list: the number of the entry that hands it on, which of its repetitions (−1: the last), and the
number of the output. Entry −1 are the inputs.
"""


DEEPEST = 4
"""How often what is known of lists is handed on to those that call them."""
READABLE = 4
"""Operators of the size of a part that anybody would read."""
TRIED = 4
"""At how many other values a layer is asked whether its calls are right there."""


class AgainError(Exception):
    """Something about a list was found out too late: all is to be gone through once more."""


class Tensor(NamedTuple):
    """A tensor of one copy, with its channels as they are written there.

    origin  the names on which its spatial size depends; `#0` stands for the spatial size of the first input
    """

    value: Value
    shape: Shape
    channels: Expr
    origin: frozenset[str] = NOTHING


class Calling(NamedTuple):
    """One call of PyTorch with its arguments as expressions; `padded_same` is TensorFlow's padding, by its mode."""

    call: Call
    args: tuple[tuple[str, Expr], ...]
    padded_same: str | None = None
    centred: bool = False

    @property
    def target(self) -> str:
        return self.call.target

    @property
    def is_module(self) -> bool:
        return self.target.startswith(("nn.", "torchvision.")) and self.target != "nn.Parameter"


@dataclass(eq=False)
class Item:
    """What one entry came to in one copy: a layer with its calls, or a copy of another list with its arguments."""

    member: Step | Group
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    calls: tuple[Calling, ...] = ()
    inner: Copy | None = None
    args: Mapping[str, Expr] = field(default_factory=dict)
    type: Expr | None = None
    """The arithmetic that says the type."""
    name: str = ""
    index: int = 0
    assumed: frozenset[str] = NOTHING
    """The names for whose values alone the calls have this form."""
    last: bool = True
    """Whether it is the last repetition."""

    @property
    def step(self) -> Step | None:
        return self.member if isinstance(self.member, Step) else None


@dataclass(eq=False)
class Copy:
    """One copy of a list.

    values    what the names in sight come to
    by        what stands for a parameter of the file, where that is not its own name
    items     for each entry, what it came to: nothing, one thing, or one for each repetition
    sources   for each entry, which tensors it reads
    revalued  parameters that have another value in PyTorch: `groups: depthwise` is a number of groups
    assumed   the names for whose values alone it is wired like this
    worlds    what the names in sight come to where the model's parameters have other values
    """

    listing: Listing
    values: dict[str, Any]
    by: Mapping[str, Expr]
    inputs: tuple[Tensor, ...]
    items: list[list[Item]] = field(default_factory=list)
    sources: list[tuple[Value, ...]] = field(default_factory=list)
    outputs: tuple[Tensor, ...] = ()
    revalued: dict[str, tuple[Any, Expr]] = field(default_factory=dict)
    assumed: set[str] = field(default_factory=set)
    worlds: list[dict[str, Any]] = field(default_factory=list)


class Copies:
    """All copies of all lists, by list."""

    def __init__(self, structure: Structure, names: Names, fixed: set[tuple[Listing, Expr]]) -> None:
        self.structure = structure
        self.names = names
        self.fixed = fixed
        """Parameters of lists that cannot be given another value, since two layers would need two."""
        model = structure.model
        self.params = {self.names.param(each): _plain(found) for each, found in model.params.items()}
        self._by = {**names.renamed, **self._derived(structure.data.get("params") or {})}
        self._general: dict[Listing, tuple[Expr | None, ...]] = {}
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
        self._layers: dict[tuple[Any, ...], tuple[Step, tuple[Tensor, ...], tuple[Calling, ...], frozenset[str]]] = {}
        self.known: dict[Listing, dict[tuple[str, tuple[Shape, ...]], Copy]] = {}
        self._finished: list[Copy] = []
        """Every copy behind those that it calls."""
        shapes = [step.outputs[0] for step in self.structure.plan.inputs]
        inputs = tuple(Tensor((-1, -1, i), shape, const(shape.channels)) for i, shape in enumerate(shapes))
        self.root = Copy(self.structure.root, self.params, self._by, inputs)
        self.known[self.structure.root] = {("", ()): self.root}
        self._go_through(self.root, None)

    def _generalized(self) -> dict[Listing, tuple[Expr | None, ...]]:
        """For each list of which a copy takes something for granted, what is right in all copies and takes less."""
        found: dict[Listing, tuple[Expr | None, ...]] = {}
        for listing in self.known:
            copies = self.of(listing)
            if any(tensor.channels.assumed for copy in copies for tensor in copy.outputs):
                outputs = zip(*((tensor for tensor in copy.outputs) for copy in copies), strict=False)
                found[listing] = tuple(_least_assuming(copies, tensors) for tensors in outputs)
        return found

    @cached_property
    def elsewhere(self) -> bool:
        """Whether there are values of the model's parameters to compare other than the file's; copies then know them.

        Two expressions that agree there too are not equal by chance.
        """
        for flips in (False, True):
            other = {
                param: _smaller(found) if flips else _larger(found, k)
                for k, (param, found) in enumerate(self.params.items())
            }
            for param, expr in self.root.by.items():
                try:
                    other[self.names.param(param)] = value(expr, other)
                except UnusableError:
                    return False
            if other != self.params and other not in self.root.worlds:
                self.root.worlds.append(other)
        if not self.root.worlds:
            return False
        for copy in reversed(self._finished):
            for slot, items in zip(copy.listing.slots, copy.items, strict=True):
                for item in items:
                    if item.inner is not None:
                        self._enter_worlds(item, copy, slot)
        return True

    def tell_worlds(self, item: Item, copy: Copy, slot: Slot) -> None:
        """Let a call that was gone through late know what the names in it come to in each world."""
        if item.inner is not None and self.elsewhere:
            self._enter_worlds(item, copy, slot)
            if item.inner.listing.in_place:
                for inner_slot, items in zip(item.inner.listing.slots, item.inner.items, strict=True):
                    for each in items:
                        self.tell_worlds(each, item.inner, inner_slot)

    def _enter_worlds(self, item: Item, copy: Copy, slot: Slot) -> None:
        """What the names within a call come to, in each world of the caller."""
        assert item.inner is not None
        for seen in seen_worlds(copy, slot, item):
            inside = dict(seen) if item.inner.listing.in_place else {}
            for param, expr in item.args.items():
                try:
                    inside[param] = value(expr, seen)
                except UnusableError:
                    continue
            if inside not in item.inner.worlds:
                item.inner.worlds.append(inside)

    def _derived(self, declared: Mapping[str, Any]) -> dict[str, Expr]:
        """Parameters of the model that are worked out from others."""
        found: dict[str, Expr] = {}
        for each, raw in declared.items():
            if has_arithmetic(raw):
                try:
                    expr = substituted(of_value(raw), found)
                    if same(value(expr, self.params), self.params[self.names.param(each)]):
                        found[each] = expr
                except UnusableError:
                    pass
        return found

    def of(self, listing: Listing) -> list[Copy]:
        return list(self.known.get(listing, {}).values())

    # One copy

    def _go_through(self, copy: Copy, group: Group | None) -> None:
        """Follow the entries of a list, as they were unfolded, with what each one reads."""
        listing = copy.listing
        names: dict[str, tuple[Tensor, ...]] = {
            each: (tensor,) for each, tensor in zip(listing.inputs, copy.inputs, strict=False)
        }
        if len(names) == 1:
            names.setdefault("input", copy.inputs)
        above: tuple[Tensor, ...] = copy.inputs[:1]
        members = list(self.structure.members(group))
        prefix = len(group.name) + 1 if group else 0
        at = 0
        extras = False
        while at < len(members) and isinstance(member := members[at], Step) and member.is_input:
            at += 1
        for number, slot in enumerate(listing.slots):
            count = 0
            while at + count < len(members) and _path(members[at + count]) == slot.path:
                count += 1
            sources = self._sources(slot, names, above)
            items: list[Item] = []
            inputs = tuple(map(_within, sources)) if slot.repeats else sources
            for index, member in enumerate(members[at : at + count]):
                values = {**copy.values, INDEX: index} if slot.repeats else copy.values
                item = self.item(copy, values, slot, member, inputs)
                item.index, item.name, item.last = index, member.name[prefix:], index == count - 1
                items.append(item)
                inputs = _valued(item.outputs[:1], number, index)
                if slot.repeats:
                    inputs = tuple(_at(each, _BEFORE) for each in inputs)
            at += count
            if items:
                last = items[-1].step
                extras = last is not None and last.layer is not None and last.layer.extras
            copy.items.append(items)
            handed = above if not items and slot.sources is None else sources
            copy.sources.append(tuple(each.value for each in handed))
            above = self._handed_on(copy, slot, sources, above, names)
        if listing.outputs is None:
            copy.outputs = above[: len(self.structure.plan.outputs)] if listing.is_model else above
            if extras and listing.path not in self.structure.extras:
                copy.outputs = copy.outputs[:1]
        else:
            copy.outputs = tuple(_named(each, names) for each in listing.outputs)
        copy.assumed |= self._counted_on(copy)
        self._finished.append(copy)

    def _handed_on(
        self,
        copy: Copy,
        slot: Slot,
        sources: tuple[Tensor, ...],
        above: tuple[Tensor, ...],
        names: dict[str, tuple[Tensor, ...]],
    ) -> tuple[Tensor, ...]:
        """What the latest entry hands on, which is then known by its names."""
        number = len(copy.items) - 1
        items = copy.items[number]
        condition = _condition(slot, copy)
        if not items:
            handed = above if slot.sources is None else sources[:1]
            given = condition.names | condition.assumed if condition is not None else _names_of(slot.repeat, copy)
            left = tuple(
                Tensor((number, -1, i), each.shape, each.channels.assuming(given), each.origin | given)
                for i, each in enumerate(handed or above[:1])
            )
            if slot.template is not None:
                names[slot.template.evaluate({**copy.values, "index": 0})] = left
            elif slot.name is not None:
                names[slot.name] = left
            return left
        for item in items[:-1]:
            names[item.name] = tuple(_at(each, const(item.index)) for each in _valued(item.outputs, number, item.index))
        handed = _valued(items[-1].outputs, number, -1)
        if slot.repeats:
            handed = self._after(copy, slot, handed)
        if condition is not None:
            handed = tuple(_if(condition, each, (sources or above)[:1]) for each in handed)
        base = items[-1].name.rpartition(".")[0] if slot.repeats and slot.template is None else slot.name
        names[items[-1].name] = handed
        if base is not None:
            names[base] = handed
        return handed

    def _after(self, copy: Copy, slot: Slot, handed: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """What repetitions hand on, written for any number of them, where that is an expression."""
        items = copy.items[handed[0].value[0]]
        count = _count(slot, copy)
        if count is None or count.is_const:
            return tuple(_at(each, const(len(items) - 1)) for each in handed)
        last = binary("-", count, ONE)
        found = []
        for i, each in enumerate(handed):
            channels = self._after_all(copy, slot, count, i) if len(items[0].inputs) == 1 else None
            if channels is None:
                channels = lost(each.shape.channels, each.channels, count)
            changed = items[-1].inputs[0].shape.spatial != each.shape.spatial if items[-1].inputs else False
            origin = each.origin | count.names if changed else each.origin
            found.append(_at(each._replace(channels=channels, origin=origin), last))
        return tuple(found)

    def _after_all(self, copy: Copy, slot: Slot, count: Expr, output: int) -> Expr | None:
        """The channels behind repetitions of one source, in terms of those before; None where they follow no rule."""
        items = copy.items[-1]
        (start,) = items[0].inputs
        ends = {item.outputs[output].channels for item in items}
        if len(items) > 1 and len(ends) == 1 and INDEX not in (end := ends.pop()).names:
            return end
        variable = unused(CARRIED, items[0].member.name.split("."))
        values = {**copy.values, INDEX: items[-1].index, variable: items[-1].inputs[0].shape.channels}
        before = items[-1].inputs[0]._replace(channels=name(variable))
        end = self.item(copy, values, slot, items[-1].member, (before,)).outputs[output].channels
        step = binary("-", end, name(variable))
        if variable not in end.names:
            found = end
        elif variable not in step.names and INDEX not in step.names:
            found = binary("+", start.channels, binary("*", count, step))
        elif end.op == "*" and end.args[1].is_name(variable) and not end.args[0].names & {variable, INDEX}:
            found = Expr("*", (start.channels, Expr("**", (end.args[0], count))))
        else:
            return None
        try:
            right = same(
                value(found, {**copy.values, INDEX: items[-1].index}), items[-1].outputs[output].shape.channels
            )
        except UnusableError:
            return None
        return found if right else None

    def _counted_on(self, copy: Copy) -> set[str]:
        """The names on which it depends whether a source that is one of several repetitions exists, or is the last."""
        found: set[str] = set()
        for slot, items in zip(copy.listing.slots, copy.items, strict=True):
            count = _count(slot, copy) if slot.repeats else None
            if count is not None and not count.is_const:
                numbered = {item.name for item in items}
                read = (each for other in copy.listing.slots for each in other.sources or ())
                if any(each in numbered or each.rpartition(".")[0] in numbered for each in (*read, *_outputs(copy))):
                    found |= count.names | count.assumed
        return found

    def _sources(self, slot: Slot, names: Mapping[str, tuple[Tensor, ...]], above: tuple[Tensor, ...]) -> Any:
        if slot.sources is not None:
            return tuple(_named(each, names) for each in slot.sources)
        layer = self.structure.types.get(slot.type)
        return () if layer is not None and layer.takes == (0, 0) else above[:1]

    def item(
        self,
        copy: Copy,
        values: dict[str, Any],
        slot: Slot,
        member: Step | Group,
        inputs: tuple[Tensor, ...],
    ) -> Item:
        """What an entry came to, with these values in sight and these inputs."""
        if isinstance(member, Step):
            return self._layer(copy, values, slot, member, inputs)
        block = slot.inner or self.structure.block(member.type)
        assert block is not None
        return self._call(copy, values, slot, member, block, inputs)

    # A call of another list

    def _call(
        self,
        copy: Copy,
        values: dict[str, Any],
        slot: Slot,
        group: Group,
        called: Listing,
        inputs: tuple[Tensor, ...],
    ) -> Item:
        args: dict[str, Expr] = {}
        if called.in_place:
            inner = Copy(called, values, copy.by, _valued(inputs, -1, -1), revalued=copy.revalued)
            self._go_through(inner, group)
        elif called.owner is not None:
            args = {each: name(each) for each in values}
            inner = self._found(called, values, copy.by, inputs, group)
        else:
            args = self._arguments(copy, values, slot, called, group)
            own = {self.names.param(each): self._argument(group, each) for each in group.args}
            inner = self._found(called, {**self.params, **own}, self.names.renamed, inputs, group)
        if not called.in_place:
            for tensor, each in zip(inputs, self.names.channels(called), strict=False):
                args[each] = tensor.channels
            args |= {each: substituted(expr, args) for each, (_, expr) in inner.revalued.items()}
        outputs = inner.outputs
        if called in self._general:
            outputs = tuple(
                tensor if expr is None else tensor._replace(channels=expr)
                for tensor, expr in zip(outputs, self._general[called], strict=False)
            )
        if args:
            by = {**args, **{f"#{k}": lost(0).assuming(tensor.origin) for k, tensor in enumerate(inputs)}}
            outputs = tuple(
                tensor._replace(
                    channels=substituted(tensor.channels, by),
                    origin=lost(0, *(by[each] for each in tensor.origin if each in by)).assumed,
                )
                for tensor in outputs
            )
        return Item(group, inputs, outputs, inner=inner, args=args, type=_type(slot, copy))

    def _found(
        self,
        called: Listing,
        values: dict[str, Any],
        by: Mapping[str, Expr],
        inputs: tuple[Tensor, ...],
        group: Group,
    ) -> Copy:
        """The copy of a list with a module of its own, for these parameters and input shapes."""
        shapes = tuple(tensor.shape for tensor in inputs)
        key = (repr(values), shapes)
        known = self.known.setdefault(called, {})
        if key not in known:
            own = self.names.channels(called)
            ins = tuple(
                Tensor((-1, -1, i), shape, name(each), frozenset({f"#{i}"} if shape.spatial else ()))
                for i, (shape, each) in enumerate(zip(shapes, own, strict=False))
            )
            channels = {each: shape.channels for each, shape in zip(own, shapes, strict=False)}
            known[key] = Copy(called, {**values, **channels}, by, ins)
            self._go_through(known[key], group)
        return known[key]

    def _arguments(
        self, copy: Copy, values: dict[str, Any], slot: Slot, called: Listing, group: Group
    ) -> dict[str, Expr]:
        """What the parameters of a block, and those of the model, are in terms of the caller."""
        args = {}
        for each in self.structure.model.params:
            param = self.names.param(each)
            found = self.params[param]
            hidden = const(found, frozenset({f"^{param}"}))
            args[param] = copy.by.get(each) or name(param) if same(values.get(param), found) else hidden
        for each, default in called.params.items():
            given = slot.args.get(each)
            expected = self._argument(group, each)
            param = self.names.param(each)
            if given is not None:
                args[param] = _expr(copy, values, given, expected) if has_arithmetic(given) else const(expected)
            elif has_arithmetic(default):
                args[param] = self._default(default, args, values, expected)
            else:
                args[param] = const(expected)
        return args

    def _default(self, raw: Any, args: Mapping[str, Expr], values: Mapping[str, Any], expected: Any) -> Expr:
        """A parameter's default that is worked out from other parameters, which have been found before."""
        known = {key: args[self.names.param(key)] for key in self.structure.params if self.names.param(key) in args}
        try:
            found = substituted(of_value(raw), known)
            if same(value(found, values), expected):
                return found
        except UnusableError:
            pass
        return lost(expected, *known.values())

    def _argument(self, group: Group, param: str) -> Any:
        """The value of a block's parameter; a float where some copy of the block has a fraction for it."""
        found = _plain(group.args[param])
        fractional = type(found) is int and (group.type, param) in self.structure.fractional
        return float(found) if fractional else found

    # A layer

    def _layer(self, copy: Copy, values: dict[str, Any], slot: Slot, step: Step, inputs: tuple[Tensor, ...]) -> Item:
        layer = step.layer
        assert layer is not None
        given = {each: _expr(copy, values, raw, _plain(getattr(layer, each))) for each, raw in slot.computed}
        key = (
            (slot.path, step.type),
            *((each, expr, _form(getattr(layer, each))) for each, expr in given.items()),
            *((len(tensor.shape), tensor.channels, tensor.origin) for tensor in inputs),
        )
        found = self._again(key, step, values)
        if found is None:
            found = self._asked(copy, values, step, given, inputs)
            if not copy.revalued:
                self._layers[key] = (step, *found)
        outputs, calls, assumed = found
        return Item(step, inputs, outputs, calls, type=_type(slot, copy), assumed=assumed)

    def _again(
        self, key: tuple[Any, ...], step: Step, values: Mapping[str, Any]
    ) -> tuple[tuple[Tensor, ...], tuple[Calling, ...], frozenset[str]] | None:
        """What the same layer answered before, to tensors that are written alike though they may have other sizes."""
        known = self._layers.get(key)
        if known is None or step.facts is None:
            return None
        before, outputs, calls, assumed = known
        if before.layer is step.layer and before.inputs == step.inputs:
            return outputs, calls, assumed
        if assumed or len(outputs) > 1 or any(expr.assumed for call in calls for _, expr in call.args):
            return None
        (shape,), (tensor,) = step.facts.outputs, outputs
        try:
            right = not tensor.channels.assumed and same(value(tensor.channels, values), shape.channels)
        except UnusableError:
            return None
        return ((tensor._replace(shape=shape),), calls, assumed) if right else None

    def _asked(
        self,
        copy: Copy,
        values: Mapping[str, Any],
        step: Step,
        given: Mapping[str, Expr],
        inputs: tuple[Tensor, ...],
    ) -> tuple[tuple[Tensor, ...], tuple[Calling, ...], frozenset[str]]:
        """What a layer answers to symbols: its outputs, its calls, and the names on whose values the answer depends."""
        layer, facts = step.layer, step.facts
        assert layer is not None
        assert facts is not None
        decisive: set[str] = set()
        asked = with_symbols(layer, given, decisive) if given else layer
        channels = _channels(asked, step, inputs)
        decisive.clear()  # what lengths of axes are compared with is not written
        plain = _plain_names(layer, given)
        if len(channels) > 1:
            plain = plain.union(*(expr.names | expr.assumed for expr in given.values()))
        channels = [_assuming(each, plain, inputs) for each in channels]
        decisive |= plain
        symbols = tuple([shaped(each.shape, each.channels, each.origin, decisive) for each in inputs])
        origins = _origins(step, given, inputs)
        outputs = tuple(map(Tensor, ((0, 0, i) for i in range(len(channels))), facts.outputs, channels, origins))
        calls = asked.calls(*symbols)
        if not calls[-1].target.startswith("nn."):
            symbols = tuple([sizes_of(i, tensor.shape) for i, tensor in enumerate(inputs)])
            calls = asked.calls(*symbols)
        kinds = {type(axis) for links in facts.links for link in links for axis in link.axes}
        if SameWindow in kinds:
            mode = next(axis.mode for axis in facts.links[0][0].axes if isinstance(axis, SameWindow))
            found = self._calling(copy, layer, calls[-1], given, leave_out=("padding", "padding_mode"))
            found = found._replace(padded_same=mode)
            decisive.clear()
            callings: tuple[Calling, ...] = (found,)
        elif Centre in kinds:
            sizes = tuple(axis.size for axis in asked.links(*symbols)[0][0].axes if isinstance(axis, Centre))
            decisive.clear()
            callings = (Calling(calls[0], (("size", written(sizes)),), centred=True),)
        else:
            callings = tuple([self._calling(copy, layer, call, given) for call in calls])
        if decisive and self._holds(copy, values, layer, given, inputs, callings, decisive):
            decisive.clear()
        return outputs, callings, frozenset(decisive)

    def _holds(
        self,
        copy: Copy,
        values: Mapping[str, Any],
        layer: Layer,
        given: Mapping[str, Expr],
        inputs: Sequence[Tensor],
        callings: Sequence[Calling],
        decisive: set[str],
    ) -> bool:
        """Whether calls are right at other values of the names that were compared with something.

        Most comparisons only refuse what is wrong; the layer itself is asked, at a few values that it takes.
        """
        for k in range(TRIED):
            there = {**values, **{each: another(values[each], k) for each in decisive if each in values}}
            try:
                fields = {each: value(expr, there) for each, expr in given.items()}
                shapes = [Shape((*each.shape.spatial, value(each.channels, there))) for each in inputs]
                other = type(layer).model_validate({**dict(layer), **fields})
                other.facts(*shapes)
                calls = other.calls(*shapes)
                if len(calls) != len(callings):
                    return False
                for call, calling in zip(calls, callings, strict=True):
                    if calling.centred or calling.padded_same:
                        continue
                    if not is_call(calling, call, there, shapes, copy.revalued):
                        return False
            except (Fault, UnusableError, ValueError):
                continue
        return True

    def _calling(
        self,
        copy: Copy,
        layer: Layer,
        call: Call,
        given: Mapping[str, Expr],
        leave_out: tuple[str, ...] = (),
    ) -> Calling:
        """A call with its arguments as the file gives them, or as they were worked out."""
        if not given:
            return Calling(
                call, tuple([(each, written(found)) for each, found in call.args.items() if each not in leave_out])
            )
        fields = type(layer).model_fields
        args: dict[str, Expr] = {}
        for each, found in call.args.items():
            if each in leave_out:
                continue
            own = given.get(each)
            if own is not None and same(_plain(getattr(layer, each)), _plain(found)):
                args[each] = own
            elif own is not None and self._can_be_revalued(copy, own):
                new = (_plain(found), written(found))
                if copy.revalued.setdefault(own.args[0], new) != new:
                    self.fixed.add((copy.listing, own))
                    raise AgainError(own)
                args[each] = own
            else:
                args[each] = written(found)
        missing = [
            each
            for each in given
            if each not in args and each not in leave_out and same(_plain(getattr(layer, each)), fields[each].default)
        ]
        if missing and call.target.startswith("nn."):
            first = [each for each in args if each not in fields or fields[each].default is None]
            args |= {each: given[each] for each in missing}
            order = [*first, *(each for each in fields if each in args and each not in first)]
            args = {each: args[each] for each in order}
        return Calling(call, tuple(args.items()))

    def _can_be_revalued(self, copy: Copy, own: Expr) -> bool:
        """Whether a parameter may be handed on with the value that PyTorch takes in place of the file's."""
        declared = own.op == "name" and own.args[0] in copy.values and own.args[0] not in (INDEX, *self.params)
        return declared and not copy.listing.in_model and (copy.listing, own) not in self.fixed


def _channels(layer: Layer, step: Step, inputs: Sequence[Tensor]) -> list[Expr]:
    """The channels of each output, in terms of those of the inputs."""
    assert step.facts is not None
    mixes = any(link.onto is not None for links in step.facts.links for link in links)
    mixes = mixes or len({len(shape) for shape in (*step.inputs, *step.facts.outputs)}) > 1
    symbols = tuple([shaped(each.shape, each.channels, each.origin if mixes else NOTHING, set()) for each in inputs])
    found: list[Expr] = []
    asked: tuple[Shape, ...] = ()
    asked_links: tuple[tuple[Link, ...], ...] = ()
    for i, (shape, links) in enumerate(zip(step.facts.outputs, step.facts.links, strict=True)):
        kept = next(
            (
                tensor.channels
                for tensor, link in zip(inputs, links, strict=True)
                if link.channels is KEEP and tensor.shape.channels == shape.channels
            ),
            None,
        )
        if kept is None:
            asked_links = asked_links or layer.links(*symbols)
            cut = asked_links[i][0].channels if inputs else None
            if isinstance(cut, Slice):
                found_now = cut_length(cut, symbols[0].channels)
            elif type(layer).outputs is Layer.outputs and cut is not None:
                found_now = cut.length(symbols[0].channels)
            else:
                asked = asked or layer.outputs(asked_links, *symbols)
                found_now = asked[i].channels
            kept = written(found_now)
            if not same(int(found_now), shape.channels):
                kept = lost(shape.channels, kept, *(tensor.channels for tensor in inputs))
            if len(step.facts.outputs) > 1 and kept.size > READABLE:
                kept = lost(shape.channels, kept)
        found.append(kept)
    return found


def _least_assuming(copies: Sequence[Copy], tensors: Sequence[Tensor]) -> Expr | None:
    """The channels of one output as they are right in all copies, with the fewest names taken for granted."""
    candidates = sorted({tensor.channels for tensor in tensors}, key=lambda expr: (len(expr.assumed), expr.size))
    for expr in candidates:
        try:
            if expr.op != "lost" and all(
                same(value(expr, copy.values), tensor.shape.channels)
                for copy, tensor in zip(copies, tensors, strict=True)
            ):
                return expr
        except UnusableError:
            continue
    return None


def is_call(
    calling: Calling, call: Call, values: Mapping[str, Any], shapes: Sequence[Shape], revalued: Container[str] = ()
) -> bool:
    """Whether a call that was written for any values is this one at some; `revalued` names have others in PyTorch."""
    if calling.target != call.target:
        return False
    sizes = {
        size_of(place, dim): const(size)
        for place, shape in enumerate(shapes)
        for dim, size in enumerate(shape.torch, 1)
    }
    written = dict(calling.args)
    for arg, expr in written.items():
        if any(each in revalued for each in expr.names):
            continue
        try:
            found = value(_with_sizes(expr, sizes), values)
        except UnusableError:
            continue
        wanted = _plain(call.args.get(arg, found))
        if not same(found, wanted) and found != wanted:
            return False
    return all(arg in written for arg in call.args)


def _with_sizes(expr: Expr, sizes: Mapping[Expr, Expr]) -> Expr:
    """The expression with numbers for the sizes of tensors."""
    if expr.op == "size":
        return sizes[expr]
    return Expr(expr.op, tuple(_with_sizes(part, sizes) for part in expr.parts)) if expr.parts else expr


def _outputs(copy: Copy) -> tuple[str, ...]:
    return copy.listing.outputs or ()


def _form(argument: Any) -> Any:
    """What kind of an argument it is, whatever its numbers are."""
    return tuple(map(_form, argument)) if isinstance(argument, tuple) else type(argument)


def _plain_names(layer: Layer, given: Mapping[str, Expr]) -> set[str]:
    """The names in arguments that are no whole numbers: what a layer makes of these is not written anywhere."""
    found: set[str] = set()
    for each, expr in given.items():
        argument = getattr(layer, each)
        whole = argument if isinstance(argument, tuple) else (argument,)
        if not all(type(part) is int for part in whole):
            found |= expr.names | expr.assumed
    return found


def _assuming(channels: Expr, names: set[str], inputs: Sequence[Tensor]) -> Expr:
    """Channels that are worked out from arguments; those of an input are handed on, whatever the arguments are."""
    return channels if any(channels == tensor.channels for tensor in inputs) else channels.assuming(names)


FURTHER = 4
"""How many more repetitions an expression must be right for, where their number is an argument."""


def seen_worlds(copy: Copy, slot: Slot, item: Item) -> list[dict[str, Any]]:
    """What the names in sight of an item come to in each world; where it is repeated, it may be more often there."""
    if not slot.repeats:
        return copy.worlds
    worlds = [{**world, INDEX: item.index} for world in copy.worlds]
    if item.last and has_arithmetic(slot.repeat):
        worlds += [{**copy.values, INDEX: item.index + further} for further in range(1, FURTHER)]
    return worlds


def another(found: Any, k: int) -> Any:
    """The k-th other value that a parameter might have; a text has none."""
    if isinstance(found, tuple):
        return tuple(another(each, k) for each in found)
    if isinstance(found, bool):
        return not found
    if type(found) not in (int, float):
        return found
    return (2 * found, found + 1, 3 * found, max(found - 1, 0))[k % 4]


def _larger(found: Any, k: int) -> Any:
    if isinstance(found, tuple):
        return tuple(_larger(each, k + i) for i, each in enumerate(found))
    return found * 7 + 3 + 2 * k if type(found) in (int, float) else found


def _smaller(found: Any) -> Any:
    if isinstance(found, tuple):
        return tuple(map(_smaller, found))
    return found // 2 if type(found) is int else found / 2 if type(found) is float else another(found, 0)


def _origins(step: Step, given: Mapping[str, Expr], inputs: Sequence[Tensor]) -> list[frozenset[str]]:
    """For each output, the names on which its spatial size depends."""
    assert step.facts is not None
    found = []
    for shape, links in zip(step.facts.outputs, step.facts.links, strict=True):
        alike = all(link.onto is None for link in links) and len({len(shape), *map(len, step.inputs)}) == 1
        if alike and not given and inputs:
            found.append(inputs[0].origin if len(inputs) == 1 else NOTHING.union(*(each.origin for each in inputs)))
            continue
        origin: set[str] = set()
        if shape.spatial:
            kept = bool(inputs)
            for tensor, link in zip(inputs, links, strict=True):
                origin |= tensor.origin
                if link.onto is not None or len(tensor.shape) != len(shape):
                    origin |= tensor.channels.names | tensor.channels.assumed
                    kept = False
                kept = kept and all(axis is KEEP for axis in link.axes)
            if not kept:
                origin = origin.union(*(expr.names | expr.assumed for expr in given.values()))
        found.append(frozenset(origin))
    return found


def _within(tensor: Tensor) -> Tensor:
    """A tensor as it is written within repetitions, where the number of those around them has no name."""
    if INDEX in tensor.channels.names:
        tensor = tensor._replace(channels=lost(tensor.shape.channels, tensor.channels))
    return tensor


_BEFORE = Expr("-", (name(INDEX), ONE))


def _at(tensor: Tensor, index: Expr) -> Tensor:
    """A tensor of one repetition, as it is written where the number of the repetition is `index`."""
    channels = tensor.channels
    if INDEX in channels.names or INDEX in channels.assumed:
        tensor = tensor._replace(channels=substituted(channels, {INDEX: index}))
    if INDEX in tensor.origin:
        tensor = tensor._replace(origin=tensor.origin - {INDEX} | index.names)
    return tensor


def _if(condition: Expr, tensor: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """What an entry with a condition hands on: the tensor, or else the source."""
    if not sources:
        return tensor
    (source,) = sources
    if tensor.shape.spatial != source.shape.spatial or tensor.origin != source.origin:
        tensor = tensor._replace(origin=tensor.origin | source.origin | condition.names | condition.assumed)
    if tensor.channels == source.channels:
        return tensor
    return tensor._replace(channels=Expr("if", (condition, tensor.channels, source.channels)))


def _condition(slot: Slot, copy: Copy) -> Expr | None:
    """The condition of an entry, where it is worked out."""
    return _written(slot.when, copy)


def _count(slot: Slot, copy: Copy) -> Expr | None:
    """The number of an entry's repetitions, where it is worked out."""
    return _written(slot.repeat, copy)


def _written(raw: Any, copy: Copy) -> Expr | None:
    if not has_arithmetic(raw):
        return None
    try:
        return substituted(of_value(raw), copy.by)
    except UnusableError:
        return lost(0, *map(name, copy.values))


def _names_of(raw: Any, copy: Copy) -> set[str]:
    found = _written(raw, copy)
    return found.names | found.assumed if found is not None else set()


def _type(slot: Slot, copy: Copy) -> Expr | None:
    return substituted(read(slot.type), copy.by) if is_expression(slot.type) else None


def _expr(copy: Copy, values: Mapping[str, Any], raw: Any, expected: Any) -> Expr:
    """A value of the file as it is written in this copy; the value that it has where Python would make another."""
    try:
        found = substituted(of_value(raw), copy.by) if copy.by else of_value(raw)
    except UnusableError:
        return const(expected, frozenset(values))
    try:
        known = value(found, values)
        if same(known, expected) or (type(known) is int and type(expected) is float and known == expected):
            return found
        if type(known) is float and type(expected) is int and known == expected:
            return Expr("int()", (found,))
    except UnusableError:
        pass
    return const(expected, frozenset(found.names | found.assumed))


def _named(wanted: str, names: Mapping[str, tuple[Tensor, ...]]) -> Tensor:
    """The tensor that a name means."""
    if wanted in names:
        return names[wanted][0]
    base, _, number = wanted.rpartition(".")
    if int(number) >= len(names[base]):
        raise NoSuchOutput(base, int(number), len(names[base]), ("from",))
    return names[base][int(number)]


def _valued(tensors: tuple[Tensor, ...], number: int, index: int) -> tuple[Tensor, ...]:
    """The tensors as those that an entry hands on."""
    return tuple([Tensor((number, index, i), each.shape, each.channels, each.origin) for i, each in enumerate(tensors)])


def _path(member: Step | Group) -> tuple[str | int, ...]:
    return member.path


def _plain(found: Any) -> Any:
    """A value with tuples for lists, and plain numbers for those that remember where they came from."""
    if isinstance(found, list | tuple):
        return tuple(map(_plain, found))
    return int(found) if type(found) not in (int, bool) and isinstance(found, int) else found
