"""Rows: windows of stride 1 one after the other, and which cells of the tensor where the row begins one output reads.

The cells are kept exactly, as places relative to the output's own: a window moves and unites them, a merge unites those
of its branches. A row begins at an input, and after any layer that is not a window of stride 1; branches that began at
different tensors cannot be compared, and what they read together is not known. Borders are left out: the output is one
in the middle of an endless image.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import NamedTuple

from planner.geometry import AxisMap, Link
from planner.plan import Plan, Step, Tensor
from planner.regions import covers

MOST_NAMED = 4
"""Layers of a row that a message can name."""
WIDEST = 1 << 14
"""Wider fields are not followed: their holes have been filled by then, or never will be."""
MOST_BOXES = 16
"""Sets of places that are in more parts than this are not followed."""

PlaceBits = int
"""Places along an axis, as bits: bit i is the i-th place from the lowest one."""
PlaceBox = tuple[PlaceBits, ...]
"""All places that are among those of every axis."""


class Taps(NamedTuple):
    """The places that one output reads, relative to the output's own place: a union of boxes that may overlap.

    low  for each axis, where bit 0 lies
    """

    boxes: tuple[PlaceBox, ...]
    low: tuple[int, ...]

    @classmethod
    def own(cls, rank: int) -> Taps:
        """The taps of an output that reads its own place alone."""
        return cls(((1,) * rank,), (0,) * rank)

    def along(self, axis: int) -> PlaceBits:
        """The places along one axis at which anything is read."""
        return reduce(or_, [box[axis] for box in self.boxes])

    @property
    def rank(self) -> int:
        return len(self.low)

    @property
    def holes(self) -> bool:
        """Whether, along an axis, a place is not read that lies between places that are."""
        return any(has_holes(self.along(axis)) for axis in range(self.rank))

    @property
    def widest(self) -> int:
        return max([box[axis].bit_length() for box in self.boxes for axis in range(self.rank)], default=0)

    @property
    def read(self) -> int:
        """The number of places that are read."""
        return _count(self.boxes)

    @property
    def spanned(self) -> int:
        """The number of places from the first to the last that is read, over all axes."""
        return math.prod(self.along(axis).bit_length() for axis in range(self.rank))

    def through(self, steps: Sequence[_Taken]) -> Taps:
        """The taps of a layer after these taps; `steps` has what the layer takes along each axis."""
        boxes = [
            tuple(reduce(or_, [cells << tap for tap in step.taps]) for cells, step in zip(box, steps, strict=True))
            for box in self.boxes
        ]
        return Taps(tuple(boxes), tuple(low + step.low for low, step in zip(self.low, steps, strict=True)))


def union(several: Sequence[Taps]) -> Taps | None:
    """The places read on any of several branches; None where there would be too many boxes."""
    low = tuple(map(min, zip(*[taps.low for taps in several], strict=True)))
    boxes: list[PlaceBox] = []
    for taps in several:
        for box in taps.boxes:
            moved = tuple(cells << own - least for cells, own, least in zip(box, taps.low, low, strict=True))
            if not any(covers(other, moved) for other in boxes):
                boxes = [other for other in boxes if not covers(moved, other)] + [moved]
    return Taps(tuple(boxes), low) if len(boxes) <= MOST_BOXES else None


def has_holes(places: PlaceBits) -> bool:
    return places.bit_count() < places.bit_length()


def _count(boxes: tuple[PlaceBox, ...]) -> int:
    """The number of places that boxes cover together, counted line by line where there are several boxes."""
    if len(boxes) == 1:
        return math.prod(cells.bit_count() for cells in boxes[0])
    if len(boxes[0]) == 1:
        return reduce(or_, [cells for (cells,) in boxes]).bit_count()
    known: dict[tuple[PlaceBox, ...], int] = {}
    total = 0
    for line in range(max(box[0].bit_length() for box in boxes)):
        here = tuple(box[1:] for box in boxes if box[0] >> line & 1)
        if here:
            if here not in known:
                known[here] = _count(here)
            total += known[here]
    return total


class _Taken(NamedTuple):
    """What a layer takes along one axis: its first tap relative to the output's own place, its taps from there on, and
    the distance of neighbouring windows.
    """

    low: int
    taps: range
    stride: int


_KEPT = _Taken(0, range(1), 1)


@dataclass(frozen=True, slots=True)
class WindowRow:
    """Windows of stride 1 in a row, up to some tensor.

    origin  the tensor at which it begins
    taps    what one output reads of that tensor; None where the row is followed no further
    count   how many dilated layers stand one after the other in it
    first   the first few of them
    last    the last of them
    """

    origin: Tensor
    taps: Taps | None
    count: int = 0
    first: tuple[int, ...] = ()
    last: int = -1


def rows(plan: Plan) -> list[list[WindowRow | None]]:
    """The row that ends at each output of each step; None for a tensor that no input reaches."""
    return _followed(plan)[0]


def gridded(plan: Plan) -> Iterator[tuple[WindowRow, Taps]]:
    """The rows of two or more dilated layers whose taps have holes at the end of the row."""
    said: set[tuple[int, Taps]] = set()
    for row in _followed(plan)[1].values():
        if row.taps and (row.last, row.taps) not in said:
            said.add((row.last, row.taps))
            yield row, row.taps


def _followed(plan: Plan) -> tuple[list[list[WindowRow | None]], dict[Tensor, WindowRow]]:
    """The rows of all tensors, and the rows with holes that end at a tensor."""
    found: list[list[WindowRow | None]] = []
    ends: dict[Tensor, WindowRow] = {}
    for i, step in enumerate(plan.steps):
        here = [_row(i, o, step, found, ends) for o in range(len(step.outputs))]
        found.append(here)
        for o, row in enumerate(here):
            if row and row.taps and row.count > 1 and row.taps.holes:
                ends[Tensor(i, o)] = row
            if row and row.taps and row.taps.widest > WIDEST:
                here[o] = WindowRow(row.origin, None)
    return found, ends


def _row(
    i: int, output: int, step: Step, rows: list[list[WindowRow | None]], ends: dict[Tensor, WindowRow]
) -> WindowRow | None:
    """The row of one output of a step; None for what no input reaches. Rows that continue, or whose continuation is not
    known, are taken from the `ends`.
    """
    begun = WindowRow(Tensor(i, output), Taps.own(len(step.outputs[output].spatial)))
    if step.is_input:
        return begun
    feeding = [
        (ref, row, link, x.spatial)
        for ref, link, x in zip(step.sources, step.links[output], step.inputs, strict=True)
        if not link.empty and (row := rows[ref.step][ref.output]) is not None
    ]
    moving = [each for each in feeding if len(feeding) == 1 or not _sees_all(each[2], each[3])]
    if not feeding:
        return None
    found = [_continued(i, row, link, sizes) for _, row, link, sizes in moving]
    alone = len(moving) == 1
    if not alone or (found[0] is not None and (found[0][1] or not _holes(found[0][0]))):
        for ref, *_ in moving:
            ends.pop(ref, None)
    joined = [row for row, goes_on in filter(None, found) if goes_on]
    if len(joined) < len(moving) or not joined or len({(row.origin) for row in joined}) > 1:
        return begun
    longest = max(joined, key=lambda row: (row.count, row.last))
    known = [row.taps for row in joined if row.taps is not None]
    taps = union(known) if len(known) == len(joined) else None
    return WindowRow(longest.origin, taps, longest.count, longest.first, longest.last)


def _holes(row: WindowRow) -> bool:
    return row.taps is not None and row.taps.holes


def _continued(i: int, row: WindowRow, link: Link, sizes: tuple[int, ...]) -> tuple[WindowRow, bool] | None:
    """The row with step i added, and whether it goes on after step i, which it does not after a stride; None where
    the row ends before step i.
    """
    if link.keeps:
        return row, True
    if link.onto is not None or (row.taps is not None and len(link.axes) != row.taps.rank):
        return None
    taken = [_taken(along, n) for along, n in zip(link.axes, sizes, strict=True)]
    windows = [each for each in taken if each is not None]
    if len(windows) < len(taken):
        return None
    taps = row.taps.through(windows) if row.taps is not None else None
    goes_on = all(each.stride == 1 for each in windows)
    if not any(each.taps.step > 1 for each in windows):
        return WindowRow(row.origin, taps, row.count, row.first, row.last), goes_on
    first = row.first if row.count >= MOST_NAMED else (*row.first, i)
    return WindowRow(row.origin, taps, row.count + 1, first, i), goes_on


def _taken(along: AxisMap, n: int) -> _Taken | None:
    """What a map takes along an axis of n cells, if every output cell takes the same; None where they differ."""
    if along.keeps:
        return _KEPT
    span = along.span(n) if along.period(n) == 1 else None
    if span is None or span.period > 1 or span.stride < 1:
        return None
    first, last = span.at(0)
    taps = range(0, last - first + 1, span.step)
    return _Taken(first, taps, int(span.stride)) if taps else None


def _sees_all(link: Link, sizes: tuple[int, ...]) -> bool:
    """Whether every output cell reads a whole input, as with a gate worked out by global pooling."""
    return all(
        not along.keeps and along.period(n) == 1 and along.span(n) is None
        for along, n in zip(link.axes, sizes, strict=True)
    )
