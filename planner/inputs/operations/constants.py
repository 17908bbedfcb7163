"""Tensors that a network makes itself: numbers in a row, zeros and ones, grids."""

from __future__ import annotations

from typing import Any

from planner.inputs._axes import Traced, factors
from planner.inputs._building import GraphBuilder
from planner.inputs._following import Following, at_run, number_of
from planner.inputs._graph import NotSayable, Output
from planner.inputs.operations import all_operations, operation
from planner.inputs.operations._arguments import listed
from planner.inputs.operations.shapes import repeated


def constant(b: GraphBuilder, fill: Any, **more: Any) -> Traced:
    """A constant of the sizes that the call gives, of equal numbers or of numbers in a row."""
    wanted = b.wanted()
    sizes = [number_of(each) for each in wanted]
    for_each = len(wanted) > 1 and wanted[0] == b.batch.sizes
    sizes = sizes[1:] if for_each else sizes
    if not isinstance(fill, str) and fill != fill:
        raise NotSayable("a constant that is not a number")
    step = b.step("Constant", {"shape": sizes or [1], **({} if fill == "zeros" else {"fill": fill}), **more}, [])
    dims = factors([tuple(at_run(sizes, run)) for run in range(b.runs)])
    return Traced(Output(step), dims or ((),), ((b.batch,), *dims) if for_each else dims, b.batch)


@operation("zeros", "zeros_like", "new_zeros")
def zeros(b: GraphBuilder, *_: Any, **__: Any) -> Traced:
    return constant(b, "zeros")


@operation("ones", "ones_like", "new_ones")
def ones(b: GraphBuilder, *_: Any, **__: Any) -> Traced:
    return constant(b, "ones")


@operation("full", "full_like", "new_full", "tensor", "scalar_tensor")
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
