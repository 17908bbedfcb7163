"""The workbench: a model's source and the options it is checked with, and all that can be made of them.

A source goes through all stages here, source → model → plan → report → rules. The command line and Python come in by
this door, and so would an editor's server.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any

from planner.analyses.recall import Recall
from planner.budget import DType
from planner.diagnostics import Diagnostic, Fault, Fix, Kind, Severity
from planner.faults.planner_failed import PlannerFailed
from planner.geometry import Shape
from planner.model import Model
from planner.plan import Known, Plan
from planner.propagation import propagate
from planner.report import MOST_FIXES, Report
from planner.rules import judge, rules
from planner.rules._rule import Rule
from planner.source import Source, of_mapping, parse, read, unparsed
from planner.unfolding import Interned, alike, load

if TYPE_CHECKING:
    from planner.comparison import Comparison
    from planner.fixes import Mended, Mender

GRAVE, REMARKS = (Severity.ERROR, Severity.WARNING), (Severity.INFO,)


@dataclass(eq=False)
class Workbench:
    """A model's source with what it is checked with; everything is worked out when it is first asked for.

    input   in place of the file's input: a shape, or shapes by the names of the inputs
    params  in place of parameters of the file, by name
    batch, dtype  what memory is counted for
    budget  in place of limits of the file's budget, by measure
    targets  in place of what the file says that it is to run on
    fault   why there is no source to work on, if there is none
    layers, known, recall  the layers made so far, what they have answered, and what analyses have worked out: models
                           that differ by an edit share them
    """

    source: Source
    input: Any = None
    params: Mapping[str, Any] | None = None
    batch: int = 1
    dtype: DType = "float32"
    budget: Mapping[str, Any] | None = None
    targets: Sequence[str] = ()
    fault: Fault | None = None
    layers: Interned = field(default_factory=dict, repr=False)
    known: Known = field(default_factory=dict, repr=False)
    recall: Recall = field(default_factory=Recall, repr=False)

    @classmethod
    def on(cls, source: str | PathLike[str] | Mapping[str, Any] | Source, **options: Any) -> Workbench:
        """A workbench for a model file at a path, for a model as a mapping, or for a source that is already read."""
        if isinstance(source, Source):
            return cls(source, **options)
        try:
            return cls(of_mapping(source) if isinstance(source, Mapping) else read(source), **options)
        except Fault as fault:
            return cls.without_source(fault, None if isinstance(source, Mapping) else os.fspath(source), **options)

    @classmethod
    def on_text(cls, text: str | bytes, file: str | None = None, **options: Any) -> Workbench:
        """A workbench for a model file's text, shown under the name `file`."""
        try:
            return cls(parse(text, file), **options)
        except Fault as fault:
            return cls.without_source(fault, file, **options)

    @classmethod
    def without_source(cls, fault: Fault, file: str | None, **options: Any) -> Workbench:
        """A workbench for a file that no model can be made of."""
        return cls(unparsed(fault, file), **options, fault=fault)

    @cached_property
    def report(self) -> Checked:
        """The report on the model: the plan, and what is wrong with it."""
        if self.fault is not None:
            return self._report(Plan(Model.nothing(self.source), [], ()), (), [Diagnostic.of(self.fault)])
        report = self._report(self._planned(), rules())
        _ = report.diagnostics  # which are asked for in any case, by whoever shows the report
        return report

    def _planned(self, whole: bool = False, like: Plan | None = None) -> Plan:
        good = (lambda step: step.facts is not None) if whole else None
        model = alike(like.model, self.source, self.layers) if like is not None else None
        if model is not None:
            return propagate(model, known=self.known, good=good, like=like)
        model = load(
            self.source,
            input=self.input,
            params=self.params,
            layers=self.layers,
            budget=self.budget,
            targets=self.targets,
        )
        return propagate(model, known=self.known, good=good)

    def _report(
        self,
        plan: Plan,
        judging: Sequence[type[Rule]],
        faults: Sequence[Diagnostic] | None = None,
        brief: bool = False,
        like: Report | None = None,
    ) -> Checked:
        return Checked(
            plan,
            _faults(plan) if faults is None else faults,
            self.batch,
            self.dtype,
            brief,
            like,
            self.recall,
            judging=judging,
            bench=self,
        )

    def judged(
        self,
        source: Source,
        input: Any = None,
        *,
        brief: bool = False,
        whole: bool = False,
        like: Report | None = None,
    ) -> Checked:
        """The report on another source, and with other shapes of the inputs where they are given. It is planned, and
        judged as far as it is asked for findings.

        brief  only errors and warnings are asked for, and not what to do about them
        whole  a plan that is not complete is of no use: planning ends at the first fault, and nothing is judged
        like   the report on a source from which this one was made by edits: what these do not reach is taken from it
        """
        bench = replace(self, source=source, input=input or self.input, fault=None)
        like = like if bench.input is None else None
        plan = bench._planned(whole, like.plan if like is not None else None)
        if whole and not plan.complete:
            return bench._report(plan, (), ())
        return bench._report(plan, rules(GRAVE) if brief else rules(), brief=brief, like=like)

    def replanned(self, params: Mapping[str, Any], inputs: Mapping[str, tuple[int, ...]]) -> Plan | None:
        """The plan with other parameters, and with other shapes of inputs by name; None where there is no source."""
        if self.fault is not None:
            return None
        given = {**(self.input if isinstance(self.input, Mapping) else {}), **inputs} if inputs else self.input
        return replace(self, params={**(self.params or {}), **params}, input=given)._planned(whole=True)

    def unfolded(self, params: Mapping[str, Any], input: Any = None) -> Model:
        """The model with these parameters, and with other shapes of the inputs where they are given."""
        return load(self.source, input=input, params=params, layers=self.layers)

    def losses_of(self, model: Model, inputs: Mapping[str, Shape] = {}) -> Checked | None:
        """The brief report on a model that was unfolded here, which has the faults, and of findings only those on cells
        that nothing reads. None where the model does not work at other shapes of its inputs: then its faults are told
        by one that was unfolded for them.

        inputs  other shapes of some inputs, of as many axes and channels as in the model
        """
        plan = propagate(model, inputs=inputs, known=self.known)
        if inputs and not plan.complete:
            return None
        return self._report(plan, rules(GRAVE, dropping=True), brief=True)

    def compared(self, source: Source) -> Comparison:
        """The comparison of the model with what it becomes with another source."""
        from planner.comparison import Comparison

        return Comparison(self.report, self.judged(source))

    # Fixes

    @cached_property
    def _mender(self) -> Mender:
        from planner.fixes import Mender

        return Mender(self.report, self.judged, given=self.input)

    @cached_property
    def _fixes(self) -> dict[tuple[int, int], tuple[Fix, ...]]:
        return {}

    def fixes(self, diagnostic: Diagnostic, most: int = MOST_FIXES) -> tuple[Fix, ...]:
        """What would mend a finding of the report, the best first; each has been planned."""
        if self.fault is not None or diagnostic.supposed or not (diagnostic.kind.mended_by or diagnostic.mends):
            return ()
        key = id(diagnostic), most
        if key not in self._fixes:
            self._fixes[key] = self._mender.fixes(diagnostic, most)
        return self._fixes[key]

    def mended(self, *, unsafe: bool = False) -> Mended:
        """The model with the first safe fix of every error and warning made in its text, and with `unsafe` the first of
        any kind.
        """
        from planner.fixes import mended

        return mended(self.report, self.judged, given=self.input, unsafe=unsafe)


