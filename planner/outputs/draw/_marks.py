"""Marks: what a picture says at a step that is faulty, loses cells, skips them or does not line up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from planner.analyses.loss import AxisLoss
from planner.diagnostics import Diagnostic, Path, Severity
from planner.geometry import Loss
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
    lossy = {name for names in _NAMES.values() for name in names}
    for i, losses in enumerate(report.losses):
        found[i] += _of_losses(losses, report.plan.steps[i].path, severities)
    for each in report.diagnostics:
        at = report.plan.numbers.get(each.step or "")
        if at is not None and each.kind.name() not in lossy:
            found[at].append(Mark(each.severity, _title(each), _numbers(each)))
    return {i: tuple(sorted(each, key=lambda mark: RANKS[mark.severity])) for i, each in found.items() if each}


def worst(found: Iterable[Mark]) -> Severity | None:
    return min((each.severity for each in found), key=RANKS.__getitem__, default=None)


_NAMES: Mapping[str, tuple[str, ...]] = {
    "lost": ("lost-cells",),
    "skipped": ("skipped-cells", "skipped-on-one-branch"),
    "uneven": ("uneven-padding",),
    "overhang": (),
    "blank": ("blank-windows",),
}
"""Which findings are about which loss."""


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
        for kind, text in _said(each.loss, each.n):
            axes = said.setdefault((kind, text), [])
            axes.append(_INITIALS.get(each.name, each.name))
    for (kind, text), axes in said.items():
        known = {name: severities[path, name] for name in _NAMES[kind] if (path, name) in severities}
        name = next(iter(known), next(iter(_NAMES[kind]), kind))
        together = joined([*dict.fromkeys(axes)])
        yield Mark(known.get(name, Severity.INFO), name.replace("-", " "), f"{text} in {together}")


def _said(loss: Loss, n: int) -> Iterator[tuple[str, str]]:
    if loss.real:
        yield ("skipped", f"skips {loss.real} of {n}") if loss.skipped else ("lost", f"loses {loss.real} of {n}")
    if loss.uneven:
        yield "uneven", f"{loss.uneven} of padding unused"
    if loss.overhang:
        yield "overhang", f"{loss.overhang} over the end"
    if loss.blank:
        yield "blank", f"{loss.blank} window{'s' * (loss.blank != 1)} on padding alone"


def _title(each: Diagnostic) -> str:
    return f"{each.code} {each.kind.name().replace('-', ' ')}" if each.severity is Severity.ERROR else _plain(each)


def _plain(each: Diagnostic) -> str:
    return each.kind.name().replace("-", " ")


def _numbers(each: Diagnostic) -> str:
    return printable((each.label or each.message).replace("`", ""))
