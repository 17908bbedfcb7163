"""What masks hide from attention, where that follows from constants alone.

A key is hidden from a query where the mask holds −∞, whatever the weights: nothing of it is read. From the constants
that hold −∞ this is followed through layers that only move values, and through sums. Of all else it is not known that
it hides anything, and what may be hidden counts as read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Protocol

from planner.cells import Cells, all_cells, bits
from planner.geometry import AxisMap, Link, Pieces, Shape
from planner.layers._layer import Facts, Layer
from planner.regions import NOTHING, CellBox, Region, everything, union

Hidden = Region
"""The cells of a tensor that hold −∞, as far as they are known."""

MOST_BOXES = 1 << 12
"""The most boxes of hidden cells that are followed, and queries that are told apart."""


class Answered(Protocol):
    """A step of a plan, whose layer has answered."""

    inputs: tuple[Shape, ...]
    facts: Facts | None
    hidden: Hidden

    @property
    def sources(self) -> Sequence[tuple[int, int]]: ...


def masked(step: Answered, layer: Layer, steps: Sequence[Answered]) -> tuple[Facts, Hidden]:
    """What a layer answers, given what the sources of its step hide; and what its first output hides."""
    assert step.facts is not None
    masks = [NOTHING if output else steps[at].hidden for at, output in step.sources]
    if layer.masks and len(masks) > 3 and masks[3]:
        return _seeing(step.facts, step.inputs, masks[3]), NOTHING
    return step.facts, _hidden(layer, step.facts, step.inputs, masks)


def _hidden(layer: Layer, facts: Facts, inputs: Sequence[Shape], masks: Sequence[Hidden]) -> Hidden:
    if not any(masks):
        return layer.hides
    if not (layer.adds or (len(inputs) == 1 and layer.moves(facts, inputs[0]))):
        return NOTHING
    y = facts.outputs[0]
    found = [
        box for link, mask, x in zip(facts.links[0], masks, inputs, strict=True) for box in _image(link, mask, x, y)
    ]
    if len(found) > MOST_BOXES:
        return NOTHING
    return union(found) if sum(map(bool, masks)) > 1 else tuple(found)


@lru_cache(maxsize=64)
def _image(link: Link, region: Region, x: Shape, y: Shape) -> Region:
    """The cells of an output y that hold what a region of an input x holds, through a link that only moves values."""
    return tuple(box for box in _boxes(link, region, x, y) if all(box))


def _boxes(link: Link, region: Region, x: Shape, y: Shape) -> Iterator[CellBox]:
    if link.keeps:
        yield from region
    elif link.pieces is not None:
        back = Pieces(link.pieces.sizes, link.pieces.outs, link.pieces.ins)
        yield from (each for box in region for each in back.read(box))
    elif not link.parts and max(y) <= MOST_BOXES:
        maps, landing = (*link.axes, link.channels), (*link.landing, len(y) - 1)
        for box in region:
            cells: list[Cells] = [*map(all_cells, y)]
            folded = True
            for along, to, own, n in zip(maps, landing, box, x, strict=True):
                if to is None:
                    folded = folded and bool(_moved(along, own, n, 1))
                else:
                    cells[to] &= _moved(along, own, n, y[to])
            if folded:
                yield tuple(cells)


@lru_cache(maxsize=4096)
def _moved(along: AxisMap, cells: Cells, n: int, m: int) -> Cells:
    """The cells, of m output cells, that read some of n cells of an axis, and only such as are in a set."""
    if along.keeps:
        return cells
    found: Cells = 0
    for i in range(m):
        read = along.reads(1 << i, n)
        if read and not read & ~cells:
            found |= 1 << i
    return found


def _seeing(facts: Facts, inputs: Sequence[Shape], mask: Hidden) -> Facts:
    """What attention answers whose fourth input is a mask that holds −∞ in a region: query, key and value are the first
    three.
    """
    query, key, shape = inputs[0], inputs[1], inputs[3]
    along = _seen(mask, shape, query[-2], key[-2])
    if along is None:
        return facts
    of_query, *others, of_mask = facts.links[0]
    seen = (replace(link, axes=(*link.axes[:-1], along)) for link in others)
    return facts._replace(links=((of_query, *seen, of_mask),))


@lru_cache(maxsize=64)
def _seen(mask: Hidden, shape: Shape, queries: int, keys: int) -> AxisMap | None:
    """Which keys each query sees; None where all see all. A key counts as hidden if it is in all heads; where a query
    sees none, what comes out is no number, and all count as seen.
    """
    from planner.geometry import Listed, Prefix

    if max(queries, keys) > MOST_BOXES:
        return None
    seen: list[Cells] = [all_cells(keys)] * queries
    before = everything(shape)[0][:-2]
    for box in mask:
        if len(shape) > 1 and box[:-2] != before:
            continue
        repeated = len(shape) < 2 or shape[-2] == 1
        for i in range(queries) if repeated else bits(box[-2]):
            seen[i] &= ~(box[-1] if shape[-1] == keys else all_cells(keys))
    rows = tuple(row or all_cells(keys) for row in seen)
    if all(row == all_cells(keys) for row in rows):
        return None
    if all(row == all_cells(min(i + 1, keys)) for i, row in enumerate(rows)):
        return Prefix() if queries == keys else Prefix(queries)
    return Listed(rows)
