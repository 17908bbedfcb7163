"""A layer worked out, for people: the working, what is lost and why, a picture, and what would lose nothing."""

from __future__ import annotations

from collections.abc import Iterator

from planner.diagnostics import Severity
from planner.hand_rule import OnAxis, OnPaper, Working
from planner.hand_rule._working import hundredths
from planner.outputs import Format
from planner.outputs._screen import Screen, TextStyle, columns, padded, wrapped
from planner.outputs.calc._strip import WIDEST, drawn
from planner.words import joined

FORMAT = Format("txt", for_people=True)

LOOKS: dict[Severity | None, TextStyle] = {
    Severity.ERROR: "red",
    Severity.WARNING: "yellow",
    Severity.INFO: "cyan",
    None: "green",
}
USUAL = 20
"""The usual width of a change in columns; a wider change does not move the others."""
_PLAIN = str.maketrans({"→": "->", "−": "-", "×": "x", "÷": "/", "·": "*", "–": "-", "…": "~", "⋮": ":"})
"""For terminals without Unicode."""


def render(paper: OnPaper, screen: Screen) -> str:
    """The whole text; axes that are alike are worked out once."""
    text = "".join(f"{line.rstrip()}\n" for line in _lines(paper, screen))
    return text if screen.unicode else text.translate(_PLAIN)


def brief(paper: OnPaper, screen: Screen) -> str:
    """The working and what was found, without the picture and what could be changed."""
    return "".join(f"{line.rstrip()}\n" for line in _lines(paper, screen, whole=False))


def _lines(paper: OnPaper, screen: Screen, whole: bool = True) -> Iterator[str]:
    alike: dict[tuple[OnAxis, int], list[int]] = {}
    for axis, each in enumerate(paper.axes):
        alike.setdefault((each.layer, each.n), []).append(axis)
    if len(paper.axes) > 1:
        yield from _whole(paper, screen)
        yield ""
    for i, axes in enumerate(alike.values()):
        if i:
            yield ""
        name = joined([*map(paper.name, axes)]) if len(paper.axes) > 1 else ""
        yield from _axis(paper.axes[axes[0]], name, screen, whole)


def _whole(paper: OnPaper, screen: Screen) -> Iterator[str]:
    """The result of all axes together."""
    sizes = "×".join(f"{each.n}" for each in paper.axes)
    out = "×".join(f"{each.out}" for each in paper.axes) if paper.fits else "nothing"
    yield screen.paint(f"{sizes} → {out}", "bold")
    said = []
    if paper.unread:
        said.append(f"{paper.unread:,} of {paper.cells:,} cells are read by nothing.")
    if paper.dilated and paper.mean_taps != paper.taps:
        said.append(
            f"On average {hundredths(paper.mean_taps)} of {paper.taps} taps fall on cells, the others on padding."
        )
    if said:
        yield from (f"  {line}" for line in wrapped(" ".join(said), _room(screen) - 2))


def _axis(working: Working, name: str, screen: Screen, whole: bool) -> Iterator[str]:
    yield from _title(working, name, screen)
    yield ""
    yield from _sum(working, screen)
    yield ""
    for finding in working.findings:
        yield from _said(str(finding.severity), finding.text, LOOKS[finding.severity], screen)
    if not working.findings:
        yield from _said("good", working.praise, "green", screen)
    for note in working.notes:
        yield from _said("note", note, "dim", screen)
    if not whole:
        return
    pages = [f"`planner explain {each.name}`" for each in working.findings if each.explained]
    if pages:
        yield from _said("more", ", ".join(pages), "dim", screen)
    if working.strip:
        yield ""
        yield from drawn(working.strip, screen)
    if working.changes:
        yield ""
        yield from _changes(working, screen)


def _title(working: Working, name: str, screen: Screen) -> Iterator[str]:
    sizes = f"{name + ' ' if name else ''}{working.n} → {'nothing' if working.out is None else working.out}"
    verdict = ", ".join(each.brief for each in working.findings) or "nothing lost"
    rest = f"  {working.layer.words()}: "
    line = screen.paint(sizes, "bold") + rest
    if columns(sizes + rest + verdict) <= screen.width:
        yield line + screen.paint(verdict, "bold", LOOKS[working.severity])
        return
    yield line.rstrip()
    yield "  " + screen.paint(verdict, "bold", LOOKS[working.severity])


def _sum(working: Working, screen: Screen) -> Iterator[str]:
    """The numbers of the working one below the other, with a rule above the result."""
    numbers = [str(line.number).replace("-", "−") for line in working.lines]
    width = max(map(len, numbers))
    for i, (line, digits) in enumerate(zip(working.lines, numbers, strict=True)):
        if i and not line.sign:
            yield "    " + screen.paint(("─" if screen.unicode else "-") * (width + 2), "dim")
        number = f"{line.sign or ' '} {digits:>{width}}"
        first, *others = wrapped(line.why, _room(screen) - width - 9)
        yield f"    {screen.paint(number, 'bold') if i == len(numbers) - 1 else number}   {first}"
        yield from (" " * (width + 9) + other for other in others)


def _said(title: str, text: str, look: TextStyle, screen: Screen) -> Iterator[str]:
    """A sentence with a title before it, wrapped under itself."""
    first, *others = wrapped(text, _room(screen) - 11)
    yield f"  {screen.paint(title.ljust(7), 'bold', look)}  {first}"
    yield from (" " * 11 + line for line in others)


def _changes(working: Working, screen: Screen) -> Iterator[str]:
    """What would lose nothing: a row for each size or argument, the nearest first."""
    yield "  " + screen.paint(working.heading, "bold")
    rows: dict[str, list[str]] = {}
    for each in working.changes:
        note = f" ({each.note})" if each.note else ""
        rows.setdefault(each.name, []).append(f"{each.argument} → {each.out}{note}")
    indent = max(map(len, rows)) + 6
    usual = max([columns(text) for row in rows.values() for text in row if columns(text) <= USUAL], default=0)
    for name, row in rows.items():
        width = max(usual, *map(columns, row)) + 3
        a_line = max((_room(screen) + 3 - indent) // width, 1)
        for i in range(0, len(row), a_line):
            title = screen.paint(name.ljust(indent - 4), "cyan") if i == 0 else " " * (indent - 4)
            yield f"    {title}{''.join(padded(text, width) for text in row[i : i + a_line])}"


def _room(screen: Screen) -> int:
    return min(screen.width, WIDEST)
