"""What each type of layer computes in evaluation mode, on tensors with their channels first.

Where torch.nn has a class of the layer's name, that class says what is computed: it is made from the layer's fields
and the channels of what it reads. Some of these classes have the channels last, and get them there. All other types
have a function each, written from the layer's page; where torch has a function or an operator of the layer's name,
that function says it. A type that is not known is an error. Where a class has its channels is said here too, for all
that have been looked at; a new layer is taken at its word.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from planner.layers._layer import Layer

Weights = Mapping[str, Tensor]
Tensors = Sequence[Tensor]
Function = Callable[..., Tensor | Tensors]
"""What a type computes, given its layer and its sources one by one."""


def computed(layer: Layer, weights: Weights, sources: Tensors, batch: int) -> Tensors:
    """All outputs of a layer.

    weights  its entries of the state_dict, by its own names for them
    batch    how many samples there are, for a layer that reads nothing
    """
    name = layer.type_name()
    if axes := getattr(layer, "batch_axes", 0):
        return _for_each_place(layer, axes, weights, *sources)
    sources = [x.contiguous() for x in sources]  # LocalResponseNorm takes no other maps
    if name in ("Parameter", "Buffer"):
        sizes = layer.sizes()  # type: ignore[attr-defined]
        return [
            _parameter(
                layer,
                weights.get(
                    "", torch.zeros(sizes, dtype=torch.int64 if getattr(layer, "whole", False) else torch.float64)
                ),
                batch,
            )
        ]
    if name == "Constant":
        return [_constant(layer, batch)]
    if name in FUNCTIONS:
        result = FUNCTIONS[name](layer, *sources)
    elif name in WITH_WEIGHTS:
        result = WITH_WEIGHTS[name](layer, weights, *sources)
    elif name in CHANNELS_LAST or (name not in CHANNELS_SECOND and layer.layout == "last"):
        result = _first(_module(layer, weights, sources)(*map(_last, sources)))
    elif hasattr(nn, name):
        result = _module(layer, weights, sources)(*sources)
    elif function := getattr(torch, name.lower(), None):
        result = _by_name(function, layer, sources)
    else:
        raise NotImplementedError(f"what does {name} compute? say it in FUNCTIONS of {__file__}")
    return [result] if isinstance(result, Tensor) else list(result)


def _convolve(rank: int, layer: Any, x: Tensor, weight: Tensor, *bias: Tensor) -> Tensor:
    """A convolution of each sample by its own weight."""
    function: Any = getattr(functional, f"conv{rank}d")
    how = {name: getattr(layer, name) for name in ("stride", "padding", "dilation", "groups")}
    return torch.stack([function(*each, **how) for each in zip(x, weight, *bias, strict=True)])


def _for_each_place(layer: Layer, axes: int, weights: Weights, x: Tensor) -> Tensors:
    """The first output of a layer, which works on each place of the first spatial axes by itself."""
    places = x.shape[2 : 2 + axes]
    alone = layer.model_copy(update={"batch_axes": 0})
    found = [computed(alone, weights, [x[(slice(None), slice(None), *at)]], len(x))[0] for at in np.ndindex(*places)]
    together = torch.stack(found, 2)
    return [together.reshape(*together.shape[:2], *places, *together.shape[3:])]


def _last(x: Tensor) -> Tensor:
    """The tensor with its channels last, as modules that act on the last axis want it."""
    return x.movedim(1, -1)


def _first(x: Tensor) -> Tensor:
    return x.movedim(-1, 1)


# Modules of torch.nn

CHANNELS_SECOND = frozenset(
    (
        *("ELU", "Hardshrink", "Hardsigmoid", "Hardtanh", "Hardswish", "LeakyReLU", "LogSigmoid", "PReLU", "ReLU"),
        *("ReLU6", "RReLU", "SELU", "CELU", "GELU", "Sigmoid", "SiLU", "Mish", "Softplus", "Softshrink", "Softsign"),
        *("Tanh", "Tanhshrink", "Threshold", "Softmax", "LogSoftmax", "Softmin", "Softmax2d", "GLU"),
        *("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "Unfold", "Fold"),
        *("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"),
        *("GroupNorm", "LocalResponseNorm"),
        *("ZeroPad1d", "ZeroPad2d", "ZeroPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d"),
        *("ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d"),
        *("ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d"),
        *("CircularPad1d", "CircularPad2d", "CircularPad3d"),
        *("AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d"),
        *("AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "FractionalMaxPool2d", "FractionalMaxPool3d"),
        *("Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d", "PixelShuffle", "PixelUnshuffle"),
        *("ChannelShuffle", "Flatten", "Unflatten"),
    )
)
CHANNELS_LAST = frozenset(("Linear", "Bilinear", "Embedding", "LayerNorm", "RMSNorm"))


def _module(layer: Layer, weights: Weights, sources: Tensors, **other: Any) -> nn.Module:
    """The module of torch.nn that has the layer's name, with the layer's weights."""
    made: type[nn.Module] = getattr(nn, layer.type_name())
    given = {**_fields(layer), **_from_channels(layer, [x.shape[1] for x in sources]), **other}
    args = _stacked(layer, given) if made in (nn.TransformerEncoder, nn.TransformerDecoder) else _taken(made, given)
    with torch.device("meta"):
        module = made(**args)
    own = dict(weights)
    if isinstance(module, nn.Embedding) and module.max_norm is not None:
        own["weight"] = own["weight"].clone()  # it scales down what it reads, in place
    module.load_state_dict(own, strict=True, assign=True)
    return module.eval()


def _taken(made: type[nn.Module], given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that a class takes; recurrent ones hand them on to the class that they share."""
    names = {*inspect.signature(made.__init__).parameters}
    if issubclass(made, nn.RNNBase):
        names = {"nonlinearity"} if made is nn.RNN else {"proj_size"} if made is nn.LSTM else set()
        names |= {"input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional"}
    return {name: value for name, value in given.items() if name in names}


