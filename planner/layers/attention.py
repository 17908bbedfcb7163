"""Attention: every position of a sequence reads all others, or those before it, weighed by how well they fit.

Vaswani et al., arXiv:1706.03762.

Source: https://docs.pytorch.org/docs/stable/nn.html#transformer-layers and
https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field

from planner.diagnostics import puts
from planner.faults.heads_do_not_divide import HeadsDoNotDivide
from planner.faults.option_does_not_apply import OptionDoesNotApply
from planner.faults.sizes_differ import SizesDiffer
from planner.faults.wrong_number_of_axes import WrongNumberOfAxes
from planner.geometry import KEEP, All, AxisMap, Link, Prefix, Raveled, Shape, broadcast
from planner.layers._call import Call, Layout
from planner.layers._fields import BatchFirst, Count, Probability
from planner.layers._layer import Layer, Sizes
from planner.layers.linear import affine
from planner.regions import Region, count, positions

_UNFIT = "expected size for first two dimensions of batch2 tensor"
"""PyTorch's words for matrices that cannot be multiplied."""

IsCausal = Annotated[
    bool, Field(description="Whether position i of the query sees the positions 0 to i alone, and none behind it.")
]


def attended(length: int, queries: int, is_causal: bool) -> AxisMap:
    """The map of a sequence of so many keys: each query sees all of them, or those up to its own position."""
    if not is_causal:
        return All(queries)
    return Prefix() if length == queries else Prefix(queries)


def attention_macs(query: Shape, key: Shape, value: Shape, *, more_keys: int = 0) -> int:
    """The multiply-adds of four projections, and of two products of queries by keys, to which the layer may add
    `more_keys`.
    """
    keys = math.prod(key.spatial) * query.channels * (key.channels + value.channels)
    return math.prod(query.spatial) * query_macs(query, key, more_keys) + keys


def query_macs(query: Shape, key: Shape, more_keys: int = 0) -> int:
    """The multiply-adds of each single query: its projection, that of the result, and its products with keys and
    values.
    """
    width = query.channels
    return 2 * width * width + 2 * (key[-2] + more_keys) * width


def must_be_sequences(layer: str, inputs: Sequence[Shape]) -> None:
    """Raise the fault of an input without an axis of positions."""
    for x in inputs:
        if not x.spatial:
            raise WrongNumberOfAxes(layer, x, (1, 2, 3))


