"""Functions that put values into other dimensions, cut tensors, and join them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from planner.inputs._axes import Axis, Factor, Sizes, Traced, fresh, size_of
from planner.inputs._building import GraphBuilder, dim_of_axis, layer_of
from planner.inputs._following import Following, at_run, number_of
from planner.inputs._graph import NotSayable, Output
from planner.inputs._stored import Held
from planner.inputs.operations import operation
from planner.inputs.operations._arguments import listed

# Dimensions


@operation("flatten")
def flatten(b: GraphBuilder, x: Any, *_: Any, **__: Any) -> Traced:
    """Dimensions made one, which is a step of its own where nothing of the batch is among them."""
    found = b.reshaped(b.tensor(x), b.wanted())
    return b.first(found) if found.rank > 1 and found.dims[0] == (b.batch,) else found


@operation("reshape", "view", "unflatten", "_unsafe_view", "reshape_as", "view_as")
def reshape(b: GraphBuilder, x: Any, *_: Any, **__: Any) -> Traced:
    if b.reads[:1] != b.gives:
        raise NotSayable("numbers that are taken for another type of numbers")
    return b.reshaped(b.tensor(x), b.wanted())


@operation("permute")
def permute(b: GraphBuilder, x: Any, *given: Any, dims: Any = ()) -> Traced:
    tensor = b.tensor(x)
    return tensor.with_dims(tensor.dims[tensor.dim(each)] for each in listed(given) or dims)


@operation("transpose", "swapaxes", "swapdims")
def transpose(b: GraphBuilder, x: Any, dim0: int, dim1: int) -> Traced:
    tensor = b.tensor(x)
    first, second = tensor.dim(dim0), tensor.dim(dim1)
    exchanged = {first: second, second: first}
    return tensor.with_dims(tensor.dims[exchanged.get(dim, dim)] for dim in range(tensor.rank))


@operation("t", "mT.__get__")
def turned(b: GraphBuilder, x: Any) -> Traced:
    tensor = b.tensor(x)
    return transpose(b, x, -1, -2) if tensor.rank > 1 else tensor


@operation("T.__get__")
def reversed_dims(b: GraphBuilder, x: Any) -> Traced:
    tensor = b.tensor(x)
    return tensor.with_dims(reversed(tensor.dims))


@operation("movedim", "moveaxis")
def movedim(b: GraphBuilder, x: Any, source: Any, destination: Any) -> Traced:
    tensor = b.tensor(x)
    sources = [tensor.dim(each) for each in ((source,) if isinstance(source, int) else source)]
    goals = [tensor.dim(each) for each in ((destination,) if isinstance(destination, int) else destination)]
    placed = dict(zip(goals, sources, strict=True))
    others = iter(dim for dim in range(tensor.rank) if dim not in sources)
    return tensor.with_dims(tensor.dims[placed[i] if i in placed else next(others)] for i in range(tensor.rank))


@operation("squeeze")
def squeeze(b: GraphBuilder, x: Any, dim: Any = None) -> Traced:
    tensor = b.tensor(x)
    rank = len(b.wanted())
    if dim is None:
        chosen = [i for i, own in enumerate(tensor.dims) if not own]
    else:
        chosen = [tensor.dim(each) for each in ((dim,) if isinstance(dim, int) else dim)]
        chosen = [i for i in chosen if not tensor.dims[i]]
    kept = [own for i, own in enumerate(tensor.dims) if i not in chosen]
    if len(kept) != rank:
        raise NotSayable("a squeeze of an axis that is not always of one cell")
    return tensor.with_dims(kept)


@operation("unsqueeze")
def unsqueeze(b: GraphBuilder, x: Any, dim: int) -> Traced:
    tensor = b.tensor(x)
    at = tensor.dim(dim, new=1)
    return tensor.with_dims((*tensor.dims[:at], (), *tensor.dims[at:]))


@operation("expand", "expand_as", "broadcast_to")
def expand(b: GraphBuilder, x: Any, *_: Any, **__: Any) -> Traced:
    tensor = b.tensor(x)
    wanted = b.wanted()
    raised = tensor.with_dims((*[()] * (len(wanted) - tensor.rank), *tensor.dims))
    dims = list(raised.dims)
    samples = [at for at, own in enumerate(dims) if not own and wanted[at] == b.batch.sizes]
    if samples and not raised.has_batch:
        dims[samples[0]] = (b.batch,)
    return repeated(
        b, raised.with_dims(dims), [at for at, own in enumerate(dims) if not own and set(wanted[at]) != {1}], wanted
    )


@operation("copy")
def copy(b: GraphBuilder, x: Any, src: Any, non_blocking: bool = False) -> Traced:
    """The tensor that is written over another one, brought to its size."""
    return expand(b, src)


def repeated(b: GraphBuilder, x: Traced, chosen: Sequence[int], wanted: Sequence[tuple[int, ...]]) -> Traced:
    """A tensor repeated along dimensions of one cell."""
    if not chosen:
        return x
    rows = [x.own(dim) for dim in range(x.rank) if b.batch not in x.dims[dim] or x.own(dim)]
    at = [dim for dim in range(x.rank) if b.batch not in x.dims[dim] or x.own(dim)]
    plain = b.ordered(x, rows)
    sizes = [number_of(wanted[dim]) if dim in chosen else -1 for dim in at]
    step = b.step("Expand", {"size": [-1, sizes[-1], *sizes[:-1]]}, [plain])
    axes = tuple((Factor(wanted[dim]),) if dim in chosen else own for dim, own in zip(at, rows, strict=True))
    placed = dict(zip(at, axes, strict=True))
    dims = tuple((b.batch, *placed.get(dim, ())) if b.batch in own else placed[dim] for dim, own in enumerate(x.dims))
    return Traced(Output(step), axes, dims, b.batch)


@operation("repeat", "tile")
def repeat(b: GraphBuilder, x: Any, *_: Any, **__: Any) -> Traced:
    """Copies along dimensions, one after the other; along those of one cell it is an expand."""
    tensor = b.tensor(x)
    wanted = b.wanted()
    raised = tensor.with_dims((*[()] * (len(wanted) - tensor.rank), *tensor.dims))
    for at in range(raised.rank):
        sizes = tuple(raised.sizes(run)[at] for run in range(b.runs))
        if raised.own(at) and wanted[at] != sizes:
            raised = _tiled(b, raised, at, [n // own for n, own in zip(wanted[at], sizes, strict=True)])
    return expand(b, raised)


def _tiled(b: GraphBuilder, x: Traced, dim: int, copies: Sequence[int]) -> Traced:
    tensor, axis = b.parted(x, dim)
    times: list[int | Following] = [1] * len(tensor.axes)
    times[axis] = number_of(copies)
    return replaced(b, b.step("Tile", {"dims": [1, times[-1], *times[:-1]]}, [tensor]), tensor, axis, dim)


@operation("repeat_interleave")
def repeat_interleave(b: GraphBuilder, x: Any, repeats: Any, dim: Any = None, **_: Any) -> Traced:
    tensor = b.tensor(x)
    if dim is None or not isinstance(repeats, int):
        raise NotSayable("a repeat of single values")
    at = tensor.dim(dim)
    spread = tensor.with_dims((*tensor.dims[: at + 1], (), *tensor.dims[at + 1 :]))
    sizes = [tuple(spread.sizes(run)[i] for run in range(b.runs)) for i in range(spread.rank)]
    sizes[at + 1] = (repeats,) * b.runs
    copies = repeated(b, spread, [at + 1], sizes) if repeats > 1 else spread
    return copies.with_dims((*copies.dims[:at], (*copies.dims[at], *copies.dims[at + 1]), *copies.dims[at + 2 :]))


# Parts


@operation("getitem")
def getitem(b: GraphBuilder, x: Any, index: Any) -> Any:
    tensor = b.tensor(x)
    chosen = list(index) if isinstance(index, tuple) else [index]
    taken = sum(each is not None and each is not Ellipsis for each in chosen)
    if Ellipsis in chosen:
        at = chosen.index(Ellipsis)
        chosen[at : at + 1] = [slice(None)] * (tensor.rank - taken)
    dim = 0
    for each in chosen:
        if each is None:
            tensor = unsqueeze(b, tensor, dim)
            dim += 1
        elif isinstance(each, Traced | Held) and sum(isinstance(one, Traced | Held) for one in chosen) == 1:
            if b.reads[-1] != "whole":
                raise NotSayable("an index that holds truth values")
            tensor, added = _looked_up(b, tensor, dim, b.tensor(each))
            dim += added
        elif isinstance(each, list) and each and all(type(n) is int for n in each):
            tensor = _listed_cells(b, tensor, dim, each)
            dim += 1
        elif isinstance(each, bool) or not isinstance(each, int | slice):
            raise NotSayable("an index that is a tensor")
        elif isinstance(each, int):
            tensor = select(b, tensor, dim, each)
        else:
            tensor = sliced(b, tensor, dim, each)
            dim += 1
    return tensor


def _listed_cells(b: GraphBuilder, x: Traced, dim: int, cells: Sequence[int]) -> Traced:
    """The cells of a dimension that a list numbers."""
    if not x.dims[dim] or (len({x.sizes(run)[dim] for run in range(b.runs)}) > 1 and min(cells) < 0):
        raise NotSayable("cells that are counted from the end of an axis")
    tensor, axis = b.parted(x, dim)
    index = [n % tensor.sizes()[dim] for n in cells]
    where = dim_of_axis(axis, len(tensor.axes))
    return replaced(b, b.step("IndexSelect", {"dim": where, "index": index}, [tensor]), tensor, axis, dim)


def _looked_up(b: GraphBuilder, x: Traced, dim: int, index: Traced) -> tuple[Traced, int]:
    """The cells of a dimension that a tensor numbers, in its dimensions; and how many these are."""
    if index.has_batch:
        raise NotSayable("an index that is a tensor, and differs from sample to sample")
    tensor, axis = b.parted(x, dim)
    index = as_whole(b, index)
    whole = tuple(factor for own in index.dims for factor in own)
    axes = [whole if i == axis else () for i in range(len(tensor.axes))]
    row = b.ordered(index.with_dims([whole]), axes)
    others = [i for i, each in enumerate(tensor.axes) if i != axis and each]
    sizes = [tuple(size_of(each, run) for run in range(b.runs)) for each in tensor.axes]
    spread = row.with_dims(row.axes)
    places = repeated(b, spread, others, [whole_sizes if i != axis else () for i, whole_sizes in enumerate(sizes)])
    step = b.step("Gather", {"dim": dim_of_axis(axis, len(tensor.axes))}, [tensor, places])
    new = [fresh(own) for own in index.dims]
    found = (*tensor.axes[:axis], tuple(factor for own in new for factor in own), *tensor.axes[axis + 1 :])
    dims = (*tensor.dims[:dim], *new, *tensor.dims[dim + 1 :])
    return Traced(Output(step), found, dims, b.batch), len(new)


def as_whole(b: GraphBuilder, x: Traced) -> Traced:
    """A tensor of whole numbers as PyTorch's type of these, which what a layer has worked out is not."""
    return x if _is_whole(b, x.output) else b.like(b.step("Long", {}, [x]), x)


