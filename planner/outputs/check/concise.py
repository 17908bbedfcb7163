"""Findings in one line each, as compilers print them and editors read them: `file:line:column: error[code] …`."""

from __future__ import annotations

from collections.abc import Iterable

from planner.outputs import Format
from planner.outputs._findings import Tally, in_lines, path_text
from planner.outputs._screen import Screen, printable
from planner.outputs.check.full import LOOKS
from planner.report import Report

FORMAT = Format("txt", for_people=True)


def render(reports: Iterable[Report], screen: Screen) -> str:
    """A line for every finding, but for copies that have the same, and a line that sums up."""
    tally = Tally()
    lines = []
    for report in reports:
        tally.add(report)
        for each, text in in_lines(report):
            place = report.place(each)
            file = report.file(place)
            parts = [printable(file)] if file else []
            parts += [str(place.line), str(place.column)] if place else [path_text(each.path)] if each.path else []
            label = screen.paint(f"{each.severity}[{each.code}]", "bold", LOOKS[each.severity])
            lines.append(": ".join([*[":".join(parts)] * bool(parts), label, text]))
    return "".join(f"{line}\n" for line in [*lines, str(tally)])
