"""Layers of `torch.nn`: each is the planner's layer of its name, with the arguments that its module has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planner.inputs._axes import Traced
from planner.inputs._building import GraphBuilder
from planner.inputs._graph import NotSayable
from planner.inputs.operations import all_operations
from planner.inputs.operations._arguments import chosen, per_axis
from planner.inputs.operations.arithmetic import operator
from planner.inputs.operations.constants import is_zero
from planner.inputs.operations.masking import as_addend, is_noted
from planner.inputs.operations.norms import batch_normalized, embedded, on_last
from planner.inputs.operations.windows import added_at_end, on_map
from planner.layers import all_layers

AS_FUNCTIONS = {
    "Softmax": ("softmax", ("dim",)), "LogSoftmax": ("log_softmax", ("dim",)), "GLU": ("glu", ("dim",)),
    "Upsample": ("interpolate", ("size", "scale_factor", "mode", "align_corners")),
    "UpsamplingNearest2d": ("interpolate", ("size", "scale_factor", "mode", "align_corners")),
    "UpsamplingBilinear2d": ("interpolate", ("size", "scale_factor", "mode", "align_corners")),
    "AvgPool1d": ("avg_pool1d", ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")),
    "Flatten": ("flatten", ()), "Unflatten": ("unflatten", ()),
}  # fmt: skip
"""Modules whose arguments depend on how the tensor lies, by the function that they call, and its arguments."""
LEFT_OUT = {
    "in_channels",
    "in_features",
    "num_features",
    "inplace",
    "device",
    "dtype",
    "normalized_shape",
    "num_channels",
    "batch_first",
}
"""Arguments that follow from the input, or say nothing about the values."""
WITHOUT_EFFECT = {"Identity"}


def layer(b: GraphBuilder, name: str, module: Any, path: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a layer of `torch.nn` gives, as steps."""
    function = all_operations()
    if name in WITHOUT_EFFECT or (name.startswith(("Dropout", "AlphaDropout", "FeatureAlpha")) and not module.p):
        return b.tensor(args[0])
    if name in AS_FUNCTIONS:
        called, names = AS_FUNCTIONS[name]
        return function[called](b, *args, **{each: getattr(module, each) for each in names})
    if name == "Softmax2d":
        return function["softmax"](b, *args, dim=-3)
    if len(args) == 1 and (found := _taken_apart(b, name, module, path, *args)) is not None:
        return found
    if name not in all_layers():
        raise NotSayable(f"nn.{name}")
    if name in WITH_MORE_INPUTS:
        return WITH_MORE_INPUTS[name](b, name, module, path, *args, **kwargs)
    if kwargs or len(args) != 1:
        raise NotSayable(f"nn.{name} with other inputs")
    if name == "GroupNorm" and module.affine and module.bias is None:
        raise NotSayable("group normalization with a scale alone")
    own = path if next(iter(module.state_dict()), None) is not None else None
    return _on_one(b, name, arguments_of(name, module), b.tensor(args[0]), own)


def _taken_apart(b: GraphBuilder, name: str, module: Any, path: str, x: Any) -> Any:
    """A layer whose weights are tensors by themselves: since these are read elsewhere too, or no layer has them so.
    None where it is another one.
    """
    function = all_operations()
    weights = [b.weights.get(f"{path}.{each}") for each in ("weight", "bias")]
    if name == "LayerNorm" and len(module.normalized_shape) > 1:
        return function["layer_norm"](b, x, module.normalized_shape, *weights, module.eps)
    if path not in b.apart:
        return None
    if name == "Linear":
        return function["linear"](b, x, *weights)
    plain = getattr(module, "padding_mode", "") == "zeros" and not isinstance(module.padding, str)
    if name in ("Conv1d", "Conv2d", "Conv3d") and plain:
        about = (module.stride, module.padding, module.dilation, module.groups)
        return function[name.lower()](b, x, *weights, *about)
    return None


def _on_one(b: GraphBuilder, name: str, arguments: dict[str, Any], tensor: Traced, path: str | None) -> Traced:
    """A layer that reads one tensor, with its channels where it wants them."""
    if name == "Embedding":
        return embedded(b, tensor, arguments, path)
    if name.startswith("BatchNorm"):
        return batch_normalized(b, tensor, arguments, path)
    layout = all_layers()[name].layout
    if layout == "any":
        return b.like(b.step(name, arguments, [tensor], path=path), tensor)
    if layout == "last":
        x = b.last(tensor)
        return on_last(b, b.step(name, arguments, [x], path=path), x)
    return on_map(b, name, arguments, tensor, path=path)


