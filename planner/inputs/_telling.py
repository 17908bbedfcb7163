"""Which of several pieces of arithmetic a number follows: sizes of the inputs at which these differ, so that a run of
the network tells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from itertools import product
from random import Random
from typing import TYPE_CHECKING

from planner.inputs._candidates import Follows, candidates
from planner.inputs._following import Longer, Values, Varied

if TYPE_CHECKING:
    from planner.inputs._graph import GraphNode

FROM, TO = 1, 1000
"""Sizes of each axis over which pieces of arithmetic are compared."""
PAIRS = 600
"""Sizes of all axes at once over which they are compared, too."""

COARSE = 32
"""Products of strides of which networks take multiples alone."""
AT_ONCE = 12
"""Doubts about a number that are looked at before the next runs."""


class Telling:
    """Looks for what numbers follow from, and keeps where the pieces of arithmetic differ that may be meant.

    doubts  for each pair of these, the sizes at which they differ
    """

    def __init__(self, inputs: Mapping[str, GraphNode], varied: Mapping[str, Varied]) -> None:
        self.inputs = {name: [each[0] for each in step.shapes] for name, step in inputs.items()}
        self.varied = varied
        self.doubts: list[list[Longer]] = []
        self._predicted: dict[Values, list[int | Fraction] | None] = {}
        self._seen: set[tuple[object, ...]] = set()

    @cached_property
    def _axes(self) -> dict[str, tuple[int, Values]]:
        """The axes of the inputs whose sizes are other ones in some runs, each with its place."""
        return {
            f"${name}.{i}": (at, tuple(shape[i] for shape in shapes))
            for name, shapes in self.inputs.items()
            for i, at in enumerate(self.varied[name])
            if at is not None and len({shape[i] for shape in shapes}) > 1
        }

    @cached_property
    def places(self) -> list[Longer]:
        """The sizes over which pieces of arithmetic are compared: each axis by itself from the first run's on, and all
        at once.
        """
        first: dict[int, int] = {}
        for i, sizes in self._axes.values():
            first[i] = min(first.get(i, sizes[0]), sizes[0])
        rank = max(first, default=-1) + 1
        found = [
            tuple(n - first[i] if i == axis else 0 for i in range(rank)) for axis in first for n in range(FROM, TO + 1)
        ]
        draw = Random(0)
        found += [
            tuple(draw.randint(FROM, TO) - first[i] if i in first else 0 for i in range(rank)) for _ in range(PAIRS)
        ]
        return sorted(found, key=_distance)

    def arithmetic(self, values: Values, sizes: Mapping[str, Values]) -> str | None:
        """The simplest arithmetic over sizes that has these values in all runs; None where there is none."""
        found = candidates(values, sizes)
        if not found:
            return None
        before = len(self.doubts)
        for other in found[1:]:
            self._compare(found[0], other, sizes)
            if len(self.doubts) - before == AT_ONCE:  # runs that tell these tell others, too
                break
        return found[0].text

    def _compare(self, first: Follows, other: Follows, sizes: Mapping[str, Values]) -> None:
        """Keep where two pieces of arithmetic differ."""
        key = (first.text, other.text, *(sizes[name] for name in (*first.names, *other.names)))
        if key in self._seen:
            return
        self._seen.add(key)
        known = {name: self._at_places(sizes[name]) for name in {*first.names, *other.names}}
        if not all(known.values()):
            if differs(first, other):
                self.doubts.append(self.places)
            return
        a, b = (map(each.value, *(known[name] or [] for name in each.names)) for each in (first, other))
        apart = [place for place, n, m in zip(self.places, a, b, strict=True) if n != m]
        if apart:
            self.doubts.append(apart)

    def _at_places(self, values: Values) -> list[int | Fraction] | None:
        """A size in the network at all places that are compared; None where it is not known how it follows."""
        if values not in self._predicted:
            found = candidates(values, {name: own for name, (_, own) in self._axes.items()})
            self._predicted[values] = [*self._worked_out(found[0])] if found else None
            for other in found[1:]:
                self._compare(found[0], other, {name: own for name, (_, own) in self._axes.items()})
        return self._predicted[values]

    def _worked_out(self, found: Follows) -> Iterator[int | Fraction]:
        axes = [self._axes[name] for name in found.names]
        for place in self.places:
            yield found.value(*(own[0] + place[i] for i, own in axes))


def differs(first: Follows, other: Follows) -> bool:
    """Whether two pieces of arithmetic differ somewhere, whatever follows from what."""
    if first.names != other.names:
        return True
    steps = range(FROM, TO + 1) if len(first.names) == 1 else range(FROM, TO + 1, 37)
    return any(first.value(*sizes) != other.value(*sizes) for sizes in product(steps, repeat=len(first.names)))


def told_apart(doubts: Sequence[Sequence[Longer]], tried: set[Longer], *, coarse: bool) -> list[Longer]:
    """A few sizes that were not tried, which tell each doubt that any of them tells.

    coarse  whether such sizes come first that a network takes which takes none but multiples of a stride
    """
    left = [{*each} - tried for each in doubts]
    if coarse:
        left = [{place for place in each if not any(n % COARSE for n in place)} or each for each in left]
    chosen: list[Longer] = []
    while left := [each for each in left if each]:
        counts = Counter(place for each in left for place in each)
        best = max(counts.values())
        chosen.append(min((each for each, count in counts.items() if count == best), key=_distance))
        left = [each for each in left if chosen[-1] not in each]
    return chosen


def _distance(place: Longer) -> tuple[int, Longer]:
    """How far a size is from that of the first run."""
    return sum(map(abs, place)), place
