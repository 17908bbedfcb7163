"""Line: a model planned at one size of an axis after another, until all that happens is known to repeat.

Along one axis, every length in a network is a step function F of the input's n, and from some n on it repeats:
F(n + P) = F(n) + Q, where P is a common multiple of what the strides ask for. Windows, pads, crops and resampling keep
this so: behind a stride s that divides Q it is Q/s. Hence a verdict on n holds for n + P too, as soon as every map on
the way is regular (`AxisMap.settles`), no two lengths that are compared are still to cross, and every step works or
fails as it does far out. Up to there, every n is tried.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from planner.analyses.residues import Residues, settled
from planner.diagnostics import Fault
from planner.geometry import Shape
from planner.plan import Known, Plan, Step, given, replan, resolve

FAR = {1: 1 << 22, 2: 1 << 22, 3: 1 << 16}
"""A size at which every map of a real network is regular, by how many axes have it."""
STRETCHES = {1: ((1 << 36, 1 << 14), (1 << 30, 1 << 14)), 2: ((1 << 25, 1 << 11),), 3: ((1 << 17, 1 << 8),)}
"""How many cells are added to measure growth, and up to which denominator: so many that what is left over of a period
does not matter, and so few that no tensor is too large.
"""
LONGEST_PERIOD = 1 << 14
"""Longer periods are not looked for."""
MOST_TRIED = 1 << 16
"""Sizes tried before the search is given up."""
MOST_PLANNED = 2_000_000
"""Steps planned before the search is given up."""
STILL = Fraction(0)
MOST_DIVISOR = 64
"""A layer that fails far out is asked about so many sizes, one period of the input apart."""
PERIODS = 14
"""Far out, a size is tried in so many periods."""
MOST_ASKED = 24
"""So many different inputs, one after the other, that one of them is among those that it takes some of."""

Size = tuple[int, int, int]
"""One size in a plan: step, output, axis."""


class NotPeriodic(Exception):
    """The sizes of a model could not be worked out for every n; the text says why."""


class Line(ABC):
    """The sizes n = 1, 2, … of one axis, or of several at once, all else staying as it is in `base`.

    axes     the axes of the input that have the size
    steps    the steps that are planned, in order
    sources  the steps whose outputs are given to them
    period, steady  with which period `plan` is None, and from where on
    """

    base: Plan
    axes: Sequence[int]
    steps: Sequence[int]
    sources: Sequence[int]
    period = steady = 1

    @property
    def together(self) -> int:
        """How many axes have the size."""
        return len(self.axes)

    @abstractmethod
    def plan(self, n: int) -> Plan | None:
        """The model at size n; None where it is known to fail before any of `steps`."""


class InputLine(Line):
    """The sizes of one axis of an input, or of several at once; `steps` are all that depend on the input."""

    def __init__(self, base: Plan, source: int, axes: Sequence[int], known: Known) -> None:
        self.base, self.source, self.axes, self.known = base, source, axes, known
        self.steps = behind(base, source)
        self.sources = (source,)
        self.planned = 0
        readers = [i for i in self.steps if any(ref.step == source for ref in base.steps[i].instance.sources)]
        alone = all(ref.step not in self.steps for i in readers for ref in base.steps[i].instance.sources)
        self.first = readers if alone else self.steps
        self.rest = [i for i in self.steps if i not in set(self.first)]
        self.seen: dict[Hashable, list[Step]] = {}

    def at(self, sizes: Sequence[int]) -> Plan:
        """The model with these sizes of all spatial axes."""
        shape = Shape((*sizes, self.base.steps[self.source].outputs[0].channels))
        return replan(self.base, {self.source: given(shape)}, self.steps, self.known)

    def plan(self, n: int) -> Plan:
        """The model at size n. What the first layers make alike of many sizes, the others plan once."""
        sizes = list(self.base.steps[self.source].outputs[0])
        for axis in self.axes:
            sizes[axis] = n
        plan = replan(self.base, {self.source: given(Shape(sizes))}, self.first, self.known)
        self.count(len(self.first))
        if self.rest:
            key = tuple([plan.steps[i].outputs for i in self.first])
            if key not in self.seen:
                self.count(len(self.rest))
                self.seen[key] = replan(plan, {}, self.rest, self.known).steps
            for i in self.rest:
                plan.steps[i] = self.seen[key][i]
            resolve(plan)
        return plan

    def count(self, steps: int) -> None:
        self.planned += steps
        if self.planned > MOST_PLANNED:
            raise NotPeriodic(f"a period was not complete when {MOST_PLANNED:,} steps had been planned")


def behind(plan: Plan, source: int) -> list[int]:
    """The steps that depend on a step, in order."""
    found = {source}
    for i, step in enumerate(plan.steps):
        if any([ref.step in found for ref in step.instance.sources]):
            found.add(i)
    return sorted(found - {source})


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
"""Where a line has no plan."""


def walk(line: Line) -> Walk:
    """Try the sizes of a line one after the other until a whole period has gone by in which all is as it is far out.

    Raises NotPeriodic where that does not happen.
    """
    far = Far(line)
    verdicts: list[Verdict] = []
    alike: dict[Verdict, Verdict] = {}
    first: dict[Size, int] = {}
    varying = {size for size, rate in far.growth.items() if rate}
    last: Plan | None = None
    calm = 0
    while calm < far.period:
        n = len(verdicts) + 1
        if n > MOST_TRIED:
            raise NotPeriodic(f"no period of {far.period:,} was complete within the first {MOST_TRIED:,} sizes")
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
        unplanned = HIDDEN.unplanned  # an output that is not there at this size
    return Verdict(failing, unplanned)


class Far:
    """What becomes of a model far out: its period, how fast its sizes grow, and which steps work.

    A layer may take only some of the sizes that it meets, such as the even ones. It is asked about many of them by
    itself, and the period made longer by what it wants.
    """

    def __init__(self, line: Line) -> None:
        self.line = line
        self.growth: dict[Size, Fraction] = {}
        self.asked: defaultdict[int, dict[tuple[Shape, ...], int]] = defaultdict(dict)
        self.period, wanted = 0, line.period
        if line.together not in FAR:
            raise NotPeriodic(f"{line.together} axes of one size are more than are followed")
        while wanted != self.period:
            if wanted > LONGEST_PERIOD:
                raise NotPeriodic(f"they repeat after {wanted:,} sizes at the earliest, which is more than are tried")
            self.period = wanted
            wanted = self.look()
        if self.unknown:
            raise NotPeriodic("some of its tensors are too large to be followed far enough")
        self.moving = [each for i, step in self.steps.items() for each in self.maps(i, step)]
        self.order = [each for i, step in self.steps.items() for each in self.compares(i, step)]

    def look(self) -> int:
        """Plan a whole period far out, and say which period is seen to be needed."""
        start = FAR[self.line.together] // self.period * self.period
        self.unknown = False
        self.planned: list[list[bool] | None] = []
        self.steps: dict[int, Step] = {}
        self.asked.clear()
        wanted, last = self.period, None
        for n in range(start, start + self.period):
            plan = self.line.plan(n)
            if plan is not None and plan is last:
                self.planned.append(self.planned[-1])
                continue
            last = plan
            if plan is None:
                self.planned.append(None)
                continue
            self.planned.append([plan.steps[i].facts is not None for i in self.line.steps])
            for stretch, largest in STRETCHES[self.line.together]:
                if any(size not in self.growth for size in lengths(self.line, plan)):
                    stretch -= stretch % self.period
                    self.measure(plan, n, stretch, largest)
            self.unknown = any(size not in self.growth for size in lengths(self.line, plan)) or self.unknown
            for i in self.line.steps:
                step = plan.steps[i]
                if step.inputs and (i not in self.steps or (step.facts and not self.steps[i].facts)):
                    self.steps[i] = step
            wanted = math.lcm(wanted, self.refused(plan))
        for k in range(1, PERIODS):  # where a whole period happens to work, another may not
            plan = self.line.plan(start + k % self.period + k * self.period)
            wanted = math.lcm(wanted, self.refused(plan) if plan is not None else 1)
        return math.lcm(wanted, *(rate.denominator for rate in self.growth.values()))

    def measure(self, near: Plan, n: int, stretch: int, largest: int) -> None:
        """Take down the growth of the sizes in three plans, `stretch` cells apart each, the first of which is of n."""
        far, farther = self.line.plan(n + stretch), self.line.plan(n + 2 * stretch)
        if far is None or farther is None:
            return
        second, third = lengths(self.line, far), lengths(self.line, farther)
        for size, length in lengths(self.line, near).items():
            if size in third and size in second and size not in self.growth:
                gain = second[size] - length
                rate = Fraction(gain, stretch).limit_denominator(largest)
                bent = third[size] - second[size] - gain
                if abs(rate * stretch - gain) > largest or abs(bent) > largest:
                    raise NotPeriodic("a size does not grow in proportion to the input")
                self.growth[size] = rate

    def rates(self, step: Step) -> list[list[Fraction]]:
        """How fast each size of each input of a step grows."""
        places = step.sources if step.inputs else ()
        return [
            [self.growth.get((*place, axis), STILL) for axis in range(len(x))]
            for place, x in zip(places, step.inputs, strict=True)
        ]

    def refused(self, plan: Plan) -> int:
        """The period of the input sizes for which the steps work that fail in a plan."""
        steps = ((i, plan.steps[i]) for i in self.line.steps)
        return math.lcm(*(self.asked_for(i, step) for i, step in steps if fails(step)))

    def asked_for(self, i: int, step: Step) -> int:
        """The period of the input sizes for which a step works that fails at one of them."""
        asked = self.asked[i]
        if step.inputs not in asked:
            asked[step.inputs] = self.tried(step) if len(asked) < MOST_ASKED else 1
        return asked[step.inputs]

    def tried(self, step: Step) -> int:
        gains = [[rate * self.period for rate in rates] for rates in self.rates(step)]
        if not any(map(any, gains)) or any(gain.denominator > 1 for each in gains for gain in each):
            return 1
        sizes = list(zip(step.inputs, gains, strict=True))
        works = [
            _works(step, [[n + int(gain) * k for n, gain in zip(*each, strict=True)] for each in sizes])
            for k in range(MOST_DIVISOR)
        ]
        for period in range(1, MOST_DIVISOR // 2 + 1):
            if works[period:] == works[:-period]:
                return self.period * period
        raise NotPeriodic(f"`{step.name}` takes some sizes and refuses others without a period")

    def maps(self, i: int, step: Step) -> Iterator[tuple[int, int, int]]:
        """The maps of a step along axes that grow: step, source, axis."""
        for links in step.links:
            for source, (link, rates) in enumerate(zip(links, self.rates(step), strict=True)):
                for axis, (along, rate) in enumerate(zip((*link.axes, link.channels), rates, strict=True)):
                    if rate and not along.keeps:
                        yield i, source, axis

    def compares(self, i: int, step: Step) -> Iterator[tuple[int, int, int, int]]:
        """Sizes of a step's inputs that grow apart: step, source, axis, and 1 where the source outgrows the first."""
        rates = self.rates(step)
        for source in range(1, len(rates)):
            for axis, (first, other) in enumerate(zip(rates[0], rates[source], strict=False)):
                if first != other:
                    yield i, source, axis, 1 if other > first else -1

    def agrees(self, plan: Plan | None, n: int) -> bool:
        """Whether a plan of size n is as it is far out: its maps regular, its sizes in order, its steps as able."""
        pattern = self.planned[n % self.period]
        if n < self.line.steady:
            return False
        if plan is None or pattern is None:
            return plan is None and pattern is None
        steps = plan.steps
        if [steps[i].facts is not None for i in self.line.steps] != pattern:
            return False
        if not self.regular(plan):
            return False
        for i, source, axis, sign in self.order:
            inputs = steps[i].inputs
            if inputs and (inputs[source][axis] - inputs[0][axis]) * sign <= 0:
                return False
        return all([self.outgrown(steps[i]) for i in self.line.steps if fails(steps[i])])

    def regular(self, plan: Plan, more: int = 0) -> bool:
        """Whether all maps are regular; with `more` also the cells that they read or leave, from either end."""
        for i, source, axis in self.moving:
            for links in plan.steps[i].links:
                link = links[source]
                along = link.axes[axis] if axis < len(link.axes) else link.channels
                if plan.steps[i].inputs[source][axis] < along.settles * (1 + more) + along.widest * more:
                    return False
        return True

    def outgrown(self, step: Step) -> bool:
        """Whether what grows at a failing step is larger than all numbers that its arguments may compare it to.

        A list of them may be the sizes of a tensor with as many elements, or of an axis.
        """
        assert step.layer is not None
        numbers = step.layer.given()
        products = [math.prod(each) for each in _lists(numbers)]
        axes = [number for each in _lists(numbers) for number in each] + [
            each for each in products if each <= LONGEST_PERIOD
        ]
        for x, rates in zip(step.inputs, self.rates(step), strict=True):
            growing = [length for length, rate in zip(x, rates, strict=True) if rate]
            if growing and (min(growing) <= max(axes, default=0) or x.elements <= max(products, default=0)):
                return False
        return True


def fails(step: Step) -> bool:
    """Whether a step has a fault of its own."""
    return step.facts is None and step.layer is not None and bool(step.inputs)


def _works(step: Step, sizes: list[list[int]]) -> bool:
    assert step.layer is not None
    try:
        step.layer.facts(*map(Shape, sizes))
    except Fault:
        return False
    return True


def lengths(line: Line, plan: Plan) -> dict[Size, int]:
    """All sizes of the tensors of a line."""
    return {
        (i, output, axis): n
        for i in (*line.sources, *line.steps)
        for output, shape in enumerate(plan.steps[i].outputs)
        for axis, n in enumerate(shape)
    }


def _lists(value: object) -> Iterator[list[int]]:
    """The lists of numbers among a layer's arguments, a number alone being a list of one."""
    if isinstance(value, dict):
        for each in value.values():
            yield from _lists(each)
    elif isinstance(value, list | tuple):
        yield [each for each in value if isinstance(each, int)]
        for each in value:
            if not isinstance(each, int):
                yield from _lists(each)
    elif isinstance(value, int):
        yield [value]