@dataclass(eq=False, repr=False, kw_only=True)
class Checked(Report):
    """A report that keeps its workbench, so that it judges, and knows the fixes of its findings.

    judging  the rules that judge it
    """

    judging: Sequence[type[Rule]]
    bench: Workbench

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What is wrong, sorted by place; of a brief report, the errors and warnings."""
        return self.in_order([*self.faults, *self._found_by(self.judging)])

    @cached_property
    def with_remarks(self) -> tuple[Diagnostic, ...]:
        """All findings, infos included, of a brief report too: there they are judged when they are asked for."""
        return (*self.diagnostics, *self._found_by(rules(REMARKS))) if self.brief else self.diagnostics

    def of_kind(self, kind: type[Kind]) -> Sequence[Diagnostic]:
        """The findings of one kind, for which no other rule judges."""
        found = self._found_by([kind]) if issubclass(kind, Rule) else self.faults
        return [each for each in found if each.kind is kind]

    def _found_by(self, judging: Iterable[type[Rule]]) -> Iterator[Diagnostic]:
        for rule in judging:
            if rule not in self._known:
                self._known[rule] = judge(self, rule)
            yield from self._known[rule]

    @cached_property
    def _known(self) -> dict[type[Rule], list[Diagnostic]]:
        """What rules have found."""
        return {}

    def fixes(self, diagnostic: Diagnostic, most: int = MOST_FIXES) -> tuple[Fix, ...]:
        """The fixes of one of the report's findings, the best first; each has been planned."""
        return self.bench.fixes(diagnostic, most)

    def to_dict(self) -> dict[str, Any]:
        """The report in plain values; shapes are `[…spatial, C]`."""
        from planner.outputs._dictionary import dictionary

        return dictionary(self)

    def _repr_html_(self) -> str:
        """The table that a notebook shows."""
        from planner.outputs._notebook import table

        return table(self)


def _faults(plan: Plan) -> list[Diagnostic]:
    """The faults of a model and its plan, and those after a step that could not be planned."""
    if all([step.facts is not None for step in plan.steps]):
        return [*plan.model.diagnostics, *plan.diagnostics]
    from planner.supposing import told

    return told(plan)


def checked(source: str | PathLike[str] | Mapping[str, Any] | Source, **options: Any) -> Checked:
    """What `planner.check` gives; a Source that is already read is taken as it is."""
    return Workbench.on(source, **options).report


def checked_text(text: str | bytes, file: str | None = None, **options: Any) -> Checked:
    """The report on a model file's text, which is shown under the name `file`."""
    return Workbench.on_text(text, file, **options).report


def failed(file: str, error: Exception) -> Checked:
    """The report on a file on which the planner itself failed, so that the other files of a run still get theirs."""
    return Workbench.without_source(PlannerFailed(error), file).report
