"""Receptive fields: which stretch of each input a cell of each step sees, as exact numbers.

A cell sees from its lowest to its highest input cell. A convolution moves that stretch by the same number of cells for every
cell; behind a transposed convolution or an upsampling the cells of one period differ, and the spans keep them all. Fields are
those of a cell in the middle of an endless image; near a border, part of the field lies outside.

Sources: A. Araujo, W. Norris, J. Sim, "Computing receptive fields of convolutional neural networks", Distill 2019, for chains and
branches of convolutions; spans carry the same recurrence through layers whose stride is a fraction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from planner.geometry import AxisMap, Ramp, Span
from planner.plan import Plan, Step

LONGEST_PERIOD = 4096
"""Spans with a longer period are not followed."""

WHOLE: Literal["whole"] = "whole"
"""The span of a cell that sees the whole axis, wherever it lies: behind attention, or a gate worked out by global pooling."""

AxisSpan = Span | Literal["whole"] | None
"""None where no single number holds: behind branches of different strides."""


@dataclass(frozen=True, slots=True)
class AxisField:
    """What the cells of a tensor see of one axis of one input.

    onto    the tensor's own axis along which the stretch moves; None where the axis was folded away
    wide    the union over all paths
    narrow  the path that sees least
    length  the length of the input's axis
    """

    onto: int | None
    wide: AxisSpan
    narrow: AxisSpan
    length: int

    @property
    def size(self) -> int | None:
        """Cells of the widest stretch, borders aside; it may be larger than the input."""
        return self.length if self.wide == WHOLE else None if self.wide is None else self.wide.size

    @property
    def min_size(self) -> int | None:
        return self.length if self.narrow == WHOLE else None if self.narrow is None else self.narrow.size

    @property
    def local(self) -> Span | None:
        """The stretch that moves with the cell: the union of all paths or, where one of them sees the whole axis (a gate worked
        out by global pooling), the narrowest path."""
        if isinstance(self.wide, Span):
            return self.wide
        return self.narrow if self.wide == WHOLE and isinstance(self.narrow, Span) else None

    @property
    def stride(self) -> Fraction | None:
        """Input cells between neighbouring cells; None where the stretch does not move."""
        return self.local.stride if self.local else None

    @property
    def centre(self) -> Fraction | None:
        """Where on the input the middle of cell 0 lies."""
        return self.local.centre if self.local else None

    @property
    def outgrows(self) -> bool:
        """Whether a cell would see past both ends of the input at once."""
        return self.size is not None and self.size > self.length


Fields = dict[int, tuple[AxisField, ...]]
"""What one tensor sees of each input, by the number of the input's step: one field for each of the input's spatial axes."""


def receptive_fields(plan: Plan) -> list[tuple[Fields, ...]]:
    """For every step and each of its outputs, what it sees of each input; empty for a step that is not planned."""
    found: list[tuple[Fields, ...]] = []
    start = Span(Ramp((0,), 1), Ramp((0,), 1))
    for i, step in enumerate(plan.steps):
        if step.facts is None:
            found.append(())
        elif step.is_input:
            sizes = step.outputs[0].spatial
            found.append(({i: tuple(AxisField(axis, start, start, n) for axis, n in enumerate(sizes))},))
        else:
            found.append(_through(step, [found[ref.step][ref.output or 0] for ref in step.sources]))
    return found


def fields_of_sources(plan: Plan, fields: list[tuple[Fields, ...]], step: Step) -> list[Fields]:
    """What each branch that meets at a step sees, as it arrives there: the step's own map of that branch included."""
    arriving = []
    for i, ref in enumerate(step.sources):
        link, x = step.links[0][i], step.inputs[i]
        before = fields[ref.step][ref.output or 0]
        arriving.append(
            {
                source: tuple(_moved(each, link.axes, link.landing, x) for each in axes)
                for source, axes in before.items()
            }
        )
    return arriving


