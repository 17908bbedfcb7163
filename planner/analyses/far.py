"""Far: what becomes of a model at sizes so large that every map on the way is regular."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction

from planner.analyses.arguments import Law, law
from planner.analyses.asking import fault_of, numbers, seen, works
from planner.analyses.growing import Growing, meetings
from planner.analyses.line import Line, NotPeriodic, SizeRead, lengths
from planner.analyses.replanning import Replanned
from planner.faults.tensor_too_large import TensorTooLarge
from planner.faults.window_too_large import WindowTooLarge
from planner.geometry import Shape
from planner.model import SizeOf
from planner.plan import Plan, Step

Start = tuple[int, tuple[tuple[int, int], ...]]
"""A size at which every map of a real network is regular; how many cells are added to measure growth, and up to which
denominator: enough that the rest of a period does not matter, and so few that no tensor becomes too large.
"""
FAR: tuple[Start, ...] = (
    (1 << 22, ((1 << 36, 1 << 14), (1 << 30, 1 << 14))),
    (1 << 22, ((1 << 25, 1 << 11),)),
    (1 << 16, ((1 << 17, 1 << 8),)),
)
"""Where one axis begins; several of one size begin further down, and so does what grows with the square of the size."""
NEARER: Start = 1 << 18, ((1 << 18, 1 << 8),)
"""Where windows grow with the input, and would become too large."""
LONGEST_PERIOD = 1 << 14
"""Longer periods are not looked for."""
STILL = Fraction(0)
ORIGIN = -1, 0, 0
"""The place of the size of the line itself among the sizes of tensors."""
MOST_DIVISOR = 24
"""How many sizes, one period of the input apart, a layer that fails far out is asked about, besides multiples of the
numbers among its arguments.
"""
PERIODS = 14
"""In how many periods a size is tried far out."""
MOST_ASKED = 24
"""Successive inputs that a layer is asked about: enough that one is accepted, if the layer accepts any."""
LIMITS = TensorTooLarge, WindowTooLarge
"""Faults that say nothing about larger or smaller sizes, unless every size has them."""


class TooLargeFarOut(NotPeriodic):
    """Tensors are too large to be followed far enough."""

    def __init__(self) -> None:
        super().__init__("some of its tensors are too large to be followed far enough")


class Far:
    """What becomes of a model far out: its period, how fast its sizes grow, and which steps work.

    A layer may accept only some sizes, such as even ones. It is asked about many sizes by itself, and the period is
    made a multiple of what it requires.
    """

    def __init__(self, line: Line) -> None:
        self.line = line
        if line.nearer >= len(FAR):
            raise NotPeriodic(f"{line.together} axes of one size are more than are followed")
        sized = any([line.base.steps[i].instance.sized is not None for i in line.steps])
        self.starts = (*FAR[: line.together], NEARER) if sized else FAR
        self.mends = NotPeriodic if sized else TooLargeFarOut
        while not self.finds_period():
            line.nearer += 1
        self.moving = [each for i, step in self.steps.items() for each in self.maps(i, step)]
        self.order = [each for i, step in self.steps.items() for each in self.compares(i, step)]
        self.following = {i: [*self.laws(step)] for i, step in self.steps.items() if self.varies(step)}
        self.swelling = {i for i, laws in self.following.items() if any(each.grows for _, _, each in laws)}
        self.lengths_far = self.along() if self.following else []

    def finds_period(self) -> bool:
        """Find the period, which all that is seen in one period proves to be needed, and no more; whether that could be
        done so far out.
        """
        self.start, self.stretches = self.starts[self.line.nearer]
        try:
            self.find()
        except self.mends:
            if self.line.nearer + 1 == len(self.starts):
                raise
            return False
        return True

    def find(self) -> None:
        self.growth: dict[SizeRead, Fraction] = {}
        self.ranks: dict[tuple[int, int], int] = {}
        """How many axes each tensor has, channels included."""
        self.asked: defaultdict[int, dict[tuple[Shape, ...], int]] = defaultdict(dict)
        self.period, wanted = 0, self.line.period
        while wanted != self.period:
            if wanted > LONGEST_PERIOD:
                raise NotPeriodic(f"they repeat after {wanted:,} sizes at the earliest, which is more than are tried")
            self.period = wanted
            wanted = self.look()
        if self.unknown:
            raise TooLargeFarOut

    def look(self) -> int:
        """Plan a whole period far out, and return the period that these plans prove to be needed."""
        start = self.start // self.period * self.period
        self.unknown = False
        self.planned: list[object] = []
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
            self.planned.append(self.there(plan))
            sizes = lengths(self.line, plan)
            self.ranks.update(((i, output), axis + 1) for i, output, axis in sizes)
            for stretch, largest in self.stretches:
                if sizes.keys() - self.growth.keys():
                    self.measure(sizes, n, stretch - stretch % self.period, largest)
            self.unknown = self.unknown or bool(sizes.keys() - self.growth.keys())
            for i in self.line.steps:
                step = plan.steps[i]
                if (step.inputs or step.sizes) and (i not in self.steps or (step.facts and not self.steps[i].facts)):
                    self.steps[i] = step
            wanted = math.lcm(wanted, self.refused(plan))
        for k in range(1, PERIODS):  # one whole period may work by chance, where others do not
            plan = self.line.plan(start + k % self.period + k * self.period)
            wanted = math.lcm(wanted, self.refused(plan) if plan is not None else 1)
        wanted = math.lcm(wanted, *(rate.denominator for rate in self.growth.values()))
        return math.lcm(wanted, *(self.even(step) for step in self.steps.values() if self.varies(step)))

    # Arguments that read sizes

    def sizes(self, step: Step) -> list[Fraction]:
        """How fast the sizes grow that a step's arguments read."""
        sized = step.instance.sized
        if sized is None or not step.sizes:
            return []
        return [self.growth_of(size) for size in sized.reads]

    def growth_of(self, size: SizeOf) -> Fraction:
        """How fast a size grows that is counted from the end."""
        tensor = size.ref.step, size.ref.output or 0
        return self.growth.get((*tensor, self.ranks.get(tensor, 0) + size.axis), STILL)

    def varies(self, step: Step) -> bool:
        """Whether a step's arguments are others at other sizes of the line."""
        return any(self.sizes(step))

    def laws(self, step: Step) -> Iterator[tuple[int, Fraction, Law]]:
        """The growing sizes that arguments read, each with its place, its growth and its law."""
        assert step.instance.sized is not None
        for at, rate in enumerate(self.sizes(step)):
            if rate:
                yield at, rate, law(step.name, step.instance.sized, step.sizes, at)

    def even(self, step: Step) -> int:
        """The period of the line after which each size has grown by whole periods of what is worked out from it."""
        return math.lcm(*(x.denominator * (p // math.gcd(p, x.numerator)) for x, p in self.periods(step)))

    def periods(self, step: Step) -> Iterator[tuple[Fraction, int]]:
        return ((rate, each.period) for _, rate, each in self.laws(step))

    def along(self) -> list[dict[SizeRead, int]]:
        """The sizes of all tensors far out, by the remainder of n."""
        start = self.start // self.period * self.period
        plans = (self.line.plan(n) for n in range(start, start + self.period))
        return [{} if plan is None else {**lengths(self.line, plan), ORIGIN: start} for plan in plans]

    def in_line(self, plan: Plan, n: int) -> bool:
        """Whether all sizes at n are those far out, less what they have grown by since."""
        for i, laws in self.following.items():
            sizes = plan.steps[i].sizes
            if sizes and any(sizes[at] < each.start for at, _, each in laws):
                return False
        far = self.lengths_far[n % self.period]
        there = lengths(self.line, plan)
        cells = far.get(ORIGIN, 0) + n % self.period - n
        return all(length == far[size] - self.growth[size] * cells for size, length in there.items() if size in far)

    def reshapes(self, plan: Plan) -> bool:
        """Whether arguments that follow the size give a tensor another number of axes than it has in the file."""
        pairs = ((plan.steps[i].outputs, self.line.base.steps[i].outputs) for i in self.following)
        return any(len(x) != len(y) for found, given in pairs for x, y in zip(found, given, strict=False))

    def measure(self, near: dict[SizeRead, int], n: int, stretch: int, largest: int) -> None:
        """Take down the growth of the sizes in three plans, `stretch` cells apart each; `near` are those of the first,
        which is of n.
        """
        far, farther = self.line.plan(n + stretch), self.line.plan(n + 2 * stretch)
        if far is None or farther is None:
            return
        second, third = lengths(self.line, far), lengths(self.line, farther)
        for size, length in near.items():
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

    def refused(self, plan: Replanned) -> int:
        """The period of the input sizes for which the steps work that fail in a plan."""
        return math.lcm(*(self.asked_for(i, plan.steps[i]) for i in sorted(plan.failing)))

    def asked_for(self, i: int, step: Step) -> int:
        """The period of the input sizes for which a step works that fails at one of them."""
        asked = self.asked[i]
        key = seen(step)
        if key not in asked:
            asked[key] = self.tried(step) if len(asked) < MOST_ASKED else 1
        return asked[key]

    def tried(self, step: Step) -> int:
        growing = self.growing(step)
        if not growing:
            return 1
        smallest = [each.smallest for each in growing]
        if isinstance(fault_of(step, seen(step)), LIMITS) and not isinstance(fault_of(step, smallest), LIMITS):
            raise TooLargeFarOut
        key = id(step.instance.sized or step.layer), step.instance.own, *growing
        if key not in self.line.asked:
            self.line.asked[key] = self.taken(step, growing)
        return self.period * self.line.asked[key]

    def growing(self, step: Step) -> list[Growing]:
        """The shapes that a step reads, with the growth of each size in a period; empty where no size grows, or one
        grows by a fraction.
        """
        rates = [*self.rates(step), *([self.sizes(step)] if step.sizes else [])]
        gains = [[rate * self.period for rate in each] for each in rates]
        if not any(map(any, gains)) or any(gain.denominator > 1 for each in gains for gain in each):
            return []
        return [Growing(x, tuple(map(int, gain))) for x, gain in zip(seen(step), gains, strict=True)]

    def taken(self, step: Step, growing: Sequence[Growing]) -> int:
        """The period in k with which a step works, where it works at all."""
        taken = [works(step, [each.at(k) for each in growing]) for k in range(MOST_DIVISOR)]
        short = next((p for p in range(1, MOST_DIVISOR // 2 + 1) if taken[p:] == taken[:-p]), None)
        if short is not None and short > 1:
            return short
        long = self.divisible(step, growing)
        if short is None and long is None:
            raise NotPeriodic(f"`{step.name}` takes some sizes and refuses others without a period")
        return long or 1

    def divisible(self, step: Step, growing: Sequence[Growing]) -> int | None:
        """The period of the sizes that a step accepts if they must be multiples of a large argument, or of a product of
        arguments.
        """
        wanted = {n for each in numbers(step) for n in (*map(abs, each), math.prod(map(abs, each)))}
        periods = [
            period
            for divisor in sorted(wanted)
            if divisor > 1
            for each in growing
            for k, period in each.multiples(divisor)
            if works(step, [other.at(k) for other in growing])
        ]
        return math.lcm(*periods) if periods else None

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

    def agrees(self, plan: Replanned | None, n: int) -> bool:
        """Whether a plan of size n is like those far out: its maps are regular, its sizes are in the same order, the
        same steps work.
        """
        pattern = self.planned[n % self.period]
        if n < self.line.steady:
            return False
        if plan is None or pattern is None:
            return plan is None and pattern is None
        if self.there(plan) != pattern:
            return False
        if not self.regular(plan) or (self.following and not self.in_line(plan, n)) or self.calm(plan) is not None:
            return False
        return self.settled(plan)

    def calm(self, plan: Replanned) -> int | None:
        """For how many periods from a plan on no two sizes of a step's inputs meet that are still to cross; None where
        none are.
        """
        found = None
        for i, source, axis, sign in self.order:
            inputs = plan.steps[i].inputs
            if inputs and (apart := (inputs[0][axis] - inputs[source][axis]) * sign) >= 0:
                rates = [self.growth.get((*plan.steps[i].sources[k], axis), STILL) for k in (source, 0)]
                periods = max(0, math.ceil(apart / ((rates[0] - rates[1]) * sign * self.period)) - 1)
                found = periods if found is None else min(found, periods)
        return found

    def waits(self, plan: Replanned | None, n: int) -> int:
        """For how many periods from size n on all stays as it is there, although sizes are still to cross later; none
        where arguments follow the size, as they may change at any.
        """
        if plan is None or self.following or n < self.line.steady or self.there(plan) != self.planned[n % self.period]:
            return 0
        if not self.regular(plan, more=1) or not self.settled(plan):
            return 0
        return self.calm(plan) or 0

    def settled(self, plan: Replanned) -> bool:
        """Whether the steps that fail at a size fail at all larger ones too that are alike."""
        return all(self.outgrown(plan.steps[i], plan) for i in plan.failing)

    def there(self, plan: Replanned) -> tuple[frozenset[int], bool]:
        """Which steps do not work, and whether all outputs of the model are there."""
        return plan.absent, bool(plan.outputs)

    def regular(self, plan: Plan, more: int = 0) -> bool:
        """Whether all maps are regular; with `more` also the cells that they read or leave, from either end. Where
        arguments grow with the size, maps are others at every size, and it is their lengths that are compared.
        """
        for i, source, axis in self.moving:
            if i in self.swelling:
                continue
            for links in plan.steps[i].links:
                link = links[source]
                along = link.axes[axis] if axis < len(link.axes) else link.channels
                if plan.steps[i].inputs[source][axis] < along.settles * (1 + more) + along.widest * more:
                    return False
        return True

    def outgrown(self, step: Step, plan: Plan) -> bool:
        """Whether the growing sizes at a failing step exceed all numbers that the step may compare them to: the other
        sizes that it reads, its arguments, and the sizes of weights that are another step's.

        The numbers of a list may also be compared together: as the sizes of a tensor, by their product.
        """
        read = self.growing(step)
        if read and isinstance(fault_of(step, seen(step)), LIMITS):
            return True  # the fault is of a kind that larger sizes do not mend
        if any(works(step, [each.at(k) for each in read]) for k in meetings(read)):
            return False
        given = numbers(step)
        products = [math.prod(each) for each in given]
        axes = [number for each in given for number in each] + [each for each in products if each <= LONGEST_PERIOD]
        for each in (plan.steps[at] for at in step.instance.lenders):
            if any(length <= max(max(x) for x in step.inputs) for length in self.lengths(each)):
                return False
            axes += [n for sizes in each.weights.values() for n in sizes]
        axes += [n for x in step.instance.own or () for n in x]
        if any(length <= max(axes, default=0) for length in self.lengths(step)):
            return False
        if any(n <= max(axes, default=0) for n, rate in zip(step.sizes, self.sizes(step), strict=False) if rate):
            return False
        grown = zip(step.inputs, self.rates(step), strict=True)
        return not any(any(rates) and x.elements <= max(products, default=0) for x, rates in grown)

    def lengths(self, step: Step) -> list[int]:
        """The sizes of a step's inputs that grow."""
        pairs = zip(step.inputs, self.rates(step), strict=True)
        return [length for x, rates in pairs for length, rate in zip(x, rates, strict=True) if rate]
