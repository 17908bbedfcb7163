"""What layers answer when they are asked with symbols: their outputs and their calls, written in the names in sight."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import Any

from planner.classes.arithmetic import comes_to, value
from planner.classes.expressions import NOTHING, Expr, UnusableError, choice, const, lost, same
from planner.classes.structure import Structure
from planner.classes.symbols import cut_length, shaped, size_of, sizes_of, with_symbols, written
from planner.classes.tensors import INDEX, Calling, Copy, Item, Tensor, argument_in, plain, type_of
from planner.classes.worlds import another
from planner.diagnostics import Fault
from planner.format import Block, Entry
from planner.geometry import KEEP, Centre, Link, SameWindow, Shape, Sliced
from planner.layers._layer import Call, Layer
from planner.plan import Step

READABLE = 4
"""Operators of the size of a part that anybody would read."""
TRIED = 4
"""At how many other values a layer is asked whether its calls are right there."""
WORKED_OUT = ("padding", "padding_mode", "ceil_mode", "count_include_pad", "uncounted")
"""Arguments that a module has no use for where it works out its padding from the size of its input."""
Answer = tuple[tuple[Tensor, ...], tuple[Calling, ...], frozenset[str]]
"""The outputs, the calls, and the names for whose values alone these are right."""


class AgainError(Exception):
    """Something about a list was found out too late: all is to be gone through once more."""


class Answers:
    """Layers that are asked, each once for tensors that are written alike.

    params  the parameters of the model
    fixed   parameters of lists that cannot be given another value, since two layers would need two
    """

    def __init__(self, structure: Structure, params: Container[str], fixed: set[tuple[Block, Expr]]) -> None:
        self._structure = structure
        self._params = params
        self._fixed = fixed
        self._known: dict[tuple[Any, ...], tuple[Step, *Answer]] = {}

    def layer(self, copy: Copy, values: dict[str, Any], entry: Entry, step: Step, inputs: tuple[Tensor, ...]) -> Item:
        layer = step.layer
        assert layer is not None
        given = {
            each: argument_in(copy, values, raw, plain(getattr(layer, each))) for each, raw in entry.worked_out.items()
        }
        key = (
            (entry.path, step.type),
            *((each, expr, _form(getattr(layer, each))) for each, expr in given.items()),
            *((len(tensor.shape), tensor.channels, tensor.origin) for tensor in inputs),
        )
        found = self._again(key, step, values)
        if found is None:
            found = self._asked(copy, values, step, given, inputs)
            if not copy.revalued:
                self._known[key] = (step, *found)
        outputs, calls, assumed = found
        return Item(step, inputs, outputs, calls, type=type_of(entry, copy), assumed=assumed)

    def _again(self, key: tuple[Any, ...], step: Step, values: Mapping[str, Any]) -> Answer | None:
        """What the same layer answered before, to tensors that are written alike though they may have other sizes."""
        known = self._known.get(key)
        if known is None or step.facts is None:
            return None
        before, outputs, calls, assumed = known
        if before.layer is step.layer and before.inputs == step.inputs:
            return outputs, calls, assumed
        several = len(outputs) > 1 or len(step.facts.outputs) > 1
        if assumed or several or any(expr.assumed for call in calls for _, expr in call.args):
            return None
        (shape,), (tensor,) = step.facts.outputs, outputs
        right = not tensor.channels.assumed and comes_to(tensor.channels, values, shape.channels)
        return ((tensor._replace(shape=shape),), calls, assumed) if right else None

    def _asked(
        self,
        copy: Copy,
        values: Mapping[str, Any],
        step: Step,
        given: Mapping[str, Expr],
        inputs: tuple[Tensor, ...],
    ) -> Answer:
        """What a layer answers to symbols: its outputs, its calls, and the names on whose values the answer depends."""
        layer, facts = step.layer, step.facts
        assert layer is not None
        assert facts is not None
        decisive: set[str] = set()
        asked = with_symbols(layer, given, decisive) if given else layer
        channels, truths = _of_both_truths(step, given, values, inputs)
        plain = _plain_names(layer, given)
        parted = _plain_names(layer, {each: expr for each, expr in given.items() if each not in truths})
        call = layer.calls(*step.inputs)[-1] if given or len(channels) > 1 else None
        if call is not None and call.along and call.returns != ((),):
            parted = plain.union(*map(_names, given.values()), *(_names(each.channels) for each in inputs))
        outputs = tuple(
            Tensor((0, 0, i), shape, expr if _handed_on(expr, links, inputs) else expr.assuming(parted), origin)
            for i, (shape, expr, links, origin) in enumerate(
                zip(facts.outputs, channels, facts.links, _origins(step, given, inputs), strict=True)
            )
        )
        decisive |= plain | parted
        if call is not None and call.along in given:
            names = _names(given[call.along])
            outputs = tuple(each._replace(channels=each.channels.assuming(names)) for each in outputs)
        calls = self._calls(copy, step, asked, given, inputs, decisive)
        if decisive and self._holds(copy, values, layer, given, inputs, calls, decisive):
            decisive.clear()
        return outputs, calls, frozenset(decisive)

    def _calls(
        self,
        copy: Copy,
        step: Step,
        asked: Layer,
        given: Mapping[str, Expr],
        inputs: tuple[Tensor, ...],
        decisive: set[str],
    ) -> tuple[Calling, ...]:
        """The calls of a layer: a module's arguments are worked out from names, a function's from sizes of tensors."""
        layer, facts = step.layer, step.facts
        assert layer is not None
        assert facts is not None
        symbols = tuple([shaped(each.shape, each.channels, each.origin, decisive) for each in inputs])
        calls = asked.calls(*symbols)
        if not calls[-1].is_constructed:
            symbols = tuple([sizes_of(i, tensor.shape) for i, tensor in enumerate(inputs)])
            calls = asked.calls(*symbols)
        axes = [axis for links in facts.links for link in links for axis in link.axes]
        same_windows = [axis for axis in axes if isinstance(axis, SameWindow)]
        if same_windows:
            found = self._calling(copy, layer, calls[-1], given, leave_out=WORKED_OUT)
            decisive.clear()
            return (found._replace(padded_same=_fill(calls, same_windows[0].mode)),)
        if any(isinstance(axis, Centre) for axis in axes):
            sizes = tuple(axis.size for axis in asked.links(*symbols)[0][0].axes if isinstance(axis, Centre))
            decisive.clear()
            return (Calling(calls[0], (("size", written(sizes)),), centred=True),)
        return tuple([self._calling(copy, layer, call, given) for call in calls])

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

        Most comparisons only refuse what is wrong; the layer itself is asked, at a few values that it takes. Where it
        takes none of them, they are not.
        """
        tried = False
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
                    if not is_call(calling, call, there, shapes, copy.revalued):
                        return False
            except (Fault, UnusableError, ValueError):
                continue
            tried = True
        return tried

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
            if own is not None and call.is_permutation:
                args[each] = const(plain(found), frozenset(_names(own)))  # it is carried out while the code is written
                continue
            if own is not None and same(plain(getattr(layer, each)), plain(found)):
                args[each] = own
            elif own is not None and self._can_be_revalued(copy, own):
                new = (plain(found), written(found))
                if copy.revalued.setdefault(own.args[0], new) != new:
                    self._fixed.add((copy.block, own))
                    raise AgainError(own)
                args[each] = own
            else:
                args[each] = written(found)
        missing = [
            each
            for each in given
            if each not in args and each not in leave_out and same(plain(getattr(layer, each)), fields[each].default)
        ]
        if missing and call.is_constructed:
            args = _with_missing(layer, args, {each: given[each] for each in fields if each in missing})
        return Calling(call, tuple(args.items()))

    def _can_be_revalued(self, copy: Copy, own: Expr) -> bool:
        """Whether a parameter may be handed on with the value that PyTorch takes in place of the file's."""
        declared = (
            own.op == "name" and own.args[0] in copy.values and own.args[0] != INDEX and own.args[0] not in self._params
        )
        return declared and not self._structure.in_model(copy.block) and (copy.block, own) not in self._fixed