def arguments_of(name: str, module: Any) -> dict[str, Any]:
    """The arguments that a module was constructed with, as far as they are not at their defaults."""
    kind = all_layers()[name]
    found: dict[str, Any] = {}
    for field, about in kind.model_fields.items():
        if field in LEFT_OUT or not hasattr(module, field):
            continue
        value = getattr(module, field)
        if field in ("bias", "affine", "elementwise_affine") and not isinstance(value, bool):
            value = value is not None
        if isinstance(value, float) and value.is_integer() and field == "scale_factor":
            value = int(value)
        value = per_axis(value)
        default = about.default
        if field == "stride" and "Pool" in name and value == found.get("kernel_size"):
            continue
        if about.is_required() or value != (per_axis(default) if isinstance(default, tuple) else default):
            found[field] = value
    if name == "LayerNorm":
        if len(module.normalized_shape) != 1:
            raise NotSayable("layer normalization over several dimensions")
        if module.elementwise_affine is False:
            found.pop("bias", None)
    return found


def _transposed(b: GraphBuilder, name: str, module: Any, path: str, input: Any, output_size: Any = None) -> Traced:
    """A transposed convolution, perhaps to a size that is asked for."""
    arguments, x = arguments_of(name, module), b.tensor(input)
    if output_size is not None:
        arguments.pop("output_padding", None)
        added = added_at_end(b, module, x)
        arguments |= {"output_padding": added} if added else {}
    return on_map(b, name, arguments, x, path=path)


def _of_transformer(name: str, module: Any) -> dict[str, Any]:
    """The arguments of a layer of a transformer."""
    activation = module.activation if isinstance(module.activation, str) else getattr(module.activation, "__name__", "")
    if activation not in ("relu", "gelu"):
        raise NotSayable(f"nn.{name} with an activation of its own")
    return {"nhead": module.self_attn.num_heads, "dim_feedforward": module.linear1.out_features} | chosen(
        {
            "dropout": (module.dropout.p, 0.1),
            "activation": (activation, "relu"),
            "layer_norm_eps": (module.norm1.eps, 1e-5),
            "norm_first": (module.norm_first, False),
            "bias": (module.linear1.bias is not None, True),
        }
    )


def _encoder_layer(
    b: GraphBuilder, name: str, module: Any, path: str, src: Any, src_mask: Any = None,
    src_key_padding_mask: Any = None, is_causal: bool = False,
) -> Traced:  # fmt: skip
    """A layer of a transformer's encoder: (N, L, C), or (L, N, C)."""
    if src_key_padding_mask is not None or ((is_causal or src_mask is not None) and not _is_causal(b, src_mask)):
        raise NotSayable(f"nn.{name} with a mask")
    arguments = _of_transformer(name, module) | chosen({"is_causal": (src_mask is not None, False)})
    x = b.last(b.tensor(src))
    return on_last(b, b.step(name, arguments, [x], path=path), x)


def _decoder_layer(
    b: GraphBuilder, name: str, module: Any, path: str, tgt: Any, memory: Any, tgt_mask: Any = None,
    memory_mask: Any = None, tgt_key_padding_mask: Any = None, memory_key_padding_mask: Any = None,
    tgt_is_causal: bool = False, memory_is_causal: bool = False,
) -> Traced:  # fmt: skip
    """A layer of a transformer's decoder: (N, L, C), or (L, N, C)."""
    masks = (memory_mask, tgt_key_padding_mask, memory_key_padding_mask)
    causal = tgt_is_causal or tgt_mask is not None
    if any(each is not None for each in masks) or memory_is_causal or (causal and not _is_causal(b, tgt_mask)):
        raise NotSayable(f"nn.{name} with a mask")
    arguments = _of_transformer(name, module) | chosen({"tgt_is_causal": (causal, False)})
    read = [b.last(b.tensor(each)) for each in (tgt, memory)]
    return on_last(b, b.step(name, arguments, read, path=path), read[0])


def _recurrent(b: GraphBuilder, name: str, module: Any, path: str, input: Any, hx: Any = None) -> tuple[Any, ...]:
    """A recurrent layer on (N, L, C), or (L, N, C): all outputs, and the last states."""
    x, states = b.tensor(input), _first_states(b, hx)
    along = 1 if module.batch_first else 0
    if x.rank != 3 or b.batch not in x.dims[1 - along]:
        raise NotSayable(f"nn.{name} on other dimensions than samples, a sequence and channels")
    folded = b.folded(x, 1 - along)
    x = b.ordered(x, (*folded, x.own(along), x.own(2)))
    arguments = arguments_of(name, module) | ({"batch_axes": len(folded)} if folded else {})
    step = b.step(name, arguments, [x, *states], path=path)
    y = on_last(b, step, x)
    if folded:
        return y, (None, None) if name == "LSTM" else None
    last = [
        b.output(step, lambda axes: (axes[0], (b.batch,), axes[1]), i) for i in range(1, 3 if name == "LSTM" else 2)
    ]
    return y, tuple(last) if name == "LSTM" else last[0]


