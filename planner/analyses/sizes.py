"""Sizes: for which sizes of an input axis a model works, is lossless, is exact. The answer holds for every n, not for a range.

Along one axis, every length in a network is a step function F of the input's n that repeats: from some n on, F(n + P) = F(n) + Q,
where P is a common multiple of what the strides ask for. Windows, pads, crops and resampling keep this so: a stride s that
divides Q gives Q/s. Hence a verdict on n holds for n + P too, as soon as every map on the way is regular (`AxisMap.settles`) and no
two lengths that are compared are still to cross. Up to there, every n is tried.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from planner.analyses.loss import losses_of
from planner.geometry import Shape
from planner.layers._layer import axis_name
from planner.model import Model
from planner.plan import Known, Plan, Step, propagate

FAR = 1 << 22
"""A size at which every map of a real network is regular: growth is measured from here."""
STRETCH = 2**10 * 3**3 * 5**2 * 7
"""How much is added to measure growth: a multiple of every period that is looked for."""
MOST_TRIED = 20_000
"""Sizes tried before the search is given up."""


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
    """What one step asks of the input's size for the model to be exact, or lossless."""

    step: str
    allows: Residues


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


@dataclass(frozen=True, slots=True)
class _Trial:
    """What happened at one size. `lossy` and `inexact` are the steps that are; `faulty` the first step without shapes."""

    plan: Plan
    lossy: frozenset[int]
    inexact: frozenset[int]

    @property
    def works(self) -> bool:
        return self.plan.complete


Size = tuple[int, int, int]
"""One size in a plan: step, output, axis."""


class _Search:
    def __init__(self, model: Model, input: str, axis: int, at: Shape | None) -> None:
        if any(each.severity == "error" for each in model.diagnostics):
            raise NotPeriodic("the model file has faults that no input size mends")
        instance = next(each for each in model.instances if each.name == input)
        assert instance.input is not None
        self.model, self.input, self.axis = model, input, axis
        self.shape = at or instance.input
        self.known: Known = {}
        self.tied: list[tuple[frozenset[int], ...] | None] = [None] * len(model.instances)
        self.ledger: dict[int, tuple[tuple[int, int, bool, bool], ...]] = {}

    def answer(self) -> AxisSizes:
        growth, far = self.far()
        period = math.lcm(*(rate.denominator for rate in growth.values()))
        trials: list[_Trial] = []
        calm = 0
        while calm < period:
            n = len(trials) + 1
            if n > MOST_TRIED:
                raise NotPeriodic(f"no period of {period} was complete within the first {MOST_TRIED:,} sizes")
            trials.append(self.trial(n))
            calm = calm + 1 if self.settled(trials[-1].plan, growth, far) else 0
        steady = len(trials) - period + 1
        works = [trial.works for trial in trials]
        lossless = [trial.works and not trial.lossy for trial in trials]
        exact = [trial.works and not trial.lossy and not trial.inexact for trial in trials]
        picky = sorted(set().union(*(trial.inexact | trial.lossy for trial in trials)))
        conditions = []
        for step in picky:
            meets = [step not in trial.inexact and step not in trial.lossy for trial in trials]
            conditions.append(Condition(self.model.instances[step].name, _residues(meets, steady, period)))
        return AxisSizes(
            input=self.input,
            axis=self.axis,
            name=axis_name(self.axis, len(self.shape.spatial)),
            given=self.shape[self.axis],
            works=_residues(works, steady, period),
            lossless=_residues(lossless, steady, period),
            exact=_residues(exact, steady, period),
            conditions=tuple(conditions),
        )

    def plan(self, n: int) -> Plan:
        sizes = list(self.shape)
        sizes[self.axis] = n
        return propagate(self.model, inputs={self.input: Shape(sizes)}, known=self.known)

    # Growth: how many cells each size gains for a cell more of input

    def far(self) -> tuple[dict[Size, Fraction], Plan]:
        """The growth of every size that can be known, and a plan of a size far out. A plan that works tells most: where the first
        does not, others are tried, as many as there are different ones."""
        growth: dict[Size, Fraction] = {}
        best: Plan | None = None
        tried = 0
        while tried < math.lcm(*(rate.denominator for rate in growth.values())):
            near, far = self.plan(FAR + tried), self.plan(FAR + tried + STRETCH)
            for size, length in _lengths(near).items():
                if size not in growth and (later := _length(far, size)) is not None:
                    growth[size] = Fraction(later - length, STRETCH)
            if best is None or near.complete:
                best = near
            if near.complete:
                break
            tried += 1
            if tried > MOST_TRIED:
                raise NotPeriodic("the period is too long to look through")
        assert best is not None
        return growth, best

    def settled(self, plan: Plan, growth: dict[Size, Fraction], far: Plan) -> bool:
        """Whether every map of a plan is regular from here on, and every comparison of sizes has come out as it does far out."""
        for i, step in enumerate(plan.steps):
            if step.facts is None and len(step.inputs) == 0:
                continue
            rates = [
                [growth.get((ref.step, ref.output or 0, axis), Fraction(0)) for axis in range(len(x))]
                for ref, x in zip(step.sources, step.inputs, strict=True)
            ]
            for links in step.links[:1]:
                for link, x, rate in zip(links, step.inputs, rates, strict=True):
                    for along, n, grows in zip(link.axes, x.spatial, rate, strict=False):
                        if grows and not along.keeps and n < along.settles:
                            return False
            if any(any(rate) for rate in rates) and not _as_far_out(step, far.steps[i], rates):
                return False
        return True

    # One size

    def trial(self, n: int) -> _Trial:
        plan = self.plan(n)
        lossy, inexact = set(), set()
        for i, step in enumerate(plan.steps):
            if step.facts is None:
                continue
            if self.tied[i] is None:
                self.tied[i] = self._ties(i, step)
            key = id(step.facts)
            if key not in self.ledger:
                self.ledger[key] = tuple(_entries(step))
            for source, axis, loses, uneven in self.ledger[key]:
                ref = step.sources[source]
                ties = self.tied[ref.step]
                if ties is not None and axis in ties[ref.output or 0]:
                    if loses:
                        lossy.add(i)
                    if uneven:
                        inexact.add(i)
        return _Trial(plan, frozenset(lossy), frozenset(inexact))

    def _ties(self, i: int, step: Step) -> tuple[frozenset[int], ...]:
        """Which spatial axes of each output descend from the input's axis."""
        if step.is_input:
            return (frozenset({self.axis} if step.name == self.input else ()),)
        tied = []
        for links in step.links:
            axes: set[int] = set()
            for ref, link in zip(step.sources, links, strict=True):
                before = self.tied[ref.step]
                for axis in before[ref.output or 0] if before else ():
                    to = link.landing[axis] if axis < len(link.landing) else None
                    if to is not None:
                        axes.add(to)
            tied.append(frozenset(axes))
        return tuple(tied)


