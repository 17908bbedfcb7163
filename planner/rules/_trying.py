"""What help texts recommend is tried first: layers with other arguments, and the whole model planned with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from planner.analyses.loss import losses, losses_of
from planner.analyses.reach import reach
from planner.diagnostics import Fault
from planner.geometry import Window
from planner.plan import Plan
from planner.propagation import propagate
from planner.rules._near import near_sizes

if TYPE_CHECKING:
    from planner.analyses.recall import Recall
    from planner.layers._layer import Facts, Layer
    from planner.model import Instance
    from planner.plan import Step
    from planner.report import Report
    from planner.rules._dropped import Dropped

MOST_STEPS = 20_000
"""The most steps that are planned for the trials of one report."""
MOST_BACK = 10
"""Layers looked through for one that could take a stride."""

Values = Mapping[str, object]


def changed(step: Step, **values: object) -> Layer | None:
    """A step's layer with other arguments; None where it does not take them."""
    layer = step.layer
    if layer is None or not values.keys() <= type(layer).model_fields.keys():
        return None
    try:
        return type(layer).model_validate({**{name: getattr(layer, name) for name in layer.model_fields_set}, **values})
    except ValueError:
        return None


class Trials:
    """Trials for the findings of one rule in a report; nothing is tried for one in which no help is asked for."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.left = 0 if report.brief else MOST_STEPS

    @cached_property
    def size_near(self) -> bool:
        """Whether there is an input size near by with which no step loses real cells at an edge."""
        return bool(near_sizes(self.report, partial(_losing, self.report.recall)))

    def reads(self, step: Step, missed: list[Dropped], **values: object) -> bool:
        """Whether, with other arguments, a step reads all that it misses now, the model works, and every missed cell
        that nothing else reads is used.
        """
        source = missed[0].axis.source
        layer = self._changed(step, **values)
        if layer is None or not _reads_all(layer, step, source):
            return False
        if self.report.reach is None:  # the plan is not complete, or very long: each step is compared by itself
            return self._no_worse(step, layer)
        plan = self.planned({id(step): layer})
        after = reach(plan) if plan is not None else None
        if after is None:
            return False
        ref = step.sources[source]
        unread = after.unread[ref.step]
        left = [each.nowhere & unread[ref.output].unread_lines(each.axis.axis) for each in missed] if unread else []
        return not any(left)

    def fits(self, step: Step, **values: object) -> bool:
        """Whether the model works with other arguments of a step; where it does not work now, whether all of it works
        that does.
        """
        layer = self._changed(step, **values)
        if layer is None:
            return False
        if self.report.plan.complete:
            return self.planned({id(step): layer}) is not None
        return facts_of(layer, step) is not None and self._no_worse(step, layer)

    def _changed(self, step: Step, **values: object) -> Layer | None:
        return None if self.report.brief else changed(step, **values)

    def _no_worse(self, step: Step, layer: Layer) -> bool:
        """Whether with another layer every step works that works now, as far as one can tell."""
        plan = self._tried({id(step): layer})
        steps = zip(self.report.plan.steps, plan.steps, strict=True) if plan is not None else ()
        return all(now.facts is not None for was, now in steps if was.facts is not None)

    def planned(self, layers: Mapping[int, Layer], *, copies: bool = True) -> Plan | None:
        """The plan with other layers for some steps, and for their equal copies; None where it is not complete."""
        plan = self._tried(layers, copies=copies)
        return plan if plan is not None and plan.complete else None

    def _tried(self, layers: Mapping[int, Layer], *, copies: bool = True) -> Plan | None:
        """The plan with other layers, complete or not; None where too much has been planned before."""
        report, model = self.report, self.report.plan.model
        if self.left < len(report.plan.steps):
            return None
        self.left -= len(report.plan.steps)
        steps = [step for step in report.plan.steps if id(step) in layers]

        def of(instance: Instance) -> Layer | None:
            for step in steps:
                alike = (step.path, step.layer) == (instance.path, instance.layer)
                if step.instance is instance or (copies and alike):
                    return layers[id(step)]
            return instance.layer

        found = [(each, of(each)) for each in model.instances]
        instances = [
            replace(each, layer=layer, sized=each.sized if layer is each.layer else None) for each, layer in found
        ]
        inputs = {step.name: step.outputs[0] for step in report.plan.inputs}
        return propagate(replace(model, instances=instances), inputs=inputs)

    def taken_over(self, step: Step) -> bool:
        """Whether a layer with a larger window after a step can take its stride, and then reads all of it."""
        at = self.report.plan.numbers[step.name]
        for i in range(at + 1, min(at + 1 + MOST_BACK, len(self.report.plan.steps))):
            after = self.report.plan.steps[i]
            if len(after.sources) != 1 or after.sources[0].step != at:
                return False
            if _slides(after):
                return self._moved(step, after)
            at = i
        return False

    def taken_before(self, step: Step) -> bool:
        """Whether a layer with a larger window before a step can take its stride."""
        before = step
        for _ in range(MOST_BACK):
            if len(before.sources) != 1:
                return False
            before = self.report.plan.steps[before.sources[0].step]
            if _slides(before):
                return self._moved(step, before)
        return False

    def _moved(self, step: Step, taker: Step) -> bool:
        """Whether the model works, and neither layer misses a cell, when one takes the stride of the other."""
        plain = self._changed(step, stride=1)
        layer = self._changed(taker, stride=getattr(step.layer, "stride", 1))
        if plain is None or layer is None:
            return False
        plan = self.planned({id(step): plain, id(taker): layer}, copies=False)
        places = [self.report.plan.numbers[each.name] for each in (step, taker)]
        return plan is not None and not any(each.loss.real for k in places for each in losses_of(plan.steps[k]))


def _slides(step: Step) -> bool:
    """Whether a layer has windows of more than one cell."""
    axes = step.links[0][0].axes if step.links and step.links[0] else ()
    windows = [each for each in axes if isinstance(each, Window)]
    return bool(windows) and min(each.kernel for each in windows) > 1


def _losing(recall: Recall, plan: Plan) -> int:
    """How many axes of steps lose real cells at an edge."""
    return sum(bool(each.loss.lost or each.loss.lost_before) for axes in losses(plan, recall) for each in axes)


def _reads_all(layer: Layer, step: Step, source: int) -> bool:
    """Whether a layer in place of a step's fits on its inputs, misses no real cell of one of them, and has no window
    that reads padding alone.
    """
    facts = facts_of(layer, step)
    return facts is not None and not any(
        each.source == source and (each.loss.real or each.loss.blank) for each in losses_of(replace(step, facts=facts))
    )


def facts_of(layer: Layer, step: Step) -> Facts | None:
    """What a layer answers in place of a step's; None where it does not take the inputs."""
    try:
        return layer.facts(*step.inputs)
    except Fault:
        return None
