"""Whether what a help would recommend works: tried in the whole plan, since a layer behind may undo it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import ValidationError

from planner.analyses.reach import reach
from planner.plan import propagate

if TYPE_CHECKING:
    from planner.plan import Step
    from planner.report import Report
    from planner.rules._dropped import Dropped

MOST_TRIED = 20_000
"""Steps planned again for a help."""


def reads_with(report: Report, step: Step, lost: Iterable[Dropped], **values: object) -> bool:
    """Whether a step with other arguments has the cells read that it does not read, to the outputs; in a plan that is
    not complete, as far as one sees.
    """
    plan, layer = report.plan, step.layer
    if layer is None or not values.keys() <= type(layer).model_fields.keys() or len(plan.steps) > MOST_TRIED:
        return False
    try:
        given = {name: getattr(layer, name) for name in layer.model_fields_set}
        other = type(layer).model_validate({**given, **values})
    except ValidationError:
        return False
    if report.reach is None:
        return True
    instances = [
        replace(each, layer=other) if each.path == step.path and each.layer == layer else each
        for each in plan.model.instances
    ]
    reached = reach(propagate(replace(plan.model, instances=instances)))
    ref = next(step.sources[each.axis.source] for each in lost)
    unread = reached.unread[ref.step] if reached is not None else None
    if unread is None:
        return False
    return all(not each.edge & unread[ref.output or 0].unread_lines(each.axis.axis) for each in lost)
