"""Reductions, cells that are picked or moved, and views."""

from __future__ import annotations

from planner.autograd import attention, pointwise, products, recurrent, reductions, views
from planner.autograd.calls._running import Handler, Running
from planner.autograd.einsum import einsum
from planner.autograd.tensors import Storage, Strided, suggested


def _reduction(c: Running) -> Strided:
    name = c.name.rpartition(".")[2]
    return reductions.reduced(c.t, c.x, name, c.dims(c.args["dim"]), keepdim=bool(c.args.get("keepdim")))


def _arg(c: Running) -> Strided:
    (dim,) = c.dims(c.args["dim"])
    return reductions.picked_places(c.t, c.x, dim, keepdim=bool(c.args.get("keepdim")))


def _normalize(c: Running) -> Strided:
    return reductions.normalized(c.t, c.x, c.dims(c.args["dim"])[0])


def _top(c: Running) -> tuple[Strided, Strided]:
    return reductions.top(c.t, c.x, c.args["k"], c.dims(c.args["dim"])[0])


def _gather(c: Running) -> Strided:
    return reductions.gather(c.t, c.x, c.xs[1])


def _tile(c: Running) -> Strided:
    times = (*(1,) * (c.x.dim - len(c.args["dims"])), *c.args["dims"])
    sizes = [n * count for n, count in zip(c.x.sizes, times, strict=True)]
    return reductions.moved_about(c.t, c.x, sizes, name="repeat")


def _repeat_interleave(c: Running) -> Strided:
    (dim,) = c.dims(c.args["dim"])
    sizes = [n * c.args["repeats"] if i == dim else n for i, n in enumerate(c.x.sizes)]
    return reductions.moved_about(c.t, c.x, sizes, name="repeat")


def _set_slice(c: Running) -> Strided:
    """PyTorch copies all of the memory that the first input lies in, unless places in it stand for several values."""
    x = c.x
    if any(size > 1 and not stride for size, stride in zip(x.sizes, x.strides, strict=True)):
        return c.t.noted("slice_scatter", c.xs, c.t.like(x))
    return c.t.noted("slice_scatter", c.xs, Strided(Storage(x.storage.bytes), x.sizes, x.strides, x.dtype))


def _rotary(c: Running) -> Strided:
    """Both halves of the channels times sines and cosines of their positions, which have no gradient."""
    t, x = c.t, c.x
    length, half = x.sizes[-2], x.sizes[-1] // 2
    sin, cos = (t.new((length, half), x.dtype) for _ in range(2))
    if c.args["interleaved"]:
        a, b = (views.cut(t, x, x.dim - 1, range(0, 2 * half, 2)) for _ in range(2))
    else:
        a, b = views.split(t, x, x.dim - 1, (half, half))
    turned = [
        pointwise.add(t, pointwise.multiply(t, p, u), pointwise.multiply(t, q, v))
        for p, u, q, v in ((a, cos, b, sin), (a, sin, b, cos))
    ]
    if not c.args["interleaved"]:
        return attention.concat(t, turned, x.dim - 1)
    return views.flatten(t, recurrent.stack(t, turned, x.dim), x.dim - 1, x.dim)


def _identity(c: Running) -> Strided:
    return c.x


def _contiguous(c: Running) -> Strided:
    return views.contiguous(c.t, c.x)


def _reshape(c: Running) -> Strided:
    return views.reshape(c.t, c.x, c.outputs[0])


def _flatten(c: Running) -> Strided:
    return c.x if c.x.sizes == c.outputs[0] else _reshape(c)


def _expand(c: Running) -> Strided:
    return views.expand(c.t, c.x, c.args["size"])


def _squeeze(c: Running) -> Strided:
    return views.squeeze(c.t, c.x, *c.dims(c.args["dim"]))


def _unsqueeze(c: Running) -> Strided:
    return views.unsqueeze(c.t, c.x, c.args["dim"])


def _select(c: Running) -> Strided:
    return views.select(c.t, c.x, c.dims(c.args["dim"])[0])


def _parts(c: Running) -> list[Strided]:
    (dim,) = c.dims(c.args["dim"])
    # The outputs have their channels second
    place = (dim + 1 if dim < c.x.dim - 1 else 1) if c.last and dim else dim
    return views.split(c.t, c.x, dim, [sizes[place] for sizes in c.outputs])


def _index(c: Running) -> Strided:
    index = c.args["index"]
    (dim,) = c.dims(len(index) - 1)
    if isinstance(index[-1], slice):
        cells = range(c.x.sizes[dim])[index[-1]]
        whole = len(cells) == c.x.sizes[dim] and cells.step == 1
        return c.x if whole else views.cut(c.t, c.x, dim, cells)
    return reductions.at_index(c.t, c.x, dim, len(index[-1]))


def _flip(c: Running) -> Strided:
    return c.t.noted("flip", (c.x,), c.t.like(c.x))


def _roll(c: Running) -> Strided:
    """PyTorch puts its two parts one after the other, once for each axis; where one of them is empty, with the axes in
    order.
    """
    made, shifts = c.x, c.args["shifts"]
    for dim, shift in zip(c.dims(c.args["dims"]), (shifts,) if isinstance(shifts, int) else shifts, strict=True):
        whole = shift % made.sizes[dim] == 0
        made = c.t.noted("roll", (made,), c.t.new(made.sizes, made.dtype, None if whole else suggested(made)))
    return made


def _einsum(c: Running) -> Strided:
    return einsum(c.t, c.args["equation"], c.xs)


def _cdist(c: Running) -> Strided:
    return products.cdist(c.t, c.x, c.xs[1], c.args.get("p", 2.0))


def _cumsum(c: Running) -> Strided:
    return reductions.cumulated(c.t, c.x)


HANDLERS: dict[str, Handler] = {
    **{f"Tensor.{name}": _reduction for name in reductions.KEEPS},
    **dict.fromkeys(("Tensor.argmax", "Tensor.argmin"), _arg),
    "F.normalize": _normalize,
    "Tensor.topk": _top,
    "torch.gather": _gather,
    "Tensor.tile": _tile,
    "torch.repeat_interleave": _repeat_interleave,
    "torch.slice_scatter": _set_slice,
    "planner.RotaryEmbedding": _rotary,
    "nn.Identity": _identity,
    "Tensor.contiguous": _contiguous,
    **dict.fromkeys(("Tensor.reshape", "nn.Unflatten"), _reshape),
    "nn.Flatten": _flatten,
    "Tensor.expand": _expand,
    "Tensor.squeeze": _squeeze,
    "Tensor.unsqueeze": _unsqueeze,
    "Tensor.select": _select,
    **dict.fromkeys(("Tensor.split", "Tensor.chunk"), _parts),
    "Tensor.__getitem__": _index,
    "Tensor.flip": _flip,
    "torch.roll": _roll,
    "torch.einsum": _einsum,
    "torch.cdist": _cdist,
    "Tensor.cumsum": _cumsum,
}
