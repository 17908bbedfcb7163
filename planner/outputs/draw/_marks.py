"""Marks: what a picture says at a step that is faulty, loses cells, skips them or does not line up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from planner.analyses.loss import AxisLoss
from planner.diagnostics import Diagnostic, Path, Severity
from planner.outputs._screen import printable
from planner.report import Report
from planner.words import joined

RANKS = {each: rank for rank, each in enumerate(Severity)}
"""The worst first."""
_INITIALS = {"height": "H", "width": "W", "depth": "D", "length": "L"}


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark at a step: how bad it is, what it is called, and the numbers."""

    severity: Severity
    name: str
    text: str


def marks(report: Report) -> Mapping[int, tuple[Mark, ...]]:
    """The marks of every step that has any, by its number, the worst first.

    A finding in a block stands for all copies of the block; losses are marked at every step that has them.
    """
    found: defaultdict[int, list[Mark]] = defaultdict(list)
    severities = _severities(report.diagnostics)
    for i, losses in enumerate(report.losses):
        found[i] += _of_losses(losses, report.plan.steps[i].path, severities)
    for each in report.diagnostics:
        at = report.plan.numbers.get(each.step or "")
        if at is not None and each.kind.name() not in _LOSSES:
            found[at].append(Mark(each.severity, _title(each), _numbers(each)))
    return {i: tuple(sorted(each, key=lambda mark: RANKS[mark.severity])) for i, each in found.items() if each}


def worst(found: Iterable[Mark]) -> Severity | None:
    return min((each.severity for each in found), key=RANKS.__getitem__, default=None)


_OTHER_NAMES = {"skipped-cells": ("skipped-on-one-branch",)}
"""The findings about a kind of loss that have another name than the loss."""
_LOSSES = {"lost-cells", "skipped-cells", "skipped-on-one-branch", "uneven-padding", "blank-windows"}
"""The findings about losses, which are marked wherever the loss is."""


def _severities(diagnostics: Iterable[Diagnostic]) -> dict[tuple[Path, str], Severity]:
    """The severity of losses by place in the file; a finding points at a step's entry or at something inside."""
    found: dict[tuple[Path, str], Severity] = {}
    for each in diagnostics:
        for length in range(len(each.path) + 1):
            found.setdefault((each.path[:length], each.kind.name()), each.severity)
    return found


def _of_losses(
    losses: Iterable[AxisLoss], path: Path, severities: Mapping[tuple[Path, str], Severity]
) -> Iterator[Mark]:
    said: dict[tuple[str, str], list[str]] = {}
    for each in losses:
        for said_briefly in each.brief.items():
            said.setdefault(said_briefly, []).append(_INITIALS.get(each.name, each.name))
    for (loss, text), axes in said.items():
        names = (loss, *_OTHER_NAMES.get(loss, ()))
        name = next((each for each in names if (path, each) in severities), loss)
        together = joined([*dict.fromkeys(axes)])
        yield Mark(severities.get((path, name), Severity.INFO), name.replace("-", " "), f"{text} in {together}")


def _title(each: Diagnostic) -> str:
    """What a finding is called in a picture: its name and, for a fault, the code to look it up by."""
    name = each.kind.name().replace("-", " ")
    return f"{each.code} {name}" if each.severity is Severity.ERROR else name


def _numbers(each: Diagnostic) -> str:
    return printable((each.label or each.message).replace("`", ""))
