"""Whose weights a step uses: its own, those of another step by `share`, single ones of others by `tie`; and on what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Protocol

from planner.faults.index_out_of_range import IndexOutOfRange
from planner.faults.places_into_weights import PlacesIntoWeights
from planner.faults.shared_weights_differ import SharedWeightsDiffer
from planner.faults.unknown_weights import UnknownWeights
from planner.faults.values_for_places import ValuesForPlaces
from planner.geometry import Shape
from planner.layers._call import Call
from planner.layers._layer import Facts, Layer, Sizes
from planner.model import Instance


class Planned(Protocol):
    """A step of a plan, as far as its weights are in question."""

    instance: Instance
    inputs: tuple[Shape, ...]
    facts: Facts | None
    places: Sequence[int]

    @property
    def sources(self) -> Sequence[tuple[int, int]]: ...


def added(instance: Instance, facts: Facts) -> int | None:
    """The trained parameters that a step adds to those of the steps before it; None where that is not known."""
    if instance.owner is not None:
        return 0
    if not instance.ties:
        return facts.params
    return sum(prod(sizes) for name, sizes in facts.weights.items() if name not in instance.ties)


def entries(instance: Instance, facts: Facts) -> Mapping[str, Sizes]:
    """The entries that a step has in the model's `state_dict`, by the layer's names for them."""
    return {**facts.weights, **facts.buffers} if instance.owner is None else {}


def first_name(steps: Sequence[Planned], step: Planned, name: str) -> str:
    """The first full name that the `state_dict` has for a weight or a buffer of a step."""
    instance = _owner(steps, step).instance
    while instance.ties and name in instance.ties:
        at, name = instance.ties[name]
        instance = _owner(steps, steps[at]).instance
    return f"{instance.name}.{name}" if name else instance.name


def _owner(steps: Sequence[Planned], step: Planned) -> Planned:
    return step if step.instance.owner is None else steps[step.instance.owner]


def must_fit(step: Planned, layer: Layer, facts: Facts, steps: Sequence[Planned]) -> None:
    """Refuse a step whose weights cannot be those of another one, as the file says, or cannot be multiplied by what it
    reads; `facts` are its own.
    """
    instance = step.instance
    whole = [output in steps[at].places for i, (at, output) in enumerate(step.sources) if i not in layer.indices]
    if (facts.weights and any(whole)) or must_be_alike(layer, whole):
        raise PlacesIntoWeights(instance.type)
    for at, output in [each for i, each in enumerate(step.sources) if i in layer.indices]:
        if _holds_values(steps, at, output):
            raise ValuesForPlaces(instance.type, steps[at].instance.name)
        most = _most(steps, at)
        rows = min([sizes[0] for sizes in facts.weights.values()], default=None)
        if most is not None and rows is not None and rows <= most:
            raise IndexOutOfRange.looked_up(steps[at].instance.name, most, rows)
    if instance.owner is not None:
        _must_share(steps[instance.owner], step, layer, facts)
    elif instance.ties:
        for name, (at, weight) in instance.ties.items():
            _must_tie(steps[at], weight, instance.type, name, facts)


def must_be_alike(layer: Layer, whole: Sequence[bool]) -> bool:
    """Whether a layer reads whole numbers beside others where PyTorch refuses that; `whole` says it of each input."""
    read = whole[:3] if layer.masks else whole
    return layer.one_type and any(read) and not all(read)


def places(step: Planned, layer: Layer, facts: Facts, steps: Sequence[Planned]) -> Sequence[int]:
    """Which outputs of a step hold whole numbers: those that its layer makes, or all where it keeps what it reads."""
    whole = [output in steps[at].places for at, output in step.sources]
    if not whole or not whole[0]:
        return layer.whole_outputs
    fractions = any(isinstance(each, float) for each in layer.given().values())
    kept = layer.keeps_whole and all(whole) and not fractions
    return range(len(facts.outputs)) if kept or layer.moves(facts, step.inputs[0]) else layer.whole_outputs


def _holds_values(steps: Sequence[Planned], at: int, output: int) -> bool:
    """Whether an output is known to hold no whole numbers: weights were multiplied, or numbers that are none stand in
    it. What an input of the model holds is not known, nor what most functions make.
    """
    looked = set[tuple[int, int]]()
    waiting = [(at, output)]
    while waiting:
        at, output = here = waiting.pop()
        step, layer = steps[at], steps[at].instance.layer
        if here in looked or step.facts is None or layer is None or output in step.places:
            continue
        looked.add(here)
        if step.facts.weights or not step.sources:
            if output not in layer.whole_outputs:
                return True
        elif layer.keeps_whole or layer.moves(step.facts, step.inputs[0]):
            waiting += step.sources
    return False


def _most(steps: Sequence[Planned], at: int) -> int | None:
    """The largest of the whole numbers that a step holds; None where it is not known."""
    while (step := steps[at]).sources:
        facts, layer = step.facts, step.instance.layer
        if facts is None or layer is None or not layer.moves(facts, step.inputs[0]):
            return None
        if facts.outputs[0].elements < step.inputs[0].elements:
            return None  # the largest may be one that is left out
        at = step.sources[0][0]
    return step.instance.layer.most if step.instance.layer is not None else None


def _must_share(owner: Planned, step: Planned, layer: Layer, facts: Facts) -> None:
    """Refuse a step for which the module of another one cannot be called: it has other sizes."""
    if owner.facts is None or owner.facts is facts:  # the same layer, and the same sizes
        return
    full, key = owner.instance.name, ("share",) if step.instance.again is not None else ()
    reads = owner.inputs, step.inputs
    theirs, ours = ({**each.weights, **each.buffers} for each in (owner.facts, facts))
    for name in {**theirs, **ours}:
        if theirs.get(name) != ours.get(name):
            raise SharedWeightsDiffer.shared(full, name, theirs.get(name), ours.get(name), reads, key)
    made, needed = layer.calls(*owner.inputs)[-1], layer.calls(*step.inputs)[-1]
    if made.is_module and _constructed(made) != _constructed(needed):
        raise SharedWeightsDiffer.otherwise(full, reads, key)


def _constructed(call: Call) -> object:
    """What decides which module is made; with what it is called may differ."""
    return call.target, call.args, call.in_rows, call.batch_axes > 0


def _must_tie(owner: Planned, weight: str, kind: str, name: str, facts: Facts) -> None:
    """Refuse a weight `name` that cannot be the `weight` of another step: one is not there, or has another size."""
    key = ("tie", name)
    if name not in facts.weights:
        raise UnknownWeights.no_weight(kind, name, list(facts.weights), key, at_key=True)
    if owner.facts is None:
        return
    full, known = owner.instance.name, owner.facts.weights
    if weight not in known:
        raise UnknownWeights.no_weight(owner.instance.type, weight, list(known), key, owner=full)
    sizes, needed = known[weight], facts.weights[name]
    if sizes != needed:
        raise SharedWeightsDiffer.tied(f"{full}.{weight}".removesuffix("."), sizes, name, needed, key)
