"""The outcome of a sweep: the rows of a question, which of them keep the limits, and which no other one beats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from planner.points.front import Objective, ParetoFront
from planner.points.limits import Limits
from planner.points.question import Question
from planner.points.row import SweepRow
from planner.points.series import ShapeSeries

MOST_ERRORS = 3


@dataclass(frozen=True)
class SweepOutcome:
    """The rows of a question, which are read anew whenever they are gone through: there may be millions.

    stored  all rows, in the order of their points
    aims    what the front is about, where it is asked for
    """

    question: Question
    stored: Callable[[], Iterator[SweepRow]]
    limits: Limits = field(default_factory=Limits)
    aims: Sequence[Objective] = ()

    @property
    def rows(self) -> Iterator[SweepRow]:
        """The rows that keep the limits."""
        return (row for row in self.stored() if not self.limits.broken(row))

    @cached_property
    def tally(self) -> Counter[str]:
        """How many rows are `kept`, and of these `failed`, `losing` and `unknown` to keep the limits; `left out` in
        all, and by limit.
        """
        found: Counter[str] = Counter()
        for row in self.stored():
            broken = self.limits.broken(row)
            found.update(broken)
            found["left out" if broken else "kept"] += 1
            if not broken:
                found["failed"] += bool(row.error)
                found["losing"] += bool(row.loses) and not row.error
                found["unknown"] += self.limits.unknown(row)
        return found

    @cached_property
    def errors(self) -> list[str]:
        """The first few different errors."""
        found: dict[str, None] = {}
        for row in self.rows:
            if row.error:
                found[row.error] = None
            if len(found) == MOST_ERRORS:
                break
        return list(found)

    @cached_property
    def inputs(self) -> list[str]:
        """The names of the model's inputs."""
        return list(next((row.inputs for row in self.stored() if row.inputs), {}))

    def asked_of(self, input: str) -> ShapeSeries | None:
        """The shapes that are asked for an input; None where it has the model's own."""
        return self.question.inputs.get(input, self.question.inputs.get(""))

    @property
    def each_input(self) -> bool:
        """Whether there is a front for each size of the inputs: where parameters vary too, and it is not said what the
        front is about. A larger input costs more and gives no parameters, so that in one front the smallest wins.
        """
        question = self.question
        return not self.aims and all(
            any(series.count > 1 for series in some.values()) for some in (question.params, question.inputs)
        )

    @cached_property
    def axes(self) -> tuple[Objective, Objective]:
        """What the front is about: by default the fewest multiply-adds for the most of what varies with them, which is
        parameters, or where only the input does, its cells that are read.
        """
        if self.aims:
            x, y = self.aims
            return x, y
        varied = any(series.count > 1 for series in self.question.params.values())
        sized = any(series.count > 1 for series in self.question.inputs.values())
        names = [*(["params"] if varied or not sized else []), *(["read", "cells"] if not (varied and sized) else [])]
        seen: dict[str, set[int | None]] = {name: set() for name in (*names, "activations")}
        for row in self.rows:
            for name, values in seen.items():
                if not row.error and len(values) < 2:
                    values.add(row.measure(name))
        varies = next((name for name, values in seen.items() if len(values) > 1), names[0])
        return Objective("macs"), Objective(varies, most=varies != "activations")

    @cached_property
    def fronts(self) -> list[list[int]]:
        """The numbers of the points on the Pareto front, in the order of its first measure; or on that of each size of
        the inputs.
        """
        found: dict[object, ParetoFront] = {}
        for row in self.rows:
            key = tuple(row.inputs.values()) if self.each_input else None
            found.setdefault(key, ParetoFront(*self.axes)).add(row)
        return [points for front in found.values() if (points := front.points)]

    @property
    def front(self) -> list[int]:
        """The numbers of all points on a front."""
        return [point for points in self.fronts for point in points]
