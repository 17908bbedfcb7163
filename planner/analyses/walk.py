"""Walk: a model planned at one size of an axis after another, until all that happens is known to repeat.

Along one axis, every length in a network is a step function F of the input's n, and from some n on it repeats:
F(n + P) = F(n) + Q, where P is a common multiple of what the strides ask for. Windows, pads, crops and resampling keep
this so: behind a stride s that divides Q it is Q/s. Hence a verdict on n holds for n + P too, as soon as every map on
the way is regular (`AxisMap.settles`), no two lengths that are compared are still to cross, and every step works or
fails as it does far out. Up to there, every n is tried.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from planner.analyses.far import Far
from planner.analyses.line import Line, NotPeriodic, Size, fails, lengths
from planner.analyses.residues import Residues, settled
from planner.plan import Plan

MOST_TRIED = 1 << 16
"""Sizes tried before the search is given up."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What happens at one size: which steps fail, and which are not planned because others fail."""

    failing: frozenset[int]
    unplanned: frozenset[int]

    @property
    def works(self) -> bool:
        return not (self.failing or self.unplanned)


@dataclass(eq=False)
class Walk:
    """What happens along a line: a verdict for each size from 1 on, which repeat with `period` from `steady` on.

    varying  the sizes of tensors that are not the same all along
    """

    line: Line
    far: Far
    steady: int
    verdicts: list[Verdict]
    varying: set[Size] = field(default_factory=set)

    @property
    def period(self) -> int:
        return self.far.period

    @property
    def works(self) -> Residues:
        return settled([each.works for each in self.verdicts], self.steady, self.period)


HIDDEN = Verdict(frozenset(), frozenset((-1,)))
"""The verdict where a line has no plan."""


def walk(line: Line) -> Walk:
    """Try the sizes of a line one after the other until a whole period has gone by in which all is as it is far out.

    Raises NotPeriodic where that does not happen.
    """
    far = Far(line)
    hopeless = f"no period of {far.period:,} was complete within the first {MOST_TRIED:,} sizes"
    if not far.agrees(line.plan(MOST_TRIED), MOST_TRIED):
        raise NotPeriodic(hopeless)
    verdicts: list[Verdict] = []
    alike: dict[Verdict, Verdict] = {}
    first: dict[Size, int] = {}
    varying = {size for size, rate in far.growth.items() if rate}
    last: Plan | None = None
    calm = 0
    while calm < far.period:
        n = len(verdicts) + 1
        if n > MOST_TRIED:
            raise NotPeriodic(hopeless)
        plan = line.plan(n)
        if plan is None or plan is not last:
            found = _verdict(line, plan)
            found = alike.setdefault(found, found)
        if plan is not None and plan is not last:
            for size, length in lengths(line, plan).items():
                if first.setdefault(size, length) != length:
                    varying.add(size)
        verdicts.append(found)
        last = plan
        calm = calm + 1 if far.agrees(plan, n) else 0
    return Walk(line, far, len(verdicts) - far.period + 1, verdicts, varying)


def _verdict(line: Line, plan: Plan | None) -> Verdict:
    if plan is None:
        return HIDDEN
    absent = [i for i in line.steps if plan.steps[i].facts is None]
    failing = frozenset([i for i in absent if fails(plan.steps[i])])
    unplanned = frozenset(absent) - failing
    if not absent and not plan.outputs:
        unplanned = HIDDEN.unplanned  # the output does not exist at this size
    return Verdict(failing, unplanned)
