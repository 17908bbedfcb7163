"""A sweep as a table for the terminal: a row a point, marked where it is on the front or loses cells, and the sums."""

from __future__ import annotations

from collections.abc import Iterator

from planner.outputs import Format
from planner.outputs._columns import GAP, Column, lines_of, widths_in
from planner.outputs._screen import Screen, TextStyle, printable, wrapped
from planner.outputs.draw._engine import DrawDot
from planner.outputs.plan.table import amount, memory
from planner.outputs.sweep._flat import shape_text
from planner.outputs.sweep._words import front_words
from planner.points import MEASURES, SweepOutcome, SweepRow
from planner.quantities import written
from planner.words import counted, joined

FORMAT = Format("txt", for_people=True)
MOST_SHOWN = 1000
"""Rows of a table; of more, those on the front are shown."""
MARGIN = "   "
"""What the marks of a row have room in."""
FRONT, LOSES, FAILS = "*", "!", "✗"


def render(outcome: SweepOutcome, screen: Screen, theme: str, engine: DrawDot) -> str:
    """The title, the table, and what the marks mean."""
    kept, front = outcome.tally["kept"], {*outcome.front}
    shown = [row for row in outcome.rows if kept <= MOST_SHOWN or row.point in front]
    more = len(shown) > MOST_SHOWN
    shown = shown[:MOST_SHOWN]
    name = printable(outcome.question.model.file or "model")
    lines = [f"{screen.paint(name, 'bold')}  {counted(outcome.question.count, 'point')}", ""]
    if shown:
        lines += _table(outcome, shown, front, screen)
    if kept > len(shown):
        which = f"the first {MOST_SHOWN:,} of those on the front" if more else "those on the front"
        lines += _said(f"Of {counted(kept, 'row')}, {which}; --format csv has all.", screen)
    for text in _sums(outcome):
        lines += _said(text, screen)
    return "".join(f"{line}\n" for line in lines)


def _said(text: str, screen: Screen) -> list[str]:
    return [GAP + line for line in wrapped(text, screen.width - len(GAP))]


def _table(outcome: SweepOutcome, shown: list[SweepRow], front: set[int], screen: Screen) -> Iterator[str]:
    table = [*_columns(outcome, shown)]
    widths = widths_in(table, screen.width - len(MARGIN))
    head = next(lines_of([column.title for column in table], table, widths))
    yield MARGIN + screen.paint(GAP.join(head).rstrip(), "dim")
    yield MARGIN + screen.paint("─" * (sum(widths) + len(GAP) * (len(table) - 1)), "dim")
    for i, row in enumerate(shown):
        sign, looks = _mark(row)
        best = screen.paint(FRONT, "green") if row.point in front else " "
        (cells,) = lines_of([column.texts[i] for column in table], table, widths)
        text = GAP.join(cells).rstrip()
        yield f"{best}{screen.paint(sign, *looks)} {screen.paint(text, *looks) if row.error else text}"
    yield ""


def _mark(row: SweepRow) -> tuple[str, list[TextStyle]]:
    if row.error:
        return FAILS, ["red"]
    return (LOSES, ["yellow"]) if row.loses else (" ", [])


def _columns(outcome: SweepOutcome, shown: list[SweepRow]) -> Iterator[Column]:
    for name in outcome.question.params:
        yield Column(printable(name), [printable(str(row.values[name])) for row in shown], right=True)
    for name in outcome.inputs:
        if outcome.asked_of(name) is not None:
            shapes = [(shape_text(row, name) or "?").replace("x", "×") for row in shown]
            yield Column(printable(name), shapes, right=True)
    yield Column("params", [_number(row, row.params) for row in shown], right=True)
    yield Column("MACs", [_number(row, row.macs) for row in shown], right=True)
    yield Column("peak", [_memory(row, row.peak_bytes) for row in shown], right=True)
    if outcome.question.kept:
        yield Column("kept", [_memory(row, row.kept_bytes) for row in shown], right=True)
    if any(row.loses or row.error for row in shown):
        yield Column("", [_words(row) for row in shown], least=18)


def _number(row: SweepRow, number: int | None) -> str:
    return "–" if row.error and number is None else amount(number, known=True)


def _memory(row: SweepRow, size: int | None) -> str:
    return memory(size) if size is not None else "–" if row.error else "?"


def _words(row: SweepRow) -> str:
    """Why a row is marked."""
    if row.error:
        return printable(row.error)
    counts = {name: row.loses.count(name) for name in row.loses}
    return ", ".join(name if count == 1 else f"{name} ×{count}" for name, count in counts.items())


def _sums(outcome: SweepOutcome) -> Iterator[str]:
    """What was left out, what fails, what loses cells, and what the front is about."""
    tally = outcome.tally
    if tally["left out"]:
        limits = outcome.limits
        bounds = {f"max-{name}": limit for name, limit in limits.most.items()}
        bounds |= {f"min-{name}": limit for name, limit in limits.least.items()}
        by = [f"{tally[name]:,} by --{name} {_bound(name, bound)}" for name, bound in bounds.items() if tally[name]]
        by += [f"{tally['lossless']:,} by --lossless"] if tally["lossless"] else []
        yield f"{counted(tally['left out'], 'row')} left out: {joined(by)}."
    if tally["unknown"]:
        unknown = counted(tally["unknown"], "row")
        yield f"Of {unknown} it is not known whether they are within the limits; they are shown."
    if tally["failed"]:
        yield f"{FAILS} {counted(tally['failed'], 'point')} cannot be planned; the first errors:"
        yield from map(printable, outcome.errors)
        file = outcome.question.model.file
        if tally["failed"] == tally["kept"] and file is not None and not file.startswith("<"):
            yield f"`planner check {printable(file)}` says where, and what to do."
    if tally["losing"]:
        lose = "loses" if tally["losing"] == 1 else "lose"
        yield f"{LOSES} {counted(tally['losing'], 'row')} {lose} cells that nothing reads."
    if len(outcome.front) and tally["kept"] > 1:
        yield f"{FRONT} {counted(len(outcome.front), 'row')} on the front: {front_words(outcome)}."
    if not tally["kept"]:
        yield "No row is left."


def _bound(name: str, bound: int) -> str:
    return written(bound, of_bytes=MEASURES[name[4:]].of_bytes)
