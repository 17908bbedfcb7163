"""The contents of a map, independent of any format: shares of paths, unread cells, and what one cell sees."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from planner.analyses.paths import paths
from planner.analyses.reach import Unread, trace
from planner.cells import Cells, TooManyRuns, all_cells, lowest, one_cell
from planner.outputs.map._runs import ReadShares, run_of, shares
from planner.regions import Region
from planner.report import Report

if TYPE_CHECKING:
    from planner.analyses.paths import Shares


class NoMap(Exception):
    """Nothing can be drawn; the text says why."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The stretch of the input that one cell of a step sees: the first and the last cell on each axis."""

    step: str
    cell: tuple[int, ...]
    ends: tuple[tuple[int, int], ...]

    def drawn(self, runs: tuple[int, int]) -> tuple[tuple[int, int], ...]:
        """The first and the last row and column of the picture."""
        return tuple((first // run, last // run) for (first, last), run in zip(self.ends, runs, strict=True))


@dataclass(frozen=True, slots=True)
class Seen:
    """An input as rows and columns; a sequence is one row, of a volume the slices are summed.

    size         how many rows and columns it has
    shares       each position's share of the paths of the one that has most; None where an axis is too long to count
    read         in their place, how much of each run of rows and columns is read
    unread       rows and columns that no path reads at all
    cells, total  how many positions no path reads, and how many there are
    slices       how many slices were summed; 1 for an image
    stretch      what a chosen cell sees, on rows and columns
    """

    input: str
    size: tuple[int, int]
    shares: Shares | None
    read: ReadShares
    unread: tuple[Cells, Cells]
    cells: int
    total: int
    slices: int
    stretch: Stretch | None

    @property
    def runs(self) -> tuple[int, int]:
        """The number of neighbouring rows that are drawn as one, and of columns."""
        return (1, 1) if self.shares is not None else (run_of(self.size[0]), run_of(self.size[1]))

    @property
    def height(self) -> int:
        """The number of rows of the picture."""
        return -(-self.size[0] // self.runs[0])

    @property
    def width(self) -> int:
        return -(-self.size[1] // self.runs[1])


def seen(report: Report, input: str | None = None, step: str | None = None, cell: tuple[int, ...] = ()) -> Seen:
    """The map of an input for the whole model, or for one cell of a step. Raises NoMap."""
    plan = report.plan
    if report.ragged is not None:
        raise NoMap(f"what is read of `{report.ragged.name}` is too scattered over a long axis to be worked out")
    if not plan.complete or report.reach is None:
        raise NoMap("the model has faults, so it is not known what reads its input; `planner check` lists them")
    unread = report.unread_inputs
    if input is not None and input not in unread:
        raise NoMap(f"there is no input `{input}`; there are: {', '.join(unread)}")
    at = step_number(report, step) if step is not None else None
    if at is None:
        read = {name: each.read for name, each in unread.items() if each.read}
    else:
        cell = _cell(report, at, cell)
        read = _traced(report, at, cell)
    name = input or next(iter(read), next(iter(unread)))
    if name not in read:
        raise NoMap(f"nothing reads `{name}`")
    if not unread[name].shape.spatial:
        raise NoMap(f"`{name}` has no spatial axes, only {unread[name].shape.channels} channels")
    counted = paths(plan, step=at, cell=cell)
    ends = Stretch(plan.steps[at].name, cell, _ends(read[name])) if at is not None else None
    return _drawn(unread[name], name, read[name], counted[name] if counted is not None else None, ends)


def _drawn(unread: Unread, name: str, read: Region, counted: Shares | None, stretch: Stretch | None) -> Seen:
    """An input's last two axes; of a sequence, one row."""
    shape = unread.shape
    *slices, height, width = (1, *shape.spatial)
    if counted is not None:
        counted = counted.reshape(-1, height, width).sum(axis=0)
        counted = counted / (counted.max() or 1)
    rank = len(shape.spatial)
    return Seen(
        input=name,
        size=(height, width),
        shares=counted,
        read=shares(read, shape) if counted is None else (),
        unread=(unread.unread_lines(rank - 2) if rank > 1 else 0, unread.unread_lines(rank - 1)),
        cells=unread.cells,
        total=prod(shape.spatial),
        slices=prod(slices),
        stretch=stretch,
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


def _traced(report: Report, at: int, cell: tuple[int, ...]) -> dict[str, Region]:
    """The regions of the inputs that one cell of a step reads."""
    channels = report.plan.steps[at].outputs[0].channels
    try:
        return trace(report.plan, at, 0, ((*map(one_cell, cell), all_cells(channels)),))
    except TooManyRuns:
        name = report.plan.steps[at].name
        raise NoMap(f"what `{name}` reads is too scattered over a long axis to be worked out") from None


def _ends(region: Region) -> tuple[tuple[int, int], ...]:
    """The first and the last cell of a region on the last two axes."""
    ends = [(0, 0)]  # the one row of a sequence
    for axis in range(len(region[0]) - 1):
        cells: Cells = 0
        for box in region:
            cells |= box[axis]
        ends.append((lowest(cells), cells.bit_length() - 1))
    return tuple(ends[-2:])
