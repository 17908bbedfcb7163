"""Coupling: for which sizes of all axes of an input together a model works. The answer holds for every size.

Most layers ask each axis for itself. Some ask several at once: a dense layer of fixed width behind a Flatten wants a
certain product, a table of positions a certain number of tokens. What such steps see of an axis is a few lengths, those
of their inputs; sizes that come to the same lengths are one class. So the coupled steps are asked class by class: for
each class of the first axis which sizes of the others work, until that repeats too.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product
from random import Random

from planner.analyses.line import Far, InputLine, Line, NotPeriodic, Size, Walk, fails, walk
from planner.analyses.lossless import Ledger, full_readings
from planner.analyses.residues import Residues, settled
from planner.geometry import Link, Shape
from planner.plan import Known, Plan, Step, Tensor, given, replan


@dataclass(frozen=True, slots=True)
class Group:
    """A set of sizes for each axis, which all go together.

    lossless, exact  whether coupled steps lose nothing, and have nothing over, at all of them
    """

    sets: tuple[Residues, ...]
    lossless: bool = True
    exact: bool = True

    def behind(self, first: Residues) -> Group:
        """The group with one more axis before."""
        return Group((first, *self.sets), self.lossless, self.exact)


Values = tuple[int, ...]
"""What coupled steps see of one size of an axis: the lengths that it comes to."""

MOST_ROWS = 1 << 15
"""Sizes of an axis looked at before the search is given up."""
MOST_PLANNED = 1_000_000
"""Coupled steps planned before that."""
SAMPLES = 3
"""Classes of the other axes for which the period of an axis is looked up."""
MOST_CHANGES = 24
"""How often an axis may differ from what it was a period before, where all that its lengths come to is regular."""
TRIED = 224
"""A large size that is tried too, beside small ones."""
SURPRISES = 4
"""How often a step that is found to be coupled by trying is added."""


def groups(base: Plan, source: int, known: Known) -> tuple[Coupling, tuple[Group, ...]]:
    """The sizes of all spatial axes of an input with which the model works, as sets that go together.

    No size is in two of them. Where no step couples axes, there is one at most. Raises NotPeriodic.
    """
    couples = frozenset[int]()
    for _ in range(SURPRISES):
        found = Coupling(base, source, known, couples)
        solved = found.solve()
        surprising = found.surprising(solved)
        if surprising is None:
            return found, solved
        couples |= surprising
    raise NotPeriodic("its axes depend on one another in a way that is not understood")


class Coupling:
    """What an input's axes ask for one by one and together, seen from one shape of it, `base`.

    steps    the steps that more than one axis has a say in, and all behind them
    sources  the steps that these read and that depend on one axis at a time, or on none
    """

    def __init__(self, base: Plan, source: int, known: Known, couples: frozenset[int]) -> None:
        self.base, self.source, self.known = base, source, known
        self.rank = len(base.steps[source].outputs[0].spatial)
        self.lines = [InputLine(base, source, (axis,), known) for axis in range(self.rank)]
        self.walks = [walk(self.lines[0])]
        self.alike = self.rank > 1 and _alike(base, self.walks[0])
        for axis, line in enumerate(self.lines[1:], 1):
            self.walks.append(_turned(self.walks[0], line, axis) if self.alike else walk(line))
        self.axes: defaultdict[Size, set[int]] = defaultdict(set)
        for axis, each in enumerate(self.walks):
            for size in each.varying:
                self.axes[size].add(axis)
        self.steps = self.coupled(couples) if self.rank > 1 else []
        inside = set(self.steps)
        behind = set(self.walks[0].line.steps) | {source}
        self.sources = sorted({ref.step for i in inside for ref in base.model.instances[i].sources} & behind - inside)
        self.values: list[dict[int, Values | None]] = [{} for _ in range(self.rank)]
        self.plans: dict[tuple[Values, ...], Plan] = {}
        self.solved: dict[tuple[Values, ...], tuple[Group, ...]] = {}
        self.kinds: dict[int, tuple[bool, bool]] = {}
        self.planned = 0

    # Which steps are coupled

    def coupled(self, couples: frozenset[int]) -> list[int]:
        found: set[int] = set()
        for i in self.walks[0].line.steps:
            step = self.base.steps[i]
            reads = [ref.step for ref in self.base.model.instances[i].sources]
            asks = len(self.seen(step)) > 1 and not self.apart(i, step)
            if asks or i in couples or step.facts is None or any(self.leads_on(each, found) for each in reads):
                found.add(i)
        return sorted(found)

    def leads_on(self, i: int, found: set[int]) -> bool:
        """Whether what reads a step is coupled because the step is: its shapes differ, or it is not always there."""
        if i not in found:
            return False
        outputs = self.base.steps[i].outputs
        changes = any(self.axes.get((i, o, axis)) for o, x in enumerate(outputs) for axis in range(len(x)))
        return changes or any(i in v.failing | v.unplanned for each in self.walks for v in set(each.verdicts))

    def seen(self, step: Step) -> set[int]:
        """The axes that a step's inputs depend on."""
        return set[int]().union(
            *(self.of(ref.step, ref.output, axis) for ref, x in self.inputs(step) for axis in range(len(x)))
        )

    def inputs(self, step: Step) -> Iterator[tuple[Tensor, Shape]]:
        return zip(step.sources if step.inputs else (), step.inputs, strict=True)

    def of(self, step: int, output: int | None, axis: int) -> set[int]:
        return self.axes.get((step, output or 0, axis), set())

    def apart(self, i: int, step: Step) -> bool:
        """Whether a step takes each axis for itself: none is folded away, joined to or compared with another one."""
        for output, (links, y) in enumerate(zip(step.links, step.outputs, strict=True)):
            meets: defaultdict[int, set[int]] = defaultdict(set)
            for axis in range(len(y)):
                meets[axis] |= self.of(i, output, axis)
            for ref, link, x in zip(step.sources, links, step.inputs, strict=True):
                for axis, to in enumerate(_landing(link, len(x), len(y))):
                    here = self.of(ref.step, ref.output, axis)
                    if here and to is None:
                        return False
                    if to is not None:
                        meets[to] |= here
            if any(len(each) > 1 for each in meets.values()):
                return False
        return True

    def couples(self, name: str) -> bool:
        """Whether a step is among the coupled ones."""
        return any(self.base.steps[i].name == name for i in self.steps)

    def refuses(self, i: int) -> bool:
        """Whether a coupled step fails with any of the sizes that were looked at."""
        return any(fails(plan.steps[i]) for plan in self.plans.values())

    # What they say

    def value(self, axis: int, n: int) -> Values | None:
        """What the coupled steps see of a size of an axis; None where a step before them fails with it."""
        known = self.values[axis]
        if n not in known:
            plan = self.walks[axis].line.plan(n)
            assert plan is not None
            fits = all([plan.steps[i].facts is not None for i in self.before])
            known[n] = tuple([plan.steps[i].outputs[o][at] for i, o, at in self.places[axis]]) if fits else None
        return known[n]

    @cached_property
    def before(self) -> list[int]:
        """The steps that ask each axis for itself."""
        inside = set(self.steps)
        return [i for i in self.walks[0].line.steps if i not in inside]

    @cached_property
    def places(self) -> list[list[Size]]:
        """For each axis, the sizes that coupled steps see of it."""
        sizes = [
            (i, output, at)
            for i in self.sources
            for output, x in enumerate(self.base.steps[i].outputs)
            for at in range(len(x))
        ]
        return [[size for size in sizes if axis in self.axes.get(size, ())] for axis in range(self.rank)]

    def plan(self, values: tuple[Values, ...]) -> Plan:
        """The coupled steps planned with what they see of each axis."""
        if values not in self.plans:
            self.planned += len(self.steps)
            if self.planned > MOST_PLANNED:
                raise NotPeriodic("its axes depend on one another, for too many sizes to try them all")
            shapes = {i: [list(x) for x in self.base.steps[i].outputs] for i in self.sources}
            for places, lengths in zip(self.places, values, strict=True):
                for (i, output, at), n in zip(places, lengths, strict=True):
                    shapes[i][output][at] = n
            answers = {i: given(*map(Shape, each)) for i, each in shapes.items()}
            self.plans[values] = replan(self.base, answers, self.steps, self.known)
        return self.plans[values]

    def solve(self) -> tuple[Group, ...]:
        if self.steps:
            return self.rows(())
        alone = tuple(self.alone(axis) for axis in range(self.rank))
        return (Group(alone),) if all(alone) else ()

    def alone(self, axis: int) -> Residues:
        """The sizes of an axis with which no step fails that asks it for itself."""
        each, inside = self.walks[axis], frozenset(self.steps)
        fits = [not (v.failing | v.unplanned) - inside for v in each.verdicts]
        return settled(fits, each.steady, each.period)

    def rows(self, fixed: tuple[Values, ...]) -> tuple[Group, ...]:
        """The sizes of the axes behind those that are fixed."""
        axis = len(fixed)
        if axis == self.rank - 1:
            return tuple(self.last(walk(_Row(self, fixed, (), axis))))
        fars = [(row := _Row(self, fixed, after, axis), Far(row)) for after in self.samples(axis + 1)]
        period = math.lcm(self.walks[axis].period, *(far.period for _, far in fars))
        found: list[tuple[Group, ...]] = []
        calm = changes = 0
        while calm < 2 * period:
            n = len(found) + 1
            if n > MOST_ROWS or changes > MOST_CHANGES + period:
                raise NotPeriodic("its axes depend on one another for ever, as where they must be equal")
            found.append(self.row(fixed, self.value(axis, n)))
            regular = n >= self.walks[axis].steady and all([far.agrees(row.plan(n), n) for row, far in fars])
            calm = calm + 1 if regular else 0
            if calm > period and found[-1] != found[-1 - period]:
                calm, changes = period, changes + 1
        steady = len(found) - period + 1
        return tuple(
            others.behind(settled([each == row for each in found], steady, period))
            for row in dict.fromkeys(found)
            for others in row
        )

    def last(self, along: Walk) -> Iterator[Group]:
        """The sizes of the last axis that work, apart by what coupled steps lose."""
        kinds = [
            self.kind(plan) if v.works and (plan := along.line.plan(n)) is not None else None
            for n, v in enumerate(along.verdicts, 1)
        ]
        for kind in dict.fromkeys(kinds):
            if kind is not None:
                yield Group((settled([each == kind for each in kinds], along.steady, along.period),), *kind)

    def kind(self, plan: Plan) -> tuple[bool, bool]:
        """Whether coupled steps lose nothing, and have nothing over."""
        if id(plan) not in self.kinds:  # `plans` keeps it alive
            left = self.ledger.leaving(plan, full_readings)
            self.kinds[id(plan)] = not left.lossy, not (left.lossy or left.inexact)
        return self.kinds[id(plan)]

    @cached_property
    def ledger(self) -> Ledger:
        """What coupled steps lose along any axis of the input."""
        ledger = Ledger(self.source, range(self.rank), self.walks[0].line.steps)
        ledger.pattern(self.base)
        return ledger.of(self.steps)

    def row(self, fixed: tuple[Values, ...], values: Values | None) -> tuple[Group, ...]:
        if values is None:
            return ()
        key = (*fixed, values)
        if key not in self.solved:
            self.solved[key] = self.rows(key)
        return self.solved[key]

    def samples(self, axis: int) -> list[tuple[Values, ...]]:
        """A few small classes of the axes from this one on."""
        first = [list(islice(self.classes(each), SAMPLES)) for each in range(axis, self.rank)]
        return [tuple(each) for each in zip(*first, strict=False)]

    def classes(self, axis: int) -> Iterator[Values]:
        """What coupled steps see of an axis, from the smallest size on, up to where its own steps repeat."""
        each = self.walks[axis]
        values = (self.value(axis, n) for n in range(1, each.steady + SAMPLES * each.period))
        return iter(dict.fromkeys(value for value in values if value is not None))

    # Trying

    def surprising(self, solved: Sequence[Group]) -> frozenset[int] | None:
        """The steps that fail at sizes that are said to work, or are said to and do not; None where all is as it is
        said. Only some sizes are tried.
        """
        for sizes in self.tried():
            plan = self.lines[0].at(sizes)
            said = any(all(n in each for n, each in zip(sizes, group.sets, strict=True)) for group in solved)
            if plan.complete != said:
                failing = self.failing(sizes) if plan.complete else {i for i in self.before if fails(plan.steps[i])}
                if not failing:
                    raise NotPeriodic("its axes depend on one another in a way that is not understood")
                return frozenset([min(failing)])
        return None

    def failing(self, sizes: Sequence[int]) -> set[int]:
        """The steps that ask each axis for itself, and fail with one of the sizes as the others are in `base`."""
        plans = [each.line.plan(n) for each, n in zip(self.walks, sizes, strict=True)]
        return {i for plan in plans if plan is not None for i in self.before if fails(plan.steps[i])}

    def tried(self) -> Iterator[tuple[int, ...]]:
        """The smallest sizes that work on each axis, in every combination, and some at random."""
        if self.rank == 1:
            return
        some = []
        for axis in range(self.rank):
            alone = self.alone(axis)
            some.append([n for n in range(1, alone.steady + alone.period) if n in alone][:SAMPLES])
        yield from product(*some)
        yield from product((1, 2, 3, TRIED), repeat=self.rank)
        random = Random(0)
        for _ in range(8 * self.rank):
            yield tuple(random.choice((random.randint(1, 64), random.randint(1, 512))) for _ in range(self.rank))


