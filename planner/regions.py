"""Sets of cells of a whole tensor, kept exactly.

A region is a union of boxes; a box is one set of cells for each axis, channels last, and holds their product. The boxes
of a region are disjoint, and their form is canonical: the first axis is divided into classes of cells behind which the
rest of the region is the same, and so on inwards. There are never more boxes than cells on the axes before the last,
and rarely more than a few.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod

from planner.cells import Cells, TooManyRuns, all_cells
from planner.geometry import Link, Shape

CellBox = tuple[Cells, ...]
Region = tuple[CellBox, ...]

NOTHING: Region = ()
FEW = 8
"""Up to this many boxes, every pair is compared."""


def everything(shape: Shape) -> Region:
    return (tuple(map(all_cells, shape)),)


def count(region: Region) -> int:
    """The number of elements in a region."""
    return sum(prod(cells.bit_count() for cells in box) for box in region)


def union(boxes: Iterable[CellBox]) -> Region:
    """The region that boxes cover together; they may overlap."""
    boxes = tuple(boxes)
    if len(boxes) == 1:
        return boxes if all(boxes[0]) else NOTHING
    kept = _without_covered(boxes if len(boxes) <= FEW else _joined(boxes))
    return kept if len(kept) < 2 else tuple(_canonical(kept))


def _joined(boxes: Region) -> Region:
    """The same boxes, where boxes that differ on one axis alone are joined, axis by axis."""
    for axis in range(len(boxes[0])):
        alike: dict[CellBox, Cells] = {}
        for box in boxes:
            others = box[:axis] + box[axis + 1 :]
            alike[others] = alike.get(others, 0) | box[axis]
        boxes = tuple([(*others[:axis], cells, *others[axis:]) for others, cells in alike.items()])
    return boxes


def _without_covered(boxes: Iterable[CellBox]) -> Region:
    """The boxes that are neither empty nor wholly within another box; mostly a single box is left."""
    kept: list[CellBox] = []
    for box in boxes:
        if all(box) and not any(covers(other, box) for other in kept):
            kept = [other for other in kept if not covers(box, other)]
            kept.append(box)
    return tuple(kept)


def covers(outer: CellBox, inner: CellBox) -> bool:
    """Whether a box holds all cells of another one."""
    return all(not cells & ~around for cells, around in zip(inner, outer, strict=True))


def _canonical(boxes: Iterable[CellBox]) -> Iterator[CellBox]:
    """The canonical form of a region: the first axis is cut at the boxes' edges, the rest is united piece by piece, and
    equal pieces are joined.
    """
    boxes = tuple(boxes)
    if len(boxes[0]) == 1:
        together: Cells = 0
        for (cells,) in boxes:
            together |= cells
        yield (together,)
        return
    alike: dict[tuple[CellBox, ...], Cells] = {}
    for piece in _pieces({box[0] for box in boxes}):
        behind = tuple(_canonical({box[1:] for box in boxes if box[0] & piece}))
        alike[behind] = alike.get(behind, 0) | piece
    for behind, cells in alike.items():
        for rest in behind:
            yield (cells, *rest)


def _pieces(sets: Iterable[Cells]) -> list[Cells]:
    """The finest disjoint pieces into which overlapping sets cut one another."""
    pieces: list[Cells] = []
    for cells in sets:
        cut: list[Cells] = []
        for piece in pieces:
            cut += [part for part in (piece & cells, piece & ~cells) if part]
            cells &= ~piece
        pieces = [*cut, cells] if cells else cut
    return pieces


def read_through(link: Link, region: Region, x: Shape) -> Iterator[CellBox]:
    """The boxes of an input of shape x that a region of an output reads through a link."""
    if link.keeps:
        yield from region
        return
    if link.pieces is not None:
        try:
            yield from [each for box in region for each in link.pieces.read(box)]
            return
        except TooManyRuns:  # what is read at most is known
            pass
    for each in link.parts or (link,):
        for box in region:
            spatial = [
                axis.reads(1 if to is None else box[to], n)
                for axis, to, n in zip(each.axes, each.landing, x.spatial, strict=True)
            ]
            yield (*spatial, each.channels.reads(box[-1], x.channels))


def positions(region: Region) -> Region:
    """The spatial positions at which a region holds any channel; for a vector, one box of no axes, or nothing."""
    boxes = {box[:-1] for box in region}
    return tuple(boxes) if boxes == {()} else union(boxes)


def channels(region: Region) -> Cells:
    """The channels that a region holds at any position."""
    together: Cells = 0
    for box in region:
        together |= box[-1]
    return together
