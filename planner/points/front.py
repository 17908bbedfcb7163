"""The Pareto front: the rows that no other one beats in two measures."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import Any

from planner.points.row import SweepRow


@dataclass(frozen=True, slots=True)
class Objective:
    """A measure, or a parameter, of which the least is best, or the most."""

    measure: str
    most: bool = False

    def __str__(self) -> str:
        return f"{'most' if self.most else 'least'}:{self.measure}"

    def of(self, row: SweepRow) -> int | float | None:
        """What a row has of the measure, where that is a number."""
        value = row.measure(self.measure)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def read_aims(text: str) -> tuple[Objective, Objective]:
    """`least:macs,most:params` as two aims. Raises ValueError, which says why, where it is none."""
    aims = []
    for part in map(str.strip, text.split(",")):
        which, _, measure = part.partition(":")
        if which not in ("least", "most") or not measure:
            raise ValueError(f"`{part}` is no aim; write it as least:macs or most:params")
        aims.append(Objective(measure, which == "most"))
    if len(aims) != 2 or aims[0].measure == aims[1].measure:
        raise ValueError("a front has two measures, such as least:macs,most:params")
    return aims[0], aims[1]


@dataclass(slots=True)
class ParetoFront:
    """The rows so far that no other one beats: none is as good in both measures and better in one.

    `_best` has them from the best to the worst in the first measure, so that the second one improves from each to the
    next; rows that are equal in both stand together.
    """

    x: Objective
    y: Objective
    _best: list[tuple[Any, Any, list[int]]] = field(default_factory=list)

    def add(self, row: SweepRow) -> None:
        """Take a row in, and put out those that it beats; one that does not have both numbers is left out."""
        x, y = self.x.of(row), self.y.of(row)
        if row.error or x is None or y is None:
            return
        x, y = -x if self.x.most else x, -y if self.y.most else y
        at = bisect_right(self._best, x, key=lambda each: each[0])
        if at and self._best[at - 1][1] <= y:
            if self._best[at - 1][:2] == (x, y):
                self._best[at - 1][2].append(row.point)
            return
        first = bisect_left(self._best, x, key=lambda each: each[0])
        last = first
        while last < len(self._best) and self._best[last][1] >= y:
            last += 1
        self._best[first:last] = [(x, y, [row.point])]

    @property
    def points(self) -> list[int]:
        """The numbers of the points on the front, from the best to the worst in the first measure."""
        return [point for _, _, points in self._best for point in points]
