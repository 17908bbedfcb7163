"""The sizes for people: in words, with the next good ones, the layers that ask for them, and a chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planner.analyses.input_sizes import InputSizes, Unsolved
from planner.analyses.matches import Together
from planner.analyses.residues import Residues
from planner.analyses.sizes import AxisSizes
from planner.outputs import Format
from planner.outputs._screen import Screen, printable, wrapped
from planner.outputs.sizes._joint import joint
from planner.outputs.sizes._strip import strip
from planner.outputs.sizes._words import KINDS, beside, conditions, entry, next_ones, unread
from planner.words import joined

FORMAT = Format("txt", for_people=True)


def render(found: Sequence[InputSizes], screen: Screen, low: int, high: int) -> str:
    """The axes of every input, those that are alike together; those that depend on one another once. Without a range,
    where `high` is below `low`, there are no charts.
    """
    if not found:
        return "no input has spatial axes whose sizes could be others\n"
    parts = [part for each in found for part in _input(each, screen, low, high)]
    shapes = {each.input: each for each in found}
    alike: dict[object, list[Together]] = {}
    for together in dict.fromkeys(each for one in found for each in one.together):
        alike.setdefault(_pattern(together), []).append(together)
    parts += [part for each in alike.values() for part in joint(each, shapes, screen, low, high)]
    return "\n".join("".join(f"{line}\n" for line in part) for part in parts if part)


def _pattern(together: Together) -> object:
    """The answer for axes that depend on one another, without the names of these."""
    matches = [([(a.works, a.lossless, a.exact) for a in each.axes], each.step) for each in together.matches]
    return repr((matches, together.coupled, [axis.given for axis in together.axes]))


def _input(found: InputSizes, screen: Screen, low: int, high: int) -> Iterator[list[str]]:
    """The axes of an input that depend on no other, or of which no more is known."""
    if found.diagonal is not None:
        given = joined([*dict.fromkeys(f"{n:,}" for n in found.shape.spatial)])
        title = f"all axes of `{printable(found.input)}` of one size, now {given}"
        yield [*(screen.paint(line, "bold") for line in wrapped(title, screen.width)), *_sets([found.diagonal], screen)]
    for each in found.at_once:
        inputs = joined([f"`{printable(name)}`" for name in each.inputs])
        title = f"{each.axis.name} of {inputs} at once, now {each.axis.given:,}{beside(each.axis)}"
        yield [*(screen.paint(line, "bold") for line in wrapped(title, screen.width)), *_sets([each.axis], screen)]
    joined_on = {axis.name for each in found.together for axis in each.axes if axis.input == found.input}
    alike: dict[object, list[AxisSizes]] = {}
    for axis in found.axes:
        if axis.name in joined_on:
            continue
        if isinstance(axis, Unsolved):
            yield wrapped(f"{axis.name} of `{printable(found.input)}`: {printable(axis.reason)}", screen.width)
        else:
            alike.setdefault((axis.works, axis.lossless, axis.exact, axis.conditions, axis.beside), []).append(axis)
    for axes in alike.values():
        names = joined([axis.name for axis in axes])
        title = f"{names} of `{printable(found.input)}`, now {found.shape}{unread(found)}{beside(axes[0])}"
        yield [*(screen.paint(line, "bold") for line in wrapped(title, screen.width)), *_sets(axes, screen)]
        if table := list(conditions(axes[0], screen)):
            yield table
        yield list(strip(axes[0], low, high, screen))


def _sets(axes: list[AxisSizes], screen: Screen) -> Iterator[str]:
    """Which sizes work, are lossless, are exact; whether the given ones are; and which are the next that are."""
    name = axes[0].name if len(axes) == 1 else "n"
    for title, does, does_not in KINDS:
        sizes: Residues = getattr(axes[0], title)
        said = [sizes.words(name)]
        said += [
            f"{given:,} {does}" if given in sizes else f"{given:,} {does_not}{next_ones(sizes, given)}"
            for given in dict.fromkeys(axis.given for axis in axes)
        ]
        yield from entry(title, "; ".join(said), screen)
