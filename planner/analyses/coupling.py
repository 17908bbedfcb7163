"""Coupling: for which sizes of several axes together a model works. The answer holds for every size.

Most layers constrain each axis by itself. Some constrain several together: a dense layer of fixed width after a Flatten
requires a certain product, a sum of two tensors requires equal sizes. Such a step sees of an axis only the lengths of
its inputs, and sizes that lead to the same lengths form one class. So the coupled steps are tried class by class: which
sizes of the other axes work with each class of the first axis, until the answer repeats, or moves by the same amount
each time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property
from itertools import islice

from planner.analyses.dependence import Axes, InputAxes
from planner.analyses.far import Far
from planner.analyses.groups import GroupMove, SizeGroup, SizeGroups, assembled, shift, shorter
from planner.analyses.line import Line, NotPeriodic, SizeRead
from planner.analyses.lossless import Ledger, full_readings
from planner.analyses.replanning import Replanned, replan
from planner.analyses.residues import Residues, settled
from planner.analyses.spans import LONGEST_PERIOD
from planner.analyses.walk import Walk, walk
from planner.geometry import Shape
from planner.plan import Plan
from planner.propagation import given

SeenSizes = tuple[int, ...]
"""What coupled steps see of one size of an axis: the lengths of their inputs at that size."""

MOST_AXES = 8
"""Axes that depend on one another, at most."""
MOST_ROWS = 1 << 12
"""Sizes of an axis looked at before the search is given up."""
MOST_PLANNED = 400_000
"""Coupled steps that are planned before the search is given up, for all sets of axes that depend on one another."""
LEFT_OUT = 16
"""How many coupled steps count as one that is planned, where they are not."""
MOST_SWELLING = 20_000
"""Coupled steps that are planned where arguments of theirs grow with an axis."""
SAMPLES = 3
"""Classes of the other axes for which the period of an axis is determined."""
MOST_CHANGES = 24
"""How often the answer for an axis may differ from that of a period before, although its lengths are regular."""
TOO_MANY = "its axes depend on one another, for too many sizes to try them all"


class Coupling:
    """What a model asks of several axes together, all other axes staying as they are in `axes.base`.

    steps    the steps that more than one of the axes has a say in, and all after them
    sources  the steps that these read and that depend on one of the axes at a time, or on none
    """

    def __init__(self, axes: Axes, component: InputAxes, couples: frozenset[int]) -> None:
        for input_axis in component:
            if input_axis in axes.reasons:
                raise NotPeriodic(axes.reasons[input_axis])
        self.axes, self.component, self.base = axes, component, axes.base
        self.rank = len(component)
        self.walks = [axes.walks[input_axis] for input_axis in component]
        self.behind = sorted(set[int]().union(*(each.line.steps for each in self.walks)))
        self.steps = self.coupled(couples) if self.rank > 1 else []
        inside = set(self.steps)
        reading = {at for i in inside for at in self.base.model.instances[i].needs}
        self.sources = sorted(reading & ({*self.behind} | {i for i, _ in component}) - inside)
        self.values: list[dict[int, SeenSizes | None]] = [{} for _ in range(self.rank)]
        self.plans: dict[tuple[SeenSizes, ...], Replanned] = {}
        self.solved: dict[tuple[SeenSizes, ...], tuple[SizeGroup, ...]] = {}
        self.kinds: dict[int, tuple[bool, bool]] = {}
        self.asked: dict[object, int] = {}
        self.nearer = [each.line.nearer for each in self.walks]
        self.planned = 0
        self.most = MOST_PLANNED // max(1, sum(len(each) > 1 for each in axes.components(couples)))
        if not set[int]().union(*(each.far.swelling for each in self.walks)).isdisjoint(self.steps):
            self.most = MOST_SWELLING  # most such steps follow no rule in several axes

    # Which steps are coupled

    def coupled(self, couples: frozenset[int]) -> list[int]:
        own, found = set(self.component), set[int]()
        for i in self.behind:
            instance = self.base.model.instances[i]
            asks = any(own.issuperset(each) for each in self.axes.asked_together(i, couples))
            if asks or any(self.leads_on(at, found) for at in instance.reads):
                found.add(i)
        for i in reversed(self.behind):  # a step's weights are compared with those of its lenders, which come before it
            if i in found:
                found.update(set(self.base.model.instances[i].lenders).intersection(self.behind))
        return sorted(found)

    def leads_on(self, i: int, found: set[int]) -> bool:
        """Whether the readers of a coupled step are coupled too: several axes have a say in one of its sizes (one is
        enough, where its arguments read sizes), or it is not always there.
        """
        if i not in found:
            return False
        own, outputs = set(self.component), self.base.steps[i].outputs
        alone = 1 if self.base.steps[i].instance.sized is None else 0
        return any(
            len(own & self.axes.sizes.get((i, o, axis), set())) > alone
            for o, x in enumerate(outputs)
            for axis in range(len(x))
        ) or any(i in v.failing | v.unplanned for each in self.walks for v in set(each.verdicts))

    def couples(self, name: str) -> bool:
        """Whether a step is among the coupled ones."""
        return any(self.base.steps[i].name == name for i in self.steps)

    @cached_property
    def refusing(self) -> frozenset[int]:
        """The coupled steps that fail with some of the sizes that were looked at."""
        return frozenset[int]().union(*{plan.failing for plan in self.plans.values()})

    # Which sizes work

    def value(self, axis: int, n: int) -> SeenSizes | None:
        """The sizes that the coupled steps see at a size of an axis, 0 for an output that does not exist there; None
        where a step before them fails.
        """
        known = self.values[axis]
        if n not in known:
            plan = self.walks[axis].line.plan(n)
            assert plan is not None
            fits = all([plan.steps[i].facts is not None for i in self.before[axis]])
            seen = [(plan.steps[i].outputs, o, at) for i, o, at in self.seen[axis]]
            known[n] = tuple([x[o][at] if o < len(x) else 0 for x, o, at in seen]) if fits else None
        return known[n]

    @cached_property
    def before(self) -> list[list[int]]:
        """The steps that ask for a size of one axis alone, for each axis."""
        inside = set(self.steps)
        return [[i for i in each.line.steps if i not in inside] for each in self.walks]

    @cached_property
    def seen(self) -> list[list[SizeRead]]:
        """The sizes that coupled steps see of an axis, for each axis."""
        sizes = [
            (i, output, at)
            for i in self.sources
            for output, x in enumerate(self.base.steps[i].outputs)
            for at in range(len(x))
        ]
        return [[size for size in sizes if axis in self.axes.sizes.get(size, ())] for axis in self.component]

    @cached_property
    def decided(self) -> list[list[int]]:
        """The coupled steps that depend on no axis after the first one, the first two, and so on."""
        own = {i: {axis for axis in self.axes.reached[i] if axis in self.component} for i in self.steps}
        return [
            [i for i, input_axes in own.items() if input_axes <= {*self.component[:k]}] for k in range(self.rank + 1)
        ]

    def plan(self, values: tuple[SeenSizes, ...]) -> Replanned:
        """The coupled steps planned with what they see of each axis."""
        if values not in self.plans:
            shapes = {i: [list(x) for x in self.base.steps[i].outputs] for i in self.sources}
            for sizes, lengths in zip(self.seen, values, strict=True):
                for (i, output, at), n in zip(sizes, lengths, strict=True):
                    shapes[i][output][at] = n
            answers = {i: given(*[Shape(x) for x in each if all(x)]) for i, each in shapes.items()}
            plan = replan(self.base, answers, self.steps, self.axes.replanned)
            self.planned += 1 + len(self.steps) // LEFT_OUT + len(self.steps) - len(plan.absent - plan.failing)
            if self.planned > self.most:
                raise NotPeriodic(TOO_MANY)
            self.plans[values] = plan
        return self.plans[values]

    def solve(self) -> tuple[SizeGroup, ...]:
        """The groups of sizes that work together; at most one where no step couples the axes. Raises NotPeriodic."""
        if self.rank > MOST_AXES:
            raise NotPeriodic(f"{self.rank} axes depend on one another")
        if self.steps:
            return self.rows(())
        alone = tuple(self.alone(axis) for axis in range(self.rank))
        return (SizeGroup(alone),) if all(alone) else ()

    def alone(self, axis: int) -> Residues:
        """The sizes of an axis at which no step fails that asks for this axis alone."""
        each, inside = self.walks[axis], frozenset(self.steps)
        fits = [not (v.failing | v.unplanned) - inside for v in each.verdicts]
        return settled(fits, each.steady, each.period)

    def rows(self, fixed: tuple[SeenSizes, ...]) -> tuple[SizeGroup, ...]:
        """The groups of sizes of the remaining axes, given what is seen of the fixed ones."""
        axis = len(fixed)
        if axis == self.rank - 1:
            return tuple(self.last(walk(_CoupledLine(self, fixed, (), axis))))
        fars = [(row := _CoupledLine(self, fixed, after, axis), Far(row)) for after in self.samples(axis + 1)]
        period = self.aligned(axis, math.lcm(self.walks[axis].period, *(far.period for _, far in fars)))
        for each in dict.fromkeys((period, period * self.stride)):
            found = self.repeating(fixed, fars, each)
            if found and (each == period * self.stride or found[-each:] == found[-2 * each : -each]):
                return tuple(assembled(found, shorter(found, each)))
        raise NotPeriodic("its axes depend on one another for ever, and no rule was found in it")

    def repeating(
        self, fixed: tuple[SeenSizes, ...], fars: list[tuple[_CoupledLine, Far]], period: int
    ) -> list[tuple[SizeGroup, ...]]:
        """The groups that go with each size of an axis, up to where they have repeated, or moved on, with a period;
        empty where they never do.
        """
        axis = len(fixed)
        found: list[SizeGroups] = []
        moves: list[GroupMove | None] = []
        calm = changes = 0
        while calm < 2 * period:
            n = len(found) + 1
            if n > MOST_ROWS or changes > MOST_CHANGES + 2 * period:
                return []
            found.append(self.row(fixed, self.value(axis, n)))
            moves.append(shift(found[-1 - period], found[-1]) if n > period else None)
            regular = n >= self.walks[axis].steady and all([far.agrees(row.plan(n), n) for row, far in fars])
            calm = calm + 1 if regular else 0
            if calm > period and (moves[-1] is None or (moves[-1] and moves[-1] != moves[-1 - period])):
                calm, changes = period, changes + 1
        return found

    def aligned(self, axis: int, period: int) -> int:
        """A multiple of a period of an axis in which all that is seen of it grows by multiples of what is seen of the
        axes after it: of 3 rows that an upsampled axis has for each of its cells, the other axis fits one.
        """
        apart = {each.numerator for k in range(axis + 1, self.rank) for each in self.growth(k) if each}
        gains = {int(each * period) for each in self.growth(axis) if each}
        return period * math.lcm(*(by // math.gcd(by, gain) for by in apart for gain in gains))

    def growth(self, axis: int) -> set[Fraction]:
        """How fast the lengths grow that coupled steps see of an axis, where its own steps work far out."""
        walk = self.walks[axis]
        found = set[Fraction]()
        for n in range(walk.steady, walk.steady + walk.period):
            near, far = self.value(axis, n), self.value(axis, n + walk.period)
            if near is not None and far is not None:
                found.update(Fraction(b - a, walk.period) for a, b in zip(near, far, strict=True))
        return found

    @cached_property
    def stride(self) -> int:
        """A multiple of how far the windows of coupled steps are apart, in cells of what these steps see."""
        apart = dict.fromkeys(self.sources, 1)
        for i in self.steps:
            step = self.base.steps[i]
            own = [apart.get(ref.step, 1) for ref in step.sources]
            own += [
                apart.get(ref.step, 1) * abs(span.stride.numerator)
                for links in step.links
                for ref, link, x in zip(step.sources, links, step.inputs, strict=True)
                for along, n in zip(link.axes, x.spatial, strict=True)
                if along.period(n) <= LONGEST_PERIOD and (span := along.span(n)) is not None and span.stride
            ]
            apart[i] = math.lcm(1, *own)
        return math.lcm(1, *apart.values())

    def last(self, along: Walk) -> Iterator[SizeGroup]:
        """The working sizes of the last axis, separated by what the coupled steps lose."""
        kinds = [
            self.kind(plan) if v.works and (plan := along.line.plan(n)) is not None else None
            for n, v in enumerate(along.verdicts, 1)
        ]
        for kind in dict.fromkeys(kinds):
            if kind is not None:
                yield SizeGroup((settled([each == kind for each in kinds], along.steady, along.period),), (), *kind)

    def kind(self, plan: Plan) -> tuple[bool, bool]:
        """Whether coupled steps lose nothing, and have nothing over."""
        if id(plan) not in self.kinds:  # the id stays the plan's own: `plans` keeps the plan alive
            left = self.ledger.leaving(plan, full_readings)
            self.kinds[id(plan)] = not left.lossy, not (left.lossy or left.inexact)
        return self.kinds[id(plan)]

    @cached_property
    def ledger(self) -> Ledger:
        """What coupled steps lose along any of the axes."""
        axes = {i: frozenset(axis for j, axis in self.component if i == j) for i, _ in self.component}
        ledger = Ledger(axes, [self.axes.lines[input_axis].swayed for input_axis in self.component], self.behind)
        ledger.pattern(self.base)
        return ledger.of(self.steps)

    def row(self, fixed: tuple[SeenSizes, ...], values: SeenSizes | None) -> tuple[SizeGroup, ...]:
        if values is None:
            return ()
        key = (*fixed, values)
        if key not in self.solved:
            self.solved[key] = () if self.hopeless(key) else self.rows(key)
        return self.solved[key]

    def hopeless(self, fixed: tuple[SeenSizes, ...]) -> bool:
        """Whether a step fails that depends on the fixed axes alone."""
        decided = self.decided[len(fixed)]
        if not decided:
            return False
        others = self.component[len(fixed) :]
        after = [self.value(k, self.base.steps[i].outputs[0][axis]) for k, (i, axis) in enumerate(others, len(fixed))]
        known = tuple([each for each in after if each is not None])
        if len(known) < len(after):
            return False
        plan = self.plan((*fixed, *known))
        return not plan.failing.isdisjoint(decided)

    def samples(self, axis: int) -> list[tuple[SeenSizes, ...]]:
        """A few small classes of the axes from this one on."""
        first = [list(islice(self.classes(each), SAMPLES)) for each in range(axis, self.rank)]
        return [tuple(each) for each in zip(*first, strict=False)]

    def classes(self, axis: int) -> Iterator[SeenSizes]:
        """What coupled steps see of an axis, from the smallest size on, up to where its own steps repeat."""
        each = self.walks[axis]
        values = (self.value(axis, n) for n in range(1, each.steady + SAMPLES * each.period))
        return iter(dict.fromkeys(value for value in values if value is not None))


class _CoupledLine(Line):
    """The coupled steps at one size of an axis after another, with what they see of the other axes fixed."""

    def __init__(
        self, coupling: Coupling, fixed: tuple[SeenSizes, ...], after: tuple[SeenSizes, ...], axis: int
    ) -> None:
        along = coupling.walks[axis]
        self.coupling, self.fixed, self.after, self.axis = coupling, fixed, after, axis
        self.base, self.steps, self.sources = coupling.base, coupling.steps, coupling.sources
        self.axes, self.period, self.steady = (axis,), along.period, along.steady
        self.asked = coupling.asked

    @property
    def nearer(self) -> int:  # as in the rows before, which are of about the same sizes
        return self.coupling.nearer[self.axis]

    @nearer.setter
    def nearer(self, nearer: int) -> None:
        self.coupling.nearer[self.axis] = nearer

    def plan(self, n: int) -> Replanned | None:
        values = self.coupling.value(self.axis, n)
        return None if values is None else self.coupling.plan((*self.fixed, values, *self.after))