class MultiheadAttention(Layer):
    """Each position of a sequence L×C becomes a mean of all positions' values, weighed by query times key.

    With one source it attends to itself; with two, the first asks and the second is attended to; with three they are
    query, key and value. The result is as long as the query. The channels are those of the query; key and value may
    have others (kdim, vdim). It is done num_heads times, each with its part of the channels.

    The sequence is the last spatial axis; axes before it are as a batch, such as windows of an image. With
    `is_causal: true` position i sees the positions 0 to i. A fourth source is a mask, which is added to the products
    of queries and keys: …×L×S, or …×num_heads×L×S, where −∞ hides a key from a query. As in PyTorch, axes before L×S
    are repeated, and S alone hides keys from all queries, as for padding. The analyses know what a mask hides in all
    heads where its −∞ come from a `Constant`, moved about and added to other tensors; else a hidden position counts as
    read.
    Multiply-adds: the four projections, and two products of query length · key length · channels.
    """

    takes: ClassVar[tuple[int, int | None]] = (1, 4)
    masks: ClassVar[bool] = True
    layout: ClassVar[Layout] = "last"
    in_forward: ClassVar[tuple[str, ...]] = ("is_causal",)

    num_heads: Count
    dropout: Probability = 0.0
    bias: bool = True
    add_bias_kv: bool = False
    add_zero_attn: bool = False
    kdim: Count | None = None
    vdim: Count | None = None
    batch_first: BatchFirst = True
    embed_dim: Count | None = None
    is_causal: IsCausal = False

    def check(self, *inputs: Shape) -> None:
        must_be_sequences("MultiheadAttention", inputs[:3])
        query, key, value = _roles(inputs)
        self.must_equal("embed_dim", query.channels)
        self.must_equal("kdim", key.channels)
        self.must_equal("vdim", value.channels)
        if query.channels % self.num_heads:
            raise HeadsDoNotDivide("num_heads", query.channels, self.num_heads)
        if key.spatial != value.spatial:
            help = "give key and value the same length: one value for each key"
            raise SizesDiffer("key shape does not match value shape", (key, value), help=help)
        if query.spatial[:-1] != key.spatial[:-1]:
            help = "give query, key and value the same axes before their last two"
            raise SizesDiffer("query and key must have the same batch", (query, key), help=help)
        length, keys = query[-2], key[-2]
        if self.is_causal and length != keys:
            help = "leave `is_causal` out where a sequence attends to another one"
            message = f"the shape of the 2D attn_mask is ({length}, {length}), but should be ({length}, {keys})"
            raise SizesDiffer(message, (query, key), help=help)
        if len(inputs) > 3:
            self._must_fit(inputs[3], query, (length, keys))

    def _must_fit(self, mask: Shape, query: Shape, products: tuple[int, int]) -> None:
        """Raise the fault of a mask that cannot be added to the products of queries and keys."""
        if self.is_causal:
            raise OptionDoesNotApply.causal_mask()
        wanted = Shape((*query.spatial[:-1], self.num_heads, *products))
        must_broadcast(mask, wanted)

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        query, others, masks = inputs[0], inputs[1:3], inputs[3:]
        before, width = (KEEP,) * (len(query) - 2), All(query.channels)
        along = attended(_roles(inputs)[1][-2], query[-2], self.is_causal)
        own = Link((*before, KEEP if others else along), width)
        found = [own, *(Link((*before, along), width) for _ in others)]
        for mask in masks:
            heads = len(query) - 2  # the place of their axis among those of the products: it is folded away
            link = repeated(mask, (*query.spatial[:-1], self.num_heads, query[-2]), width)
            axes = [All(1) if to == heads else axis for axis, to in zip(link.axes, link.landing, strict=True)]
            onto = (None if to == heads else min(to or 0, heads) for to in link.landing)
            found.append(Link(tuple(axes), width, tuple(onto)))
        return (tuple(found),)

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

    def multiply_adds(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> int:
        return attention_macs(*_roles(inputs), more_keys=self.add_bias_kv + self.add_zero_attn)

    def spared(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], read: Region) -> int:
        query, key, _ = _roles(inputs)
        unread = math.prod(query.spatial) - count(positions(read))  # queries: all keys and values are needed
        return unread * query_macs(query, key, self.add_bias_kv + self.add_zero_attn)

    def derived(self, *inputs: Shape) -> Mapping[str, object]:
        query, key, value = _roles(inputs)
        return {"embed_dim": query.channels, "kdim": key.channels, "vdim": value.channels}

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        query, masks = inputs[0], inputs[3:]
        given = {name: value for name, value in self.given().items() if name not in self.in_forward}
        width, *others = self.derived(*inputs).items()
        args = dict([width, *given.items(), *(each for each in others if each[0] not in given), ("batch_first", True)])
        call = replace(
            self.module(args, *inputs),
            reads={1: (0, 0, 0), 2: (0, 1, 1), 3: (0, 1, 2), 4: (0, 1, 2, 3)}[len(inputs)],
            forward={"need_weights": False},
            returns=((0,),),
            same_as={"kdim": "embed_dim", "vdim": "embed_dim"},
            in_rows=len(query) > 2 or bool(masks),
        )
        if masks:
            call = replace(call, named=("attn_mask",), widened=(0, 0, 0, len(query) + 1 - len(masks[0])), repeats=(3,))
        if self.is_causal:
            # With keys that the module adds itself only the mask is given: PyTorch's flag would hide these keys.
            flag = {} if self.add_bias_kv or self.add_zero_attn else {"is_causal": True}
            call = replace(call, causal="attn_mask", forward={**call.forward, **flag})
        return (call,)

    def needed(self, *inputs: Shape) -> tuple[str, ...]:
        return ("embed_dim", "num_heads")


def _roles(inputs: tuple[Shape, ...]) -> tuple[Shape, Shape, Shape]:
    """Query, key and value: all the same one, or the query alone, or three."""
    own = inputs[:3]
    return own[0], own[min(1, len(own) - 1)], own[-1]


def must_broadcast(mask: Shape, products: Shape) -> None:
    """Raise the fault of a mask that cannot be repeated to the products of queries and keys."""
    sizes = products[len(products) - len(mask) :]
    if len(mask) > len(products) or any(n not in (1, size) for n, size in zip(mask, sizes, strict=True)):
        help = f"give the mask the shape {products}, of which axes in front may be missing or 1"
        raise SizesDiffer("the mask must be broadcastable to the attention weights", (mask, products), help=help)


def repeated(x: Shape, spatial: Sequence[int], channels: AxisMap) -> Link:
    """The link of a tensor whose spatial axes are repeated to others, where they are 1 or missing in front."""
    more = len(spatial) - len(x.spatial)
    axes = tuple(broadcast(n, size) for n, size in zip(x.spatial, spatial[more:], strict=True))
    return Link(axes, channels, tuple(range(more, len(spatial))) if more else None)


