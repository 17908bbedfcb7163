"""Dependence: which axes of a model's inputs some step asks for together, and which axes are independent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property

from planner.analyses.line import InputLine, NotPeriodic, Size, behind
from planner.analyses.replanning import replan
from planner.analyses.walk import Walk, walk
from planner.geometry import AxisMap, Link, Shape
from planner.plan import Known, Plan, Step, Tensor, given

InputAxis = tuple[int, int]
"""A spatial axis of an input: the input's step, and the axis."""
InputAxes = tuple[InputAxis, ...]
"""Axes that depend on one another, in order."""


SWAYING = 1, 2, 3, 8, 16, 32, 64, 128, 1000
"""Cells that are added to an axis to see whether it has a say in how a step goes along another one."""
FAR = 1000
"""Cells that are added to an axis to see whether a length depends on its size."""


class Axes:
    """The spatial axes of some inputs; each is walked along by itself, all others staying as they are in `base`.

    walks    what happens along each
    reasons  why an axis could not be walked along
    sizes    the axes that have a say in a size
    swayed   the axes that have a say in how a step goes along an axis of a source, by step, source and axis: where its
             arguments read a size of another axis
    """

    def __init__(self, base: Plan, sources: Sequence[int], known: Known) -> None:
        self.base, self.known = base, known
        self.input_axes = [(i, axis) for i in sources for axis in range(len(base.steps[i].outputs[0].spatial))]
        self.walks: dict[InputAxis, Walk] = {}
        self.reasons: dict[InputAxis, str] = {}
        self.sizes: defaultdict[Size, set[InputAxis]] = defaultdict(set)
        self.swayed: defaultdict[tuple[int, int, int], set[InputAxis]] = defaultdict(set)
        self.alike: set[int] = set()
        for input_axis in self.input_axes:
            try:
                self.walks[input_axis] = self.walked(input_axis)
                varying = self.walks[input_axis].varying
            except NotPeriodic as why:
                self.reasons[input_axis] = str(why)
                varying = {
                    (i, output, at)
                    for i in (input_axis[0], *behind(base, input_axis[0]))
                    for output, shape in enumerate(base.steps[i].outputs)
                    for at in range(len(shape))
                }
            for size in varying:
                self.sizes[size].add(input_axis)
            for at in self.swaying(input_axis):
                self.swayed[at].add(input_axis)

    @cached_property
    def followed(self) -> Axes:
        """The same axes, followed also through steps that work at no large size of one axis alone: with other sizes of
        the other axes such steps may work, and the sizes of their outputs change.
        """
        more = copy(self)
        more.sizes = defaultdict(set, {size: set(input_axes) for size, input_axes in self.sizes.items()})
        for i in sorted(set[int]().union(*map(_never_far_out, self.walks.values())) - {-1}):
            for output, axis, found in more.arriving(self.base.steps[i]):
                more.sizes[i, output, axis] |= found
        return more

    def swaying(self, input_axis: InputAxis) -> Iterator[tuple[int, int, int]]:
        """Where steps go along an axis of a source otherwise because the size of an input's axis is another."""
        sized = [i for i in behind(self.base, input_axis[0]) if self.base.steps[i].instance.sized is not None]
        n = self.base.steps[input_axis[0]].outputs[0][input_axis[1]]
        line = InputLine(self.base, input_axis[0], input_axis[1:], self.known)
        others = [line.plan(size) for size in (*(n + k for k in SWAYING), 2 * n, -(-n // 2))] if sized else []
        for i in sized:
            for plan in others:
                for links, were in zip(plan.steps[i].links, self.base.steps[i].links, strict=False):
                    for source, (link, was) in enumerate(zip(links, were, strict=True)):
                        now = zip((*link.axes, link.channels), (*was.axes, was.channels), strict=True)
                        yield from ((i, source, axis) for axis, (a, b) in enumerate(now) if a != b)

    def arriving(self, step: Step) -> Iterator[tuple[int, int, set[InputAxis]]]:
        """For the sizes of a step's outputs, the axes that have a say in them, as the links have it."""
        for output, (links, y) in enumerate(zip(step.links, step.outputs, strict=True)):
            for ref, link, x in zip(step.sources, links, step.inputs, strict=True):
                maps = (*link.axes, link.channels)
                for axis, to in enumerate(_landing(link, len(x), len(y))):
                    if read := self.read(step):
                        yield from ((output, at, read) for at in range(len(y)))
                    if to is None or _varies(maps[axis], x[axis]):
                        for at in range(len(y)) if to is None else (to,):
                            yield output, at, self.of(ref, axis)

    def walked(self, input_axis: InputAxis) -> Walk:
        source, axis = input_axis
        line = InputLine(self.base, source, (axis,), self.known)
        first = self.walks.get((source, 0))
        if axis == 0 or first is None:
            return walk(line)
        if axis == 1 and _alike(self.base, first):
            self.alike.add(source)
        if source not in self.alike:
            return walk(line)
        varying = {(i, output, axis) for i, output, _ in first.varying}
        return Walk(line, first.far, first.steady, first.verdicts, varying)

    def at(self, sizes: Mapping[InputAxis, int]) -> Plan:
        """The model with these sizes, the others as they are in `base`."""
        shapes = {i: list(self.base.steps[i].outputs[0]) for i, _ in sizes}
        for (i, axis), n in sizes.items():
            shapes[i][axis] = n
        steps = sorted(set[int]().union(*(self.behind[i] for i in shapes)))
        return replan(self.base, {i: given(Shape(x)) for i, x in shapes.items()}, steps, self.known)

    @cached_property
    def behind(self) -> dict[int, list[int]]:
        """The steps that depend on each input."""
        return {i: behind(self.base, i) for i, _ in self.input_axes}

    @cached_property
    def reached(self) -> dict[int, list[InputAxis]]:
        """The axes of all inputs that each step depends on."""
        found: defaultdict[int, list[InputAxis]] = defaultdict(list)
        for input_axis in self.input_axes:
            for i in self.behind[input_axis[0]]:
                found[i].append(input_axis)
        return found

    def components(self, couples: frozenset[int]) -> list[InputAxes]:
        """The axes in sets: axes are in one set if a step asks for them together, or a step of `couples` may."""
        together = {input_axis: {input_axis} for input_axis in self.input_axes}
        for i in self.reached:
            for each in self.asked_together(i, couples):
                whole = set[InputAxis]().union(*(together[input_axis] for input_axis in each))
                together.update(dict.fromkeys(whole, whole))
        return sorted({tuple(sorted(each)) for each in together.values()})

    def asked_together(self, i: int, couples: frozenset[int]) -> list[set[InputAxis]]:
        """The sets of two or more axes that a step asks for together, because it folds them away together, joins or
        compares them.
        """
        step = self.base.steps[i]
        if i in couples or step.facts is None:
            found = [set(self.reached[i])]
        else:
            seen = self.seen(step)
            joins = len(seen) > 1 and self.folds(step) and self.hangs_on_several(i, step, seen)
            found = [seen] if joins else list(self.meetings(i, step))
        found += [self.channels(step) | self.channels(self.base.steps[at]) for at in step.instance.lenders]
        return [each for each in found if len(each) > 1]

    def seen(self, step: Step) -> set[InputAxis]:
        """The axes that a step's inputs depend on."""
        return self.read(step).union(
            *(self.of(ref, axis) for ref, x in self.inputs(step) for axis in range(len(x))),
        )

    def read(self, step: Step) -> set[InputAxis]:
        """The axes that the sizes depend on which a step's arguments read."""
        sized = step.instance.sized
        if sized is None:
            return set()
        tensors = [(Tensor(ref.step, ref.output or 0), axis) for ref, axis in sized.reads]
        shapes = [self.base.shape(tensor) for tensor, _ in tensors]
        return set[InputAxis]().union(
            *(self.of(tensor, len(x) + axis) for (tensor, axis), x in zip(tensors, shapes, strict=True) if x)
        )

    def channels(self, step: Step) -> set[InputAxis]:
        """The axes that the channels of a step's inputs depend on, and with them the sizes of its weights."""
        return set[InputAxis]().union(*(self.of(ref, len(x) - 1) for ref, x in self.inputs(step)))

    def inputs(self, step: Step) -> Iterator[tuple[Tensor, Shape]]:
        return zip(step.sources if step.inputs else (), step.inputs, strict=True)

    def of(self, ref: Tensor, axis: int) -> set[InputAxis]:
        return self.sizes.get((ref.step, ref.output, axis), set())

    def folds(self, step: Step) -> bool:
        """Whether an axis that changes is folded away."""
        return any(
            to is None and self.of(ref, axis)
            for links, y in zip(step.links, step.outputs, strict=True)
            for ref, link, x in zip(step.sources, links, step.inputs, strict=True)
            for axis, to in enumerate(_landing(link, len(x), len(y)))
        )

    def hangs_on_several(self, i: int, step: Step, seen: set[InputAxis]) -> bool:
        """Whether a size of a step's outputs depends on several axes, as after a Flatten, or the step itself does: it
        fails at some size of one axis, the others staying as they are. A Permute, which moves axes, does not.
        """
        outputs = [(o, axis) for o, x in enumerate(step.outputs) for axis in range(len(x))]
        if any(len(self.sizes.get((i, *at), ())) > 1 for at in outputs) or not seen <= self.walks.keys():
            return True
        return any(i in verdict.failing for input_axis in seen for verdict in set(self.walks[input_axis].verdicts))

    def meetings(self, i: int, step: Step) -> Iterator[set[InputAxis]]:
        """The axes that meet in each axis of a step's outputs."""
        for output, (links, y) in enumerate(zip(step.links, step.outputs, strict=True)):
            meets = [set(self.sizes.get((i, output, axis), ())) for axis in range(len(y))]
            for source, (ref, link, x) in enumerate(zip(step.sources, links, step.inputs, strict=True)):
                for axis, to in enumerate(_landing(link, len(x), len(y))):
                    if to is not None:
                        meets[to] |= self.of(ref, axis) | self.swayed.get((i, source, axis), set())
            yield from meets


def _alike(plan: Plan, along: Walk) -> bool:
    """Whether a plan treats all spatial axes in the same way, so that an answer for one is one for all."""
    spatial = plan.steps[along.line.sources[0]].outputs[0].spatial
    if any(plan.steps[i].instance.sized is not None for i in along.line.steps):
        return False
    concerned = {i for i, _, _ in along.varying}.union(*(each.failing for each in set(along.verdicts)))
    return plan.complete and len(set(spatial)) == 1 and all(_treats_alike(plan.steps[i]) for i in concerned)


def _treats_alike(step: Step) -> bool:
    return all(
        link.landing == tuple(range(len(link.axes))) and len(set(link.axes)) == 1 and not link.parts
        for links in step.links
        for link in links
    )


def _never_far_out(walked: Walk) -> frozenset[int]:
    """The steps that work at no large size of any single axis: a walk along one axis shows only a few sizes after
    them.
    """
    far = set(walked.verdicts[walked.steady - 1 :])
    return frozenset.intersection(*(each.failing | each.unplanned for each in far))


def _varies(along: AxisMap, n: int) -> bool:
    """Whether an axis of n cells comes to another length where it has another size."""
    return len({along.length(each) for each in (1, n, n + 1, n + FAR)}) > 1


def _landing(link: Link, rank: int, width: int) -> tuple[int | None, ...]:
    """Where each size of an input lands among those of the output, channels to channels."""
    return (*link.landing, width - 1) if rank == len(link.landing) + 1 else link.landing
