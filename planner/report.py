"""The Report: a plan with its analyses and diagnostics. All that an output may draw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import cached_property
from html import escape
from typing import Any

from planner.analyses.alignment import Apart, apart
from planner.analyses.axes import Along, axes
from planner.analyses.channels import Kept, never_mixed
from planner.analyses.cost import Cost, DType, cost
from planner.analyses.loss import AxisLoss, losses
from planner.analyses.overwriting import Overwriting, overwriting
from planner.analyses.reach import Reach, TooRagged, Unread, reach
from planner.analyses.receptive_field import AxisField, Fields, receptive_fields
from planner.diagnostics import Diagnostic, Fix, Place, Severity
from planner.geometry import Shape
from planner.plan import Plan, Step
from planner.source import Source

MOST_LINES = 1 << 20
"""Unread rows or columns that are listed one by one."""

Mend = Callable[[Diagnostic], tuple[Fix, ...]]
"""Finds what would mend a finding."""


@dataclass(eq=False)
class Report:
    """What the planner knows about a model. Analyses, and fixes, are worked out when they are first asked for.

    mending  gives a report's way to find fixes, for which changed models have to be judged; None where there is none
    """

    plan: Plan
    diagnostics: tuple[Diagnostic, ...] = ()
    batch: int = 1
    dtype: DType = "float32"
    mending: Callable[[Report], Mend] | None = None

    @property
    def source(self) -> Source:
        return self.plan.model.source

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not self.count(Severity.ERROR)

    def count(self, severity: Severity) -> int:
        return sum(each.severity is severity for each in self.diagnostics)

    @cached_property
    def cost(self) -> Cost:
        return cost(self.plan, batch=self.batch, dtype=self.dtype)

    @cached_property
    def axes(self) -> list[tuple[Step, tuple[Along, ...]]]:
        """The steps that move along an axis, with these axes."""
        return axes(self.plan)

    @cached_property
    def losses(self) -> list[tuple[AxisLoss, ...]]:
        """What each step loses, by step."""
        return losses(self.plan)

    @property
    def reach(self) -> Reach | None:
        """What is read of each step and input; None where the plan is not complete, or at `ragged`."""
        return None if isinstance(self._reach, TooRagged) else self._reach

    @property
    def ragged(self) -> Step | None:
        """The step from which on, going back to the inputs, it is not worked out what is read: it is too scattered."""
        return self.plan.steps[self._reach.step] if isinstance(self._reach, TooRagged) else None

    @cached_property
    def _reach(self) -> Reach | TooRagged | None:
        try:
            return reach(self.plan)
        except TooRagged as ragged:
            return ragged

    @cached_property
    def fields(self) -> list[tuple[Fields, ...]]:
        """What each output of each step sees of each input."""
        return receptive_fields(self.plan)

    @cached_property
    def apart(self) -> list[list[Apart]]:
        """Steps at which branches meet out of place, axis by axis."""
        return list(apart(self.plan, self.fields))

    @cached_property
    def kept_apart(self) -> list[Kept]:
        """Grouped steps in a row that never mix."""
        return never_mixed(self.plan)

    @cached_property
    def overwriting(self) -> list[Overwriting]:
        """Steps that work in place on what something else reads after them."""
        return overwriting(self.plan)

    @cached_property
    def _mend(self) -> Mend | None:
        return self.mending(self) if self.mending is not None else None

    @cached_property
    def _fixes(self) -> dict[int, tuple[Fix, ...]]:
        return {}

    def fixes(self, diagnostic: Diagnostic) -> tuple[Fix, ...]:
        """What would mend one of the report's findings, the best first; each has been planned."""
        if diagnostic.supposed or not (diagnostic.kind.mended_by or diagnostic.mends):
            return ()
        if id(diagnostic) not in self._fixes:
            self._fixes[id(diagnostic)] = self._mend(diagnostic) if self._mend is not None else ()
        return self._fixes[id(diagnostic)]

    def place(self, diagnostic: Diagnostic) -> Place | None:
        """Where in the file a diagnostic points; None for a model that is not a file."""
        if diagnostic.place is not None:
            return diagnostic.place
        if diagnostic.part is not None:
            return self.source.within(diagnostic.path, *diagnostic.part)
        return self.source.place(diagnostic.path, at_key=diagnostic.at_key)

    def with_diagnostics(self, found: Iterable[Diagnostic]) -> Report:
        """The report with all diagnostics, sorted by place."""
        self.diagnostics = tuple(sorted((*self.diagnostics, *found), key=self._order))
        return self

    def _order(self, diagnostic: Diagnostic) -> tuple[int, int, str]:
        place = self.place(diagnostic)
        return (place.line, place.column, diagnostic.code) if place else (0, 0, "")

    def line(self, step: Step) -> int | None:
        place = self.source.place(step.path)
        return place.line if place else None

    # JSON

    def to_dict(self) -> dict[str, Any]:
        """The report in plain values; shapes are `[…spatial, C]`."""
        plan, totals = self.plan, self.cost
        return {
            "model": plan.model.name,
            "inputs": {step.name: list(step.outputs[0]) for step in plan.inputs},
            "outputs": {plan.label(ref): _plain(plan.shape(ref)) for ref in plan.outputs},
            "complete": plan.complete,
            "steps": [self._step(i, step) for i, step in enumerate(plan.steps) if not step.is_input],
            "totals": {
                "params": totals.params,
                "macs": totals.macs,
                "flops": totals.flops,
                "activation_bytes": totals.activation_bytes,
                "peak_bytes": totals.peak_bytes,
                "batch": totals.batch,
                "dtype": totals.dtype,
            },
            "reach": None
            if self.reach is None
            else {plan.steps[i].name: _reach(each) for i, each in self._unread_inputs()},
            "wasted_macs": self.reach.wasted_macs if self.reach is not None else None,
            "diagnostics": [self.finding(each) for each in self.diagnostics],
        }

    def _step(self, i: int, step: Step) -> dict[str, Any]:
        outputs = [_plain(shape) for shape in step.outputs]
        return {
            "name": step.name,
            "type": step.type,
            "from": [self.plan.label(ref) for ref in step.sources],
            "in": [_plain(shape) for shape in step.inputs],
            "out": None if not outputs else outputs[0] if len(outputs) == 1 else outputs,
            "params": step.params,
            "macs": step.macs,
            "line": self.line(step),
            "loss": [_loss(self.plan.label(step.sources[each.source]), each) for each in self.losses[i]],
            "receptive_field": {
                self.plan.steps[source].name: _field(axes)
                for source, axes in (self.fields[i][0] if self.fields[i] else {}).items()
            },
            "unread": self._unread(i),
        }

    def _unread(self, i: int) -> dict[str, int] | None:
        unread = self.reach.unread[i] if self.reach is not None else None
        if self.reach is None or unread is None:
            return None
        return {
            "cells": sum(each.cells for each in unread),
            "channels": sum(each.channels.bit_count() for each in unread),
            "macs_wasted": self.reach.macs_wasted[i],
        }

    def _unread_inputs(self) -> Iterator[tuple[int, Unread]]:
        for i, step in enumerate(self.plan.steps):
            unread = self.reach.unread[i] if self.reach is not None and step.is_input else None
            if unread:
                yield i, unread[0]

    def finding(self, each: Diagnostic) -> dict[str, Any]:
        """A diagnostic in plain values."""
        place = self.place(each)
        return {
            "code": each.code,
            "name": each.kind.name(),
            "severity": str(each.severity),
            "step": each.step,
            "message": f"{each.message}: {each.label}" if each.label else each.message,
            "help": each.help,
            "file": self.source.file,
            "line": place.line if place else None,
            "column": place.column if place else None,
            "fixes": [_fix(fix) for fix in self.fixes(each)],
        }

    def _repr_html_(self) -> str:
        """The table that a notebook shows."""
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>" for cells in self._rows()
        )
        said = "".join(
            f"<li><b>{escape(each.code)}</b> {escape(each.message)}: {escape(each.label)}</li>"
            for each in self.diagnostics
        )
        head = "".join(f"<th>{title}</th>" for title in ("step", "type", "output", "params", "MACs"))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table><ul>{said}</ul>"

    def _rows(self) -> Iterable[tuple[str, ...]]:
        for step in self.plan.layers:
            shapes = ", ".join(map(str, step.outputs)) or "not planned"
            known = step.facts is not None
            yield step.name, step.type, shapes, f"{step.params:,}" if known else "", f"{step.macs:,}" if known else ""


