"""The sizes for people: in words, with the next good ones, the layers that ask for them, and a chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planner.analyses.input_sizes import InputSizes, Unsolved
from planner.analyses.residues import Residues
from planner.analyses.sizes import AxisSizes, Condition
from planner.outputs import Format
from planner.outputs._screen import Screen, columns, cut, padded, printable, wrapped
from planner.outputs.sizes._strip import strip
from planner.words import counted, joined, named

FORMAT = Format("txt", for_people=True)

MOST_STEPS = 24
"""Layers listed with what they ask for."""
WIDEST_NAME = 34
MOST_GROUPS = 8
"""Sets of sizes that go together, listed for each word."""
MOST_NAMED = 3
KINDS = (("works", "does", "does not"), ("lossless", "is", "is not"), ("exact", "is", "is not"))
"""The three words, and how they are said of a size."""

Axes = list[AxisSizes]


def render(found: Sequence[InputSizes], screen: Screen, low: int, high: int) -> str:
    """The axes of every input, those that are alike together."""
    parts = [part for each in found for part in _input(each, screen, low, high)]
    return "\n".join("".join(f"{line}\n" for line in part) for part in parts)


def _input(found: InputSizes, screen: Screen, low: int, high: int) -> Iterator[list[str]]:
    if found.together:
        yield from _together(found, screen, low, high)
        return
    if found.diagonal is not None:
        given = " and ".join(dict.fromkeys(f"{n:,}" for n in found.shape.spatial))
        title = f"all axes of `{printable(found.input)}` of one size, now {given}"
        yield [*(screen.paint(line, "bold") for line in wrapped(title, screen.width)), *_sets([found.diagonal], screen)]
    alike: dict[object, Axes] = {}
    for axis in found.axes:
        if isinstance(axis, Unsolved):
            yield wrapped(f"{axis.name} of `{printable(found.input)}`: {printable(axis.reason)}", screen.width)
        else:
            alike.setdefault((axis.works, axis.lossless, axis.exact, axis.conditions, axis.beside), []).append(axis)
    for axes in alike.values():
        yield [*_title(found, axes, screen), *_sets(axes, screen)]
        if table := list(_conditions(axes[0], screen)):
            yield table
        yield list(strip(axes[0], low, high, screen))


def _title(found: InputSizes, axes: Axes, screen: Screen) -> Iterator[str]:
    title = f"{joined([axis.name for axis in axes])} of `{printable(found.input)}`, now {found.shape}"
    if found.unread is not None:
        title += f", of which {counted(found.unread, 'cell')} cannot be read" if found.unread else ", every cell read"
    if axes[0].beside:
        title += f"; with {joined([f'{name} at {n:,}' for name, n in axes[0].beside])}: {axes[0].because}"
    yield from (screen.paint(line, "bold") for line in wrapped(title, screen.width))


def _together(found: InputSizes, screen: Screen, low: int, high: int) -> Iterator[list[str]]:
    """Axes that depend on one another: the sizes that all may have, and then the others that go together."""
    axes = [axis for axis in found.axes if isinstance(axis, AxisSizes)]
    asks = "asks" if len(found.coupled) == 1 else "ask"
    asking = f"; {printable(named(found.coupled, MOST_NAMED))} {asks} for them together" if found.coupled else ""
    (title,) = _title(found, axes, Screen(10_000))
    heading = wrapped(title + asking, screen.width)
    lines = list[str]()
    equal = found.equal
    assert equal is not None
    spatial = found.shape.spatial
    for kind, does, does_not in KINDS:
        given = "×".join(map(str, spatial))
        fits = found.group(spatial, kind) is not None
        alike: Residues = getattr(equal, kind)
        said = f"{alike.words('n')} for {'both' if len(axes) == 2 else 'all'}; {given} {does if fits else does_not}"
        said += "" if fits or len(set(spatial)) > 1 else _next(alike, spatial[0])
        lines += _entry(kind, said, screen)
        groups = [each for each in found.together if all(getattr(axis, kind) for axis in each)]
        unequal = [each for each in groups if len({getattr(axis, kind) for axis in each}) > 1]
        shown = MOST_GROUPS if kind == "works" or not alike else 1
        for each in unequal[:shown]:
            first, *others = (f"{getattr(axis, kind).words(axis.name)}" for axis in each)
            lines += _entry("", f"or {first} with {' and '.join(others)}", screen)
        if len(unequal) > shown:
            lines += _entry("", f"and {len(unequal) - shown} more (`--format json` lists all)", screen)
    yield [*(screen.paint(line, "bold") for line in heading), *lines]
    if table := list(_conditions(axes[0], screen)):
        yield table
    if equal.works:
        yield list(strip(equal, low, high, screen))


def _entry(title: str, text: str, screen: Screen) -> Iterator[str]:
    """A title with the text beside it."""
    first, *others = wrapped(text, screen.width - 12)
    yield f"  {screen.paint(title, 'bold')}{' ' * (10 - len(title))}{first}"
    yield from (f"{' ' * 12}{each}" for each in others)


def _sets(axes: Axes, screen: Screen) -> Iterator[str]:
    """Which sizes work, are lossless, are exact; whether the given ones are; and which are the next that are."""
    name = axes[0].name if len(axes) == 1 else "n"
    for title, does, does_not in KINDS:
        sizes: Residues = getattr(axes[0], title)
        said = [sizes.words(name)]
        said += [
            f"{given:,} {does}" if given in sizes else f"{given:,} {does_not}{_next(sizes, given)}"
            for given in dict.fromkeys(axis.given for axis in axes)
        ]
        yield from _entry(title, "; ".join(said), screen)


def _next(sizes: Residues, given: int) -> str:
    """How much to crop or to pad to get to the next size in a set."""
    below, above = sizes.below(given), sizes.above(given)
    ways = [f"crop {given - below:,} to {below:,}"] if below is not None else []
    ways += [f"pad {above - given:,} to {above:,}"] if above is not None else []
    return f": {', or '.join(ways)}" if ways else ""


def _conditions(axis: AxisSizes, screen: Screen) -> Iterator[str]:
    """The layers that ask for anything, in the order of the model."""
    least = max((each.works.start for each in axis.conditions), default=1)
    asking = [(each.step, asks) for each in axis.conditions if any(asks := _asks(each, least))]
    if not asking:
        return
    rows = [("asked for by", "to work", "to be lossless", "to be exact")]
    rows += [(printable(step), *asks) for step, asks in asking[:MOST_STEPS]]
    widths = [max(columns(row[i]) for row in rows) for i in range(4)]
    widths[0] = max(min(widths[0], WIDEST_NAME, screen.width - 8 - sum(widths[1:])), 12)
    for i, row in enumerate(rows):
        cells = [padded(cut(cell, width), width) for cell, width in zip(row, widths, strict=True)]
        line = f"  {'  '.join(cells)}".rstrip()
        yield screen.paint(line, "dim") if i == 0 else line
    if len(asking) > MOST_STEPS:
        yield f"  … and {len(asking) - MOST_STEPS} more"


def _asks(condition: Condition, least: int) -> tuple[str, str, str]:
    """What a layer asks for: a smallest size only where it is the one that counts in the end, and to lose nothing only
    what is more than to work.
    """
    works = _asked(condition.works)
    lossless = _asked(condition.lossless) if condition.lossless != condition.works else ""
    exact = _asked(condition.exact) if condition.exact != condition.works else ""
    return "" if works.startswith("from ") and condition.works.start < least else works, lossless, exact


def _asked(sizes: Residues) -> str:
    """What is asked of n, sizes too small to tell left aside: `≡ 1 mod 2`, `from 63`, or nothing."""
    if not sizes.residues:
        return sizes.words("n").removeprefix("n ")
    if len(sizes.residues) == sizes.period:
        return f"from {sizes.start}" if sizes.start > 1 else ""
    return sizes.words("n").removeprefix("n ").split(", from")[0]
