"""Operators of ATen as the functions of PyTorch that they are: their arguments in the order of the function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

SILENT = {
    "dtype",
    "device",
    "layout",
    "pin_memory",
    "memory_format",
    "non_blocking",
    "copy",
    "implicit",
    "half_to_float",
}
"""Arguments that say how a tensor lies in memory; what type it has is known from the tensor itself."""
END = (1 << 63) - 1
"""The end of a slice that goes to the end."""


@dataclass(frozen=True)
class TorchFunction:
    """A function of PyTorch with its arguments; `first` says that only the first of the results is its own."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    first: bool = False


NamedArguments = Mapping[str, Any]
OperatorMeaning = Callable[..., TorchFunction]
OPERATORS: dict[str, OperatorMeaning] = {}


def operator(*names: str) -> Callable[[OperatorMeaning], OperatorMeaning]:
    """Says what operators are; the function gets their arguments by the names that their schema has."""

    def added(function: OperatorMeaning) -> OperatorMeaning:
        OPERATORS.update(dict.fromkeys(names, function))
        return function

    return added


def function_of(name: str, args: NamedArguments, kwargs: NamedArguments) -> TorchFunction:
    """The function that an operator is; one that is not known here has the same arguments."""
    given = {key: each for key, each in args.items() if key not in SILENT}
    others = {key: each for key, each in kwargs.items() if key not in SILENT}
    plain = name.rstrip("_") if not name.startswith("_") else name
    if plain in OPERATORS:
        try:
            return OPERATORS[plain](**{RENAMED.get(key, key): each for key, each in (given | others).items()})
        except TypeError:  # arguments of another version of PyTorch
            return unknown(plain, tuple(given.values()))
    return TorchFunction(ALIASES.get(name, name), tuple(given.values()), others)


def unknown(name: str, args: tuple[Any, ...]) -> TorchFunction:
    """An operator that is no function with a meaning here."""
    return TorchFunction(f"aten.{name}", args)


RENAMED = {"self": "x", "input": "x"}
ALIASES = {
    "_to_copy": "to", "lift_fresh_copy": "clone", "lift_fresh": "clone", "detach_": "detach",
    "_adaptive_avg_pool2d": "adaptive_avg_pool2d", "_adaptive_avg_pool3d": "adaptive_avg_pool3d",
    "_softmax": "softmax", "_log_softmax": "log_softmax", "im2col": "unfold", "col2im": "fold",
    "numpy_T": "T.__get__", "mT": "mT.__get__", "_unsafe_view": "reshape", "_reshape_alias": "reshape",
}  # fmt: skip


@operator("batch_norm")
def _batch_norm(
    x: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, training: bool, momentum: float, eps: float,
    cudnn_enabled: bool = False,
) -> TorchFunction:  # fmt: skip
    return TorchFunction("batch_norm", (x, running_mean, running_var, weight, bias, False, momentum, eps))


@operator("_native_batch_norm_legit_no_training")
def _batch_norm_alone(
    x: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, momentum: float, eps: float
) -> TorchFunction:
    return TorchFunction("batch_norm", (x, running_mean, running_var, weight, bias, False, momentum, eps), first=True)


@operator("layer_norm")
def _layer_norm(
    x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5, cudnn_enable: bool = True
) -> TorchFunction:
    return TorchFunction("layer_norm", (x, normalized_shape, weight, bias, eps))


@operator("native_layer_norm")
def _native_layer_norm(x: Any, normalized_shape: Any, weight: Any, bias: Any, eps: float) -> TorchFunction:
    return TorchFunction("layer_norm", (x, normalized_shape, weight, bias, eps), first=True)


@operator("native_group_norm")
def _native_group_norm(x: Any, weight: Any, bias: Any, group: int, eps: float, **_: Any) -> TorchFunction:
    return TorchFunction("group_norm", (x, group, weight, bias, eps), first=True)


