"""Recurrent layers: a sequence is read cell by cell, with a state that is carried on; and single cells.

Source: https://docs.pytorch.org/docs/stable/nn.html#recurrent-layers
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from planner.faults.projection_too_large import ProjectionTooLarge
from planner.faults.sizes_differ import SizesDiffer
from planner.faults.wrong_number_of_axes import WrongNumberOfAxes
from planner.faults.wrong_number_of_sources import WrongNumberOfSources
from planner.geometry import KEEP, All, AxisMap, Link, Prefix, Shape
from planner.layers._batch_axes import TakesBatchAxes
from planner.layers._call import Call, Layout
from planner.layers._fields import BatchFirst, Count, Depth, Natural, Probability
from planner.layers._layer import Layer, Sizes
from planner.regions import Region


class _Stateful(Layer):
    """What recurrent layers and their cells share: `gates` matrices of the hidden size, and `states` that are carried
    on.
    """

    layout: ClassVar[Layout] = "last"
    extras: ClassVar[bool] = True
    gates: ClassVar[int]
    states: ClassVar[int] = 1

    hidden_size: Count

    def must_take(self, count: int) -> None:
        """Refuse any number of sources but one, or one with all states."""
        if count not in (1, 1 + self.states):
            names = ("x", "h", "c")[: 1 + self.states]
            raise WrongNumberOfSources(
                self.type_name(),
                count,
                *self.takes,
                headline=f"{self.type_name()} takes 1 source or {1 + self.states}",
                help=f"name the input alone, or `from: [{', '.join(names)}]` with {_STATES[self.states]}",
            )

    def check(self, *inputs: Shape) -> None:
        self.must_equal("input_size", inputs[0].channels)

    def state_channels(self) -> tuple[int, ...]:
        """The channels of each state."""
        return (self.hidden_size,) * self.states

    def cell_weights(self, channels: int, bias: bool, ending: str = "") -> Mapping[str, Sizes]:
        """The weights of one cell that reads so many channels."""
        rows, state = self.gates * self.hidden_size, self.state_channels()[0]
        named: dict[str, Sizes] = {f"weight_ih{ending}": (rows, channels), f"weight_hh{ending}": (rows, state)}
        if bias:
            named |= {f"bias_ih{ending}": (rows,), f"bias_hh{ending}": (rows,)}
        if state != self.hidden_size:
            named[f"weight_hr{ending}"] = (state, self.hidden_size)
        return named

    def derived(self, *inputs: Shape) -> Mapping[str, object]:
        return {"input_size": inputs[0].channels}


_STATES = {1: "its state", 2: "its hidden state and its cell state"}


class _Recurrent(TakesBatchAxes, _Stateful):
    """What layers share that go along a sequence; with `batch_axes` they hand on no states."""

    takes: ClassVar[tuple[int, int | None]] = (1, 2)
    rank: ClassVar[int | None] = 1

    num_layers: Depth = 1
    bias: bool = True
    batch_first: BatchFirst = True
    dropout: Probability = Field(0.0, description="Dropout between its layers, in training.")
    bidirectional: bool = Field(False, description="Whether a second copy reads the sequence from its end.")
    input_size: Count | None = None

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    def state_shapes(self) -> tuple[Shape, ...]:
        """The states of all layers and directions, first or last."""
        return tuple(Shape((self.directions * self.num_layers, n)) for n in self.state_channels())

    def must_have_axes(self, x: Shape, *ranks: int) -> None:
        if not x.spatial:
            help = "for a first state, {type: Unsqueeze, dim: 2} makes of a vector that of one layer"
            raise WrongNumberOfAxes(self.type_name(), x, ranks, help=help)
        super().must_have_axes(x, *ranks)

    def check(self, *inputs: Shape) -> None:
        super().check(*inputs)
        if len(inputs) > 1:
            self.must_not_fold("it is given a first state")
        for i, (state, wanted) in enumerate(zip(inputs[1:], self.state_shapes(), strict=False)):
            if state != wanted:
                which = f"hidden[{i}]" if self.states > 1 else "hidden"
                help = f"give it a state of {wanted}: directions · num_layers, and the channels of the state"
                raise SizesDiffer(f"expected {which} size {wanted}, got {state}", inputs, help=help)

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        x, *states = inputs
        along: AxisMap = All(x[-2]) if self.bidirectional else Prefix()
        # A layer's state reads the first states of its own and those below; with one layer, a direction its own.
        upwards: AxisMap = KEEP if self.num_layers == 1 else Prefix()
        width = All(self.directions * self.state_channels()[0])
        if self.batch_axes:
            return ((Link((*self.before, along), width),),)
        sequence = (Link((along,), width), *(Link((All(x[0]),), width) for _ in states))
        last = (
            (Link((All(),), All(n), (None,)), *(Link((upwards,), All(n)) for _ in states))
            for n in self.state_channels()
        )
        return (sequence, *last)

    def outputs(self, links: tuple[tuple[Link, ...], ...], *inputs: Shape) -> tuple[Shape, ...]:
        return (links[0][0].output(inputs[0]), *(() if self.batch_axes else self.state_shapes()))

    def weights(self, *inputs: Shape) -> Mapping[str, Sizes]:
        named: dict[str, Sizes] = {}
        for layer in range(self.num_layers):
            channels = self.directions * self.state_channels()[0] if layer else inputs[0].channels
            for direction in ("", "_reverse")[: self.directions]:
                named |= self.cell_weights(channels, self.bias, f"_l{layer}{direction}")
        return named

    def multiply_adds(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> int:
        return math.prod(inputs[0].spatial) * _products(self.weights(*inputs))

    def spared(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], read: Region) -> int:
        return 0  # the cells that are read take those before them, or their states, to be worked out

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        args = {**self.derived(*inputs), **self.given(), "batch_first": True}
        if self.batch_axes:
            return (replace(self.module(args, *inputs), returns=((0,),), batch_axes=0, in_rows=True),)
        call = replace(
            self.module(args, *inputs),
            returns=((0,), *(((1, 0), (1, 1)) if self.states > 1 else ((1,),))),
            batches=(0, *(1,) * self.states),
        )
        if len(inputs) > 1:
            call = replace(call, batched_at=call.batches, tupled=self.states if self.states > 1 else 0)
        return (call,)


def _products(weights: Mapping[str, Sizes]) -> int:
    """The multiply-adds of one vector by each matrix."""
    return sum(math.prod(sizes) for sizes in weights.values() if len(sizes) == 2)


class RNN(_Recurrent):
    """An Elman network: h = tanh(W·x + U·h + b) along a sequence L×C, which becomes L×hidden_size, twice that in
    both directions.

    Position i reads the positions up to i, or all of them with `bidirectional: true`. `name.1` is h_n, the last
    state of each layer and direction: (directions · num_layers)×hidden_size. A second source is the first
    state, of the same shape; without it the state begins at 0. Multiply-adds: hidden_size · (input + hidden_size) for
    each cell.
    """

    gates: ClassVar[int] = 1

    nonlinearity: Literal["tanh", "relu"] = "tanh"


class LSTM(_Recurrent):
    """A long short-term memory along a sequence L×C, which becomes L×hidden_size, twice that in both directions.

    Position i reads the positions up to i, or all of them with `bidirectional: true`. With proj_size, that many
    channels are handed on. `name.1` and `name.2` are h_n and c_n, the last states of each layer and direction:
    (directions · num_layers)×hidden_size. The first states are a second and a third source, `from: [x, h0, c0]`, of
    the same shapes; without them they begin at 0. Multiply-adds: 4 · hidden_size · (input + hidden_size) for each
    cell.
    Source: Hochreiter and Schmidhuber, 1997.
    """

    takes: ClassVar[tuple[int, int | None]] = (1, 3)
    gates: ClassVar[int] = 4
    states: ClassVar[int] = 2

    proj_size: Natural = Field(0, description="Channels that the hidden state is projected to; 0: it is not.")

    def state_channels(self) -> tuple[int, ...]:
        return (self.proj_size or self.hidden_size, self.hidden_size)

    def check(self, *inputs: Shape) -> None:
        if self.proj_size >= self.hidden_size:
            raise ProjectionTooLarge(self.proj_size, self.hidden_size)
        super().check(*inputs)


class GRU(_Recurrent):
    """A gated recurrent unit along a sequence L×C, which becomes L×hidden_size, twice that in both directions.

    Position i reads the positions up to i, or all of them with `bidirectional: true`. `name.1` is h_n, the last
    state of each layer and direction: (directions · num_layers)×hidden_size. A second source is the first
    state, of the same shape; without it the state begins at 0. Multiply-adds: 3 · hidden_size · (input + hidden_size)
    for each cell.
    Source: Cho et al., arXiv:1406.1078.
    """

    gates: ClassVar[int] = 3


class _Cell(_Stateful):
    """What cells share: one step of a recurrent layer, from a vector and a state to the next state."""

    takes: ClassVar[tuple[int, int | None]] = (1, 2)
    rank: ClassVar[int | None] = 0

    bias: bool = True
    input_size: Count | None = None

    def check(self, *inputs: Shape) -> None:
        super().check(*inputs)
        for i, state in enumerate(inputs[1:]):
            if state.channels != self.hidden_size:
                message = f"hidden{i} has inconsistent hidden_size: got {state.channels}, expected {self.hidden_size}"
                help = f"give it a state of {self.hidden_size} channels"
                raise SizesDiffer(message, inputs, help=help)

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        return ((Link((), All(self.hidden_size)),) * len(inputs),)

    def weights(self, *inputs: Shape) -> Mapping[str, Sizes]:
        return self.cell_weights(inputs[0].channels, self.bias)

    def multiply_adds(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> int:
        return _products(self.weights(*inputs))


class RNNCell(_Cell):
    """One step of an Elman network: from a vector and a state to the next state, tanh(W·x + U·h + b).

    `from: [x, h]`; without h the state is 0. The result is the next state, of hidden_size channels. To go along a
    sequence, share the cell: the first step is `{name: t0, type: RNNCell, hidden_size: 64, from: [x0, h]}`, and the
    next has `share: t0`. Multiply-adds: hidden_size · (input + hidden_size).
    """

    gates: ClassVar[int] = 1

    nonlinearity: Literal["tanh", "relu"] = "tanh"


class LSTMCell(_Cell):
    """One step of a long short-term memory: from a vector and two states to the next ones.

    `from: [x, h, c]`; with x alone the states are 0. `name` is the next hidden state and `name.1` the next cell state,
    of hidden_size channels each. To go along a sequence, share the cell, as with RNNCell. Multiply-adds: 4 ·
    hidden_size · (input + hidden_size).
    Source: Hochreiter and Schmidhuber, 1997.
    """

    takes: ClassVar[tuple[int, int | None]] = (1, 3)
    gates: ClassVar[int] = 4
    states: ClassVar[int] = 2

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        # Each channel of the cell state is carried on by itself: gates read the input and the hidden state alone.
        dense = Link((), All(self.hidden_size))
        read = (dense, dense, Link((), KEEP))[: len(inputs)]
        return (read, read)

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        (call,) = super().calls(*inputs)
        return (replace(call, returns=((0,), (1,)), tupled=len(inputs) - 1),)


class GRUCell(_Cell):
    """One step of a gated recurrent unit: from a vector and a state to the next state.

    `from: [x, h]`; without h the state is 0. The result is the next state, of hidden_size channels. To go along a
    sequence, share the cell, as with RNNCell. Multiply-adds: 3 · hidden_size · (input + hidden_size).
    Source: Cho et al., arXiv:1406.1078.
    """

    gates: ClassVar[int] = 3
