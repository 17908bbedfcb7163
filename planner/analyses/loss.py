"""The loss ledger: what each step loses on each axis, on which side, and why, in a sentence or in a few words."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from planner.analyses.axes import window_on
from planner.analyses.recall import Recall
from planner.cells import Cells, TooManyRuns, all_cells, ranged, shifted
from planner.geometry import NO_LOSS, AxisMap, Loss, Window
from planner.layers._layer import axis_name
from planner.plan import Plan, Step
from planner.words import share


class AxisLoss(NamedTuple):
    """What one step loses on one axis of one input: `n` cells become `length`."""

    source: int
    axis: int
    name: str
    n: int
    length: int
    map: AxisMap
    loss: Loss

    @property
    def window(self) -> Window | None:
        """The plain window that the step slides along the axis; None for a transposed convolution."""
        return window_on(self.map, self.n)

    @property
    def text(self) -> str:
        """What is lost and why, in words and numbers, with one clause for each kind of loss."""
        loss, said = self.loss, []
        if loss.skipped:
            said.append(self.between_windows(loss.real))
        elif loss.real:
            last = shifted(all_cells(loss.lost), self.n - loss.lost)
            said.append(self.at_the_edge(all_cells(loss.lost_before) | last))
        return f"{self.name}: " + "; ".join([*said, *loss.clauses.values()])

    @property
    def brief(self) -> dict[str, str]:
        """What is lost in a few words, as there is room for in a picture, by the name of each kind of loss."""
        loss, said = self.loss, {}
        if loss.skipped:
            said["skipped-cells"] = f"skips {loss.real} of {self.n}"
        elif loss.real:
            said["lost-cells"] = f"loses {loss.real} of {self.n}"
        if loss.uneven:
            said["uneven-padding"] = f"{loss.uneven} of padding unused"
        if loss.overhang:
            said["overhang"] = f"{loss.overhang} over the end"
        if loss.blank:
            said["blank-windows"] = f"{loss.blank} window{'s' * (loss.blank != 1)} on padding alone"
        return said

    def at_the_edge(self, cells: Cells) -> str:
        """Cells that are lost at an edge: `cell 223 of 224 is read by no window: 224 − 3 leaves 1 at stride 2`."""
        count, window, loss = cells.bit_count(), self.window, self.loss
        noun, verb = ("cell", "is") if count == 1 else ("cells", "are")
        subject = f"{noun} {ranged(cells)} of {self.n:,} {verb}"
        if window is None:
            return f"{subject} written to no output cell"
        if loss.leftover < count:
            return f"{subject} read by no window"
        padding = window.before + window.after
        room = f"{self.n:,}{f' + {padding:,} of padding' if padding else ''} − {window.extent:,}"
        beyond = f", {loss.uneven:,} of it padding" if loss.uneven else ""
        return f"{subject} read by no window: {room} leaves {loss.leftover:,} at stride {window.stride:,}{beyond}"

    def between_windows(self, count: int) -> str:
        """How many cells are skipped: `28 of 56 cells lie between windows of 1 at stride 2`."""
        said, window = f"{share(count, self.n, 'cell')} {'lies' if count == 1 else 'lie'}", self.window
        if window is None:
            return f"{said} between what is written"
        taps = "the taps of " if window.extent >= window.stride else ""
        spread = f", dilation {window.dilation:,}" if window.dilation > 1 else ""
        return f"{said} between {taps}windows of {window.kernel:,} at stride {window.stride:,}{spread}"


def losses(plan: Plan, recall: Recall | None = None) -> list[tuple[AxisLoss, ...]]:
    """The losses of every step, by the step's number in the plan; empty where a step loses nothing."""
    recall = recall or Recall()
    return [recall.answer("losses", (step.facts,), partial(losses_of, step)) for step in plan.steps]


def _loss(along: AxisMap, n: int) -> Loss:
    """The loss of a map; none where the loss is too scattered to be worked out, which `Report.ragged` tells."""
    try:
        return along.loss(n)
    except TooManyRuns:
        return NO_LOSS


def losses_of(step: Step) -> tuple[AxisLoss, ...]:
    """The losses of one step: an entry for each axis of an input on which the step loses anything."""
    found: dict[tuple[int, int], AxisLoss] = {}
    for links in step.links:
        for source, (link, x) in enumerate(zip(links, step.inputs, strict=True)):
            rank = len(x.spatial)
            for axis, (along, n) in enumerate(zip(link.axes, x.spatial, strict=True)):
                if not along.keeps and (loss := _loss(along, n)):
                    name = axis_name(axis, rank)
                    found[source, axis] = AxisLoss(source, axis, name, n, along.length(n), along, loss)
    return tuple(found.values())