class _Row(Line):
    """The coupled steps at one size of an axis after another, with what they see of the other axes fixed."""

    def __init__(self, coupling: Coupling, fixed: tuple[Values, ...], after: tuple[Values, ...], axis: int) -> None:
        along = coupling.walks[axis]
        self.coupling, self.fixed, self.after, self.axis = coupling, fixed, after, axis
        self.base, self.steps, self.sources = coupling.base, coupling.steps, coupling.sources
        self.axes, self.period, self.steady = (axis,), along.period, along.steady

    def plan(self, n: int) -> Plan | None:
        values = self.coupling.value(self.axis, n)
        return None if values is None else self.coupling.plan((*self.fixed, values, *self.after))


def _alike(plan: Plan, along: Walk) -> bool:
    """Whether a plan treats all spatial axes in the same way, so that an answer for one is one for all."""
    spatial = plan.steps[along.line.sources[0]].outputs[0].spatial
    varying = {i for i, _, _ in along.varying}
    return plan.complete and len(set(spatial)) == 1 and all(_treats_alike(plan.steps[i]) for i in varying)


def _treats_alike(step: Step) -> bool:
    return all(
        link.landing == tuple(range(len(link.axes))) and len(set(link.axes)) == 1 and not link.parts
        for links in step.links
        for link in links
    )


def _turned(along: Walk, line: Line, axis: int) -> Walk:
    """The walk along another axis, where all axes are alike."""
    varying = {(i, output, axis) for i, output, _ in along.varying}
    return Walk(line, along.far, along.steady, along.verdicts, varying)


def _landing(link: Link, rank: int, width: int) -> tuple[int | None, ...]:
    """Where each size of an input lands among those of the output, channels to channels."""
    return (*link.landing, width - 1) if rank == len(link.landing) + 1 else link.landing
