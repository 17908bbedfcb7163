"""The report as one HTML file that needs no network.

Nothing of a model file becomes markup or script: its texts stand in JSON, from where the page's script puts them into
text nodes, and in drawings, where they are escaped. Should one get through, the page's policy
runs no script but its own.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from html import escape
from importlib.resources import files

from planner.diagnostics import Severity
from planner.outputs._json import writable
from planner.outputs.draw._drawing import draw
from planner.outputs.draw._look import Look
from planner.outputs.draw._picture import Picture, TooManyBoxes
from planner.outputs.draw._themes import THEMES, Theme
from planner.outputs.draw.dot import source
from planner.outputs.map._seen import NoMap, seen
from planner.outputs.map.svg import cells, scale
from planner.outputs.report._data import data
from planner.report import Report

MOST_BOXES = 1_500
"""Boxes in a drawing; browsers draw no more of them smoothly."""
MAP_SIDE = 448
DEEPEST = 12


def drawings(report: Report) -> list[Picture]:
    """The pictures of the page, the most folded first: one for each depth to which a block of each kind is opened, and
    one with every block opened, as deep as a browser shows it.
    """
    found = list(_levels(report, every=False))
    whole = list(_levels(report, every=True))
    return found + [each for each in whole[-1:] if not found or len(each.boxes) > len(found[-1].boxes)]


def _levels(report: Report, every: bool) -> Iterator[Picture]:
    """The pictures in which blocks are opened ever deeper: with a block of each kind, those that show more."""
    before = 0
    try:
        for depth in range(1, DEEPEST):
            picture = draw(report, depth, every)
            if before and len(picture.boxes) > MOST_BOXES:
                return
            if every or len(picture.boxes) > before:
                yield picture
            before = len(picture.boxes)
            if not picture.folded:
                return
    except TooManyBoxes:
        return


def to_lay_out(picture: Picture) -> Iterator[str]:
    """The DOT source of a picture of the page, and a plainer one for where its layout takes too long.

    Its colours are numbers that the page's style sheet gives a colour.
    """
    yield source(picture, Look(own=_NUMBERS))
    yield source(picture.plainer(), Look(own=_NUMBERS))


def render(report: Report, pictures: Sequence[Picture], svgs: Sequence[str]) -> str:
    """The page; `svgs` are the pictures as a Graphviz engine has laid them out."""
    style, script = part("page.css") + colours(), part("parts.js") + part("page.js")
    hashed = b64encode(sha256(script.encode()).digest()).decode()
    told = data(report, pictures)
    templates = "".join(f"<template class=drawing>{inner(svg)}</template>" for svg in svgs)
    filled = {
        "title": escape(told["model"]),
        "policy": f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{hashed}'",
        "style": style,
        "drawings": templates,
        "map": "".join(maps(report)),
        "data": _harmless(writable(json.dumps(told, ensure_ascii=False, separators=(",", ":")))),
        "script": script,
    }
    return page(part("page.html"), filled)


def page(template: str, filled: Mapping[str, str]) -> str:
    """A page with texts in place of their names, and with the parts that this page and the live page have in common."""
    texts = {**filled, **{name: part(f"{name}.html").rstrip() for name in SHARED}}
    before, *rest = template.split("{{")
    for each in rest:
        name, _, after = each.partition("}}")
        before += texts[name] + after
    return before


SHARED = ("picture", "table")


def part(name: str) -> str:
    """A file of this folder that the page is made of."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _harmless(text: str) -> str:
    """JSON that no HTML parser takes for markup, whatever its texts hold."""
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def inner(svg: str) -> str:
    """The drawing without the declarations of a file of its own."""
    return svg[svg.index("<svg") :]


def maps(report: Report) -> Iterator[str]:
    """The map of each input that has rows and columns."""
    for step in report.plan.inputs:
        try:
            found = seen(report, step.name)
        except NoMap:
            continue
        cell = MAP_SIDE / max(found.height, found.width)
        width, height = found.width * cell, max(found.height * cell, 36 if found.height == 1 else 0)
        yield (
            f'<figure><svg viewBox="-44 -26 {width + 64:g} {height + 44:g}" role="img" '
            f'aria-label="map of {escape(found.input)}">'
        )
        yield from cells(found, cell, width, height, _NUMBERS)
        said = f": {scale(found)}" if found.shares is None else ""
        yield f"</svg><figcaption>{escape(found.input)}{said}</figcaption></figure>"


# Colours by number


def _slots(theme: Theme) -> list[str]:
    """All colours of a theme, in one order."""
    plain = [theme.page, theme.text, theme.faint, theme.line, theme.frame, theme.frame_line, theme.block, theme.skip]
    return [*plain, *theme.fills.values(), *(colour for each in theme.marks.values() for colour in each)]


def _numbers() -> Theme:
    """A theme in which every colour is the number of its place."""
    light = THEMES["light"]
    numbers = iter(f"#0000{i:02x}" for i in range(len(_slots(light))))
    names = ("page", "text", "faint", "line", "frame", "frame_line", "block", "skip")
    plain = {name: next(numbers) for name in names}
    fills = {name: next(numbers) for name in light.fills}
    marks: dict[Severity, tuple[str, str, str]] = {}
    for severity, (_, _, pale) in light.marks.items():
        strong, ink, tint = next(numbers), next(numbers), next(numbers)
        marks[severity] = (strong, ink, tint if pale else "")
    return replace(light, **plain, fills=fills, marks=marks)


_NUMBERS = _numbers()


def colours() -> str:
    """The style sheet's rules that give each number its colour, by light and by dark."""
    rules = [
        f'[fill="#0000{i:02x}"]{{fill:var(--c{i})}}[stroke="#0000{i:02x}"]{{stroke:var(--c{i})}}'
        for i in range(len(_slots(THEMES["light"])))
    ]
    light, dark = (
        ";".join(f"--c{i}:{colour}" for i, colour in enumerate(_slots(THEMES[name])) if colour)
        for name in ("light", "dark")
    )
    return (
        f":root{{{light}}}@media(prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}"
        f":root[data-theme=dark]{{{dark}}}{''.join(rules)}"
    )
