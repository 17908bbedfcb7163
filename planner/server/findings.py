"""What is wrong in a file, as an editor underlines it: a finding once, whatever the number of copies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from planner.diagnostics import Diagnostic, Place
from planner.outputs._findings import called
from planner.server.document import Document
from planner.server.text import Passage
from planner.words import counted

END_CALLS = 3
"""Calls of blocks that are shown at either end of a long chain."""


@dataclass(frozen=True, slots=True)
class Related:
    """A place that has to do with a finding, and how; it may be in a library."""

    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class Underlined:
    """A finding as it is shown: where, with which words, and with which places beside it."""

    passage: Passage
    text: str
    copies: tuple[Diagnostic, ...]
    related: tuple[Related, ...]

    @property
    def diagnostic(self) -> Diagnostic:
        return self.copies[0]


def findings(document: Document) -> list[Underlined]:
    """All findings of a file in the order of their places."""
    if not document.is_model:
        return []
    alike: dict[tuple[object, ...], list[Diagnostic]] = {}
    for each in document.report.diagnostics:
        alike.setdefault((each.kind, each.path, each.at_key, each.place, each.message), []).append(each)
    return [_underlined(document, copies) for copies in alike.values()]


def _underlined(document: Document, copies: Sequence[Diagnostic]) -> Underlined:
    first = copies[0]
    text = first.headline + (f"\n{first.help}" if first.help else "")
    if len(copies) > 1:
        others = ", ".join(str(each.step) for each in copies[1:4])
        more = f" and {counted(len(copies) - 4, 'more copy')}" if len(copies) > 4 else ""
        text += f"\nalso {others}{more}"
    return Underlined(_passage(document, first), text, tuple(copies), tuple(_related(document, first)))


def _passage(document: Document, each: Diagnostic) -> Passage:
    """The stretch to underline: where the finding is or, if that is in a library, the call that led there."""
    place = document.report.place(each)
    if place is not None and place.file is None:
        return document.passage(place)
    for call in each.calls:
        found = document.passage_of(call)
        if found is not None:
            return found
    return document.passage_of(("use",), at_key=True) or Passage(0, 0)


def _related(document: Document, each: Diagnostic) -> Iterator[Related]:
    """The place in a library, the layers that a finding names among those that are read, and the calls that led to the
    place, innermost first.
    """
    place = document.report.place(each)
    if place is not None and place.file is not None:
        yield Related(place, "it is here in the library")
    for path, text in each.beside:
        if (at := document.report.source.place(path)) is not None:
            yield Related(at, text)
    yield from _causes(document, each)
    calls = [] if document.report.source.format else list(each.calls)
    if len(calls) > 2 * END_CALLS:
        calls = [*calls[:END_CALLS], *calls[-END_CALLS:]]
    for call in calls:
        at = document.report.source.place(call)
        if at is not None:
            yield Related(at, f"{called(call)} from here")


def _causes(document: Document, each: Diagnostic) -> Iterator[Related]:
    """The layers whose outputs a finding blames, with what they give."""
    plan = document.report.plan
    step = plan.step(each.step or "")
    for tensor in dict.fromkeys(step.sources if step is not None else ()):
        label, source = plan.label(tensor), plan.steps[tensor.step]
        place = document.report.stands(source)
        if f"`{label}`" in f"{each.message} {each.label}" and place is not None and not source.is_input:
            yield Related(place, f"`{label}` gives {plan.shape(tensor) or 'what is not known'}")
