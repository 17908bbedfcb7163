"""Sequences: recurrent layers and attention.

Source: https://keras.io/api/layers/recurrent_layers/ and https://keras.io/api/layers/attention_layers/
"""

from __future__ import annotations

from planner.faults._in_text import shown
from planner.inputs._graph import NotSayable, Output
from planner.inputs._keras.building import Building, means
from planner.inputs._keras.given import Given, Sources
from planner.inputs._keras.shapes import reshaped

# Recurrent layers

RECURRENT = {"LSTM": "LSTM", "GRU": "GRU", "SimpleRNN": "RNN"}


def _must_be_usual(b: Building, given: Given) -> None:
    """Refuse cells that work otherwise than those of PyTorch."""
    if b.lead:
        raise NotSayable("it stands in a TimeDistributed")
    given.must_be("activation", *(("tanh", "relu") if given.kind == "SimpleRNN" else ("tanh",)))
    if given.kind != "SimpleRNN":
        given.must_be("recurrent_activation", "sigmoid")
    if given.kind == "GRU":
        given.must_be("reset_after", True)
    given.must_be("time_major", False)


def _run(b: Building, given: Given, x: Output, states: list[Output], path: str, both: bool) -> list[Output]:
    """The sequence that comes out of a recurrent layer, and its last states."""
    b.must_have(x, 1)
    if given.kind != "GRU" and given.flag("use_bias", True):
        label = f"{given.kind} has a bias in PyTorch for the input and another for the state, where Keras has one"
        b.note(f"{label}: more parameters are counted; the second is 0")
    relu = given.kind == "SimpleRNN" and given.text("activation", "tanh") == "relu"
    return b.step(
        RECURRENT[given.kind],
        x,
        *(reshaped(b, each, [1, *b.shape(each)]) for each in states),
        path=path,
        hidden_size=given.whole("units"),
        nonlinearity="relu" if relu else None,
        bias=None if given.flag("use_bias", True) else False,
        bidirectional=both or None,
    )


@means("LSTM", "GRU", "SimpleRNN")
def recurrent(b: Building, given: Given, sources: Sources) -> Output | list[Output]:
    _must_be_usual(b, given)
    tensors, count = sources.tensors, 2 if given.kind == "LSTM" else 1
    if len(tensors) not in (1, 1 + count) or isinstance(sources.kwargs.get("mask"), Output):
        raise NotSayable("it is called with a mask, or with other tensors than a sequence and its states")
    x, *states = tensors
    if given.flag("go_backwards", False):
        x = b.add("Flip", x, dims=2)
    sequence, *last = _run(b, given, x, states, given.path, both=False)
    whole = given.flag("return_sequences", False)
    if not given.flag("return_state", False):
        return sequence if whole else _vector(b, last[0])
    vectors = [_vector(b, each) for each in last]
    return [sequence if whole else vectors[0], *vectors]


def _vector(b: Building, state: Output) -> Output:
    """The states of all directions, one after the other."""
    return reshaped(b, state, [b.shape(state).elements])


@means("Bidirectional")
def bidirectional(b: Building, given: Given, sources: Sources) -> Output:
    x = sources.only_tensor()
    inner, backward = (
        within(given, key) for key in ("layer", "backward_layer" if given.has("backward_layer") else "layer")
    )
    if inner.kind not in RECURRENT:
        raise NotSayable(f"its layer is of the class {shown(inner.kind, 40)}")
    for key in ("units", "activation", "recurrent_activation", "use_bias", "reset_after", "return_sequences"):
        if inner.config.get(key) != backward.config.get(key):
            raise NotSayable(f"its two layers differ in {key}")
    given.must_be("merge_mode", "concat")
    inner.must_be("go_backwards", False)
    inner.must_be("return_state", False)
    _must_be_usual(b, inner)
    sequence, last, *_ = _run(b, inner, x, [], given.path, both=True)
    return sequence if inner.flag("return_sequences", False) else _vector(b, last)


