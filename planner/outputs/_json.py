"""JSON laid out for people: the outer levels one entry a line, what is inside them on that line."""

from __future__ import annotations

import json
from typing import Any


def laid_out(value: Any, levels: int, *, ascii: bool = False) -> str:
    """The JSON text of a value, with `levels` levels of lists and mappings opened."""
    text = "".join(_parts(value, levels, "\n", json.JSONEncoder(ensure_ascii=ascii).encode)) + "\n"
    return writable(text)


def writable(text: str) -> str:
    """JSON that can be encoded as UTF-8: bytes of a file name that are not UTF-8 become escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _parts(value: Any, levels: int, newline: str, encode: Any) -> Any:
    if not levels or not isinstance(value, dict | list) or not value:
        yield encode(value)
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    inner = newline + "  "
    entries = value.items() if isinstance(value, dict) else (("", each) for each in value)
    for i, (key, each) in enumerate(entries):
        yield f"{',' if i else opening}{inner}"
        if opening == "{":
            yield f"{encode(str(key))}: "
        yield from _parts(each, levels - 1, inner, encode)
    yield f"{newline}{closing}"
