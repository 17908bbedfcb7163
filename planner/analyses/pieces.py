"""Pieces of an axis: fields of tensors that have an axis of an input parted, as windows and the cells in them.

The cells of the axis are told by numbers, of which each piece is a digit: row 16 of windows of 7 rows is row 2 of
window 2. A stretch is that of a number. Along the first digit the axis goes on without end, as all axes do in fields;
the others have the size that they have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from math import prod
from operator import mul
from typing import NamedTuple

from planner.analyses.spans import LONGEST_PERIOD, WHOLE, AxisSpan, gathered
from planner.geometry import Digit, Link, Pieces, Shape, bits

Values = Sequence[int]


class SeenValues(NamedTuple):
    """Which values of a digit are seen.

    rows  for each value of the digit, or once for all of them
    gone  whether the digit is no longer there
    """

    rows: Sequence[Values]
    gone: bool = False

    def of(self, value: int) -> Values:
        return self.rows[value if len(self.rows) > 1 else 0]

    def is_whole(self, size: int) -> bool:
        return all(len(row) == size for row in self.rows)


class PartedSpan(NamedTuple):
    """What the numbers see, and whether the first digit goes on without end."""

    span: AxisSpan
    endless: bool = True

    def gathered(self, sizes: Values, new: Values, seen: Iterable[Values], *, endless: bool) -> PartedSpan:
        """The stretch of new numbers with digits of `new` sizes.

        seen  for each new number, of which the first digit is 0 where it goes on without end, the old ones that it sees
        """
        advance, period = (prod(sizes[1:]), prod(new[1:])) if endless else (0, prod(new))
        return PartedSpan(gathered(self.span, period, advance, seen), endless)


class Parted(NamedTuple):
    """The stretch of an axis of an input that the cells of a tensor see, by where the axis's pieces lie in the tensor.

    places  of the digits, the first one changes most slowly
    wide    over all paths together
    narrow  on the path that sees least
    """

    places: tuple[Digit, ...]
    wide: PartedSpan
    narrow: PartedSpan

    @classmethod
    def whole(cls, axis: int, n: int, wide: AxisSpan, narrow: AxisSpan) -> Parted:
        """An axis of n cells that is not parted."""
        return cls((Digit(axis, 1, n),), PartedSpan(wide), PartedSpan(narrow))

    @property
    def sizes(self) -> Values:
        return tuple(place.size for place in self.places)

    @property
    def axis(self) -> int | None:
        """The only axis on which pieces lie; None where they lie on several."""
        axes = {place.axis for place in self.places}
        return axes.pop() if len(axes) == 1 else None

    def through(self, pieces: Pieces) -> Parted | None:
        """What is seen behind axes that are parted and joined; None where the pieces lie across one another. What goes
        to the channels is seen by all cells.
        """
        found: list[Digit] = []
        for place in self.places:
            begun = len(found)
            for piece in pieces.ins[place.axis]:
                own = pieces.before[piece]
                low, high = max(place.inner, own.inner), min(place.inner * place.size, own.inner * own.size)
                if high > low:
                    if low % place.inner or low % own.inner or high % low:
                        return None
                    to = pieces.behind[piece]
                    found.append(Digit(to.axis, to.inner * (low // own.inner), high // low))
            if prod(each.size for each in found[begun:]) != place.size:
                return None
        channels = len(pieces.outs) - 1
        sights = [SeenValues([range(place.size)], gone=True) if place.axis == channels else None for place in found]
        refined = Parted(tuple(found), self.wide, self.narrow)
        return refined._seeing(sights, found)._merged() if found else None

    def along(self, link: Link, x: Shape, y: Shape) -> Parted | None:
        """What is seen behind a layer that leaves axes whole; None where it changes an axis of several pieces."""
        sights: list[SeenValues | None] = []
        places: list[Digit] = []
        for place in self.places:
            axis, to, n = link.axes[place.axis], link.landing[place.axis], x[place.axis]
            sight: SeenValues | None = None
            if to is None:
                cells = axis.reads(1, n)
                seen = [cell // place.inner % place.size for cell in bits(cells)] if cells.bit_count() == 1 else ()
                sight = SeenValues([seen or range(place.size)], gone=True)
            elif not axis.keeps and axis.period(n) == 1 and axis.span(n) is None:
                sight = SeenValues([range(place.size)], gone=y[to] != n)
            elif not axis.keeps:
                if place != (place.axis, 1, n) or y[to] != n or place is self.places[0] or n > LONGEST_PERIOD:
                    return None
                sight = SeenValues([bits(axis.reads(1 << cell, n)) for cell in range(n)])
            sights.append(sight)
            places.append(place if to is None else place._replace(axis=to))
        return self._seeing(sights, places)._merged()

    def _seeing(self, sights: Sequence[SeenValues | None], places: Sequence[Digit]) -> Parted:
        """What is seen where digits see several values, or have gone."""
        gone = [sight is not None and sight.gone for sight in sights]
        kept = tuple(place for place, away in zip(places, gone, strict=True) if not away)
        sizes = self.sizes
        if all(sight is None for sight in sights):
            return Parted(kept, self.wide, self.narrow)
        if all(sight is not None and sight.is_whole(n) for sight, n in zip(sights, sizes, strict=True)):
            whole = [PartedSpan(each.span and WHOLE) for each in (self.wide, self.narrow)]
            return Parted(kept or (Digit(-1, 1, 1),), *whole)
        if prod(max(map(len, sight.rows)) for sight in sights if sight is not None) > LONGEST_PERIOD:
            return Parted(kept, PartedSpan(None), PartedSpan(None))
        new = [1 if away else n for away, n in zip(gone, sizes, strict=True)]
        inners = _inners(sizes)

        def seen(first: int) -> Iterator[Values]:
            for digits in product(range(first), *map(range, new[1:])):
                rows = [[d] if sight is None else sight.of(d) for d, sight in zip(digits, sights, strict=True)]
                yield [sum(map(mul, each, inners)) for each in product(*rows)]

        def found(each: PartedSpan) -> PartedSpan:
            endless = each.endless and sights[0] is None
            return each.gathered(sizes, new, seen(1 if endless else new[0]), endless=endless)

        wide = found(self.wide)
        return Parted(kept, wide, wide if self.narrow == self.wide else found(self.narrow))

    def _merged(self) -> Parted:
        """What is seen, with as few digits as there may be."""
        found: list[Digit] = []
        for place in self.places:
            before = found[-1] if found else None
            if before is not None and before.axis == place.axis and before.inner == place.inner * place.size:
                found[-1] = Digit(place.axis, place.inner, before.size * place.size)
            elif place.size > 1 or len(self.places) == 1:
                found.append(place)
        return Parted(tuple(found) or self.places[:1], self.wide, self.narrow)

    def on_axis(self, n: int) -> tuple[AxisSpan, AxisSpan]:
        """What the cells of the only axis see, which has n cells: over all paths, and on the narrowest one."""
        first = self.places[0]
        if self.places == ((first.axis, 1, n),):
            return self.wide.span, self.narrow.span
        first_runs_slowest = first.inner * first.size == n
        period = max(place.inner * place.size for place in self.places)

        def found(each: PartedSpan) -> AxisSpan:
            endless = each.endless and first_runs_slowest
            new = (first.size, first.inner) if endless else (period,)
            return self._renumbered(each, new, self.places, endless=endless).span

        wide = found(self.wide)
        return wide, wide if self.narrow == self.wide else found(self.narrow)

    def _renumbered(self, stretch: PartedSpan, new: Values, places: Sequence[Digit], *, endless: bool) -> PartedSpan:
        """A stretch told by other numbers, with digits of `new` sizes; `places` are those of the old digits in them."""
        inners = _inners(self.sizes)
        numbers = range(prod(new[1:]) if endless else prod(new))
        seen = (
            [sum([i // place.inner % place.size * inner for place, inner in zip(places, inners, strict=True)])]
            for i in numbers
        )
        return stretch.gathered(self.sizes, new, seen, endless=endless)

    def with_places(self, places: tuple[Digit, ...]) -> Parted | None:
        """What is seen, with more digits whose values do not matter; None where an own digit is not among them."""
        if self.places == places:
            return self
        if not set(self.places) <= set(places):
            return None
        new = [place.size for place in places]
        digits = [Digit(0, inner, n) for inner, n in zip(_inners(new), new, strict=True)]
        own = [digits[places.index(place)] for place in self.places]

        def found(each: PartedSpan) -> PartedSpan:
            endless = each.endless and self.places[0] == places[0]
            return self._renumbered(each, new, own, endless=endless)

        wide = found(self.wide)
        return Parted(places, wide, wide if self.narrow == self.wide else found(self.narrow))

    def bounded(self, stretch: PartedSpan) -> AxisSpan:
        """A stretch whose first digit has the size that it has."""
        if not stretch.endless:
            return stretch.span
        seen = ([number] for number in range(prod(self.sizes)))
        return stretch.gathered(self.sizes, self.sizes, seen, endless=False).span


def joined(
    a: Parted,
    b: Parted,
    union: Callable[[AxisSpan, AxisSpan], AxisSpan],
    least: Callable[[AxisSpan, AxisSpan], AxisSpan],
) -> Parted | None:
    """What is seen on two paths that lead to a tensor; None where the pieces lie otherwise."""
    places = max(a.places, b.places, key=len)
    one, other = a.with_places(places), b.with_places(places)
    if one is None or other is None:
        return None
    endless = one.wide.endless and other.wide.endless
    pair = (one.wide.span, other.wide.span) if endless else (one.bounded(one.wide), other.bounded(other.wide))
    narrowest = least(one.narrow.span, other.narrow.span)
    narrow = one.narrow if narrowest is one.narrow.span else other.narrow
    if narrowest is None:
        narrow = PartedSpan(None)
    return Parted(places, PartedSpan(union(*pair), endless), narrow)


def _inners(sizes: Values) -> Values:
    """By how much a number grows with each of its digits, which have these sizes."""
    return [prod(sizes[at + 1 :]) for at in range(len(sizes))]
