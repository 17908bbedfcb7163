"""Quantities as people write them, `600M` or `256KiB`, read exactly and written back."""

from __future__ import annotations

import re
from decimal import Decimal, localcontext
from fractions import Fraction

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

_WRITTEN = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+(?:_\d+)*)(\.\d+)?(?:[eE]\+?(\d{1,2}))?\s*([A-Za-z]*)", re.ASCII)


def quantity(written: object, *, of_bytes: bool = False) -> int:
    """The whole number that `5M`, `1.5G`, `1_000`, `1e6` or a number stands for, and of bytes also `256KiB`. Raises
    ValueError, which says why, where it stands for none.
    """
    example = "24GiB, 256KiB" if of_bytes else "5M, 1.5G, 600k"
    if isinstance(written, bool) or not isinstance(written, int | float | str):
        raise ValueError(f"`{written}` is no quantity; write a number, such as {example}")
    text = str(written).strip()
    found = _WRITTEN.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        below = text[:1] == "-" and _WRITTEN.fullmatch(text[1:]) is not None
        why = "is below 0" if below else "is no quantity"
        raise ValueError(f"`{text[:LONGEST]}` {why}; write a number, such as {example}")
    whole, decimals, exponent, unit = found.groups()
    number = Fraction(whole.replace(",", "").replace("_", "") + (decimals or "") + f"e{exponent or 0}")
    number *= _factor(text, unit, of_bytes)
    if number.denominator != 1:
        noun = " bytes" if of_bytes else ""
        raise ValueError(f"`{text}` is {_plain(number)}{noun}, which is not whole")
    return number.numerator


def written(count: int, *, of_bytes: bool = False) -> str:
    """The shortest way to write a whole number that `quantity` reads as the same: `600M`, `256KiB`, `4,089,184`."""
    if of_bytes:
        for unit in ("TiB", "GiB", "MiB", "KiB"):
            if count and not count % BYTES[unit]:
                return f"{count // BYTES[unit]:,}{unit}"
        return f"{count:,}B"
    for prefix in ("T", "G", "M", "k"):
        if count and not count % THOUSANDS[prefix]:
            return f"{count // THOUSANDS[prefix]:,}{prefix}"
    return f"{count:,}"


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
