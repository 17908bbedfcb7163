"""Which findings a change brings, and which it mends."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic

if TYPE_CHECKING:
    from planner.comparison import Comparison


@dataclass(slots=True)
class FindingChanges:
    """The findings that only one of the models has, and those whose numbers are others."""

    gained: list[Diagnostic] = field(default_factory=list)
    mended: list[Diagnostic] = field(default_factory=list)
    changed: list[tuple[Diagnostic, Diagnostic]] = field(default_factory=list)

    @property
    def differs(self) -> bool:
        return bool(self.gained or self.mended or self.changed)


def findings(both: Comparison) -> FindingChanges:
    """The findings before beside those after: those of a kind at a step are the same, wherever they stand."""
    numbers: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for k, pair in enumerate(zip(*both.pairs, strict=True) if both.pairs else ()):
        steps = both.sides[k].plan.steps
        numbers[k].update({steps[i].name: number for number, i in enumerate(pair) if i is not None})
    sorted_: defaultdict[object, tuple[list[Diagnostic], list[Diagnostic]]] = defaultdict(lambda: ([], []))
    for k, report in enumerate(both.sides):
        for each in report.diagnostics:
            at = numbers[k].get(each.step or "", each.step)
            sorted_[each.code, at][k].append(each)
    found = FindingChanges()
    for was, now in sorted_.values():
        _compare(found, was, now)
    return found


def _compare(found: FindingChanges, was: list[Diagnostic], now: list[Diagnostic]) -> None:
    """Compare the findings of a kind at a step."""
    same: defaultdict[str, list[Diagnostic]] = defaultdict(list)
    for each in was:
        same[_numbers(each)].append(each)
    others = []
    for each in now:
        if same[_numbers(each)]:
            same[_numbers(each)].pop(0)
        else:
            others.append(each)
    unlike = {id(each) for some in same.values() for each in some}
    about: defaultdict[str, tuple[list[Diagnostic], list[Diagnostic]]] = defaultdict(lambda: ([], []))
    for k, some in enumerate(([each for each in was if id(each) in unlike], others)):
        for each in some:
            about[_about(each)][k].append(each)
    for before, after in about.values():
        common = min(len(before), len(after))
        found.changed += zip(before[:common], after[:common], strict=True)
        found.mended += before[common:]
        found.gained += after[common:]


def _about(each: Diagnostic) -> str:
    """What a finding is about: its headline without names and numbers."""
    text = re.sub(r"[\d.,]+", "#", re.sub("`[^`]*`", "``", each.message))
    return re.sub(r"(?<=# )(\w+?)s?\b", r"\1", text).replace(" are ", " is ")


def _numbers(each: Diagnostic) -> str:
    """What a finding says, without the names in it."""
    return re.sub("`[^`]*`", "``", f"{each.message}: {each.label}")
