"""Quantities as people write them, `600M` or `256KiB`, read exactly and written back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, localcontext
from fractions import Fraction
from math import ceil, floor

THOUSANDS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
"""Prefixes of a count, powers of ten; bytes may have them too."""
BYTES = {
    "B": 1,
    **{f"{prefix}B": factor for prefix, factor in THOUSANDS.items() if prefix},
    **{f"{prefix}iB": 2 ** (10 * power) for power, prefix in enumerate("KMGT", 1)},
}
"""Units of bytes: `kB` is 1,000 of them, `KiB` 1,024."""
SAME = {"K": "k", "KB": "kB"}
LONGEST = 40
"""Characters of a quantity; it bounds what one can ask for."""

DECIMALS = 2
"""Decimals with which a number of bytes is written."""

_WRITTEN = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+(?:_\d+)*)(\.\d+)?(?:[eE]\+?(\d{1,2}))?\s*([A-Za-z]*)", re.ASCII)


def quantity(written: object, *, of_bytes: bool = False, up: bool = False) -> int:
    """The whole number that `5M`, `1.5G`, `1_000`, `1e6` or a number stands for, and of bytes also `256KiB`. Raises
    ValueError, which says why, where it stands for none.

    up  of bytes, a part of one counts as one, as for a limit from below; else `2.1MiB` are those that are whole
    """
    example = "24GiB, 256KiB" if of_bytes else "5M, 1.5G, 600k"
    if isinstance(written, bool) or not isinstance(written, int | float | str):
        raise ValueError(f"`{written}` is no quantity; write a number, such as {example}")
    text = str(written).strip()
    found = _WRITTEN.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        raise ValueError(_no_quantity(text, example))
    whole, decimals, exponent, unit = found.groups()
    number = Fraction(whole.replace(",", "").replace("_", "") + (decimals or "") + f"e{exponent or 0}")
    factor = _factor(text, unit, of_bytes)
    number *= factor
    if number.denominator != 1 and not (of_bytes and factor > 1):
        noun = " bytes" if of_bytes else ""
        near = f"write {floor(number):,} or {ceil(number):,}"
        raise ValueError(f"`{text}` is {_plain(number)}{noun}, which is not whole; {near}")
    return ceil(number) if up else floor(number)


def written(count: int, *, of_bytes: bool = False) -> str:
    """The shortest way to write a whole number that `quantity` reads as the same: `600M`, `256KiB`, `4,089,184`."""
    if of_bytes:
        return next(_in_units(count), f"{count:,}B")
    for prefix in ("T", "G", "M", "k"):
        if count and not count % THOUSANDS[prefix]:
            return f"{count // THOUSANDS[prefix]:,}{prefix}"
    return f"{count:,}"


def _in_units(count: int) -> Iterator[str]:
    """Numbers with units, and few decimals, that stand for so many bytes."""
    for digits in range(DECIMALS + 1):
        for unit in ("TiB", "GiB", "MiB", "KiB"):
            number = Fraction(-(-count * 10**digits // BYTES[unit]), 10**digits)
            suits = count >= BYTES[unit] and (not digits or number < 1024)
            if suits and floor(number * BYTES[unit]) == count:
                yield _plain(number) + unit


def _no_quantity(text: str, example: str) -> str:
    """Why a text is no quantity, and what to write."""
    if text[:1] == "-" and _WRITTEN.fullmatch(text[1:]):
        return f"`{text}` is below 0; write a number, such as {example}"
    point = text.replace(",", ".", 1)
    if len(text) <= LONGEST and _WRITTEN.fullmatch(point):
        return f"`{text}` has a comma before its decimals; write {point}"
    return f"`{text[:LONGEST]}` is no quantity; write a number, such as {example}"


def _factor(text: str, unit: str, of_bytes: bool) -> int:
    """What a unit multiplies by."""
    known = {**THOUSANDS, **BYTES} if of_bytes else THOUSANDS
    unit = SAME.get(unit, unit)
    if unit in known:
        return known[unit]
    if unit in BYTES:
        raise ValueError(f"`{text}` is a number of bytes, and this is none; write {text[: -len(unit)].strip()}M or so")
    near = [each for each in known if each.lower() == unit.lower()]
    names = " or ".join(near) or ", ".join(each for each in known if each)
    said = "did you mean" if near else "there are:"
    raise ValueError(f"`{text}` has a unit that is not known; {said} {names}" + ("?" if near else ""))


def _plain(number: Fraction) -> str:
    """A fraction of a power of ten or two in decimals, all of them."""
    with localcontext(prec=200):
        return f"{(Decimal(number.numerator) / number.denominator).normalize():,f}"
