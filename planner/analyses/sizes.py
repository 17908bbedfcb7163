"""Sizes: for which sizes of an input axis a model works, is lossless, is exact. The answer holds for every n."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from planner.analyses.line import InputLine, Line, NotPeriodic
from planner.analyses.lossless import Leaving, Ledger
from planner.analyses.reach import TooRagged
from planner.analyses.replanning import Before
from planner.analyses.residues import Residues, settled
from planner.analyses.walk import MOST_TRIED, Verdict, Walk, walk
from planner.cells import TooManyRuns
from planner.geometry import Shape
from planner.layers._layer import axis_name
from planner.model import Model
from planner.plan import Plan
from planner.propagation import propagate

__all__ = ["AxisSizes", "Condition", "NotPeriodic", "Residues", "sizes"]

BEYOND = 16
"""Sizes that are looked at beyond a period, to see that the losses repeat."""
LATER, FARTHEST = 12, 1 << 13
"""How many larger sizes are tried besides where arguments read the size, and up to which."""
RAGGED = "what is read of its tensors is in too many pieces to be followed"
FoundT = TypeVar("FoundT")
MOST_ROUNDS = 32
"""Periods that are looked at before the losses are taken not to repeat."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What one step asks of the input's size: the sizes at which it works, loses nothing, and has nothing left over."""

    step: str
    works: Residues
    lossless: Residues
    exact: Residues


@dataclass(frozen=True)
class AxisSizes:
    """The sizes of one axis of one input. `given` is the size that the model has now.

    beside   the sizes of other axes beside which alone the answer holds, by their names
    because  why it holds beside those sizes only
    """

    input: str
    axis: int
    name: str
    given: int
    works: Residues
    lossless: Residues
    exact: Residues
    conditions: tuple[Condition, ...] = ()
    beside: tuple[tuple[str, int], ...] = ()
    because: str = ""


def sizes(model: Model, input: str, axis: int, *, at: Shape | None = None) -> AxisSizes:
    """The sizes of one axis, the others staying as they are (as in `at`, where given).

    Raises NotPeriodic where the model has a fault of its own, or a period too long to find.
    """
    base = propagate(model, inputs={} if at is None else {input: at})
    if any(each.severity == "error" for each in model.diagnostics):
        raise NotPeriodic("the model file has faults that no input size removes")
    return along(walk(InputLine(base, (base.numbers[input],), (axis,), Before(model))))


def along(walked: Walk, steps: Sequence[int] | None = None) -> AxisSizes:
    """The sizes of a line that work, those of them that lose nothing, and those that have nothing left over.

    steps  those that are asked what they lose; all where left out
    """
    try:
        return _Along(walked, steps).answer()
    except (TooRagged, TooManyRuns):
        raise NotPeriodic(RAGGED) from None


def listed(line: Line, works: Residues, steps: Sequence[int]) -> AxisSizes:
    """The sizes of an axis that work, lose nothing and leave nothing over, where few work and these are known."""
    ledger = Ledger(line.tied, [line.swayed], steps)
    plans = {n: line.plan(n) for n in works.also}
    try:
        left = {n: ledger.leaving(plan) for n, plan in plans.items() if plan is not None}
    except (TooRagged, TooManyRuns):
        raise NotPeriodic(RAGGED) from None
    lossless = tuple([n for n, each in left.items() if not each.lossy])
    exact = tuple([n for n in lossless if not left[n].inexact])
    source, axis = line.base.steps[line.sources[0]], line.axes[0]
    sets = works, Residues(1, 1, (), lossless), Residues(1, 1, (), exact)
    return AxisSizes(source.name, axis, "", source.outputs[0][axis], *sets)