def _through(step: Step, sources: list[Fields]) -> tuple[Fields, ...]:
    outputs = []
    for links in step.links:
        joined: Fields = {}
        for link, x, fields in zip(links, step.inputs, sources, strict=True):
            plain = link.onto is None and all(axis.keeps for axis in link.axes)
            for source, axes in fields.items():
                moved = axes if plain else tuple(_moved(each, link.axes, link.landing, x) for each in axes)
                known = joined.get(source)
                joined[source] = moved if known is None or known == moved else tuple(map(_joined, known, moved))
        outputs.append(joined)
    return tuple(outputs)


def _moved(
    field: AxisField, axes: tuple[AxisMap, ...], landing: tuple[int | None, ...], x: tuple[int, ...]
) -> AxisField:
    """A field of a tensor x as a layer's output sees it."""
    if field.onto is None or field.onto >= len(axes):
        return field
    axis, to, n = axes[field.onto], landing[field.onto], x[field.onto]
    if to is None:
        seen = axis.reads(1, n)
        ends = ((seen & -seen).bit_length() - 1, seen.bit_length() - 1) if seen else (0, 0)
        wide, narrow = _folded(field.wide, *ends), _folded(field.narrow, *ends)
    else:
        wide = _composed(field.wide, axis, n)
        narrow = wide if field.narrow == field.wide else _composed(field.narrow, axis, n)
    return AxisField(to, wide, narrow, field.length)


def _folded(span: AxisSpan, first: int, last: int) -> AxisSpan:
    """The one stretch that the cells from first to last see together."""
    if not isinstance(span, Span):
        return span
    cells = range(first, last + 1) if not (span.low.rises and span.high.rises) else (first, last)
    return Span(Ramp((min(map(span.low, cells)),), 0), Ramp((max(map(span.high, cells)),), 0))


@lru_cache(maxsize=1 << 14)
def _composed(span: AxisSpan, axis: AxisMap, n: int) -> AxisSpan:
    """The span of a layer's output cells, where `span` is that of its n input cells."""
    if not isinstance(span, Span) or axis.keeps:
        return span
    inner = axis.span(n)
    if inner is None:
        return WHOLE
    advance = inner.low.advance
    turns = span.period // math.gcd(advance, span.period) if advance else 1
    period = inner.period * turns
    if period > LONGEST_PERIOD:
        return None
    lows, highs = [], []
    for o in range(period):
        first, last = inner.low(o), inner.high(o)
        cells = (
            (first, last) if span.low.rises and span.high.rises else range(first, last + 1, inner.step) or (first, last)
        )
        lows.append(min(map(span.low, cells)) if first <= last else span.low(first))
        highs.append(max(map(span.high, cells)) if first <= last else span.high(last))
    moved = int(span.low.slope * advance * turns)
    return Span(Ramp(tuple(lows), moved).reduced(), Ramp(tuple(highs), moved).reduced())


def _joined(a: AxisField, b: AxisField) -> AxisField:
    """The field of a cell to which two paths lead."""
    sizes = [(size, each.narrow) for each in (a, b) if (size := each.min_size) is not None]
    narrow = min(sizes, key=lambda pair: pair[0])[1] if len(sizes) == 2 else None
    onto = a.onto if a.onto == b.onto else None
    return AxisField(onto, _union(a.wide, b.wide), narrow, a.length)


def _union(a: AxisSpan, b: AxisSpan) -> AxisSpan:
    if a == WHOLE or b == WHOLE:
        return WHOLE
    if a is None or b is None or a.stride != b.stride:
        return None
    period = math.lcm(a.period, b.period)
    if period > LONGEST_PERIOD:
        return None
    moved = int(a.stride * period)
    lows = tuple(min(a.low(i), b.low(i)) for i in range(period))
    highs = tuple(max(a.high(i), b.high(i)) for i in range(period))
    return Span(Ramp(lows, moved).reduced(), Ramp(highs, moved).reduced())
