"""What steps do not read of their inputs, and whether anything else does: shared by the rules on lost and skipped
cells.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from planner.analyses import lossless
from planner.analyses.axes import window_on
from planner.analyses.lossless import Readers, full_reading
from planner.cells import Cells
from planner.geometry import SameWindow, Spread, Window
from planner.layers._fields import per_axis
from planner.regions import count, positions, union
from planner.words import counted

if TYPE_CHECKING:
    from planner.analyses.loss import AxisLoss
    from planner.plan import Step
    from planner.report import Report
    from planner.rules._trying import Trials


MOST_WINDOWS = 3
"""How many more windows, by padding at the end, and how many cells less of padding are tried."""


class Dropped(NamedTuple):
    """Cells of one axis of one input that a step does not read.

    edge, between   real cells past the first or last window, or those between windows; never both
    nowhere         those of them that no other path to an output reads either
    """

    axis: AxisLoss
    edge: Cells
    between: Cells
    nowhere: Cells

    def said(self, cells: Cells) -> tuple[str, str]:
        """The axis, and what is said of some of these cells."""
        axis = self.axis
        return axis.name, axis.between_windows(cells.bit_count()) if self.between else axis.at_the_edge(cells)


def dropped(report: Report) -> Iterator[tuple[Step, list[Dropped]]]:
    """Every step that leaves real cells of an input unread, with what it leaves, axis by axis."""
    others = None if report.reach else Readers(report.plan)
    for i, losses in enumerate(report.losses):
        found = [_of(report, i, each, others) for each in losses if each.loss.real]
        found = [each for each in found if each.edge or each.between]
        if found:
            yield report.plan.steps[i], found


def _of(report: Report, i: int, axis: AxisLoss, others: Readers | None) -> Dropped:
    cells = lossless.left_out(report.plan, i, axis)
    # Where there are gaps between windows, the end is one more gap.
    edge, between = (0, cells) if axis.loss.skipped else (cells, 0)
    if others is None:
        assert report.reach is not None
        return Dropped(axis, edge, between, lossless.nowhere(report.plan, report.reach, i, axis))
    nowhere = cells & ~others.read(i, axis)
    # A reader that is not planned may read what is skipped; cells lost at an edge may be why it could not be planned.
    if others.unplanned(i, axis):
        nowhere &= ~between
    return Dropped(axis, edge, between, nowhere)


def left_out(report: Report, step: Step, source: int) -> int:
    """How many cells of one of its sources a step does not read, all of its outputs being read, and nothing else reads
    either.
    """
    ref = step.sources[source]
    known = report.reach.unread[ref.step] if report.reach else None
    unread = known[ref.output] if known else None
    if unread is None or not unread.cells or step.lends_size(source):
        return 0
    axes = range(len(unread.shape.spatial))
    own = tuple(full_reading(step, source, axis) for axis in axes)
    return math.prod(unread.shape.spatial) - count(union([*positions(unread.read), own]))


# In words


def share_read(step: Step, found: list[Dropped]) -> str:
    """How much of an input is read, over all its axes: `784 of 3,136 cells are read`."""
    x = step.inputs[found[0].axis.source]
    missed = {each.axis.axis: (each.edge | each.between).bit_count() for each in found}
    read = math.prod(n - missed.get(axis, 0) for axis, n in enumerate(x.spatial))
    return f"{read:,} of {counted(math.prod(x.spatial), 'cell')} {'is' if read == 1 else 'are'} read"


DIVIDES = "an input size that loses nothing (`planner sizes` lists them)"


def to_the_edge(trials: Trials, step: Step, lost: list[Dropped]) -> str:
    """What makes a step read the cells at the edge, in words; empty where nothing that was tried does."""
    found = next((_said(each) for each in _to_the_edge(step, lost) if trials.reads(step, lost, **each)), "")
    divides = DIVIDES if trials.size_near else ""
    if lost[0].axis.window is None:
        found = f"less `padding`, such as {found}" if found else ""
    return ", or ".join(filter(None, [found, divides]))


def _to_the_edge(step: Step, lost: list[Dropped]) -> Iterator[dict[str, object]]:
    """Arguments with which a step may read the cells at the edge."""
    axes = step.links[0][lost[0].axis.source].axes
    spreads = [each for each in axes if isinstance(each, Spread)]
    if spreads:
        most = min([min(each.extent, each.padding) for each in spreads]) - 1
        for less in range(most, max(most - MOST_WINDOWS, -1), -1):
            yield {"padding": less}
        return
    yield {"ceil_mode": True}
    losing = {each.axis.axis: each.axis for each in lost}
    windows = [each if isinstance(each, Window) else None for each in axes]
    for more in range(1, MOST_WINDOWS + 1):
        pairs = []
        for axis, window in enumerate(windows):
            before, after = (window.before, window.after) if window else (0, 0)
            if window and axis in losing:
                after += window.missing(losing[axis].length + more, losing[axis].n)
            pairs.append([before, after])
        yield {"padding": pairs}
    if all(windows):
        leftover = {axis: each.loss.leftover for axis, each in losing.items()}
        kernels = [each.kernel + leftover.get(axis, 0) for axis, each in enumerate(windows) if each]
        yield {"kernel_size": per_axis(kernels)}


def to_read_all(trials: Trials, step: Step, skipped: list[Dropped]) -> str:
    """What makes a step read the cells between its windows, in words; empty where nothing that was tried does."""
    windows = [window for each in skipped if (window := each.axis.window)]
    ones = windows and step.weights and all(window.kernel == 1 for window in windows)
    if ones and (pool := _pooled_first(step)):
        return f"{pool} before it in place of its stride"
    return next((_said(each) for each in _to_read_all(step) if trials.reads(step, skipped, **each)), "")


def _to_read_all(step: Step) -> Iterator[dict[str, object]]:
    """Arguments with which a step may read the cells between its windows."""
    windows = [window_on(along, n) for along, n in zip(step.links[0][0].axes, step.inputs[0].spatial, strict=True)]
    plain = [each for each in windows if each is not None]
    if len(plain) < len(windows) or not plain:
        yield {"dilation": 1}
        return
    stride = max(window.stride for window in plain)
    if max(window.dilation for window in plain) > 1:
        yield {"dilation": 1}
        yield {"dilation": 1, "padding": [[(each.kernel - 1) // 2, each.kernel // 2] for each in plain]}
    for kernel in (stride, stride + 1):
        yield {"kernel_size": kernel}
        wider = [kernel - each.extent for each in plain]
        yield {
            "kernel_size": kernel,
            "padding": [[each.before + k // 2, each.after + k - k // 2] for each, k in zip(plain, wider, strict=True)],
        }
    yield {"stride": min(each.extent for each in plain)}


def _pooled_first(step: Step) -> str:
    """An average pool that takes the stride of a layer of one tap, where the output keeps its shape."""
    x, axes = step.inputs[0], step.links[0][0].axes
    rank = len(x.spatial)
    strides = [along.stride if isinstance(along, Window | SameWindow) else 1 for along in axes]
    if len(step.inputs) != 1 or not 1 <= rank <= 3:
        return ""
    pools = [Window(stride, stride, ceil=True) for stride in strides]
    if any(pool.length(n) != m for pool, n, m in zip(pools, x.spatial, step.outputs[0].spatial, strict=True)):
        return ""
    rounds = any(n % stride for n, stride in zip(x.spatial, strides, strict=True))
    return f"{{type: AvgPool{rank}d, kernel_size: {per_axis(strides)}{', ceil_mode: true' if rounds else ''}}}"


def _said(values: Mapping[str, object]) -> str:
    """`ceil_mode: true`; several arguments one after the other."""
    texts = [f"`{name}: {str(value).lower() if isinstance(value, bool) else value}`" for name, value in values.items()]
    return " with ".join(texts)
