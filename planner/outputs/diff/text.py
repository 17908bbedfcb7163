"""A comparison for the terminal: what goes in and out, what it costs, which steps differ, what is found, what loads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from planner.comparison import Comparison
from planner.outputs import Format
from planner.outputs._columns import GAP, Column, lines_of, longest_word, widths_in
from planner.outputs._screen import Screen, TextStyle, cut, wrapped
from planner.outputs.diff import _words
from planner.outputs.diff._rows import DiffRow, edited, following
from planner.outputs.diff._words import MOST
from planner.words import counted

FORMAT = Format("txt", for_people=True)

_LOOKS: dict[str, TextStyle] = {"+": "green", "-": "red", "~": "yellow", "→": "cyan", "!": "red"}
_DETAIL = "    "


def render(both: Comparison, screen: Screen, *_: object) -> str:
    """All that differs between two models; an empty text where nothing does."""
    if not both.differs:
        return ""
    parts = [_head(both, screen), _totals(both, screen), _steps(both, screen)]
    parts += [_findings(both, screen), _state(both, screen)]
    return "\n".join("".join(f"{line}\n" for line in lines) for part in parts if (lines := list(part)))


def _head(both: Comparison, screen: Screen) -> Iterator[str]:
    was, now = _words.titles(both)
    for line in wrapped(f"{was} → {now}" if was != now else was, screen.width):
        yield screen.paint(cut(line, screen.width), "bold")
    for text in _words.incomplete(both):
        yield from (GAP + line for line in wrapped(text, screen.width - len(GAP)))


def _totals(both: Comparison, screen: Screen) -> Iterator[str]:
    found = list(_words.totals(both))
    table = [
        Column("", [each.title for each in found], least=12),
        Column("before", [each.before for each in found], right=True, least=10, wraps=True),
        Column("after", [each.after for each in found], right=True, least=10, wraps=True),
        Column("difference", [each.difference for each in found], right=True),
    ]
    widths = widths_in(table, screen.width - len(GAP))
    for cells in lines_of([each.title for each in table], table, widths):
        yield GAP + screen.paint(GAP.join(cells).rstrip(), "dim")
    for i, each in enumerate(found):
        for cells in lines_of([column.texts[i] for column in table], table, widths):
            line = GAP.join(cells).rstrip()
            yield GAP + (screen.paint(line, "bold") if each.differs else line)


def _steps(both: Comparison, screen: Screen) -> Iterator[str]:
    own, others = edited(both), following(both)
    shown = [*own[:MOST], *others[:MOST]]
    renamed = list(_words.renamings(both))
    if not shown and not renamed:
        return
    table = [
        Column("step", names := [row.name for row in shown], least=min(24, longest_word(names))),
        Column("type", [row.type + row.times for row in shown], least=7, wraps=True),
        Column("output", texts := [row.output for row in shown], least=longest_word(["output", *texts]), wraps=True),
        *(Column(title, more, right=True) for title, more in _words.numbers(both, shown).items()),
    ]
    widths = widths_in(table, screen.width - len(GAP))
    if shown:
        for cells in lines_of([each.title for each in table], table, widths):
            yield GAP + screen.paint(GAP.join(cells).rstrip(), "dim")
    for i, row in enumerate(shown):
        if i == len(own[:MOST]):
            yield from _rest(len(own) - MOST, "row")
            yield GAP + screen.paint("and as a consequence:" if own else "with other shapes or costs:", "dim")
        yield from _row(row, [column.texts[i] for column in table], table, widths, screen, dim=i >= len(own[:MOST]))
    yield from _rest(len(others) - MOST if others else len(own) - MOST, "row")
    yield from _renamed(renamed, screen)


def _row(
    row: DiffRow, texts: list[str], table: list[Column], widths: list[int], screen: Screen, *, dim: bool
) -> Iterator[str]:
    for nth, cells in enumerate(lines_of(texts, table, widths)):
        look: list[TextStyle] = ["dim"] if dim else [_LOOKS[row.sign]]
        yield screen.paint(f"{' ' if nth or dim else row.sign} {GAP.join(cells)}".rstrip(), *look)
    if row.details:
        for line in wrapped(", ".join(row.details), screen.width - len(_DETAIL)):
            yield _DETAIL + line


def _renamed(renamed: list[tuple[str, str, int]], screen: Screen) -> Iterator[str]:
    for was, now, count in renamed[:MOST]:
        steps = f" ({counted(count, 'step')})" if count > 1 else ""
        yield from _marked("→", f"{was} {'is' if count == 1 else 'are'} now {now}{steps}", screen)
    yield from _rest(len(renamed) - MOST, "renaming")


def _rest(count: int, noun: str) -> Iterator[str]:
    if count > 0:
        yield f"{GAP}and {counted(count, f'more {noun}')}: `--format json` has all"


def _findings(both: Comparison, screen: Screen) -> Iterator[str]:
    found = list(_words.findings(both))
    for each in found[:MOST]:
        yield from _marked(each.sign, f"{each.severity}[{each.code}]: {each.text}", screen)
    yield from _rest(len(found) - MOST, "finding")


def _state(both: Comparison, screen: Screen) -> Iterator[str]:
    if said := _words.loads(both):
        yield from (line if i else screen.paint(line, "bold") for i, line in enumerate(wrapped(said, screen.width)))
    found = list(_words.loading(both))
    for sign, text in found[:MOST]:
        yield from _marked(sign, text, screen)
    yield from _rest(len(found) - MOST, "line")


def _marked(sign: str, text: str, screen: Screen) -> Iterator[str]:
    """A text behind its sign, on as many lines as it takes."""
    for i, line in enumerate(_lines(text, screen)):
        yield f"{screen.paint(sign, _LOOKS[sign])} {line}" if not i else f"{_DETAIL}{line}"


def _lines(text: str, screen: Screen) -> Iterable[str]:
    return wrapped(text, screen.width - len(_DETAIL))
