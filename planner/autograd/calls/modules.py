"""Modules with weights, attention and recurrence."""

from __future__ import annotations

from functools import partial
from typing import Any

from planner.autograd import attention, norms, products, recurrent, reductions, transformer, windows
from planner.autograd.calls._running import Handler, Running
from planner.autograd.convolving import Convolving
from planner.autograd.tape import UnknownCallError
from planner.autograd.tensors import Strided, packed


def _linear(c: Running) -> Strided:
    return products.linear(c.t, c.x, c.weights["weight"], c.bias)


def _bilinear(c: Running) -> Strided:
    if len({x.dtype for x in (c.x, c.xs[1], c.weights["weight"])}) > 1:
        raise UnknownCallError("PyTorch runs it on one type of number alone, also under autocast")
    return products.bilinear(c.t, c.x, c.xs[1], c.weights["weight"], c.bias)


def _embedding(c: Running) -> Strided:
    return reductions.looked_up(c.t, c.x, c.weights["weight"])


def _convolution(c: Running) -> Strided:
    x, weight = c.x, c.weights["weight"]
    mode, padding = c.args.get("padding_mode", "zeros"), c.args.get("padding", 0)
    if mode != "zeros" and (sides := _sides(c)):
        x = windows.pad(c.t, x, sides, mode)
    elif padding == "same":
        sides = _sides(c)
        extra = [after - before for before, after in zip(sides[::2], sides[1::2], strict=True)]
        if any(extra):
            x = windows.pad(c.t, x, [each for more in extra for each in (0, more)])
    return windows.convolution(c.t, x, weight, c.bias, c.outputs[0], _convolving(c))


def _sides(c: Running) -> list[int]:
    """Cells around each axis, the last axis first, before and after."""
    kernel = c.weights["weight"].sizes[2:]
    padding, dilation = c.args.get("padding", 0), c.args.get("dilation", 1)
    dilations = (dilation,) * len(kernel) if isinstance(dilation, int) else dilation
    if padding == "valid":
        return [0] * (2 * len(kernel))
    sides: list[int] = []
    for i in reversed(range(len(kernel))):
        if padding == "same":
            total = dilations[i] * (kernel[i] - 1)
            sides += [total // 2, total - total // 2]
        else:
            sides += [padding if isinstance(padding, int) else padding[i]] * 2
    return sides


def _transposed(c: Running) -> Strided:
    return windows.convolution(c.t, c.x, c.weights["weight"], c.bias, c.outputs[0], _convolving(c, transposed=True))


def _convolve(c: Running) -> Strided:
    """With weights for each sample, PyTorch takes all samples as groups of one convolution, without autocast."""
    bias = c.xs[2] if len(c.xs) > 2 else None
    if c.xs[1].dim == c.x.dim:
        return windows.convolution(c.t, c.x, c.xs[1], bias, c.outputs[0], _convolving(c))
    autocast, c.t.autocast = c.t.autocast, None
    made = windows.convolution(c.t, c.x, c.xs[1], bias, c.outputs[0], _convolving(c))
    c.t.autocast = autocast
    made.strides = packed(made.sizes)
    return made


def _convolving(c: Running, *, transposed: bool = False) -> Convolving:
    def along(name: str, default: int) -> tuple[int, ...]:
        value = c.args.get(name, default)
        return (value,) * len(c.spatial) if isinstance(value, int) else tuple(value)

    return Convolving(
        transposed, c.args.get("groups", 1), along("stride", 1), along("dilation", 1), along("output_padding", 0)
    )


def _running(c: Running) -> tuple[Strided, ...]:
    return tuple(c.weights[name] for name in ("running_mean", "running_var") if name in c.weights)


def _batch_norm(c: Running) -> Strided:
    return norms.batch_norm(c.t, c.x, c.weight, c.bias, _running(c))


def _instance_norm(c: Running) -> Strided:
    return norms.instance_norm(c.t, c.x, c.weight, c.bias, _running(c))


def _group_norm(c: Running) -> Strided:
    return norms.group_norm(c.t, c.x, c.args["num_groups"], c.weight, c.bias)


def _trailing(c: Running) -> int:
    shape = c.args["normalized_shape"]
    return 1 if isinstance(shape, int) else len(shape)


def _layer_norm(c: Running) -> Strided:
    return norms.layer_norm(c.t, c.x, _trailing(c), c.weight, c.bias)


def _rms_norm(c: Running) -> Strided:
    return norms.rms_norm(c.t, c.x, _trailing(c), c.weight)


def _local_response_norm(c: Running) -> Strided:
    return norms.local_response_norm(c.t, c.x, c.args["size"])


def _attention(c: Running) -> Strided:
    grouped = bool(c.args.get("enable_gqa"))
    causal = bool(c.args.get("is_causal"))
    return attention.scaled_dot_product(c.t, c.x, c.xs[1], c.xs[2], c.mask, causal=causal, grouped=grouped)


def _multihead(c: Running) -> Strided:
    return attention.multihead(c.t, c.args, c.weights, c.xs, c.mask, causal=c.causal)


def _recurrent(c: Running) -> list[Strided]:
    kind: Any = c.name.rpartition(".")[2]
    return recurrent.layers(c.t, kind, c.args, c.weights, c.x, c.xs[1:])


def _cell(c: Running) -> Any:
    kind: Any = c.name.rpartition(".")[2].removesuffix("Cell")
    relu = c.args.get("nonlinearity") == "relu"
    return recurrent.cell(c.t, kind, c.weights, c.x, c.xs[1:], c.args["hidden_size"], relu=relu)


def _transformer(c: Running, *, stacked: bool = False) -> Strided:
    run = transformer.stack if stacked else transformer.layer
    memory = c.xs[1] if len(c.xs) > 1 else None
    return run(c.t, c.args, c.weights, c.x, memory, causal=c.causal)


HANDLERS: dict[str, Handler] = {
    "nn.Linear": _linear,
    "nn.Bilinear": _bilinear,
    "nn.Embedding": _embedding,
    **{f"nn.Conv{n}d": _convolution for n in (1, 2, 3)},
    **{f"nn.ConvTranspose{n}d": _transposed for n in (1, 2, 3)},
    **{f"F.conv{n}d": _convolve for n in (1, 2, 3)},
    **{f"nn.BatchNorm{n}d": _batch_norm for n in (1, 2, 3)},
    **{f"nn.InstanceNorm{n}d": _instance_norm for n in (1, 2, 3)},
    "nn.GroupNorm": _group_norm,
    "nn.LayerNorm": _layer_norm,
    "nn.RMSNorm": _rms_norm,
    "nn.LocalResponseNorm": _local_response_norm,
    "F.scaled_dot_product_attention": _attention,
    "nn.MultiheadAttention": _multihead,
    **{f"nn.Transformer{kind}Layer": _transformer for kind in ("Encoder", "Decoder")},
    **{f"nn.Transformer{kind}": partial(_transformer, stacked=True) for kind in ("Encoder", "Decoder")},
    **{f"nn.{kind}": _recurrent for kind in ("RNN", "LSTM", "GRU")},
    **{f"nn.{kind}Cell": _cell for kind in ("RNN", "LSTM", "GRU")},
}
