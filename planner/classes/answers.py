"""The answers of layers that are asked with symbols: their outputs and their calls, written in the names in sight."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping, Sequence
from itertools import product
from typing import Any, get_args

from planner.classes.arithmetic import comes_to, value
from planner.classes.channels import channels_of, is_handed_on, names_in_plain, origins
from planner.classes.expressions import NOTHING, Expr, UnusableError, const, same, text
from planner.classes.following import OtherSizes, followed, functions, holds, numbered
from planner.classes.structure import Structure
from planner.classes.symbols import shaped, size_of, sizes_of, with_symbols, written
from planner.classes.tensors import INDEX, Calling, Copy, SymbolicTensor, Use, argument_in, plain, type_of
from planner.classes.worlds import another
from planner.diagnostics import Fault
from planner.format import Block, Entry
from planner.geometry import Centre, SameWindow, Shape
from planner.layers._call import Call
from planner.layers._layer import Layer
from planner.plan import Step

TRIED = 4
"""At how many other values a layer is asked whether its calls are right there."""
WORKED_OUT = ("padding", "padding_mode", "ceil_mode", "count_include_pad", "uncounted")
"""Arguments that a module does not take where it works out its padding from the size of its input."""
LayerAnswer = tuple[tuple[SymbolicTensor, ...], tuple[Calling, ...], frozenset[str]]
"""The outputs, the calls, and the names for whose values alone these are right."""


class Answers:
    """The answers of layers that are asked with symbols; for tensors that are written alike, a layer is asked once.

    params  the parameters of the model
    fixed   parameters of lists that cannot be given another value, since two layers would need two; where one more is
            found out, what has been written before is wrong, and all is to be gone through once more
    """

    def __init__(self, structure: Structure, params: Container[str], fixed: set[tuple[Block, Expr]]) -> None:
        self._structure = structure
        self._params = params
        self._fixed = fixed
        self._other_sizes = OtherSizes(structure.plan)
        self._known: dict[tuple[Any, ...], tuple[Step, *LayerAnswer]] = {}

    def layer(
        self, copy: Copy, values: dict[str, Any], entry: Entry, step: Step, inputs: tuple[SymbolicTensor, ...]
    ) -> Use:
        """A layer of the file in a copy: its outputs and its calls, written in the names in sight."""
        layer = step.layer
        assert layer is not None
        given = {
            each: argument_in(
                copy, values, _listed(raw), plain(getattr(layer, each)), fractional=_is_fractional(layer, each)
            )
            for each, raw in entry.worked_out.items()
        }
        sized = step.instance.sized is not None
        key = (
            (entry.path, step.type, id(step) if sized else None),
            *((each, expr, _form(getattr(layer, each))) for each, expr in given.items()),
            *((len(tensor.shape), tensor.channels, tensor.origin) for tensor in inputs),
        )
        found = self._again(key, step, values)
        if found is None:
            found = self._asked(copy, values, step, given, inputs)
            if sized and not entry.repeats and not copy.in_place and not self._structure.sequential:
                outputs, calls, assumed = found
                found = outputs, self._following(copy, values, entry, step, given) or calls, assumed
            if not copy.revalued:
                self._known[key] = (step, *found)
        outputs, calls, assumed = found
        return Use(step, inputs, outputs, calls, type=type_of(entry, copy), assumed=assumed)

    def _again(self, key: tuple[Any, ...], step: Step, values: Mapping[str, Any]) -> LayerAnswer | None:
        """The layer's earlier answer for tensors that are written alike, though their sizes may differ."""
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
        inputs: tuple[SymbolicTensor, ...],
    ) -> LayerAnswer:
        """The answer of a layer that is asked with symbols: its outputs, its calls, and the names on whose values the
        answer depends.
        """
        layer, facts = step.layer, step.facts
        assert layer is not None
        assert facts is not None
        decisive: set[str] = set()
        asked = with_symbols(layer, given, decisive) if given else layer
        channels, truths = channels_of(step, given, values, inputs)
        plain = names_in_plain(layer, given)
        parted = names_in_plain(layer, {each: expr for each, expr in given.items() if each not in truths})
        call = layer.calls(*step.inputs)[-1] if given or len(channels) > 1 else None
        if call is not None and call.along and call.returns != ((),):
            parted = plain.union(
                *(expr.depends_on for expr in given.values()), *(each.channels.depends_on for each in inputs)
            )
        outputs = tuple(
            SymbolicTensor(
                (0, 0, i), shape, expr if is_handed_on(expr, links, inputs) else expr.assuming(parted), origin
            )
            for i, (shape, expr, links, origin) in enumerate(
                zip(facts.outputs, channels, facts.links, origins(step, given, inputs), strict=True)
            )
        )
        decisive |= plain | parted
        if call is not None and call.along in given:
            names = given[call.along].depends_on
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
        inputs: tuple[SymbolicTensor, ...],
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

    def _following(
        self, copy: Copy, values: Mapping[str, Any], entry: Entry, step: Step, given: Mapping[str, Expr]
    ) -> tuple[Calling, ...] | None:
        """The calls of a function whose arguments follow sizes of the list's inputs; None where they are not known to
        be the layer's calls at other sizes.
        """
        layer = step.layer
        assert layer is not None
        exprs = {
            each: expr
            for each, raw in entry.worked_out.items()
            if (expr := followed(copy, values, _listed(raw), plain(getattr(layer, each)))) is not None
        }
        symbols = tuple([sizes_of(i, x) for i, x in enumerate(step.inputs)])
        asked = with_symbols(layer, {**given, **exprs}, set())
        calls = functions(asked, asked.calls(*symbols)) if exprs else ()
        if not calls or calls[-1].is_permutation:
            return None
        if any(isinstance(axis, SameWindow | Centre) for links in step.links for each in links for axis in each.axes):
            return None
        callings = tuple([self._calling(copy, layer, call, {**given, **exprs}) for call in calls])
        return callings if holds(copy, values, self._other_sizes.steps(step), callings, _is_sized_call) else None

    def _holds(
        self,
        copy: Copy,
        values: Mapping[str, Any],
        layer: Layer,
        given: Mapping[str, Expr],
        inputs: Sequence[SymbolicTensor],
        callings: Sequence[Calling],
        decisive: set[str],
    ) -> bool:
        """Whether calls are right at other values of the names that were compared with something.

        Most comparisons only refuse wrong values; so the layer is asked at a few other values, of all names together
        and of each alone. Where it accepts none of them, the calls are not known to be right; nor where a text that
        they do not say decides, such as a pattern.
        """
        said = NOTHING.union(*(expr.names for calling in callings for _, expr in calling.args))
        if any(isinstance(values.get(each), str) for each in decisive - said):
            return False
        tried = False
        known = sorted(decisive & values.keys())
        for some, k in product([known, *([each] for each in known if len(known) > 1)], range(TRIED)):
            there = {**values, **{each: another(values[each], k) for each in some}}
            try:
                fields = {each: value(expr, there) for each, expr in given.items()}
                shapes = [Shape((*each.shape.spatial, value(each.channels, there))) for each in inputs]
                if any(shape.channels < 1 for shape in shapes):
                    continue
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
                # The emitter moves the axes itself, and needs plain numbers.
                args[each] = const(plain(found), own.depends_on)
                continue
            if own is not None and same(plain(getattr(layer, each)), plain(found)):
                args[each] = own
            elif own is not None and self._can_be_revalued(copy, own):
                new = (plain(found), written(found))
                if copy.revalued.setdefault(own.args[0], new) != new:
                    self._fixed.add((copy.block, own))
                args[each] = own
            else:
                args[each] = _made(found, given) if isinstance(found, Call) else written(found)
        missing = [
            each
            for each in given
            if each not in (*args, *leave_out, *layer.in_forward)
            and each in fields
            and same(plain(getattr(layer, each)), fields[each].default)
        ]
        if missing and call.is_module:
            args = _with_missing(layer, args, {each: given[each] for each in fields if each in missing})
        return Calling(call, tuple(args.items()))

    def _can_be_revalued(self, copy: Copy, own: Expr) -> bool:
        """Whether a parameter may be handed on with the value that PyTorch takes in place of the file's."""
        declared = (
            own.op == "name" and own.args[0] in copy.values and own.args[0] != INDEX and own.args[0] not in self._params
        )
        return declared and not self._structure.in_model(copy.block) and (copy.block, own) not in self._fixed


