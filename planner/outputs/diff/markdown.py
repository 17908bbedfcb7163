"""A comparison in Markdown, for a pull request: a table of totals, a table of steps, and lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from planner.comparison import Comparison
from planner.outputs import Format
from planner.outputs._screen import Screen
from planner.outputs.diff import _words
from planner.outputs.diff._rows import DiffRow, edited, following
from planner.outputs.plan.markdown import escaped
from planner.words import counted

FORMAT = Format("md")

MOST_ROWS = 40
"""Rows or lines of a kind that are shown: a comment of GitHub holds 65,536 characters."""


def render(both: Comparison, screen: Screen, *_: object) -> str:
    """All that differs between two models; an empty text where nothing does."""
    if not both.differs:
        return ""
    parts = [_head(both), _totals(both), _steps(both), _findings(both), _state(both)]
    return "\n".join("".join(f"{line}\n" for line in lines) for part in parts if (lines := list(part)))


def _head(both: Comparison) -> Iterator[str]:
    was, now = map(escaped, _words.titles(both))
    yield f"#### {now}" if was == now else f"#### {was} → {now}"
    for text in _words.incomplete(both):
        yield f"\n{escaped(text)}"


def _totals(both: Comparison) -> Iterator[str]:
    yield "| | before | after | difference |"
    yield "|:--|--:|--:|--:|"
    for each in _words.totals(both):
        after = f"**{escaped(each.after)}**" if each.differs else escaped(each.after)
        yield f"| {escaped(each.title)} | {escaped(each.before)} | {after} | {escaped(each.difference)} |"


def _steps(both: Comparison) -> Iterator[str]:
    own, others = edited(both), following(both)
    if own:
        yield from _table(both, own)
    if others:
        yield from ["", f"<details><summary>{counted(len(others), 'more row')}: what follows from it</summary>", ""]
        yield from [*_table(both, others), "", "</details>"]
    renamed = list(_words.renamings(both))
    if renamed:
        yield ""
    for was, now, count in renamed[:MOST_ROWS]:
        yield f"- {escaped(was)} {'is' if count == 1 else 'are'} now **{escaped(now)}**" + (
            f" ({counted(count, 'step')})" if count > 1 else ""
        )
    yield from _rest(len(renamed), "renaming")


def _table(both: Comparison, rows: list[DiffRow]) -> Iterator[str]:
    shown = rows[:MOST_ROWS]
    numbers = _words.numbers(both, shown)
    yield f"| | step | type | output | {' | '.join(numbers)} |"
    yield f"|:--|:--|:--|:--|{'--:|' * len(numbers)}"
    for row, *more in zip(shown, *numbers.values(), strict=True):
        details = f"<br><sub>{_prose(', '.join(row.details))}</sub>" if row.details else ""
        name, kind = f"**{escaped(row.name)}**{row.times}", escaped(row.type) + details
        yield f"| {' | '.join([_SIGNS[row.sign], name, kind, row.output, *map(escaped, more)])} |"
    yield from _rest(len(rows), "row")


def _findings(both: Comparison) -> Iterator[str]:
    found = list(_words.findings(both))
    for each in found[:MOST_ROWS]:
        said = {"+": "new", "-": "fixed", "~": "other numbers"}[each.sign]
        yield f"- {said}: **{each.severity} {each.code}** {_prose(each.text)}"
    yield from _rest(len(found), "finding")


def _state(both: Comparison) -> Iterator[str]:
    if said := _words.loads(both):
        yield f"**Checkpoints:** {_prose(said)}"
    found = list(_words.loading(both))
    yield from [""] if found else []
    for sign, text in found[:MOST_ROWS]:
        yield f"- {'⚠ ' if sign == '!' else ''}{_prose(text)}"
    yield from _rest(len(found), "line")


_SIGNS = {"+": "added", "-": "removed", "~": "changed"}


def _rest(count: int, noun: str) -> Iterable[str]:
    more = count - MOST_ROWS
    return [f"\nand {counted(more, f'more {noun}')}: `planner diff --format json` has all"] if more > 0 else []


def _prose(text: str) -> str:
    """A text in which names in backticks are code; nothing in a name can be taken for Markdown, a backtick included."""
    parts = re.split(r"`([^`]*)`", text)
    return "".join(f"<code>{escaped(part)}</code>" if i % 2 else escaped(part) for i, part in enumerate(parts))
