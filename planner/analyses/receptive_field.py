"""Receptive fields: which stretch of each input a cell of each step sees, as exact numbers.

A cell sees from its lowest to its highest input cell. A convolution moves that stretch by the same number of cells for
every cell; after a transposed convolution or an upsampling the cells of one period differ, and the spans keep them all.
Fields are those of a cell in the middle of an endless image; near a border, part of the field lies outside.

Sources: A. Araujo, W. Norris, J. Sim, "Computing receptive fields of convolutional neural networks", Distill 2019, for
chains and branches of convolutions; spans carry the same recurrence through layers whose stride is a fraction.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache, partial
from typing import NamedTuple

from planner.analyses.pieces import Parted, joined
from planner.analyses.recall import Recall
from planner.analyses.spans import LONGEST_PERIOD, WHOLE, AxisSpan, enclosing, spanned
from planner.cells import Cells, lowest
from planner.geometry import AxisMap, Link, Ramp, Shape, Span
from planner.plan import Plan, Step


class AxisField(NamedTuple):
    """The stretch of one axis of one input that the cells of a tensor see.

    onto    the tensor's own axis along which the stretch moves; None where the axis was folded away, or lies in pieces
            on several axes
    wide    the union over all paths
    narrow  the path that sees least
    length  the length of the input's axis
    parted  where it lies in pieces, how
    """

    onto: int | None
    wide: AxisSpan
    narrow: AxisSpan
    length: int
    parted: Parted | None = None

    @property
    def size(self) -> int | None:
        """Cells of the widest stretch, borders aside; it may be larger than the input."""
        return self.length if self.wide == WHOLE else None if self.wide is None else self.wide.size

    @property
    def min_size(self) -> int | None:
        return self.length if self.narrow == WHOLE else None if self.narrow is None else self.narrow.size

    @property
    def local(self) -> Span | None:
        """The stretch that moves with the cell: the union of all paths or, where some path sees the whole axis (a gate
        worked out by global pooling) or cells all over it (attention on a grid), the narrowest path.
        """
        narrow = self.narrow if isinstance(self.narrow, Span) else None
        if isinstance(self.wide, Span):
            return self.wide if self.wide.stride or narrow is None else narrow
        return narrow if self.wide == WHOLE else None

    @property
    def stride(self) -> Fraction | None:
        """The distance of neighbouring cells' stretches, in input cells; None where the stretch does not move."""
        return self.local.stride if self.local else None

    @property
    def centre(self) -> Fraction | None:
        """The position of the middle of cell 0 on the input, in cells; the middle of the first input cell is 0."""
        return self.local.centre if self.local else None

    @property
    def outgrows(self) -> bool:
        """Whether some cell would see past both ends of the input at once."""
        return self.size is not None and self.size > self.length


Fields = dict[int, tuple[AxisField, ...]]
"""What one tensor sees of each input, by the number of the input's step: one field for each of the input's spatial
axes."""


def receptive_fields(plan: Plan, recall: Recall | None = None) -> list[tuple[Fields, ...]]:
    """The receptive fields of every output of every step, by input; empty for a step that is not planned. Equal ones
    are one object, so that copies of a block whose inputs see the same are gone through once.
    """
    recall = recall or Recall()
    found: list[tuple[Fields, ...]] = []
    start = Span(Ramp((0,), 1), Ramp((0,), 1))
    for i, step in enumerate(plan.steps):
        if step.facts is None:
            found.append(())
        elif step.is_input:
            sizes = step.outputs[0].spatial
            own = {i: tuple([AxisField(axis, start, start, n) for axis, n in enumerate(sizes)])}
            found.append((recall.alike(own),))
        elif hands_on(step):
            at, output = step.sources[0]
            found.append((found[at][output],) * len(step.links))
        else:
            sources = [found[ref.step][ref.output] for ref in step.sources]
            work = partial(_all_through, step, sources, recall)
            found.append(recall.answer("fields", (step.facts, *sources), work))
    return found


