"""Alignment: where branches meet, how far apart the places are that they look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from planner.analyses.receptive_field import AxisField, Fields, fields_of_sources
from planner.layers._layer import axis_name
from planner.plan import Plan, Step

MOST_TRACED = 100
"""Findings whose cause is looked for; the search walks back over the whole branch."""


_Place = tuple[Fraction | None, Fraction | None]


@dataclass(frozen=True, slots=True)
class Apart:
    """Two branches that meet at a step and look at different places of one axis of an input.

    first, second   which of the step's sources they are
    strides         their strides in input cells
    centres         where each has the centre of its cell 0, in input cells
    cause           the first step of a branch that moves it off the fork; None where none can be named
    """

    step: Step
    input: str
    axis: str
    first: int
    second: int
    strides: tuple[Fraction, Fraction]
    centres: tuple[Fraction, Fraction]
    cause: str | None

    @property
    def off(self) -> Fraction:
        return abs(self.centres[0] - self.centres[1])

    @property
    def small(self) -> bool:
        """Whether the branches keep step, and are off by no more than half a cell of the grid on which they meet."""
        return self.strides[0] == self.strides[1] and self.off * 2 <= self.strides[0]


def apart(plan: Plan, fields: list[tuple[Fields, ...]]) -> Iterator[list[Apart]]:
    """For every step at which branches meet out of place, the axes on which they do; two branches of many stand for
    all.
    """
    traced = 0
    for i, step in enumerate(plan.steps):
        if len(step.sources) < 2 or step.facts is None:
            continue
        arriving = fields_of_sources(plan, fields, step)
        for a, b in combinations(range(min(len(arriving), 8)), 2):
            found = [
                (source, axis, x, y)
                for source in arriving[a].keys() & arriving[b].keys()
                for axis, (x, y) in enumerate(zip(arriving[a][source], arriving[b][source], strict=True))
                if x.local != y.local and _meet(step, a, b, x, y) and (x.stride, x.centre) != (y.stride, y.centre)
            ]
            if found:
                traced += 1
                yield [
                    Apart(
                        step,
                        plan.steps[source].name,
                        axis_name(axis, len(plan.steps[source].outputs[0].spatial)),
                        a,
                        b,
                        (x.stride or Fraction(0), y.stride or Fraction(0)),
                        (x.centre or Fraction(0), y.centre or Fraction(0)),
                        _cause(plan, fields, i, a, b, source, axis) if traced <= MOST_TRACED else None,
                    )
                    for source, axis, x, y in found
                ]
                break


def _meet(step: Step, a: int, b: int, x: AxisField, y: AxisField) -> bool:
    """Whether two branches lie cell on cell along an axis, and both move over the input."""
    if x.onto is None or x.onto != y.onto or not (x.stride and y.stride):
        return False
    links = (step.links[0][a], step.links[0][b])
    return all(
        any(axis.keeps and to == x.onto for axis, to in zip(link.axes, link.landing, strict=True)) for link in links
    )


def _cause(plan: Plan, fields: list[tuple[Fields, ...]], i: int, a: int, b: int, source: int, axis: int) -> str | None:
    """The first step behind the fork at which a branch no longer looks at the fork's own place."""
    ends = [plan.steps[i].sources[a].step, plan.steps[i].sources[b].step]
    left, right = (_ancestors(plan, end) for end in ends)
    common = left & right
    if not common:
        return None
    fork = max(common)
    at_fork = _place(fields, fork, source, axis)
    strides = {place[0] for end in (*ends, fork) if (place := _place(fields, end, source, axis))}
    for step in sorted((left | right) - common):
        place = _place(fields, step, source, axis)
        if at_fork and place and place[1] != at_fork[1] and place[0] in strides:
            return plan.steps[step].name
    for branch in (left - common, right - common):
        changed = [
            step for step in sorted(branch) if (place := _place(fields, step, source, axis)) and place != at_fork
        ]
        if changed:
            return plan.steps[changed[0]].name
    return None


def _place(fields: list[tuple[Fields, ...]], step: int, source: int, axis: int) -> _Place | None:
    """The stride and the centre of a step's first output."""
    if not fields[step] or source not in fields[step][0]:
        return None
    field = fields[step][0][source][axis]
    return field.stride, field.centre


def _ancestors(plan: Plan, step: int) -> set[int]:
    found, waiting = {step}, [step]
    while waiting:
        for ref in plan.steps[waiting.pop()].sources:
            if ref.step not in found:
                found.add(ref.step)
                waiting.append(ref.step)
    return found
