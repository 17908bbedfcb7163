"""Tensors that a network makes itself: numbers in a row, zeros and ones, grids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from planner.inputs._axes import Sizes, Traced, factors
from planner.inputs._building import GraphBuilder
from planner.inputs._following import Following, at_run, number_of
from planner.inputs._graph import NotSayable, Output
from planner.inputs._stored import Held
from planner.inputs.operations import all_operations, operation
from planner.inputs.operations._arguments import listed
from planner.inputs.operations.shapes import repeated


def constant(b: GraphBuilder, fill: Any, **more: Any) -> Traced:
    """A constant of the sizes that the call gives, of equal numbers or of numbers in a row."""
    return for_samples(b, b.wanted(), fill, **more)


def for_samples(b: GraphBuilder, wanted: Sequence[Sizes], fill: Any, **more: Any) -> Traced:
    """A constant of sizes of which one may be the batch: it is the same for every sample."""
    if b.batch.sizes not in wanted:
        return constant_of(b, wanted, fill, **more)
    if len(wanted) == 1 and fill not in ("zeros", "ones") and isinstance(fill, str):
        raise NotSayable("a constant that differs from sample to sample")
    at = wanted.index(b.batch.sizes)
    found = constant_of(b, [*wanted[:at], *wanted[at + 1 :]], fill, **more)
    return found.with_dims([*found.dims[:at], (b.batch,), *found.dims[at:]])


def constant_of(b: GraphBuilder, wanted: Sequence[Sizes], fill: Any, **more: Any) -> Traced:
    """A constant of sizes that are given for all runs; a dimension of one cell in all of them is no axis of it."""
    if not isinstance(fill, str) and fill != fill:
        raise NotSayable("a constant that is not a number")
    sizes = [number_of(each) for each in wanted if set(each) != {1}]
    step = b.step("Constant", {"shape": sizes or [1], **({} if fill == "zeros" else {"fill": fill}), **more}, [])
    b.notes[step] = fill
    axes = factors([tuple(at_run(sizes, run)) for run in range(b.runs)])
    rest = iter(axes)
    dims = tuple(next(rest) if set(each) != {1} else () for each in wanted)
    return Traced(Output(step), axes or ((),), dims, b.batch)


def is_zero(b: GraphBuilder, x: Traced) -> bool:
    """Whether a tensor is nothing but zeros."""
    return b.notes.get(x.output.step) in ("zeros", 0)


@operation("zeros", "zeros_like", "new_zeros", "zero")
def zeros(b: GraphBuilder, *_: Any, **__: Any) -> Traced:
    return constant(b, "zeros")


@operation("ones", "ones_like", "new_ones")
def ones(b: GraphBuilder, *_: Any, **__: Any) -> Traced:
    return constant(b, "ones")


@operation("new_full")
def new_full(b: GraphBuilder, _: Any, size: Any, fill_value: Any, **__: Any) -> Traced:
    return full(b, size, fill_value)


@operation("fill")
def fill(b: GraphBuilder, x: Any, value: Any) -> Traced:
    if not isinstance(value, int | float):
        raise NotSayable("a fill with a tensor")
    return constant(b, +value or "zeros")


@operation("tensor", "as_tensor", "scalar_tensor")
def tensor(b: GraphBuilder, data: Any, **_: Any) -> Any:
    """A tensor of a number, or of a list of equal ones; or a tensor as it is."""
    if isinstance(data, Traced | Held):
        return all_operations()["to"](b, data)
    numbers = data
    while isinstance(numbers, tuple | list) and numbers and all(each == numbers[0] for each in numbers):
        numbers = numbers[0]
    return full(b, numbers)


@operation("full", "full_like")
def full(b: GraphBuilder, size: Any, fill_value: Any = None, **_: Any) -> Traced:
    value = size if fill_value is None else fill_value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotSayable("a tensor of listed numbers")
    return constant(b, value)


@operation("arange")
def arange(b: GraphBuilder, start: Any, end: Any = None, step: Any = 1, **_: Any) -> Traced:
    first = 0 if end is None else start
    if any(isinstance(each, Following) for each in (first, step)):
        raise NotSayable("numbers in a row that begin elsewhere at another size")
    if b.wanted() == [(1,) * b.runs]:
        return constant(b, first)
    row = constant(b, "arange")
    row = all_operations()["mul"](b, row, step) if step != 1 else row
    return all_operations()["add"](b, row, first) if first else row


@operation("eye")
def eye(b: GraphBuilder, *_: Any, **__: Any) -> Traced:
    """1 where the row has the number of the column, and 0 elsewhere."""
    rows, columns = (constant_of(b, [n], "arange") for n in b.wanted())
    found: Traced = all_operations()["eq"](b, rows.with_dims([*rows.dims, ()]), columns)
    return found


@operation("linspace")
def linspace(b: GraphBuilder, start: Any, end: Any, steps: Any = None, **_: Any) -> Traced:
    return constant(b, "linspace", start=float(start), end=float(end))


@operation("meshgrid")
def meshgrid(b: GraphBuilder, *tensors: Any, indexing: str = "ij") -> tuple[Traced, ...]:
    read = [b.tensor(each) for each in listed(tensors)]
    wanted = b.wanted()
    order = list(range(len(read)))
    if indexing == "xy" and len(read) > 1:
        order[0], order[1] = 1, 0
    found = []
    for i, each in enumerate(read):
        at = order.index(i)
        placed = each.with_dims(each.dims[0] if dim == at else () for dim in range(len(read)))
        found.append(
            repeated(b, placed, [dim for dim in range(len(read)) if dim != at and set(wanted[dim]) != {1}], wanted)
        )
    return tuple(found)
