"""Normalizations."""

from __future__ import annotations

from math import prod

from planner.autograd import pointwise, views, windows
from planner.autograd.tape import Tape
from planner.autograd.tensors import Sizes, Strided, channels_last, packed, suggested


def _kept(*tensors: Strided | None) -> list[Strided]:
    return [each for each in tensors if each is not None]


def _laid(t: Tape, x: Strided, strides: Sizes) -> Strided:
    """The tensor as the memory format of these strides has it, a copy where it lies otherwise."""
    fits = x.is_contiguous if strides == packed(x.sizes) else x.has_channels_last
    return x if fits else views.copied(t, x, strides)


def _statistics(x: Strided, scale: Strided | None) -> str:
    """The type of the means: that of the input, unless a scale is more precise."""
    return "float32" if scale is not None and scale.dtype == "float32" and x.dtype != "float64" else x.dtype


def batch_norm(
    t: Tape, x: Strided, weight: Strided | None, bias: Strided | None, running: tuple[Strided, ...] = ()
) -> Strided:
    """Kept are the input, and mean and inverse deviation of each channel."""
    dtype = _statistics(x, weight or (running[0] if running else None))
    mean, invstd = (t.new((x.sizes[1],), dtype) for _ in range(2))
    last = x.has_channels_last and not x.is_contiguous
    made = t.new(x.sizes, x.dtype, channels_last(x.sizes) if last else None)
    return t.noted("batch_norm", _kept(x, weight, bias), made, *_kept(x, weight), *running, mean, invstd)


def instance_norm(
    t: Tape, x: Strided, weight: Strided | None, bias: Strided | None, running: tuple[Strided, ...] = ()
) -> Strided:
    """PyTorch normalizes a batch of one sample with all channels of all samples, and repeats what each channel has; the
    running means in the input's type, where no weight has another one.
    """
    count = x.sizes[0] * x.sizes[1]

    def repeated(each: Strided | None) -> Strided | None:
        return None if each is None else t.noted("repeat", (each,), t.new((count,), each.dtype))

    sizes = (1, count, *x.sizes[2:])
    last = x.is_channels_last and not x.is_contiguous
    copy = views.copied(t, x) if last or not x.is_contiguous else x
    flat = t.view(copy, sizes, packed(sizes))
    own = tuple(t.new((count,), x.dtype if weight is None else each.dtype) for each in running)
    made = batch_norm(t, flat, repeated(weight), repeated(bias), own)
    return t.view(made, x.sizes, packed(x.sizes))


def group_norm(t: Tape, x: Strided, groups: int, weight: Strided | None, bias: Strided | None) -> Strided:
    strides = suggested(x)
    x = _laid(t, x, strides)
    mean, rstd = (t.new((x.sizes[0], groups), _statistics(x, weight)) for _ in range(2))
    made = t.new(x.sizes, x.dtype, strides)
    return t.noted("group_norm", _kept(x, weight, bias), made, *_kept(x, weight), mean, rstd)


def layer_norm(t: Tape, x: Strided, count: int, weight: Strided | None, bias: Strided | None) -> Strided:
    """Layer normalization over the last `count` axes."""
    sizes = (*x.sizes[: x.dim - count], *(1,) * count)
    mean, rstd = (t.new(sizes, _statistics(x, weight)) for _ in range(2))
    made = t.new(x.sizes, x.dtype)
    return t.noted("layer_norm", _kept(x, weight, bias), made, *_kept(x, weight, bias), mean, rstd)


def rms_norm(t: Tape, x: Strided, count: int, weight: Strided | None) -> Strided:
    """PyTorch makes it of single operations on the CPU, in full precision."""
    own = x.dtype
    wide = t.to(x, "float32") if own in ("bfloat16", "float16") else x
    squares = pointwise.function(t, wide, "input", "pow")
    mean = t.noted("mean", (squares,), t.new((*x.sizes[: x.dim - count], *(1,) * count), wide.dtype))
    root = pointwise.function(t, pointwise.with_number(t, mean, "add", 1.0, first=False), "output", "rsqrt")
    made = pointwise.multiply(t, wide, root)
    if weight is not None:
        made = pointwise.multiply(t, made, weight)
    return _laid(t, t.to(made, own), suggested(x))


def local_response_norm(t: Tape, x: Strided, size: int) -> Strided:
    """PyTorch takes the squares' means with a pool over the channels, as an axis of an image."""
    squares = views.unsqueeze(t, pointwise.multiply(t, x, x), 1)
    before, after = size // 2, (size - 1) // 2
    if x.dim == 3:
        padded = windows.pad(t, squares, (0, 0, before, after))
        means = views.squeeze(t, windows.average_pool(t, padded, (x.sizes[1], x.sizes[2])), 1)
    else:
        n, channels, *spatial = x.sizes
        flat = views.reshape(t, squares, (n, 1, channels, spatial[0], prod(spatial[1:])))
        padded = windows.pad(t, flat, (0, 0, 0, 0, before, after))
        pooled = windows.average_pool(t, padded, (channels, spatial[0], prod(spatial[1:])))
        means = views.reshape(t, views.squeeze(t, pooled, 1), x.sizes)
    scaled = pointwise.with_number(t, means, "mul", 1.0, first=False)
    moved = pointwise.with_number(t, scaled, "add", 1.0, first=False)
    return pointwise.divide(t, x, pointwise.function(t, moved, "input", "pow"))
