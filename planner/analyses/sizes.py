"""Sizes: for which sizes of an input axis a model works, is lossless, is exact. The answer holds for every n.

Along one axis, every length in a network is a step function F of the input's n, and from some n on it repeats:
F(n + P) = F(n) + Q, where P is a common multiple of what the strides ask for. Windows, pads, crops and resampling keep
this so: behind a stride s that divides Q it is Q/s. Hence a verdict on n holds for n + P too, as soon as every map on
the way is regular (`AxisMap.settles`), no two lengths that are compared are still to cross, and every step works or
fails as it does far out. Up to there, every n is tried.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from planner.analyses.loss import losses_of
from planner.diagnostics import Fault
from planner.geometry import Shape
from planner.layers._layer import axis_name
from planner.model import Model
from planner.plan import Known, Plan, Step, propagate

FAR = 1 << 22
"""A size at which every map of a real network is regular."""
STRETCH = 1 << 34
"""How many cells are added to measure growth: so many that what is left over of a period does not matter."""
LONGEST_PERIOD = 1 << 12
"""Longer periods are not looked for."""
MOST_TRIED = 1 << 13
"""Sizes tried before the search is given up."""
MOST_TENSORS = 1_000_000
"""Tensors planned before the search is given up."""
STILL = Fraction(0)
MOST_DIVISOR = 64
"""A layer that fails far out is asked about so many sizes, one period of the input apart."""


@dataclass(frozen=True, slots=True)
class Residues:
    """A set of sizes: n is in it if n ≥ start and n mod period is among the residues, or if it is one of `also`."""

    start: int
    period: int
    residues: tuple[int, ...]
    also: tuple[int, ...] = ()

    def __contains__(self, n: int) -> bool:
        return n in self.also or (n >= self.start and n % self.period in self.residues)

    def __bool__(self) -> bool:
        return bool(self.residues or self.also)

    def below(self, n: int) -> int | None:
        """The largest size in the set that is smaller than n."""
        near = next((m for m in range(n - 1, max(self.start, n - self.period) - 1, -1) if m in self), None)
        return near if near is not None else max((m for m in self.also if m < n), default=None)

    def above(self, n: int) -> int | None:
        """The smallest size in the set that is larger than n."""
        first = max(n + 1, self.start)
        regular = next((m for m in range(first, first + self.period) if m % self.period in self.residues), None)
        candidates = [m for m in (*self.also, regular) if m is not None and m > n]
        return min(candidates, default=None)

    def words(self, axis: str = "n") -> str:
        """`height ≡ 12 mod 16, from 188`."""
        said = []
        if self.residues:
            if len(self.residues) == self.period:
                said.append(f"every {axis} from {self.start}")
            else:
                listed = _listed(self.residues)
                said.append(f"{axis} ≡ {listed} mod {self.period}, from {self.start}")
        if self.also:
            said.append(("also " if said else f"{axis} = ") + _listed(self.also))
        return "; ".join(said) or f"no {axis}"


def _listed(numbers: Sequence[int]) -> str:
    """Numbers in words, runs folded: `1, 2, 5–9`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    shown = [f"{first}" if first == last else f"{first}–{last}" for first, last in runs]
    return ", ".join(shown if len(shown) <= 12 else [*shown[:8], f"… ({len(numbers)} in all)"])


@dataclass(frozen=True, slots=True)
class Condition:
    """What one step asks of the input's size: where it does not fail, loses nothing at an edge, has nothing over."""

    step: str
    works: Residues
    lossless: Residues
    exact: Residues


@dataclass(frozen=True)
class AxisSizes:
    """The sizes of one axis of one input. `given` is the size that the model has now."""

    input: str
    axis: int
    name: str
    given: int
    works: Residues
    lossless: Residues
    exact: Residues
    conditions: tuple[Condition, ...] = ()


class NotPeriodic(Exception):
    """The sizes of a model could not be worked out for every n; the text says why."""


def sizes(model: Model, input: str, axis: int, *, at: Shape | None = None) -> AxisSizes:
    """The sizes of one axis, the others staying as they are (as in `at`, where given).

    Raises NotPeriodic where the model has a fault of its own, or a period too long to find.
    """
    return _Search(model, input, axis, at).answer()


Size = tuple[int, int, int]
"""One size in a plan: step, output, axis."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What happens at one size: whether it works, and which steps fail, lose an edge, or have anything over; and which
    are not planned because others fail.
    """

    works: bool
    unplanned: frozenset[int]
    failing: frozenset[int]
    lossy: frozenset[int]
    inexact: frozenset[int]


