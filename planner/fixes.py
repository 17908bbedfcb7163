"""Fixes: what would mend a finding, each planned before it is offered.

A kind says in `mended_by` which remedies may help, and a fault may bring edits of its own. Every proposal is made in
the model's data and the whole model is judged again: what is left are those with which the finding is gone and nothing
new is wrong, and what they do is read off the two reports.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from planner.analyses.receptive_field import AxisField
from planner.diagnostics import Diagnostic, Edit, Fix, Path, Severity
from planner.editing import CannotEdit, edited, rewritten, written
from planner.plan import Step
from planner.remedies import all_remedies
from planner.remedies._case import Case, Proposal
from planner.report import Report
from planner.source import Source
from planner.words import counted

MOST_FIXES = 5
MOST_PROPOSALS = 16
"""For one finding."""
MOST_WORK = 12_000
"""Steps planned and findings weighed for the fixes of one report, after which no more is tried."""
MOST_WORK_MENDING = 100_000
"""The same while a file is mended; the rest of its findings then stay."""
MANY_CELLS = 1 << 12
"""So many cells along an axis are as much work as a step."""
WEIGHT = 3
"""Steps that a finding counts for."""

Check = Callable[[Source], Report]
Identity = tuple[Path, tuple[Path, ...], int]
"""A step across an edit: the place of its entry, the places of the calls, and which copy of it."""


@dataclass(frozen=True, slots=True)
class _Trial:
    """A proposal that mends the finding, and the report with it."""

    proposal: Proposal
    after: Report
    revealed: int

    @property
    def rank(self) -> tuple[int, ...]:
        """What a fault proposes itself stands in its own order; of the rest, first what leaves least to mend."""
        if self.proposal.own:
            return (0,)
        remaining = self.after.count(Severity.ERROR), self.after.count(Severity.WARNING)
        return 1, len(self.proposal.overwrites), *remaining


class Mender:
    """Finds the fixes of a report's findings; `check` judges a changed source as the report's own was judged."""

    def __init__(self, report: Report, check: Check, most_work: int = MOST_WORK) -> None:
        self.report = report
        self.check = check
        self.left = most_work
        self.memory: dict[object, object] = {}
        self.before = _Findings(report)

    def fixes(self, found: Diagnostic) -> tuple[Fix, ...]:
        """What would mend a finding, the best first."""
        case = Case(self.report, found, self.memory)
        proposals = islice(_proposals(case), MOST_PROPOSALS)
        trials: list[_Trial] = []
        while self.report.source.data and _work(self.report) <= self.left and len(trials) < MOST_FIXES:
            proposal = next(proposals, None)
            if proposal is None:
                break
            trial = self._tried(proposal, found)
            if trial is not None and self._can_be_written(proposal):
                trials.append(trial)
        trials.sort(key=lambda trial: trial.rank)
        return tuple(Fix(each.proposal.edits, _text(case, each.proposal), _effect(case, each)) for each in trials)

    def _tried(self, proposal: Proposal, found: Diagnostic) -> _Trial | None:
        """The proposal planned; None where it does not mend the finding, or makes a new one."""
        source = self.report.source
        try:
            changed = Source(edited(source.data, proposal.edits), source.file)
        except CannotEdit:
            return None
        changed.faults = source.faults
        after = self.check(changed)
        self.left -= _work(after)
        findings = _Findings(after, proposal.edits)
        if findings.has(found, self.before) or _loses_more(self.report, after):
            return None
        new = list(findings.new(self.before))
        if any(not self._was_hidden(each, findings) for each in new):
            return None
        return _Trial(proposal, after, len(new))

    def _was_hidden(self, each: Diagnostic, after: _Findings) -> bool:
        """Whether a finding could not be made before, because the plan did not come so far."""
        if self.report.plan.complete:
            return False
        if each.step is None:
            return False
        step = self.before.steps.get(after.identities.get(each.step))
        planned = step is not None and step.facts is not None
        return not planned or (each.severity is not Severity.ERROR and after.report.plan.complete)

    def _can_be_written(self, proposal: Proposal) -> bool:
        if not self.report.source.text:
            return True
        try:
            rewritten(self.report.source, proposal.edits)
        except CannotEdit:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Mended:
    """A model after its fixes: the report on what its text is now, and what was done for which finding."""

    report: Report
    made: tuple[tuple[Diagnostic, Fix], ...]


def mended(report: Report, check: Check) -> Mended:
    """The first fix of every error and warning made in the text, each judged before the next is looked for."""
    made: list[tuple[Diagnostic, Fix]] = []
    passed = set()
    left = MOST_WORK_MENDING
    while found := next((each for each in _grave(report) if _key(each) not in passed), None):
        passed.add(_key(found))
        mender = Mender(report, check, min(max(MOST_WORK, 4 * _work(report)), left))
        before, fixes = mender.left, mender.fixes(found)
        left -= before - mender.left
        if fixes:
            report = check(rewritten(report.source, fixes[0].edits))
            made.append((found, fixes[0]))
        if left <= 0:
            break
    return Mended(report, tuple(made))


def _work(report: Report) -> int:
    """How much it is to judge a model."""
    long = sum(max(shape) for step in report.plan.steps for shape in step.outputs if shape.spatial)
    return len(report.plan.steps) + WEIGHT * len(report.diagnostics) + long // MANY_CELLS


def _grave(report: Report) -> list[Diagnostic]:
    """The errors and warnings of a report, in the order of the file: what is mended above may mend what is below."""
    return [each for each in report.diagnostics if each.severity is not Severity.INFO]


def _key(each: Diagnostic) -> tuple[object, ...]:
    return each.kind, each.step, each.message, each.label


class _Findings:
    """The findings of a report by the places of their entries, as they were before the edits that led to the report."""

    def __init__(self, report: Report, edits: tuple[Edit, ...] = ()) -> None:
        self.report = report
        self.edits = edits
        self.identities: dict[str | None, Identity] = {}
        self.steps: dict[Identity | None, Step] = {}
        copies: Counter[tuple[Path, tuple[Path, ...]]] = Counter()
        for step in report.plan.steps:
            place = self.old(step.path), tuple(map(self.old, step.instance.calls))
            self.identities[step.name] = (*place, copies[place])
            self.steps[*place, copies[place]] = step
            copies[place] += 1
        self.counts = Counter(map(self.key, _grave(report)))

    def old(self, path: Path) -> Path:
        """Where a place was before entries came in above it; one that came in itself has a negative number."""
        for edit in reversed(self.edits):
            depth = len(edit.path) - 1
            if edit.action == "insert" and path[:depth] == edit.path[:depth] and len(path) > depth:
                here, new = path[depth], edit.path[depth]
                assert isinstance(here, int)
                assert isinstance(new, int)
                if here >= new:
                    path = (*path[:depth], here - 1 if here > new else -1 - here, *path[depth + 1 :])
        return path

    def key(self, each: Diagnostic) -> tuple[str, Path]:
        identity = self.identities.get(each.step)
        return each.code, identity[0] if identity else self.old(each.path)

    def has(self, found: Diagnostic, before: _Findings) -> bool:
        """Whether a finding of the report before is still there."""
        key, identity = before.key(found), before.identities.get(found.step)
        alike = [each for each in self.report.diagnostics if each.kind is found.kind and self.key(each) == key]
        was = sum(each.kind is found.kind and before.key(each) == key for each in before.report.diagnostics)
        return len(alike) >= was or any(identity and self.identities.get(each.step) == identity for each in alike)

    def new(self, before: _Findings) -> Iterator[Diagnostic]:
        """The errors and warnings that the report before did not have."""
        for each in _grave(self.report):
            if self.counts[self.key(each)] > before.counts[self.key(each)]:
                yield each


def _proposals(case: Case) -> Iterator[Proposal]:
    """All proposals for a finding, each once: the fault's own, then those of the remedies that its kind names."""
    seen: list[tuple[Edit, ...]] = []
    own = (replace(sum((_own(case, edit) for edit in edits), Proposal(())), own=True) for edits in case.found.mends)
    remedies = (proposal for name in case.found.kind.mended_by for proposal in all_remedies()[name](case))
    for proposal in (*own, *remedies):
        if proposal.edits and proposal.edits not in seen:
            seen.append(proposal.edits)
            yield proposal


