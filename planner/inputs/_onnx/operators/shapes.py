"""Operators that put values into other dimensions, cut tensors, and join them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from planner.inputs._axes import Factor, Sizes, Traced
from planner.inputs._building import dim_of_axis
from planner.inputs._following import Following, number_of
from planner.inputs._graph import NotSayable, Output
from planner.inputs._meeting import met
from planner.inputs._onnx.building import OnnxBuilder
from planner.inputs._onnx.folding import bounds_of, kind_of_type
from planner.inputs._onnx.nodes import FileNode
from planner.inputs._onnx.operators import operator
from planner.inputs._onnx.operators.dense import embedded, is_table
from planner.inputs._onnx.values import StoredTensor, Value


def _columns(runs: Sequence[Sizes]) -> list[Sizes]:
    """Sizes by dimension, in all runs, of sizes by run."""
    lengths = {len(each) for each in runs}
    if len(lengths) > 1:
        raise NotSayable("another number of dimensions at another size")
    return list(zip(*runs, strict=True))


def _to(b: OnnxBuilder, x: Value, wanted: Sequence[Sizes]) -> Value:
    """A tensor with dimensions of other sizes, given for every run."""
    before = b.sizes(x)
    if any(prod(new) != prod(old) or 0 in new for new, old in zip(wanted, before, strict=True)):
        raise NotSayable("a reshape to another number of values")
    if isinstance(x, StoredTensor):
        return _stored_to(x, wanted[0])
    return b.reshaped(b.tensor(x), _columns(wanted)) if list(wanted) != before else x


def _stored_to(x: StoredTensor, wanted: Sizes) -> StoredTensor:
    """Weights with dimensions of other sizes; only those of one cell may come and go."""
    if x.array is not None or (x.proto is not None and prod(x.sizes) < 1 << 16):
        array = x.numbers.reshape(wanted)
        return StoredTensor(x.name, wanted, x.kind, array=array, trained=x.trained)
    if x.turned is not None or x.proto is not None:
        raise NotSayable("weights of another shape than in the file")
    return StoredTensor(x.name, wanted, x.kind, fill=x.fill, trained=x.trained, reason=x.reason)


@operator("Reshape")
def reshape(b: OnnxBuilder, node: FileNode, x: Value, shape: Value | None = None) -> Value:
    targets = [node.get("shape", [])] * b.runs if shape is None else [[int(n) for n in e] for e in b.numbers(shape)]
    wanted = []
    for sizes, target in zip(b.sizes(x), targets, strict=True):
        if node.get("allowzero", 0):
            kept = list(target)
        else:
            kept = [sizes[i] if not n and i < len(sizes) else n for i, n in enumerate(target)]
        rest = prod(n for n in kept if n != -1)
        if kept.count(-1) > 1 or any(n < -1 for n in kept) or (-1 in kept and (not rest or prod(sizes) % rest)):
            raise NotSayable("a reshape to another number of values")
        wanted.append(tuple(prod(sizes) // rest if n == -1 else n for n in kept))
    return _to(b, x, wanted)


@operator("Flatten")
def flatten(b: OnnxBuilder, node: FileNode, x: Value) -> Value:
    at = node.get("axis", 1)
    wanted = [(prod(sizes[:at]), prod(sizes[at:])) for sizes in b.sizes(x)]
    if isinstance(x, Traced) and at % max(x.rank, 1) == 1:
        found: Traced = b.torch("flatten", x, results=[wanted])
        return found
    return _to(b, x, wanted)


@operator("Transpose")
def transpose(b: OnnxBuilder, node: FileNode, x: Value) -> Value:
    rank = b.rank(x)
    given = node.get("perm") or reversed(range(rank))
    order = [each + rank if each < 0 else each for each in given]  # PyTorch's exporter counts from the end too
    if sorted(order) != list(range(rank)):
        raise NotSayable("an order of other dimensions")
    if isinstance(x, StoredTensor):
        return x.transposed(order)
    found: Traced = b.torch("permute", b.tensor(x), dims=order)
    return found


@operator("Squeeze")
def squeeze(b: OnnxBuilder, node: FileNode, x: Value, axes: Value | None = None) -> Value:
    chosen = b.axes(axes)
    rank = b.rank(x)
    if chosen is None:
        if len({tuple(n == 1 for n in sizes) for sizes in b.sizes(x)}) > 1:
            raise NotSayable("a squeeze of an axis that is not always of one cell")
        gone = [i for i, n in enumerate(b.sizes(x)[0]) if n == 1]
    else:
        gone = [each % rank for each in chosen]
    if isinstance(x, Traced) and not any(x.dims[i] for i in gone):
        return x.with_dims(own for i, own in enumerate(x.dims) if i not in gone)
    return _to(b, x, [tuple(n for i, n in enumerate(sizes) if i not in gone) for sizes in b.sizes(x)])


@operator("Unsqueeze")
def unsqueeze(b: OnnxBuilder, node: FileNode, x: Value, axes: Value | None = None) -> Value:
    chosen = b.axes(axes) or []
    rank = b.rank(x) + len(chosen)
    new = {each % rank for each in chosen}

    def spread(sizes: Sequence[Any], one: Any) -> tuple[Any, ...]:
        own = iter(sizes)
        return tuple(one if i in new else next(own) for i in range(rank))

    if isinstance(x, Traced) and set(b.batch.sizes) != {1}:
        return x.with_dims(spread(x.dims, ()))
    return _to(b, x, [spread(sizes, 1) for sizes in b.sizes(x)])


@operator("Expand")
def expand(b: OnnxBuilder, node: FileNode, x: Value, shape: Value) -> Traced:
    targets = [tuple(int(n) for n in each) for each in b.numbers(shape)]
    try:
        wanted = [tuple(np.broadcast_shapes(*pair)) for pair in zip(b.sizes(x), targets, strict=True)]
    except ValueError:
        raise NotSayable("an expand of sizes that do not meet") from None
    found: Traced = b.torch("expand", b.tensor(x), results=[wanted])
    return found


@operator("Tile")
def tile(b: OnnxBuilder, node: FileNode, x: Value, repeats: Value) -> Traced:
    times = [tuple(int(n) for n in each) for each in b.numbers(repeats)]
    wanted = [
        tuple(n * by for n, by in zip(sizes, own, strict=True)) for sizes, own in zip(b.sizes(x), times, strict=True)
    ]
    found: Traced = b.torch("repeat", b.tensor(x), results=[wanted])
    return found


@operator("Identity", "Dropout")
def unchanged(b: OnnxBuilder, node: FileNode, x: Value, *_: Value | None) -> Value:
    """What leaves values as they are; dropout does, other than in training."""
    if len(node.outputs) > 1 and node.outputs[1] in b.read:
        raise NotSayable("dropout that gives its mask")
    return x


@operator("Cast", "CastLike")
def cast(b: OnnxBuilder, node: FileNode, x: Value, like: Value | None = None) -> Value:
    kind = kind_of_type(node.get("to")) if node.op == "Cast" else b.reads[-1]
    b.gives = [kind]
    if isinstance(x, StoredTensor) and (kind == x.kind or (x.kind, kind) == ("whole", "float")):
        return StoredTensor(x.name, x.sizes, kind, x.proto, x.fill, x.array, x.turned, x.trained, x.reason)
    found: Traced = b.torch("to", b.tensor(x))
    return found


# Parts


@operator("Concat")
def concat(b: OnnxBuilder, node: FileNode, *given: Value) -> Traced:
    found: Traced = b.torch("cat", [b.tensor(each) for each in given], node.get("axis", 0))
    return found


@operator("Split")
def split(b: OnnxBuilder, node: FileNode, x: Value, sizes: Value | None = None) -> tuple[Traced, ...]:
    tensor = b.tensor(x)
    at = tensor.dim(node.get("axis", 0))
    b.gives = b.gives * len(node.outputs)
    runs = []
    for own in b.sizes(x):
        wanted = node.get("split") if sizes is None else b.whole(sizes)
        if wanted is None:
            count = len(node.outputs)
            each = -(-own[at] // count)
            wanted = [each] * (count - 1) + [own[at] - each * (count - 1)]
        if sum(wanted) != own[at] or min(wanted) < 1 or len(wanted) != len(node.outputs):
            raise NotSayable("parts that are not the whole")
        runs.append([(*own[:at], n, *own[at + 1 :]) for n in wanted])
    found: tuple[Traced, ...] = b.torch("split", tensor, results=list(zip(*runs, strict=True)), dim=at)
    return found


@operator("Slice")
def slice_(b: OnnxBuilder, node: FileNode, x: Value, *bounds: Value | None) -> Value:
    tensor = b.tensor(x)
    columns = [(None,) * b.runs if each is None else b.numbers(each) for each in bounds]
    rows = list(zip(*columns, strict=True)) if columns else [()] * b.runs
    runs = [bounds_of(node, tensor.rank, *row) for row in rows]
    if len({tuple((axis, by) for axis, _, _, by in each) for each in runs}) > 1:
        raise NotSayable("a slice of other dimensions at another size")
    for cut in zip(*runs, strict=True):
        axis, by = cut[0][0], cut[0][3]
        if by < 0:
            tensor = _backwards(b, tensor, axis, cut)
            continue
        pairs = [
            slice(start, stop).indices(n) for (_, start, stop, _), n in zip(cut, _along(b, tensor, axis), strict=True)
        ]
        starts, stops = zip(*((start, stop) for start, stop, _ in pairs), strict=True)
        if all(start >= stop for start, stop, _ in pairs):
            tensor = b.torch("getitem", tensor, (*[slice(None)] * axis, slice(0, 0)))
            continue
        whole = all(stop == n for stop, n in zip(stops, _along(b, tensor, axis), strict=True))
        last = (
            None if whole else _one(stops, [n - stop for n, stop in zip(_along(b, tensor, axis), stops, strict=True)])
        )
        first = _one(starts, [n - start for n, start in zip(_along(b, tensor, axis), starts, strict=True)])
        tensor = b.torch("getitem", tensor, (*[slice(None)] * axis, slice(first, last, by)))
    return tensor


def _along(b: OnnxBuilder, x: Traced, axis: int) -> list[int]:
    """The size of a dimension in every run."""
    return [sizes[axis] for sizes in b.runs_of(x)]


def _one(bounds: Sequence[int], from_end: Sequence[int]) -> int | Following:
    """A bound of a slice that is the same in every run, counted from the front, or else from the end; or a number that
    follows from the size of the input.
    """
    if len(set(bounds)) == 1:
        return bounds[0]
    if len(set(from_end)) == 1:
        return -from_end[0]
    return number_of(bounds)


def _backwards(b: OnnxBuilder, x: Traced, axis: int, cut: Sequence[tuple[int, int, int | None, int]]) -> Traced:
    """A slice that goes from the end to the front, of all cells."""
    for (_, start, stop, by), n in zip(cut, _along(b, x, axis), strict=True):
        if by != -1 or slice(start, stop, by).indices(n) != (n - 1, -1, -1):
            raise NotSayable("a part of an axis from the end to the front")
    found: Traced = b.torch("flip", x, [axis])
    return found


@operator("Gather")
def gather(b: OnnxBuilder, node: FileNode, x: Value, indices: Value) -> Value:
    axis = node.get("axis", 0)
    if isinstance(indices, Traced):
        if not is_table(x) or axis % 2:
            raise NotSayable("places that are computed")
        assert isinstance(x, StoredTensor)
        b.gives = ["float"]
        return embedded(b, indices, x)
    tensor = b.tensor(x)
    at = tensor.dim(axis)
    places = b.fixed(indices)
    n = _along(b, tensor, at)
    if places.size and (places.max() >= min(n) or places.min() < -min(n)):
        raise NotSayable("a place beyond an axis")
    if not places.ndim:
        found: Traced = b.torch("select", tensor, at, int(places))
        return found
    if places.ndim > 1:
        raise NotSayable("places in several dimensions")
    listed = [int(each) % n[0] if len(set(n)) == 1 else int(each) for each in places]
    first, by = listed[0], listed[1] - listed[0] if len(listed) > 1 else 1
    if by > 0 and first >= 0 and listed == [first + i * by for i in range(len(listed))]:
        cut = slice(first, listed[-1] + 1, by)
        picked: Traced = b.torch("getitem", tensor, (*[slice(None)] * at, cut))
        return picked
    if len(listed) == n[0] and len(set(n)) == 1 and listed == list(range(n[0]))[::-1]:
        turned: Traced = b.torch("flip", tensor, [at])
        return turned
    raise NotSayable("cells that are picked one by one")


@operator("GatherElements")
def gather_elements(b: OnnxBuilder, node: FileNode, x: Value, indices: Value) -> Traced:
    """For each place, the cell of a dimension that a tensor numbers there."""
    tensor = b.tensor(x)
    at = tensor.dim(node.get("axis", 0))
    others = [[(*own[:at], *own[at + 1 :]) for own in b.sizes(each)] for each in (x, indices)]
    if others[0] != others[1]:
        raise NotSayable("places for a part of a tensor")
    pair = met(b, [tensor, b.tensor(indices)], apart=at)
    if pair.apart is None:
        raise NotSayable("places along an axis of one cell")
    step = b.step("Gather", {"dim": dim_of_axis(pair.apart, len(pair.axes))}, pair.tensors)
    new = (Factor(tuple(shapes[0][pair.apart] for shapes in step.shapes)),)
    axes = (*pair.axes[: pair.apart], new, *pair.axes[pair.apart + 1 :])
    b.gives = b.reads[:1]
    return Traced(Output(step), axes, (*pair.dims[:at], new, *pair.dims[at + 1 :]), b.batch)


@operator("TopK")
def topk(b: OnnxBuilder, node: FileNode, x: Value, k: Value | None = None) -> Any:
    """The largest or smallest values along a dimension in order, and their places."""
    tensor = b.tensor(x)
    at = tensor.dim(node.get("axis", -1))
    count = int(node.get("k")) if k is None else b.whole(k)[0]
    b.gives = [b.reads[0], "whole"]
    sizes = [(*own[:at], count, *own[at + 1 :]) for own in b.runs_of(tensor)]
    return b.torch("topk", tensor, count, at, bool(node.get("largest", 1)), results=[sizes, sizes])


@operator("ScatterElements")
def scatter_elements(b: OnnxBuilder, node: FileNode, x: Value, places: Value, updates: Value) -> Any:
    """Values put at places of a dimension, of which no two are the same."""
    if node.get("reduction", "none") != "none":
        raise NotSayable("a reduction at places")
    tensor = b.tensor(x)
    read = [b.tensor(each) for each in (places, updates)]
    return b.torch("scatter", tensor, tensor.dim(node.get("axis", 0)), *read)


# Moves


@operator("Einsum")
def einsum(b: OnnxBuilder, node: FileNode, *given: Value) -> Traced:
    found: Traced = b.torch("einsum", node.get("equation"), *(b.tensor(each) for each in given))
    return found


@operator("ScatterND")
def scatter_nd(b: OnnxBuilder, node: FileNode, x: Value, places: Value, updates: Value) -> Traced:
    """Writing into a part of a tensor that begins and ends somewhere along each of its dimensions."""
    if node.get("reduction", "none") != "none":
        raise NotSayable("a sum at places")
    at = b.fixed(places)
    tensor = b.tensor(x)
    count, rank = at.shape[-1], at.ndim - 1
    if rank != count or not at.size:
        raise NotSayable("places one by one")
    firsts = at[(0,) * rank]
    box = np.stack(np.meshgrid(*map(np.arange, at.shape[:-1]), indexing="ij"), axis=-1) + firsts
    if firsts.min() < 0 or (box != at).any():
        raise NotSayable("places one by one")
    index = tuple(slice(int(first), int(first) + n) for first, n in zip(firsts, at.shape[:-1], strict=True))
    found: Traced = b.torch("setitem", tensor, index, b.tensor(updates))
    return found
