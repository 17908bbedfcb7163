"""The way of a model through all stages: source → model → plan → report → rules."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from planner.diagnostics import Diagnostic, Fault
from planner.faults.planner_failed import PlannerFailed
from planner.format import Block
from planner.model import Model
from planner.plan import Plan, propagate
from planner.report import Mend, Report
from planner.rules import judge
from planner.source import Source, of_mapping, parse, read, unparsed
from planner.supposing import told
from planner.unfolding import load

if TYPE_CHECKING:
    from planner.fixes import Mended


def checked(
    source: str | PathLike[str] | Mapping[str, Any] | Source,
    *,
    input: Any = None,
    params: Mapping[str, Any] | None = None,
    batch: int = 1,
    dtype: Any = "float32",
) -> Report:
    """What `planner.check` gives; a Source that is already read is taken as it is."""
    file = None if isinstance(source, Mapping | Source) else os.fspath(source)
    try:
        if not isinstance(source, Source):
            source = of_mapping(source) if isinstance(source, Mapping) else read(source)
    except Fault as fault:
        return _unread(fault, file)
    model = load(source, input=input, params=params)
    plan = propagate(model)
    report = Report(plan, batch=batch, dtype=dtype, mending=_mending(input, params))
    return report.with_diagnostics((*told(plan), *judge(report)))


def failed(file: str, error: Exception) -> Report:
    """The report on a file on which the planner itself came to grief, so that other files of a run keep theirs."""
    return _unread(PlannerFailed(error), file)


def checked_text(text: str | bytes, file: str | None = None, **options: Any) -> Report:
    """The same for a model file's text, shown under the name `file`."""
    try:
        source = parse(text, file)
    except Fault as fault:
        return _unread(fault, file)
    return checked(source, **options)


def _mending(input: Any, params: Mapping[str, Any] | None) -> Callable[[Report], Mend]:
    """How fixes of a report are found: by judging each changed source with the same input and parameters."""

    def mending(report: Report) -> Mend:
        from planner.fixes import Mender

        return Mender(report, _judging(input, params), given=input).fixes

    return mending


def _judging(given: Any, params: Mapping[str, Any] | None) -> Callable[..., Report]:
    return lambda source, input=None: checked(source, input=input or given, params=params)


def mended(
    report: Report, *, input: Any = None, params: Mapping[str, Any] | None = None, unsafe: bool = False
) -> Mended:
    """The model of a report with the first safe fix of every error and warning made in its text, and with `unsafe` the
    first of any kind.
    """
    from planner.fixes import mended

    return mended(report, _judging(input, params), given=input, unsafe=unsafe)


def _unread(fault: Fault, file: str | None) -> Report:
    """The report on a file that no model can be made of."""
    name = file or "model"
    model = Model(name, Block(("layers",), name, ()), {}, [], [], [], (), {}, unparsed(fault, file), [])
    return Report(Plan(model, [], ()), (Diagnostic.of(fault),))
