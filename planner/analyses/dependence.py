"""Dependence: which axes of a model's inputs some step asks for together, and which axes are independent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property

from planner.analyses.line import InputLine, NotPeriodic, SizeRead, behind
from planner.analyses.loss import losses_of
from planner.analyses.lossless import leaves
from planner.analyses.replanning import Before, Replanned, replan
from planner.analyses.walk import Walk, walk
from planner.diagnostics import Fault
from planner.geometry import AxisMap, Link, Shape
from planner.plan import Plan, Step, Tensor
from planner.propagation import given

InputAxis = tuple[int, int]
"""A spatial axis of an input: the input's step, and the axis."""
InputAxes = tuple[InputAxis, ...]
"""Axes that depend on one another, in order."""


MOST_ASKED = 40
"""Sizes, from 1 on, that a step is asked about by itself."""
FAR = 1000
"""Cells that are added to an axis to see whether a length depends on its size."""


class Axes:
    """The spatial axes of some inputs; each is walked along by itself, all others staying as they are in `base`.

    lines    the sizes of each
    walks    what happens along each
    reasons  why an axis could not be walked along
    sizes    the axes that have a say in a size
    swayed   the axes that have a say in how a step goes along an axis of a source, by step, source and axis: where its
             arguments read a size of another axis
    """

    def __init__(self, base: Plan, sources: Sequence[int], seen: Before) -> None:
        self.base, self.replanned = base, seen
        self.input_axes = [(i, axis) for i in sources for axis in range(len(base.steps[i].outputs[0].spatial))]
        self.lines: dict[InputAxis, InputLine] = {}
        self.walks: dict[InputAxis, Walk] = {}
        self.reasons: dict[InputAxis, str] = {}
        self.sizes: defaultdict[SizeRead, set[InputAxis]] = defaultdict(set)
        self.swayed: defaultdict[tuple[int, int, int], set[InputAxis]] = defaultdict(set)
        self.alike: set[int] = set()
        self.asking: dict[int, bool] = {}
        self.varying: dict[InputAxis, set[SizeRead]] = {}
        for input_axis in self.input_axes:
            varying = self.varying[input_axis] = set[SizeRead]()
            line = self.lines[input_axis] = InputLine(base, input_axis[:1], input_axis[1:], seen)
            try:
                self.walks[input_axis] = self.walked(input_axis)
            except NotPeriodic as why:
                self.reasons[input_axis] = str(why)
                varying |= {
                    (i, output, at)
                    for i in (input_axis[0], *behind(base, input_axis[0]))
                    for output, shape in enumerate(base.steps[i].outputs)
                    for at in range(len(shape))
                }
            for size in varying:
                self.sizes[size].add(input_axis)
            for at in line.swayed.read:
                self.swayed[at].add(input_axis)

    @cached_property
    def followed(self) -> Axes:
        """The same axes, followed also through steps that work at no large size of one axis alone: with other sizes of
        the other axes such steps may work, and the sizes of their outputs change.
        """
        more = copy(self)
        more.asking = {}
        more.sizes = defaultdict(set, {size: set(input_axes) for size, input_axes in self.sizes.items()})
        for i in sorted(set[int]().union(*map(_never_far_out, self.walks.values())) - {-1}):
            for output, axis, found in more.arriving(self.base.steps[i]):
                more.sizes[i, output, axis] |= found
        return more

    def arriving(self, step: Step) -> Iterator[tuple[int, int, set[InputAxis]]]:
        """For the sizes of a step's outputs, the axes that have a say in them, as the links have it."""
        read = self.read(step)
        for output, (links, y) in enumerate(zip(step.links, step.outputs, strict=True)):
            if read:
                yield from ((output, at, read) for at in range(len(y)))
            for ref, link, x in zip(step.sources, links, step.inputs, strict=True):
                maps = (*link.axes, link.channels)
                for axis, to in enumerate(_landing(link, len(x), len(y))):
                    if to is None or _varies(maps[axis], x[axis]):
                        for at in range(len(y)) if to is None else (to,):
                            yield output, at, self.of(ref, axis)

    def walked(self, input_axis: InputAxis) -> Walk:
        source, axis = input_axis
        line = self.lines[input_axis]
        first = self.walks.get((source, 0))
        if axis == 1 and first is not None and _alike(self.base, first, self.varying[source, 0]):
            self.alike.add(source)
        if axis == 0 or first is None or source not in self.alike:
            return walk(line, self.varying[input_axis])
        self.varying[input_axis].update((i, output, axis) for i, output, _ in self.varying[source, 0])
        return Walk(line, first.far, first.steady, first.verdicts, first.skipped)

    def at(self, sizes: Mapping[InputAxis, int]) -> Replanned:
        """The model with these sizes, the others as they are in `base`."""
        shapes = {i: list(self.base.steps[i].outputs[0]) for i, _ in sizes}
        for (i, axis), n in sizes.items():
            shapes[i][axis] = n
        steps = sorted(set[int]().union(*(self.behind[i] for i in shapes)))
        return replan(self.base, {i: given(Shape(x)) for i, x in shapes.items()}, steps, self.replanned)

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
                if not self.matters(i, each, couples):
                    continue
                whole = set[InputAxis]().union(*(together[input_axis] for input_axis in each))
                together.update(dict.fromkeys(whole, whole))
        return sorted({tuple(sorted(each)) for each in together.values()})

    def matters(self, i: int, together: set[InputAxis], couples: frozenset[int]) -> bool:
        """Whether it matters that a step makes one size of several axes: some step that reads such a size may refuse
        it, or has cells left over along it. Attention does not, which takes any number of cells.
        """
        reading = {i}
        for j in self.behind[min(together)[0]]:
            step = self.base.steps[j]
            if j != i and reading.isdisjoint(step.instance.needs):
                continue
            if j in couples or any(self.may_refuse(j, each) for each in together) or self.asks(j):
                return True
            if any(len(self.sizes.get((j, o, k), ())) > 1 for o, x in enumerate(step.outputs) for k in range(len(x))):
                reading.add(j)
        return False

    def asks(self, i: int) -> bool:
        """Whether a step refuses some size in place of one that several axes have a say in, or has cells left
        over along it.
        """
        if i not in self.asking:
            self.asking[i] = self._asks(self.base.steps[i])
        return self.asking[i]

    def _asks(self, step: Step) -> bool:
        instance = step.instance
        if step.facts is None or instance.sized or instance.own or (instance.lenders and step.weights):
            return True
        assert step.layer is not None
        joint = [[len(self.of(ref, axis)) > 1 for axis in range(len(x))] for ref, x in self.inputs(step)]
        given = {n for x, each in zip(step.inputs, joint, strict=True) for n, many in zip(x, each, strict=True) if many}
        for n in given:
            for m in (*range(1, MOST_ASKED), n - 1 or 1, n + 1, n + FAR):
                shapes = tuple(
                    Shape([m if many and k == n else k for k, many in zip(x, each, strict=True)])
                    for x, each in zip(step.inputs, joint, strict=True)
                )
                try:
                    found = losses_of(replace(step, inputs=shapes, facts=step.layer.facts(*shapes)))
                except Fault:
                    return True
                if any(joint[each.source][each.axis] and leaves(each.loss) for each in found):
                    return True
        return False

    def asked_together(self, i: int, couples: frozenset[int]) -> list[set[InputAxis]]:
        """The sets of two or more axes that a step asks for together, because it folds them away together, joins or
        compares them.
        """
        step = self.base.steps[i]
        if i in couples or step.facts is None:
            found = [set(self.reached[i])]
        else:
            seen = self.seen(step)
            joins = len(seen) > 1 and self.hangs_on_several(i, step, seen, self.folded(step))
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

    def folded(self, step: Step) -> set[InputAxis]:
        """The axes that have a say in a size that is folded away."""
        return set[InputAxis]().union(
            *(
                self.of(ref, axis)
                for links, y in zip(step.links, step.outputs, strict=True)
                for ref, link, x in zip(step.sources, links, step.inputs, strict=True)
                for axis, to in enumerate(_landing(link, len(x), len(y)))
                if to is None
            )
        )

    def hangs_on_several(self, i: int, step: Step, seen: set[InputAxis], folded: set[InputAxis]) -> bool:
        """Whether a size of a step's outputs depends on several axes, of which one is folded away, as after a Flatten;
        or the step itself does: it fails at some size of one axis, the others staying as they are. A Permute, which
        moves axes, does not, nor does a product of matrices, which folds away an axis by itself.
        """
        if not folded:
            return False
        outputs = [self.sizes.get((i, o, axis), set()) for o, x in enumerate(step.outputs) for axis in range(len(x))]
        sized = step.instance.sized is not None
        if any(len(each) > 1 and (sized or each & folded) for each in outputs):
            return True
        return any(self.may_refuse(i, input_axis) for input_axis in seen)

    def may_refuse(self, i: int, input_axis: InputAxis) -> bool:
        """Whether a step fails at some size of an axis, the others staying as they are, or that is not known."""
        return input_axis not in self.walks or i in self.walks[input_axis].failing

    def meetings(self, i: int, step: Step) -> Iterator[set[InputAxis]]:
        """The axes that meet in each axis of a step's outputs."""
        for output, (links, y) in enumerate(zip(step.links, step.outputs, strict=True)):
            meets = [set(self.sizes.get((i, output, axis), ())) for axis in range(len(y))]
            for source, (ref, link, x) in enumerate(zip(step.sources, links, step.inputs, strict=True)):
                for axis, to in enumerate(_landing(link, len(x), len(y))):
                    if to is not None:
                        found = self.of(ref, axis)
                        read_whole = not _varies((*link.axes, link.channels)[axis], x[axis])
                        if read_whole and step.instance.sized is None:  # whatever its size
                            found = {each for each in found if each in meets[to] or self.may_refuse(i, each)}
                        meets[to] |= found | self.swayed.get((i, source, axis), set())
            yield from meets


def _alike(plan: Plan, along: Walk, varying: set[SizeRead]) -> bool:
    """Whether a plan treats all spatial axes in the same way, so that an answer for one is one for all."""
    spatial = plan.steps[along.line.sources[0]].outputs[0].spatial
    if any(plan.steps[i].instance.sized is not None for i in along.line.steps):
        return False
    concerned = {i for i, _, _ in varying} | along.failing
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
