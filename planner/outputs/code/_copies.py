"""Copies of the lists of layers, each with what it constructs and calls, written in the parameters in sight.

A list is gone through once for each combination of parameters and input shapes that it is called with: whatever agrees
in these agrees in everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from planner.arithmetic import is_expression
from planner.geometry import KEEP, Centre, Link, SameWindow, Shape, Slice
from planner.layers._layer import Call, Layer
from planner.model import Group
from planner.outputs.code._arithmetic import of_value, read, value
from planner.outputs.code._expressions import Expr, UnusableError, const, name, same, substituted
from planner.outputs.code._names import Names
from planner.outputs.code._structure import Listing, Slot, Structure, has_arithmetic
from planner.outputs.code._symbols import cut_length, shaped, sizes_of, with_symbols, written
from planner.plan import Step

INDEX = "index"
"""What the number of a repetition is called."""
Value = tuple[int, int, int]
"""A tensor within a list: the number of the entry that hands it on, which of its repetitions (−1: the last), and the
number of the output. Entry −1 are the inputs.
"""


class AgainError(Exception):
    """Something about a list was found out too late: all is to be gone through once more."""


class Tensor(NamedTuple):
    """A tensor of one copy, with its channels as they are written there."""

    value: Value
    shape: Shape
    channels: Expr


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
    """

    listing: Listing
    values: dict[str, Any]
    by: Mapping[str, Expr]
    inputs: tuple[Tensor, ...]
    items: list[list[Item]] = field(default_factory=list)
    sources: list[tuple[Value, ...]] = field(default_factory=list)
    outputs: tuple[Tensor, ...] = ()
    revalued: dict[str, tuple[Any, Expr]] = field(default_factory=dict)


