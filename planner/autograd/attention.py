"""Attention, by the kernel that PyTorch takes for it, and the module of several heads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planner.autograd import pointwise, products, views
from planner.autograd.tape import Tape
from planner.autograd.tensors import Strided, broadcast, channels_last, like


def softmax(t: Tape, x: Strided) -> Strided:
    made = t.new(x.sizes, x.dtype)
    return t.noted("softmax", (x,), made, made)


def scaled_dot_product(
    t: Tape,
    query: Strided,
    key: Strided,
    value: Strided,
    mask: Strided | None = None,
    *,
    dropout: float = 0.0,
    causal: bool = False,
    grouped: bool = False,
) -> Strided:
    """Kept are query, key, value and output with the fused kernel, and all products with the other one."""
    query, key, value = t.lower(query), t.lower(key), t.lower(value)
    mask = None if mask is None else t.lower(mask)
    if _fuses(query, key, value, mask, dropout, grouped):
        return _flash(t, query, key, value, mask)
    autocast, t.autocast = t.autocast, None  # it is done with once the inputs are in lower precision
    made = _math(t, query, key, value, mask, dropout, causal, grouped)
    t.autocast = autocast
    return made


def _fuses(query: Strided, key: Strided, value: Strided, mask: Strided | None, dropout: float, grouped: bool) -> bool:
    """Whether PyTorch takes its fused kernel on a CPU (ATen's `sdp_utils_cpp.cpp`)."""
    if dropout or not query.dim == key.dim == value.dim == 4:
        return False
    if mask is not None:
        pairs = (query.sizes[-2], key.sizes[-2])
        if mask.grad or mask.dim not in (2, 4):
            return False
        if any(n not in (1, size) for n, size in zip(mask.sizes[-2:], pairs, strict=True)):
            return False
        if mask.dim == 4 and any(n not in (1, m) for n, m in zip(mask.sizes[:2], query.sizes[:2], strict=True)):
            return False
    if len({x.sizes[0] for x in (query, key, value)}) > 1:
        return False
    if not grouped and len({x.sizes[1] for x in (query, key, value)}) > 1:
        return False
    if len({x.sizes[-1] for x in (query, key, value)}) > 1:
        return False
    return all(x.strides[-1] == 1 for x in (query, key, value)) and (mask is None or mask.strides[-1] == 1)


def _flash(t: Tape, query: Strided, key: Strided, value: Strided, mask: Strided | None) -> Strided:
    made = t.new(query.sizes, query.dtype, like(query))
    wide = "float64" if query.dtype == "float64" else "float32"
    logsumexp = t.new((query.sizes[0], query.sizes[2], query.sizes[1]), wide)
    masks = () if mask is None else (mask,)
    return t.noted("flash", (query, key, value), made, query, key, value, *masks, logsumexp, made)


def _math(
    t: Tape,
    query: Strided,
    key: Strided,
    value: Strided,
    mask: Strided | None,
    dropout: float,
    causal: bool,
    grouped: bool,
) -> Strided:
    """One product after the other, in full precision."""
    own = query.dtype
    query, key, value = (t.to(x, "float32") if own in ("bfloat16", "float16") else x for x in (query, key, value))
    if grouped:
        key, value = (_repeated(t, x, query.sizes[-3]) for x in (key, value))
    query = pointwise.with_number(t, query, "mul", 1.0, first=False)
    key = pointwise.with_number(t, views.transpose(t, key, key.dim - 2, key.dim - 1), "mul", 1.0, first=False)
    scores = products.matmul(t, query, key)
    if causal:
        mask = t.new((query.sizes[-2], key.sizes[-1]), query.dtype)
    if mask is not None:
        sizes = broadcast(scores.sizes, mask.sizes)
        if sizes == scores.sizes:
            made = Strided(scores.storage, scores.sizes, scores.strides, scores.dtype)
            scores = t.noted("add in place", (scores, mask), made)
        else:
            scores = pointwise.add(t, scores, mask)
    weights = softmax(t, scores)
    if dropout:
        weights = pointwise.dropout(t, weights, dropout)
    return t.to(products.matmul(t, weights, value), own)


def _repeated(t: Tape, x: Strided, heads: int) -> Strided:
    """Each head as often as it serves one of the query."""
    times = heads // x.sizes[-3]
    if times == 1:
        return x
    wide = views.expand(t, views.unsqueeze(t, x, x.dim - 2), (*x.sizes[:-2], times, *x.sizes[-2:]))
    copy = views.copied(t, wide)
    return views.reshape(t, copy, (*x.sizes[:-3], heads, *x.sizes[-2:]))


def multihead(
    t: Tape,
    args: Mapping[str, Any],
    weights: Mapping[str, Strided],
    inputs: list[Strided],
    mask: Strided | None = None,
    *,
    causal: bool = False,
) -> Strided:
    """`nn.MultiheadAttention` with `batch_first`, on (N, L, E), without the weights of attention."""
    query, key, value = _turned(t, inputs)
    heads = args["num_heads"]
    length, batch, width = query.sizes
    q, k, v = _projected(t, weights, query, key, value)
    if "bias_k" in weights:
        k, v = (concat(t, [x, _along_batch(t, weights[name], batch)], 0) for x, name in ((k, "bias_k"), (v, "bias_v")))
        mask = None if mask is None else _padded(t, mask)
    depth = width // heads
    q, k, v = (views.transpose(t, views.reshape(t, x, (x.sizes[0], batch * heads, depth)), 0, 1) for x in (q, k, v))
    if args.get("add_zero_attn"):
        k, v = (concat(t, [x, t.new((batch * heads, 1, depth), x.dtype)], 1) for x in (k, v))
        mask = None if mask is None else _padded(t, mask)
    if mask is not None:
        if mask.dim == 3 and mask.sizes[0] == 1:
            mask = views.unsqueeze(t, mask, 0)
        elif mask.dim == 3:
            mask = views.reshape(t, mask, (batch, heads, *mask.sizes[1:]))
        else:
            mask = views.unsqueeze(t, views.unsqueeze(t, mask, 0), 0)
    q, k, v = (views.reshape(t, x, (batch, heads, x.sizes[1], depth)) for x in (q, k, v))
    made = scaled_dot_product(t, q, k, v, mask, dropout=args.get("dropout", 0.0), causal=causal)
    made = views.contiguous(t, views.permute(t, made, (2, 0, 1, 3)))
    made = views.reshape(t, made, (batch * length, width))
    made = products.linear(t, made, weights["out_proj.weight"], weights.get("out_proj.bias"))
    return views.transpose(t, views.reshape(t, made, (length, batch, made.sizes[1])), 0, 1)


def _turned(t: Tape, inputs: list[Strided]) -> list[Strided]:
    """Query, key and value with the sequence first; what is the same tensor stays the same one."""
    query, key, value = inputs
    if key is value:
        turned = views.transpose(t, key, 0, 1)
        return [turned if query is key else views.transpose(t, query, 0, 1), turned, turned]
    return [views.transpose(t, x, 0, 1) for x in inputs]


def _along_batch(t: Tape, x: Strided, batch: int) -> Strided:
    return t.noted("repeat", (x,), t.new((1, batch, x.sizes[2]), x.dtype))


def _padded(t: Tape, mask: Strided) -> Strided:
    return t.noted("pad", (mask,), t.new((*mask.sizes[:-1], mask.sizes[-1] + 1), mask.dtype))


def concat(t: Tape, tensors: list[Strided], dim: int) -> Strided:
    """Tensors one after the other along an axis."""
    dtype = t.widest(*tensors)
    tensors = [t.to(x, dtype) for x in tensors]
    sizes = list(tensors[0].sizes)
    sizes[dim] = sum(x.sizes[dim] for x in tensors)
    last = all(x.is_channels_last for x in tensors)
    strides = channels_last(sizes) if last else None
    return t.noted("cat", tensors, t.new(sizes, dtype, strides))


def _projected(
    t: Tape, weights: Mapping[str, Strided], query: Strided, key: Strided, value: Strided
) -> tuple[Strided, Strided, Strided]:
    """Query, key and value by their own weights, which lie together where all have as many channels."""
    packed, bias = weights.get("in_proj_weight"), weights.get("in_proj_bias")
    width = query.sizes[-1]
    if packed is None:
        parts = [weights[f"{name}_proj_weight"] for name in "qkv"]
        biases = [None] * 3 if bias is None else views.split(t, bias, 0, (width,) * 3)
        q, k, v = (products.linear(t, x, w, b) for x, w, b in zip((query, key, value), parts, biases, strict=True))
        return q, k, v
    if key is value and query is key:
        q, k, v = _parted(t, products.linear(t, query, packed, bias), 3)
        return q, k, v
    if key is value:
        own, both = views.split(t, packed, 0, (width, 2 * width))
        b_own, b_both = (None, None) if bias is None else views.split(t, bias, 0, (width, 2 * width))
        k, v = _parted(t, products.linear(t, key, both, b_both), 2)
        return products.linear(t, query, own, b_own), k, v
    ws = views.split(t, packed, 0, (width,) * 3)
    bs = [None] * 3 if bias is None else views.split(t, bias, 0, (width,) * 3)
    q, k, v = (products.linear(t, x, w, b) for x, w, b in zip((query, key, value), ws, bs, strict=True))
    return q, k, v


def _parted(t: Tape, x: Strided, count: int) -> tuple[Strided, ...]:
    """The parts of the last axis one after the other in memory: PyTorch copies them so."""
    parted = views.unflatten(t, x, x.dim - 1, (count, x.sizes[-1] // count))
    front = views.transpose(t, views.unsqueeze(t, parted, 0), 0, x.dim)
    packed = views.contiguous(t, views.squeeze(t, front, x.dim))
    return tuple(views.select(t, packed, 0) for _ in range(count))
