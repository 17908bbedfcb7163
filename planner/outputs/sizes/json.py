"""The sizes as JSON: for each input and axis three sets of sizes.

A size n is in a set if n ≥ `from`, n mod `period` is among the `residues` and n is not in `except`, or if it is in
`also`. An axis of which nothing can be said for every size is null.

A size is in the set of its axis if some size of the other axes goes with it. Where axes depend on one another,
`together` lists which do: sizes work if one of its entries has each of them in the set of its axis; they are lossless,
or exact, if they are in the sets of that name of an entry. `with` gives the sizes of the other axes beside which alone
an axis's sets hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from planner.analyses.input_sizes import InputSizes, Unsolved
from planner.analyses.sizes import AxisSizes, Residues
from planner.outputs._json import laid_out
from planner.outputs._screen import Screen


def render(found: Sequence[InputSizes], screen: Screen, low: int, high: int) -> str:
    """One object, by the names of inputs and axes; the range is for pictures only."""
    return laid_out({each.input: _input(each) for each in found}, 3, ascii=not screen.unicode)


def _input(found: InputSizes) -> dict[str, Any]:
    axes: dict[str, Any] = {axis.name: _axis(axis) for axis in found.axes}
    return {**axes, "together": [_group(each) for each in found.together]} if found.together else axes


def _axis(axis: AxisSizes | Unsolved) -> dict[str, Any] | None:
    if isinstance(axis, Unsolved):
        return None
    sets = {"works": _set(axis.works), "lossless": _set(axis.lossless), "exact": _set(axis.exact)}
    return {**sets, "with": dict(axis.beside)} if axis.beside else sets


def _group(axes: tuple[AxisSizes, ...]) -> dict[str, Any]:
    return {
        **{axis.name: _set(axis.works) for axis in axes},
        "lossless": {axis.name: _set(axis.lossless) for axis in axes},
        "exact": {axis.name: _set(axis.exact) for axis in axes},
    }


def _set(sizes: Residues) -> dict[str, Any]:
    return {
        "from": sizes.start,
        "period": sizes.period,
        "residues": list(sizes.residues),
        "also": list(sizes.also),
        "except": [],
    }
