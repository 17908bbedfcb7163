"""Findings in few words, numbered so that one of them can be asked to be mended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planner.diagnostics import Diagnostic, Fix, Severity
from planner.outputs._findings import Tally, alike, path_text
from planner.outputs._screen import printable
from planner.outputs.plan.table import known
from planner.report import Report
from planner.words import named

MOST_FINDINGS = 8
MOST_FIXES = 3


def told(report: Report, *, infos: bool = False, most: int = MOST_FINDINGS) -> str:
    """The findings of a report, the first ones in full; remarks by kind, or in full too."""
    findings = numbered(report)
    grave = [each for each in findings if each[0].severity is not Severity.INFO]
    full = findings if infos else grave
    lines = [summary(report)]
    for number, copies in enumerate(full[:most], 1):
        lines += _finding(report, number, copies)
    if len(full) > most:
        lines.append(f"… {len(full) - most} more findings; `most` tells more of them")
    if not infos and len(findings) > len(grave):
        lines.append(f"infos, harmless in most networks: {_by_kind(findings[len(grave) :])}; `infos` tells them")
    return "\n".join(lines)


def summary(report: Report) -> str:
    """What a model comes to, and how many findings there are, in a line."""
    tally = Tally()
    tally.add(report)
    if not report.plan.steps:
        return str(tally)
    shapes = ", ".join(str(shape) for ref in report.plan.outputs if (shape := report.plan.shape(ref)))
    cost = report.cost
    params, macs = known(cost.known_params, cost.unknown_params), known(cost.known_macs, cost.unknown_macs)
    return f"{tally}: output {shapes or 'not planned'}, {params} parameters, {macs} MACs"


def numbered(report: Report) -> list[list[Diagnostic]]:
    """The findings of a report, the gravest first; those in several copies of a layer are one."""
    return alike(sorted(report.diagnostics, key=lambda each: [*Severity].index(each.severity)))


def fixes_in_text(report: Report, found: Diagnostic) -> list[Fix]:
    """The fixes of a finding that change the file; there are others, such as another input on the command line."""
    return [each for each in report.fixes(found) if each.edits]


def _finding(report: Report, number: int, copies: Sequence[Diagnostic]) -> Iterator[str]:
    found = copies[0]
    place = report.place(found)
    where = f"line {place.line}" if place else path_text(found.path)
    if place is not None and place.file is not None:
        where = f"{place.file}:{place.line}"
    steps = [each.step for each in copies if each.step]
    at = ", ".join(filter(None, [where, named(steps, 3) if steps else ""])) or "the model"
    yield printable(f"{number}. {found.severity} {found.code} {found.kind.name()} ({at}): {found.headline}")
    if found.help:
        yield printable(f"   help: {found.help}")
    fixes = fixes_in_text(report, found)
    for i, fix in enumerate(fixes[:MOST_FIXES], 1):
        yield printable(f"   fix {i} ({'safe' if fix.safe else 'unsafe'}): {fix.text} → {fix.effect}")
    if len(fixes) > MOST_FIXES:
        yield f"   and {len(fixes) - MOST_FIXES} more"


def _by_kind(findings: Sequence[Sequence[Diagnostic]]) -> str:
    counts: dict[str, int] = {}
    for copies in findings:
        name = copies[0].kind.name()
        counts[name] = counts.get(name, 0) + len(copies)
    return ", ".join(f"{count} {name}" for name, count in counts.items())
