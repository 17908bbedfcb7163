"""The sizes as JSON: for each input and axis three sets of sizes.

A size n is in a set if n ≥ `from`, n mod `period` is among the `residues` and n is not in `except`, or if it is in
`also`. An axis of which nothing can be said for every size is null.
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
    inputs = {each.input: {axis.name: _axis(axis) for axis in each.axes} for each in found}
    return laid_out(inputs, 3, ascii=not screen.unicode)


def _axis(axis: AxisSizes | Unsolved) -> dict[str, Any] | None:
    if isinstance(axis, Unsolved):
        return None
    return {"works": _set(axis.works), "lossless": _set(axis.lossless), "exact": _set(axis.exact)}


def _set(sizes: Residues) -> dict[str, Any]:
    return {
        "from": sizes.start,
        "period": sizes.period,
        "residues": list(sizes.residues),
        "also": list(sizes.also),
        "except": [],
    }
