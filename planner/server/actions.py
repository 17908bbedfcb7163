"""What may be done about findings: fixes, each with its outcome in the title, and rules allowed where they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from planner.diagnostics import Edit, Fault, Path, Severity
from planner.editing import CannotEdit, Splice, splices
from planner.format import allowed_of
from planner.server.document import Document
from planner.server.findings import Underlined, findings
from planner.server.text import EditorText, Passage
from planner.words import counted

ActionKind = Literal["quickfix", "source.fixAll"]


@dataclass(frozen=True, slots=True)
class Action:
    """A change of the text that may be made.

    mends  the finding that goes; None where it is about the whole file
    safe   whether nobody needs to look at it
    """

    title: str
    kind: ActionKind
    splices: tuple[Splice, ...]
    mends: Underlined | None = None
    safe: bool = False


def actions(document: Document, passage: Passage, goes_on: Callable[[], bool] = lambda: True) -> Iterator[Action]:
    """What may be done about the findings that a stretch touches. Fixes are planned, which may take a while: it ends
    where `goes_on` says so.
    """
    if document.report.source.format:
        return
    for each in findings(document):
        if each.passage.start <= passage.end and passage.start <= each.passage.end:
            if not goes_on():
                return
            yield from _fixes(document, each)
            yield from _allowing(document, each)


def fix_all(document: Document) -> Action | None:
    """The first safe fix of every error and warning; None where there is none."""
    report = document.report
    if report.source.format or report.bench.fault is not None:
        return None
    if all(each.severity is Severity.INFO for each in report.diagnostics):
        return None
    found = report.bench.mended()
    if not found.made:
        return None
    left = found.report.count(Severity.ERROR) + found.report.count(Severity.WARNING)
    title = f"fix all that is safe: {counted(len(found.made), 'finding')}, {left or 'none'} left"
    return Action(title, "source.fixAll", _difference(document, found.report.source.text), safe=True)


def _fixes(document: Document, each: Underlined) -> Iterator[Action]:
    for fix in document.report.fixes(each.diagnostic):
        made = _splices(document, fix.edits)
        if made:
            unsafe = "" if fix.safe else " (unsafe)"
            yield Action(f"{_quoted(fix.text)} → {fix.effect}{unsafe}", "quickfix", made, each, fix.safe)


def _quoted(text: str) -> str:
    """What a fix writes, as code where it is nothing else."""
    return text if "`" in text or "; " in text else f"`{text}`"


def _allowing(document: Document, each: Underlined) -> Iterator[Action]:
    """The rule silenced at the entries where the finding is, and in the whole file."""
    found = each.diagnostic
    if issubclass(found.kind, Fault):
        return
    name = found.kind.name()
    step = document.report.plan.step(found.step or "")
    if step is not None and step.path[:1] != ("use",) and not step.is_input:
        yield from _allowed(document, each, step.path, f"allow `{name}` at `{step.name}`")
    yield from _allowed(document, each, (), f"allow `{name}` in the whole file")


def _allowed(document: Document, each: Underlined, holder: Path, title: str) -> Iterator[Action]:
    path = (*holder, "allow")
    given = document.report.source.at(path)
    names = [given] if isinstance(given, str) else list(given) if isinstance(given, list) else []
    if each.diagnostic.kind.name() not in allowed_of(given):
        made = _splices(document, (Edit(path, [*names, each.diagnostic.kind.name()]),))
        if made:
            yield Action(title, "quickfix", made, each)


def _splices(document: Document, edits: tuple[Edit, ...]) -> tuple[Splice, ...]:
    """The changes of the text as the editor has it; nothing where the edits cannot be written."""
    try:
        found = splices(document.report.source, edits) if edits else ()
    except CannotEdit:
        return ()
    return tuple(Splice(a + document.mark, b + document.mark, text) for a, b, text in found)


def _difference(document: Document, after: str) -> tuple[Splice, ...]:
    """The changes, line by line, that make another text of a Document's."""
    text = document.text
    was, now = text.splitlines(), EditorText(text.text[: document.mark] + after).splitlines()
    matcher = SequenceMatcher(None, was, now, autojunk=False)
    starts = [*text.starts, len(text.text)]
    return tuple(
        Splice(starts[a], starts[b], "".join(now[c:d])) for kind, a, b, c, d in matcher.get_opcodes() if kind != "equal"
    )