def hands_on(step: Step) -> bool:
    """Whether every cell of a step's outputs reads the cell of its own place of the step's only source alone."""
    return len(step.sources) == 1 and all([links[0].keeps_places for links in step.links])


def fields_of_sources(fields: list[tuple[Fields, ...]], step: Step) -> list[Fields]:
    """The receptive fields of the branches that meet at a step, as they arrive there: the step's own map of each branch
    is included. A source that only lends its size sees nothing.
    """
    return [
        _arriving(fields[ref.step][ref.output], link, x, step.outputs[0])
        for ref, link, x in zip(step.sources, step.links[0], step.inputs, strict=True)
    ]


def _all_through(step: Step, sources: list[Fields], recall: Recall) -> tuple[Fields, ...]:
    return tuple(map(recall.alike, _through(step, sources)))


def _through(step: Step, sources: list[Fields]) -> Iterator[Fields]:
    """The receptive fields of every output of a step, given those of its sources; where nothing moves, the same
    objects.
    """
    for links, y in zip(step.links, step.outputs, strict=True):
        found: Fields = {}
        for link, x, fields in zip(links, step.inputs, sources, strict=True):
            found = _together(found, _arriving(fields, link, x, y), y)
        yield found


def _together(a: Fields, b: Fields, y: Shape) -> Fields:
    """The receptive fields of a tensor y to which two paths lead."""
    if a is b or not b:
        return a
    if not a:
        return b
    found = {**a, **b}
    for source in a.keys() & b.keys():
        if a[source] != b[source]:
            found[source] = tuple([_joined(*pair, y) for pair in zip(a[source], b[source], strict=True)])
    return found


def _arriving(fields: Fields, link: Link, x: Shape, y: Shape) -> Fields:
    """The receptive fields of a tensor x as an output y sees them through a link."""
    if link.empty:
        return {}
    if link.keeps_places:
        return fields
    return {source: tuple([_moved(each, link, x, y) for each in axes]) for source, axes in fields.items()}


def _moved(field: AxisField, link: Link, x: Shape, y: Shape) -> AxisField:
    """A receptive field seen through a link."""
    if link.pieces is not None:
        parted = field.parted
        if parted is None and field.onto is not None and link.landing[field.onto] is not None and x[field.onto] > 1:
            parted = Parted.whole(field.onto, x[field.onto], field.wide, field.narrow)
        if parted is not None:
            return _of_parted(parted.through(link.pieces), field, y)
    elif field.parted is not None:
        moved = field.parted.along(link, x, y)
        if moved is not None or field.onto is None:
            return _of_parted(moved, field, y)
    return _moved_along(field, link, x)


def _of_parted(parted: Parted | None, field: AxisField, y: Shape) -> AxisField:
    """The receptive field of a tensor y in which the axis lies in pieces; where these cannot be followed, what is seen
    is not known.
    """
    if parted is None:
        known = WHOLE if field.wide == WHOLE else None
        return AxisField(None, known, None, field.length)
    onto = parted.axis
    if onto is None:
        return AxisField(None, parted.wide.span, parted.narrow.span, field.length, parted)
    if onto < 0:  # no piece is left
        return AxisField(None, parted.wide.span, parted.narrow.span, field.length)
    plain = parted.places == ((onto, 1, y[onto]),)
    return AxisField(onto, *parted.on_axis(y[onto]), field.length, None if plain else parted)


def _moved_along(field: AxisField, link: Link, x: Shape) -> AxisField:
    """A receptive field seen through one axis map."""
    if field.onto is None or field.onto >= len(link.axes):
        return field
    axis, to, n = link.axes[field.onto], link.landing[field.onto], x[field.onto]
    if to is None:
        seen = axis.reads(1, n)
        wide, narrow = _folded(field.wide, seen), _folded(field.narrow, seen)
    else:
        wide = _composed(field.wide, axis, n)
        narrow = wide if field.narrow == field.wide else _composed(field.narrow, axis, n)
    return AxisField(to, wide, narrow, field.length)


