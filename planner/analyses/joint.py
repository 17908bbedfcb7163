"""Joint axes: the axes of inputs in sets that depend on one another, with the sizes at which the model works.

Which axes do is worked out from the steps at one size, and then tried at other sizes: where the model works or fails
contrary to that answer, the step that decides it is taken to constrain all axes together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random

from planner.analyses.coupling import Coupling
from planner.analyses.dependence import Axes, InputAxes, InputAxis
from planner.analyses.groups import SizeGroup
from planner.analyses.line import NotPeriodic
from planner.analyses.replanning import Before, Replanned
from planner.analyses.residues import Residues
from planner.plan import Plan

SAMPLES = 3
"""Sizes of each axis that are tried with those of the others."""
TRIED = 224
"""A large size that is tried too, beside small ones."""
MOST_TRIED = 64
"""Combinations of sizes that are tried where there are many axes."""
FAR = 1000
"""The number of a box far out that is tried, in groups with endlessly many boxes."""
SURPRISES = 4
"""How many steps may be added that only trying shows to be coupled."""
OUT_OF_SIGHT = "they meet behind a step that asks for some of them together"
NOT_UNDERSTOOD = "its axes depend on one another in a way that is not understood"


@dataclass(frozen=True)
class JointAxes:
    """Axes that depend on one another, with their sizes at which the model works, all other axes staying as they are.

    groups  the sizes that work together; no size is in two groups
    reason  why the sizes are not known, where `coupling` is None
    """

    component: InputAxes
    coupling: Coupling | None
    groups: tuple[SizeGroup, ...] = ()
    reason: str = ""

    def __contains__(self, sizes: object) -> bool:
        return any(sizes in group for group in self.groups)


def joint(base: Plan, sources: Sequence[int], seen: Before) -> tuple[Axes, list[JointAxes]]:
    """The spatial axes of some inputs, in sets that do not depend on one another."""
    axes = Axes(base, sources, seen)
    couples = frozenset[int]()
    joints: list[JointAxes] = []
    for _ in range(SURPRISES):
        joints = [_solved(axes, each, couples) for each in axes.followed.components(couples)]
        try:
            surprising = _surprising(axes, joints)
        except NotPeriodic as why:
            return axes, [JointAxes(each.component, None, (), str(why)) for each in joints]
        if surprising is None:
            return axes, joints
        couples |= {surprising}
    return axes, [JointAxes(each.component, None, (), NOT_UNDERSTOOD) for each in joints]


def _solved(axes: Axes, component: InputAxes, couples: frozenset[int]) -> JointAxes:
    try:
        if component not in axes.components(couples):
            raise NotPeriodic(OUT_OF_SIGHT)
        coupling = Coupling(axes, component, couples)
        return JointAxes(component, coupling, coupling.solve())
    except NotPeriodic as why:
        return JointAxes(component, None, (), str(why))


def _surprising(axes: Axes, joints: Sequence[JointAxes]) -> int | None:
    """A step that contradicts the groups of sizes: the step fails at sizes in the groups, or works at sizes outside;
    None where no step does. Only some sizes are tried. Raises NotPeriodic where no step can be named.
    """
    solved = [each for each in joints if each.coupling is not None]
    if sum(len(each.component) for each in solved) < 2 or (len(solved) < len(joints) and not axes.base.complete):
        return None
    for sizes in _tried(solved):
        said = all(tuple(sizes[input_axis] for input_axis in each.component) in each for each in solved)
        plan = axes.at(sizes)
        if plan.complete != said:
            failing = _failing(solved, sizes) if plan.complete else _asking(solved, plan)
            if not failing:
                raise NotPeriodic(NOT_UNDERSTOOD)
            return min(failing)
    return None


def _asking(joints: Sequence[JointAxes], plan: Replanned) -> set[int]:
    """The steps that ask for each axis by itself, and fail in a plan."""
    couplings = [each.coupling for each in joints if each.coupling]
    return {i for coupling in couplings for steps in coupling.before for i in steps if i in plan.failing}


def _failing(joints: Sequence[JointAxes], sizes: dict[InputAxis, int]) -> set[int]:
    """The steps that ask for one axis by itself, and fail at its size in `sizes`, the others staying as they are."""
    found = set[int]()
    for joint_axes in joints:
        assert joint_axes.coupling is not None
        for input_axis, each in zip(joint_axes.component, joint_axes.coupling.walks, strict=True):
            plan = each.line.plan(sizes[input_axis])
            found |= _asking([joint_axes], plan) if plan is not None else set()
    return found


def _tried(joints: Sequence[JointAxes]) -> Iterator[dict[InputAxis, int]]:
    """The smallest sizes that work on each axis, in every combination where there are few axes, some at random, and
    some that are said to work.
    """
    random = Random(0)
    input_axes = [input_axis for each in joints for input_axis in each.component]
    first = [_first(each.coupling.alone(k)) for each in joints if each.coupling for k in range(len(each.component))]
    few = len(input_axes) <= 3
    for some in (first, [[1, 2, 3, TRIED]] * len(input_axes)):
        several = product(*some) if few else (tuple(map(random.choice, some)) for _ in range(MOST_TRIED // 4))
        for each in several:
            yield dict(zip(input_axes, each, strict=True))
    for _ in range(min(8 * len(input_axes), MOST_TRIED)):
        yield {input_axis: random.choice((random.randint(1, 64), random.randint(1, 512))) for input_axis in input_axes}
    for k in (0, 1, FAR, FAR + 1) if all(each.groups for each in joints) else ():
        for _ in range(4):
            yield {input_axis: n for each in joints for input_axis, n in _member(each, k, random)}


def _first(sizes: Residues) -> list[int]:
    found: list[int] = []
    n: int | None = 0
    while len(found) < SAMPLES and n is not None and (n := sizes.above(n)) is not None:
        found.append(n)
    return found or [1]


def _member(joint_axes: JointAxes, k: int, random: Random) -> Iterator[tuple[InputAxis, int]]:
    """Sizes that are said to work, in the k-th box of a group."""
    group = random.choice(joint_axes.groups)
    for input_axis, sizes in zip(joint_axes.component, group.at(k), strict=True):
        near = sizes.nearest(random.randint(1, 512))
        assert near is not None
        yield input_axis, near