def _is_whole(b: GraphBuilder, output: Output) -> bool:
    """Whether an output holds whole numbers: those of an input or a buffer, or places, put in another order or not."""
    step = output.step
    if step in b.graph.inputs.values():
        return True
    layer = layer_of(step.type, at_run(step.arguments, 0))
    if not step.sources:
        return output.number in layer.whole_outputs
    shapes = [each.step.shapes[0][each.number] for each in step.sources]
    moves = layer.moves(layer.facts(*shapes), shapes[0]) and _is_whole(b, step.sources[0])
    return moves or output.number in layer.places


def sliced(b: GraphBuilder, x: Traced, dim: int, wanted: slice) -> Traced:
    """A part of a dimension, or all of it."""
    bounds = [_bounds(wanted, run).indices(x.sizes(run)[dim]) for run in range(b.runs)]
    if bounds == [(0, x.sizes(run)[dim], 1) for run in range(b.runs)]:
        return x
    _, _, step = bounds[0]
    if all(start >= stop for start, stop, _ in bounds):
        return x.with_dims((*x.dims[:dim], (Factor((0,) * b.runs),), *x.dims[dim + 1 :]))
    if not x.dims[dim]:
        raise NotSayable("a slice of an axis of one cell")
    tensor, axis = b.parted(x, dim)
    arguments: dict[str, Any] = {"dim": dim_of_axis(axis, len(tensor.axes))}
    arguments |= {"start": wanted.start} if wanted.start else {}
    cut = any(bounds[run][1] < x.sizes(run)[dim] for run in range(b.runs))
    arguments |= {"stop": wanted.stop} if wanted.stop is not None and cut else {}
    arguments |= {"step": step} if step != 1 else {}
    return replaced(b, b.step("Slice", arguments, [tensor]), tensor, axis, dim)


