"""What a checkpoint holds: the mappings in it that have tensors, and by which keys they are reached."""

from __future__ import annotations

from collections.abc import Iterator

from planner.checkpoints._checkpoint import LONGEST_NAME, Refusing, SavedTensor, Section
from planner.checkpoints._torch_objects import OddTensor, PickledArray, PickledNames, PickledTensor

DEEPEST = 6
"""Mappings within one another that are looked into."""
MOST_LOOKED_AT = 200_000
"""Mappings that are looked at; more of them come of a pickle in which one stands in many."""
MOST_SECTIONS = 1_000
OPTIMIZERS = ("optimizer", "optim", "scheduler", "scaler", "loops", "callbacks")
"""How keys begin below which no weights of a network stand."""


def sections_of(root: object, refusing: Refusing) -> tuple[Section, ...]:
    """The mappings with tensors, outer ones first. Raises UnreadableCheckpoint where there is none."""
    parts = []
    for key, mapping in _mappings(root):
        tensors = dict(_tensors(mapping))
        refusing.too_many(len(tensors))
        if tensors:
            rest = {name: each for name, each in mapping.entries.items() if name not in tensors}
            odd = {name: what for name, each in rest.items() if (what := _oddness(each))}
            others = tuple(
                name for name, each in rest.items() if name not in odd and not isinstance(each, PickledNames)
            )
            parts.append(Section(key, tuple(tensors.values()), others, odd))
        if sum(any(_tensors(each)) for each in mapping.entries.values() if isinstance(each, PickledNames)) > 1:
            nested = dict(_nested(mapping, ()))
            refusing.too_many(len(nested))
            parts.append(Section((*key, ""), tuple(nested.values())))
        if len(parts) >= MOST_SECTIONS:
            break
    if not parts:
        raise refusing.broken("holds no tensors by names", "save what `net.state_dict()` gives")
    return tuple(parts)


def _oddness(value: object) -> str:
    """What is odd about a tensor, or about one in a row, as packed weights are; "" where nothing is."""
    some = value if isinstance(value, tuple) and not hasattr(value, "_fields") else (value,)
    return next((each.what for each in some if isinstance(each, OddTensor)), "")


def _mappings(root: object) -> Iterator[tuple[tuple[str, ...], PickledNames]]:
    """The mappings by the keys that lead to them, each once, level by level."""
    seen = set[int]()
    level: list[tuple[tuple[str, ...], object]] = [((), root)]
    for _ in range(DEEPEST):
        further: list[tuple[tuple[str, ...], object]] = []
        for key, each in level:
            if id(each) in seen or len(seen) > MOST_LOOKED_AT:
                continue
            seen.add(id(each))
            if isinstance(each, PickledNames):
                yield key, each
                kept = (item for item in each.entries.items() if not item[0].lower().startswith(OPTIMIZERS))
                further += (((*key, name), value) for name, value in kept if isinstance(value, PickledNames | list))
            elif isinstance(each, list):
                further += (((*key, str(i)), one) for i, one in enumerate(each) if isinstance(one, PickledNames))
        level = further


def _tensors(mapping: PickledNames) -> Iterator[tuple[str, SavedTensor]]:
    for name, each in mapping.entries.items():
        if isinstance(each, PickledTensor):
            yield name, each.stored(name)
        elif isinstance(each, PickledArray) and each.sizes is not None:
            yield name, SavedTensor(name, each.sizes, each.dtype)


def _nested(mapping: PickledNames, key: tuple[str, ...]) -> Iterator[tuple[str, SavedTensor]]:
    """The tensors of a mapping and of those in it, by names with dots, as of a network's parts that are saved apart."""
    before = ".".join((*key, ""))
    if len(before) > LONGEST_NAME:
        return
    for name, each in _tensors(mapping):
        yield before + name, SavedTensor(before + name, each.sizes, each.dtype, each.place)
    if len(key) < 2:
        for name, value in mapping.entries.items():
            if isinstance(value, PickledNames) and not name.lower().startswith(OPTIMIZERS):
                yield from _nested(value, (*key, name))
