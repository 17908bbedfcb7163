"""A drawing as PDF, for the engine that makes none and for the drawings that need no engine.

It reads the SVG that is made here: filled and stroked shapes and lines of text. Letters are those of the fonts that
every reader has: Helvetica and, for what it lacks, Adobe's Song (ISO 32000-1, 9.6.2.2 and 9.7.5.2). Nothing is
embedded.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from itertools import groupby
from xml.etree import ElementTree

MOST_POINTS = 14_400
"""The longest side that readers show; a longer page is scaled down."""
CURVE = 0.5523
"""How far the handles of a quarter circle stand out, of its radius."""
_WIDTHS = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 "
    "556 556 278 278 584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 "
    "667 778 722 667 611 722 667 944 667 667 611 278 278 278 469 556 333 556 556 500 556 556 278 556 "
    "556 222 222 500 222 833 556 556 556 556 333 500 278 556 500 722 500 500 500 334 260 334 584"
)
WIDTHS = {chr(32 + i): int(width) for i, width in enumerate(_WIDTHS.split())} | {"×": 584, "…": 1000, "→": 1000}
"""Thousandths of the size that Helvetica's letters are wide; 556 for those that are not listed."""
FONTS = {"F1": "Helvetica", "F2": "Helvetica-Bold", "F3": "Helvetica-Oblique"}


def pdf(svg: bytes) -> bytes:
    """A PDF of one page, as large as the picture."""
    root = ElementTree.fromstring(svg)
    left, top, width, height = map(float, (root.get("viewBox") or "0 0 100 100").split())
    scale = min(1.0, MOST_POINTS / max(width, height))
    lines = [f"{scale:.5f} 0 0 {-scale:.5f} {-left * scale:.2f} {(height + top) * scale:.2f} cm"]
    lines += _drawn(root)
    return _file(width * scale, height * scale, "\n".join(lines).encode("latin-1"))


# Shapes


def _drawn(element: ElementTree.Element) -> Iterator[str]:
    """The operators of an element and all in it."""
    for each in element:
        name = each.tag.rpartition("}")[2]
        if name in ("g", "a", "svg"):
            moved = re.search(r"translate\(([-\d.]+)[ ,]+([-\d.]+)\)", each.get("transform") or "")
            yield f"q 1 0 0 1 {moved[1]} {moved[2]} cm" if moved else "q"
            yield from _drawn(each)
            yield "Q"
        elif name == "text":
            yield from _text(each)
        elif name in _SHAPES:
            shape = " ".join(_SHAPES[name](each))
            yield from _painted(each, shape)


def _painted(element: ElementTree.Element, shape: str) -> Iterator[str]:
    fill, line = _colour(element.get("fill", "#000000")), _colour(element.get("stroke"))
    if fill is None and line is None:
        return
    yield "q"
    if fill is not None:
        yield f"{fill} rg"
    if line is not None:
        dashes = " ".join(re.findall(r"[\d.]+", element.get("stroke-dasharray") or ""))
        yield f"{line} RG {element.get('stroke-width', '1')} w [{dashes}] 0 d"
    yield f"{shape} {'B' if fill and line else 'f' if fill else 'S'} Q"


def _polygon(element: ElementTree.Element) -> Iterator[str]:
    yield from _corners(element)
    yield "h"


def _corners(element: ElementTree.Element) -> Iterator[str]:
    numbers = re.findall(r"-?[\d.]+(?:e-?\d+)?", element.get("points") or "")
    for i in range(0, len(numbers) - 1, 2):
        yield f"{numbers[i]} {numbers[i + 1]} {'l' if i else 'm'}"


def _rect(element: ElementTree.Element) -> Iterator[str]:
    yield f"{' '.join(element.get(name, '0') for name in ('x', 'y', 'width', 'height'))} re"


def _line(element: ElementTree.Element) -> Iterator[str]:
    x1, y1, x2, y2 = (element.get(name, "0") for name in ("x1", "y1", "x2", "y2"))
    yield f"{x1} {y1} m {x2} {y2} l"


def _ellipse(element: ElementTree.Element) -> Iterator[str]:
    x, y, a, b = (float(element.get(name, "0")) for name in ("cx", "cy", "rx", "ry"))
    yield f"{x + a:.2f} {y:.2f} m"
    for dx, dy, ex, ey in ((1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)):
        handles = ((dx + CURVE * ex, dy + CURVE * ey), (ex + CURVE * dx, ey + CURVE * dy), (ex, ey))
        yield " ".join(f"{x + a * right:.2f} {y + b * down:.2f}" for right, down in handles) + " c"