def _plain(shape: Shape | None) -> list[int] | None:
    return None if shape is None else list(shape)


def _exact(number: Fraction | None) -> int | float | str | None:
    """A number as JSON has it without rounding: whole, in binary places, or else as a text such as `1/3`."""
    if number is None or number.denominator == 1:
        return None if number is None else number.numerator
    return float(number) if number.denominator & (number.denominator - 1) == 0 else str(number)


def _loss(source: str, each: AxisLoss) -> dict[str, Any]:
    return {
        "from": source,
        "axis": each.name,
        "cells": each.n,
        "length": each.length,
        **asdict(each.loss),
        "text": each.text,
    }


def _field(axes: tuple[AxisField, ...]) -> dict[str, list[Any]]:
    return {
        "size": [each.size for each in axes],
        "stride": [_exact(each.stride) for each in axes],
        "center": [_exact(each.centre) for each in axes],
        "min_size": [each.min_size for each in axes],
    }


def _reach(unread: Unread) -> dict[str, Any]:
    """Rows are the lines across the height, columns those across the last axis."""
    rank = len(unread.shape.spatial)
    return {
        "unread_cells": unread.cells,
        "unread_rows": _lines(unread, rank - 2) if rank > 1 else [],
        "unread_columns": _lines(unread, rank - 1) if rank else [],
        **({"unread_slices": _lines(unread, 0)} if rank > 2 else {}),
    }


def _lines(unread: Unread, axis: int) -> list[int] | None:
    """The numbers of the lines that are unread; None where there are too many to list."""
    return unread.lines(axis) if unread.unread_lines(axis).bit_count() <= MOST_LINES else None


def _fix(fix: Fix) -> dict[str, Any]:
    edits = [{"action": edit.action, "path": list(edit.path), "value": edit.value} for edit in fix.edits]
    return {"edit": edits, "text": fix.text, "effect": fix.effect, "safe": fix.safe}
