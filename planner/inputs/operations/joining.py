"""Functions that join tensors, write into them, and move their cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from planner.inputs._axes import Factor, Traced
from planner.inputs._building import GraphBuilder, dim_of_axis
from planner.inputs._graph import NotSayable, Output
from planner.inputs._meeting import met
from planner.inputs.operations import operation
from planner.inputs.operations._arguments import listed
from planner.inputs.operations.arithmetic import operator
from planner.inputs.operations.constants import for_samples
from planner.inputs.operations.shapes import repeated, sliced, unsqueeze


@operation("cat", "concat", "concatenate")
def cat(b: GraphBuilder, tensors: Sequence[Any], dim: int = 0, *, axis: int | None = None) -> Traced:
    read = [tensor for tensor in map(b.tensor, tensors) if not tensor.is_empty]
    if len(read) == 1:
        return read[0]
    at = read[0].dim(dim if axis is None else axis)
    if any(b.batch in each.dims[at] for each in read):
        raise NotSayable("samples that are joined")
    read = [b.parted(each, at)[0] if each.dims[at] else each for each in read]
    ordered, axes, dims, along = met(b, read, apart=at)
    if along is None:
        raise NotSayable("a dimension that no tensor has")
    step = b.step("Concat", {"dim": dim_of_axis(along, len(axes))} if along < len(axes) - 1 else {}, ordered)
    new = (Factor(tuple(shapes[0][along] for shapes in step.shapes)),)
    return Traced(Output(step), (*axes[:along], new, *axes[along + 1 :]), (*dims[:at], new, *dims[at + 1 :]), b.batch)


@operation("stack")
def stack(b: GraphBuilder, tensors: Sequence[Any], dim: int = 0) -> Traced:
    read = [b.tensor(each) for each in tensors]
    at = read[0].dim(dim, new=1)
    return cat(b, [unsqueeze(b, each, at) for each in read], at)


@operation("setitem")
def setitem(b: GraphBuilder, x: Any, index: Any, value: Any) -> Traced:
    """Writing into a part: along several dimensions, into a part of a part, which is then written back."""
    tensor = b.tensor(x)
    cuts, single = _cuts(tensor, index)
    if not cuts:
        return _spread_over(b, tensor, value, single)
    wholes, part = [], tensor
    for dim, cut in cuts:
        wholes.append(b.parted(part, dim)[0])
        part = sliced(b, wholes[-1], dim, cut)
        if part.is_empty:
            return tensor
    if isinstance(value, int | float) and len(set(b.runs_of(part))) > 1 and _is_made(b, part):
        written = b.like(b.step("Multiply", {"other": 0}, [part]), part)  # a constant would need its sizes
        written = b.like(b.step("Add", {"other": value}, [written]), part) if value else written
    else:
        b.forget([part.output.step])
        written = _spread_over(b, part, value, single)
    for (dim, cut), whole in reversed([*zip(cuts, wholes, strict=True)]):
        written = _written_over(b, whole, written, dim, cut)
    return written


def _is_made(b: GraphBuilder, x: Traced) -> bool:
    """Whether a tensor follows from constants alone."""
    steps = [x.output.step]
    for step in steps:
        steps += [each.step for each in step.sources if each.step not in steps]
    return all(step.sources or step in b.notes for step in steps)


def _cuts(x: Traced, index: Any) -> tuple[list[tuple[int, slice]], list[int]]:
    """The dimensions of which an index takes a part, with that part; and those of which it takes one cell."""
    chosen = list(index) if isinstance(index, tuple) else [index]
    if any(
        each is None or isinstance(each, bool) or not (each is Ellipsis or isinstance(each, int | slice))
        for each in chosen
    ):
        raise NotSayable("writing to places that a tensor gives")
    if Ellipsis in chosen:
        at = chosen.index(Ellipsis)
        chosen[at : at + 1] = [slice(None)] * (x.rank - len(chosen) + 1)
    single = [dim for dim, each in enumerate(chosen) if isinstance(each, int)]
    parts = [slice(each, each + 1 or None) if isinstance(each, int) else each for each in chosen]
    whole = [(0, n, 1) for n in x.sizes()]
    return [(dim, each) for dim, each in enumerate(parts) if each.indices(whole[dim][1]) != whole[dim]], single


def _spread_over(b: GraphBuilder, part: Traced, value: Any, single: Sequence[int]) -> Traced:
    """What is written into a part, of which some dimensions are single cells, repeated to its sizes."""
    wanted = [tuple(part.sizes(run)[i] for run in range(b.runs)) for i in range(part.rank)]
    if isinstance(value, int | float):
        return for_samples(b, wanted, +value or "zeros")
    given = b.tensor(value)
    missing = part.rank - given.rank - len(single)
    for at in single:
        place = max(at - missing, 0)
        given = given.with_dims((*given.dims[:place], (), *given.dims[place:]))
    lifted = given.with_dims((*[()] * missing, *given.dims))
    dims = [own or ((b.batch,) if b.batch in part.dims[i] else ()) for i, own in enumerate(lifted.dims)]
    lifted = lifted.with_dims(dims)
    return repeated(b, lifted, [i for i, own in enumerate(lifted.dims) if not own and set(wanted[i]) != {1}], wanted)


def _written_over(b: GraphBuilder, x: Traced, part: Traced, dim: int, cut: slice) -> Traced:
    """A tensor with a part of one dimension written over."""
    meeting = met(b, [x, part], apart=dim)
    arguments = {"dim": dim_of_axis(meeting.apart or 0, len(meeting.axes))}
    arguments |= {"start": cut.start} if cut.start else {}
    arguments |= {} if cut.stop is None else {"end": cut.stop}
    arguments |= {} if cut.step in (None, 1) else {"step": cut.step}
    whole, piece = meeting.tensors
    return b.like(b.step("SetSlice", arguments, [whole, piece]), whole)


@operation("roll")
def roll(b: GraphBuilder, x: Any, shifts: Any, dims: Any = None) -> Traced:
    tensor = b.tensor(x)
    if dims is None:
        raise NotSayable("a roll of all values")
    pairs = list(zip(shifts, dims, strict=True)) if isinstance(dims, tuple | list) else [(shifts, dims)]
    for _, dim in pairs:
        tensor, _axis = b.parted(tensor, tensor.dim(dim))
    rank = len(tensor.axes)
    where = [dim_of_axis(tensor.axes.index(tensor.own(tensor.dim(dim))), rank) for _, dim in pairs]
    return b.like(b.step("Roll", {"shifts": [shift for shift, _ in pairs], "dims": where}, [tensor]), tensor)


@operation("diff")
def diff(b: GraphBuilder, input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Traced:
    """What each value is more than the one before it."""
    x = b.tensor(input)
    if n != 1 or prepend is not None or append is not None:
        raise NotSayable("differences of differences, or with more values")
    at = x.dim(dim)
    return operator("Subtract", b, sliced(b, x, at, slice(1, None)), sliced(b, x, at, slice(0, -1)))


@operation("flip")
def flip(b: GraphBuilder, x: Any, *given: Any, dims: Any = ()) -> Traced:
    tensor = b.tensor(x)
    wanted = listed(given) or dims
    for dim in wanted:
        tensor, _axis = b.parted(tensor, tensor.dim(dim))
    where = [dim_of_axis(tensor.axes.index(tensor.own(tensor.dim(dim))), len(tensor.axes)) for dim in wanted]
    return b.like(b.step("Flip", {"dims": where}, [tensor]), tensor)


@operation("pad")
def pad(b: GraphBuilder, x: Any, pad: Any, mode: str = "constant", value: Any = None) -> Traced:
    tensor = b.tensor(x)
    amounts = {tensor.rank - 1 - i: (pad[2 * i], pad[2 * i + 1]) for i in range(len(pad) // 2)}
    padded = sorted(dim for dim, amount in amounts.items() if any(amount))
    if not padded:
        return tensor
    if any(b.batch in tensor.dims[dim] for dim in padded):
        raise NotSayable("padding of the batch")
    lying = (dim for dim in range(tensor.rank) if tensor.own(dim) and tensor.own(dim) == tensor.axes[-1])
    may_be = (*lying, tensor.rank - 1, 1)
    channels = next((dim for dim in may_be if dim not in padded and b.batch not in tensor.dims[dim]), None)
    spatial = [dim for dim in range(tensor.rank) if dim != channels and tensor.dims[dim] != (b.batch,)]
    if not 1 <= len(spatial) <= 3:
        raise NotSayable(f"padding of a tensor with {len(spatial)} axes besides channels")
    image = b.ordered(tensor, [*map(tensor.own, spatial), () if channels is None else tensor.own(channels)])
    sides = [n for dim in reversed(spatial) for n in amounts.get(dim, (0, 0))]
    kind = {"constant": "Zero", "reflect": "Reflection", "replicate": "Replication", "circular": "Circular"}[mode]
    arguments: dict[str, Any] = {"padding": sides[0] if len(set(sides)) == 1 else sides}
    if mode == "constant" and value not in (None, 0, 0.0):
        kind, arguments["value"] = "Constant", value
    step = b.step(f"{kind}Pad{len(spatial)}d", arguments, [image])
    padded_axes = b.output(step, lambda axes: axes).axes
    axes = [
        axis if dim in padded else own for dim, axis, own in zip((*spatial, None), padded_axes, image.axes, strict=True)
    ]
    placed = dict(zip(spatial, axes[:-1], strict=True))
    dims = tuple(placed[dim] if dim in padded else own for dim, own in enumerate(image.dims))
    return Traced(Output(step), tuple(axes), dims, b.batch)