def _folded(span: AxisSpan, cells: Cells) -> AxisSpan:
    """The stretch that several cells see together, as one stretch that does not move."""
    if not isinstance(span, Span) or not cells:
        return span
    low, high = _seen(span, range(lowest(cells), cells.bit_length()), span.plain)
    return Span(Ramp((low,), 0), Ramp((high,), 0))


@lru_cache(maxsize=1 << 14)
def _composed(span: AxisSpan, axis: AxisMap, n: int) -> AxisSpan:
    """The span of a layer's output cells, given `span`, that of its n input cells."""
    if not isinstance(span, Span) or axis.keeps:
        return span
    if axis.period(n) > LONGEST_PERIOD:
        return None
    inner = axis.span(n)
    if inner is None:
        return WHOLE
    turns = span.period // math.gcd(inner.advance, span.period)
    period = inner.period * turns
    if period > LONGEST_PERIOD:
        return None
    read = [range(inner.low(o), inner.high(o) + 1, inner.step) for o in range(period)]
    plain = span.plain
    return spanned([_seen(span, cells, plain) for cells in read], span.stride * inner.advance * turns)


def _seen(span: Span, cells: range, plain: bool) -> tuple[int, int]:
    """The first and the last input cell that some cells of a tensor see together; the last is one less than the first
    where they see nothing. In a `plain` span the first and the last of the cells decide.
    """
    if plain and cells:
        return span.low(cells[0]), span.high(cells[-1])
    # From period to period the stretches only move up, so the first and the last period decide.
    ends = {*cells[: span.period], *cells[-span.period :]}
    stretches = [(low, high) for low, high in map(span.at, sorted(ends)) if low <= high]
    if not stretches:
        nowhere = span.low(cells.start)
        return nowhere, nowhere - 1
    return enclosing(stretches)


def _joined(a: AxisField, b: AxisField, y: Shape) -> AxisField:
    """The receptive field of a cell of a tensor y to which two paths lead."""
    if (a.parted or b.parted) and (a.onto is None or a.onto != b.onto or (a.parted and b.parted)):
        pair = [each.parted or _whole(each, y) for each in (a, b)]
        both = joined(pair[0], pair[1], _union, _least) if pair[0] and pair[1] else None
        if both is not None or a.onto is None or a.onto != b.onto:
            return _of_parted(both, a if a.wide == WHOLE else b, y)
    if a.onto != b.onto:
        return AxisField(None, WHOLE if WHOLE in (a.wide, b.wide) else None, None, a.length)
    return AxisField(a.onto, _union(a.wide, b.wide), _least(a.narrow, b.narrow), a.length)


def _whole(field: AxisField, y: Shape) -> Parted | None:
    """A field on an axis that is not parted, as if it were in one piece."""
    return None if field.onto is None else Parted.whole(field.onto, y[field.onto], field.wide, field.narrow)


def _least(a: AxisSpan, b: AxisSpan) -> AxisSpan:
    """The narrower of two stretches; a stretch is narrower than the whole axis, even where it outgrows the input."""
    if a is None or b is None:
        return None
    if not isinstance(a, Span) or not isinstance(b, Span):
        return a if isinstance(a, Span) else b
    return a if a.size <= b.size else b


@lru_cache(maxsize=1 << 14)
def _union(a: AxisSpan, b: AxisSpan) -> AxisSpan:
    if a == WHOLE or b == WHOLE:
        return WHOLE
    if not isinstance(a, Span) or not isinstance(b, Span) or a.stride != b.stride:
        return None
    period = math.lcm(a.period, b.period)
    if period > LONGEST_PERIOD:
        return None
    pairs = [[each for each in (a.at(i), b.at(i)) if each[0] <= each[1]] or [a.at(i)] for i in range(period)]
    return spanned([enclosing(pair) for pair in pairs], a.stride * period)
