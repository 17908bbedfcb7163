"""Attention: every position of a sequence reads all others, weighed by how well they fit.

Vaswani et al., arXiv:1706.03762.

Source: https://docs.pytorch.org/docs/stable/nn.html#transformer-layers
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from planner.faults.heads_do_not_divide import HeadsDoNotDivide
from planner.faults.sizes_differ import SizesDiffer
from planner.geometry import KEEP, All, Link, Shape
from planner.layers._fields import BatchFirst, Count, Depth, Probability
from planner.layers._layer import Call, Layer, Layout, Sizes
from planner.layers.linear import affine
from planner.layers.norm import scale_and_shift
from planner.regions import Region, count, positions


def attention_macs(query: Shape, key: Shape, value: Shape, *, more_keys: int = 0) -> int:
    """The multiply-adds of four projections, and of two products of queries by keys, to which the layer may add
    `more_keys`.
    """
    return query[0] * query_macs(query, key, more_keys) + key[0] * query.channels * (key.channels + value.channels)


def query_macs(query: Shape, key: Shape, more_keys: int = 0) -> int:
    """The multiply-adds of each single query: its projection, that of the result, and its products with keys and
    values.
    """
    width = query.channels
    return 2 * width * width + 2 * (key[0] + more_keys) * width


class MultiheadAttention(Layer):
    """Each position of a sequence L×C becomes a mean of all positions' values, weighed by query times key.

    With one source it attends to itself; with two, the first asks and the second is attended to; with three they are
    query, key and value. The result is as long as the query. The channels are those of the query; key and value may
    have others (kdim, vdim). It is done num_heads times, each with its part of the channels.
    Multiply-adds: the four projections, and two products of query length · key length · channels.
    """

    takes: ClassVar[tuple[int, int | None]] = (1, 3)
    rank: ClassVar[int | None] = 1
    layout: ClassVar[Layout] = "last"

    num_heads: Count
    dropout: Probability = 0.0
    bias: bool = True
    add_bias_kv: bool = False
    add_zero_attn: bool = False
    kdim: Count | None = None
    vdim: Count | None = None
    batch_first: BatchFirst = True
    embed_dim: Count | None = None

    def check(self, *inputs: Shape) -> None:
        query, key, value = _roles(inputs)
        self.must_equal("embed_dim", query.channels)
        self.must_equal("kdim", key.channels)
        self.must_equal("vdim", value.channels)
        if query.channels % self.num_heads:
            raise HeadsDoNotDivide("num_heads", query.channels, self.num_heads)
        if key.spatial != value.spatial:
            help = "give key and value the same length: one value for each key"
            raise SizesDiffer("key shape does not match value shape", (key, value), help=help)

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (length, width), others = inputs[0], inputs[1:]
        own = Link((KEEP if others else All(length),), All(width))
        return ((own, *(Link((All(length),), All(width)) for _ in others)),)

    def weights(self, *inputs: Shape) -> Mapping[str, Sizes]:
        width, kdim, vdim = (x.channels for x in _roles(inputs))
        named: dict[str, Sizes]
        if width == kdim == vdim:
            named = {"in_proj_weight": (3 * width, width)}
        else:
            named = {"q_proj_weight": (width, width), "k_proj_weight": (width, kdim), "v_proj_weight": (width, vdim)}
        if self.bias:
            named["in_proj_bias"] = (3 * width,)
        if self.add_bias_kv:
            named |= {"bias_k": (1, 1, width), "bias_v": (1, 1, width)}
        return named | affine(width, width, self.bias, "out_proj.")

    def macs(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> int:
        return attention_macs(*_roles(inputs), more_keys=self.add_bias_kv + self.add_zero_attn)

    def spared(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], read: Region) -> int:
        query, key, _ = _roles(inputs)
        unread = query[0] - count(positions(read))  # queries: all keys and values are needed
        return unread * query_macs(query, key, self.add_bias_kv + self.add_zero_attn)

    def derived(self, *inputs: Shape) -> Mapping[str, object]:
        query, key, value = _roles(inputs)
        other = {"kdim": key.channels, "vdim": value.channels}
        return {"embed_dim": query.channels, **{name: n for name, n in other.items() if n != query.channels}}

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        reads = {1: (0, 0, 0), 2: (0, 1, 1), 3: (0, 1, 2)}[len(inputs)]
        args = {**self.derived(*inputs), **self.given(), "batch_first": True}
        call = self.module(args, *inputs)
        return (replace(call, reads=reads, forward={"need_weights": False}, returns=((0,),)),)

    def needed(self, *inputs: Shape) -> tuple[str, ...]:
        return ("embed_dim", "num_heads")


def _roles(inputs: tuple[Shape, ...]) -> tuple[Shape, Shape, Shape]:
    """Query, key and value: all the same one, or the query alone, or three."""
    return inputs[0], inputs[min(1, len(inputs) - 1)], inputs[-1]


class _Transformer(Layer):
    """What one layer of a transformer's encoder and a stack of them share."""

    rank: ClassVar[int | None] = 1
    layout: ClassVar[Layout] = "last"
    stochastic: ClassVar[bool] = True

    nhead: Count
    dim_feedforward: Count = 2048
    dropout: Probability = 0.1
    activation: Literal["relu", "gelu"] = "relu"
    layer_norm_eps: float = 1e-5
    batch_first: BatchFirst = True
    norm_first: bool = Field(False, description="Whether a block is normalized before it, rather than after it.")
    bias: bool = True
    d_model: Count | None = None

    def check(self, *inputs: Shape) -> None:
        width = inputs[0].channels
        self.must_equal("d_model", width)
        if width % self.nhead:
            raise HeadsDoNotDivide("nhead", width, self.nhead)

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        length, width = inputs[0]
        return ((Link((All(length),), All(width)),),)

    def layer_weights(self, width: int) -> dict[str, Sizes]:
        inner, bias = self.dim_feedforward, self.bias
        attention = MultiheadAttention(num_heads=self.nhead, bias=bias).weights(Shape((1, width)))
        return {
            **{f"self_attn.{name}": sizes for name, sizes in attention.items()},
            **affine(inner, width, bias, "linear1."),
            **affine(width, inner, bias, "linear2."),
            **scale_and_shift((width,), True, bias, "norm1."),
            **scale_and_shift((width,), True, bias, "norm2."),
        }

    def layer_macs(self, x: Shape) -> int:
        return attention_macs(x, x, x) + 2 * x.elements * self.dim_feedforward

    def spared(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], read: Region) -> int:
        (x,) = inputs
        unread = x[0] - count(positions(read))  # of the last layer alone: those before it are read whole
        return unread * (query_macs(x, x) + 2 * x.channels * self.dim_feedforward)

    def layer_call(self, x: Shape) -> Call:
        names = _Transformer.model_fields
        given = {name: value for name, value in self.given().items() if name in names}
        args = {"d_model": x.channels, **given, "batch_first": True}
        return Call("nn.TransformerEncoderLayer", args, layout="last")


