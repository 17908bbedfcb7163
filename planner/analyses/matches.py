"""Matches: the sizes of several axes that go together, with what is lost at them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from planner.analyses.box import SizeBox
from planner.analyses.coupling import Coupling
from planner.analyses.dependence import Axes, InputAxes, InputAxis
from planner.analyses.groups import SizeGroup
from planner.analyses.joint import JointAxes
from planner.analyses.line import InputLine, NotPeriodic
from planner.analyses.residues import NO_SIZE, Residues, divisors, union
from planner.analyses.sizes import AxisSizes, along, listed
from planner.analyses.walk import Walk, walk
from planner.layers._layer import axis_name
from planner.plan import Plan

KINDS = ("works", "lossless", "exact")
LONGEST_SEEN = 1024
"""The other axes are brought near this size where they are longer, while what one of them loses is looked at."""
MOST_BOXES = 256
"""Boxes of an endless group that are looked at until what is lost repeats."""


@dataclass(frozen=True, slots=True)
class Match:
    """Sizes that go together: a set for each axis, where every combination of the sets' members works.

    step  by how much each axis's sets move for the next such match, and so on for ever; nothing where there is one only
    """

    axes: tuple[AxisSizes, ...]
    step: tuple[int, ...] = ()

    def box(self, kind: str = "works") -> SizeBox:
        """The box of the sizes that work, are lossless, or are exact."""
        return SizeBox(tuple([getattr(axis, kind) for axis in self.axes]), self.step)


@dataclass(frozen=True, slots=True)
class Together:
    """Axes that depend on one another, of one input or of several, with the sizes that go together.

    matches  no size of all axes is in two of them
    coupled  the steps that ask several axes at once
    """

    axes: tuple[AxisSizes, ...]
    matches: tuple[Match, ...]
    coupled: tuple[str, ...]

    @property
    def equal(self) -> AxisSizes:
        """The sizes that all axes may have at the same time."""
        works, lossless, exact = (union([each.box(kind).equal for each in self.matches]) for kind in KINDS)
        given = max(axis.given for axis in self.axes)
        return replace(self.axes[0], name="n", given=given, works=works, lossless=lossless, exact=exact)

    def match(self, sizes: Sequence[int], kind: str = "works") -> Match | None:
        """The match that holds these sizes, among those that work, are lossless, or are exact."""
        return next((each for each in self.matches if sizes in each.box(kind)), None)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs to which the axes belong."""
        return tuple(dict.fromkeys(axis.input for axis in self.axes))

    def of_twin(self, input: str) -> Together:
        """These sizes, said of another input that is read alike."""

        def own(axes: tuple[AxisSizes, ...]) -> tuple[AxisSizes, ...]:
            return tuple([replace(axis, input=input) for axis in axes])

        return Together(own(self.axes), tuple([Match(own(m.axes), m.step) for m in self.matches]), self.coupled)

    def beside(self, sizes: tuple[tuple[str, int], ...], because: str) -> Together:
        """This answer, noted to hold only beside given sizes of other inputs."""
        axes = tuple([replace(axis, beside=sizes, because=because) for axis in self.axes])
        return replace(self, axes=axes)


@dataclass(frozen=True, slots=True)
class AxisAnswer:
    """The answer for one axis: its sizes that work beside some size of the other axes, and how they go together with
    those.

    others  the axes with which it is known to depend on one another, or may
    why     why nothing is known
    """

    axis: AxisSizes | None
    together: Together | None = None
    others: InputAxes = ()
    why: str = ""

    def of_twin(self, source: int, input: str) -> AxisAnswer:
        """This answer, said of another input, which the same steps read alike."""
        axis = self.axis and replace(self.axis, input=input)
        together = self.together and self.together.of_twin(input)
        return AxisAnswer(axis, together, tuple([(source, k) for _, k in self.others]), self.why)


