"""Limits: which rows of a sweep are left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from planner.points.row import SweepRow


@dataclass(frozen=True, slots=True)
class Limits:
    """What a row must keep to be told. What is not known breaks no limit, and a row with an error breaks none.

    most, least  by the names of measures
    lossless     no cell may be dropped that nothing reads
    """

    most: Mapping[str, int] = field(default_factory=dict)
    least: Mapping[str, int] = field(default_factory=dict)
    lossless: bool = False

    def broken(self, row: SweepRow) -> tuple[str, ...]:
        """The limits that a row breaks, by the names of their options: `max-macs`."""
        if row.error:
            return ()
        numbers = {name: row.measure(name) for name in (*self.most, *self.least)}
        found = [f"max-{name}" for name, most in self.most.items() if (numbers[name] or 0) > most]
        found += [f"min-{n}" for n, least in self.least.items() if numbers[n] is not None and numbers[n] < least]
        return (*found, "lossless") if self.lossless and row.loses else (*found,)

    def unknown(self, row: SweepRow) -> bool:
        """Whether it is not known of a row if it keeps the limits."""
        return not row.error and any(row.measure(name) is None for name in (*self.most, *self.least))
