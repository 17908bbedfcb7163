"""A change of a model: its findings before and after, compared once for all findings that the change may mend."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from planner.comparison import Comparison
from planner.diagnostics import Diagnostic, Fault, Severity
from planner.fixes._findings import Findings, StepKey, grave
from planner.geometry import Window
from planner.plan import Step


@dataclass(eq=False)
class Revision:
    """A model before and after edits; what the two differ in is worked out when it is first asked for."""

    was: Findings
    now: Findings

    @cached_property
    def comparison(self) -> Comparison:
        return Comparison(self.was.report, self.now.report)

    # Findings

    def leaves(self, found: Diagnostic) -> bool:
        """Whether a finding of the earlier report is still there."""
        was, now = self.was, self.now
        key, identity = was.key(found), was.identities.get(found.step)
        alike = [each for each in now.report.of_kind(found.kind) if now.key(each) == key]
        before = sum(each.kind is found.kind and was.key(each) == key for each in was.report.diagnostics)
        return len(alike) >= before or any(identity and now.identities.get(each.step) == identity for each in alike)

    @cached_property
    def new(self) -> list[Diagnostic]:
        """The errors and warnings that the earlier report did not have."""
        was, now = self.was, self.now
        return [each for each in grave(now.report) if now.counts[now.key(each)] > was.counts[now.key(each)]]

    @cached_property
    def adds(self) -> bool:
        """Whether something new is wrong that was not merely hidden before, or more of the input is unread."""
        return self.comparison.loses_more or not all(map(self._was_hidden, self.new))

    def _was_hidden(self, each: Diagnostic) -> bool:
        """Whether a finding was impossible before, because the plan did not come so far."""
        if self.was.report.plan.complete or each.step is None:
            return False
        step = self.was.steps.get(self.now.identities.get(each.step))
        planned = step is not None and step.facts is not None
        return not planned or (each.severity is not Severity.ERROR and self.now.report.plan.complete)

    # Steps

    @cached_property
    def reached(self) -> list[tuple[StepKey, Step | None, Step]]:
        """The steps of the later model that edits have reached, as they were and as they are; a new one was None."""
        was, now = self.was, self.now
        alike = was.identities is now.identities
        earlier = was.steps.values() if alike else map(was.steps.get, now.steps)
        pairs = zip(now.steps.items(), earlier, strict=True)
        return [(key, before, step) for (key, step), before in pairs if before is not step and key is not None]

    @cached_property
    def touched(self) -> list[StepKey]:
        """The steps of the later model that are new, or have another layer or more or fewer sources."""
        return [
            key
            for key, was, now in self.reached
            if was is None or changes_layer(was, now) or len(was.sources) != len(now.sources)
        ]

    @cached_property
    def windows(self) -> list[tuple[list[Window], list[Window]]]:
        """The windows, before and after, of the steps that have another layer now."""
        return [
            (self.was.windows(was), self.now.windows(now))
            for _, was, now in self.reached
            if was is not None and changes_layer(was, now)
        ]

    @cached_property
    def keeps_declared(self) -> bool:
        """Whether what the file declares of layers holds for what arrives there now."""
        declared = ((was, now) for _, was, now in self.reached if was is not None and was.layer and was.layer.declared)
        return all(_still_holds(was, now) for was, now in declared)


def changes_layer(was: Step, now: Step) -> bool:
    """Whether a step has another layer; mostly both have the same object, which models that differ by an edit share."""
    return was.layer is not now.layer and was.layer != now.layer


def _still_holds(was: Step, now: Step) -> bool:
    if now.layer is None or now.layer != was.layer or now.facts is None:
        return True
    try:
        now.layer.elsewhere(now.facts, was.inputs, *now.inputs)
    except Fault:
        return False
    return True
