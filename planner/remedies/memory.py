"""Remedies where a layer works in place."""

from __future__ import annotations

from collections.abc import Iterator

from planner.remedies._case import Case, Proposal


def not_in_place(case: Case) -> Iterator[Proposal]:
    """The layer not in place, so that its output gets memory of its own."""
    if case.step is not None and case.changed(case.step, inplace=False) is not None:
        yield case.put(case.step, inplace=False)