def _made(call: Call, given: Mapping[str, Expr]) -> Expr:
    """A call that is made first, with the numbers among its arguments as the file works them out."""
    named = []
    for arg, found in call.args.items():
        expr = _made(found, given) if isinstance(found, Call) else written(found)
        own = given.get(call.numbers.get(arg, ""))
        if own is not None and not own.is_const:
            expr = own if _is_float(own) else Expr("float()", (own,))
        named.append(Expr(f"keyword {arg}", (expr,)))
    return Expr("new", (text(call.target), *named))


def _is_float(expr: Expr) -> bool:
    """Whether Python makes a float of an expression, whatever the values of its names are."""
    if expr.is_const:
        return type(expr.args[0]) is float
    return expr.op == "/" or (expr.op in ("+", "-", "*", "neg") and any(map(_is_float, expr.parts)))


def _listed(raw: Any) -> Any:
    """A value of the file, with a mapping as its pairs, as a layer keeps it."""
    return [[key, each] for key, each in raw.items()] if isinstance(raw, dict) else raw


def _fill(calls: Sequence[Call], mode: str) -> str:
    """The content of computed padding: copies of cells by a mode, or a number, or cells that a mean does not count."""
    if "uncounted" in calls[-1].args:
        return "uncounted"
    return str(calls[0].args["value"]) if "value" in calls[0].args else mode


