"""Causality: along which axes a tensor depends on nothing ahead of its own cell.

A cell of a tensor with as many cells as the input stands for the input cell of its number; with fewer, for a block of
input cells; with more, several stand for one. A tensor is causal along an axis where no cell depends on an input cell
after its own: padding wholly before, a recurrent layer in one direction. The same may hold in reversed time.

Source: A. van den Oord et al., "WaveNet: A generative model for raw audio", arXiv:1609.03499.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from planner.analyses.reach import trace
from planner.cells import Cells, TooManyRuns, all_cells, lowest, shifted
from planner.geometry import Shape, Window
from planner.plan import Plan, Tensor
from planner.regions import Region

MOST_CELLS = 24
"""Cells of an axis that are looked at, at both ends and in the middle; all where there are no more."""
MOST_LOOKED_AT = 1 << 21
"""The most cells in all sets that are followed back for one tensor: on long axes fewer cells are looked at."""


class Causal(NamedTuple):
    """An axis `onto` of a tensor along which no cell sees past its own place on an axis of an input.

    reversed  whether it sees nothing before instead: causal in reversed time
    """

    input: str
    axis: int
    onto: int
    reversed: bool


def causal_axes(plan: Plan, tensor: Tensor) -> frozenset[Causal]:
    """The axes along which a planned tensor is causal; none where what the tensor sees is too scattered to be followed.

    A tensor that sees neither ahead nor back has no direction and does not count: layers that work on each cell by
    itself, pools without overlap.
    """
    unseen = nothing_ahead(plan, tensor)
    directed = (each for each in unseen if each._replace(reversed=not each.reversed) not in unseen)
    try:
        return frozenset(each for each in directed if _leans(plan, tensor, each))
    except TooManyRuns:
        return frozenset()


def nothing_ahead(plan: Plan, tensor: Tensor) -> frozenset[Causal]:
    """The axes along which a planned tensor sees nothing ahead or, reversed, nothing before, even if not causal."""
    shape = plan.shape(tensor)
    if shape is None:
        return frozenset()
    try:
        return frozenset(
            each
            for onto, m in enumerate(shape.spatial)
            for backwards in (False, True)
            for each in _along(plan, tensor, onto, m, backwards)
        )
    except TooManyRuns:
        return frozenset()


def _inputs(plan: Plan) -> dict[str, Shape]:
    return {step.name: step.outputs[0] for step in plan.inputs}


def _along(plan: Plan, tensor: Tensor, onto: int, m: int, backwards: bool) -> set[Causal]:
    """The axes of inputs along which the cells of one axis of a tensor see nothing ahead, or nothing before."""
    inputs = _inputs(plan)
    left = {
        Causal(name, axis, onto, backwards)
        for name, x in inputs.items()
        for axis, n in enumerate(x.spatial or x)  # a vector may be a sequence of numbers, such as tokens
        if n > 1
    }
    longest = max((*(n for x in inputs.values() for n in x), m))
    for cell in _looked_at(m, MOST_LOOKED_AT // longest) if m > 1 else ():
        read = trace(plan, tensor.step, tensor.output, _up_to(plan, tensor, onto, cell, backwards))
        left = {each for each in left if _last(read, each, inputs) <= _own(cell, m, inputs[each.input][each.axis])}
        if not left:
            break
    return left if m > 1 else set()


def _leans(plan: Plan, tensor: Tensor, each: Causal) -> bool:
    """Whether a cell in the middle sees more before its own input cells than after them. A strided window may have its
    middle there and still end within its own cells.
    """
    shape, inputs = plan.shape(tensor), _inputs(plan)
    n = inputs[each.input][each.axis]
    assert shape is not None
    m = shape[each.onto]
    ends = []
    for backwards, cell in ((each.reversed, m // 2), (not each.reversed, m - 1 - m // 2)):
        read = trace(plan, tensor.step, tensor.output, _up_to(plan, tensor, each.onto, cell, backwards))
        ends.append(_last(read, each._replace(reversed=backwards), inputs))
    first = _own(m // 2 - 1, m, n) + 1 if n >= m else _own(m // 2, m, n)
    return ends[0] - first < first - (n - 1 - ends[1])


def _looked_at(m: int, most: int) -> Iterator[int]:
    """The cells of an axis of m that are examined; one in the middle comes first, since it mostly decides."""
    most = min(max(most, 4), MOST_CELLS)
    yield m // 2 - (m == 2)
    if m - 1 <= most:
        yield from range(m - 1)
        return
    part = most // 4
    yield from range(m // 2 - part, m // 2 + part)
    yield from range(part)
    yield from range(m - 1 - part, m - 1)


def _up_to(plan: Plan, tensor: Tensor, onto: int, cell: int, backwards: bool) -> Region:
    """All cells up to a given cell along an axis of a tensor; in reversed time, counted from the end."""
    shape = plan.shape(tensor)
    assert shape is not None
    cells: list[Cells] = [*map(all_cells, shape)]
    first = all_cells(cell + 1)
    cells[onto] = shifted(first, shape[onto] - cell - 1) if backwards else first
    return (tuple(cells),)


def _last(found: dict[str, Region], each: Causal, inputs: dict[str, Shape]) -> int:
    """The last cell that is read on an axis of an input, or in reversed time, counted from the end; -1 for none."""
    read, axis, n = found.get(each.input, ()), each.axis, inputs[each.input][each.axis]
    if each.reversed:
        return max((n - 1 - lowest(box[axis]) for box in read), default=-1)
    return max((box[axis].bit_length() - 1 for box in read), default=-1)


def _own(cell: int, m: int, n: int) -> int:
    """The last of the n input cells that belong to one cell of m."""
    if n >= m:
        return (cell + 1) * round(n / m) - 1
    return cell // round(m / n)


def stays_causal(before: Iterable[Window], after: Iterable[Window]) -> bool:
    """Whether windows that were padded on one side alone still are, and see no further ahead than before."""
    return all(_stays(was, now) for was, now in zip(before, after, strict=False))


def _stays(was: Window, now: Window) -> bool:
    if was.after == 0 < was.before:
        causal = _ahead(was) < was.stride
        return now.after == 0 and (not causal or _ahead(now) <= max(_ahead(was), 0))
    if was.before == 0 < was.after and was.after >= was.extent - 1:
        return now.before == 0 and now.after >= now.extent - 1
    return True


def _ahead(window: Window) -> int:
    """How many cells past the first of its own cells a window reads."""
    return window.extent - 1 - window.before