def _bounds(wanted: slice, run: int) -> slice:
    """A slice as it is in a run."""
    parts = (wanted.start, wanted.stop, wanted.step)
    numbers = at_run(parts, run)
    if not all(each is None or isinstance(each, int) for each in numbers):
        raise NotSayable("a slice whose bounds are tensors")
    return slice(*numbers)


def replaced(
    b: GraphBuilder, step: Any, x: Traced, axis: int, dim: int, number: int = 0, numbered: bool = False
) -> Traced:
    """A tensor like another, of which one axis, which is one dimension, has a new size."""
    sizes = tuple(shapes[number][axis] for shapes in step.shapes)
    new: Axis = () if set(sizes) == {1} else (Factor(sizes),)
    axes = (*x.axes[:axis], new, *x.axes[axis + 1 :])
    return Traced(Output(step, number, numbered), axes, (*x.dims[:dim], new, *x.dims[dim + 1 :]), b.batch)


@operation("select")
def select(b: GraphBuilder, x: Any, dim: int, index: int) -> Traced:
    tensor = b.tensor(x)
    dim = tensor.dim(dim)
    if not tensor.dims[dim]:
        return tensor.with_dims((*tensor.dims[:dim], *tensor.dims[dim + 1 :]))
    if isinstance(index, bool) or not isinstance(index, int):
        raise NotSayable("an index that is a tensor")
    if (part := _chunked(b, tensor, dim)) is not None:
        return part[index]
    tensor, axis = b.parted(tensor, dim)
    rank = len(tensor.axes)
    if axis == rank - 1 or rank == 1:
        index %= tensor.sizes()[dim]
        cut = {"dim": 1, "start": index, "stop": index + 1}
        found = replaced(b, b.step("Slice", cut, [tensor]), tensor, axis, dim)
    else:
        step = b.step("Select", {"dim": dim_of_axis(axis, rank), "index": index}, [tensor])
        axes = (*tensor.axes[:axis], *tensor.axes[axis + 1 :])
        found = Traced(Output(step), axes, tensor.dims, b.batch)
    return found.with_dims((*found.dims[:dim], *found.dims[dim + 1 :]))


