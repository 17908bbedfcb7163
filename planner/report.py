"""The Report: a plan with its analyses and diagnostics, which is all that an output may draw."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from planner.analyses.alignment import Apart, apart
from planner.analyses.axes import MovingSteps, axes
from planner.analyses.channels import Kept, never_mixed
from planner.analyses.cost import Cost, cost
from planner.analyses.loss import AxisLoss, losses
from planner.analyses.overwriting import Overwriting, overwriting
from planner.analyses.reach import Reach, TooRagged, Unread, reach
from planner.analyses.recall import Recall
from planner.analyses.receptive_field import Fields, receptive_fields
from planner.budget import DType, LowerPrecision
from planner.diagnostics import Diagnostic, Fault, Fix, Kind, Place, Severity
from planner.plan import Plan, Step
from planner.source import Source
from planner.words import counted

if TYPE_CHECKING:
    from planner.training.memory import Training
    from planner.training.optimizers import Optimizer

MOST_FIXES = 5
"""Fixes of a finding that are told."""


@dataclass(eq=False, repr=False)
class Report:
    """What the planner knows about a model. Analyses are worked out when they are first asked for.

    faults  what is wrong besides what rules find
    autocast  what training works in, where that is a lower precision
    brief  only what is wrong is asked for, not what to do about it; `diagnostics` are the errors and warnings
    like   the report on a model from which this one was made by edits: reach is taken from it where the same is read
           of the same steps
    recall  what analyses have worked out, of models that differ by an edit too
    """

    plan: Plan
    faults: Sequence[Diagnostic] = ()
    batch: int = 1
    dtype: DType = "float32"
    brief: bool = False
    like: Report | None = None
    recall: Recall = field(default_factory=Recall)
    autocast: LowerPrecision | None = None

    def __repr__(self) -> str:
        """`<Report on 'lenet5': 11 steps, 1 error, 2 infos>`."""
        counts = [counted(n, str(each)) for each in Severity if (n := self.count(each))]
        steps = counted(sum(1 for _ in self.plan.layers), "step")
        return f"<Report on {self.plan.model.name!r}: {', '.join([steps, *(counts or ['nothing wrong'])])}>"

    @property
    def source(self) -> Source:
        return self.plan.model.source

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not self.count(Severity.ERROR)

    @property
    def builds(self) -> bool:
        """Whether there is no fault: the model can be built, whatever rules say of it."""
        return not any(issubclass(each.kind, Fault) for each in self.diagnostics)

    def count(self, severity: Severity) -> int:
        return sum(each.severity is severity for each in self.diagnostics)

    @cached_property
    def cost(self) -> Cost:
        return cost(self.plan, batch=self.batch, dtype=self.dtype)

    def training(self, *, autocast: str | None = None, optimizer: Optimizer = "none") -> Training:
        """The memory that training takes, perhaps with autocast to a lower precision, and with an optimizer.

        Raises `ValueError` where not every step could be planned.
        """
        from planner.training.memory import Training

        if not self.plan.complete:
            raise ValueError("the memory of training is not known of a model that is not planned to its end")
        return Training(self.plan, self.batch, self.dtype, autocast, optimizer)

    @cached_property
    def trained(self) -> Training | None:
        """The memory of training without more; None where the plan is not complete, and in a type of number that has
        no gradients.
        """
        return self.training(autocast=self.autocast) if self.plan.complete and self.dtype != "int8" else None

    @property
    def kept_bytes(self) -> int | None:
        """What autograd keeps for backward in training, in bytes for the batch; None where it is not known, or
        where nothing is trained.
        """
        return None if self.trained is None else self.trained.kept_bytes

    @property
    def budgeted(self) -> Report:
        """The report with memory counted for the batch and the types of number that the model's budget names."""
        return self if self._budgeted is None else self._budgeted

    @cached_property
    def _budgeted(self) -> Report | None:
        budget = self.plan.model.budget
        batch, dtype = budget.batch or self.batch, budget.dtype or self.dtype
        if (batch, dtype, budget.autocast) == (self.batch, self.dtype, self.autocast):
            return None
        return Report(self.plan, batch=batch, dtype=dtype, autocast=budget.autocast)

    @cached_property
    def axes(self) -> MovingSteps:
        """The steps that move along an axis, each with these axes."""
        return axes(self.plan, self.recall)

    @cached_property
    def losses(self) -> list[tuple[AxisLoss, ...]]:
        """The losses of each step, by step."""
        return losses(self.plan, self.recall)

    @property
    def reach(self) -> Reach | None:
        """The cells that are read of each step and input; None where the plan is not complete, or at `ragged`."""
        return None if isinstance(self._reach, TooRagged) else self._reach

    @cached_property
    def unread_inputs(self) -> dict[str, Unread]:
        """What is unread of each input, by its name; nothing where reach is not known."""
        unread = self.reach.unread if self.reach is not None else ()
        tensors = zip(self.plan.steps, unread, strict=bool(unread))
        return {step.name: found[0] for step, found in tensors if step.is_input and found}

    @property
    def ragged(self) -> Step | None:
        """The step from which on, going back to the inputs, reach is too scattered to be worked out."""
        return self.plan.steps[self._reach.step] if isinstance(self._reach, TooRagged) else None

    @cached_property
    def _reach(self) -> Reach | TooRagged | None:
        like = self.like
        try:
            return reach(self.plan, (like.plan, like.reach) if like is not None and like.reach is not None else None)
        except TooRagged as ragged:
            return ragged

    @cached_property
    def fields(self) -> list[tuple[Fields, ...]]:
        """The receptive fields of each output of each step, by input."""
        return receptive_fields(self.plan, self.recall)

    @cached_property
    def apart(self) -> list[list[Apart]]:
        """The steps at which branches meet out of place, axis by axis."""
        return list(apart(self.plan, self.fields, self.recall, causes=not self.brief))

    @cached_property
    def kept_apart(self) -> list[Kept]:
        """Grouped steps in a row that never mix."""
        return never_mixed(self.plan)

    @cached_property
    def overwriting(self) -> list[Overwriting]:
        """The steps that work in place on a tensor that something else reads later."""
        return overwriting(self.plan)

    def fixes(self, diagnostic: Diagnostic, most: int = MOST_FIXES) -> tuple[Fix, ...]:
        """The fixes of a finding, the best first, at most so many. A plain report has none: fixes need a workbench."""
        return ()

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What is wrong, sorted by place. For a plain report, no rule judges: that needs a workbench."""
        return self.in_order(self.faults)

    @property
    def with_remarks(self) -> tuple[Diagnostic, ...]:
        """All findings, infos included, of a brief report too."""
        return self.diagnostics

    def of_kind(self, kind: type[Kind]) -> Sequence[Diagnostic]:
        """The findings of one kind."""
        return [each for each in self.with_remarks if each.kind is kind]

    def place(self, diagnostic: Diagnostic) -> Place | None:
        """The place in the file of a diagnostic; None for a model that is not a file."""
        if diagnostic.place is not None:
            return diagnostic.place
        if self.source.format:
            own = self.source.own(diagnostic.path, diagnostic.calls)
            return self.source.place(own, at_key=diagnostic.at_key)
        if diagnostic.part is not None:
            return self.source.within(diagnostic.path, *diagnostic.part)
        return self.source.place(diagnostic.path, at_key=diagnostic.at_key)

    def stands(self, step: Step) -> Place | None:
        """The place of a step: where it is written, which may be a library; in a file of another format, the row that
        it came of.
        """
        path = self.source.own(step.path, step.instance.calls) if self.source.format else step.path
        return self.source.place(path)

    def in_order(self, found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Diagnostics sorted by place."""
        return tuple(sorted(found, key=self._order))

    def _order(self, diagnostic: Diagnostic) -> tuple[str, int, int, str]:
        place = self.place(diagnostic)
        return (place.file or "", place.line, place.column, diagnostic.code) if place else ("", 0, 0, "")

    def file(self, place: Place | None) -> str | None:
        """The file of a place: the model file, or a library that it uses; None for a model that is no file."""
        return self.source.file if place is None or place.file is None else place.file