def _entries(step: Step) -> list[tuple[int, int, bool, bool]]:
    """The axes of a step that lose real cells at an edge, or have anything over: input, axis, the one, the other."""
    found = []
    for each in losses_of(step):
        edge = bool(each.loss.lost or each.loss.lost_before)
        uneven = bool(each.loss.leftover or each.loss.overhang)
        if edge or uneven:
            found.append((each.source, each.axis, edge, uneven))
    return found


def _lengths(plan: Plan) -> dict[Size, int]:
    return {
        (i, output, axis): n
        for i, step in enumerate(plan.steps)
        for output, shape in enumerate(step.outputs)
        for axis, n in enumerate(shape)
    }


def _length(plan: Plan, size: Size) -> int | None:
    step, output, axis = size
    outputs = plan.steps[step].outputs
    return outputs[output][axis] if output < len(outputs) and axis < len(outputs[output]) else None


def _as_far_out(step: Step, far: Step, rates: list[list[Fraction]]) -> bool:
    """Whether sizes that grow apart stand to one another as they do far out, and have outgrown every number that the layer's
    arguments compare them to where the layer has a fault."""
    for axis in range(min(map(len, rates))):
        for a in range(1, len(rates)):
            if rates[a][axis] != rates[0][axis] and len(far.inputs) > a:
                here = step.inputs[a][axis] - step.inputs[0][axis]
                there = far.inputs[a][axis] - far.inputs[0][axis]
                if (here > 0) != (there > 0) or here == 0:
                    return False
    if step.facts is None and step.layer is not None:
        largest = max(_numbers(step.layer.given()), default=0)
        return all(x.elements > largest for x, rate in zip(step.inputs, rates, strict=True) if any(rate))
    return True


def _numbers(value: object) -> Iterator[int]:
    if isinstance(value, int):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _numbers(each)
    elif isinstance(value, list | tuple):
        yield math.prod(each for each in value if isinstance(each, int))
        for each in value:
            yield from _numbers(each)


def _residues(verdicts: list[bool], steady: int, period: int) -> Residues:
    """The set of the sizes 1, 2, … for which `verdicts` hold, which repeat with `period` from `steady` on."""
    cycle = [verdicts[steady - 1 + (i - steady) % period] for i in range(period)]  # by n mod period
    while shorter := next((p for p in range(1, period) if period % p == 0 and cycle == cycle[:p] * (period // p)), None):
        cycle, period = cycle[:shorter], shorter
    start = steady
    while start > 1 and verdicts[start - 2] == cycle[(start - 1) % period]:
        start -= 1
    residues = tuple(r for r, holds in enumerate(cycle) if holds)
    if residues:
        start = next(n for n in range(start, start + period) if n % period in residues)
    also = tuple(n for n in range(1, start) if verdicts[n - 1]) if residues else tuple(i + 1 for i, v in enumerate(verdicts) if v)
    return Residues(start if residues else 1, period if residues else 1, residues, also)
