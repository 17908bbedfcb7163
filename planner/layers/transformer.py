"""Layers of a transformer's encoder and decoder, and stacks of them.

Vaswani et al., arXiv:1706.03762.

Source: https://docs.pytorch.org/docs/stable/nn.html#transformer-layers
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from planner.faults.heads_do_not_divide import HeadsDoNotDivide
from planner.faults.sizes_differ import SizesDiffer
from planner.geometry import KEEP, All, Link, Shape
from planner.layers._call import Call, Layout
from planner.layers._fields import BatchFirst, Count, Depth, Probability
from planner.layers._layer import Layer, Sizes
from planner.layers.attention import (
    IsCausal,
    MultiheadAttention,
    attended,
    attention_macs,
    must_be_sequences,
    query_macs,
)
from planner.layers.linear import affine
from planner.layers.norm._channels import scale_and_shift
from planner.regions import Region, count, positions


class _Transformer(Layer):
    """What the layers of encoders and decoders share, and stacks of them."""

    layout: ClassVar[Layout] = "last"
    stochastic: ClassVar[bool] = True
    mask: ClassVar[str]
    """The keyword of the forward pass that takes a mask for self-attention."""

    nhead: Count
    dim_feedforward: Count = 2048
    dropout: Probability = 0.1
    activation: Literal["relu", "gelu"] = "relu"
    layer_norm_eps: float = 1e-5
    batch_first: BatchFirst = True
    norm_first: bool = Field(False, description="Whether a block is normalized before it, rather than after it.")
    bias: bool = True
    d_model: Count | None = None

    @property
    def causal(self) -> bool:
        """Whether each position sees those before it alone."""
        (flag,) = self.in_forward
        return bool(getattr(self, flag))

    def check(self, *inputs: Shape) -> None:
        must_be_sequences(self.type_name(), inputs)
        width = inputs[0].channels
        self.must_equal("d_model", width)
        if width % self.nhead:
            raise HeadsDoNotDivide("nhead", width, self.nhead)

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        x, *others = inputs
        before, width, length = (KEEP,) * (len(x) - 2), All(x.channels), x[-2]
        own = Link((*before, attended(length, length, self.causal)), width)
        return ((own, *(Link((*before, All(length)), width) for _ in others)),)

    def weights(self, *inputs: Shape) -> Mapping[str, Sizes]:
        width, inner, bias = inputs[0].channels, self.dim_feedforward, self.bias
        attention = MultiheadAttention(num_heads=self.nhead, bias=bias).weights(Shape((1, width)))
        blocks = ("self_attn", "multihead_attn")[: self.takes[0]]
        weights = {f"{block}.{name}": sizes for block in blocks for name, sizes in attention.items()}
        weights |= {**affine(inner, width, bias, "linear1."), **affine(width, inner, bias, "linear2.")}
        for i in range(len(blocks) + 1):
            weights |= scale_and_shift((width,), True, bias, f"norm{i + 1}.")
        return weights

    def multiply_adds(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> int:
        x, *others = inputs
        return sum(attention_macs(x, y, y) for y in (x, *others)) + 2 * x.elements * self.dim_feedforward

    def spared(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], read: Region) -> int:
        x = inputs[0]
        unread = math.prod(x.spatial) - count(positions(read))  # of the last layer alone: those before are read whole
        single = sum(query_macs(x, y) for y in inputs) + 2 * x.channels * self.dim_feedforward
        return unread * single

    def layer_call(self, x: Shape, name: str) -> Call:
        """The call of PyTorch's class of a single layer."""
        names = _Transformer.model_fields
        given = {name: value for name, value in self.given().items() if name in names}
        return Call(f"nn.{name}", {"d_model": x.channels, **given, "batch_first": True}, layout="last")

    def called(self, x: Shape, call: Call) -> tuple[Call, ...]:
        """The call with what its forward pass is given."""
        call = replace(call, in_rows=len(x) > 2)
        if self.causal:
            (flag,) = self.in_forward
            call = replace(call, causal=self.mask, forward={flag: True})
        return (call,)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        x = inputs[0]
        return self.called(x, self.layer_call(x, self.type_name()))


