"""Branches that meet out of place, in words: shared by the rules on how they lie against each other."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from planner.words import grouped

if TYPE_CHECKING:
    from planner.analyses.alignment import Apart, Manner
    from planner.plan import Plan
    from planner.report import Report


def meeting(report: Report, manner: Manner) -> Iterator[list[Apart]]:
    """For every step at which branches lie so against each other, the axes on which they do."""
    for found in report.apart:
        if axes := [each for each in found if each.manner is manner]:
            yield axes


def how_far(plan: Plan, found: list[Apart]) -> str:
    """`height and width: conv and pool look 1/2 cell of input apart; the cause is pool`."""
    return grouped((each.axis, _far(plan, each)) for each in found) + _cause(found)


def how_coarse(plan: Plan, found: list[Apart]) -> str:
    """How far branches are shifted, and why no further than is usual: `…, behind a stride of 32`."""
    return grouped((each.axis, f"{_far(plan, each)}, {_why(each)}") for each in found) + _cause(found)


def _why(each: Apart) -> str:
    if each.resampled:
        return f"behind a stride of {number(each.coarsest)}"
    return f"but each sees at least {min(each.sees):,} cells, the place where the other looks among them"


def how_causal(plan: Plan, found: list[Apart]) -> str:
    """`length: `conv` sees 3 cells of `input`, `skip` 1, and both end at the same cell`."""
    said = []
    for each in found:
        left, right = _names(plan, each)
        end = "end" if (each.centres[0] < each.centres[1]) == (each.sees[0] > each.sees[1]) else "begin"
        cells = "cell" if each.sees[0] == 1 else "cells"
        text = (
            f"{left} sees {each.sees[0]:,} {cells} of `{each.input}`, {right} {each.sees[1]:,}; both {end} at the same"
        )
        said.append((each.axis, text))
    return grouped(said)


def number(count: Fraction) -> str:
    """A fraction as it is, where it is one that people read: `1/2`, `12`; else a number near it."""
    if count.denominator == 1:
        return f"{int(count):,}"
    return str(count) if count.denominator <= 8 and count < 1000 else f"about {float(count):,.2f}"


def _far(plan: Plan, each: Apart) -> str:
    left, right = _names(plan, each)
    far = f"{number(each.off)} {'cell' if each.off <= 1 else 'cells'}"
    steps = [number(stride) for stride in each.strides]
    if not each.drifts:
        return f"{left} and {right} look {far} of `{each.input}` apart, at {steps[0]} a step"
    cells = "cell" if each.strides[0] == 1 else "cells"
    return f"{left} moves {steps[0]} {cells} of `{each.input}` a step, {right} {steps[1]}: up to {far} apart"


def _names(plan: Plan, each: Apart) -> list[str]:
    return [f"`{plan.label(each.step.sources[k])}`" for k in (each.first, each.second)]


def _cause(found: list[Apart]) -> str:
    cause = next((each.cause for each in found if each.cause), None)
    return f"; the cause is `{cause}`" if cause else ""
