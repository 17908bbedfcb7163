"""Reach: which cells of the inputs and of every step are read on some path that ends in an output.

Worked out backwards: from the outputs, with the region that each tensor still has to deliver. Exact: a cell is unread
if and only if the gradient of every output with respect to it is zero, whatever the weights.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from planner.cells import Cells, TooManyRuns, all_cells, bits
from planner.geometry import Shape
from planner.plan import Plan, Step
from planner.regions import CellBox, Region, channels, count, everything, positions, read_through, union


@dataclass(frozen=True, slots=True)
class Unread:
    """What of one tensor nothing reads that reaches an output."""

    shape: Shape
    read: Region

    @property
    def elements(self) -> int:
        """Unread elements, channels counted one by one."""
        return self.shape.elements - count(self.read)

    @property
    def cells(self) -> int:
        """Positions none of whose channels is read."""
        boxes = positions(self.read)
        read = count(boxes)
        whole = 1
        for n in self.shape.spatial:
            whole *= n
        return whole - read

    @property
    def channels(self) -> Cells:
        """Channels that are read at no position."""
        return all_cells(self.shape.channels) & ~channels(self.read)

    def unread_lines(self, axis: int) -> Cells:
        """The rows (axis 0), columns (axis 1), … that are unread as a whole."""
        read: Cells = 0
        for box in self.read:
            read |= box[axis]
        return all_cells(self.shape[axis]) & ~read

    def lines(self, axis: int) -> list[int]:
        """The numbers of those rows, columns and so on, of which there may be as many as the axis is long."""
        return bits(self.unread_lines(axis))


@dataclass(frozen=True, slots=True)
class Reach:
    """`unread[i]` is what is unread of each output of step i; None for a step that is not planned."""

    unread: tuple[tuple[Unread, ...] | None, ...]
    macs_wasted: tuple[int, ...]

    @property
    def wasted_macs(self) -> int:
        """Multiply-adds spent on elements that nothing reads."""
        return sum(self.macs_wasted)


class TooRagged(Exception):
    """What is read around a step is too scattered over a long axis to be worked out."""

    def __init__(self, step: int) -> None:
        super().__init__(step)
        self.step = step


def reach(plan: Plan) -> Reach | None:
    """What is read of every tensor; None for a plan that is not complete, of which nobody knows what else would
    read. Raises TooRagged.
    """
    if not plan.complete:
        return None
    wanted: defaultdict[tuple[int, int], list[CellBox]] = defaultdict(list)
    for at, output in plan.outputs:
        wanted[at, output or 0] += everything(plan.steps[at].outputs[output or 0])
    unread: list[tuple[Unread, ...] | None] = [None] * len(plan.steps)
    wasted = [0] * len(plan.steps)
    for i in range(len(plan.steps) - 1, -1, -1):
        step = plan.steps[i]
        try:
            regions = [union(wanted.pop((i, output), ())) for output in range(len(step.outputs))]
            unread[i] = here = tuple(map(Unread, step.outputs, regions))
            wasted[i] = _wasted(step, here)
            for region, links in zip(regions, step.links, strict=False):
                for ref, link, x in zip(step.sources, links, step.inputs, strict=True):
                    wanted[ref] += read_through(link, region, x)
        except TooManyRuns as error:
            raise TooRagged(i) from error
    return Reach(tuple(unread), tuple(wasted))


def trace(plan: Plan, step: int, output: int, cells: Region) -> dict[str, Region]:
    """What of each model input a region of one tensor reads: the exact receptive field of those cells, borders
    included.
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


def _wasted(step: Step, unread: tuple[Unread, ...]) -> int:
    """The step's multiply-adds that nothing needs, rounded down where they do not divide."""
    if not step.macs or step.layer is None:
        return 0
    if not any([each.read for each in unread]):
        return step.macs
    return step.layer.spared(step.inputs, step.outputs, unread[0].read) if unread[0].elements else 0