def _own(case: Case, edit: Edit) -> Proposal:
    """An edit that a fault proposes, made where the argument is decided."""
    if case.step is not None and edit.action == "set" and edit.path[:-1] == case.step.path:
        return case.put(case.step, **{str(edit.path[-1]): edit.value})
    return Proposal((edit,))


def _loses_more(before: Report, after: Report) -> bool:
    """Whether a larger part of the input is unread than was before."""
    if before.reach is None or after.reach is None:
        return False
    shares = [_unread(report) for report in (before, after)]
    return shares[1][0] * shares[0][1] > shares[0][0] * shares[1][1]


def _unread(report: Report) -> tuple[int, int]:
    """Unread elements of all inputs, and all elements."""
    if report.reach is None:
        return 0, 1
    inputs = [
        unread for step, unread in zip(report.plan.steps, report.reach.unread, strict=True) if step.is_input and unread
    ]
    return sum(each[0].elements for each in inputs), sum(each[0].shape.elements for each in inputs) or 1


# In words


def _text(case: Case, proposal: Proposal) -> str:
    """The edits as one would write them; where they are not at the finding itself, with the place."""
    own = case.step.path if case.step is not None else case.found.path
    parts: dict[str, list[str]] = {}
    for edit in proposal.edits:
        home, said = _said(case, edit, own, proposal)
        parts.setdefault(home, []).append(said)
    return "; ".join(f"{home}{', '.join(said)}" for home, said in parts.items())