class TransformerEncoderLayer(_Transformer):
    """One layer of a transformer's encoder on a sequence L×C: self-attention, and a feed-forward network of two
    linear layers.

    Both have a residual connection and a layer normalization, before them with `norm_first: true`. C must be a
    multiple of nhead. Multiply-adds: those of MultiheadAttention, and 2·L·C·dim_feedforward.
    """

    def weights(self, *inputs: Shape) -> Mapping[str, Sizes]:
        return self.layer_weights(inputs[0].channels)

    def macs(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> int:
        return self.layer_macs(inputs[0])

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        return (self.layer_call(inputs[0]),)


class TransformerEncoder(_Transformer):
    """num_layers transformer encoder layers, one after the other, and a layer normalization with `norm: true`.

    It takes the arguments of TransformerEncoderLayer and hands them to each layer; each has weights of its own.
    """

    num_layers: Depth
    norm: bool = Field(False, description="Whether a LayerNorm stands at the end.")
    enable_nested_tensor: Annotated[bool, Field(description="Only for padded batches: no effect on shapes.")] = False
    mask_check: bool = True

    def weights(self, *inputs: Shape) -> Mapping[str, Sizes]:
        width = inputs[0].channels
        one = self.layer_weights(width).items()
        named = {f"layers.{i}.{name}": sizes for i in range(self.num_layers) for name, sizes in one}
        return named | (scale_and_shift((width,), True, self.bias, "norm.") if self.norm else {})

    def macs(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> int:
        return self.num_layers * self.layer_macs(inputs[0])

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        (x,) = inputs
        args: dict[str, object] = {"encoder_layer": self.layer_call(x), "num_layers": self.num_layers}
        if self.norm:
            norm = {"normalized_shape": x.channels, **({} if self.bias else {"bias": False})}
            args["norm"] = Call("nn.LayerNorm", {**norm, "eps": self.layer_norm_eps}, layout="last")
        args["enable_nested_tensor"] = self.enable_nested_tensor
        if not self.mask_check:
            args["mask_check"] = False
        return (Call("nn.TransformerEncoder", args, layout="last"),)
