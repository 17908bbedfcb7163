"""The outputs: a folder for each command, and in it a file for each format, found by looking.

The file's name is the format's name. Its one function is `render`, which gives text, or bytes where the format is no
text, and neither prints nor writes. What else is to be known about the format it states as `FORMAT`:

    plan/    render(report, screen, depth) -> str
    train/   render(report, training, screen, depth) -> str; `planner plan --train`
    fit/     render(training, batch, limit, savings, screen) -> str
    check/   render(reports, screen) -> str
    diff/    render(comparison, screen, theme, engine) -> str | bytes
    sweep/   render(outcome, screen, theme, engine) -> str | bytes
    match/   render(match, screen) -> str
    sizes/   render(inputs, screen, low, high) -> str
    calc/    render(paper, screen) -> str
    draw/    render(report, look, engine) -> str | bytes; a Graphviz `engine` lays out what needs it
    map/     render(report, seen, theme, image) -> str | bytes
    report/  render(report, pictures, svgs) -> str
    code/    render(report) -> str

A new format is a new file, or a folder, and nothing else. What formats say in words may be improved; keys of JSON,
columns and the names of formats are promises.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from planner.words import joined


class Format(NamedTuple):
    """What a format states about itself; a file that states nothing is like this.

    ending        what the name of a file in this format ends in, without the dot; by default the format's name
    for_people    people read it on a screen: other text may stand around it
    folds         blocks can be folded in it
    has_findings  what was found is in it
    has_volumes   it can show tensors as boxes to scale
    over_image    it can lie over an image
    needs         a package that it is made with, which comes with the extra that is called as the format
    """

    ending: str = ""
    for_people: bool = False
    folds: bool = False
    has_findings: bool = False
    has_volumes: bool = False
    over_image: bool = False
    needs: str = ""


def formats(command: str) -> list[str]:
    """The formats that a command knows, without importing any of them."""
    found = Path(__file__).with_name(command).glob("[!_]*")
    return sorted(each.stem for each in found if each.suffix == ".py" or (each / "__init__.py").exists())


def stated(command: str, format: str) -> Format:
    """What a format states about itself."""
    found: Format = getattr(loaded(command, format), "FORMAT", Format())
    return found if found.ending else found._replace(ending=format)


def able(command: str, fact: str) -> str:
    """The formats of a command that state a fact about themselves, in words: `markdown or table`."""
    return joined([each for each in formats(command) if getattr(stated(command, each), fact)], "or")


def endings(command: str) -> dict[str, str]:
    """The formats of a command by the endings of their files."""
    return {stated(command, each).ending: each for each in formats(command)}


def renderer(command: str, format: str) -> Callable[..., Any]:
    """The function that renders for a command in one of its formats."""
    render: Callable[..., Any] = loaded(command, format).render
    return render


def loaded(command: str, format: str) -> Any:
    """The file of a format."""
    return import_module(f"{__name__}.{command}.{format}")
