"""Two reports side by side: how the second model differs from the first.

    matching  which step is which
    steps     what differs in a step
    state     what still loads of a `state_dict`
    findings  what is mended, and what is newly wrong
    totals    inputs, outputs and sums

What a fix needs is said in words here; `planner diff` has all of it, as values. The two sides are treated alike: the
comparison the other way round says the same, mirrored.

What else may differ is a new file, a value, and a property of `Comparison`. Which step is which may be found better, as
long as both ways round find the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from planner.analyses.receptive_field import AxisField
from planner.comparison.findings import FindingChanges, findings
from planner.comparison.matching import Pair, matched
from planner.comparison.state import State, state
from planner.comparison.steps import BeforeAfter, SharedWiring, StepChange, changes
from planner.comparison.totals import Port, ports, totals
from planner.report import Report
from planner.words import counted, more_percent

__all__ = ["BeforeAfter", "Comparison", "FindingChanges", "Pair", "Port", "State", "StepChange"]


@dataclass(frozen=True)
class Comparison:
    """A model before and after a change. What is said in words is none where nothing is to be said."""

    before: Report
    after: Report

    @property
    def sides(self) -> tuple[Report, Report]:
        return self.before, self.after

    # Values

    @cached_property
    def pairs(self) -> list[Pair]:
        """Which step before is which step after."""
        return matched(self.before.plan, self.after.plan)

    @cached_property
    def wiring(self) -> SharedWiring:
        """What steps read, as both plans have it."""
        return SharedWiring(self.before.plan, self.after.plan, self.pairs)

    @cached_property
    def ports(self) -> list[Port]:
        """The inputs and outputs."""
        return ports(self)

    @cached_property
    def totals(self) -> dict[str, BeforeAfter]:
        """Parameters, multiply-adds, memory and so on, of the whole model."""
        return totals(self)

    @cached_property
    def steps(self) -> list[StepChange]:
        """The steps that differ."""
        return list(changes(self))

    @cached_property
    def findings(self) -> FindingChanges:
        """The findings that are new, those that are mended, and those with other numbers."""
        return findings(self)

    @cached_property
    def state(self) -> State:
        """What still loads of a `state_dict` of the model before."""
        return state(self)

    @property
    def differs(self) -> bool:
        """Whether anything differs but how it is written: names of models, comments, order of keys, blocks."""
        found = self.steps or self.findings.differs or self.state.differs
        ports = any(each.differs for each in self.ports)
        return bool(found) or ports or any(each.differs for each in self.totals.values())

    # Words

    @property
    def both_complete(self) -> bool:
        return self.before.plan.complete and self.after.plan.complete

    @property
    def loses_more(self) -> bool:
        """Whether a larger part of the input is unread than was before."""
        if self.before.reach is None or self.after.reach is None:
            return False
        (was, of), (now, of_now) = (_unread_of(report) for report in (self.before, self.after))
        return now * of > was * of_now

    def outputs(self) -> Iterator[str]:
        """The sizes of the outputs, and whether they have changed."""
        was, now = ([report.plan.shape(ref) for ref in report.plan.outputs] for report in (self.before, self.after))
        if now and None not in now:
            yield f"output {' and '.join(map(str, now))}" + (" as before" if was == now else "")

    def unread(self) -> Iterator[str]:
        """The number of unread cells of the inputs, after the change."""
        after = self.after
        if after.reach is None:
            return
        elements, _ = _unread_of(after)
        cells = sum(each.cells for each in after.unread_inputs.values())
        if not elements:
            yield "nothing lost"
        elif cells:
            yield f"{counted(cells, 'cell')} of the input unread"

    def cost(self) -> Iterator[str]:
        """Parameters and MACs: how many more or less or, where not all was planned before, how many."""
        if self.both_complete:
            was, now = self.before.cost, self.after.cost
            if was.params is not None and now.params is not None:
                yield f"{now.params - was.params:+,} parameters"
            if was.macs is not None and now.macs is not None:
                yield from _macs(was.macs, now.macs)
        elif self.after.plan.complete:
            if self.after.cost.params is not None:
                yield f"{self.after.cost.params:,} parameters"
            if self.after.cost.macs:
                yield f"{self.after.cost.macs:,} MACs"

    def field(self) -> Iterator[str]:
        """The receptive field of the first output, where it is another than before and sees less than everything."""
        if not self.both_complete:
            return
        was, now = _field(self.before), _field(self.after)
        sizes = [[each.size for each in field] for field in (was, now)]
        if sizes[0] != sizes[1] and any(each.size is not None and each.size <= each.length for each in (*was, *now)):
            shown = ["×".join("?" if size is None else str(size) for size in each) for each in sizes]
            yield f"receptive field {shown[1]} instead of {shown[0]}"


def _unread_of(report: Report) -> tuple[int, int]:
    """Unread elements of all inputs, and all elements."""
    inputs = report.unread_inputs.values()
    return sum(each.elements for each in inputs), sum(each.shape.elements for each in inputs) or 1


def _macs(before: int, after: int) -> Iterator[str]:
    """How many multiply-adds more or less, and how much of the whole that is, in per cent."""
    if after != before:
        yield f"{after - before:+,} MACs{more_percent(before, after)}"


def _field(report: Report) -> tuple[AxisField, ...]:
    """What the first output sees of the first input."""
    step, output = report.plan.outputs[0]
    fields = report.fields[step]
    return next(iter(fields[output or 0].values()), ()) if fields else ()
