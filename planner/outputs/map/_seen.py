"""What a map shows, before it has a form: the shares of paths, the unread cells, and what one cell sees."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from planner.analyses.paths import LONGEST_AXIS, paths
from planner.analyses.reach import trace
from planner.cells import Cells, all_cells, lowest, one_cell
from planner.regions import Region
from planner.report import Report

if TYPE_CHECKING:
    from planner.analyses.paths import Shares


class NoMap(Exception):
    """There is nothing to draw; the text says why."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What one cell of a step sees of the input: for each axis, the first and the last cell."""

    step: str
    cell: tuple[int, ...]
    ends: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """An input, position by position, as rows and columns; a sequence is one row, of a volume the slices are summed.

    shares       each position's share of the paths of the one that has most
    unread       rows and columns that no path reads at all
    cells, total  how many positions no path reads, and how many there are
    slices       how many slices were summed; 1 for an image
    stretch      what a chosen cell sees, on rows and columns
    """

    input: str
    shares: Shares
    unread: tuple[tuple[int, ...], tuple[int, ...]]
    cells: int
    total: int
    slices: int
    stretch: Stretch | None

    @property
    def height(self) -> int:
        return int(self.shares.shape[0])

    @property
    def width(self) -> int:
        return int(self.shares.shape[1])


def seen(report: Report, input: str | None = None, step: str | None = None, cell: tuple[int, ...] = ()) -> Seen:
    """What the model, or one cell of a step, reads of an input. Raises NoMap."""
    plan = report.plan
    if report.ragged is not None:
        raise NoMap(f"what is read of `{report.ragged.name}` is too scattered over a long axis to be worked out")
    if not plan.complete or report.reach is None:
        raise NoMap("the model has faults, so nobody knows what else would read its input; planner check lists them")
    names = [each.name for each in plan.inputs]
    if input is not None and input not in names:
        raise NoMap(f"there is no input `{input}`; there are: {', '.join(names)}")
    at = step_number(report, step) if step is not None else None
    if at is not None:
        cell = _cell(report, at, cell)
    shares = paths(plan, step=at, cell=cell)
    if shares is None:
        raise NoMap(f"an axis is longer than the {LONGEST_AXIS:,} cells that are looked at one by one")
    name = input or next((each for each in names if each in shares), names[0])
    if name not in shares:
        raise NoMap(f"nothing reads `{name}`")
    i = names.index(name)
    spatial = plan.inputs[i].outputs[0].spatial
    if not spatial:
        raise NoMap(f"`{name}` has no spatial axes, only {plan.inputs[i].outputs[0].channels} channels")
    rank = len(spatial)
    drawn = shares[name].reshape(1, -1) if rank == 1 else shares[name]
    if rank > 2:
        drawn = drawn.sum(axis=tuple(range(rank - 2)))
        drawn = drawn / (drawn.max() or 1)
    unread = report.reach.unread[plan.steps.index(plan.inputs[i])]
    assert unread is not None
    last_two = [()] * (2 - min(rank, 2)) + [tuple(unread[0].lines(axis)) for axis in range(max(rank - 2, 0), rank)]
    stretch = None
    if at is not None:
        region = trace(plan, at, 0, _region(report, at, cell)).get(name, ())
        stretch = Stretch(plan.steps[at].name, cell, _ends(region, rank))
    return Seen(
        name,
        drawn,
        (last_two[0], last_two[1]),
        unread[0].cells,
        prod(spatial),
        prod(spatial[:-2]),
        stretch,
    )


def step_number(report: Report, name: str) -> int:
    from planner.diagnostics import did_you_mean

    found = report.plan.numbers.get(name)
    if found is None:
        near = did_you_mean(name, report.plan.numbers) or "`planner plan` lists the steps"
        raise NoMap(f"there is no step `{name}`; {near}")
    return found


def _cell(report: Report, at: int, cell: tuple[int, ...]) -> tuple[int, ...]:
    """The chosen cell of a step, or the one in the middle."""
    step = report.plan.steps[at]
    spatial = step.outputs[0].spatial
    if not cell:
        return tuple(n // 2 for n in spatial)
    if len(cell) != len(spatial) or any(not 0 <= i < n for i, n in zip(cell, spatial, strict=False)):
        sizes = "×".join(map(str, spatial)) or "no"
        raise NoMap(f"`{step.name}` has {sizes} cells, counted from 0: there is no cell {', '.join(map(str, cell))}")
    return cell


def _region(report: Report, at: int, cell: tuple[int, ...]) -> Region:
    channels = report.plan.steps[at].outputs[0].channels
    return ((*map(one_cell, cell), all_cells(channels)),)


def _ends(region: Region, rank: int) -> tuple[tuple[int, int], ...]:
    """From where to where a region goes on the last two axes."""
    ends = []
    for axis in range(rank):
        cells: Cells = 0
        for box in region:
            cells |= box[axis]
        ends.append((lowest(cells), cells.bit_length() - 1) if cells else (0, 0))
    return tuple([(0, 0)] * (rank == 1) + ends[-2:])
