"""Texts in the HTML-like labels of Graphviz, and how large they are."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from planner.outputs._screen import columns

SIZE, SMALL = 11, 9
WIDEST = 34
"""Characters in a line of a box."""


def html(parts: Iterable[str]) -> str:
    """An HTML-like label; Graphviz tells it from a text by the brackets around it."""
    return f"<{''.join(parts)}>"


def escaped(text: str) -> str:
    """A text inside an HTML-like label, where Graphviz expands escapes such as `\\N` too: backslashes are doubled."""
    return escape(text).replace("\\", "\\\\")


def quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("&", "&amp;")


def room_for(text: str, size: int = SIZE) -> str:
    """The least width of a cell whose text has characters that the engines do not know the width of."""
    if text.isascii() or all(ord(char) < 0x250 or char in "×…" for char in text):
        return ""
    return f' WIDTH="{round(columns(text) * size * 0.62) + 8}"'