def _said(case: Case, edit: Edit, own: Path, proposal: Proposal) -> tuple[str, str]:
    """Where an edit is, and what it does."""
    key = edit.path[-1]
    if edit.action == "insert":
        return "", f"before it: {written(edit.value)}"
    place = _before_inserts(edit.path, proposal.edits)
    value = written(edit.value, flow=True)
    said = {"set": f"{key}: {value}", "remove": f"without `{key}`", "rename": f"`{edit.value}` for `{key}`"}[
        edit.action
    ]
    if isinstance(key, int):  # one of a list: the list is shown as it will be
        whole = edited(case.at(place[:-1]), [Edit((key,), edit.value)])
        return _home(case, place[:-1], own), f"{edit.path[-2]}: {written(whole, flow=True)}"
    return _home(case, place, own), said


def _before_inserts(path: Path, edits: tuple[Edit, ...]) -> Path:
    """A path among the entries as they were before others came in."""
    for edit in reversed(edits):
        depth = len(edit.path) - 1
        if edit.action == "insert" and edit.path != path and path[:depth] == edit.path[:depth] and len(path) > depth:
            here, new = path[depth], edit.path[depth]
            if isinstance(here, int) and isinstance(new, int) and here > new:
                path = (*path[:depth], here - 1, *path[depth + 1 :])
    return path


def _home(case: Case, path: Path, own: Path) -> str:
    """What an edit's key belongs to, where that is not the finding's own entry."""
    holder = path[:-1]
    if holder == own or own[: len(path)] == path or not holder:
        return ""
    step = next((step for step in case.plan.steps if step.path == holder), None)
    if step is not None:
        return f"`{step.name}`: "
    group = next((group for group in case.plan.model.groups if group.path == holder), None)
    return f"`{group.name}`: " if group is not None else f"{'.'.join(map(str, holder))}."


