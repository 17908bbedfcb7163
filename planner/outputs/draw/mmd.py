"""A plan as a Mermaid flowchart, which GitHub shows in README files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from planner.diagnostics import Severity
from planner.model import around
from planner.outputs._fold import Row
from planner.outputs._screen import cut, printable
from planner.outputs.draw._drawing import draw
from planner.outputs.draw._engine import DrawDot
from planner.outputs.draw._look import DIRECTIONS, PLAIN, Look
from planner.outputs.draw._marks import Mark, worst
from planner.outputs.draw._metrics import METRICS
from planner.outputs.draw._picture import Box, Frame, Picture, arguments, family, is_named, reads_too
from planner.outputs.draw._themes import FAMILIES, REST
from planner.report import Report

MOST_CHARACTERS = 45_000
MOST_ARROWS = 400
"""Mermaid stops at 50,000 characters and 500 edges, as GitHub runs it."""
WIDEST = 40


def render(report: Report, look: Look = PLAIN, engine: DrawDot | None = None) -> str:
    """The text of the chart, folded further than asked for where GitHub would not show it, and in the end with one
    arrow to each box.
    """
    looks = [look, *(replace(look, depth=depth) for depth in range(_levels(report, look), 0, -1))]
    for each in (*looks, replace(looks[-1], plain=True)):
        picture = draw(report, each.depth, each.every, each.plain)
        text = _chart(picture, look)
        if len(text) <= MOST_CHARACTERS and len(picture.arrows) <= MOST_ARROWS:
            break
    return text


def _levels(report: Report, look: Look) -> int:
    """How many levels of blocks are left to fold."""
    deepest = 0
    for group in report.plan.model.groups:
        deepest = max(deepest, sum(1 for _ in around(group)))
    return min(look.depth or deepest + 1, deepest + 1) - 1


def _chart(picture: Picture, look: Look) -> str:
    lines = [f"flowchart {DIRECTIONS[look.direction]}", *_inside(picture, look, None, "    ")]
    skips = []
    for i, arrow in enumerate(picture.arrows):
        line = "-.->" if arrow.lent else "==>" if arrow.skip else "-->"
        label = f'|"{_text(arrow.text)}"|' if arrow.text and not arrow.lent else ""
        lines.append(f"    b{arrow.source.number} {line}{label} b{arrow.target.number}")
        if arrow.skip:
            skips.append(i)
    lines += (f"    {each}" for each in _styles(picture, look))
    if picture.frames:
        theme = look.theme
        lines.append(f"    classDef frame fill:{theme.frame},stroke:{theme.frame_line},color:{theme.text}")
        lines.append(f"    class {','.join(f'f{each.number}' for each in picture.frames)} frame")
    if skips:
        lines.append(f"    linkStyle {','.join(map(str, skips))} stroke:{look.theme.skip},color:{look.theme.skip}")
    return "".join(f"{line}\n" for line in lines)


def _inside(picture: Picture, look: Look, frame: Frame | None, indent: str) -> Iterator[str]:
    for box in picture.boxes:
        if box.frame is frame:
            yield f"{indent}b{box.number}{_shape(picture, box, look)}:::{_style(picture, box)}"
    for each in picture.frames:
        if each.parent is frame:
            names = " / ".join(_named(row) for row in (*each.captions, each.row))
            lent = _text(cut(f", {each.row.weights}", WIDEST)) if each.row.weights else ""
            yield f'{indent}subgraph f{each.number}["{names}{each.row.times}{lent}"]'
            yield from _inside(picture, look, each, indent + "    ")
            yield f"{indent}end"


def _shape(picture: Picture, box: Box, look: Look) -> str:
    if not box.rows:
        shape = f" {box.shape}" if box.shape is not None else ""
        lines = [_text(cut(printable(box.title), WIDEST)) + shape]
    else:
        lines = [_named(row) for row in box.captions]
        lines += [line for row in box.rows for line in _lines(picture, row, row is box.head, look)]
    if box.also:
        lines.append(_text(reads_too(box)))
    for steps in box.steps:
        found = picture.marks_of(box, steps)
        if box.is_block:
            names = dict.fromkeys(mark.name for mark in found if mark.severity is not Severity.INFO)
            lines += [_text(cut(", ".join(names), WIDEST))] if names else []
        else:
            lines += [_text(cut(_said(mark), 2 * WIDEST)) for mark in found]
    brackets = ("([", "])") if not box.rows else ("[[", "]]") if box.is_block else ("[", "]")
    return f'{brackets[0]}"{"<br/>".join(lines)}"{brackets[1]}'


def _said(mark: Mark) -> str:
    return f"{mark.name}: {mark.text}" if mark.severity is Severity.ERROR else mark.text


def _lines(picture: Picture, row: Row, is_head: bool, look: Look) -> Iterator[str]:
    yield _named(row) + row.times
    if row.is_block:
        yield _text(cut(picture.contents(row), WIDEST))
        if row.differ:
            yield _text(cut(row.differ, WIDEST))
    elif is_head and "args" in look.labels and (said := arguments(picture.plan.steps[row.steps.start])):
        yield _text(cut(said, WIDEST))
    if row.weights:
        yield _text(cut(row.weights, WIDEST))
    for name, each in METRICS.items():
        if name in look.labels and row.planned and (said := each.text(picture.report, row)):
            yield said


def _named(row: Row) -> str:
    name, kind = cut(printable(row.name), WIDEST), cut(printable(row.type), WIDEST)
    return _text(f"{name}: {kind}" if is_named(row) else kind)


def _style(picture: Picture, box: Box) -> str:
    severity = worst(picture.marks_of(box))
    if severity in (Severity.ERROR, Severity.WARNING):
        return str(severity)
    if box.head is None:
        return "ends"
    if not box.head.planned:
        return "unplanned"
    if box.is_block:
        return "block"
    found = family(picture.plan.steps[box.head.steps.start])
    return found if found in FAMILIES else REST


def _styles(picture: Picture, look: Look) -> Iterator[str]:
    """The classes that the boxes use."""
    theme = look.theme
    for name in sorted({_style(picture, box) for box in picture.boxes}):
        if name in ("error", "warning"):
            strong, _, pale = theme.marks[Severity(name)]
            looks = f"fill:{pale},stroke:{strong},stroke-width:3px,color:{theme.text}"
        elif name == "unplanned":
            looks = f"fill:{theme.page},stroke:{theme.line},stroke-dasharray:4 3,color:{theme.faint}"
        else:
            fill = theme.page if name == "ends" else theme.block if name == "block" else theme.fill(name)
            looks = f"fill:{fill},stroke:{theme.line},color:{theme.text}"
        yield f"classDef {name} {looks}"


def _text(text: str) -> str:
    """A text inside quotes: all that Mermaid, its Markdown or HTML would act upon as numbered characters."""
    return "".join(char if char.isalnum() or char in " ×…,.:()/-+=_" else f"#{ord(char)};" for char in text)
