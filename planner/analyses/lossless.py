"""Lossless: the steps that leave out real cells along one axis that nothing else reads either, at one size.

It is what the rules say with NSP320, NSP321, NSP322 and NSP334, and NSP325 comes only beside these: so a size is
lossless if and only if `planner check` finds none of them there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import accumulate
from operator import or_
from typing import NamedTuple

from planner.analyses.line import Swayed
from planner.analyses.loss import AxisLoss, losses_of
from planner.analyses.reach import Reach, reach
from planner.cells import Cells, all_cells, shifted, stretches
from planner.geometry import AxisMap, Loss
from planner.plan import Plan, Step, Tensor

MOST_BACK = 10
"""Pointwise layers that are passed on the way back to a layer of padding."""


@dataclass(frozen=True, slots=True)
class AxisUse:
    """How a step uses one axis of one of its inputs: which cells it leaves out, and what is left over.

    leaves  whether real cells are in no window; `edge` those at an end of the axis
    blank   whether windows lie on padding alone
    uneven  whether anything is left over, padding included, or hangs over
    """

    loss: AxisLoss = field(compare=False)
    axis: int
    leaves: bool
    edge: bool
    blank: bool
    uneven: bool


class Leaving(NamedTuple):
    """The steps that lose cells at one size, and the steps that have anything left over."""

    lossy: frozenset[int]
    inexact: frozenset[int]


Readings = Callable[[Plan, list[tuple[int, AxisUse]]], set[int]]
"""Which of some steps leave out cells that nothing else reads."""


class Ledger:
    """The axis uses of the steps along some input axes, and along others as far as these sway them, in plans that
    differ in the size of these axes.
    """

    def __init__(self, axes: Mapping[int, frozenset[int]], swayed: Iterable[Swayed], steps: Sequence[int]) -> None:
        self.steps = steps
        self.swayed = [*swayed]
        self.tied: dict[int, frozenset[int]] = dict(axes)
        self.known: dict[int, tuple[Step, tuple[AxisUse, ...]]] = {}
        self.leaves: dict[tuple[object, ...], bool] = {}
        self.readers = Counter[tuple[int, int]]()
        self.returned: set[tuple[int, int]] = set()

    def of(self, steps: Sequence[int]) -> Ledger:
        """A ledger of some of the steps alone."""
        part = Ledger({}, self.swayed, steps)
        part.tied = self.tied
        return part

    def leaving(self, plan: Plan, reads: Readings | None = None) -> Leaving:
        """The steps that lose cells at one size; where the model does not work at that size, only steps that alone read
        their source are judged.
        """
        lossy, inexact, found = set(), set(), list[tuple[int, AxisUse]]()
        for i, each in self.pattern(plan):
            if each.uneven or each.edge:
                inexact.add(i)
            if each.blank:
                lossy.add(i)
            elif each.leaves and (plan.complete or self.alone(plan, plan.steps[i].sources[each.loss.source])):
                found.append((i, each))
        if found:
            lossy |= self.lost(plan, found, reads or through)
        return Leaving(frozenset(lossy), frozenset(inexact))

    def pattern(self, plan: Plan) -> tuple[tuple[int, AxisUse], ...]:
        """What each step does with the axis when looked at by itself, by the steps' numbers; steps with nothing left
        over are left out.
        """
        found = list[tuple[int, AxisUse]]()
        for i in self.steps:
            step = plan.steps[i]
            if step.facts is None:
                continue
            if i not in self.tied:
                self.tied[i] = self.ties(i, step)
            for each in self.entries(step):
                if self.concerns(i, step, each.loss.source, each.axis):
                    found.append((i, each))
        return tuple(found)

    def lost(self, plan: Plan, found: list[tuple[int, AxisUse]], reads: Readings) -> set[int]:
        """The steps that leave out cells which nothing else reads."""
        shared = list[tuple[int, AxisUse]]()
        lossy = set()
        for i, each in found:
            ref = plan.steps[i].sources[each.loss.source]
            if not self.alone(plan, ref):
                shared.append((i, each))
            elif self.left_out(plan, i, each.loss):
                lossy.add(i)
        return lossy | reads(plan, shared) if shared else lossy

    def left_out(self, plan: Plan, i: int, loss: AxisLoss) -> bool:
        """Whether a step leaves out real cells, not only padding."""
        step = plan.steps[i]
        around = plan.steps[step.sources[loss.source].step]
        key = i, loss.source, loss.axis, step.inputs, step.sizes, around.inputs, around.sizes
        if key not in self.leaves:
            self.leaves[key] = bool(left_out(plan, i, loss))
        return self.leaves[key]

    def alone(self, plan: Plan, tensor: Tensor) -> bool:
        """Whether a tensor has a single reader, and is no output of the model."""
        if not self.readers:
            named = [ref for each in plan.model.instances for ref in each.sources]
            self.readers = Counter((ref.step, ref.output or 0) for ref in (*named, *plan.model.outputs))
            self.returned = {(ref.step, ref.output or 0) for ref in plan.model.outputs}
        return self.readers[tensor] == 1 and tensor not in self.returned

    def entries(self, step: Step) -> tuple[AxisUse, ...]:
        key = id(step.facts)
        if key not in self.known:
            self.known[key] = step, tuple(_entries(step))  # the id stays the facts' own: the step keeps them alive
        return self.known[key][1]

    def ties(self, i: int, step: Step) -> frozenset[int]:
        """The spatial axes of a step's outputs that descend from this ledger's axes, or are swayed by them."""
        descend = frozenset(
            to
            for links in step.links
            for source, link in enumerate(links)
            for axis, to in enumerate(link.landing)
            if to is not None and axis in self.tied.get(step.sources[source].step, ())
        )
        return descend.union(axis for each in self.swayed for at, axis in each.made if at == i)

    def concerns(self, i: int, step: Step, source: int, axis: int) -> bool:
        """Whether how a step goes along an axis of one of its sources depends on this ledger's axes."""
        tied = axis in self.tied.get(step.sources[source].step, ())
        return tied or any((i, source, axis) in each.read for each in self.swayed)


