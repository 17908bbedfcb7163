"""The sizes as JSON: for each input and axis three sets of sizes.

A size n is in a set if n ≥ `from`, n mod `period` is among the `residues` and n is not in `except`, or if it is in
`also`. An axis of which nothing can be said for every size is null.

A size is in the set of its axis if some size of the other axes goes with it. Where axes depend on one another,
`together` lists which do: sizes work if one of its entries has each of them in the set of its axis; they are lossless,
or exact, if they are in the sets of that name of an entry. An axis of another input has that input's name before its
own, `right.height`; entries that name other axes than one another must hold both. With `step`, the sets of an entry may
be moved, all of them as many times as one likes, each by the step of its axis. `with` gives the sizes of the other axes
beside which alone an axis's sets hold; `at_once` then has those of inputs of one shape that have the size at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from planner.analyses.input_sizes import InputSizes, Unsolved
from planner.analyses.matches import Match
from planner.analyses.sizes import AxisSizes, Residues
from planner.outputs._json import laid_out
from planner.outputs._screen import Screen


def render(found: Sequence[InputSizes], screen: Screen, low: int, high: int) -> str:
    """One object, by the names of inputs and axes; the range is for pictures only."""
    return laid_out({each.input: _input(each) for each in found}, 3, ascii=not screen.unicode)


def _input(found: InputSizes) -> dict[str, Any]:
    axes: dict[str, Any] = {axis.name: _axis(axis) for axis in found.axes}
    matches = [_match(each, found.input) for together in found.together for each in together.matches]
    at_once = [
        {"inputs": list(each.inputs), "axis": each.axis.name, **(_axis(each.axis) or {})} for each in found.at_once
    ]
    return axes | ({"together": matches} if matches else {}) | ({"at_once": at_once} if at_once else {})


def _axis(axis: AxisSizes | Unsolved) -> dict[str, Any] | None:
    if isinstance(axis, Unsolved):
        return None
    sets = {"works": _set(axis.works), "lossless": _set(axis.lossless), "exact": _set(axis.exact)}
    return {**sets, "with": dict(axis.beside)} if axis.beside else sets


def _match(match: Match, input: str) -> dict[str, Any]:
    names = [axis.name if axis.input == input else f"{axis.input}.{axis.name}" for axis in match.axes]
    pairs = list(zip(names, match.axes, strict=True))
    found = {
        **{name: _set(axis.works) for name, axis in pairs},
        "lossless": {name: _set(axis.lossless) for name, axis in pairs},
        "exact": {name: _set(axis.exact) for name, axis in pairs},
    }
    return {**found, "step": dict(zip(names, match.step, strict=True))} if match.step else found


def _set(sizes: Residues) -> dict[str, Any]:
    return {
        "from": sizes.start,
        "period": sizes.period,
        "residues": list(sizes.residues),
        "also": list(sizes.also),
        "except": [],
    }