class _Along:
    """The losses along a line, from 1 on, which repeat from `steady` on as the verdicts of its walk do."""

    def __init__(self, walked: Walk, steps: Sequence[int] | None) -> None:
        self.walk, self.line, self.period = walked, walked.line, walked.period
        self.ledger = Ledger(self.line.tied, [self.line.swayed], self.line.steps if steps is None else steps)
        self.left: list[Leaving] = []
        self.steady = self.repeating()
        rounds = 0
        while not self.repeats():
            self.steady, rounds = self.steady + self.period, rounds + 1
            if rounds > MOST_ROUNDS:
                raise NotPeriodic(f"what is lost did not repeat after {self.period:,} sizes")
        if self.walk.far.following:
            self.must_hold()

    def repeating(self) -> int:
        """The size from which on each step, looked at by itself, loses what it loses one period further on.

        Looked for up to where no map is so short that its two ends are within one window's extent.
        """
        last = self.walk.steady
        while (plan := self.line.plan(last)) is not None and not self.walk.far.regular(plan, more=1):
            last += max(1, last // 8)
            if last > MOST_TRIED:
                raise NotPeriodic(f"what is lost was not seen to repeat within the first {MOST_TRIED:,} sizes")
        alike = self.at_each_size(self.ledger.pattern, [], last + self.period)
        while last > self.walk.steady and alike[last - 2] == alike[last - 2 + self.period]:
            last -= 1
        return last

    def repeats(self) -> bool:
        """Whether what is lost in the network is what was lost one period before, for a number of sizes."""
        again = self.steady + self.period
        beyond = again + max(BEYOND, min(self.period, 2 * BEYOND))
        if beyond > MOST_TRIED:
            raise NotPeriodic(f"what is lost was not seen to repeat within the first {MOST_TRIED:,} sizes")
        self.at_each_size(self.ledger.leaving, self.left, beyond)
        return self.left[again - 1 : beyond - 1] == self.left[self.steady - 1 : beyond - 1 - self.period]

    def at_each_size(self, found: Callable[[Plan], FoundT], known: list[FoundT], stop: int) -> list[FoundT]:
        """The values of a function of the plan at each size below `stop`, of which the first few are known. A size that
        the walk has skipped has the value of one period before, if the last two periods were alike.
        """
        period = self.period
        for n in range(len(known) + 1, stop):
            skipped = n > 2 * period and any([n in sizes for sizes in self.walk.skipped])
            as_before = skipped and known[-period:] == known[-2 * period : -period]
            known.append(known[-period] if as_before else found(self.plan(n)))
        return known

    def must_hold(self) -> None:
        """Refuse an answer that does not hold at some larger sizes, where arguments read the size."""
        random = Random(0)
        for k in range(LATER):
            n = self.steady + self.period * (2 + (1 << k)) + random.randrange(self.period)
            if n > FARTHEST:
                break
            again = self.steady + (n - self.steady) % self.period
            if self.ledger.leaving(self.plan(n)) != self.left[again - 1]:
                raise NotPeriodic("what is lost does not repeat")

    def plan(self, n: int) -> Plan:
        plan = self.line.plan(n)
        assert plan is not None
        return plan

    def verdict(self, n: int) -> Verdict:
        """The verdict at any size."""
        beyond = max(0, n - len(self.walk.verdicts))
        return self.walk.verdicts[n - 1 - -(-beyond // self.period) * self.period]

    def answer(self) -> AxisSizes:
        source = self.line.base.steps[self.line.sources[0]]
        shape = source.outputs[0]
        found = [self.verdict(n) for n in range(1, len(self.left) + 1)]
        pairs = list(zip(found, self.left, strict=True))
        picky = frozenset[int]().union(*{v.failing for v in found}, *{x.lossy | x.inexact for x in self.left})
        return AxisSizes(
            input=source.name,
            axis=self.line.axes[0],
            name=axis_name(self.line.axes[0], len(shape.spatial)),
            given=shape[self.line.axes[0]],
            works=self.residues(v.works for v, _ in pairs),
            lossless=self.residues(v.works and not x.lossy for v, x in pairs),
            exact=self.residues(v.works and not (x.lossy or x.inexact) for v, x in pairs),
            conditions=tuple([self.condition(step, pairs) for step in sorted(picky)]),
        )

    def residues(self, verdicts: Iterable[bool | None]) -> Residues:
        return settled(list(verdicts)[: self.steady + self.period - 1], self.steady, self.period)

    def condition(self, step: int, pairs: list[tuple[Verdict, Leaving]]) -> Condition:
        """The condition of one step. Where other steps keep it from being planned, nothing is known of it: such sizes
        count whichever way is simpler to say; but where it is planned at a few sizes only, and refuses some of these,
        none but those that it takes.
        """
        seen = any(step not in v.unplanned for v, _ in pairs[self.steady - 1 : self.steady + self.period - 1])

        def asked(bad: Iterable[bool], among: Residues | None) -> Residues:
            takes = [
                (None if among is None or n in among else False) if step in v.unplanned else not fails
                for n, ((v, _), fails) in enumerate(zip(pairs, bad, strict=True), 1)
            ]
            few = not seen and False in takes
            return self.residues([bool(fits) for fits in takes] if few else takes)

        works = asked((step in v.failing for v, _ in pairs), None)
        lossless = asked((step in v.failing | x.lossy for v, x in pairs), works)
        exact = asked((step in v.failing | x.lossy | x.inexact for v, x in pairs), works)
        return Condition(self.line.base.steps[step].name, works, lossless, exact)