class _Search:
    def __init__(self, model: Model, input: str, axis: int, at: Shape | None) -> None:
        if any(each.severity == "error" for each in model.diagnostics):
            raise NotPeriodic("the model file has faults that no input size mends")
        instance = next(each for each in model.instances if each.name == input)
        assert instance.input is not None
        self.model, self.input, self.axis = model, input, axis
        self.shape = at or instance.input
        self.known: Known = {}
        self.tensors = 0
        self.tied: list[frozenset[int] | None] = [None] * len(model.instances)
        self.ledger: dict[int, tuple[tuple[int, int, bool, bool], ...]] = {}

    def answer(self) -> AxisSizes:
        far = _Far(self)
        found: list[_Verdict] = []
        calm = 0
        while calm < far.period:
            n = len(found) + 1
            if n > MOST_TRIED:
                raise NotPeriodic(f"no period of {far.period} was complete within the first {MOST_TRIED:,} sizes")
            plan = self.plan(n)
            found.append(self.verdict(plan))
            calm = calm + 1 if far.agrees(plan, n) else 0
        steady = n - far.period + 1

        def residues(verdicts: Iterable[bool]) -> Residues:
            return _residues(list(verdicts), steady, far.period)

        picky = sorted(frozenset[int]().union(*(each.failing | each.inexact | each.lossy for each in found)))
        return AxisSizes(
            input=self.input,
            axis=self.axis,
            name=axis_name(self.axis, len(self.shape.spatial)),
            given=self.shape[self.axis],
            works=residues(each.works for each in found),
            lossless=residues(each.works and not each.lossy for each in found),
            exact=residues(each.works and not (each.lossy or each.inexact) for each in found),
            conditions=tuple([self.condition(step, found, steady, far.period) for step in picky]),
        )

    def condition(self, step: int, found: list[_Verdict], steady: int, period: int) -> Condition:
        """What one step asks for; it asks for nothing where others keep it from being planned."""

        def residues(bad: Iterable[bool], among: Residues | None) -> Residues:
            verdicts = [
                (None if among is None or n in among else False) if step in each.unplanned else not fails
                for n, (each, fails) in enumerate(zip(found, bad, strict=True), 1)
            ]
            return _residues(verdicts, steady, period)

        works = residues((step in each.failing for each in found), None)
        lossless = residues((step in each.failing | each.lossy for each in found), works)
        exact = residues((step in each.failing | each.lossy | each.inexact for each in found), works)
        return Condition(self.model.instances[step].name, works, lossless, exact)

    def plan(self, n: int) -> Plan:
        sizes = list(self.shape)
        sizes[self.axis] = n
        plan = propagate(self.model, inputs={self.input: Shape(sizes)}, known=self.known)
        self.tensors += sum(len(step.facts.outputs) for step in plan.steps if step.facts is not None)
        if self.tensors > MOST_TENSORS:
            raise NotPeriodic(f"a period was not complete when {MOST_TENSORS:,} tensors had been planned")
        return plan

    def verdict(self, plan: Plan) -> _Verdict:
        lossy, inexact = set(), set()
        for i, step in enumerate(plan.steps):
            if step.facts is None:
                continue
            if self.tied[i] is None:
                self.tied[i] = self.ties(step)
            if step.is_input:
                continue
            key = id(step.facts)  # `known` keeps it alive
            if key not in self.ledger:
                self.ledger[key] = tuple(_entries(step))
            for source, axis, loses, uneven in self.ledger[key]:
                if axis in (self.tied[step.sources[source].step] or ()):
                    if loses:
                        lossy.add(i)
                    if uneven:
                        inexact.add(i)
        absent = [i for i, step in enumerate(plan.steps) if step.facts is None]
        failing = frozenset([i for i in absent if _fails(plan.steps[i])])
        return _Verdict(plan.complete, frozenset(absent) - failing, failing, frozenset(lossy), frozenset(inexact))

    def ties(self, step: Step) -> frozenset[int]:
        """Which spatial axes of a step's outputs descend from the axis in question."""
        if step.is_input:
            return frozenset({self.axis} if step.name == self.input else ())
        return frozenset(
            to
            for links in step.links
            for ref, link in zip(step.sources, links, strict=True)
            for axis, to in enumerate(link.landing)
            if to is not None and axis in (self.tied[ref.step] or ())
        )