def _fields(layer: Layer) -> dict[str, Any]:
    """The layer's arguments; what it reads is never written over, as others may read it too."""
    fields = {name: getattr(layer, name) for name in type(layer).model_fields}
    if "inplace" in fields:
        fields["inplace"] = False
    if fields.get("groups") == "depthwise":
        del fields["groups"]
    return fields


def _from_channels(layer: Any, channels: Sequence[int]) -> dict[str, Any]:
    """The arguments that a model file leaves out because the channels of the sources say them."""
    if not channels:
        return {}
    first = channels[0]
    names = ("in_channels", "in_features", "in1_features", "num_features", "num_channels", "d_model", "input_size")
    found: dict[str, Any] = dict.fromkeys((*names, "embed_dim"), first)
    found["in2_features"] = channels[-1]
    found["kdim"], found["vdim"] = channels[min(1, len(channels) - 1)], channels[-1]
    if getattr(layer, "groups", None) == "depthwise":
        found["groups"] = first
    usual = {"out_channels": first, "normalized_shape": first, "dim": 1}
    return found | {name: value for name, value in usual.items() if getattr(layer, name, value) is None}


def _stacked(layer: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a stack of encoder or decoder layers, of which each is made as the first one is."""
    kind = layer.type_name()
    of = getattr(nn, f"{kind}Layer")
    one = of(**_taken(of, given), device="meta")
    norm = nn.LayerNorm(given["d_model"], layer.layer_norm_eps, bias=layer.bias, device="meta") if layer.norm else None
    if kind == "TransformerDecoder":
        return {"decoder_layer": one, "norm": norm, "num_layers": layer.num_layers}
    names = ("num_layers", "enable_nested_tensor", "mask_check")
    return {"encoder_layer": one, "norm": norm, **{name: given[name] for name in names}}


# Layers with weights that are more than a module of torch.nn


def _conv(layer: Any, weights: Weights, x: Tensor) -> Tensor:
    """A convolution; padding that the module cannot say is put around its input first."""
    words = ("same", "valid")
    if layer.padding in words or isinstance(layer.padding, int):
        return _called(layer, weights, x)
    rank = x.dim() - 2
    if layer.padding == "tf_same":
        sides = _tf_same(layer, x)
    else:
        sides = [(each, each) if isinstance(each, int) else each for each in layer.padding]
    assert len(sides) == rank
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    return _called(layer, weights, _padded(x, sides, mode), padding=0, padding_mode="zeros")


def _called(layer: Layer, weights: Weights, x: Tensor, **other: Any) -> Tensor:
    found: Tensor = _module(layer, weights, [x], **other)(x)
    return found


def _tf_same(layer: Any, x: Tensor) -> list[tuple[int, int]]:
    """The padding with which every stride-th cell has a window; an odd cell of it goes to the end."""
    sides = []
    for axis, n in enumerate(x.shape[2:]):
        kernel, stride, dilation = (_at(getattr(layer, name), axis) for name in ("kernel_size", "stride", "dilation"))
        count = -(-n // stride)
        total = max((count - 1) * stride + (kernel - 1) * dilation + 1 - n, 0)
        sides.append((total // 2, total - total // 2))
    return sides


def _pool(layer: Any, weights: Weights, x: Tensor) -> Tensors | Tensor:
    """A pool; where the module cannot say its padding, window by window, from the cells that each of them holds."""
    kind, rank = layer.type_name(), x.dim() - 2
    if layer.padding in ("valid", 0) or {*str(layer.padding)} <= {*"(0, )"}:
        return _called(layer, weights, x, padding=0)
    numbers = isinstance(layer.padding, int) or all(isinstance(each, int) for each in layer.padding)
    if numbers and not kind.startswith("LP"):
        return _called(layer, weights, x)
    taken: list[Any] = []
    real, counts = torch.ones((), dtype=torch.bool), torch.ones((), dtype=torch.bool)
    for axis, n in enumerate(x.shape[2:]):
        places, before, after = _windows(layer, axis, n)
        sizes = [1] * (2 * rank)  # windows along all axes, and then cells along all axes of a window
        sizes[axis], sizes[rank + axis] = places.shape
        places = places.reshape(sizes)
        taken.append(places.clamp(0, n - 1))
        real = real & (places >= 0) & (places < n)
        counts = counts & (places >= -before) & (places < n + after)
    cells = x[(slice(None), slice(None), *taken)].flatten(2 + rank)
    real, counts = real.flatten(rank), counts.flatten(rank)
    if kind.startswith("Max"):
        values, taps = cells.masked_fill(~real, -torch.inf).max(-1, keepdim=True)
        if not layer.return_indices:
            return values[..., 0]
        places = taken[0]
        for n, along in zip(x.shape[3:], taken[1:], strict=True):
            places = places * n + along
        return [values[..., 0], places.flatten(rank).expand_as(cells).gather(-1, taps)[..., 0]]
    if kind.startswith("LP"):
        powers = cells.masked_fill(~real, 0).pow(layer.norm_type)
        return powers.sum(-1).pow(1 / layer.norm_type)
    total = cells.masked_fill(~real, 0).sum(-1)
    outside = layer.padding != "tf_same" and layer.count_include_pad
    divisor = getattr(layer, "divisor_override", None) or (counts if outside else real).sum(-1)
    return torch.div(total, divisor)


def _windows(layer: Any, axis: int, n: int) -> tuple[Tensor, int, int]:
    """Which cells of an axis the windows of a pool hold, window by window, and its padding before and after."""
    kernel = _at(layer.kernel_size, axis)
    stride = kernel if layer.stride is None else _at(layer.stride, axis)
    dilation = _at(getattr(layer, "dilation", 1), axis)
    more = (kernel - 1) * dilation
    if layer.padding == "tf_same":
        count = -(-n // stride)
        total = max((count - 1) * stride + more + 1 - n, 0)
        before, after = total // 2, total - total // 2
    else:
        side = (more // 2, more - more // 2) if layer.padding == "same" else layer.padding
        side = side if layer.padding == "same" or isinstance(side, int) else side[axis]
        before, after = (side, side) if isinstance(side, int) else side
        count = len(range(0, n + before + after - more, stride))
        over = (count - 1) * stride + more + 1 < n + before + after
        count += layer.ceil_mode and over and count * stride < n + before
    starts = torch.arange(count) * stride - before
    return starts[:, None] + torch.arange(kernel) * dilation, before, after


def _at(value: Any, axis: int) -> int:
    """The number for one axis, where there may be one for all."""
    found: int = value if isinstance(value, int) else value[axis]
    return found


def _padded(x: Tensor, sides: Sequence[tuple[int, int]], mode: str = "constant") -> Tensor:
    """Cells before and after each spatial axis; they are put there axis by axis, which comes to the same."""
    for axis, (before, after) in enumerate(sides, 2):
        n = x.shape[axis]
        places = torch.arange(-before, n + after)
        if mode == "reflect":
            places = places.abs()
            places = (n - 1) - ((n - 1) - places).abs()
        elif mode == "circular":
            places %= n
        inside = (places >= 0) & (places < n)
        x = x.index_select(axis, places.clamp(0, n - 1))
        if mode == "constant":
            x = x * inside.to(x.dtype).reshape(-1, *(1,) * (x.dim() - axis - 1))
    return x


def _attention(layer: Any, weights: Weights, *sources: Tensor) -> Tensor:
    """One source attends to itself, a second is key and value, three are query, key and value; a fourth is a mask.
    Every row of the axes before a sequence attends by itself.
    """
    own = sources[:3]
    query, key, value = map(_last, (own[0], own[min(1, len(own) - 1)], own[-1]))
    before = query.shape[:-2]
    mask = _products(_last(sources[3]), len(before) + 3) if len(sources) > 3 else query.new_zeros(())
    mask = (_hidden(query) if layer.is_causal else mask).expand(
        *before, layer.num_heads, query.shape[-2], key.shape[-2]
    )
    rows = zip(
        *(x.reshape(-1, *x.shape[-2:]) for x in (query, key, value)), mask.reshape(-1, *mask.shape[-3:]), strict=True
    )
    module = _module(layer, weights, own)
    found = torch.stack([module(q, k, v, need_weights=False, attn_mask=m)[0] for q, k, v, m in rows])
    return _first(found.reshape(*before, *found.shape[-2:]))


def _hidden(x: Tensor) -> Tensor:
    """What is added to the products of a sequence with itself: −∞ where a key is behind its query."""
    places = torch.arange(x.shape[-2])
    return x.new_zeros(len(places), len(places)).masked_fill(places > places[:, None], -torch.inf)


def _products(mask: Tensor, axes: int) -> Tensor:
    """A mask with axes of one cell behind its batch, so that it has as many as the products."""
    return mask.reshape(mask.shape[0], *(1,) * (axes - mask.dim()), *mask.shape[1:])


def _dot_product(layer: Any, *sources: Tensor) -> Tensor:
    query, key, value = map(_last, sources[:3])
    if layer.enable_gqa:
        key, value = (x.repeat_interleave(query.shape[-3] // x.shape[-3], -3) for x in (key, value))
    scale = query.shape[-1] ** -0.5 if layer.scale is None else layer.scale
    products = torch.einsum("...le,...se->...ls", query, key) * scale
    if layer.is_causal:
        behind = torch.arange(key.shape[-2]) > torch.arange(query.shape[-2])[:, None]
        products = products.masked_fill(behind, -torch.inf)
    for mask in sources[3:]:
        products = products + _products(_last(mask), products.dim())
    return _first(torch.einsum("...ls,...sv->...lv", products.softmax(-1), value))


def _rotary(layer: Any, x: Tensor) -> Tensor:
    """Each pair of channels as a complex number, times e to the power of i times its angle."""
    x = _last(x)
    length, channels = x.shape[-2:]
    order = torch.arange(channels)
    order = order.reshape(-1, 2) if layer.interleaved else order.reshape(2, -1).T
    angles = torch.arange(length)[:, None] / layer.base ** (torch.arange(channels // 2).double() * 2 / channels)
    turned = torch.complex(*x[..., order].unbind(-1)) * torch.exp(1j * angles)
    found = torch.empty_like(x)
    found[..., order[:, 0]], found[..., order[:, 1]] = turned.real, turned.imag
    return _first(found)


def _transformer(layer: Any, weights: Weights, *sources: Tensor) -> Tensor:
    """A layer of an encoder or a decoder, or a stack; every row of the axes before a sequence is by itself."""
    first, *others = map(_last, sources)
    module, causal = _module(layer, weights, sources), getattr(layer, layer.in_forward[0])
    options = {layer.mask: _hidden(first)} if causal else {}
    rows = zip(*(x.reshape(-1, 1, *x.shape[-2:]) for x in (first, *others)), strict=True)
    return _first(torch.cat([module(*row, **options) for row in rows]).reshape(first.shape))


def _recurrent(layer: Any, weights: Weights, x: Tensor, *states: Tensor) -> Tensors:
    """The sequence, and the last states as layers and directions × channels."""
    first = [state.permute(2, 0, 1).contiguous() for state in states]
    given = [tuple(first) if len(first) > 1 else each for each in first[:1]]
    sequence, last = _module(layer, weights, [x])(_last(x), *given)
    last = last if isinstance(last, tuple) else (last,)
    return [_first(sequence), *(state.permute(1, 2, 0) for state in last)]


def _cell(layer: Any, weights: Weights, x: Tensor, *states: Tensor) -> Tensors:
    """The next states, from the equations on the pages of torch's cells."""
    nothing = x.new_zeros(len(x), layer.hidden_size)
    h, c, *_ = (*states, nothing, nothing)
    read = x @ weights["weight_ih"].T + weights.get("bias_ih", 0)
    carried = h @ weights["weight_hh"].T + weights.get("bias_hh", 0)
    kind = layer.type_name()
    if kind == "RNNCell":
        return [(read + carried).tanh() if layer.nonlinearity == "tanh" else (read + carried).clamp(min=0)]
    if kind == "GRUCell":
        (r, z, n), (of_r, of_z, of_n) = read.chunk(3, 1), carried.chunk(3, 1)
        update = (z + of_z).sigmoid()
        return [(1 - update) * (n + (r + of_r).sigmoid() * of_n).tanh() + update * h]
    i, f, g, o = (read + carried).chunk(4, 1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return [o.sigmoid() * c.tanh(), c]


def _parameter(layer: Any, weight: Tensor, batch: int) -> Tensor:
    """The same tensor for every sample."""
    if layer.batch:
        (weight,) = weight
    own = weight.movedim(-1, 0) if layer.channels_last else weight
    return own.expand(batch, *own.shape)


def _constant(layer: Any, batch: int) -> Tensor:
    """The same numbers for every sample."""
    own = numbers_of(layer).movedim(-1, 0)
    return own.expand(batch, *own.shape)


def numbers_of(layer: Any) -> Tensor:
    """What a Constant holds, in the precision in which PyTorch makes that."""
    places = torch.arange(math.prod(layer.shape)).reshape(layer.shape)
    if layer.fill == "arange":
        found = places
    elif layer.fill == "linspace":
        found = torch.linspace(layer.start, layer.end, places.numel()).double()[places]
    elif layer.fill in ("causal_mask", "sinusoidal"):
        rows, columns = places // layer.shape[1], places % layer.shape[1]
        angles = rows / 10000.0 ** ((columns - columns % 2) / layer.shape[1]).double()
        found = torch.where(columns % 2 == 0, torch.sin(angles), torch.cos(angles)).float().double()
        if layer.fill == "causal_mask":
            found = torch.zeros_like(angles).masked_fill(columns > rows, -torch.inf)
    elif layer.fill == "relative_position_index":
        window = round(places.numel() ** 0.25)
        query, key = places // window**2, places % window**2
        down, across = query // window - key // window, query % window - key % window
        found = (down + window - 1) * (2 * window - 1) + across + window - 1
    else:
        number = {"zeros": 0, "ones": 1}.get(layer.fill, layer.fill)
        found = torch.full(layer.shape, float(number), dtype=torch.float32).double()
    return found


WITH_WEIGHTS: Mapping[str, Function] = {
    "Conv1d": _conv,
    "Conv2d": _conv,
    "Conv3d": _conv,
    **dict.fromkeys(("MaxPool1d", "MaxPool2d", "MaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d"), _pool),
    **dict.fromkeys(("LPPool1d", "LPPool2d", "LPPool3d"), _pool),
    "MultiheadAttention": _attention,
    **dict.fromkeys(("TransformerEncoderLayer", "TransformerEncoder"), _transformer),
    **dict.fromkeys(("TransformerDecoderLayer", "TransformerDecoder"), _transformer),
    "RNN": _recurrent,
    "LSTM": _recurrent,
    "GRU": _recurrent,
    **dict.fromkeys(("RNNCell", "LSTMCell", "GRUCell"), _cell),
}


# Layers without weights that are no module of torch.nn, or whose module does nothing in evaluation


def _identity(layer: Layer, x: Tensor) -> Tensor:
    return x


def _operated(function: Callable[..., Tensor]) -> Function:
    """What an operator makes of its operands, two by two from the left; sizes of 1 are repeated where `broadcast` says
    so, or always where there is no such argument.
    """

    def computed(layer: Any, *sources: Tensor) -> Tensor:
        if layer.other is not None:
            (x,) = sources
            number = torch.as_tensor(layer.other, dtype=torch.result_type(x, layer.other))
            return function(number, x) if getattr(layer, "reversed", False) else function(x, number)
        _must_fit(sources, getattr(layer, "broadcast", True))
        return reduce(function, sources)

    return computed


def _where(layer: Any, condition: Tensor, *sources: Tensor) -> Tensor:
    """One or the other, by a condition that is above 0 or is not."""
    if layer.other is not None:
        sources = (*sources, torch.full_like(sources[0], layer.other))
    _must_fit((condition, *sources), True)
    then, other = sources
    return torch.where(condition.gt(0), then, other)


def _by_name(function: Callable[..., Tensor], layer: Layer, sources: Tensors) -> Tensor | Tensors:
    """What a function makes that torch has by the layer's name, in lower case: an operator, a reduction, or any other,
    with the layer's arguments as its own.
    """
    fields = {*type(layer).model_fields}
    if "other" in fields:
        return _operated(function)(layer, *sources)
    if "broadcast" in fields:
        _must_fit(sources, layer.broadcast)  # type: ignore[attr-defined]
    given = {name: getattr(layer, name) for name in fields - {"broadcast"}}
    return function(*sources, **given)


def _clamp(layer: Any, x: Tensor) -> Tensor:
    low, high = (-torch.inf if layer.min is None else layer.min), (torch.inf if layer.max is None else layer.max)
    found = torch.where(x < low, low, torch.where(x > high, high, x))
    fractional = isinstance(layer.min, float) or isinstance(layer.max, float)
    return found if fractional else found.to(x.dtype)


def _cumsum(layer: Any, x: Tensor) -> Tensor:
    count = x.shape[layer.dim]
    sums = [x.narrow(layer.dim, 0, i + 1).sum(layer.dim, keepdim=True) for i in range(count)]
    return torch.cat(sums, layer.dim)


def _normalize(layer: Any, x: Tensor) -> Tensor:
    length = torch.linalg.vector_norm(x, layer.p, layer.dim, keepdim=True)
    divisor: Tensor = torch.maximum(length, torch.full_like(length, layer.eps))
    return x / divisor


def _reduced(function: Callable[..., Tensor], *names: str) -> Function:
    """A function of all values along some axes, which takes these of the layer's arguments."""

    def computed(layer: Any, x: Tensor) -> Tensor:
        options = {name: getattr(layer, name) for name in names}
        return function(x, dim=layer.dim, keepdim=layer.keepdim, **options)

    return computed


def _norm(x: Tensor, *, p: float, dim: int | tuple[int, ...], keepdim: bool) -> Tensor:
    result: Tensor = torch.linalg.vector_norm(x, p, dim, keepdim)
    return result


def _must_fit(sources: Tensors, repeats: bool) -> None:
    """Operands have equally many axes, and equal sizes unless an axis of 1 may be repeated."""
    assert len({x.dim() for x in sources}) == 1
    assert repeats or len({x.shape for x in sources}) == 1


def _concat(layer: Any, *sources: Tensor) -> Tensor:
    return torch.cat(sources, layer.dim)


def _stack(layer: Any, *sources: Tensor) -> Tensor:
    return torch.stack(sources, layer.dim)


def _matmul(layer: Any, a: Tensor, b: Tensor) -> Tensor:
    """Rows are the last spatial axis and columns the channels; each sample is by itself."""
    pairs = zip(_last(a), _last(b), strict=True)
    return _first(
        torch.stack([one @ (other.transpose(-1, -2) if layer.transpose_b else other) for one, other in pairs])
    )


def _cdist(layer: Any, a: Tensor, b: Tensor) -> Tensor:
    """Norms of the differences of all rows, each written out; each sample is by itself."""
    apart = [one.unsqueeze(-2) - other.unsqueeze(-3) for one, other in zip(_last(a), _last(b), strict=True)]
    return _first(torch.linalg.vector_norm(torch.stack(apart), layer.p, -1))


def _einsum(layer: Any, *sources: Tensor) -> Tensor:
    """Einstein's notation, as numpy has it; PyTorch has the gradients."""
    equation = layer.equation.replace(" ", "")
    if any(x.requires_grad for x in sources):
        return torch.einsum(equation, *sources)
    return torch.from_numpy(np.array(np.einsum(equation, *(x.numpy() for x in sources))))


def _index_select(layer: Any, x: Tensor) -> Tensor:
    return x.index_select(layer.dim, torch.tensor(layer.index))


def _gather(layer: Any, x: Tensor, index: Tensor) -> Tensor:
    places = list(torch.meshgrid(*map(torch.arange, index.shape), indexing="ij"))
    places[layer.dim] = index
    return x[tuple(places)]


def _topk(layer: Any, x: Tensor) -> Tensors:
    """Of equal values PyTorch says which comes first."""
    return x.topk(layer.k, layer.dim, largest=layer.largest)


def _set_slice(layer: Any, x: Tensor, part: Tensor) -> Tensor:
    written = x.clone().movedim(layer.dim, 0)
    written[layer.start : layer.end : layer.step] = part.movedim(layer.dim, 0)
    return written.movedim(0, layer.dim)


def _reshape(layer: Any, x: Tensor) -> Tensor:
    *spatial, channels = layer.shape
    return x.reshape(x.shape[0], channels, *spatial)


def _permute(layer: Any, x: Tensor) -> Tensor:
    return x.permute(layer.dims)


def _transpose(layer: Any, x: Tensor) -> Tensor:
    return x.swapaxes(layer.dim0, layer.dim1)


def _roll(layer: Any, x: Tensor) -> Tensor:
    """Cell i comes to i + shift, round the end."""
    for shift, dim in zip(_list(layer.shifts), _list(layer.dims), strict=True):
        n = x.shape[dim]
        x = x.index_select(dim, (torch.arange(n) - shift) % n)
    return x


def _flip(layer: Any, x: Tensor) -> Tensor:
    for dim in _list(layer.dims):
        x = x.index_select(dim, torch.arange(x.shape[dim]).flip(0))
    return x


def _squeeze(layer: Any, x: Tensor) -> Tensor:
    dims = {dim % x.dim() for dim in _list(layer.dim)}
    return x.reshape([n for dim, n in enumerate(x.shape) if n > 1 or dim not in dims])


def _unsqueeze(layer: Any, x: Tensor) -> Tensor:
    sizes = [*x.shape]
    sizes.insert(layer.dim % (x.dim() + 1), 1)
    return x.reshape(sizes)


def _expand(layer: Any, x: Tensor) -> Tensor:
    sizes = [n if size == -1 else size for n, size in zip(x.shape, layer.size, strict=True)]
    return x + torch.zeros(sizes, dtype=x.dtype)


def _tile(layer: Any, x: Tensor) -> Tensor:
    for dim, times in enumerate(reversed(layer.dims), 1):
        x = torch.cat([x] * times, -dim)
    return x


def _repeat_interleave(layer: Any, x: Tensor) -> Tensor:
    return x.index_select(layer.dim, torch.arange(x.shape[layer.dim] * layer.repeats) // layer.repeats)


def _list(value: Any) -> Sequence[int]:
    return [value] if isinstance(value, int) else value


def _slice(layer: Any, x: Tensor) -> Tensor:
    n = x.shape[layer.dim]
    return x.index_select(layer.dim, torch.tensor(range(n)[layer.start : layer.stop : layer.step]))


def _select(layer: Any, x: Tensor) -> Tensor:
    return x.select(layer.dim, layer.index)


def _split(layer: Any, x: Tensor) -> Tensors:
    sizes = layer.split_size
    return torch.split(x, sizes if isinstance(sizes, int) else list(sizes), layer.dim)


def _chunk(layer: Any, x: Tensor) -> Tensors:
    return x.chunk(layer.chunks, layer.dim)


def _crop(layer: Any, x: Tensor) -> Tensor:
    for axis, n in enumerate(x.shape[2:]):
        amount = layer.amount if isinstance(layer.amount, int) else layer.amount[axis]
        before, after = (amount, amount) if isinstance(amount, int) else amount
        x = x.narrow(axis + 2, before, n - before - after)
    return x


def _center_crop(layer: Any, x: Tensor) -> Tensor:
    return _middle(x, [_at(layer.size, axis) for axis in range(x.dim() - 2)])


def _crop_like(layer: Layer, x: Tensor, like: Tensor) -> Tensor:
    return _middle(x, like.shape[2:])


def _middle(x: Tensor, sizes: Sequence[int]) -> Tensor:
    """The middle of each spatial axis; an odd cell is cut off at the end."""
    for axis, size in enumerate(sizes, 2):
        x = x.narrow(axis, (x.shape[axis] - size) // 2, size)
    return x


def _pad_like(layer: Layer, x: Tensor, like: Tensor) -> Tensor:
    """Zeros around it; an odd one is added at the end."""
    more = [size - n for size, n in zip(like.shape[2:], x.shape[2:], strict=True)]
    return _padded(x, [(each // 2, each - each // 2) for each in more])


def _interpolate(layer: Any, x: Tensor, *like: Tensor) -> Tensor:
    fields = _fields(layer)
    if like:
        fields["size"] = like[0].shape[2:]
    return functional.interpolate(x, **fields)


def _rearrange(layer: Any, x: Tensor, like: Tensor | None = None) -> Tensor:
    """Every value put where its cells of all named axes say, one after the other."""
    sides = [re.findall(r"\.\.\.|\w+|[()]", side) for side in layer.pattern.split("->")]
    x = _last(x)
    more = x.dim() - 1 - (_depth_one(sides[0]) - 1)
    left, right = (_named_axes(side, [f"...{i}" for i in range(more)]) for side in sides)
    sizes: dict[str, int] = dict(layer.model_extra)
    known = [*zip(left, x.shape[1:], strict=True)]
    known += zip(right, like.shape[2:], strict=False) if like is not None else []
    for _ in range(len(known)):
        for names, n in known:
            unsaid = [name for name in names if name not in sizes]
            if len(unsaid) == 1:
                sizes[unsaid[0]] = n // math.prod(sizes[name] for name in names if name in sizes)
    result = x.new_empty(len(x), *(math.prod(sizes[name] for name in names) for names in right))
    for cells in product(*(range(n) for n in sizes.values())):
        at = dict(zip(sizes, cells, strict=True))
        here, there = (tuple(_place(names, sizes, at) for names in axes) for axes in (left, right))
        result.movedim(0, -1)[there] = x.movedim(0, -1)[here]
    return _first(result)


def _place(names: Sequence[str], sizes: Mapping[str, int], at: Mapping[str, int]) -> int:
    """The cell of an axis that the cells of its parts make, the last of which runs fastest."""
    place = 0
    for name in names:
        place = place * sizes[name] + at[name]
    return place


def _depth_one(tokens: Sequence[str]) -> int:
    """How many axes a side of a pattern has, `...` being one."""
    return len(re.findall(r"\([^)]*\)|\S+", " ".join(tokens).replace("( ", "(")))


def _named_axes(tokens: Sequence[str], dots: Sequence[str]) -> list[list[str]]:
    """The names of each axis of a side of a pattern; none for an axis of one cell."""
    found: list[list[str]] = []
    inside = False
    for token in tokens:
        if token in "()":
            inside = token == "("
            found += [[]] if inside else []
        elif token == "..." and not inside:
            found += [[name] for name in dots]
        else:
            names = [*dots] if token == "..." else [] if token == "1" else [token]
            found[-1:] = [found[-1] + names] if inside else [*found[-1:], names]
    return found


FUNCTIONS: Mapping[str, Function] = {
    **{f"Convolve{rank}d": partial(_convolve, rank) for rank in (1, 2, 3)},
    "Identity": _identity,
    "Dropout": _identity,
    "AlphaDropout": _identity,
    "Dropout1d": _identity,
    "Dropout2d": _identity,
    "Dropout3d": _identity,
    "FeatureAlphaDropout": _identity,
    "StochasticDepth": _identity,
    "Power": _operated(torch.pow),
    "Where": _where,
    "Long": lambda layer, x: x.long(),
    "Clamp": _clamp,
    "Cumsum": _cumsum,
    "Normalize": _normalize,
    "Concat": _concat,
    "Stack": _stack,
    "Max": _reduced(torch.amax),
    "Min": _reduced(torch.amin),
    "Norm": _reduced(_norm, "p"),
    "MatMul": _matmul,
    "CDist": _cdist,
    "ScaledDotProductAttention": _dot_product,
    "RotaryEmbedding": _rotary,
    "Einsum": _einsum,
    "Rearrange": _rearrange,
    "IndexSelect": _index_select,
    "Gather": _gather,
    "TopK": _topk,
    "SetSlice": _set_slice,
    "Reshape": _reshape,
    "Permute": _permute,
    "Transpose": _transpose,
    "Roll": _roll,
    "Flip": _flip,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Expand": _expand,
    "RepeatInterleave": _repeat_interleave,
    "Tile": _tile,
    "Slice": _slice,
    "Select": _select,
    "Split": _split,
    "Chunk": _chunk,
    "Crop": _crop,
    "CenterCrop": _center_crop,
    "CropLike": _crop_like,
    "PadLike": _pad_like,
    "Interpolate": _interpolate,
}
