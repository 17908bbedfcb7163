"""A report in plain values: one dictionary for JSON, for the page, and for whoever asks from Python.

Shapes are `[…spatial, C]`, and what is not whole is exact: in binary places, or a text such as `1/3`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from planner.analyses.loss import AxisLoss
from planner.analyses.reach import Unread
from planner.analyses.receptive_field import AxisField
from planner.diagnostics import Beside, Diagnostic, Fix
from planner.geometry import Shape
from planner.plan import Plan, Step
from planner.report import Report

MOST_LINES = 1 << 20
"""Unread rows or columns that are listed one by one."""


def dictionary(report: Report, *, fixes: bool = True, kept: bool = True) -> dict[str, Any]:
    """The report in plain values; shapes are `[…spatial, C]`. Without `fixes`, none are looked for, and without `kept`
    it is not worked out what training keeps.
    """
    plan, totals = report.plan, report.cost
    return {
        "model": plan.model.name,
        "inputs": {step.name: list(step.outputs[0]) for step in plan.inputs},
        "outputs": {plan.label(ref): _plain(plan.shape(ref)) for ref in plan.outputs},
        "complete": plan.complete,
        "steps": [step_values(report, i, step) for i, step in enumerate(plan.steps) if not step.is_input],
        "totals": {
            "params": totals.params,
            "macs": totals.macs,
            "flops": totals.flops,
            "activation_bytes": totals.activation_bytes,
            "peak_bytes": totals.peak_bytes,
            **({"kept_bytes": report.kept_bytes} if kept else {}),
            "batch": totals.batch,
            "dtype": totals.dtype,
            **_unknown(report, kept=kept),
        },
        "reach": None if report.reach is None else {name: _reach(each) for name, each in report.unread_inputs.items()},
        "wasted_macs": report.reach.wasted_macs if report.reach is not None else None,
        "diagnostics": [finding(report, each, fixes=fixes) for each in report.diagnostics],
    }


def _unknown(report: Report, *, kept: bool) -> dict[str, Any]:
    """The steps that are not in the totals, because nobody knows what they have; nothing where there are none."""
    cost, training = report.cost, report.trained if kept else None
    unknown = {"params": list(cost.unknown_params), "macs": list(cost.unknown_macs)}
    if training is not None and training.unknown_kept:
        unknown["kept"] = list(training.unknown_kept)
    return {"unknown": unknown} if any(unknown.values()) else {}


def step_values(report: Report, i: int, step: Step) -> dict[str, Any]:
    """A step in plain values."""
    outputs = [_plain(shape) for shape in step.outputs]
    return {
        "name": step.name,
        "type": step.type,
        "from": [report.plan.label(ref) for ref in step.sources],
        "in": [_plain(shape) for shape in step.inputs],
        "out": None if not outputs else outputs[0] if len(outputs) == 1 else outputs,
        **({"class": step.facts.foreign} if step.facts and step.facts.foreign else {}),
        "params": step.params,
        **_lent(report.plan, step),
        "macs": step.macs,
        **_stands(report, step),
        "loss": [_loss(report.plan.label(step.sources[each.source]), each) for each in report.losses[i]],
        "receptive_field": {
            report.plan.steps[source].name: _field(axes)
            for source, axes in (report.fields[i][0] if report.fields[i] else {}).items()
        },
        "unread": _unread(report, i),
    }


def _stands(report: Report, step: Step) -> dict[str, Any]:
    """The line where a step stands, and the file if it is a library."""
    place = report.stands(step)
    file = {"file": place.file} if place is not None and place.file is not None else {}
    return {"line": place.line if place else None, **file}


def _lent(plan: Plan, step: Step) -> dict[str, Any]:
    """Whose weights a step uses: the step that has them, or for single weights their names in the state_dict."""
    if plan.owner(step) is not step:
        return {"shares": plan.owner(step).name} if step.facts is not None and step.facts.has_state else {}
    tied = {name: plan.weight(step, name) for name in step.instance.ties or () if name in step.weights}
    return {"tied": tied} if tied else {}


def _unread(report: Report, i: int) -> dict[str, int | None] | None:
    unread = report.reach.unread[i] if report.reach is not None else None
    if report.reach is None or unread is None:
        return None
    return {
        "cells": sum(each.cells for each in unread),
        "channels": sum(each.channels.bit_count() for each in unread),
        "macs_wasted": report.reach.macs_wasted[i],
    }


def finding(report: Report, each: Diagnostic, *, fixes: bool = True) -> dict[str, Any]:
    """A diagnostic in plain values."""
    place = report.place(each)
    return {
        "code": each.code,
        "name": each.kind.name(),
        "severity": str(each.severity),
        "step": each.step,
        "message": each.headline,
        "help": each.help,
        "file": report.file(place),
        "line": place.line if place else None,
        "column": place.column if place else None,
        **({"related": [_beside(report, other) for other in each.beside]} if each.beside else {}),
        "fixes": [_fix(fix) for fix in report.fixes(each)] if fixes else [],
    }


def _beside(report: Report, other: Beside) -> dict[str, Any]:
    """A place that has to do with a finding, in plain values."""
    place = report.source.place(other.path)
    return {
        "text": other.text,
        "file": report.file(place),
        "line": place.line if place else None,
        "column": place.column if place else None,
    }


def _plain(shape: Shape | None) -> list[int] | None:
    return None if shape is None else list(shape)


def _exact(number: Fraction | None) -> int | float | str | None:
    """A number for JSON without rounding: whole, in binary places, or else a text such as `1/3`."""
    if number is None or number.denominator == 1:
        return None if number is None else number.numerator
    return float(number) if number.denominator & (number.denominator - 1) == 0 else str(number)


def _loss(source: str, each: AxisLoss) -> dict[str, Any]:
    return {
        "from": source,
        "axis": each.name,
        "cells": each.n,
        "length": each.length,
        **each.loss._asdict(),
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
    """The numbers of the unread lines; None where there are too many to list."""
    return unread.lines(axis) if unread.unread_lines(axis).bit_count() <= MOST_LINES else None


def _fix(fix: Fix) -> dict[str, Any]:
    edits = [{"action": edit.action, "path": list(edit.path), "value": edit.value} for edit in fix.edits]
    return {"edit": edits, "text": fix.text, "effect": fix.effect, "safe": fix.safe}
