"""The safety of fixes: none lets a causal model see ahead, and the safe ones keep what people rely on.

Safe is a fix with which the finding goes, no new one comes, the outputs keep their shapes, the `state_dict` keeps its
names and shapes, and no content is dropped: another padding or rounding that comes to the same size in the end. Or one
that corrects a slip: a misspelt key, type, name or value, or a stated size that is worked out anyway.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from planner.analyses.causality import Causal, nothing_ahead, stays_causal
from planner.diagnostics import Diagnostic, Edit, RemedyName
from planner.fixes._findings import Findings
from planner.fixes._revision import Revision, changes_layer
from planner.plan import Plan, Step, Tensor
from planner.remedies._case import Case, Proposal
from planner.report import Report

KEEPING = {"padding", "ceil_mode", "inplace"}
"""Arguments that a safe fix may change: they hold no weights, and what else they change is seen in the plan."""
NEVER_SAFE: frozenset[RemedyName] = frozenset(("input_size", "kernel_size", "skipping_kernel"))
"""Remedies that change other arguments, or inputs, so that none of their fixes is safe."""
LEAST_LETTERS = 4
"""A shorter word is misspelt only in its capitals: one letter more or less makes another word of it."""
LONG_WORD = 8
"""In words of at least this many letters, two may be wrong."""


@dataclass(eq=False)
class Safety:
    """What a change keeps of what people rely on; worked out once for all findings that it may mend."""

    change: Revision

    def keeps_causality(self, found: Diagnostic) -> bool:
        """Whether every tensor that saw nothing ahead, or nothing before, still sees nothing there."""
        if not self._windows_stay and not _opposed(self.change.was, found):
            return False
        return not self._sees_ahead and _meets_causally(self.change, found)

    def is_safe(self, found: Diagnostic, proposal: Proposal) -> bool:
        """Whether a fix that mends its finding can be written without anybody looking at it."""
        return _corrects_slip(self.change.was.report, found, proposal) or self._keeps_all

    @cached_property
    def _windows_stay(self) -> bool:
        """Whether the windows that see nothing ahead, or nothing before, still do so."""
        return all(stays_causal(was, now) for was, now in self.change.windows)

    @cached_property
    def _sees_ahead(self) -> bool:
        """Whether some tensor sees ahead now, or padding at the end comes where all was padded before."""
        was, plan = self.change.was, self.change.now.report.plan
        if _pads_ahead(self.change) and was.pads_before:
            return True
        tensors = ((was.causal(a), b) for a, b in _same_tensors(self.change))
        return any(causal and not causal <= nothing_ahead(plan, b) for causal, b in tensors)

    @cached_property
    def _keeps_all(self) -> bool:
        was, now = self.change.was, self.change.now
        before, after = was.report.plan, now.report.plan
        if not (before.complete and after.complete) or was.identities != now.identities:
            return False
        if any(_changed(a, b) - KEEPING for a, b in zip(before.steps, after.steps, strict=True)):
            return False
        shapes = [[plan.shape(ref) for ref in plan.outputs] for plan in (before, after)]
        return shapes[0] == shapes[1] and _state(before) == _state(after) and not _all(now) - _all(was)


# Causality


def _pads_ahead(change: Revision) -> bool:
    """Whether a window gets padding at the end and had none there before."""
    return any(now.after > was.after == 0 for a, b in change.windows for was, now in zip(a, b, strict=False))


def _opposed(was: Findings, found: Diagnostic) -> bool:
    """Whether a finding says that one branch sees nothing ahead and the other nothing before: together they are not
    causal.
    """
    step = was.steps.get(was.identities.get(found.step))
    if step is None or step.facts is None:
        return False
    arriving = {each for ref in step.sources for each in was.causal(ref)}
    return any(each._replace(reversed=not each.reversed) in arriving for each in arriving)


def _same_tensors(change: Revision) -> Iterator[tuple[Tensor, Tensor]]:
    """The outputs before and after; of a plan that is not complete, the last tensors that were planned."""
    was, now = change.was, change.now
    before, after = was.report.plan, now.report.plan
    if before.complete and after.complete:
        yield from zip(before.outputs, after.outputs, strict=False)
        return
    read = {ref for step in before.steps if step.facts is not None for ref in step.sources}
    for i, step in enumerate(before.steps):
        other = now.steps.get(was.identities[step.name])
        if other is None or step.is_input:
            continue
        for output in range(min(len(step.outputs), len(other.outputs))):
            if Tensor(i, output) not in read:
                yield Tensor(i, output), Tensor(after.numbers[other.name], output)


def _meets_causally(change: Revision, found: Diagnostic) -> bool:
    """Whether branches that could not meet before, and see nothing ahead, see nothing ahead where they meet now."""
    was, now = change.was, change.now
    before, after = was.report.plan, now.report.plan
    identity = was.identities.get(found.step)
    step, other = was.steps.get(identity), now.steps.get(identity)
    if step is None or other is None or step.facts is not None or len(step.sources) < 2 or not other.links:
        return True
    cell_on_cell = all(axis.keeps for link in other.links[0] for axis in link.axes)
    if not cell_on_cell or any(before.shape(ref) is None for ref in step.sources):
        return True
    causal = frozenset[Causal]().union(*(was.causal(ref) for ref in step.sources))
    shared = causal.intersection(*(nothing_ahead(before, ref) for ref in step.sources)) if causal else causal
    place = next(i for i, each in enumerate(after.steps) if each is other)
    return not shared or shared <= nothing_ahead(after, Tensor(place, 0))


# What differs


def _changed(a: Step, b: Step) -> set[str]:
    """The arguments, or other properties, in which two steps differ."""
    if (a.type, a.sources, a.is_input and a.outputs) != (b.type, b.sources, b.is_input and b.outputs):
        return {"type"}
    if a.layer is None or b.layer is None or not changes_layer(a, b):
        return set()
    return {key for key in type(a.layer).model_fields if getattr(a.layer, key) != getattr(b.layer, key)}


def _state(plan: Plan) -> dict[str, object]:
    """The `state_dict` of a plan: the shape of each weight and buffer by its full name."""
    return {f"{step.name}.{key}": sizes for step in plan.steps for key, sizes in step.state.items()}


def _all(findings: Findings) -> Counter[tuple[str, object]]:
    """All findings of a report, infos included, by place."""
    return Counter((each.code, each.step or each.path) for each in findings.report.with_remarks)


# Slips


def _corrects_slip(report: Report, found: Diagnostic, proposal: Proposal) -> bool:
    """Whether the fix is the only thing that somebody can have meant."""
    if not proposal.own or not found.kind.slip or any(edit.path != found.path for edit in proposal.edits):
        return False
    if found.kind.slip == "size":
        return True
    case = Case(report, found)
    meant = {str(edit.value) for edits in found.mends for edit in edits if _is_slip(case, edit)}
    return len(meant) == 1 and all(_is_slip(case, edit) for edit in proposal.edits)


def _is_slip(case: Case, edit: Edit) -> bool:
    if edit.action == "rename":
        return misspelt(str(edit.path[-1]), str(edit.value))
    old, new = case.at(edit.path), edit.value
    if edit.action != "set" or isinstance(old, bool):
        return False
    if isinstance(old, str) and not isinstance(new, str):  # a number or a truth value in quotes
        return isinstance(new, bool) or str(new) == old
    return isinstance(old, str) and misspelt(old, str(new))


def misspelt(text: str, meant: str) -> bool:
    """Whether a name, or a name in an expression, differs from another by a slip of the pen alone: capitals, a letter
    or two, or the axes that a type works on (`BatchNorm` for `BatchNorm2d`). Numbers in names are no slips.
    """
    pairs = [re.split(r"(\w+)", each) for each in (text, meant)]
    if len(pairs[0]) != len(pairs[1]):
        return False
    return all(a == b or _slipped(a, b) for a, b in zip(*pairs, strict=True))


def _slipped(word: str, meant: str) -> bool:
    a, b = (re.sub(r"[\W_]", "", each).lower() for each in (word, meant))
    if a and (a == b or re.fullmatch(rf"{re.escape(a)}[123]d", b)):
        return True
    shorter = min(len(a), len(b))
    if re.findall(r"\d", a) != re.findall(r"\d", b) or shorter < LEAST_LETTERS:
        return False
    return _distance(a, b) <= (2 if shorter >= LONG_WORD else 1)


def _distance(a: str, b: str) -> int:
    """The number of letters inserted, deleted, replaced or transposed (F. Damerau, CACM 7(3), 1964; each stretch edited
    once).
    """
    rows = [list(range(len(b) + 1))]
    for i, letter in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            cost = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != other))
            if i > 1 and j > 1 and (letter, a[i - 2]) == (b[j - 2], other):
                cost = min(cost, rows[-2][j - 2] + 1)
            row.append(cost)
        rows.append(row)
    return rows[-1][-1]
