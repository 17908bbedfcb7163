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
from planner.diagnostics import Severity

if TYPE_CHECKING:
    from planner.diagnostics import Diagnostic, Path
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
def _rules(severities: tuple[Severity, ...], dropping: bool) -> tuple[tuple[str, type[Rule]], ...]:
    """The rules of these severities, each with its name; or only those of them on cells that nothing reads."""
    rules = (rule for rule in all_rules() if rule.severity in severities and (rule.drops or not dropping))
    return tuple((rule.name(), rule) for rule in rules)


def _found(rule: type[Rule], report: Report) -> Iterator[Diagnostic]:
    """The findings of a rule; where cells are too scattered to be followed, one finding that says so."""
    try:
        yield from rule.judge(report)
    except TooManyRuns:
        if report.ragged is None:
            from planner.rules.reach_unknown import ReachUnknown

            yield ReachUnknown.of(report)


def judge(
    report: Report, severities: tuple[Severity, ...] = tuple(Severity), *, dropping: bool = False
) -> list[Diagnostic]:
    """The findings of the rules of these severities, without those that the model allows; at most MOST_COPIES of a kind
    for an entry.

    dropping  only those on cells that nothing reads, of which a lossless size has none
    """
    copies: Counter[tuple[type[Rule], Path]] = Counter()
    found = []
    for name, rule in _rules(severities, dropping):
        if name in report.plan.model.allow:
            continue
        for each in _found(rule, report):
            step = report.plan.step(each.step) if each.step is not None else None
            if step is None or name not in step.instance.allow:
                copies[rule, each.path] += 1
                if copies[rule, each.path] <= MOST_COPIES:
                    found.append(each)
    return found
