"""Pictures cell by cell, as PNG; the format is small enough to be written here (ISO/IEC 15948)."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from planner.analyses.paths import Shares

    Pixels = NDArray[numpy.uint8]

SCALE = ("#0b1026", "#1d3b72", "#23719e", "#3fa7a0", "#9bd18a", "#f7f7b8")
"""Colours from the cell with fewest paths to the one with most."""
UNREAD = "#e02424"
OUTSIDE = "#8b949e"
"""Where a chosen cell does not look."""
FLATTENED = 0.35
"""The power of the share that is shown: without it, all but the middle would be dark."""


def colours(shares: Shares, nothing: str = UNREAD, alpha: int = 255) -> Pixels:
    """Each position's colour, as red, green, blue and opacity; `nothing` where no path leads."""
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


def enlarged(pixels: Pixels, times: int) -> Pixels:
    """The picture with every pixel as a square."""
    return pixels.repeat(times, axis=0).repeat(times, axis=1)


def framed(pixels: Pixels, top: int, left: int, bottom: int, right: int, colour: str, thick: int = 2) -> None:
    """Draw a frame into a picture, of the rows top to bottom and the columns left to right."""
    ink = (*rgb(colour), 255)
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
