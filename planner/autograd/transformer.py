"""The layers of `nn.Transformer`, and stacks of them, in training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from planner.autograd import attention, norms, pointwise, products
from planner.autograd.tape import Tape
from planner.autograd.tensors import Strided

Weights = Mapping[str, Strided]
LayerArguments = Mapping[str, Any]


def under(weights: Weights, prefix: str) -> Weights:
    """The weights of a submodule by its own names for them."""
    return {name.removeprefix(prefix): each for name, each in weights.items() if name.startswith(prefix)}


def layer(
    t: Tape, args: LayerArguments, weights: Weights, x: Strided, memory: Strided | None, *, causal: bool
) -> Strided:
    """A layer of an encoder or, with a memory, of a decoder."""
    seen = under(weights, "multihead_attn.")
    blocks: list[Callable[[Strided], Strided]] = [
        lambda y: _attended(t, args, under(weights, "self_attn."), [y, y, y], causal=causal)
    ]
    if memory is not None:
        blocks.append(lambda y: _attended(t, args, seen, [y, memory, memory], causal=False))
    blocks.append(lambda y: _fed_forward(t, args, weights, y))
    for i, block in enumerate(blocks, 1):
        norm = under(weights, f"norm{i}.")
        if args.get("norm_first"):
            x = pointwise.add(t, x, block(_normalized(t, norm, x)))
        else:
            x = _normalized(t, norm, pointwise.add(t, x, block(x)))
    return x


def stack(
    t: Tape, args: LayerArguments, weights: Weights, x: Strided, memory: Strided | None, *, causal: bool
) -> Strided:
    """Layers one after the other, and perhaps a norm."""
    inner = next(each for name, each in args.items() if name.endswith("coder_layer"))
    for i in range(args["num_layers"]):
        x = layer(t, inner.args, under(weights, f"layers.{i}."), x, memory, causal=causal)
    norm = under(weights, "norm.")
    return _normalized(t, norm, x) if norm else x


def _normalized(t: Tape, weights: Weights, x: Strided) -> Strided:
    return norms.layer_norm(t, x, 1, weights.get("weight"), weights.get("bias"))


def _attended(t: Tape, args: LayerArguments, weights: Weights, inputs: list[Strided], *, causal: bool) -> Strided:
    p = args.get("dropout", 0.1)
    made = attention.multihead(t, {"num_heads": args["nhead"], "dropout": p}, weights, inputs, causal=causal)
    return pointwise.dropout(t, made, p)


def _fed_forward(t: Tape, args: LayerArguments, weights: Weights, x: Strided) -> Strided:
    p = args.get("dropout", 0.1)
    inner = products.linear(t, x, weights["linear1.weight"], weights.get("linear1.bias"))
    inner = pointwise.function(t, inner, "output" if args.get("activation", "relu") == "relu" else "input")
    inner = pointwise.dropout(t, inner, p)
    made = products.linear(t, inner, weights["linear2.weight"], weights.get("linear2.bias"))
    return pointwise.dropout(t, made, p)