@operator("embedding")
def _embedding(
    weight: Any, indices: Any, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> TorchFunction:
    return TorchFunction("embedding", (indices, weight, None if padding_idx == -1 else padding_idx))


@operator("convolution")
def _convolution(
    x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, transposed: bool, output_padding: Any,
    groups: int,
) -> TorchFunction:  # fmt: skip
    rank = len(stride)
    if transposed:
        args = (x, weight, bias, stride, padding, output_padding, groups, dilation)
        return TorchFunction(f"conv_transpose{rank}d", args)
    return TorchFunction(f"conv{rank}d", (x, weight, bias, stride, padding, dilation, groups))


@operator("slice")
def _slice(x: Any, dim: int = 0, start: Any = None, end: Any = None, step: Any = 1) -> TorchFunction:
    return TorchFunction(
        "getitem", (x, at_dim(dim, slice(start or None, None if end == END else end, None if step == 1 else step)))
    )


def at_dim(dim: int, index: Any) -> tuple[Any, ...]:
    """An index for one dimension, counted from the front or the back."""
    whole = slice(None)
    return (*[whole] * dim, index) if dim >= 0 else (..., index, *[whole] * (-1 - dim))


@operator("index")
def _index(x: Any, indices: Any) -> TorchFunction:
    return TorchFunction("getitem", (x, tuple(slice(None) if each is None else each for each in indices)))


@operator("index_put")
def _index_put(x: Any, indices: Any, values: Any, accumulate: bool = False) -> TorchFunction:
    return TorchFunction("setitem", (x, tuple(slice(None) if each is None else each for each in indices), values))


@operator("constant_pad_nd")
def _constant_pad(x: Any, pad: Any, value: Any = 0) -> TorchFunction:
    return TorchFunction("pad", (x, pad, "constant", value))


def _padded(mode: str) -> OperatorMeaning:
    return lambda x, padding: TorchFunction("pad", (x, padding, mode))


for _rank in (1, 2, 3):
    OPERATORS[f"reflection_pad{_rank}d"] = _padded("reflect")
    OPERATORS[f"replication_pad{_rank}d"] = _padded("replicate")


def _upsampled(mode: str, antialias: bool = False) -> OperatorMeaning:
    def written(
        x: Any, output_size: Any = None, align_corners: Any = None, scale_factors: Any = None, **scales: Any
    ) -> TorchFunction:
        size = None if output_size in (None, []) else output_size
        factors = None if size is not None else [int(n) if n == int(n) else n for n in scale_factors]
        args = (x, size, factors, mode, align_corners)
        return TorchFunction("interpolate", args, {"antialias": True} if antialias else {})

    return written


for _kind, _mode in (
    ("nearest1d", "nearest"), ("nearest2d", "nearest"), ("nearest3d", "nearest"), ("linear1d", "linear"),
    ("bilinear2d", "bilinear"), ("bicubic2d", "bicubic"), ("trilinear3d", "trilinear"),
):  # fmt: skip
    OPERATORS[f"upsample_{_kind}"] = _upsampled(_mode)
    OPERATORS[f"_upsample_{_kind}_aa"] = _upsampled(_mode, antialias=True)
for _kind in ("nearest_exact1d", "nearest_exact2d", "nearest_exact3d"):
    OPERATORS[f"_upsample_{_kind}"] = _upsampled("nearest-exact")


@operator("hardtanh")
def _hardtanh(x: Any, min_val: float = -1.0, max_val: float = 1.0) -> TorchFunction:
    if (min_val, max_val) == (0, 6):
        return TorchFunction("relu6", (x,))
    return TorchFunction("hardtanh", (x, min_val, max_val))


@operator("max_pool1d_with_indices", "max_pool2d_with_indices", "max_pool3d_with_indices")
def _max_pool(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> TorchFunction:
    return TorchFunction(
        f"max_pool{len(kernel_size)}d", (x, kernel_size, stride, padding, dilation, ceil_mode), first=True
    )


@operator("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def _adaptive_max_pool(x: Any, output_size: Any) -> TorchFunction:
    return TorchFunction(f"adaptive_max_pool{len(output_size)}d", (x, output_size), first=True)


@operator("elu")
def _elu(x: Any, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> TorchFunction:
    return TorchFunction("elu", (x, alpha)) if scale == input_scale == 1 else unknown("elu", (x,))


@operator("unfold")
def _unfold(x: Any, **_: Any) -> TorchFunction:
    return unknown("unfold", (x,))  # the method; the function is `im2col`


@operator("softmax")
def _softmax(x: Any, dim: int) -> TorchFunction:
    return TorchFunction("softmax", (x, dim))


@operator("log_softmax")
def _log_softmax(x: Any, dim: int) -> TorchFunction:
    return TorchFunction("log_softmax", (x, dim))


@operator("copy")
def _copied(x: Any, src: Any) -> TorchFunction:
    return TorchFunction("setitem", (x, ..., src))


@operator("_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_efficient_attention")
def _attention(
    query: Any, key: Any, value: Any, dropout_p: float = 0.0, is_causal: bool = False, attn_mask: Any = None,
    scale: Any = None,
) -> TorchFunction:  # fmt: skip
    more = {"scale": scale} if scale is not None else {}
    args = (query, key, value, attn_mask, dropout_p, is_causal)
    return TorchFunction("scaled_dot_product_attention", args, more, first=True)
