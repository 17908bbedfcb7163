"""Layers of `torch.nn` that a program has as several functions, or whose arguments it has in another way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple, Protocol

from planner.inputs._exported.program import OperatorCall, TensorName, refs


class NotALayer(Exception):
    """Calls that are not those of the layer."""


class Replayed(Protocol):
    """What layers ask of the program's calls so far."""

    program: Any

    def sizes(self, name: str) -> tuple[int, ...]: ...

    def settled(self, data: Any) -> Any: ...


class StandIn:
    """What stands for a module: the arguments that it was made with."""

    def __init__(self, *, weights: bool = True, **arguments: Any) -> None:
        vars(self).update(arguments)
        self._weights = weights

    def state_dict(self) -> dict[str, Any]:
        return {"weight": None} if self._weights else {}


class Found(NamedTuple):
    """A layer: the module's arguments, what it is called with, and what it gives."""

    module: StandIn
    args: tuple[Any, ...]
    result: Any


LayerMeaning = Callable[[Replayed, Sequence[OperatorCall]], Found]
LAYERS: dict[str, LayerMeaning] = {}


def _layer(*names: str) -> Callable[[LayerMeaning], LayerMeaning]:
    def added(meaning: LayerMeaning) -> LayerMeaning:
        LAYERS.update(dict.fromkeys(names, meaning))
        return meaning

    return added


def _only(calls: Sequence[OperatorCall], *names: str) -> dict[str, Any]:
    """The arguments of the only call, which is of a certain function."""
    (call,) = calls
    if call.name.rstrip("_") not in names or call.kwargs:
        raise NotALayer
    return dict(call.args)


@_layer("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout")
def _dropout(r: Replayed, calls: Sequence[OperatorCall]) -> Found:
    given = _only(calls, "dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")
    return Found(StandIn(weights=False, p=given["p"]), (given["input"],), calls[0].result)


@_layer("PReLU")
def _prelu(r: Replayed, calls: Sequence[OperatorCall]) -> Found:
    given = _only(calls, "prelu")
    return Found(StandIn(num_parameters=prod(r.sizes(given["weight"].name))), (given["self"],), calls[0].result)


@_layer("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d")
def _instance_norm(r: Replayed, calls: Sequence[OperatorCall]) -> Found:
    given = _only(calls, "instance_norm")
    module = StandIn(
        weights=given["weight"] is not None or given["running_mean"] is not None,
        eps=given["eps"],
        momentum=given["momentum"],
        affine=given["weight"] is not None,
        track_running_stats=given["running_mean"] is not None,
    )
    return Found(module, (given["input"],), calls[0].result)


@_layer("LSTM", "GRU", "RNN")
def _recurrent(r: Replayed, calls: Sequence[OperatorCall]) -> Found:
    """A recurrent layer whose first state is zero."""
    *zeros, call = calls
    given = call.args
    if call.name not in ("lstm", "gru", "rnn_tanh", "rnn_relu") or any(each.name != "zeros" for each in zeros):
        raise NotALayer
    if not {each.name for each in refs(given["hx"])} <= {each.name for zero in zeros for each in refs(zero.result)}:
        raise NotALayer
    first, second = (r.sizes(each.name) for each in given["params"][:2])
    gates = {"lstm": 4, "gru": 3}.get(call.name, 1)
    last = len(given["params"]) // (given["num_layers"] * (1 + given["bidirectional"]))
    module = StandIn(
        input_size=first[1],
        hidden_size=first[0] // gates,
        num_layers=given["num_layers"],
        bias=given["has_biases"],
        batch_first=given["batch_first"],
        dropout=given["dropout"],
        bidirectional=given["bidirectional"],
        proj_size=second[1] if last in (3, 5) else 0,
        nonlinearity=call.name.removeprefix("rnn_"),
    )
    y, *states = call.result
    return Found(module, (given["input"],), (y, tuple(states) if len(states) > 1 else states[0]))


