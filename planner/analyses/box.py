"""Boxes of sizes: a set of sizes for each of several axes, with every combination of the members; a box may repeat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_

from planner.analyses.residues import NO_SIZE, Residues, union


@dataclass(frozen=True, slots=True)
class SizeBox:
    """The sizes of several axes, where every combination of the sets' members goes together.

    step  by how much each set moves for the next such box, and so on for ever; nothing where there is one box only. A
          set that moves is finite.
    """

    sets: tuple[Residues, ...]
    step: tuple[int, ...] = ()

    def __contains__(self, sizes: object) -> bool:
        assert isinstance(sizes, Sequence)
        return any(
            all(n - k * by in each for n, each, by in zip(sizes, self.sets, self.steps, strict=True))
            for k in self._places(sizes)
        )

    @property
    def steps(self) -> tuple[int, ...]:
        return self.step or (0,) * len(self.sets)

    def at(self, k: int) -> tuple[Residues, ...]:
        """The sets of the k-th repetition of the box, from 0 on."""
        return tuple(moved(each, k * by) for each, by in zip(self.sets, self.steps, strict=True))

    def along(self, axis: int) -> Residues:
        """The sizes of one axis that go with some sizes of the others."""
        return _repeated(self.sets[axis], self.steps[axis])

    @property
    def equal(self) -> Residues:
        """The sizes that all axes may have at the same time."""
        if not all(self.sets):
            return NO_SIZE
        pairs = list(zip(self.sets, self.steps, strict=True))
        still = [each for each, by in pairs if not by]
        moving = [(each, by) for each, by in pairs if by]
        steps = {by for _, by in moving}
        if not moving:
            return reduce(and_, still)
        if len(steps) == 1:
            return reduce(and_, still, _repeated(reduce(and_, [each for each, _ in moving]), *steps))
        slow, fast = min(moving, key=lambda each: each[1]), max(moving, key=lambda each: each[1])
        last = (max(slow[0].also) - min(fast[0].also)) // (fast[1] - slow[1])  # in later boxes no size is in both sets
        return union([reduce(and_, self.at(k)) for k in range(last + 1)])

    def _places(self, sizes: Sequence[int]) -> Iterator[int]:
        """The numbers of the repetitions that may hold these sizes, read off the first set that moves."""
        at = next((i for i, by in enumerate(self.steps) if by), None)
        if at is None:
            yield 0
            return
        for n in self.sets[at].also:
            k, rest = divmod(sizes[at] - n, self.step[at])
            if k >= 0 and not rest:
                yield k


def moved(sizes: Residues, by: int) -> Residues:
    """A finite set with `by` added to all sizes; with `by` 0, any set as it is."""
    return Residues(1, 1, (), tuple([n + by for n in sizes.also])) if by else sizes


def _repeated(sizes: Residues, by: int) -> Residues:
    """The union of a set with all that it becomes when `by` is added again and again."""
    if not by:
        return sizes
    return union([Residues(n, by, (n % by,)) for n in sizes.also]) if sizes else NO_SIZE
