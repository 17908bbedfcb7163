"""Cells of the whole network that nothing reads, and the step that causes this: shared by the rules on unread input and
on cells that are computed in vain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from planner.rules._dropped import left_out

if TYPE_CHECKING:
    from planner.report import Report


ONE_IN = 100
"""Waste is reported from one in this many of a model's multiply-adds on."""


class Waste(NamedTuple):
    """Multiply-adds for cells that nothing reads, by the step that leaves these cells unread."""

    step: int
    macs: int
    computed_by: tuple[int, ...]


def wastes(report: Report) -> list[Waste]:
    """The waste in a model by the step that causes it, in order. Where several steps on one way leave cells out, the
    cause is the first that leaves out the better part; where nothing reads the output of a step, it is that step.
    """
    reach = report.reach
    if reach is None or not reach.known_waste:
        return []
    causes = _causes(report)
    spent: defaultdict[int, list[int]] = defaultdict(list)
    for i, macs in enumerate(reach.macs_wasted):
        cause = causes.get(i)
        if macs and cause is not None:
            spent[cause].append(i)
    return [
        Waste(cause, sum(reach.macs_wasted[i] or 0 for i in steps), tuple(by_waste(report, steps)))
        for cause, steps in sorted(spent.items())
    ]


def by_waste(report: Report, steps: Iterable[int]) -> list[int]:
    """Steps by how much of them is computed in vain, the most first."""
    wasted = report.reach.macs_wasted if report.reach else ()
    return sorted(steps, key=lambda i: (-(wasted[i] or 0), i))


def _causes(report: Report) -> dict[int, int]:
    """For every step with cells that nothing reads, the first step after it that leaves them out."""
    plan, causes = report.plan, dict[int, int]()
    for i in range(len(plan.steps) - 1, -1, -1):
        if not _has_unread_cells(report, i):
            continue
        readers = [(r, k) for r, k in plan.readers(i) if not plan.steps[r].lends_size(k)]
        found = [_cause(report, r, k, causes.get(r)) for r, k in readers]
        if not readers and i not in plan.returned:
            found = [i]
        named = [each for each in found if each is not None]
        if named:
            causes[i] = min(named)
    return causes


def _cause(report: Report, i: int, source: int, behind: int | None) -> int | None:
    """Step i if it leaves out most of what is unread of its source, or else the cause `behind` it."""
    step = report.plan.steps[i]
    ref = step.sources[source]
    known = report.reach.unread[ref.step] if report.reach else None
    left = 0 if is_unread(report, i) else left_out(report, step, source)
    if not left or not known:
        return behind
    return i if behind is None or left * 2 >= known[ref.output].cells else behind


def is_unread(report: Report, i: int) -> bool:
    """Whether nothing reads any of a step's outputs on a way to an output of the model."""
    known = report.reach.unread[i] if report.reach else None
    return known is not None and not any(each.read for each in known)


def _has_unread_cells(report: Report, i: int) -> bool:
    known = report.reach.unread[i] if report.reach else None
    return known is not None and any(each.cells for each in known)


def leaving_out(report: Report, i: int) -> list[int]:
    """The steps, in order, that leave out what nothing reads of the cells of step i, or of what is made of them."""
    followed, found = {i}, []
    for j, step in enumerate(report.plan.steps[i + 1 :], i + 1):
        here = [k for k, ref in enumerate(step.sources) if ref.step in followed]
        if here and not is_unread(report, j) and any(left_out(report, step, k) for k in here):
            found.append(j)
        if here and _has_unread_cells(report, j):
            followed.add(j)
    return found


def by_stride(report: Report, i: int) -> bool:
    """Whether a step leaves cells out because its windows miss them, not because it takes a part."""
    return any(each.loss.real for each in report.losses[i])
