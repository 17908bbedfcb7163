"""The shape behind the line of each layer, with a mark where something is lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from planner.arithmetic import has_arithmetic
from planner.diagnostics import Path, Severity
from planner.outputs.plan.table import shapes_text
from planner.plan import Step
from planner.server.document import Document, StepOrGroup
from planner.words import counted

MOST_COPIES = 8
"""Copies whose shapes are listed one by one."""


@dataclass(frozen=True, slots=True)
class Hint:
    """A text that is shown behind a line, and what it says when it is pointed at.

    line  the line, from 0
    """

    line: int
    text: str
    tip: str = ""


def hints(document: Document) -> list[Hint]:
    """The hints of a file, from top to bottom. What cannot be planned keeps, in brackets, the hints of the last version
    that could.
    """
    if not document.is_model or document.too_large:
        return []
    good = document.good
    if document.report.bench.fault is not None and good is not None:
        found: dict[int, Hint] = {}
    else:
        found = {hint.line: hint for hint in _own(document)}
    if good is not None and good is not document:
        for hint in _own(good):
            line = document.line_now(hint.line)
            if line is not None and line not in found:
                tip = f"{hint.tip}\n\nas it was before what is wrong now".strip()
                found[line] = Hint(line, f"({hint.text})", tip)
    return [found[line] for line in sorted(found)]


def _own(document: Document) -> Iterator[Hint]:
    """The hints of the version itself: one for each line, that of the first entry on it."""
    marks = _marks(document)
    taken = set()
    for path, copies in document.copies.items():
        place = document.passage_of(path)
        if place is None or (path[:1] == ("input",) and not has_arithmetic(document.source.at(path))):
            continue
        shapes = list(dict.fromkeys(text for copy in copies if (text := shapes_text(document.shapes(copy)))))
        line = document.text.line_at(place.start)
        if shapes and line not in taken:
            taken.add(line)
            more = f" +{len(shapes) - 1}" if len(shapes) > 1 else ""
            yield Hint(line, f"→ {shapes[0]}{more}{marks.get(path, '')}", _tip(document, copies))


def _tip(document: Document, copies: Sequence[StepOrGroup]) -> str:
    """The shapes of the copies by their names."""
    if len(copies) < 2:
        return ""
    said = [f"{copy.name}: {shapes_text(document.shapes(copy)) or 'not planned'}" for copy in copies[:MOST_COPIES]]
    more = len(copies) - MOST_COPIES
    return "\n".join([*said, f"and {counted(more, 'more')}"] if more > 0 else said)


def _marks(document: Document) -> dict[Path, str]:
    """What is marked behind the shape: the losses that are warned of, or else the worst finding's name."""
    report, found = document.report, dict[Path, str]()
    for severity in (Severity.ERROR, Severity.WARNING):
        for each in report.diagnostics:
            step = report.plan.step(each.step or "")
            if each.severity is severity and step is not None:
                found.setdefault(document.home(step), f" ⚠ {_brief(document, step, each.kind.name())}")
    return found


def _brief(document: Document, step: Step, kind: str) -> str:
    """What a step loses in a few words, such as `loses 1 of 224`; the name of what was found where that is no loss."""
    losses = document.report.losses[document.report.plan.numbers[step.name]]
    said = dict.fromkeys(text for each in losses for name, text in each.brief.items() if name == kind)
    return ", ".join(said) or kind
