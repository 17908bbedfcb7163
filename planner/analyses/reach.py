"""Reach: which cells of the inputs and of every step lie on some path that ends in an output.

Worked out backwards: from the outputs, with the region that each tensor still has to deliver. Exact: a cell is unread
if and only if the gradient of every output with respect to it is zero, whatever the weights.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from planner.cells import Cells, TooManyRuns, all_cells, bits
from planner.geometry import Shape
from planner.plan import Plan, Step, Tensor
from planner.regions import CellBox, Region, channels, count, everything, positions, read_through, union


@dataclass(frozen=True)
class Unread:
    """The elements of one tensor that no path to an output reads."""

    shape: Shape
    read: Region

    @cached_property
    def elements(self) -> int:
        """The number of unread elements; channels are counted one by one."""
        return self.shape.elements - count(self.read)

    @cached_property
    def cells(self) -> int:
        """The number of positions at which no channel is read."""
        boxes = positions(self.read)
        read = count(boxes)
        whole = 1
        for n in self.shape.spatial:
            whole *= n
        return whole - read

    @cached_property
    def channels(self) -> Cells:
        """The number of channels that are read at no position."""
        return all_cells(self.shape.channels) & ~channels(self.read)

    def unread_lines(self, axis: int) -> Cells:
        """For each spatial axis, the set of lines (rows, columns, …) that are unread as a whole."""
        read: Cells = 0
        for box in self.read:
            read |= box[axis]
        return all_cells(self.shape[axis]) & ~read

    def lines(self, axis: int) -> list[int]:
        """The numbers of the unread rows, columns and so on, by axis; there may be as many as the axis is long."""
        return bits(self.unread_lines(axis))


Wants = Sequence[tuple[Tensor, Region]]
"""Regions of tensors."""


class Reach(NamedTuple):
    """The unread elements and the wasted multiply-adds of a model, by step; `unread[i]` is None for a step that is not
    planned, `macs_wasted[i]` where the multiply-adds are not known. `wants[i]` is what the step reads, so much of its
    own outputs being read.
    """

    unread: tuple[tuple[Unread, ...] | None, ...]
    macs_wasted: tuple[int | None, ...]
    wants: tuple[Wants, ...] = ()

    @property
    def wasted_macs(self) -> int | None:
        """Multiply-adds spent on elements that no output depends on; None where those of some step are not known."""
        return None if None in self.macs_wasted else self.known_waste

    @property
    def known_waste(self) -> int:
        """Multiply-adds spent on elements that no output depends on, of the steps where they are known."""
        return sum([each or 0 for each in self.macs_wasted])


class TooRagged(Exception):
    """What is read around a step is too scattered, on a long axis, to be worked out."""

    def __init__(self, step: int) -> None:
        super().__init__(step)
        self.step = step


def reach(plan: Plan, like: tuple[Plan, Reach] | None = None) -> Reach | None:
    """The reach of every tensor; None for a plan that is not complete, since a missing step might read anything. Raises
    TooRagged.

    like  a plan with some of the same steps, and its reach, which is taken where the same is read of the same step
    """
    if not plan.complete:
        return None
    wanted: defaultdict[tuple[int, int], list[CellBox]] = defaultdict(list)
    for at, output in plan.outputs:
        wanted[at, output or 0] += everything(plan.steps[at].outputs[output or 0])
    unread: list[tuple[Unread, ...] | None] = [None] * len(plan.steps)
    wasted: list[int | None] = [0] * len(plan.steps)
    wants: list[Wants] = [()] * len(plan.steps)
    for i in range(len(plan.steps) - 1, -1, -1):
        step = plan.steps[i]
        try:
            regions = [union(wanted.pop((i, output), ())) for output in range(len(step.outputs))]
            if like is not None and _is_the_same(like, i, step, regions):
                unread[i], wasted[i], wants[i] = like[1].unread[i], like[1].macs_wasted[i], like[1].wants[i]
            else:
                unread[i] = here = tuple(map(Unread, step.outputs, regions))
                wasted[i], wants[i] = _wasted(step, here), _wants(step, regions)
        except TooManyRuns as error:
            raise TooRagged(i) from error
        for ref, region in wants[i]:
            wanted[ref] += region
    return Reach(tuple(unread), tuple(wasted), tuple(wants))


def _is_the_same(like: tuple[Plan, Reach], i: int, step: Step, regions: list[Region]) -> bool:
    """Whether the step with the same number in another plan is the same, and the same is read of it."""
    plan, known = like
    if i >= len(plan.steps) or plan.steps[i].facts is not step.facts or plan.steps[i].sources != step.sources:
        return False
    return [each.read for each in known.unread[i] or ()] == regions


def _wants(step: Step, regions: list[Region]) -> Wants:
    """What a step reads of its sources, of whose outputs these regions are read."""
    return [
        (ref, tuple(read_through(link, region, x)))
        for region, links in zip(regions, step.links, strict=False)
        for ref, link, x in zip(step.sources, links, step.inputs, strict=True)
    ]


def trace(plan: Plan, step: int, output: int, cells: Region) -> dict[str, Region]:
    """The region of each model input that a region of one tensor depends on: the exact receptive field of those cells,
    borders included.
    """
    wanted: defaultdict[tuple[int, int], list[CellBox]] = defaultdict(list)
    wanted[step, output] += cells
    found: dict[str, Region] = {}
    for i in range(step, -1, -1):
        here = plan.steps[i]
        for o in range(len(here.outputs)):
            region = union(wanted.pop((i, o), ()))
            if not region:
                continue
            if here.is_input:
                found[here.name] = region
            else:
                for ref, link, x in zip(here.sources, here.links[o], here.inputs, strict=True):
                    wanted[ref] += read_through(link, region, x)
    return found


def _wasted(step: Step, unread: tuple[Unread, ...]) -> int | None:
    """The number of a step's multiply-adds that no output needs, rounded down where the count does not divide; None
    where it is not known how many it has.
    """
    if step.layer is None or not any([each.elements for each in unread]):
        return 0
    if not step.macs:
        return step.macs
    if not any([each.read for each in unread]):
        return step.macs
    return step.layer.spared(step.inputs, step.outputs, unread[0].read) if unread[0].elements else 0