@operation("narrow")
def narrow(b: GraphBuilder, x: Any, dim: int, start: int, length: int) -> Traced:
    return sliced(b, b.tensor(x), b.tensor(x).dim(dim), slice(start, start + length))


@operation("chunk", "split", "split_with_sizes", "tensor_split")
def split(b: GraphBuilder, x: Any, *parts: Any, dim: int | None = None, **_: Any) -> tuple[Traced, ...]:
    """Parts of a dimension, of the sizes that came out."""
    tensor = b.tensor(x)
    at = tensor.dim(dim if dim is not None else parts[1] if len(parts) > 1 else 0)
    sizes = [each[at] for each in b.results]
    if len(sizes) == 1:
        return (tensor,)
    if len(set(sizes)) > 1 and any(len(set(each)) > 1 for each in sizes):
        return tuple(sliced(b, tensor, at, each) for each in _slices(sizes))
    tensor, axis = b.parted(tensor, at)
    where = dim_of_axis(axis, len(tensor.axes))
    along = {} if where == 1 else {"dim": where}
    if len(set(sizes)) == 1:
        step = b.step("Chunk", {"chunks": len(sizes), **along}, [tensor])
    else:
        step = b.step("Split", {"split_size": [each[0] for each in sizes], **along}, [tensor])
    return tuple(replaced(b, step, tensor, axis, at, i, True) for i in range(len(sizes)))


def _slices(sizes: Sequence[Sizes]) -> Iterator[slice]:
    """Parts that follow one another, of which one has a size that follows from the input's: what lies behind it is
    counted from the end.
    """
    (follows, *others) = (i for i, each in enumerate(sizes) if len(set(each)) > 1)
    if others:
        raise NotSayable("a split into several sizes that follow from the input's")
    for i in range(len(sizes)):
        start, stop = (sum(each[0] for each in sizes[:at]) for at in (i, i + 1))
        left, right = (-sum(each[0] for each in sizes[at:]) for at in (i, i + 1))
        yield slice(start if i <= follows else left, (stop if i < follows else right) or None)


@operation("unbind")
def unbind(b: GraphBuilder, x: Any, dim: int = 0) -> tuple[Traced, ...]:
    tensor = b.tensor(x)
    at = tensor.dim(dim)
    count = tensor.sizes()[at]
    if count == 1:
        return (select(b, tensor, at, 0),)
    if (parts := _chunked(b, tensor, at)) is not None:
        return parts
    tensor, _ = b.parted(tensor, at)
    return tuple(select(b, tensor, at, i) for i in range(count))


def _chunked(b: GraphBuilder, x: Traced, dim: int) -> tuple[Traced, ...] | None:
    """The cells of a dimension that is the outer part of an axis, each as a tensor, as queries, keys and values lie in
    one row of channels; None where the dimension is something else.
    """
    own = x.own(dim)
    axis = next((i for i, each in enumerate(x.axes) if len(each) > 1 and (each[0],) == own), None)
    if axis is None or len(set(own[0].sizes)) > 1:
        return None
    key = (x.output, own[0].sizes, axis)
    if key not in b.chunks:
        where = dim_of_axis(axis, len(x.axes))
        b.chunks[key] = b.step("Chunk", {"chunks": own[0].sizes[0]} | ({} if where == 1 else {"dim": where}), [x])
    axes = (*x.axes[:axis], x.axes[axis][1:], *x.axes[axis + 1 :])
    dims = (*x.dims[:dim], *x.dims[dim + 1 :])
    return tuple(Traced(Output(b.chunks[key], i, True), axes, dims, b.batch) for i in range(own[0].sizes[0]))
