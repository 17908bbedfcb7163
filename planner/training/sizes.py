"""Sizes of memory as people write them."""

from __future__ import annotations

import re

_UNITS = {"": 1, **{unit: 1000**i for i, unit in enumerate("KMGT", 1)}}
_BINARY = {f"{unit}i": 1024**i for i, unit in enumerate("KMGT", 1)}


def bytes_of(text: str) -> int | None:
    """`24GiB` as a number of bytes, `8GB` as one too; None for what is no size."""
    found = re.fullmatch(r"([0-9]{1,15})(?:\.([0-9]{1,6}))? ?([KMGT]i?|)B?", text.strip(), re.IGNORECASE)
    if found is None:
        return None
    whole, part, unit = found.groups()
    scale = {**_UNITS, **_BINARY}[unit.upper().replace("I", "i")]
    size = (int(whole + (part or "")) * scale) // 10 ** len(part or "")
    return size or None
