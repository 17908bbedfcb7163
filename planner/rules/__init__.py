"""Rules judge a finished plan, one rule a file.

A new rule is a new file with one class: its docstring is the manual page, `bad`, `fixed` and `good` are model files
that the tests run, and `judge` yields its findings. Codes and names are promises. Files that begin with an underscore
are what rules share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from planner.cells import TooManyRuns
from planner.diagnostics import Path, Severity

if TYPE_CHECKING:
    from planner.diagnostics import Diagnostic
    from planner.report import Report
    from planner.rules._rule import Rule

MOST_COPIES = 100
"""Findings of one kind at one entry of the file, which may stand for many copies of a layer."""


@cache
def all_rules() -> tuple[type[Rule], ...]:
    """Every rule, in the order of its code."""
    from planner.rules._rule import Rule

    files = (import_module(f"{__name__}.{each.name}") for each in iter_modules(__path__) if each.name[0] != "_")
    found = [
        each for file in files for each in vars(file).values() if isinstance(each, type) and issubclass(each, Rule)
    ]
    return tuple(sorted({each for each in found if "code" in vars(each)}, key=lambda each: each.code))


@cache
def rules(severities: tuple[Severity, ...] = tuple(Severity), *, dropping: bool = False) -> tuple[type[Rule], ...]:
    """The rules of these severities; or only those of them on cells that nothing reads, of whose findings a lossless
    size has none.
    """
    return tuple(rule for rule in all_rules() if rule.severity in severities and (rule.drops or not dropping))


def judge(report: Report, rule: type[Rule]) -> list[Diagnostic]:
    """The findings of a rule, without those that the model allows; at most MOST_COPIES for an entry."""
    name, plan = rule.name(), report.plan
    if name in plan.model.allow or not (found := [*_found(report, rule)]):
        return []
    copies = Counter[Path]()
    kept = []
    for each in found:
        step = plan.step(each.step) if each.step is not None else None
        if step is None or name not in step.instance.allow:
            copies[each.path] += 1
            if copies[each.path] <= MOST_COPIES:
                kept.append(each)
    return kept


def _found(report: Report, rule: type[Rule]) -> Iterator[Diagnostic]:
    """The findings of a rule; where cells are too scattered to be followed, one finding that says so."""
    try:
        yield from rule.judge(report)
    except TooManyRuns:
        if report.ragged is None:
            from planner.rules.reach_unknown import ReachUnknown

            yield ReachUnknown.of(report)
