"""Tensors that meet value by value: brought into one order of axes, as PyTorch repeats dimensions of one cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from planner.inputs._axes import Axis, Factor, Traced
from planner.inputs._building import GraphBuilder
from planner.inputs._graph import NotSayable

FactorPlace = tuple[int, int]
"""A factor by its dimension, and which of that dimension's factors it is, the batch left out."""


class Met(NamedTuple):
    """Tensors with as many axes each, in one order; the axes and the dimensions of what comes of them.

    apart  which axis is the dimension in which sizes may differ, if there is one
    """

    tensors: list[Traced]
    axes: tuple[Axis, ...]
    dims: tuple[Axis, ...]
    apart: int | None


def met(b: GraphBuilder, tensors: Sequence[Traced], apart: int | None = None) -> Met:
    """The tensors brought into one order.

    apart  a dimension, counted from the front, in which sizes may differ: it has an axis of its own in all tensors
    """
    rank = max(tensor.rank for tensor in tensors)
    raised = _told_apart([tensor.with_dims((*[()] * (rank - tensor.rank), *tensor.dims)) for tensor in tensors])
    try:
        raised = refined(raised, apart)
    except NotSayable:
        raised = refined([b.settled(tensor) for tensor in raised], apart)
    slots = _slots(raised, apart)
    ordered = [b.ordered(tensor, [_at(tensor, slot, apart) for slot in slots]) for tensor in raised]
    axes = tuple(max((each.axes[i] for each in ordered), key=len) for i in range(len(slots)))
    dims = []
    for dim in range(rank):
        owns = [tensor.dims[dim] for tensor in raised]
        with_batch = any(b.batch in own for own in owns)
        if with_batch and any(own and b.batch not in own for own in owns):
            raise NotSayable("a tensor that differs from sample to sample by its place in the batch")
        # The factors that the result's axes hold, which may be another tensor's
        holders = [own for own in owns if any(factor is not b.batch for factor in own)]
        held = next((own for own in holders if all(any(f in axis for axis in axes) for f in _own(own, b))), None)
        if held is None and holders:
            raise NotSayable("axes that each tensor repeats in part")
        dims.append((*((b.batch,) if with_batch else ()), *(_own(held, b) if held else ())))
    return Met(
        ordered, axes, tuple(dims), next((i for i, slot in enumerate(slots) if slot and slot[0][0] == apart), None)
    )


def _told_apart(tensors: Sequence[Traced]) -> list[Traced]:
    """The tensors, of which no two have a factor in different places, as the two of `x[:, None] - x[None]` have."""
    places: dict[Factor, FactorPlace] = {}
    found = []
    for tensor in tensors:
        own = {factor: (dim, i) for dim in range(tensor.rank) for i, factor in enumerate(tensor.own(dim))}
        if any(places.setdefault(factor, place) != place for factor, place in own.items()):
            for factor in own:
                tensor = tensor.split(factor, (Factor(factor.sizes),))
        found.append(tensor)
    return found


def _own(axis: Axis, b: GraphBuilder) -> Axis:
    return tuple(factor for factor in axis if factor is not b.batch)


def _at(tensor: Traced, slot: Sequence[FactorPlace], apart: int | None) -> Axis:
    """The factors of a tensor at places; none where it has one cell."""
    found: list[Factor] = []
    for dim, i in slot:
        own = tensor.own(dim)
        if dim == apart:
            found += own
        elif own:
            found.append(own[i])
    return tuple(found)


def _slots(tensors: Sequence[Traced], apart: int | None) -> list[list[FactorPlace]]:
    """The places that each axis of the result holds, in the order of the tensor that has most."""
    lead = max(tensors, key=lambda each: sum(len(each.own(dim)) for dim in range(each.rank)))
    places = {factor: (dim, i) for dim in range(lead.rank) for i, factor in enumerate(lead.own(dim))}

    def present(place: FactorPlace) -> tuple[bool, ...]:
        return tuple(bool(tensor.own(place[0])) for tensor in tensors)

    slots: list[list[FactorPlace]] = []
    for axis in lead.axes:
        parts: list[list[FactorPlace]] = []
        for place in dict.fromkeys((dim, 0) if dim == apart else (dim, i) for dim, i in map(places.__getitem__, axis)):
            together = parts and present(parts[-1][-1]) == present(place) and apart not in (place[0], parts[-1][-1][0])
            if together:
                parts[-1].append(place)
            else:
                parts.append([place])
        slots += parts or [[]]
    missing = [
        dim
        for dim in range(lead.rank)
        if not lead.own(dim) and (dim == apart or any(each.own(dim) for each in tensors))
    ]
    for dim in missing:
        most = max(len(each.own(dim)) for each in tensors)
        new = [(dim, i) for i in range(1 if dim == apart else most)]
        if [] in slots:
            slots[slots.index([])] = new
        else:
            slots.insert(0, new)
    return slots


def refined(tensors: Sequence[Traced], apart: int | None = None) -> list[Traced]:
    """The tensors with the same factors in every dimension in which they have more than one cell."""
    found = list(tensors)
    for dim in range(found[0].rank):
        at = 0
        while dim != apart:
            heads = [(i, own[at]) for i, tensor in enumerate(found) if (own := tensor.own(dim)) and len(own) > at]
            if not heads:
                break
            if len(heads) < sum(bool(tensor.own(dim)) for tensor in found):
                raise NotSayable("axes whose sizes do not meet")
            least = min((head for _, head in heads), key=lambda head: head.sizes)
            for i, head in heads:
                if head.sizes == least.sizes:
                    continue
                if any(n % k for n, k in zip(head.sizes, least.sizes, strict=True)):
                    raise NotSayable("axes whose parts lie across one another")
                rest = Factor(tuple(n // k for n, k in zip(head.sizes, least.sizes, strict=True)))
                found[i] = found[i].split(head, (Factor(least.sizes), rest))
            at += 1
    return found
