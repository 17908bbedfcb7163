"""A measurement: the planner's figure, the yardstick's, and the ratio that is promised."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import process_time


@dataclass(frozen=True, slots=True)
class Measurement:
    """Two figures in one unit; `ours / yardstick` is promised to be at most `target`."""

    what: str
    ours: float
    against: str
    yardstick: float
    target: float
    unit: str = "s"

    @property
    def ratio(self) -> float:
        return self.ours / self.yardstick

    @property
    def verdict(self) -> str:
        return "met" if self.ratio <= self.target else f"missed by {self.ratio / self.target - 1:.0%}"


def seconds(run: Callable[[], object], clock: Callable[[], float] = process_time) -> float:
    """How long one call takes: of this process's own time, which is the same on a busy machine.

    Rubbish of earlier calls is not counted against it.
    """
    gc.collect()
    start = clock()
    run()
    return clock() - start


def race(rounds: int, *runs: Callable[[], object], clock: Callable[[], float] = process_time) -> list[float]:
    """The median time of each, by turns so that a busy machine slows all of them alike; the first lap only warms up."""
    laps = [[seconds(run, clock) for run in runs] for _ in range(rounds + 1)]
    return [median(times) for times in zip(*laps[1:], strict=True)]