class Copies:
    """All copies of all lists, by list."""

    def __init__(self, structure: Structure, names: Names, fixed: set[tuple[Listing, Expr]]) -> None:
        self.structure = structure
        self.names = names
        self.fixed = fixed
        """Parameters of lists that cannot be given another value, since two layers would need two."""
        self._layers: dict[tuple[Any, ...], tuple[tuple[Tensor, ...], tuple[Calling, ...]]] = {}
        self.known: dict[Listing, dict[tuple[str, tuple[Shape, ...]], Copy]] = {}
        model = structure.model
        self.params = {self.names.param(each): _plain(found) for each, found in model.params.items()}
        shapes = [step.outputs[0] for step in structure.plan.inputs]
        by = {**names.renamed, **self._derived(structure.data.get("params") or {})}
        inputs = tuple(Tensor((-1, -1, i), shape, const(shape.channels)) for i, shape in enumerate(shapes))
        self.root = Copy(structure.root, self.params, by, inputs)
        self.known[structure.root] = {("", ()): self.root}
        self._go_through(self.root, None)

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
        while at < len(members) and isinstance(member := members[at], Step) and member.is_input:
            at += 1
        for number, slot in enumerate(listing.slots):
            count = 0
            while at + count < len(members) and _path(members[at + count]) == slot.path:
                count += 1
            sources = self._sources(slot, names, above)
            items: list[Item] = []
            inputs = sources
            for index, member in enumerate(members[at : at + count]):
                values = {**copy.values, INDEX: index} if slot.repeats else copy.values
                item = self.item(copy, values, slot, member, inputs)
                item.index, item.name = index, member.name[prefix:]
                items.append(item)
                at_index = -1 if index == count - 1 else index
                names[item.name] = _valued(item.outputs, number, at_index)
                inputs = names[item.name][:1]
            at += count
            if items:
                above = names[items[-1].name]
                base = slot.name
                if slot.repeats and slot.template is None:
                    base = items[-1].name.rpartition(".")[0]
                if base is not None:
                    names[base] = above
            else:
                (first, *_) = sources = sources or above
                above = (Tensor((number, -1, 0), first.shape, first.channels),)
                if slot.template is not None:
                    names[slot.template.evaluate({**copy.values, "index": 0})] = above
                elif slot.name is not None:
                    names[slot.name] = above
            copy.items.append(items)
            copy.sources.append(tuple(each.value for each in sources))
        if listing.outputs is None:
            copy.outputs = above[: len(self.structure.plan.outputs)] if listing.is_model else above
        else:
            copy.outputs = tuple(_named(each, names) for each in listing.outputs)

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
        outputs = tuple(
            tensor._replace(channels=substituted(tensor.channels, args)) if args else tensor for tensor in inner.outputs
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
                Tensor((-1, -1, i), shape, name(each)) for i, (shape, each) in enumerate(zip(shapes, own, strict=False))
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
            args[param] = copy.by.get(each) or name(param) if same(values.get(param), found) else const(found)
        for each, default in called.params.items():
            given = slot.args.get(each)
            expected = self._argument(group, each)
            param = self.names.param(each)
            if given is not None:
                args[param] = _expr(copy, values, given, expected) if has_arithmetic(given) else const(expected)
            elif has_arithmetic(default):
                try:
                    found = substituted(of_value(default), {key: args[self.names.param(key)] for key in group.args})
                    args[param] = found if same(value(found, values), expected) else const(expected)
                except (KeyError, UnusableError):
                    args[param] = const(expected)
            else:
                args[param] = const(expected)
        return args

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
        key = (id(layer), *given.items(), *((tensor.shape, tensor.channels) for tensor in inputs))
        known = self._layers.get(key)
        if known is None:
            known = self._asked(copy, step, given, inputs)
            if not copy.revalued:
                self._layers[key] = known
        outputs, calls = known
        return Item(step, inputs, outputs, calls, type=_type(slot, copy))

    def _asked(
        self, copy: Copy, step: Step, given: Mapping[str, Expr], inputs: tuple[Tensor, ...]
    ) -> tuple[tuple[Tensor, ...], tuple[Calling, ...]]:
        """What a layer answers to symbols: its outputs and its calls."""
        layer, facts = step.layer, step.facts
        assert layer is not None
        assert facts is not None
        asked = with_symbols(layer, given) if given else layer
        symbols = tuple([shaped(tensor.shape, tensor.channels) for tensor in inputs])
        channels = _channels(asked, step, inputs, symbols)
        outputs = tuple(map(Tensor, ((0, 0, i) for i in range(len(channels))), facts.outputs, channels))
        calls = asked.calls(*symbols)
        if not calls[-1].target.startswith("nn."):
            symbols = tuple([sizes_of(i, tensor.shape) for i, tensor in enumerate(inputs)])
            calls = asked.calls(*symbols)
        kinds = {type(axis) for links in facts.links for link in links for axis in link.axes}
        if SameWindow in kinds:
            mode = next(axis.mode for axis in facts.links[0][0].axes if isinstance(axis, SameWindow))
            found = self._calling(copy, layer, calls[-1], given, leave_out=("padding", "padding_mode"))
            return outputs, (found._replace(padded_same=mode),)
        if Centre in kinds:
            sizes = tuple(axis.size for axis in asked.links(*symbols)[0][0].axes if isinstance(axis, Centre))
            return outputs, (Calling(calls[0], (("size", written(sizes)),), centred=True),)
        return outputs, tuple([self._calling(copy, layer, call, given) for call in calls])

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


def _channels(layer: Layer, step: Step, inputs: Sequence[Tensor], symbols: tuple[Shape, ...]) -> list[Expr]:
    """The channels of each output, in terms of those of the inputs."""
    assert step.facts is not None
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
            asked = asked or layer.outputs(asked_links, *symbols)
            cut = asked_links[i][0].channels if inputs else None
            kept = written(cut_length(cut, symbols[0].channels) if isinstance(cut, Slice) else asked[i].channels)
            if not same(int(asked[i].channels), shape.channels):
                kept = const(shape.channels)
        found.append(kept)
    return found


def _type(slot: Slot, copy: Copy) -> Expr | None:
    return substituted(read(slot.type), copy.by) if is_expression(slot.type) else None


def _expr(copy: Copy, values: Mapping[str, Any], raw: Any, expected: Any) -> Expr:
    """A value of the file as it is written in this copy; the value that it has where Python would make another."""
    try:
        found = substituted(of_value(raw), copy.by) if copy.by else of_value(raw)
        known = value(found, values)
        if same(known, expected) or (type(known) is int and type(expected) is float and known == expected):
            return found
        if type(known) is float and type(expected) is int and known == expected:
            return Expr("int()", (found,))
    except UnusableError:
        pass
    return const(expected)


def _named(wanted: str, names: Mapping[str, tuple[Tensor, ...]]) -> Tensor:
    """The tensor that a name means."""
    if wanted in names:
        return names[wanted][0]
    base, _, number = wanted.rpartition(".")
    return names[base][int(number)]


def _valued(tensors: tuple[Tensor, ...], number: int, index: int) -> tuple[Tensor, ...]:
    """The tensors as those that an entry hands on."""
    return tuple([Tensor((number, index, i), each.shape, each.channels) for i, each in enumerate(tensors)])


def _path(member: Step | Group) -> tuple[str | int, ...]:
    return member.path


def _plain(found: Any) -> Any:
    """A value with tuples for lists, and plain numbers for those that remember where they came from."""
    if isinstance(found, list | tuple):
        return tuple(map(_plain, found))
    return int(found) if type(found) not in (int, bool) and isinstance(found, int) else found
