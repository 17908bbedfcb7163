"""Fixes: the changes that would mend a finding, each planned before it is offered.

A kind says in `mended_by` which remedies may help, and a finding may bring edits of its own. Every proposal is made in
the model's data and the whole model is judged again: what is left are those with which the finding is gone and nothing
new is wrong, and what they do is read off the two reports.

What may be proposed is not said here, but in `remedies`. What is safe stands in `_safety` alone, as docs/fixes.md says
it to users: a change there is a change of a promise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from typing import Any, Protocol

from planner.collector import uncollected
from planner.diagnostics import Diagnostic, Edit, Fix, RemedyName, Severity
from planner.editing import CannotEdit, can_be_written, edited, rewritten
from planner.fixes._findings import Findings, grave
from planner.fixes._revision import Revision
from planner.fixes._safety import NEVER_SAFE, Safety
from planner.fixes._words import effect_of, text_of
from planner.plan import Plan
from planner.remedies import all_remedies
from planner.remedies._case import Case, Proposal
from planner.report import MOST_FIXES, Report
from planner.source import Source

MOST_PROPOSALS = 16
"""The most proposals that are planned for one finding."""
MOST_WORK = 12_000
"""Steps planned and findings weighed for the fixes of one report, after which no more is tried."""
MOST_WORK_MENDING = 100_000
"""The same while a file is mended; the rest of its findings then stay."""
MANY_CELLS = 1 << 12
"""So many cells along an axis are as much work as a step."""
WEIGHT = 3
"""How many steps a finding counts as."""

TOLERATED: tuple[type[Exception], ...] = (Exception,)
"""Internal errors that may occur while a fix is tried: the fix is then dropped, and the rest goes on. Tests let them
through.
"""


class Check(Protocol):
    """Judges a changed source in the same way as the report's own source."""

    def __call__(
        self,
        source: Source,
        input: Any = None,
        *,
        brief: bool = False,
        whole: bool = False,
        like: Report | None = None,
    ) -> Report:
        """The report, for other input shapes where these are given; `brief` leaves out infos and what to do about
        findings, and `whole` all of a plan that is not complete. The source was made by edits from that of the
        report `like`.
        """


@dataclass(frozen=True, slots=True)
class _Trial:
    """A proposal that mends the finding, with the change that it makes."""

    proposal: Proposal
    change: Revision
    safe: bool

    @property
    def rank(self) -> tuple[int, ...]:
        """The sort key of fixes: safe ones first; a finding's own keep their order, the rest go by what they leave."""
        if self.proposal.own:
            return not self.safe, 0
        remaining = [self.change.now.report.count(each) for each in (Severity.ERROR, Severity.WARNING)]
        return not self.safe, 1, len(self.proposal.overwrites), *remaining


class Mender:
    """Finds the fixes of a report's findings.

    given    the shapes of inputs that came from outside of the file, if any did
    work     what judging the report takes, and `left` what all trials may take
    planned, written  what came of edits that were tried, and whether they can be written, for the other findings
    """

    def __init__(self, report: Report, check: Check, most_work: int = MOST_WORK, given: Any = None) -> None:
        self.report = report
        self.check = check
        self.left = most_work
        self.work = _work(report.plan, len(report.diagnostics))
        self.given = given
        self.memory: dict[object, object] = {}
        self.before = Findings(report)
        self.planned: dict[str, Safety | None] = {}
        self.written: dict[str, bool] = {}

    @uncollected()
    def fixes(self, found: Diagnostic, most: int = MOST_FIXES) -> tuple[Fix, ...]:
        """The best fixes of a finding, the best first. No more is tried than it takes to be sure of them."""
        case = Case(self.report, found, self.memory, self.given)
        try:
            trials = sorted(self._mending(case, most), key=lambda trial: trial.rank)
            return tuple(self._fix(case, trial) for trial in trials[:most])
        except TOLERATED:
            return ()

    def _mending(self, case: Case, most: int) -> list[_Trial]:
        """The proposals that mend a finding; the search ends when the best are known for sure, or when its allowance of
        work is used up.
        """
        found: list[_Trial] = []
        proposals = islice(_proposals(case, partial(_are_best, found, most)), MOST_PROPOSALS)
        while len(found) < MOST_FIXES and self.report.source.data and self.work <= self.left:
            proposal = next(proposals, None)
            if proposal is None:
                break
            trial = self._tried(proposal, case.finding)
            if trial is not None and self._can_be_written(proposal):
                found.append(trial)
        return found

    def _tried(self, proposal: Proposal, found: Diagnostic) -> _Trial | None:
        """A proposal after planning; None where it does not mend the finding, causes a new one, breaks causality, or
        makes something untrue that the file declares.
        """
        try:
            safety = self._judged(proposal)
            if safety is None:
                return None
            change = safety.change
            if change.leaves(found):  # for which only its own rule has judged
                return None
            if change.adds or not change.keeps_declared or not safety.keeps_causality(found):
                return None
            return _Trial(proposal, change, safety.is_safe(found, proposal))
        except CannotEdit:
            return None
        except TOLERATED:
            return None

    def _judged(self, proposal: Proposal) -> Safety | None:
        """What a proposal makes of the model, None where it breaks one that worked; kept, since several findings may
        share a proposal.
        """
        key = repr((proposal.edits, proposal.given))
        if key not in self.planned:
            source = self.report.source
            changed = Source(edited(source.data, proposal.edits), source.file, shelf=source.shelf)
            changed.faults = source.faults
            worked = self.report.plan.complete
            report = self.check(changed, proposal.given, brief=True, whole=worked, like=self.report)
            self.left -= _work(report.plan, self.before.counts.total())  # about as many as before are weighed
            broken = worked and not report.plan.complete
            now = None if broken else Findings(report, proposal.edits, self.before)
            self.planned[key] = None if now is None else Safety(Revision(self.before, now))
        return self.planned[key]

    def _can_be_written(self, proposal: Proposal) -> bool:
        key = repr(proposal.edits)
        if self.report.source.text and key not in self.written:
            try:
                self.written[key] = can_be_written(self.report.source, proposal.edits)
            except TOLERATED:
                self.written[key] = False
        return self.written.get(key, True)

    def _fix(self, case: Case, trial: _Trial) -> Fix:
        effect = effect_of(case, trial.proposal, trial.change)
        return Fix(trial.proposal.edits, text_of(case, trial.proposal), effect, trial.safe)


