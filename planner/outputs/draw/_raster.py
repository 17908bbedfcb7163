"""A drawing that needs no layout, as DOT source: a Graphviz engine paints it as PNG.

The shapes of the SVG that is made here become the background of an empty graph, in the language of
https://graphviz.org/docs/outputs/canon/#xdot, whose y axis goes up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

PaintedPoint = tuple[float, float]

_WORDS = {"middle": 0, "end": 1}
_FLAGS = {"bold": 1}


def to_paint(svg: bytes) -> str:
    """The DOT source of the drawing, with a position for everything."""
    root = ElementTree.fromstring(svg)
    _, _, width, height = map(float, (root.get("viewBox") or "0 0 100 100").split())
    painted = " ".join(_drawn(root, height)).replace("\\", "\\\\").replace('"', '\\"')
    corners = "".join(
        f'  {name} [pos="{x:g},{y:g}!", shape=point, style=invis, width=0.001, label=""]\n'
        for name, x, y in (("a", 0, 0), ("b", width, height))
    )
    return f'graph {{\n  graph [pad=0, _background="{painted}"]\n{corners}}}\n'


def _drawn(root: ElementTree.Element, height: float) -> Iterator[str]:
    """The operations that draw an element's parts, in order."""
    for each in root:
        name = each.tag.rpartition("}")[2]
        if name == "text":
            yield from _text(each, height)
        elif name in _OUTLINES:
            yield from _painted(each, _OUTLINES[name](each), height, closed=name in ("polygon", "rect"))


def _painted(element: ElementTree.Element, points: list[PaintedPoint], height: float, closed: bool) -> Iterator[str]:
    fill, line = (_colour(element.get(name)) for name in ("fill", "stroke"))
    corners = f"{len(points)} {' '.join(f'{x:g} {height - y:g}' for x, y in points)}"
    dashes, width = element.get("stroke-dasharray"), element.get("stroke-width", "1")
    yield f"S {_sized('dashed' if dashes else 'solid')} S {_sized(f'setlinewidth({width})')}"
    if closed and fill:
        yield f"c {_sized(line or fill)} C {_sized(fill)} P {corners}"
    elif line:
        yield f"c {_sized(line)} {'p' if closed else 'L'} {corners}"


def _text(element: ElementTree.Element, height: float) -> Iterator[str]:
    words = (element.text or "").replace("⋮", "…")  # the bundled engine has no letter for it
    size, colour = element.get("font-size", "11"), _colour(element.get("fill")) or "#000000"
    x, y = float(element.get("x", "0")), float(element.get("y", "0"))
    place = _WORDS.get(element.get("text-anchor", "start"), -1)
    yield f"F {size} {_sized('Helvetica')} t {_FLAGS.get(element.get('font-weight', ''), 0)} c {_sized(colour)}"
    yield f"T {x:g} {height - y:g} {place} {round(0.55 * float(size) * len(words))} {_sized(words)}"


def _sized(text: str) -> str:
    """A text with the number of its bytes before it."""
    return f"{len(text.encode())} -{text}"


def _colour(text: str | None) -> str | None:
    return text if text and re.fullmatch("#[0-9a-fA-F]{6}", text) else None


# Outlines


def _polygon(element: ElementTree.Element) -> list[PaintedPoint]:
    numbers = [float(each) for each in re.findall(r"-?[\d.]+(?:e-?\d+)?", element.get("points") or "")]
    return list(zip(numbers[::2], numbers[1::2], strict=False))


def _rect(element: ElementTree.Element) -> list[PaintedPoint]:
    x, y, width, height = (float(element.get(name, "0")) for name in ("x", "y", "width", "height"))
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def _line(element: ElementTree.Element) -> list[PaintedPoint]:
    x1, y1, x2, y2 = (float(element.get(name, "0")) for name in ("x1", "y1", "x2", "y2"))
    return [(x1, y1), (x2, y2)]


def _path(element: ElementTree.Element) -> list[PaintedPoint]:
    """The corners of a path of absolute moves and lines."""
    found: list[PaintedPoint] = []
    for command, rest in re.findall(r"([MLHV])([^MLHVZz]*)", element.get("d") or ""):
        numbers = [float(each) for each in re.findall(r"-?[\d.]+(?:e-?\d+)?", rest)]
        if command == "H":
            found.append((numbers[-1], found[-1][1]))
        elif command == "V":
            found.append((found[-1][0], numbers[-1]))
        else:
            found += zip(numbers[::2], numbers[1::2], strict=False)
    return found


_OUTLINES = {"polygon": _polygon, "polyline": _polygon, "rect": _rect, "line": _line, "path": _path}
