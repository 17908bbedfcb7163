"""Walk: a model planned at one size of an axis after another, until all that happens is known to repeat.

Along one axis, every length in a network is a step function F of the input's n, and from some n on it repeats:
F(n + P) = F(n) + Q, where P is a common multiple of what the strides ask for. Windows, pads, crops and resampling keep
this so: behind a stride s that divides Q it is Q/s. Hence a verdict on n holds for n + P too, as soon as every map on
the way is regular (`AxisMap.settles`), no two lengths that are compared are still to cross, and every step works or
fails as it does far out. Up to there, every n is tried.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from planner.analyses.far import Far
from planner.analyses.line import Line, NotPeriodic, SizeRead, lengths
from planner.analyses.replanning import Replanned
from planner.analyses.residues import Residues, settled

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

    skipped  sizes that were not tried, since all is there as it is one period before
    """

    line: Line
    far: Far
    steady: int
    verdicts: list[Verdict]
    skipped: list[range] = field(default_factory=list)

    @property
    def period(self) -> int:
        return self.far.period

    @cached_property
    def failing(self) -> frozenset[int]:
        """The steps that fail at some size."""
        return frozenset[int]().union(*{each.failing for each in self.verdicts})

    @property
    def works(self) -> Residues:
        return settled([each.works for each in self.verdicts], self.steady, self.period)


OTHER_AXES = "a tensor has another number of axes at other sizes"
HIDDEN = Verdict(frozenset(), frozenset((-1,)))
"""The verdict where a line has no plan."""


def walk(line: Line, varying: set[SizeRead] | None = None) -> Walk:
    """Try the sizes of a line one after the other until a whole period has gone by in which all is as it is far out;
    while two sizes are still to cross, whole periods are passed over in which they do not.

    varying  the sizes of tensors that are not the same all along are put into it
    Raises NotPeriodic where that does not happen.
    """
    far = Far(line)
    hopeless = f"no period of {far.period:,} was complete within the first {MOST_TRIED:,} sizes"
    last_ones = far.period if far.following else 1  # what arguments follow may be as far out at some remainders alone
    if not all(far.agrees(line.plan(n), n) for n in range(MOST_TRIED, MOST_TRIED - last_ones, -1)):
        raise NotPeriodic(hopeless)
    verdicts: list[Verdict] = []
    alike: dict[Verdict, Verdict] = {}
    first: dict[SizeRead, int] = {}
    if varying is not None:
        varying |= {size for size, rate in far.growth.items() if rate}
    last: Replanned | None = None
    calm = 0
    waits: list[int] = []
    skipped: list[range] = []
    while calm < far.period:
        n = len(verdicts) + 1
        if n > MOST_TRIED:
            raise NotPeriodic(hopeless)
        plan = line.plan(n)
        if plan is not None and far.reshapes(plan):
            raise NotPeriodic(OTHER_AXES)
        if plan is None or plan is not last:
            found = _verdict(plan)
            found = alike.setdefault(found, found)
        if varying is not None and plan is not None and plan is not last:
            for size, length in lengths(line, plan).items():
                if first.setdefault(size, length) != length:
                    varying.add(size)
        verdicts.append(found)
        last = plan
        calm = calm + 1 if far.agrees(plan, n) else 0
        waits.append(0 if calm else far.waits(plan, n))
        periods = min(*waits[-far.period :], (MOST_TRIED - n) // far.period) if n >= far.period else 0
        if periods > 0:
            verdicts += verdicts[-far.period :] * periods
            skipped.append(range(n + 1, len(verdicts) + 1))
            waits += [0] * (len(verdicts) - n)
            last = None
    return Walk(line, far, len(verdicts) - far.period + 1, verdicts, skipped)


def _verdict(plan: Replanned | None) -> Verdict:
    if plan is None:
        return HIDDEN
    unplanned = plan.absent - plan.failing
    if not plan.absent and not plan.outputs:
        unplanned = HIDDEN.unplanned  # the output does not exist at this size
    return Verdict(plan.failing, unplanned)