def _fill(calls: Sequence[Call], mode: str) -> str:
    """What padding holds that is worked out: copies of cells by a mode, or a number, or what a mean leaves out."""
    if "uncounted" in calls[-1].args:
        return "uncounted"
    return str(calls[0].args["value"]) if "value" in calls[0].args else mode


def _with_missing(layer: Layer, args: Mapping[str, Expr], missing: Mapping[str, Expr]) -> dict[str, Expr]:
    """The arguments of a call with those that a layer leaves out as defaults, each where the layer would have it: after
    what is worked out, and after the fields before it.
    """
    fields = type(layer).model_fields
    order = [*args]
    before = {each for each in order if each not in fields or fields[each].default is None}
    for each in fields:
        if each in missing:
            places = [place for place, other in enumerate(order) if other in before]
            order.insert(max(places, default=-1) + 1, each)
        if each in missing or not same(getattr(layer, each), fields[each].default):
            before.add(each)
    return {each: args.get(each) or missing[each] for each in order}


def _names(expr: Expr) -> set[str]:
    """The names that an expression reads or takes for granted."""
    return expr.names | expr.assumed


def _of_both_truths(
    step: Step, given: Mapping[str, Expr], values: Mapping[str, Any], inputs: Sequence[Tensor], *known: str
) -> tuple[list[Expr], frozenset[str]]:
    """The channels of each output, and the arguments for either truth of which they are right.

    The layer is asked for both truths of an argument; where they differ, the channels are a choice: an LSTM in both
    directions has `2 * hidden if flag else hidden`. `known` are the arguments that are not asked about again.
    """
    layer, facts = step.layer, step.facts
    assert layer is not None
    assert facts is not None
    undecided = (each for each, expr in given.items() if type(getattr(layer, each)) is bool and not expr.is_const)
    asked = next((each for each in undecided if each not in known), None)
    if asked is None:
        found = _channels(with_symbols(layer, given, set()) if given else layer, step, inputs)
        return [
            expr if comes_to(expr, values, shape.channels) else lost(shape.channels, expr)
            for expr, shape in zip(found, facts.outputs, strict=True)
        ], NOTHING
    here, told = _of_both_truths(step, given, values, inputs, *known, asked)
    opposite = _with(step, asked, not getattr(layer, asked))
    if opposite is None or len(opposite.outputs) != len(step.outputs):
        return here, told
    there, told_there = _of_both_truths(opposite, given, values, inputs, *known, asked)
    if any(a != b and "lost" in (a.op, b.op) for a, b in zip(here, there, strict=True)):
        return here, told
    pairs = zip(*((here, there) if getattr(layer, asked) else (there, here)), strict=True)
    return [choice(given[asked], *pair, "if") for pair in pairs], (told & told_there) | {asked}