class ScaledDotProductAttention(Layer):
    """Attention without projections: each query becomes a mean of the values, weighed by softmax(query · key · scale).

    `from: [query, key, value]`, as L×E, S×E and S×Ev with any axes before them, such as heads; the result is L×Ev. A
    fourth source is a mask, which is added to the products before the softmax: …×L×S, where −∞ hides a key from a
    query; S alone hides keys from all queries, as for padding. With `is_causal: true` position i sees the positions 0
    to i. Axes before the last two are repeated where they are 1; with `enable_gqa: true` each head of key and value
    serves several of the query. The scale is 1/√E if it is not given. The analyses know what a mask hides in all heads
    where its −∞ come from a `Constant`, moved about and added to other tensors; else a hidden position counts as read.
    As torch.nn.functional.scaled_dot_product_attention without dropout. Multiply-adds: L·S·(E + Ev) for each head.
    """

    takes: ClassVar[tuple[int, int | None]] = (3, 4)
    one_type: ClassVar[bool] = True
    masks: ClassVar[bool] = True
    layout: ClassVar[Layout] = "last"

    is_causal: IsCausal = False
    scale: float | None = Field(None, description="What products are multiplied by; 1/√E if it is not given.")
    enable_gqa: bool = Field(False, description="Whether a head of key and value may serve several of the query.")

    def check(self, *inputs: Shape) -> None:
        query, key, value = inputs[:3]
        must_be_sequences("ScaledDotProductAttention", inputs)
        if len({len(x) for x in inputs[:3]}) > 1:
            raise SizesDiffer("tensors must have same number of dimensions", inputs[:3])
        if query.channels != key.channels:
            help = "give query and key equally many channels"
            raise SizesDiffer(f"query and key must have the same channels: {_UNFIT}", (query, key), help=help)
        if key[-2] != value[-2]:
            help = "give key and value the same length: one value for each key"
            raise SizesDiffer(f"key and value must have the same length: {_UNFIT}", (key, value), help=help)
        self._must_meet(*inputs[:3])
        if len(inputs) > 3:
            if self.is_causal:
                raise OptionDoesNotApply.causal_mask()
            must_broadcast(inputs[3], Shape((*self._before(*inputs[:3]), query[-2], key[-2])))

    def _must_meet(self, query: Shape, key: Shape, value: Shape) -> None:
        """Raise the fault of axes before the sequences, such as heads, that differ."""
        if self.enable_gqa and len(query) > 2:
            heads = (query[-3], key[-3], value[-3])
            if any(heads[0] % n for n in heads):
                message = "number of heads in key and value must divide the number of heads in query"
                raise SizesDiffer(message, (query, key, value), help="give the query a multiple of their heads")
        if any(len({n for n in sizes if n > 1}) > 1 for sizes in self._axes(query, key, value)):
            message = "the sizes of tensors must match at non-singleton dimensions"
            help = "give query, key and value the same axes before their last two"
            if self.enable_gqa or not self._meet_in_groups(query, key, value):
                raise SizesDiffer(message, (query, key, value), help=help)
            fault = SizesDiffer(
                message,
                (query, key, value),
                help="if a head of key is to serve several of the query, add `enable_gqa: true`; else " + help,
            )
            fault.mends = tuple(puts("enable_gqa", True))
            raise fault

    def _meet_in_groups(self, query: Shape, key: Shape, value: Shape) -> bool:
        """Whether they meet where a head of key and value serves several of the query."""
        try:
            self.model_copy(update={"enable_gqa": True})._must_meet(query, key, value)
        except SizesDiffer:
            return False
        return True

    def _shared(self, x: Shape, query: Shape) -> int:
        """How many heads of the query each head serves."""
        return query[-3] // x[-3] if self.enable_gqa and len(x) > 2 else 1

    def _axes(self, query: Shape, key: Shape, value: Shape) -> Iterator[tuple[int, ...]]:
        """The sizes that each axis before the sequences has in all three, where a head that serves several counts as
        many.
        """
        heads = ((*x[:-3], *(n * self._shared(x, query) for n in x[-3:-2])) for x in (query, key, value))
        return zip(*heads, strict=True)

    def _before(self, query: Shape, key: Shape, value: Shape) -> tuple[int, ...]:
        """The axes before the sequence, of which those of one cell are repeated."""
        return tuple(map(max, self._axes(query, key, value)))

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        query, key, value = inputs[:3]
        before, width = self._before(query, key, value), All(value.channels)
        along = attended(key[-2], query[-2], self.is_causal)
        found = []
        for x, rows, channels in ((query, KEEP, width), (key, along, width), (value, along, KEEP)):
            axes = [broadcast(n, size) for n, size in zip(x[:-2], before, strict=True)]
            if (shared := self._shared(x, query)) > 1:
                axes[-1] = Raveled(KEEP, shared)
            found.append(Link((*axes, rows), channels))
        found += [repeated(mask, (*before, query[-2]), width) for mask in inputs[3:]]
        return (tuple(found),)

    def outputs(self, links: tuple[tuple[Link, ...], ...], *inputs: Shape) -> tuple[Shape, ...]:
        query, _, value = inputs[:3]
        return (Shape((*self._before(*inputs[:3]), query[-2], value.channels)),)

    def _query_macs(self, inputs: tuple[Shape, ...]) -> int:
        query, key, value = inputs[:3]
        return key[-2] * (query.channels + value.channels)

    def multiply_adds(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> int:
        return math.prod(outputs[0].spatial) * self._query_macs(inputs)

    def spared(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], read: Region) -> int:
        unread = math.prod(outputs[0].spatial) - count(positions(read))
        return unread * self._query_macs(inputs)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        call = Call("F.scaled_dot_product_attention", self.given(), layout="last")
        if len(inputs) > 3:
            more = len(inputs[0]) - len(inputs[3])
            call = replace(call, named=("attn_mask",), widened=(0, 0, 0, more), repeats=(3,))
        return (call,)
