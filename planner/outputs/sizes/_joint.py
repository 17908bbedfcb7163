"""The sizes of axes that depend on one another: those that all may have, and then the others that go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from planner.analyses.input_sizes import InputSizes
from planner.analyses.matches import Match, Together
from planner.analyses.residues import Residues
from planner.outputs._screen import Screen, printable, wrapped
from planner.outputs.sizes._strip import strip
from planner.outputs.sizes._words import KINDS, beside, conditions, entry, next_ones, unread
from planner.words import joined, named

MOST_MATCHES = 8
"""Sets of sizes that go together, listed for each word."""
MOST_NAMED = 3


def joint(
    alike: Sequence[Together], shapes: Mapping[str, InputSizes], screen: Screen, low: int, high: int
) -> Iterator[list[str]]:
    """Axes that depend on one another; of several such sets of axes with the same answer, the first is shown. Where
    inputs have different sizes, there is no chart: it has a sign for each size that all axes may have at once.
    """
    first, equal = alike[0], alike[0].equal
    lines = [screen.paint(line, "bold") for line in wrapped(_title(alike, shapes), screen.width)]
    for kind, does, does_not in KINDS:
        said, *others = _said(first, kind, getattr(equal, kind), does, does_not)
        lines += entry(kind, said, screen)
        lines += [line for each in others for line in entry("", each, screen)]
    yield lines
    if table := list(conditions(first.axes[0], screen)):
        yield table
    if equal.works and (len(first.inputs) == 1 or len({axis.given for axis in first.axes}) == 1):
        yield list(strip(equal, low, high, screen))


def _title(alike: Sequence[Together], shapes: Mapping[str, InputSizes]) -> str:
    first = alike[0]
    title = "; in the same way ".join(_axes(each) for each in alike)
    known = [shapes[name] for name in first.inputs if name in shapes]
    title += f", now {joined([f'{each.shape}{unread(each)}' for each in known])}{beside(first.axes[0])}"
    if not first.coupled:
        return title
    asks = "asks" if len(first.coupled) == 1 else "ask"
    return f"{title}; {printable(named(first.coupled, MOST_NAMED))} {asks} for them together"


def _axes(together: Together) -> str:
    """`height and width of `x``; of several inputs, each axis with its own."""
    if len(together.inputs) == 1:
        return f"{joined([axis.name for axis in together.axes])} of `{printable(together.inputs[0])}`"
    return joined([f"{axis.name} of `{printable(axis.input)}`" for axis in together.axes])


def _said(together: Together, kind: str, alike: Residues, does: str, does_not: str) -> Iterator[str]:
    """The sizes for all axes at once, and whether the given ones fit; then others that go together."""
    axes = together.axes
    spatial = [axis.given for axis in axes]
    names = [axis.name if len(together.inputs) == 1 else f"{printable(axis.input)}.{axis.name}" for axis in axes]
    matches = [each for each in together.matches if all(getattr(axis, kind) for axis in each.axes)]
    given = ("×" if len(together.inputs) == 1 else " with ").join(map(str, spatial))
    fits = together.match(spatial, kind) is not None
    if matches and all(map(_equal, matches)):
        said = f"{' = '.join(names)}: {alike.words('n')}"
    else:
        said = f"{alike.words('n')} for {'both' if len(axes) == 2 else 'all'}"
        several = alike.residues or len(alike.also) > 1
        said += ", any with any" if several and any(_is_all(each, kind, alike) for each in matches) else ""
    said += f"; {given} {does if fits else does_not}"
    yield said + ("" if fits or len(set(spatial)) > 1 else next_ones(alike, spatial[0]))
    unequal = [each for each in matches if not _equal(each) and not _is_all(each, kind, alike)]
    shown = MOST_MATCHES if kind == "works" or not alike else 1
    for each in unequal[:shown]:
        first, *others = (getattr(axis, kind).words(name) for axis, name in zip(each.axes, names, strict=True))
        steps = dict.fromkeys(f"{by:,}" for by in each.step)
        on = f", and so on by {joined([*steps])}" if steps else ""
        yield f"or {first} with {joined([*others])}{on}"
    if len(unequal) > shown:
        yield f"and {len(unequal) - shown} more (`--format json` lists all)"


def _is_all(match: Match, kind: str, alike: Residues) -> bool:
    """Whether the sizes that all axes may have at once are those of one match, and in it any go with any."""
    return not match.step and all(getattr(axis, kind) == alike for axis in match.axes)


def _alike(match: Match, kind: str) -> bool:
    """Whether all axes have the same sizes."""
    return len({getattr(axis, kind) for axis in match.axes}) == 1


def _equal(match: Match) -> bool:
    """Whether all axes have one and the same size, again and again."""
    return bool(match.step) and _alike(match, "works") and len(match.axes[0].works.also) == len(set(match.step)) == 1
