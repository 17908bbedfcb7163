"""What the model reads and gives, and what it all adds up to, before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from planner.comparison.steps import BeforeAfter, field_of
from planner.plan import Tensor
from planner.report import Report

if TYPE_CHECKING:
    from planner.comparison import Comparison


class Port(NamedTuple):
    """An input or an output of the model: its names, its shapes, and of an output whether it is of the same step."""

    kind: str
    names: BeforeAfter
    shapes: BeforeAfter
    moved: bool = False

    @property
    def differs(self) -> bool:
        return self.shapes.differs or self.moved or (self.kind == "input" and self.names.differs)


def ports(both: Comparison) -> list[Port]:
    """The inputs by their steps, then the outputs in their order."""
    plans = both.before.plan, both.after.plan
    found = []
    for pair in both.pairs:
        steps = [None if i is None else plan.steps[i] for i, plan in zip(pair, plans, strict=True)]
        if any(step is not None and step.is_input for step in steps):
            names = BeforeAfter(*(None if step is None else step.name for step in steps))
            shapes = BeforeAfter(*(None if step is None else step.outputs[0] for step in steps))
            found.append(Port("input", names, shapes))
    outputs = [plan.outputs for plan in plans]
    for k in range(max(map(len, outputs))):
        refs = [each[k] if k < len(each) else None for each in outputs]
        shown = [(plan, ref) for plan, ref in zip(plans, refs, strict=True)]
        names = BeforeAfter(*(None if ref is None else plan.label(ref) for plan, ref in shown))
        shapes = BeforeAfter(*(None if ref is None else plan.shape(ref) for plan, ref in shown))
        found.append(Port("output", names, shapes, moved=_is_other(both, *refs)))
    return found


def _is_other(both: Comparison, before: Tensor | None, after: Tensor | None) -> bool:
    """Whether an output is of another step than before; one more, or one less, before it does not make it another."""
    if before is None or after is None:
        return before is not after
    return both.wiring.tensor(0, before) != both.wiring.tensor(1, after)


def totals(both: Comparison) -> dict[str, BeforeAfter]:
    """Totals by name, None where they are not known: as of a model that could not be planned whole."""
    was, now = (_of(report) for report in both.sides)
    return {name: BeforeAfter(was[name], now[name]) for name in was}


def _of(report: Report) -> dict[str, object]:
    plan, cost = report.plan, report.cost
    whole = plan.complete
    unread = report.unread_inputs.values()
    output = plan.outputs[0] if plan.outputs else None
    return {
        "params": cost.params if whole else None,
        "macs": cost.macs if whole else None,
        "activation_bytes": cost.activation_bytes if whole else None,
        "peak_bytes": cost.peak_bytes if whole else None,
        "kept_bytes": report.kept_bytes,
        "steps": len(plan.steps) - len(plan.inputs),
        "receptive_field": field_of(report, output.step, output.output) if output and whole else None,
        "unread_cells": sum(each.cells for each in unread) if report.reach is not None else None,
        "wasted_macs": report.reach.wasted_macs if report.reach is not None else None,
    }
