"""Numbers in words, as messages say them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def counted(count: int, noun: str) -> str:
    """A count with its noun: `1 cell`, `1,335 cells`, `2 copies`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun[:-1]}ies" if noun[-1] == "y" and noun[-2] not in "aeo" else f"{count:,} {noun}s"


def share(part: int, whole: int, noun: str) -> str:
    """A part of a whole with its noun: `1 of 1 cell`, `447 of 50,176 cells`."""
    return f"{part:,} of {counted(whole, noun)}"


def more_percent(was: int, now: int) -> str:
    """How much more or less, as a part of what there was: ` (+12 %)`; nothing where that rounds to 0."""
    share = (abs(now - was) * 200 // was + 1) // 2 if was else 0
    return f" ({'+' if now > was else '-'}{share:,} %)" if share else ""


def percent(part: int, whole: int) -> str:
    """A part of a whole as a percentage, rounded down: `9.7 %`."""
    tenths = part * 1000 // whole
    return f"{tenths // 10}.{tenths % 10} %"


def named(names: Sequence[str], most: int = 4) -> str:
    """Names in a sentence: `` `a`, `b` and `c` ``; of many, the first few and how many more."""
    quoted = [f"`{name}`" for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(quoted)} and {len(names) - most:,} more"
    return joined(quoted)


def joined(texts: Sequence[str], word: str = "and") -> str:
    """Texts in a sentence: `a, b and c`."""
    return f" {word} ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Ascending numbers as runs from first to last."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def ranged(numbers: Sequence[int], most: int = 4) -> str:
    """Ascending numbers in words: `223`, `220–222`, `1, 3, 5, … (112 in all)`."""
    return in_runs(runs(numbers), len(numbers), most)


def in_runs(found: Sequence[tuple[int, int]], count: int, most: int = 4) -> str:
    """The numbers as in `ranged`, given their first runs, of which one more than can be shown is enough."""
    shown = [str(first) if first == last else f"{first}–{last}" for first, last in found]
    if len(shown) > most:
        return ", ".join(shown[: most - 1]) + f", … ({count:,} in all)"
    return ", ".join(shown)


def grouped(said: Iterable[tuple[str, str]]) -> str:
    """What is said of each axis, in a text; axes with the same text are named together: `height and width: cell 55 of
    56 …`.
    """
    axes: dict[str, list[str]] = {}
    for axis, text in said:
        axes.setdefault(text, []).append(axis)
    return "; ".join(f"{joined(names)}: {text}" for text, names in axes.items())


def pattern(name: str) -> str:
    """A name without the numbers of copies and positions."""
    return re.sub(r"(?<![^.`])\d+(?![^.`])", "*", name)


def starred(texts: Sequence[str]) -> str:
    """Texts with names in them, with a star where the numbers in these differ."""
    parts = [re.split(r"(?<![^.`])(\d+)(?![^.`])", text) for text in texts]
    return "".join(column[0] if len({*column}) == 1 else "*" for column in zip(*parts, strict=True))