def _with(step: Step, argument: str, truth: bool) -> Step | None:
    """The step with another truth for an argument of its layer; None where the layer refuses that."""
    assert step.layer is not None
    try:
        layer = type(step.layer).model_validate({**dict(step.layer), argument: truth})
        return replace(step, instance=replace(step.instance, layer=layer), facts=layer.facts(*step.inputs))
    except (Fault, ValueError):
        return None


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
            if isinstance(cut, Sliced):
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


def _handed_on(channels: Expr, links: Sequence[Link], inputs: Sequence[Tensor]) -> bool:
    """Whether channels are those of an input whatever the arguments are; equal numbers alone may be so by chance."""
    return any(
        channels == tensor.channels and (link.channels is KEEP or not channels.is_const)
        for tensor, link in zip(inputs, links, strict=True)
    )


def _plain_names(layer: Layer, given: Mapping[str, Expr]) -> set[str]:
    """The names in arguments that are no whole numbers: what a layer makes of these is not written anywhere."""
    found: set[str] = set()
    for each, expr in given.items():
        argument = getattr(layer, each)
        whole = argument if isinstance(argument, tuple) else (argument,)
        if not all(type(part) is int for part in whole):
            found |= _names(expr)
    return found


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
                    origin |= _names(tensor.channels)
                    kept = False
                kept = kept and all(axis is KEEP for axis in link.axes)
            if not kept:
                origin = origin.union(*(_names(expr) for expr in given.values()))
        found.append(frozenset(origin))
    return found


def _form(argument: Any) -> Any:
    """What kind of an argument it is, whatever its numbers are."""
    return tuple(map(_form, argument)) if isinstance(argument, tuple) else type(argument)


def is_call(
    calling: Calling, call: Call, values: Mapping[str, Any], shapes: Sequence[Shape], revalued: Container[str] = ()
) -> bool:
    """Whether a call that was written for any values is this one at some; `revalued` names have others in PyTorch."""
    if replace(calling.call, args={}) != replace(call, args={}):
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
        wanted = plain(call.args.get(arg, found))
        if not same(found, wanted) and found != wanted:
            return False
    return all(arg in written for arg in call.args)


def _with_sizes(expr: Expr, sizes: Mapping[Expr, Expr]) -> Expr:
    """The expression with numbers for the sizes of tensors."""
    if expr.op == "size":
        return sizes[expr]
    return Expr(expr.op, tuple(_with_sizes(part, sizes) for part in expr.parts)) if expr.parts else expr
