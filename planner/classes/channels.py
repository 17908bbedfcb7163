"""The outputs of a layer, in terms of what goes in: their channels, and what their spatial sizes depend on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from planner.classes.algebra import choice
from planner.classes.arithmetic import comes_to
from planner.classes.expressions import NOTHING, Expr, lost, same
from planner.classes.symbols import cut_length, shaped, with_symbols, written
from planner.classes.tensors import SymbolicTensor
from planner.diagnostics import Fault
from planner.geometry import KEEP, Link, Shape, Sliced
from planner.layers._layer import Layer
from planner.plan import Step

READABLE = 4
"""The most operators in the size of a part that a reader would still follow."""


def channels_of(
    step: Step, given: Mapping[str, Expr], values: Mapping[str, Any], inputs: Sequence[SymbolicTensor], *known: str
) -> tuple[list[Expr], frozenset[str]]:
    """The channels of a layer's outputs, and the arguments for either truth of which these are right.

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
    here, told = channels_of(step, given, values, inputs, *known, asked)
    opposite = _with(step, asked, not getattr(layer, asked))
    if opposite is None or len(opposite.outputs) != len(step.outputs):
        return here, told
    there, told_there = channels_of(opposite, given, values, inputs, *known, asked)
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


def _channels(layer: Layer, step: Step, inputs: Sequence[SymbolicTensor]) -> list[Expr]:
    """The channels of a layer's outputs, in terms of the channels of the inputs."""
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


def is_handed_on(channels: Expr, links: Sequence[Link], inputs: Sequence[SymbolicTensor]) -> bool:
    """Whether channels are those of an input whatever the arguments are; equal numbers alone may be so by chance."""
    return any(
        channels == tensor.channels and (link.channels is KEEP or not channels.is_const)
        for tensor, link in zip(inputs, links, strict=True)
    )


def names_in_plain(layer: Layer, given: Mapping[str, Expr]) -> set[str]:
    """The names in arguments that are no whole numbers: what a layer makes of these is not written anywhere."""
    found: set[str] = set()
    for each, expr in given.items():
        argument = getattr(layer, each)
        whole = argument if isinstance(argument, tuple) else (argument,)
        if not all(type(part) is int for part in whole):
            found |= expr.depends_on
    return found


def origins(step: Step, given: Mapping[str, Expr], inputs: Sequence[SymbolicTensor]) -> list[frozenset[str]]:
    """The names on which the spatial size of each output of a layer depends."""
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
                    origin |= tensor.channels.depends_on
                    kept = False
                kept = kept and all(axis is KEEP for axis in link.axes)
            if not kept:
                origin = origin.union(*(expr.depends_on for expr in given.values()))
        found.append(frozenset(origin))
    return found