def within(given: Given, key: str) -> Given:
    """The layer in a wrapper, which takes its name."""
    data = given.inner(key)
    kind, config = data.get("class_name"), data.get("config")
    if not isinstance(kind, str) or not isinstance(config, dict):
        raise NotSayable("its layer is not described")
    return Given(kind, given.label, config, given.path, given.named)


# Attention


@means("MultiHeadAttention")
def multi_head_attention(b: Building, given: Given, sources: Sources) -> Output:
    if b.lead:
        raise NotSayable("it stands in a TimeDistributed")
    given.must_be("use_gate", False)
    given.must_be("sliding_window", None)
    for asked in ("return_attention_scores", "attention_mask", "query_mask", "value_mask", "key_mask"):
        if sources.kwargs.get(asked):
            raise NotSayable(f"it is called with {asked}")
    query, value, key = sources.take("query", "value", "key")
    if query is None or value is None:
        raise NotSayable("it takes a query and a value")
    key = key or value
    rank = len(b.shape(query))
    axes = given.several("attention_axes", [*range(1, rank - 1)] if rank > 2 else [1])
    if [b.axis(query, axis) for axis in axes] != [rank - 2]:
        raise NotSayable("its attention goes along other axes than the one before the channels")
    causal = sources.kwargs.get("use_causal_mask") is True or None
    heads, size = given.whole("num_heads"), given.whole("key_dim")
    value_size = given.whole("value_dim") if given.has("value_dim") else size
    width = given.several("output_shape") or (b.shape(query).channels,)
    if len(width) != 1:
        raise NotSayable("its output_shape has several axes")
    bias = None if given.flag("use_bias", True) else False
    if heads * size == b.shape(query).channels == width[0] and value_size == size:
        together = [query] if query == value == key else [query, value] if key == value else [query, key, value]
        return b.add(
            "MultiheadAttention",
            *together,
            path=given.path,
            num_heads=heads,
            dropout=given.number("dropout", 0.0) or None,
            bias=bias,
            is_causal=causal,
        )
    return _with_projections(b, given, [query, key, value], [size, size, value_size], width[0], causal)


def _with_projections(
    b: Building, given: Given, tensors: list[Output], sizes: list[int], width: int, causal: bool | None
) -> Output:
    """Attention whose heads together are not as wide as the query, which PyTorch's layer cannot say."""
    heads = given.whole("num_heads")
    bias = None if given.flag("use_bias", True) else False
    axes = " ".join("abc"[: len(b.shape(tensors[0])) - 2])
    rows, lead = (f"{axes} l", f"{axes} ") if axes else ("l", "")
    with b.within(given.path, "MultiHeadAttention"):
        parts = []
        for name, x, size in zip(("query", "key", "value"), tensors, sizes, strict=True):
            projected = b.add("Linear", x, path=f"{given.path}.{name}", out_features=heads * size, bias=bias)
            parts.append(b.add("Rearrange", projected, pattern=f"{rows} (h d) -> {lead}h l d", h=heads))
        found = b.add("ScaledDotProductAttention", *parts, is_causal=causal)
        found = b.add("Rearrange", found, pattern=f"{lead}h l d -> {rows} (h d)")
        return b.add("Linear", found, path=f"{given.path}.output", out_features=width, bias=bias)


@means("Attention")
def attention(b: Building, given: Given, sources: Sources) -> Output:
    """Attention without projections and without a scale; Keras lists the query, the value, the key."""
    given.must_be("use_scale", False)
    given.must_be("score_mode", "dot")
    tensors = sources.tensors
    if len(tensors) not in (2, 3) or sources.kwargs.get("return_attention_scores"):
        raise NotSayable("it is called with other tensors than a query, a value and a key")
    query, value, *rest = tensors
    key = rest[0] if rest else value
    causal = True if sources.kwargs.get("use_causal_mask") is True else None
    path = given.shown_path
    return b.add("ScaledDotProductAttention", query, key, value, path=path, is_causal=causal, scale=1.0)
