"""The findings and steps of a report by the places of their entries, so that an edited model's can be compared."""

from __future__ import annotations

from collections import Counter
from functools import cached_property, partial

from planner.analyses.causality import Causal, causal_axes
from planner.diagnostics import Diagnostic, Edit, Path, Severity
from planner.geometry import Shift, Window
from planner.plan import Step, Tensor
from planner.remedies._case import windows_of
from planner.report import Report

StepKey = tuple[Path, tuple[Path, ...], int]
"""A step across an edit: the place of its entry, the places of the calls, and which copy of it."""


def grave(report: Report) -> list[Diagnostic]:
    """The errors and warnings of a report, in the order of the file: mending an upper one may mend those below."""
    return [each for each in report.diagnostics if each.severity is not Severity.INFO]


def before_inserts(path: Path, edits: tuple[Edit, ...]) -> Path:
    """The place before edits inserted entries above; a place within an inserted entry has a negative number."""
    for edit in reversed(edits):
        depth = len(edit.path) - 1
        if edit.action == "insert" and path[:depth] == edit.path[:depth] and len(path) > depth:
            here, new = path[depth], edit.path[depth]
            assert isinstance(here, int)
            assert isinstance(new, int)
            if here >= new:
                path = (*path[:depth], here - 1 if here > new else -1 - here, *path[depth + 1 :])
    return path


class Findings:
    """The findings of a report by the places of their entries as they were before the edits."""

    def __init__(self, report: Report, edits: tuple[Edit, ...] = (), before: Findings | None = None) -> None:
        self.report = report
        self.edits = edits
        self.identities: dict[str | None, StepKey] = {}
        self.steps: dict[StepKey | None, Step] = {}
        if before is not None and report.plan.model.like is before.report.plan.model:  # the steps have stayed the same
            self.identities = before.identities
            self.steps = dict(zip(before.steps, report.plan.steps, strict=True))
        else:
            self._identify()
        self._causal: dict[Tensor, frozenset[Causal]] = {}

    @cached_property
    def counts(self) -> Counter[tuple[str, Path]]:
        """How many errors and warnings of a code there are at a place."""
        return Counter(map(self.key, grave(self.report)))

    def _identify(self) -> None:
        copies: Counter[tuple[Path, tuple[Path, ...]]] = Counter()
        for step in self.report.plan.steps:
            place = self.old(step.path), tuple(map(self.old, step.instance.calls))
            self.identities[step.name] = (*place, copies[place])
            self.steps[*place, copies[place]] = step
            copies[place] += 1

    def old(self, path: Path) -> Path:
        return before_inserts(path, self.edits)

    def key(self, each: Diagnostic) -> tuple[str, Path]:
        identity = self.identities.get(each.step)
        return each.code, identity[0] if identity else self.old(each.path)

    def windows(self, step: Step) -> list[Window]:
        """The windows of a step, axis by axis."""
        if step.facts is None:
            return [window for window, _ in windows_of(step)]
        found = self.report.recall.answer("windows", (step.facts,), partial(windows_of, step))
        return [window for window, _ in found]

    def causal(self, tensor: Tensor) -> frozenset[Causal]:
        """The axes along which a tensor is causal, kept for all fixes."""
        if tensor not in self._causal:
            self._causal[tensor] = causal_axes(self.report.plan, tensor)
        return self._causal[tensor]

    @cached_property
    def pads_before(self) -> bool:
        """Whether the plan pads some axes before, and none after, which means that it is meant to be causal."""
        steps = [step for step in self.report.plan.steps if step.facts is not None]
        pads = [axis for step in steps for links in step.links for link in links for axis in link.axes]
        moved = [*(window for step in steps for window in self.windows(step)), *pads]
        sides = [(each.before, each.after) for each in moved if isinstance(each, Window | Shift)]
        return any(before > 0 for before, _ in sides) and not any(after > 0 for _, after in sides)
