"""The model of a source that was edited, made from the model before: where only arguments or shapes of inputs have
changed, every copy of every layer stays where it is, and those that no edit reaches are the same objects.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from planner.arithmetic import Expression, Template, has_arithmetic
from planner.diagnostics import Path
from planner.format import RESERVED, Block, Entry, EntryReader
from planner.guesses import made
from planner.layers import all_layers
from planner.layers._layer import LARGEST
from planner.model import Group, Model
from planner.source import Source
from planner.unfolding._file import shape_of
from planner.unfolding._layers import Interned


def alike(model: Model, source: Source, layers: Interned) -> Model | None:
    """The model of a source that shares the data of another one, whose model is given, but for what has changed; None
    where more may have changed than layers and shapes of inputs, so that the source has to be unfolded.

    layers  those that were made before, which are taken where their arguments are equal; it is added to
    """
    if model.like is not None or not _index(model).stands_alone:
        return None
    other = _Edited(model, source, layers)
    homes = dict.fromkeys(map(other.home, _differences(model.source.data, source.data, ())))
    calls_first = sorted(homes, key=lambda path: path not in other.calls)
    if not all(path is not None and other.change(path) for path in calls_first):
        return None
    return replace(model, instances=other.instances, source=source, diagnostics=[], like=model)


class _Index(NamedTuple):
    """What is looked up in a model for every edit that is tried.

    copies  the numbers of the instances of an entry, or of an input, by its place
    calls   the copies of the block that an entry calls, by its place
    stands_alone  whether nothing is wrong in the file, and no layer depends on others
    """

    copies: Mapping[Path, Sequence[int]]
    calls: Mapping[Path, Sequence[Group]]
    stands_alone: bool


@lru_cache(maxsize=1)  # many edits of the same model are tried
def _index(model: Model) -> _Index:
    copies, calls = defaultdict[Path, list[int]](list), defaultdict[Path, list[Group]](list)
    for i, instance in enumerate(model.instances):
        copies[instance.path].append(i)
    for group in model.groups:
        calls[group.path].append(group)
    return _Index(dict(copies), dict(calls), _stands_alone(model))


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


class _Edited:
    """The instances of a model with what a source says now."""

    def __init__(self, model: Model, source: Source, layers: Interned) -> None:
        self.model = model
        self.source = source
        self.layers = layers
        self.instances = [*model.instances]
        self.copies = _index(model).copies
        self.calls = _index(model).calls
        self._params: dict[int, Mapping[str, Any]] = {}
        """What calls give now, by the ids of groups."""

    def home(self, path: Path) -> Path | None:
        """The place of the entry, or of the input, to which something belongs; None where it belongs to none."""
        ends = (path[:end] for end in range(len(path), 0, -1))
        return next((end for end in ends if end in self.copies or end in self.calls), None)

    def change(self, path: Path) -> bool:
        """Make the change at a place; False where it may be one of more than arguments or the shape of an input."""
        was, now = self.model.source.at(path), self.source.at(path)
        copies, calls = self.copies.get(path, ()), self.calls.get(path, ())
        if copies and self.instances[copies[0]].input is not None:
            return self._reshape(path, shape=now)
        if not isinstance(was, dict) or not isinstance(now, dict) or not self._stays(path, was, now):
            return False
        reader = EntryReader()
        entry = reader.entry(now, path)
        if reader.faults or not entry.sound or entry.inner is not None:
            return False
        return all(self._call(each, entry) for each in calls) and all(self._make(i, entry) for i in copies)

    def _stays(self, path: Path, was: dict[str, Any], now: dict[str, Any]) -> bool:
        """Whether an entry stands for as many layers, of the same names, which read the same."""
        differing = {key for key in {*was, *now} if was.get(key) is not now.get(key)}
        if "type" in differing:
            types = [all_layers().get(str(each.get("type"))) for each in (was, now)]
            if any(each is None or each.takes == (0, 0) for each in types):
                return False
            if "name" not in was and any("name" in each for each in self.source.at(path[:-1])):
                return False  # its name is made of its type
        return not any(key in RESERVED or key.startswith("x-") for key in differing - {"type"})

    def _reshape(self, path: Path, shape: Any) -> bool:
        sizes = shape_of(shape)
        if sizes is None or sizes.elements > LARGEST:
            return False
        for i in self.copies[path]:
            self.instances[i] = replace(self.instances[i], input=sizes)
        return True

    def _make(self, i: int, entry: Entry) -> bool:
        """Make the layer that an entry means in the place of an instance; False where something is wrong with it."""
        instance = self.instances[i]
        kind = entry.type if isinstance(entry.type, str) else instance.type
        args = self._arguments(entry, instance.group)
        if args is None or instance.layer is None or instance.sized is not None:
            return False
        layer = self.layers.get((kind, repr(args))) or made(all_layers()[kind], args).layer
        if layer is None or layer.declared:
            return False
        self.layers[kind, repr(args)] = layer
        self.instances[i] = replace(instance, type=kind, layer=layer)
        return True

    def _call(self, group: Group, entry: Entry) -> bool:
        """Make the layers of a copy of a block, as an entry calls it; False where they may be others than before."""
        given, params = self._arguments(entry, group.parent), group.block.params
        if given is None or not given.keys() <= params.keys():
            return False
        args = {name: default if given.get(name) is None else given[name] for name, default in params.items()}
        changed = {name for name, value in args.items() if repr(value) != repr(group.args[name])}
        if any(args[name] is None or isinstance(args[name], str) for name in changed):
            return False
        if any(has_arithmetic(default) and given.get(name) is None for name, default in params.items()):
            return False
        self._params[id(group)] = args
        return self._remake(group, group.block, changed)

    def _remake(self, group: Group, block: Block, changed: set[str]) -> bool:
        """Make the layers of a list that read parameters which have changed."""
        for entry in block.entries:
            if not changed.isdisjoint(_decisive(entry)):
                return False
            inside = [each for each in self.calls.get(entry.path, ()) if each.parent is group]
            if entry.inner is not None:
                done = all(self._remake(each, entry.inner, changed) for each in inside)
            elif changed.isdisjoint(entry.reads):
                done = True
            else:
                own = [i for i in self.copies.get(entry.path, ()) if self.instances[i].group is group]
                done = all(self._call(each, entry) for each in inside) and all(self._make(i, entry) for i in own)
            if not done:
                return False
        return True

    def _arguments(self, entry: Entry, group: Group | None) -> dict[str, Any] | None:
        """The arguments of an entry of a list; None where something is wrong with them, or they are others in each
        copy.
        """
        while group is not None and group.block.owner is not None:
            group = group.parent
        params = {} if group is None else self._params.get(id(group), group.args)
        values = {**self.model.params, **params}
        if "index" in entry.reads or not values.keys() >= {*entry.reads}:
            return None
        args = entry.arguments(values)
        return None if args.faults or args.lost or args.said else args.values


def _decisive(entry: Entry) -> set[str]:
    """The parameters on which it depends how many layers an entry stands for, of which names and types."""
    keys = (entry.type, entry.name, entry.repeat, entry.when)
    return {name for each in keys if isinstance(each, Expression | Template) for name in each.names}