def _effect(case: Case, trial: _Trial) -> str:
    """What the model is like with a proposal, against what it was before."""
    before, after = case.report, trial.after
    said = [*_shapes(case, trial), *_lost(case, trial)]
    if before.plan.complete and after.plan.complete:
        said.append(f"{after.cost.params - before.cost.params:+,} parameters")
        said += _macs(before.cost.macs, after.cost.macs)
        said += _fields(before, after)
    elif after.plan.complete:
        said.append(f"{after.cost.params:,} parameters")
        said += [f"{after.cost.macs:,} MACs"] * bool(after.cost.macs)
    said += _copies(case, trial)
    said += [f"overwrites `{each}`" for each in trial.proposal.overwrites]
    if errors := after.count(Severity.ERROR):
        said.append(f"{counted(errors, 'error')} {'remains' if errors == 1 else 'remain'}")
    elif trial.revealed:
        said.append(f"{counted(trial.revealed, 'warning')} {'comes' if trial.revealed == 1 else 'come'} to light")
    return ", ".join(said)


def _shapes(case: Case, trial: _Trial) -> Iterator[str]:
    """The size of the finding's step, or of the model's outputs where they are others than before."""
    after = _Findings(trial.after, trial.proposal.edits)
    identity = _Findings(case.report).identities.get(case.step.name) if case.step is not None else None
    step = after.steps.get(identity)
    if step is not None and step.outputs and not step.is_input:
        yield " and ".join(map(str, step.outputs[:3]))
        return
    shapes = [[report.plan.shape(ref) for ref in report.plan.outputs] for report in (case.report, trial.after)]
    if shapes[1] and None not in shapes[1]:
        yield f"output {' and '.join(map(str, shapes[1]))}" + (" as before" if shapes[0] == shapes[1] else "")


def _lost(case: Case, trial: _Trial) -> Iterator[str]:
    """What of the input is unread."""
    if trial.after.reach is None:
        return
    unread, _ = _unread(trial.after)
    cells = sum(
        each[0].cells
        for step, each in zip(trial.after.plan.steps, trial.after.reach.unread, strict=True)
        if step.is_input and each
    )
    if not unread:
        yield "nothing lost"
    elif cells:
        yield f"{counted(cells, 'cell')} of the input unread"


def _macs(before: int, after: int) -> Iterator[str]:
    """How many multiply-adds more or less, and how much of the whole that is, in per cent."""
    if after != before:
        share = (abs(after - before) * 200 // before + 1) // 2 if before else 0
        sign = "+" if after > before else "-"
        yield f"{after - before:+,} MACs" + (f" ({sign}{share} %)" if share else "")


def _fields(before: Report, after: Report) -> Iterator[str]:
    """The receptive field of the first output, where it is another than before and sees less than everything."""
    was, now = _field(before), _field(after)
    sizes = [[each.size for each in field] for field in (was, now)]
    if sizes[0] != sizes[1] and any(each.size is not None and each.size <= each.length for each in (*was, *now)):
        shown = ["×".join("?" if size is None else str(size) for size in each) for each in sizes]
        yield f"receptive field {shown[1]} instead of {shown[0]}"


def _field(report: Report) -> tuple[AxisField, ...]:
    """What the first output sees of the first input."""
    step, output = report.plan.outputs[0]
    fields = report.fields[step]
    return next(iter(fields[output or 0].values()), ()) if fields else ()


def _copies(case: Case, trial: _Trial) -> Iterator[str]:
    """How many steps an edit inside a block changes."""
    before, after = _Findings(case.report), _Findings(trial.after, trial.proposal.edits)
    changed: Counter[Path] = Counter()
    for identity, step in after.steps.items():
        was = before.steps.get(identity)
        if identity is not None and (was is None or was.layer != step.layer or len(was.sources) != len(step.sources)):
            changed[identity[0]] += 1
    most = max(changed.values(), default=0)
    if most > 1:
        copies = "both copies" if most == 2 else f"all {most} copies"
        yield f"{copies} change" if len(changed) == 1 else f"{sum(changed.values())} layers change"