def _path(element: ElementTree.Element) -> Iterator[str]:
    """A path of absolute moves, lines and curves."""
    x = y = 0.0
    for command, rest in re.findall(r"([MLCHVZz])([^MLCHVZz]*)", element.get("d") or ""):
        numbers = [float(each) for each in re.findall(r"-?[\d.]+(?:e-?\d+)?", rest)]
        if command in "Zz":
            yield "h"
        elif command == "H":
            x = numbers[-1]
            yield f"{x} {y} l"
        elif command == "V":
            y = numbers[-1]
            yield f"{x} {y} l"
        else:
            size, operator = (6, "c") if command == "C" else (2, "m" if command == "M" else "l")
            for i in range(0, len(numbers) - size + 1, size):
                yield f"{' '.join(f'{each:g}' for each in numbers[i : i + size])} {operator}"
            x, y = numbers[-2:]


_SHAPES = {
    "polygon": _polygon,
    "polyline": _corners,
    "rect": _rect,
    "line": _line,
    "ellipse": _ellipse,
    "path": _path,
}


def _colour(text: str | None) -> str | None:
    """A colour as three numbers; None where nothing is painted."""
    if text is None or not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        return {"black": "0 0 0", "white": "1 1 1"}.get(text or "")
    return " ".join(f"{each / 255:.3g}" for each in bytes.fromhex(text[1:]))


# Texts


def _text(element: ElementTree.Element) -> Iterator[str]:
    text = (element.text or "").replace("\xa0", " ")
    size = float(element.get("font-size", "11"))
    font = "F2" if element.get("font-weight") == "bold" else "F3" if element.get("font-style") == "italic" else "F1"
    part = {"middle": 0.5, "end": 1.0}.get(element.get("text-anchor", "start"), 0.0)
    x, y = float(element.get("x", "0")) - part * _width(text, size), element.get("y", "0")
    yield f"BT {_colour(element.get('fill', '#000000'))} rg 1 0 0 -1 {x:.2f} {y} Tm"
    for is_latin, run in groupby(text, _is_latin):
        letters = "".join(run)
        if is_latin:
            yield f"/{font} {size:g} Tf <{letters.encode('cp1252').hex()}> Tj"
        else:
            yield f"/F4 {size:g} Tf <{letters.encode('utf-16-be').hex()}> Tj"
    yield "ET"


def _width(text: str, size: float) -> float:
    return sum(WIDTHS.get(char, 556) if _is_latin(char) else 1000 for char in text) * size / 1000


def _is_latin(char: str) -> bool:
    try:
        char.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


# The file


def _file(width: float, height: float, content: bytes) -> bytes:
    packed = zlib.compress(content)
    fonts = " ".join(f"/{name} {5 + i} 0 R" for i, name in enumerate([*FONTS, "F4"]))
    song = (
        "<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/DW 1000"
        "/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 4>>/FontDescriptor 10 0 R>>"
    )
    described = (
        "<</Type/FontDescriptor/FontName/STSong-Light/Flags 4/FontBBox[-25 -254 1000 880]/ItalicAngle 0/Ascent 880"
        "/Descent -120/CapHeight 880/StemV 93>>"
    )
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        (
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {width:.2f} {height:.2f}]/Contents 4 0 R"
            f"/Resources<</Font<<{fonts}>>>>>>"
        ).encode(),
        f"<</Length {len(packed)}/Filter/FlateDecode>>stream\n".encode() + packed + b"\nendstream",
        *(f"<</Type/Font/Subtype/Type1/BaseFont/{name}/Encoding/WinAnsiEncoding>>".encode() for name in FONTS.values()),
        b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UTF16-H/DescendantFonts[9 0 R]>>",
        song.encode(),
        described.encode(),
    ]
    made = b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n"
    places = []
    for i, each in enumerate(objects, 1):
        places.append(len(made))
        made += f"{i} 0 obj\n".encode() + each + b"\nendobj\n"
    table = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n" + "".join(f"{at:010} 00000 n \n" for at in places)
    end = f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{len(made)}\n%%EOF\n"
    return made + (table + end).encode()
