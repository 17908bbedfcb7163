"""Groups: sizes of several axes that go together, put together from what goes with one size of the first after another.

What goes with a size n of the first axis, its row, is what goes with n − period from some n on, or has moved: where two
axes must be equal, each size of the second by one period. Rows that move the same way again and again are one group.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from planner.analyses.box import SizeBox
from planner.analyses.residues import Residues, divisors, settled


@dataclass(frozen=True, slots=True)
class SizeGroup(SizeBox):
    """A box of sizes that work, with what the coupled steps lose at them.

    lossless, exact  whether coupled steps lose nothing, and have nothing over, at all of them
    """

    lossless: bool = True
    exact: bool = True


SizeGroups = tuple[SizeGroup, ...]
"""The sizes of all other axes that go with one size of an axis."""
SetMove = tuple[int, int]
"""How a set moves: how many of its smallest sizes stay, and by how much the others move."""
GroupMove = tuple[tuple[SetMove, ...], ...]
"""How a row moves, for each of its groups and sets; empty where it stays as it is."""
STAYS: SetMove = (0, 0)


def shift(old: SizeGroups, new: SizeGroups) -> GroupMove | None:
    """How one row moves to become another; None where the other row is no moved copy."""
    if old == new:
        return ()
    if len(old) != len(new):
        return None
    found = [_shift(a, b) for a, b in zip(old, new, strict=True)]
    known = [each for each in found if each is not None]
    return tuple(known) if len(known) == len(found) else None


def _shift(old: SizeGroup, new: SizeGroup) -> tuple[SetMove, ...] | None:
    if (old.step, old.lossless, old.exact) != (new.step, new.lossless, new.exact) or (old.step and old != new):
        return None
    found = [_part(a, b) for a, b in zip(old.sets, new.sets, strict=True)]
    known = [each for each in found if each is not None]
    return tuple(known) if len(known) == len(found) else None


def _part(old: Residues, new: Residues) -> SetMove | None:
    if old == new:
        return STAYS
    a, b = old.also, new.also
    if old.residues or new.residues or len(a) != len(b):
        return None
    for staying in range(len(a)):
        by = b[staying] - a[staying]
        if by > 0 and [n + by for n in a[staying:]] == [*b[staying:]]:
            return staying, by
        if not by:
            continue
        break
    return None


def shorter(rows: Sequence[SizeGroups], period: int) -> int:
    """The shortest period with which the rows repeat or move, given a longer period that is known."""
    for each in divisors(period):
        moves = [shift(rows[i - each], rows[i]) for i in range(len(rows) - period, len(rows))]
        if None not in moves and moves[each:] == moves[:-each]:
            return each
    return period


def assembled(rows: Sequence[SizeGroups], period: int) -> Iterator[SizeGroup]:
    """The groups over one more axis, given the rows that go with its sizes 1, 2, …; from some row on these repeat or
    move with `period`.
    """
    end = len(rows)
    tail = [shift(rows[i - period], rows[i]) or () for i in range(end - period, end)]
    steady = end - period + 1

    def move(n: int) -> GroupMove:
        return tail[(n - 1 - (end - period)) % period]

    while any(tail) and steady > 1 and shift(rows[steady - 2], rows[steady + period - 2]) == move(steady - 1):
        steady -= 1
    starts = range(steady, min(steady + period, end - period + 2)) if any(tail) else [steady]
    found = [_Assembly(rows, period, steady, start, [move(n) for n in range(1, end + 1)]).groups() for start in starts]
    yield from min(found, key=len)


@dataclass
class _Assembly:
    """Rows that repeat or move from `steady` on, being put together into groups; rows that move are described by their
    motion from `start` on.
    """

    rows: Sequence[SizeGroups]
    period: int
    steady: int
    start: int
    moves: Sequence[GroupMove]
    still: defaultdict[SizeGroup, set[int]] = field(default_factory=lambda: defaultdict(set))
    moving: defaultdict[SizeGroup, set[int]] = field(default_factory=lambda: defaultdict(set))

    def groups(self) -> list[SizeGroup]:
        for n in range(1, len(self.rows) + 1):
            for i, group in enumerate(self.rows[n - 1]):
                move = self.moves[n - 1]
                if n < self.steady or not move:
                    self.still[group].add(n)
                    continue
                for part, moves in _parts(group, move[i]):
                    if not moves:
                        self.still[part].add(n)
                    elif n < self.start:
                        self.still[SizeGroup(part.sets, (), part.lossless, part.exact)].add(n)
                    elif n < self.start + self.period:
                        self.moving[part].add(n)
        return [
            SizeGroup(
                (self.repeating(sizes), *each.sets), (0, *each.step) if each.step else (), each.lossless, each.exact
            )
            for each, sizes in self.still.items()
        ] + [
            SizeGroup((_finite(sizes), *each.sets), (self.period, *each.step), each.lossless, each.exact)
            for each, sizes in self.moving.items()
        ]

    def repeating(self, sizes: set[int]) -> Residues:
        last = len(self.rows) - self.period + 1
        return settled([n in sizes for n in range(1, len(self.rows) + 1)], last, self.period)


def _parts(group: SizeGroup, move: tuple[SetMove, ...]) -> Iterator[tuple[SizeGroup, bool]]:
    """A group cut into parts that stay and parts that move; the bool says which moves."""
    sides = []
    for each, (staying, by) in zip(group.sets, move, strict=True):
        if not by:
            sides.append([(each, 0)])
            continue
        parts = [(_finite(each.also[:staying]), 0), (_finite(each.also[staying:]), by)]
        sides.append([part for part in parts if part[0]])
    for several in product(*sides):
        sets, steps = zip(*several, strict=True)
        yield SizeGroup(sets, steps if any(steps) else group.step, group.lossless, group.exact), any(steps)


def _finite(sizes: Sequence[int] | set[int]) -> Residues:
    return Residues(1, 1, (), tuple(sorted(sizes)))
