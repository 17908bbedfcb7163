"""Pictures of an input's cells, as PNG; the format is small enough to be written here (ISO/IEC 15948)."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction
from typing import TYPE_CHECKING

from planner.outputs.map._runs import distinct

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from planner.analyses.paths import Shares
    from planner.outputs.map._runs import ReadShares
    from planner.outputs.map._seen import Seen

    Pixels = NDArray[numpy.uint8]

SCALE = ("#0b1026", "#1d3b72", "#23719e", "#3fa7a0", "#9bd18a", "#f7f7b8")
"""Colours from the cell with fewest paths to the one with most."""
UNREAD = "#e02424"
OUTSIDE = "#8b949e"
"""Where a chosen cell does not look."""
READ = "#3fa7a0"
PARTLY = ("#e8702a", "#f6c95c")
"""The colours of a run of cells of which few are read, and of one of which nearly all are."""
FLATTENED = 0.35
"""The power of the share that is shown: without it, all but the middle would be dark."""


def painted(seen: Seen, alpha: int = 255) -> Pixels:
    """What a map shows, each cell as a pixel, or each run of cells."""
    nothing = OUTSIDE if seen.stretch else UNREAD
    if seen.shares is None:
        return read_colours(seen.read, nothing, alpha)
    return colours(seen.shares, nothing, alpha)


def colours(shares: Shares, nothing: str = UNREAD, alpha: int = 255) -> Pixels:
    """The colour of each position, as red, green, blue and opacity; `nothing` where no path leads."""
    import numpy

    stops = numpy.array([rgb(each) for each in SCALE], float)
    place = shares.astype(float) ** FLATTENED * (len(stops) - 1)
    low = numpy.clip(place.astype(int), 0, len(stops) - 2)
    part = (place - low)[..., None]
    mixed = stops[low] * (1 - part) + stops[low + 1] * part
    pixels = numpy.empty((*shares.shape, 4), numpy.uint8)
    pixels[..., :3] = numpy.round(mixed)
    pixels[..., 3] = alpha
    pixels[shares == 0] = (*rgb(nothing), 255 if nothing == UNREAD else alpha)
    return pixels


def read_colours(read: ReadShares, nothing: str = UNREAD, alpha: int = 255) -> Pixels:
    """The colour of each run of cells by the share that is read; a run that lacks a single cell has another colour than
    a whole one.
    """
    import numpy

    looks = {share: _read_colour(share, nothing, alpha) for share in distinct(read)}
    different = {id(row): row for row in read}
    rows = {key: numpy.array([looks[share] for share in row], numpy.uint8) for key, row in different.items()}
    return numpy.stack([rows[id(row)] for row in read])


def _read_colour(share: Fraction, nothing: str, alpha: int) -> tuple[int, int, int, int]:
    if share == 0:
        return (*rgb(nothing), 255 if nothing == UNREAD else alpha)
    if share == 1:
        return (*rgb(READ), alpha)
    few, many = map(rgb, PARTLY)
    red, green, blue = (round(low + share * (high - low)) for low, high in zip(few, many, strict=True))
    return red, green, blue, alpha


def framed(pixels: Pixels, top: int, left: int, bottom: int, right: int, colour: str) -> None:
    """Draw a frame into a picture, of the rows top to bottom and the columns left to right."""
    thick, ink = 2, (*rgb(colour), 255)
    pixels[top : top + thick, left : right + 1] = ink
    pixels[bottom - thick + 1 : bottom + 1, left : right + 1] = ink
    pixels[top : bottom + 1, left : left + thick] = ink
    pixels[top : bottom + 1, right - thick + 1 : right + 1] = ink


def png(pixels: Pixels) -> bytes:
    """The file of a picture in red, green, blue and opacity."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    parts = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)), (b"IDAT", zlib.compress(rows, 9)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in (*parts, (b"IEND", b"")))


def rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