class _Stacked(_Transformer):
    """Several layers, one after the other, each with weights of its own."""

    num_layers: Depth
    norm: bool = Field(False, description="Whether a LayerNorm stands at the end.")

    def weights(self, *inputs: Shape) -> Mapping[str, Sizes]:
        one = super().weights(*inputs).items()
        named = {f"layers.{i}.{name}": sizes for i in range(self.num_layers) for name, sizes in one}
        return named | (scale_and_shift((inputs[0].channels,), True, self.bias, "norm.") if self.norm else {})

    def multiply_adds(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> int:
        return self.num_layers * super().multiply_adds(inputs, outputs)

    def options(self) -> Mapping[str, object]:
        """The arguments of the stack beside its layers and its norm."""
        return {}

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        x, name = inputs[0], self.type_name()
        args: dict[str, object] = {
            f"{name.removeprefix('Transformer').lower()}_layer": self.layer_call(x, f"{name}Layer"),
            "num_layers": self.num_layers,
        }
        if self.norm:
            norm = {"normalized_shape": x.channels, **({} if self.bias else {"bias": False})}
            args["norm"] = Call("nn.LayerNorm", {**norm, "eps": self.layer_norm_eps}, layout="last")
        return self.called(x, Call(f"nn.{name}", {**args, **self.options()}, layout="last"))


class _Encoder(_Transformer):
    in_forward: ClassVar[tuple[str, ...]] = ("is_causal",)

    is_causal: IsCausal = False


class TransformerEncoderLayer(_Encoder):
    """One layer of a transformer's encoder on a sequence L×C: self-attention, and a feed-forward network of two
    linear layers.

    Both have a residual connection and a layer normalization, before them with `norm_first: true`. C must be a
    multiple of nhead. The sequence is the last spatial axis; axes before it are as a batch. With `is_causal: true`
    position i sees the positions 0 to i, as in GPT.
    Multiply-adds: those of MultiheadAttention, and 2·L·C·dim_feedforward.
    """

    mask: ClassVar[str] = "src_mask"


class TransformerEncoder(_Stacked, _Encoder):
    """num_layers transformer encoder layers, one after the other, and a layer normalization with `norm: true`.

    It takes the arguments of TransformerEncoderLayer and hands them to each layer; each has weights of its own.
    """

    mask: ClassVar[str] = "mask"

    enable_nested_tensor: Annotated[bool, Field(description="Only for padded batches: no effect on shapes.")] = False
    mask_check: bool = True

    def options(self) -> Mapping[str, object]:
        check = {} if self.mask_check else {"mask_check": False}
        return {"enable_nested_tensor": self.enable_nested_tensor, **check}


class _Decoder(_Transformer):
    takes: ClassVar[tuple[int, int | None]] = (2, 2)
    mask: ClassVar[str] = "tgt_mask"
    in_forward: ClassVar[tuple[str, ...]] = ("tgt_is_causal",)

    tgt_is_causal: IsCausal = False

    def check(self, *inputs: Shape) -> None:
        super().check(*inputs)
        target, memory = inputs
        if memory.channels != target.channels:
            help = f"bring the memory to {target.channels} channels: {{type: Linear, out_features: {target.channels}}}"
            raise SizesDiffer("the memory must have the channels of the target", inputs, help=help)
        if target.spatial[:-1] != memory.spatial[:-1]:
            help = "give both the same axes before their last two"
            raise SizesDiffer("the batch of tgt and memory must be the same", inputs, help=help)


class TransformerDecoderLayer(_Decoder):
    """One layer of a transformer's decoder, `from: [target, memory]`: the target L×C attends to itself and then to
    the memory S×C, the output of an encoder; a feed-forward network of two linear layers follows.

    Each of the three has a residual connection and a layer normalization, before it with `norm_first: true`. C must be
    a multiple of nhead. The sequence is the last spatial axis; axes before it are as a batch. With
    `tgt_is_causal: true` position i of the target sees the positions 0 to i of it; it sees all of the memory.
    Multiply-adds: those of two MultiheadAttention, and 2·L·C·dim_feedforward.
    """


class TransformerDecoder(_Stacked, _Decoder):
    """num_layers transformer decoder layers, one after the other, and a layer normalization with `norm: true`.

    `from: [target, memory]`; every layer attends to the same memory. It takes the arguments of
    TransformerDecoderLayer and hands them to each layer; each has weights of its own.
    """
