"""Links of layers that change, add or fold away single axes."""

from collections.abc import Mapping

from planner.geometry import KEEP, All, AxisMap, Link, Shape


def along(x: Shape, axis: int, change: AxisMap) -> Link:
    """The link of a layer that changes one axis, or the channels as the last one, and leaves the others."""
    return Link.of([KEEP if each != axis else change for each in range(len(x))])


def inserted(x: Shape, axis: int, cells: int = 1) -> Link:
    """The link of a layer that adds an axis of so many cells, each of which counts as reading what any of them does.

    Where it is the channels, what was the channels becomes the first axis, as in PyTorch's order.
    """
    rank = len(x.spatial)
    if axis == len(x):
        return Link((KEEP,) * rank, All(cells), tuple(range(1, rank + 1)))
    return Link((KEEP,) * rank, KEEP, tuple(each + (each >= axis) for each in range(rank)))


def folded(x: Shape, away: Mapping[int, AxisMap]) -> Link:
    """The link of a layer that folds some axes away, each by its map to one cell, and leaves the others.

    Where the channels go, the first axis that stays becomes the channels, as in PyTorch's order; each of them then
    counts as reading all that the axis and the channels held.
    """
    last = len(x) - 1
    stay = [axis for axis in range(last) if axis not in away]
    channels: AxisMap = KEEP
    if last in away:
        channels = All(x[stay.pop(0)])
    axes = tuple(KEEP if axis in stay else away.get(axis, All(1)) for axis in range(last))
    return Link(axes, channels, tuple(stay.index(axis) if axis in stay else None for axis in range(last)))
