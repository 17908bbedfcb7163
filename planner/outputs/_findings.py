"""What all formats of findings share: findings in a line, their number, and their places, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from planner.diagnostics import Diagnostic, Path, Severity
from planner.outputs._screen import printable
from planner.report import Report
from planner.words import counted


class Tally:
    """Counts findings over reports; its text is the line that sums up."""

    def __init__(self) -> None:
        self.files = 0
        self.found_in = 0
        self.name = ""
        self.counts: Counter[Severity] = Counter()

    def add(self, report: Report) -> None:
        self.files += 1
        self.found_in += bool(report.diagnostics)
        self.name = report.source.file or report.plan.model.name
        self.counts.update(each.severity for each in report.diagnostics)

    def __str__(self) -> str:
        counts = ", ".join(counted(self.counts[each], str(each)) for each in Severity if self.counts[each])
        if self.files == 1:
            return f"{counts or 'nothing wrong'} in {printable(self.name)}"
        if not counts:
            return f"nothing wrong in {counted(self.files, 'file')}"
        return f"{counts} in {self.found_in:,} of {counted(self.files, 'file')}"


def path_text(path: Path) -> str:
    """A path as Python and JavaScript would write it: `layers[3].kernel_size`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{printable(part)}" for part in path)
    return text.removeprefix(".")


def called(path: Path) -> str:
    """What is done at a place that led to another: a block is called there, or a library used."""
    return "used" if "use" in path[-2:] else "called"


def alike(found: Iterable[Diagnostic]) -> list[list[Diagnostic]]:
    """Findings in lists: the same one in several copies of a layer in one list."""
    groups: dict[tuple[object, ...], list[Diagnostic]] = {}
    for each in found:
        groups.setdefault((each.kind, each.path, each.at_key, each.place, each.message), []).append(each)
    return [*groups.values()]


def in_lines(report: Report) -> Iterator[tuple[Diagnostic, str]]:
    """The findings of a report, each in a line; where copies of a layer have the same, once, with their number."""
    found: dict[tuple[object, ...], list[Diagnostic]] = {}
    for each in report.diagnostics:
        found.setdefault((each.kind, each.path, each.at_key, each.place, sentence(each)), []).append(each)
    for copies in found.values():
        count = f" ({counted(len(copies), 'copy')})" if len(copies) > 1 else ""
        yield copies[0], sentence(copies[0]) + count


def sentence(each: Diagnostic) -> str:
    """A finding as a single line: headline, numbers, and what to do."""
    return printable(f"{each.headline}; {each.help}" if each.help else each.headline)
