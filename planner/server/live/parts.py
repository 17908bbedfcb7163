"""The parts of the page that follow the plan: each a function of a report, with an answer in plain values.

`plan` is quick, and made where the text was planned; the others are asked for when they are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from planner.diagnostics import Edit, Fix
from planner.editing import CannotEdit, splices
from planner.engine import NoPicture, first_drawn
from planner.outputs.report import _data, html
from planner.report import Report

PagePart = Callable[[Report, int | None], dict[str, Any]]


def plan(report: Report) -> dict[str, Any]:
    """Steps, findings without their fixes, and figures."""
    return {**_data.plain(report, fixes=False), "spatial": _spatial(report)}


def _spatial(report: Report) -> dict[str, list[int]]:
    """The shapes of the inputs of which a size may be tried: those with spatial axes."""
    return {step.name: list(step.outputs[0]) for step in report.plan.inputs if step.outputs[0].spatial}


def fixes(report: Report, level: int | None = None) -> dict[str, Any]:
    """The fixes of each finding that change the text, with the changes as an editor makes them."""
    return {"fixes": [[_fix(report, fix) for fix in report.fixes(each) if fix.edits] for each in report.diagnostics]}


def _fix(report: Report, fix: Fix) -> dict[str, Any]:
    return {"text": fix.text, "effect": fix.effect, "safe": fix.safe, "changes": _changes(report, fix.edits)}


def _changes(report: Report, edits: Sequence[Edit]) -> list[dict[str, Any]]:
    """Edits as changes of the text; none where they cannot be written in it."""
    try:
        found = splices(report.source, edits)
    except CannotEdit:
        return []
    return [{"from": _units(report, each.start), "to": _units(report, each.end), "insert": each.text} for each in found]


def _units(report: Report, offset: int) -> int:
    """An offset in characters as browsers count, in units of UTF-16."""
    return len(report.source.text[:offset].encode("utf-16-le", "surrogatepass")) // 2


def picture(report: Report, level: int | None = None) -> dict[str, Any]:
    """The drawing of a level of folding, and which steps stand in which box at every level."""
    pictures = html.drawings(report)
    told = _data.drawn(pictures)
    at = level if level is not None and 0 <= level < len(pictures) else told["level"]
    if not pictures:
        return {**told, "svg": ""}
    try:
        svg = first_drawn(html.to_lay_out(pictures[at]), lambda source, engine: engine.draw(source, "svg"))
    except NoPicture as error:
        return {**told, "svg": "", "failed": f"{error}; {error.help}"}
    return {**told, "level": at, "svg": html.inner(svg.decode())}


def maps(report: Report, level: int | None = None) -> dict[str, Any]:
    """The map of each input that has rows and columns."""
    return {"maps": list(html.maps(report))}


def sizes(report: Report, level: int | None = None) -> dict[str, Any]:
    """What happens at other sizes, and which are good."""
    return _data.sizes(report)


def resized(report: Report, level: int | None = None) -> dict[str, Any]:
    """The changes of the text that give the inputs the shapes that they are planned with."""
    written = (report.source.data or {}).get("input")
    edits = []
    for name, shape in _spatial(report).items():
        path, held = (("input", name), written.get(name)) if isinstance(written, dict) else (("input",), written)
        edits += [Edit(path, shape)] if held != shape else []
    return {"changes": _changes(report, edits)}


PARTS: dict[str, PagePart] = {"fixes": fixes, "picture": picture, "maps": maps, "sizes": sizes, "resized": resized}