def _with_missing(layer: Layer, args: Mapping[str, Expr], missing: Mapping[str, Expr]) -> dict[str, Expr]:
    """The arguments of a call with those that a layer leaves out as defaults, in the layer's order: after what is
    worked out, and after the fields that come before.
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


def _is_fractional(layer: Layer, argument: str) -> bool:
    """Whether an argument takes any number, whole or not."""
    field = type(layer).model_fields.get(argument)
    return field is not None and float in get_args(field.annotation)


def _form(argument: Any) -> Any:
    """The type of an argument, whatever its numbers are."""
    return tuple(map(_form, argument)) if isinstance(argument, tuple) else type(argument)


def _is_sized_call(
    calling: Calling, call: Call, values: Mapping[str, Any], shapes: Sequence[Shape], own: Mapping[Expr, Expr]
) -> bool:
    return is_call(calling, call, values, shapes, own=own)


def is_call(
    calling: Calling,
    call: Call,
    values: Mapping[str, Any],
    shapes: Sequence[Shape],
    revalued: Collection[str] = (),
    own: Mapping[Expr, Expr] = {},
) -> bool:
    """Whether a call that was written for any values is the layer's call at some values; `revalued` names have other
    values in PyTorch, and `own` are sizes of the list's inputs.
    """
    if not calling.call.is_like(call):
        return False
    written = dict(calling.args)
    if not all(arg in written for arg in call.args):
        return False
    sizes: Mapping[Expr, Expr] = {}
    if any(part.op == "size" for expr in written.values() for part in expr.all_parts()):
        dims = ((place, *each) for place, shape in enumerate(shapes) for each in enumerate(shape.torch, 1))
        sizes = {size_of(place, dim): const(size) for place, dim, size in dims} | dict(own)
        if any(part.op == "size" and part not in sizes for expr in written.values() for part in expr.all_parts()):
            return False  # it follows what comes into the list, and this is not known here
    return all(
        _comes_to(numbered(expr, sizes) if sizes else expr, call.args[arg], values)
        for arg, expr in written.items()
        if arg in call.args and not (revalued and any(each in revalued for each in expr.names))
    )


def _comes_to(expr: Expr, wanted: object, values: Mapping[str, Any]) -> bool:
    """Whether an argument has the wanted value, which may be a call that is made first; so has one without a value."""
    if expr.op == "new" and isinstance(wanted, Call):
        target, *named = expr.args
        found = {each.op.removeprefix("keyword "): each.args[0] for each in named}
        return (
            target == text(wanted.target)
            and found.keys() == wanted.args.keys()
            and all(_comes_to(found[each], wanted.args[each], values) for each in found)
        )
    try:
        known = value(expr, values)
    except UnusableError:
        return True
    return same(known, plain(wanted)) or known == plain(wanted)