def leaves(loss: Loss) -> bool:
    """Whether anything is left over or left out, or lies on padding alone."""
    return bool(loss.real or loss.blank or not loss.exact)


def _entries(step: Step) -> Iterator[AxisUse]:
    for each in losses_of(step):
        loss = each.loss
        if leaves(loss):
            yield AxisUse(each, each.axis, bool(loss.real), bool(loss.at_edge), bool(loss.blank), not loss.exact)


def through(plan: Plan, shared: list[tuple[int, AxisUse]]) -> set[int]:
    """The steps whose left-out cells no path to an output reads."""
    known = reach(plan)
    return {i for i, each in shared if known is None or nowhere(plan, known, i, each.loss)}


def full_readings(plan: Plan, shared: list[tuple[int, AxisUse]]) -> set[int]:
    """The steps whose left-out cells no other reader of their source reads, supposing that all outputs of these readers
    are read.
    """
    readers = Readers(plan)
    return {i for i, each in shared if left_out(plan, i, each.loss) & ~readers.read(i, each.loss)}


class Readers:
    """The other readers of a tensor: all that can be known of a plan that is not complete."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.places: defaultdict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for i, step in enumerate(plan.steps):
            for k, ref in enumerate(step.sources):
                self.places[ref].append((i, k))
        self.returned = set(plan.outputs)
        self.lacking = {tensor for tensor, by in self.places.items() if any(plan.steps[j].facts is None for j, _ in by)}
        self.known: dict[tuple[int, int, int], dict[int, Cells]] = {}

    def unplanned(self, i: int, axis: AxisLoss) -> bool:
        """Whether another reader of the source of step i could not be planned."""
        return self.plan.steps[i].sources[axis.source] in self.lacking

    def read(self, i: int, axis: AxisLoss) -> Cells:
        """The cells along an axis of a step's source that its other readers read, supposing that all their outputs are
        read.
        """
        tensor = self.plan.steps[i].sources[axis.source]
        if tensor in self.returned:
            return all_cells(axis.n)
        if (*tensor, axis.axis) not in self.known:
            self.known[*tensor, axis.axis] = self._by_others(tensor, axis.axis)
        return self.known[*tensor, axis.axis][i]

    def _by_others(self, tensor: tuple[int, int], axis: int) -> dict[int, Cells]:
        """For each reader of a tensor, the cells along an axis that all other readers read."""
        read: defaultdict[int, Cells] = defaultdict(int)
        for j, k in self.places[tensor]:
            read[j] |= full_reading(self.plan.steps[j], k, axis)
        own = [*read.values()]
        before = accumulate(own[:-1], or_, initial=0)
        after = [*accumulate(reversed(own[1:]), or_, initial=0)]
        return {j: one | other for j, one, other in zip(read, before, reversed(after), strict=True)}


def full_reading(step: Step, source: int, axis: int) -> Cells:
    """The cells along an axis of one of its sources that a step reads when all of the step's outputs are read."""
    read: Cells = 0
    for links, y in zip(step.links, step.outputs, strict=True):  # a step that is not planned has no links
        link = links[source]
        to = link.landing[axis]
        read |= link.axes[axis].reads(all_cells(1 if to is None else y[to]), step.inputs[source][axis])
    return read


