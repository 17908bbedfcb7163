"""All faults in one run: every line that is wrong is told, and no line that is right."""

from __future__ import annotations

import pytest

from planner.checking import checked
from planner.diagnostics import Severity
from random_mistakes import Planted, planted


def told(each: Planted) -> set[int]:
    """The first lines of the entries that errors are in."""
    report = checked(each.source)
    lines = set()
    for found in report.diagnostics:
        if found.severity is Severity.ERROR:
            entry = next((m.guilty for m in each.mistakes if found.path[: len(m.guilty)] == m.guilty), found.path)
            place = report.source.place(entry)
            lines.add(place.line if place is not None else 0)
    return lines


@pytest.mark.parametrize("each", planted(seed=1, count=50), ids=lambda each: each.name)
def test_every_guilty_line_is_told_in_one_run_and_no_other(each: Planted) -> None:
    assert told(each) == each.lines, [mistake.kind for mistake in each.mistakes]