@_layer("MultiheadAttention")
def _attention(r: Replayed, calls: Sequence[OperatorCall]) -> Found:
    """Attention of several heads, without a mask: the products with the stored matrices, and what stands between."""
    stored: dict[str, str] = {name: own.rpartition(".")[2] for name, own in r.program.origins.items()}
    made = {each.name: call for call in calls for each in refs(call.result)}

    def origin(ref: TensorName) -> str:
        """The name of the stored tensor that a matrix is a part of."""
        while ref.name in made:
            ref = next(refs(made[ref.name].args))
        return stored.get(ref.name, "")

    linear = [call for call in calls if call.name == "linear"]
    into = [call for call in linear if origin(call.args["weight"]) in ("in_proj_weight", *PROJECTIONS)]
    (out,) = (call for call in linear if origin(call.args["weight"]) == "weight")
    if not 1 <= len(into) <= 3 or len(into) + 1 != len(linear) or any(_is_masked(call) for call in calls):
        raise NotALayer
    outer = [_outside(call.args["input"], made) for call in into]
    query, key, value = {1: outer * 3, 2: [*outer, *outer[1:]], 3: outer}[len(into)]
    width = r.sizes(out.args["weight"].name)[0]
    inner = next(call for call in calls if call.name in ("scaled_dot_product_attention", "bmm", "baddbmm"))
    per_head = r.sizes(next(refs(inner.args)).name)[-1]
    names = {stored[each.name] for call in calls for each in refs(call.args) if each.name in stored}
    if names & {"bias_k", "bias_v"} or any(call.name in ("cat", "pad", "zeros") for call in calls):
        raise NotALayer
    module = StandIn(
        num_heads=width // per_head,
        dropout=0.0,
        bias="in_proj_bias" in names,
        in_proj_bias=True if "in_proj_bias" in names else None,
        bias_k=None,
        add_zero_attn=False,
    )
    return Found(module, (query, key, value), (_end(out.result, calls), None))


PROJECTIONS = ("q_proj_weight", "k_proj_weight", "v_proj_weight")


def _is_masked(call: OperatorCall) -> bool:
    given = {**call.args, **call.kwargs}
    return call.name == "baddbmm" or given.get("attn_mask") is not None or bool(given.get("is_causal"))


def _outside(ref: TensorName, made: dict[str, OperatorCall]) -> TensorName:
    """The tensor from outside that is only turned."""
    while ref.name in made:
        if made[ref.name].name != "transpose":
            raise NotALayer
        ref = next(refs(made[ref.name].args))
    return ref


def _end(ref: TensorName, calls: Sequence[OperatorCall]) -> TensorName:
    """The last of the tensors that are only another view of one."""
    for call in calls:
        if call.name in ("view", "transpose", "reshape", "squeeze") and next(refs(call.args)) == ref:
            ref = call.result
    return ref


@_layer("TransformerEncoderLayer")
def _encoder_layer(r: Replayed, calls: Sequence[OperatorCall]) -> Found:
    """A layer of a transformer's encoder, without a mask."""
    path = next(each.path for each in calls[0].frames if each.name == "TransformerEncoderLayer")
    parts: dict[str, list[OperatorCall]] = {}
    for call in calls:
        own = next((each.path for each in call.frames if each.path.startswith(f"{path}.")), path)
        parts.setdefault(own.removeprefix(path).lstrip("."), []).append(call)
    attention = _attention(r, parts["self_attn"])
    (linear1,), (norm1,) = parts["linear1"], parts["norm1"]
    between = [each.name for each in parts[""] if each.name not in ("add", "transpose")]
    if len(set(attention.args)) > 1 or between not in (["relu"], ["gelu"]):
        raise NotALayer
    first = calls.index(norm1) < calls.index(linear1) and calls.index(norm1) < calls.index(parts["self_attn"][0])
    dropout = next((each.args["p"] for each in parts.get("dropout", [])), 0.0)
    module = StandIn(
        activation=between[0],
        self_attn=attention.module,
        linear1=StandIn(out_features=r.sizes(linear1.args["weight"].name)[0], bias=linear1.args.get("bias")),
        dropout=StandIn(p=dropout),
        norm1=StandIn(eps=norm1.args.get("eps", 1e-5)),
        norm_first=first,
    )
    source = next(refs(norm1.args)) if first else attention.args[0]
    return Found(module, (source,), calls[-1].result)