def left_out(plan: Plan, i: int, axis: AxisLoss) -> Cells:
    """The real cells along an axis that a step does not read; none where these cells are padding of a layer before."""
    n, ref = axis.n, plan.steps[i].sources[axis.source]
    unread = all_cells(n) & ~axis.map.reads(all_cells(axis.length), n)
    return unread if axis.loss.skipped else unread & ~padded(plan, ref, axis.axis, unread)[0]


def nowhere(plan: Plan, known: Reach, i: int, axis: AxisLoss) -> Cells:
    """The cells that a step leaves out along an axis and that no other path to an output reads."""
    ref = plan.steps[i].sources[axis.source]
    unread = known.unread[ref.step]
    cells = left_out(plan, i, axis)
    return cells & unread[ref.output].unread_lines(axis.axis) if unread else cells


def lossless(plan: Plan) -> bool:
    """Whether a complete plan loses no cell on any axis of any step, scattered ones included."""
    known: Reach | None = None
    for i, step in enumerate(plan.steps):
        for each in losses_of(step) if step.facts else ():
            if each.loss.blank:
                return False
            if each.loss.real:
                known = known or reach(plan)
                if known is None or nowhere(plan, known, i, each):
                    return False
    return True


def padded(plan: Plan, ref: Tensor, axis: int, cells: Cells) -> tuple[Cells, str]:
    """Which of some cells along an axis of a tensor are padding, and the name of the layer that put them there."""
    for _ in range(MOST_BACK):
        step = plan.steps[ref.step]
        if not cells or len(step.sources) != 1 or not step.links:
            break
        link = step.links[ref.output][0]
        if axis not in link.landing:
            break
        at = link.landing.index(axis)
        along, n = link.axes[at], step.inputs[0][at]
        if not along.keeps:
            return reduce(or_, [_empty(along, n, *run) for run in stretches(cells)], 0), step.name
        ref, axis = step.sources[0], at
    return 0, ""


def _empty(along: AxisMap, n: int, start: int, stop: int) -> Cells:
    """The output cells from `start` up to, not including, `stop` that read none of n input cells."""
    cells = shifted(all_cells(stop - start), start)
    if not along.reads(cells, n):
        return cells
    if stop - start == 1:
        return 0
    middle = (start + stop) // 2
    return _empty(along, n, start, middle) | _empty(along, n, middle, stop)
