"""The shape behind the line of each layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from planner.diagnostics import Path
from planner.outputs.plan.table import shapes_text
from planner.plan import Step
from planner.server.document import Document


@dataclass(frozen=True, slots=True)
class Hint:
    """A text that is shown behind a line, and what it says when it is pointed at.

    at  the character before which it stands
    """

    at: int
    text: str
    tip: str = ""


def hints(document: Document) -> list[Hint]:
    """The hints of a file, from top to bottom."""
    if not document.is_model:
        return []
    return sorted(_own(document), key=lambda hint: hint.at)


def _own(document: Document) -> Iterator[Hint]:
    at: dict[Path, list[Step]] = {}
    for step in document.report.plan.steps:
        at.setdefault(step.path, []).append(step)
    for path, steps in at.items():
        place = document.report.source.place(path)
        if place is None or place.file is not None:
            continue
        shapes = list(dict.fromkeys(shapes_text(step.outputs) for step in steps if step.outputs))
        if shapes:
            more = f" +{len(shapes) - 1}" if len(shapes) > 1 else ""
            line = document.text.line_at(document.span(place).start)
            yield Hint(document.text.line_span(line).end, f"→ {shapes[0]}{more}")
