"""Joint axes: the axes of inputs in sets that depend on one another, with the sizes at which the model works.

Which axes do is read off the steps as they are at one size, and then tried at others: where a model works or fails
against what is said, the step that makes it so is taken to ask for all axes at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random

from planner.analyses.coupling import Coupling
from planner.analyses.dependence import Axes, InputAxes, InputAxis
from planner.analyses.groups import SizeGroup
from planner.analyses.line import NotPeriodic, fails
from planner.analyses.residues import Residues
from planner.plan import Known, Plan

SAMPLES = 3
"""Sizes of each axis that are tried with those of the others."""
TRIED = 224
"""A large size that is tried too, beside small ones."""
MOST_TRIED = 64
"""Sizes tried of many axes."""
FAR = 1000
"""Boxes of a group that goes on for ever that are tried far out."""
SURPRISES = 4
"""How often a step that is found to be coupled by trying is added."""
OUT_OF_SIGHT = "they meet behind a step that asks for some of them together"
NOT_UNDERSTOOD = "its axes depend on one another in a way that is not understood"


@dataclass(frozen=True)
class JointAxes:
    """Axes that depend on one another, with their sizes at which the model works, all other axes staying as they are.

    groups  none of whose sizes is in two of them
    reason  why they are not known, where there is no coupling
    """

    component: InputAxes
    coupling: Coupling | None
    groups: tuple[SizeGroup, ...] = ()
    reason: str = ""

    def __contains__(self, sizes: object) -> bool:
        return any(sizes in group for group in self.groups)


def joint(base: Plan, sources: Sequence[int], known: Known) -> tuple[Axes, list[JointAxes]]:
    """The spatial axes of some inputs in parts that do not depend on one another."""
    axes = Axes(base, sources, known)
    couples = frozenset[int]()
    parts: list[JointAxes] = []
    for _ in range(SURPRISES):
        parts = [_part(axes, each, couples) for each in axes.followed.components(couples)]
        try:
            surprising = _surprising(axes, parts)
        except NotPeriodic as why:
            return axes, [JointAxes(each.component, None, (), str(why)) for each in parts]
        if surprising is None:
            return axes, parts
        couples |= {surprising}
    return axes, [JointAxes(each.component, None, (), NOT_UNDERSTOOD) for each in parts]


def _part(axes: Axes, component: InputAxes, couples: frozenset[int]) -> JointAxes:
    try:
        if component not in axes.components(couples):
            raise NotPeriodic(OUT_OF_SIGHT)
        coupling = Coupling(axes, component, couples)
        return JointAxes(component, coupling, coupling.solve())
    except NotPeriodic as why:
        return JointAxes(component, None, (), str(why))


def _surprising(axes: Axes, parts: Sequence[JointAxes]) -> int | None:
    """A step that contradicts the groups of sizes: it fails at sizes in them, or works at sizes outside; None where no
    step does. Only some sizes are tried. Raises NotPeriodic where no step can be named.
    """
    solved = [part for part in parts if part.coupling is not None]
    if sum(len(part.component) for part in solved) < 2 or (len(solved) < len(parts) and not axes.base.complete):
        return None
    for sizes in _tried(solved):
        said = all(tuple(sizes[place] for place in part.component) in part for part in solved)
        plan = axes.at(sizes)
        if plan.complete != said:
            failing = _failing(solved, sizes) if plan.complete else _asking(solved, plan)
            if not failing:
                raise NotPeriodic(NOT_UNDERSTOOD)
            return min(failing)
    return None


def _asking(parts: Sequence[JointAxes], plan: Plan) -> set[int]:
    """The steps that ask for each axis by itself, and fail in a plan."""
    return {i for part in parts if part.coupling for each in part.coupling.before for i in each if fails(plan.steps[i])}


def _failing(parts: Sequence[JointAxes], sizes: dict[InputAxis, int]) -> set[int]:
    """The steps that ask for one axis by itself, and fail at its size in `sizes`, the others staying as they are."""
    found = set[int]()
    for part in parts:
        assert part.coupling is not None
        for place, each in zip(part.component, part.coupling.walks, strict=True):
            plan = each.line.plan(sizes[place])
            found |= _asking([part], plan) if plan is not None else set()
    return found


def _tried(parts: Sequence[JointAxes]) -> Iterator[dict[InputAxis, int]]:
    """The smallest sizes that work on each axis, in every combination where there are few axes, some at random, and
    some that are said to work.
    """
    random = Random(0)
    places = [place for part in parts for place in part.component]
    first = [_first(part.coupling.alone(k)) for part in parts if part.coupling for k in range(len(part.component))]
    few = len(places) <= 3
    for some in (first, [[1, 2, 3, TRIED]] * len(places)):
        several = product(*some) if few else (tuple(map(random.choice, some)) for _ in range(MOST_TRIED // 4))
        for each in several:
            yield dict(zip(places, each, strict=True))
    for _ in range(min(8 * len(places), MOST_TRIED)):
        yield {place: random.choice((random.randint(1, 64), random.randint(1, 512))) for place in places}
    for k in (0, 1, FAR, FAR + 1) if all(part.groups for part in parts) else ():
        for _ in range(4):
            yield {place: n for part in parts for place, n in _member(part, k, random)}


def _first(sizes: Residues) -> list[int]:
    found: list[int] = []
    n: int | None = 0
    while len(found) < SAMPLES and n is not None and (n := sizes.above(n)) is not None:
        found.append(n)
    return found or [1]


def _member(part: JointAxes, k: int, random: Random) -> Iterator[tuple[InputAxis, int]]:
    """Sizes that are said to work, in the k-th box of a group."""
    group = random.choice(part.groups)
    for place, sizes in zip(part.component, group.at(k), strict=True):
        near = sizes.nearest(random.randint(1, 512))
        assert near is not None
        yield place, near