@dataclass(frozen=True, slots=True)
class Mended:
    """A model after its fixes: the report on the new text, and the fix that was made for each finding."""

    report: Report
    made: tuple[tuple[Diagnostic, Fix], ...]


def mended(report: Report, check: Check, *, given: Any = None, unsafe: bool = False) -> Mended:
    """The model with the first safe fix of every error and warning made in the text; with `unsafe`, the first fix of
    any kind where none is safe. Each fix is judged before the next is looked for.
    """
    made: list[tuple[Diagnostic, Fix]] = []
    passed = set()
    left = MOST_WORK_MENDING
    mender = Mender(report, check, given=given)
    while left > 0 and (found := next((each for each in grave(report) if _key(each) not in passed), None)):
        passed.add(_key(found))
        mender.left = allowed = min(max(MOST_WORK, 4 * mender.work), left)
        fixes = mender.fixes(found)
        left -= allowed - mender.left
        fix = next((fix for fix in fixes if fix.edits and (fix.safe or unsafe)), None)
        if fix is not None:
            report = check(rewritten(report.source, fix.edits))
            made.append((found, fix))
            mender = Mender(report, check, given=given)
    return Mended(report, tuple(made))


def _work(plan: Plan, findings: int) -> int:
    """The amount of work that judging a plan takes in which there are so many findings."""
    long = sum(max(shape) for step in plan.steps for shape in step.outputs if shape.spatial)
    return len(plan.steps) + WEIGHT * findings + long // MANY_CELLS


def _key(each: Diagnostic) -> tuple[object, ...]:
    return each.kind, each.step or each.path, each.message, each.label


Enough = Callable[[Sequence[RemedyName]], bool]
"""Whether no more proposals are needed where these remedies are left."""


def _are_best(trials: Sequence[_Trial], most: int, left: Sequence[RemedyName]) -> bool:
    """Whether so many trials come before all that may still come from some remedies."""
    least = NEVER_SAFE.issuperset(left), 1, 0, 0, 0
    return sum(trial.rank <= least for trial in trials) >= most


def _proposals(case: Case, enough: Enough) -> Iterator[Proposal]:
    """The distinct proposals for a finding: its own, then those of the remedies that its kind names."""
    seen: list[tuple[Edit, ...]] = []
    own = (replace(sum((_own(case, edit) for edit in edits), Proposal(())), own=True) for edits in case.finding.mends)
    for proposal in chain(own, _remedies(case, enough)):
        if (proposal.edits and proposal.edits not in seen) or proposal.given:
            seen.append(proposal.edits)
            yield proposal


def _remedies(case: Case, enough: Enough) -> Iterator[Proposal]:
    names = case.finding.kind.mended_by
    for i, name in enumerate(names):
        proposals = all_remedies()[name](case)
        while not enough(names[i:]) and (proposal := next(proposals, None)) is not None:
            yield proposal


def _own(case: Case, edit: Edit) -> Proposal:
    """A finding's own edit as a proposal, made where the argument is decided."""
    if case.step is not None and edit.action == "set" and edit.path[:-1] == case.step.path:
        return case.put(case.step, **{str(edit.path[-1]): edit.value})
    return Proposal((edit,))
