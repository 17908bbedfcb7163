"""Nets: the cells of one axis of several tensors in rows, and a line from each cell to those that it reads.

A cell stands where the middle of what it sees lies on the input, so that rows show their stride and their shift.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import planner
from planner.geometry import bits
from planner.plan import Step
from planner.report import Report

from ._svg import CELL, FAINT, PASSED, cell, line, text

MODELS = Path(__file__).parents[1] / "models"
DROP = 66
"""From the top of one row to that of the next, in pixels."""
EDGES = {
    "cell": "#5b8db8",
    "lost": "#e0a49d",
    "plain": PASSED,
    "other": "#c98a1b",
    "both": "#7a5ea8",
    "once": "#5b8db8",
    "twice": "#2f6f9f",
}
"""The colour of the lines of a cell."""


def planned(name: str, **options: Any) -> Report:
    """The report on a model of `docs/models/`."""
    return planner.check(MODELS / f"{name}.yaml", **options)


def step_of(report: Report, name: str) -> tuple[int, Step]:
    return next((i, step) for i, step in enumerate(report.plan.steps) if step.name == name)


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a tensor along its first axis; `places` are their middles in cells of the input."""

    step: Step
    places: tuple[Fraction, ...]

    @classmethod
    def of(cls, report: Report, name: str) -> Row:
        number, step = step_of(report, name)
        (field,) = (axes[0] for axes in report.fields[number][0].values())
        assert field.centre is not None
        assert field.stride is not None
        return cls(step, tuple(field.centre + i * field.stride for i in range(step.outputs[0][0])))

    def reads(self, i: int) -> list[int]:
        """Which cells of its source a cell reads."""
        return bits(self.step.links[0][0].axes[0].reads(1 << i, self.step.inputs[0][0]))


@dataclass(frozen=True, slots=True)
class Net:
    """Where rows are drawn: the input's cell 0 has its middle at x = `left`, and the first row is at y = `top`."""

    left: float
    top: float
    rows: tuple[Row, ...]
    drop: float = DROP
    unit: float = CELL
    """From one cell of the input to the next, in pixels."""

    def x(self, place: Fraction) -> float:
        return self.left + float(place) * self.unit

    def y(self, row: int) -> float:
        """The top of a row; with a negative `drop`, each stands above the one before."""
        return self.top + row * self.drop

    def draw(
        self,
        look: Callable[[int, int], str],
        notes: Mapping[int, str] | None = None,
        labels: Callable[[int, int], str] = lambda row, i: str(i),
    ) -> Iterator[str]:
        """Lines below, cells above; `look(row, cell)` is what a cell looks like, and `notes` stand below a row's
        name.
        """
        for below in (True, False):
            for r in range(1, len(self.rows)):
                for i, place in enumerate(self.rows[r].places):
                    kind = look(r, i)
                    if (kind in ("plain", "lost")) == below:
                        yield from self._lines(r, place, self.rows[r].reads(i), EDGES[kind])
        for r, row in enumerate(self.rows):
            y = self.y(r)
            yield text(row.step.name, 20, y + 12, 13)
            yield text((notes or {}).get(r, row.step.type if r else ""), 20, y + 27, 11, FAINT)
            for i, place in enumerate(row.places):
                yield from cell(look(r, i), self.x(place) - CELL / 2, y, labels(r, i))

    def _lines(self, r: int, place: Fraction, read: Collection[int], colour: str) -> Iterator[str]:
        places = self.rows[r - 1].places
        start, end = self.y(r - 1), self.y(r)
        start, end = (start + CELL - 2, end) if start < end else (start, end + CELL - 2)
        for j in read:
            yield line(self.x(places[j]), start, self.x(place), end, colour)


def traced(rows: tuple[Row, ...], start: Collection[int]) -> list[set[int]]:
    """For every row, which of its cells some cells of the last row read, row by row upwards."""
    seen = [set(start)]
    for row in reversed(rows[1:]):
        seen.append({j for i in seen[-1] for j in row.reads(i)})
    return seen[::-1]
