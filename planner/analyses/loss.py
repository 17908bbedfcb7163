"""The loss ledger: what each step loses on each axis, on which side, and why, in words."""

from __future__ import annotations

from dataclasses import dataclass

from planner.cells import TooManyRuns
from planner.geometry import NO_LOSS, AxisMap, Loss
from planner.layers._layer import axis_name
from planner.plan import Plan, Step


@dataclass(frozen=True, slots=True)
class AxisLoss:
    """What one step loses on one axis of one input: `n` cells become `length`."""

    source: int
    axis: int
    name: str
    n: int
    length: int
    map: AxisMap
    loss: Loss

    @property
    def text(self) -> str:
        """What is lost and why, in words and numbers, with one clause for each kind of loss."""
        loss, n = self.loss, self.n
        said = []
        if loss.lost_before:
            said.append(f"{_cells(0, loss.lost_before)} of {n} {_is(loss.lost_before)} read by no cell of the output")
        if loss.lost:
            said.append(f"{_cells(n - loss.lost, n)} of {n} {_is(loss.lost)} read by no cell of the output")
        if loss.skipped:
            said.append(f"{loss.skipped} of {n} cells fall between windows and are skipped")
        if loss.uneven:
            said.append(f"{_count(loss.uneven, 'cell')} of padding at the end {_is(loss.uneven)} not used")
        if loss.overhang:
            said.append(f"the last window hangs {_count(loss.overhang, 'cell')} over the end")
        if loss.blank:
            said.append(f"{_count(loss.blank, 'window')} {'reads' if loss.blank == 1 else 'read'} padding alone")
        return f"{self.name}: " + "; ".join(said)


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _cells(start: int, stop: int) -> str:
    """The cells from start up to, not including, stop, as a set."""
    return f"cell {start}" if stop - start == 1 else f"cells {start}–{stop - 1}"


def losses(plan: Plan) -> list[tuple[AxisLoss, ...]]:
    """The losses of every step, by the step's number in the plan; empty where a step loses nothing."""
    known: dict[int, tuple[AxisLoss, ...]] = {}
    found = []
    for step in plan.steps:
        key = id(step.facts)
        if key not in known:
            known[key] = tuple(losses_of(step))
        found.append(known[key])
    return found


def _loss(along: AxisMap, n: int) -> Loss:
    """The loss of a map; none where the loss is too scattered to be worked out, which `Report.ragged` tells."""
    try:
        return along.loss(n)
    except TooManyRuns:
        return NO_LOSS


def losses_of(step: Step) -> list[AxisLoss]:
    """The losses of one step: an entry for each axis of an input on which the step loses anything."""
    found: dict[tuple[int, int], AxisLoss] = {}
    for links in step.links:
        for source, (link, x) in enumerate(zip(links, step.inputs, strict=True)):
            rank = len(x.spatial)
            for axis, (along, n) in enumerate(zip(link.axes, x.spatial, strict=True)):
                if not along.keeps and (loss := _loss(along, n)):
                    name = axis_name(axis, rank)
                    found[source, axis] = AxisLoss(source, axis, name, n, along.length(n), along, loss)
    return list(found.values())