class _Far:
    """What becomes of a model far out: its period, how fast its sizes grow, and which steps work.

    A layer may take only some of the sizes that it meets, such as the even ones. It is asked about many of them by
    itself, and the period made longer by what it wants.
    """

    def __init__(self, search: _Search) -> None:
        self.growth: dict[Size, Fraction] = {}
        self.period, wanted = 0, 1
        while wanted != self.period:
            if wanted > LONGEST_PERIOD:
                raise NotPeriodic(f"they repeat after {wanted:,} sizes at the earliest, which is more than are tried")
            self.period = wanted
            start = FAR - FAR % wanted
            plans = [search.plan(n) for n in range(start, start + wanted)]
            for n, plan in enumerate(plans, start):
                if any(size not in self.growth for size in _lengths(plan)):
                    stretch = STRETCH - STRETCH % wanted
                    self.measure(plan, search.plan(n + stretch), search.plan(n + 2 * stretch), stretch)
            gaps = [self.asked_for(step) for plan in plans for step in plan.steps if _fails(step)]
            wanted = math.lcm(wanted, *(rate.denominator for rate in self.growth.values()), *gaps)
        self.planned = [[step.facts is not None for step in plan.steps] for plan in plans]
        known = {i: step for plan in plans for i, step in enumerate(plan.steps) if step.inputs}
        known |= {i: step for plan in plans for i, step in enumerate(plan.steps) if step.inputs and step.facts}
        self.moving = [each for i, step in known.items() for each in self.maps(i, step)]
        self.order = [each for i, step in known.items() for each in self.compares(i, step)]

    def measure(self, near: Plan, far: Plan, farther: Plan, stretch: int) -> None:
        """Take down the growth of the sizes in three plans, `stretch` cells apart each."""
        second, third = _lengths(far), _lengths(farther)
        for size, length in _lengths(near).items():
            if size in third and size in second and size not in self.growth:
                gain = second[size] - length
                rate = Fraction(gain, stretch).limit_denominator(LONGEST_PERIOD)
                bent = third[size] - second[size] - gain
                if abs(rate * stretch - gain) > LONGEST_PERIOD or abs(bent) > LONGEST_PERIOD:
                    raise NotPeriodic("a size does not grow in proportion to the input")
                self.growth[size] = rate

    def rates(self, step: Step) -> list[list[Fraction]]:
        """How fast each size of each input of a step grows."""
        places = [(ref.step, ref.output or 0) for ref in step.sources] if step.inputs else []
        return [
            [self.growth.get((*place, axis), STILL) for axis in range(len(x))]
            for place, x in zip(places, step.inputs, strict=True)
        ]

    def asked_for(self, step: Step) -> int:
        """The period of the input sizes for which a step works that fails at one of them."""
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

    def agrees(self, plan: Plan, n: int) -> bool:
        """Whether a plan of size n is as it is far out: its maps regular, its sizes in order, its steps as able."""
        steps = plan.steps
        if [step.facts is not None for step in steps] != self.planned[n % self.period]:
            return False
        for i, source, axis in self.moving:
            for links in steps[i].links:
                link = links[source]
                along = link.axes[axis] if axis < len(link.axes) else link.channels
                if steps[i].inputs[source][axis] < along.settles:
                    return False
        for i, source, axis, sign in self.order:
            inputs = steps[i].inputs
            if inputs and (inputs[source][axis] - inputs[0][axis]) * sign <= 0:
                return False
        return all(self.outgrown(step) for step in steps if _fails(step))

    def outgrown(self, step: Step) -> bool:
        """Whether what grows at a failing step is larger than all numbers that its arguments may compare it to.

        A list of them may be the sizes of a tensor with as many elements, or of an axis.
        """
        assert step.layer is not None
        given = step.layer.given()
        products = [math.prod(each) for each in _lists(given)]
        axes = [number for each in _lists(given) for number in each] + [
            each for each in products if each <= LONGEST_PERIOD
        ]
        for x, rates in zip(step.inputs, self.rates(step), strict=True):
            growing = [length for length, rate in zip(x, rates, strict=True) if rate]
            if growing and (min(growing) <= max(axes, default=0) or x.elements <= max(products, default=0)):
                return False
        return True


def _fails(step: Step) -> bool:
    """Whether a step has a fault of its own."""
    return step.facts is None and step.layer is not None and bool(step.inputs)


def _works(step: Step, sizes: list[list[int]]) -> bool:
    assert step.layer is not None
    try:
        step.layer.facts(*map(Shape, sizes))
    except Fault:
        return False
    return True


def _lengths(plan: Plan) -> dict[Size, int]:
    return {
        (i, output, axis): n
        for i, step in enumerate(plan.steps)
        for output, shape in enumerate(step.outputs)
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


def _entries(step: Step) -> list[tuple[int, int, bool, bool]]:
    """The axes of a step that lose real cells at an edge, or have anything over: input, axis, the one, the other."""
    found = []
    for each in losses_of(step):
        edge = bool(each.loss.lost or each.loss.lost_before)
        uneven = bool(each.loss.leftover or each.loss.overhang)
        if edge or uneven:
            found.append((each.source, each.axis, edge, uneven))
    return found


def _residues(verdicts: Sequence[bool | None], steady: int, period: int) -> Residues:
    """The set of the sizes 1, 2, … for which `verdicts` hold, which repeat with `period` from `steady` on.

    Where one is None, the set may hold the size or not, whichever is said more simply.
    """
    cycle = [verdicts[steady - 1 + (i - steady) % period] is not False for i in range(period)]  # by n mod period
    while shorter := next(
        (p for p in range(1, period) if period % p == 0 and cycle == cycle[:p] * (period // p)), None
    ):
        cycle, period = cycle[:shorter], shorter
    start = steady
    while start > 1 and verdicts[start - 2] in (None, cycle[(start - 1) % period]):
        start -= 1
    residues = tuple([r for r, holds in enumerate(cycle) if holds])
    if not residues:
        return Residues(1, 1, (), tuple([n for n, holds in enumerate(verdicts, 1) if holds]))
    start = next(n for n in range(start, start + period) if n % period in residues)
    return Residues(start, period, residues, tuple([n for n in range(1, start) if verdicts[n - 1]]))
