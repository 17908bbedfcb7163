"""A match in Markdown, for a pull request or a comment: a list of what differs."""

from __future__ import annotations

from collections.abc import Iterator

from planner.loading import Difference, WeightsMatch
from planner.outputs import Format
from planner.outputs._screen import Screen
from planner.outputs.match import _words
from planner.outputs.plan.markdown import escaped

FORMAT = Format("md")


def render(match: WeightsMatch, screen: Screen) -> str:
    """The differences, each with its place."""
    return "".join(f"{line}\n" for line in _lines(match))


def _lines(match: WeightsMatch) -> Iterator[str]:
    yield f"#### {escaped(_words.title(match))}"
    yield ""
    yield escaped(_words.counts(match))
    rows = [f"- {_words.sign(each)} {escaped(each.text)}{_place(match, each)}" for each in _words.shown(match)]
    if rest := _words.rest(match):
        rows.append(f"- {escaped(rest)}")
    if rows:
        yield from ["", *(_plain(row) for row in rows)]
    notes = [escaped(each) for each in (*_words.helps(match), *match.notes)]
    if notes:
        yield from ["", *(f"*{note}*" for note in notes)]


def _plain(row: str) -> str:
    """A row in which a sign is no list of its own."""
    return row.replace("- - ", "- − ", 1).replace("- + ", "- \\+ ", 1)


def _place(match: WeightsMatch, each: Difference) -> str:
    where = _words.where(match, each)
    return f" ({escaped(where)})" if where else ""
