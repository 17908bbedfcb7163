"""The model of a source that was edited, made from the model before: where only arguments of layers or shapes of inputs
have changed, every copy of every layer stays where it is, and those that no edit reaches are the same objects.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from planner.diagnostics import Path
from planner.format import RESERVED, Entry, EntryReader
from planner.guesses import made
from planner.layers import all_layers
from planner.layers._layer import LARGEST, Layer
from planner.model import Group, Instance, Model
from planner.source import Source
from planner.unfolding._file import shape_of
from planner.unfolding._layers import Interned


def alike(model: Model, source: Source, layers: Interned) -> Model | None:
    """The model of a source that shares the data of another one, whose model is given, but for what has changed; None
    where more may have changed than layers and shapes of inputs, so that the source has to be unfolded.

    layers  those that were made before, which are taken where their arguments are equal; it is added to
    """
    if not _stands_alone(model):
        return None
    places = defaultdict[Path, list[int]](list)
    for i, instance in enumerate(model.instances):
        places[instance.path].append(i)
    instances = [*model.instances]
    for path in dict.fromkeys(_home(each, places) for each in _differences(model.source.data, source.data, ())):
        if path is None:
            return None
        found = _changed(model, source, [instances[i] for i in places[path]], layers)
        if found is None:
            return None
        for i, instance in zip(places[path], found, strict=True):
            instances[i] = instance
    return replace(model, instances=instances, source=source, diagnostics=[], like=model)


def _stands_alone(model: Model) -> bool:
    """Whether nothing is wrong in the file, and no layer of a model depends on others: on sizes of what they make, on
    their weights, or on what arrives in the file.
    """
    blocks = (model.root, *(group.block for group in model.groups))
    return (
        not model.diagnostics
        and not any([block.sizes for block in blocks])
        and not any([each.lenders or each.own or (each.layer and each.layer.declared) for each in model.instances])
    )


def _differences(was: Any, now: Any, path: Path) -> Iterator[Path]:
    """The places at which values differ; what is the same object is not looked at."""
    if was is now:
        return
    if isinstance(was, dict) and isinstance(now, dict) and [*was] == [*now]:
        for key, value in was.items():
            yield from _differences(value, now[key], (*path, key))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for i, (a, b) in enumerate(zip(was, now, strict=True)):
            yield from _differences(a, b, (*path, i))
    else:
        yield path


def _home(path: Path, places: Mapping[Path, object]) -> Path | None:
    """The place of the layer, or of the input, to which something belongs; None where it belongs to none."""
    return next((path[:end] for end in range(len(path), 0, -1) if path[:end] in places), None)


def _changed(model: Model, source: Source, copies: list[Instance], layers: Interned) -> list[Instance] | None:
    """The copies of an entry as it is now; None where more than arguments has changed in it."""
    path, shape = copies[0].path, copies[0].input
    was, now = model.source.at(path), source.at(path)
    if shape is not None:
        other = shape_of(now)
        if other is None or other.elements > LARGEST:
            return None
        return [replace(each, input=other) for each in copies]
    if not isinstance(was, dict) or not isinstance(now, dict):
        return None
    if any(was.get(key) is not now.get(key) for key in {*was, *now} if key in RESERVED or key.startswith("x-")):
        return None
    reader = EntryReader()
    entry = reader.entry(now, path)
    if reader.faults or not entry.sound:
        return None
    meant = [_layer(model, each, entry, layers) for each in copies]
    found = [replace(each, layer=layer) for each, layer in zip(copies, meant, strict=True) if layer is not None]
    return found if len(found) == len(copies) else None


def _layer(model: Model, instance: Instance, entry: Entry, layers: Interned) -> Layer | None:
    """The layer that an entry means in the place of an instance; None where something is wrong with it."""
    if instance.layer is None or instance.sized is not None:
        return None
    values = {**model.params, **_parameters(instance.group)}
    if "index" in entry.reads or not values.keys() >= {*entry.reads}:
        return None
    args = entry.arguments(values)
    if args.faults or args.lost or args.said:
        return None
    interned = instance.type, repr(args.values)
    layer = layers.get(interned) or made(all_layers()[instance.type], args.values).layer
    if layer is not None:
        layers[interned] = layer
    return layer


def _parameters(group: Group | None) -> Mapping[str, Any]:
    """The parameters of the block in which a list of layers stands."""
    while group is not None and group.block.owner is not None:
        group = group.parent
    return {} if group is None else group.args
