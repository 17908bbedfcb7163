"""Functions that order values, pick them by their places, and put them at places."""

from __future__ import annotations

from typing import Any

from planner.inputs._axes import Factor, Traced
from planner.inputs._building import GraphBuilder, dim_of_axis
from planner.inputs._following import number_of
from planner.inputs._graph import NotSayable, Output
from planner.inputs._meeting import met
from planner.inputs.operations import all_operations, operation
from planner.inputs.operations.arithmetic import operator
from planner.inputs.operations.comparing import where_holds
from planner.inputs.operations.constants import constant_of, is_zero
from planner.inputs.operations.reductions import along_one
from planner.inputs.operations.shapes import as_whole, replaced, select, unsqueeze


def _placed(b: GraphBuilder, input: Any, dim: int, k: Any, *, largest: bool) -> tuple[Traced, Traced]:
    """The k largest or smallest values along a dimension in order, and their places."""
    tensor, at, axis = along_one(b, input, dim)
    arguments = {"k": k, "dim": dim_of_axis(axis, len(tensor.axes))} | ({} if largest else {"largest": False})
    step = b.step("TopK", arguments, [tensor])
    b.notes[step] = "distinct", axis
    values, places = (replaced(b, step, tensor, axis, at, i, i > 0) for i in range(2))
    return values, places