class AxisAnswers:
    """The answers for axes in independent parts: which sizes work, and what is lost at them.

    found  for each axis
    """

    def __init__(self, axes: Axes, parts: Sequence[JointAxes], plan: Plan) -> None:
        self.axes, self.plan = axes, plan
        self.answers: dict[InputAxis, AxisAnswer] = {}
        self.walked: dict[Walk, AxisSizes] = {}
        for part in parts:
            try:
                self.answers |= self.of(part)
            except NotPeriodic as why:
                self.answers |= dict.fromkeys(part.component, AxisAnswer(None, None, part.component, str(why)))

    def of(self, part: JointAxes) -> dict[InputAxis, AxisAnswer]:
        component, coupling = part.component, part.coupling
        if coupling is None:
            raise NotPeriodic(part.reason)
        walked = [self.along(each, walked) for each, walked in zip(component, coupling.walks, strict=True)]
        if not coupling.steps:
            return dict(zip(component, map(AxisAnswer, walked), strict=True))
        alone = [_alone(each, coupling) for each in walked]
        matches = [match for group in part.groups for match in self.matches(group, alone, coupling)]
        if len(matches) == 1 and not matches[0].step:  # then each axis may be as it is beside any size of the others
            axes = map(_with_conditions_of, matches[0].axes, walked)
            return dict(zip(component, map(AxisAnswer, axes), strict=True))
        projected = tuple([_projected(axis, k, matches) for k, axis in enumerate(alone)])
        named = tuple([self.plan.steps[i].name for i in coupling.steps if i in coupling.refusing])
        together = Together(projected, tuple(matches), named) if matches else None
        answers = [AxisAnswer(axis, together, component) for axis in projected]
        return dict(zip(component, answers, strict=True))

    def along(self, input_axis: InputAxis, walked: Walk) -> AxisSizes:
        """The sizes of an axis, the others staying as they are."""
        source, axis = input_axis
        shape = self.plan.steps[source].outputs[0]
        walked = self.axes.walks[source, 0] if source in self.axes.alike else walked
        if walked not in self.walked:
            self.walked[walked] = along(walked)
        each = self.walked[walked]
        return replace(each, axis=axis, name=axis_name(axis, len(shape.spatial)), given=shape[axis])

    def matches(self, group: SizeGroup, alone: Sequence[AxisSizes], coupling: Coupling) -> Iterator[Match]:
        """A group as a match with its losses; as several matches where the losses differ between its boxes."""
        if not group.step:
            yield Match(self.sets(group, group.sets, alone, coupling))
            return
        rounds = [
            walked.period // math.gcd(walked.period, by)
            for walked, by in zip(coupling.walks, group.step, strict=True)
            if by
        ]
        period, seen = math.lcm(*rounds), list[tuple[AxisSizes, ...]]()
        said = list[object]()
        while True:
            for k in range(len(seen), len(seen) + 2 * period):
                if k > MOST_BOXES:
                    raise NotPeriodic(f"what is lost did not repeat in the first {MOST_BOXES} pairs")
                seen.append(self.sets(group, group.at(k), alone, coupling))
                said.append([_kept(each, by) for each, by in zip(seen[-1], group.step, strict=True)])
            if said[-period:] == said[-2 * period : -period]:
                break
        period = next(
            each
            for each in (*divisors(period), period)
            if said[-each:] == said[-2 * each : -each] and said[-period:] == said[-each:] * (period // each)
        )
        start = len(seen) - period
        while start and said[start - 1] == said[start - 1 + period]:
            start -= 1
        for each in seen[:start]:
            yield Match(each)
        for each in seen[start : start + period]:
            yield Match(each, tuple(period * by for by in group.step))

    def sets(
        self, group: SizeGroup, sets: Sequence[Residues], alone: Sequence[AxisSizes], coupling: Coupling
    ) -> tuple[AxisSizes, ...]:
        """For each axis, the sizes in a box that lose nothing, and those that have nothing left over."""
        shapes = [
            (input_axis, sizes, self.plan.steps[input_axis[0]].outputs[0][input_axis[1]])
            for input_axis, sizes in zip(coupling.component, sets, strict=True)
        ]
        plan = self.axes.at({input_axis: _near(sizes, min(n, LONGEST_SEEN)) for input_axis, sizes, n in shapes})
        found = []
        for k, (input_axis, works, _) in enumerate(shapes):
            line, steps = InputLine(plan, input_axis[:1], input_axis[1:], self.axes.replanned), coupling.before[k]
            kept = listed(line, works, steps) if not works.residues else along(walk(line), steps)
            lossless = kept.lossless & works if group.lossless else NO_SIZE
            exact = kept.exact & works if group.exact else NO_SIZE
            found.append(replace(alone[k], works=works, lossless=lossless, exact=exact))
        if not all(each.lossless for each in found):
            found = [replace(each, lossless=NO_SIZE) for each in found]
        if not all(each.exact for each in found):
            found = [replace(each, exact=NO_SIZE) for each in found]
        return tuple(found)


def _alone(axis: AxisSizes, coupling: Coupling) -> AxisSizes:
    """The sizes of an axis as far as steps ask for that axis by itself."""
    return replace(axis, conditions=tuple([c for c in axis.conditions if not coupling.couples(c.step)]))


def _with_conditions_of(axis: AxisSizes, walked: AxisSizes) -> AxisSizes:
    return replace(axis, conditions=walked.conditions)


def _kept(axis: AxisSizes, by: int) -> object:
    """The sizes of an axis that lose nothing, and those that have nothing left over; of sets that move, by position."""
    if not by:
        return axis.lossless, axis.exact
    return [(n in axis.lossless, n in axis.exact) for n in axis.works.also]


def _projected(axis: AxisSizes, k: int, matches: Sequence[Match]) -> AxisSizes:
    """The sizes of an axis that hold beside some size of the others."""
    works, lossless, exact = (union([each.box(kind).along(k) for each in matches]) for kind in KINDS)
    return replace(axis, works=works, lossless=lossless, exact=exact)


def _near(sizes: Residues, n: int) -> int:
    near = sizes.nearest(n)
    assert near is not None
    return near