def _first_states(b: GraphBuilder, hx: Any) -> list[Traced]:
    """The states at which a recurrent layer begins, (layers, N, C); none where they are 0, as without them."""
    states = [] if hx is None else [b.tensor(each) for each in (hx if isinstance(hx, tuple | list) else (hx,))]
    if all(is_zero(b, each) for each in states):
        return []
    if any(each.rank != 3 or each.dims[1] != (b.batch,) for each in states):
        raise NotSayable("first states of other dimensions than layers, samples and channels")
    return [b.ordered(each, (each.own(0), each.own(2))) for each in states]


def _on_pairs(b: GraphBuilder, name: str, module: Any, path: str, x: Any, y: Any) -> Traced:
    """A bilinear layer, which works on the last dimensions of two tensors, whatever stands before these."""
    both = [b.tensor(each) for each in (x, y)]
    read = [b.ordered(each, (*b.rows(each, [each.rank - 1]), each.own(each.rank - 1))) for each in both]
    return on_last(b, b.step(name, arguments_of(name, module), read, path=path), read[0])


def _cell(b: GraphBuilder, name: str, module: Any, path: str, input: Any, hx: Any = None) -> Any:
    """One step of a recurrent layer: (N, C), and its states as they were."""
    states = () if hx is None else hx if isinstance(hx, tuple | list) else (hx,)
    read = [b.last(b.tensor(each)) for each in (input, *states)]
    if any(each.rank != 2 or each.dims[0] != (b.batch,) for each in read):
        raise NotSayable(f"nn.{name} on other dimensions than samples and channels")
    arguments = arguments_of(name, module)
    arguments.pop("input_size", None)
    step = b.step(name, arguments, read, path=path)
    found = tuple(b.output(step, lambda axes: ((b.batch,), axes[0]), i) for i in range(2 if name == "LSTMCell" else 1))
    return found if name == "LSTMCell" else found[0]


def _is_causal(b: GraphBuilder, mask: Any) -> bool:
    """Whether a mask is the constant that hides all that comes behind."""
    return isinstance(mask, Traced) and is_noted(b, "causal", mask)


def _mask(b: GraphBuilder, keys: Any, products: Any) -> Traced | None:
    """What is added to the products of queries and keys: (L, S), or (N, S) for keys that are hidden from all queries.
    Truth values hide where they hold.
    """
    if keys is None and products is None:
        return None
    if len(set(b.reads[3:])) > 1:
        raise NotSayable("nn.MultiheadAttention with masks of two kinds")
    given = [None if each is None else b.tensor(each) for each in (keys, products)]
    if any(x is not None and (x.rank != 2 or (b.batch in x.dims[0]) != (not i)) for i, x in enumerate(given)):
        raise NotSayable("nn.MultiheadAttention with a mask of its own for each head")
    first, *others = [as_addend(b, x, hides=True) if b.reads[3] == "truth" else x for x in given if x is not None]
    for each in others:
        first = operator("Add", b, first.with_dims((first.dims[0], (), first.dims[1])), each)
    return b.ordered(first, b.rows(first, ()))


def attention(
    b: GraphBuilder, name: str, module: Any, path: str, query: Any, key: Any, value: Any, key_padding_mask: Any = None,
    need_weights: bool = True, attn_mask: Any = None, average_attn_weights: bool = True, is_causal: bool = False,
) -> tuple[Any, ...]:  # fmt: skip
    """Attention of several heads: (N, L, C), or (L, N, C)."""
    given = [b.tensor(each) for each in (query, key, value)]
    mask = _mask(b, key_padding_mask, attn_mask)
    causal = attn_mask is not None and key_padding_mask is None and _is_causal(b, attn_mask)
    alone = all(each is given[0] for each in given) and (mask is None or causal)
    read = [b.last(each) for each in (given[:1] if alone else given)]
    arguments = arguments_of(name, module)
    if causal:
        arguments["is_causal"] = True
    elif mask is not None:
        read.append(mask)
    for gone in ("kdim", "vdim", "embed_dim"):
        arguments.pop(gone, None)
    arguments |= {"bias": False} if module.in_proj_bias is None else {}
    arguments |= {"add_bias_kv": True} if module.bias_k is not None else {}
    step = b.step(name, arguments, read, path=path)
    return on_last(b, step, read[0]), None


WITH_MORE_INPUTS: dict[str, Callable[..., Any]] = {
    "MultiheadAttention": attention, "TransformerEncoderLayer": _encoder_layer,
    "TransformerDecoderLayer": _decoder_layer, "Bilinear": _on_pairs,
    **dict.fromkeys(("LSTM", "GRU", "RNN"), _recurrent),
    **dict.fromkeys(("LSTMCell", "GRUCell", "RNNCell"), _cell),
    **dict.fromkeys(("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"), _transposed),
}  # fmt: skip
"""Layers that may be given more than one tensor."""
