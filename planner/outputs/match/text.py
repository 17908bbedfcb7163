"""A match for the terminal: how many entries agree, what differs and where, and which options were tried."""

from __future__ import annotations

from collections.abc import Iterator

from planner.loading import WeightsMatch
from planner.outputs import Format
from planner.outputs._screen import Screen, TextStyle, printable, wrapped
from planner.outputs.match import _words

FORMAT = Format("txt", for_people=True)

_LOOKS: dict[str, TextStyle] = {"+": "green", "-": "red", "~": "yellow", "→": "cyan", "?": "yellow", "=": "dim"}


def render(match: WeightsMatch, screen: Screen) -> str:
    """The differences, each with its place in the model file."""
    return "".join(f"{line}\n" for line in _lines(match, screen))


def _lines(match: WeightsMatch, screen: Screen) -> Iterator[str]:
    yield from (screen.paint(line, "bold") for line in wrapped(_words.title(match), screen.width))
    yield from wrapped(_words.counts(match), screen.width)
    found = list(_words.shown(match))
    if found:
        yield ""
    for each in found:
        where = _words.where(match, each)
        yield from _marked(_words.sign(each), printable(each.text), screen)
        if where:
            yield screen.paint(f"    --> {where}", "dim")
    if rest := _words.rest(match):
        yield f"  {rest}"
    told = _words.helps(match)
    notes = [f"note: {printable(each)}" for each in match.notes]
    if told or notes:
        yield ""
    for text in (*(f"help: {each}" for each in told), *notes):
        yield from _marked("=", text, screen)


def _marked(sign: str, text: str, screen: Screen) -> Iterator[str]:
    """A text behind its sign, on as many lines as it takes."""
    for i, line in enumerate(wrapped(text, screen.width - 4)):
        yield f"{screen.paint(sign, _LOOKS[sign])} {line}" if not i else f"    {line}"