@operation("topk")
def topk(
    b: GraphBuilder, input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> tuple[Traced, Traced]:
    return _placed(b, input, dim, k, largest=largest)


@operation("sort")
def sort(
    b: GraphBuilder, input: Any, dim: int = -1, descending: bool = False, stable: bool = False
) -> tuple[Traced, Traced]:
    """All values along a dimension in order, which are as many largest or smallest ones as there are."""
    tensor = b.tensor(input)
    count = number_of([tensor.sizes(run)[tensor.dim(dim)] for run in range(b.runs)])
    return _placed(b, tensor, dim, count, largest=bool(descending))


@operation("argsort")
def argsort(b: GraphBuilder, input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Traced:
    return sort(b, input, dim, descending)[1]


@operation("kthvalue")
def kthvalue(b: GraphBuilder, input: Any, k: Any, dim: int = -1, keepdim: bool = False) -> tuple[Traced, Traced]:
    """The last of the k smallest values along a dimension, and its place."""
    tensor = b.tensor(input)
    at = tensor.dim(dim)
    last = [select(b, each, at, -1) for each in _placed(b, tensor, at, k, largest=False)]
    values, places = (unsqueeze(b, each, at) if keepdim else each for each in last)
    return values, places


@operation("median")
def median(b: GraphBuilder, input: Any, dim: Any = None, keepdim: bool = False) -> tuple[Traced, Traced]:
    """The value in the middle; of an even number of values the lower of two."""
    tensor = b.tensor(input)
    if dim is None:
        raise NotSayable("the median of all values, of all samples")
    count = number_of([(tensor.sizes(run)[tensor.dim(dim)] + 1) // 2 for run in range(b.runs)])
    return kthvalue(b, tensor, count, dim, keepdim)


@operation("gather", "take_along_dim")
def gather(b: GraphBuilder, input: Any, dim: Any, index: Any, *, sparse_grad: bool = False) -> Traced:
    """For each place, the cell of a dimension that a tensor numbers there."""
    if not isinstance(dim, int):  # torch.take_along_dim has the numbers first
        dim, index = index, dim
    tensor, places = b.tensor(input), b.tensor(index)
    at = tensor.dim(dim)
    for run in range(b.runs):
        own, wanted = tensor.sizes(run), places.sizes(run)
        if len(own) != len(wanted) or any(n != m for i, (n, m) in enumerate(zip(own, wanted, strict=True)) if i != at):
            raise NotSayable("places for a part of a tensor")
    return gathered(b, tensor, at, places)


def gathered(b: GraphBuilder, x: Traced, dim: int, places: Traced) -> Traced:
    """The cells of a dimension that a tensor of the same other dimensions numbers."""
    pair = met(b, [x, as_whole(b, places)], apart=dim)
    if pair.apart is None:
        raise NotSayable("places along an axis of one cell")
    step = b.step("Gather", {"dim": dim_of_axis(pair.apart, len(pair.axes))}, pair.tensors)
    sizes = tuple(shapes[0][pair.apart] for shapes in step.shapes)
    new = () if set(sizes) == {1} else (Factor(sizes),)
    axes = (*pair.axes[: pair.apart], new, *pair.axes[pair.apart + 1 :])
    return Traced(Output(step), axes, (*pair.dims[:dim], new, *pair.dims[dim + 1 :]), b.batch)


@operation("one_hot")
def one_hot(b: GraphBuilder, input: Any, num_classes: int = -1) -> Traced:
    """1 at the place that a number names, along a new last dimension, and 0 elsewhere."""
    return _at_places(b, b.tensor(input), b.wanted()[-1])


def _at_places(b: GraphBuilder, places: Traced, count: tuple[int, ...]) -> Traced:
    """1 at the places that a tensor names, and 0 elsewhere, along a new last dimension of a size in all runs."""
    found: Traced = all_operations()["eq"](b, unsqueeze(b, places, -1), constant_of(b, [count], "arange"))
    return found


@operation("scatter")
def scatter(b: GraphBuilder, x: Any, dim: int, index: Any, src: Any = None, *, value: Any = None) -> Traced:
    """Values put at places of a dimension, of which no two are the same."""
    tensor, places = b.tensor(x), b.tensor(index)
    at = tensor.dim(dim)
    axis = next((i for i, each in enumerate(places.axes) if each == places.own(at)), None)
    if places.own(at) and b.notes.get(places.output.step) != ("distinct", axis):
        raise NotSayable("values at places of which two may be the same")
    lying = _lying(b, tensor, at, places)
    given = value if src is None else src
    put = given if isinstance(given, int | float) else _put(b, lying, at, places, given)
    if isinstance(put, Traced) and is_zero(b, tensor):
        return put
    return where_holds(b, _summed(b, lying, at), put, tensor)


@operation("scatter_add")
def scatter_add(b: GraphBuilder, x: Any, dim: int, index: Any, src: Any) -> Traced:
    """Values added at places of a dimension."""
    tensor, places = b.tensor(x), b.tensor(index)
    at = tensor.dim(dim)
    put = _put(b, _lying(b, tensor, at, places), at, places, src)
    return put if is_zero(b, tensor) else operator("Add", b, tensor, put)


def _lying(b: GraphBuilder, x: Traced, dim: int, places: Traced) -> Traced:
    """For each place of a dimension: 1 at the cell of a tensor that it names, along a new last one, and 0 elsewhere."""
    for run in range(b.runs):
        own, wanted = x.sizes(run), places.sizes(run)
        if len(own) != len(wanted) or any(n != m for i, (n, m) in enumerate(zip(own, wanted, strict=True)) if i != dim):
            raise NotSayable("places for a part of a tensor")
    return _at_places(b, places, tuple(x.sizes(run)[dim] for run in range(b.runs)))


def _put(b: GraphBuilder, lying: Traced, dim: int, places: Traced, src: Any) -> Traced:
    """Values at the places that they have, with 0 elsewhere."""
    values = b.tensor(src)
    if any(values.sizes(run) != places.sizes(run) for run in range(b.runs)):
        raise NotSayable("a part of the values at places")
    return _summed(b, where_holds(b, lying, unsqueeze(b, values, -1), 0), dim)


def _summed(b: GraphBuilder, lying: Traced, dim: int) -> Traced:
    """The sum over a dimension, in the place of which the last one comes."""
    function = all_operations()
    found: Traced = function["movedim"](b, function["sum"](b, lying, dim), -1, dim)
    return found
