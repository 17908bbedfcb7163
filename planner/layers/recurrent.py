"""Recurrent layers: a sequence is read cell by cell, with a state that is carried on.

Source: https://docs.pytorch.org/docs/stable/nn.html#recurrent-layers
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from planner.faults.projection_too_large import ProjectionTooLarge
from planner.geometry import All, AxisMap, Link, Prefix, Shape
from planner.layers._fields import BatchFirst, Count, Depth, Natural, Probability
from planner.layers._layer import Call, Layer, Layout, Sizes
from planner.regions import Region


class _Recurrent(Layer):
    """What recurrent layers share; `gates` is how many matrices of the hidden size each of their cells has."""

    rank: ClassVar[int | None] = 1
    layout: ClassVar[Layout] = "last"
    extras: ClassVar[bool] = True
    gates: ClassVar[int]
    states: ClassVar[int] = 1

    hidden_size: Count
    num_layers: Depth = 1
    bias: bool = True
    batch_first: BatchFirst = True
    dropout: Probability = Field(0.0, description="Dropout between its layers, in training.")
    bidirectional: bool = Field(False, description="Whether a second copy reads the sequence from its end.")
    input_size: Count | None = None

    @property
    def projected(self) -> int:
        """Channels of the state that is handed on."""
        return self.hidden_size

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    def check(self, *inputs: Shape) -> None:
        self.must_equal("input_size", inputs[0].channels)

    def links(self, *inputs: Shape) -> tuple[tuple[Link, ...], ...]:
        (x,) = inputs
        along: AxisMap = All(x[0]) if self.bidirectional else Prefix()
        sequence = Link((along,), All(self.directions * self.projected))
        states = (Link((All(),), All(size), (None,)) for size in (self.projected, self.hidden_size)[: self.states])
        return ((sequence,), *((state,) for state in states))

    def outputs(self, links: tuple[tuple[Link, ...], ...], *inputs: Shape) -> tuple[Shape, ...]:
        (sequence,), *states = links
        count = self.directions * self.num_layers
        return (sequence.output(inputs[0]), *(Shape((count, state.channels.length(0))) for (state,) in states))

    def cells(self, x: Shape) -> Iterator[tuple[str, int]]:
        """The cell of each layer and direction: the ending of its weights' names, and the channels that it reads."""
        for layer in range(self.num_layers):
            for direction in ("", "_reverse")[: self.directions]:
                yield f"_l{layer}{direction}", self.directions * self.projected if layer else x.channels

    def weights(self, *inputs: Shape) -> Mapping[str, Sizes]:
        rows, projected = self.gates * self.hidden_size, self.projected
        named: dict[str, Sizes] = {}
        for cell, channels in self.cells(inputs[0]):
            named[f"weight_ih{cell}"] = (rows, channels)
            named[f"weight_hh{cell}"] = (rows, projected)
            if self.bias:
                named |= {f"bias_ih{cell}": (rows,), f"bias_hh{cell}": (rows,)}
            if projected != self.hidden_size:
                named[f"weight_hr{cell}"] = (projected, self.hidden_size)
        return named

    def macs(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> int:
        (x,) = inputs
        matrices = [sizes for sizes in self.weights(x).values() if len(sizes) == 2]
        return x[0] * sum(rows * columns for rows, columns in matrices)

    def spared(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], read: Region) -> int:
        return 0  # the cells that are read take those before them, or their states, to be worked out

    def derived(self, *inputs: Shape) -> Mapping[str, object]:
        return {"input_size": inputs[0].channels}

    def calls(self, *inputs: Shape) -> tuple[Call, ...]:
        args = {**self.derived(*inputs), **self.given(), "batch_first": True}
        states = ((1, 0), (1, 1)) if self.states > 1 else ((1,),)
        batches = (0, *(1,) * self.states)
        return (replace(self.module(args, *inputs), returns=((0,), *states), batches=batches),)


class RNN(_Recurrent):
    """An Elman network: h = tanh(W·x + U·h + b) along a sequence L×C, which becomes L×hidden_size, twice that in
    both directions.

    Position i reads the positions up to i, or all of them with `bidirectional: true`. `name.1` is h_n, the last
    state of each layer and direction: (directions · num_layers)×hidden_size. Multiply-adds: hidden_size · (input +
    hidden_size) for each cell.
    """

    gates: ClassVar[int] = 1

    nonlinearity: Literal["tanh", "relu"] = "tanh"


class LSTM(_Recurrent):
    """A long short-term memory along a sequence L×C, which becomes L×hidden_size, twice that in both directions.

    Position i reads the positions up to i, or all of them with `bidirectional: true`. With proj_size, that many
    channels are handed on. `name.1` and `name.2` are h_n and c_n, the last states of each layer and direction:
    (directions · num_layers)×hidden_size. Multiply-adds: 4 · hidden_size · (input + hidden_size) for each cell.
    Source: Hochreiter and Schmidhuber, 1997.
    """

    gates: ClassVar[int] = 4
    states: ClassVar[int] = 2

    proj_size: Natural = Field(0, description="Channels that the hidden state is projected to; 0: it is not.")

    @property
    def projected(self) -> int:
        return self.proj_size or self.hidden_size

    def check(self, *inputs: Shape) -> None:
        super().check(*inputs)
        if self.proj_size >= self.hidden_size:
            raise ProjectionTooLarge(self.proj_size, self.hidden_size)


class GRU(_Recurrent):
    """A gated recurrent unit along a sequence L×C, which becomes L×hidden_size, twice that in both directions.

    Position i reads the positions up to i, or all of them with `bidirectional: true`. `name.1` is h_n, the last
    state of each layer and direction: (directions · num_layers)×hidden_size. Multiply-adds: 3 · hidden_size · (input
    + hidden_size) for each cell.
    Source: Cho et al., arXiv:1406.1078.
    """

    gates: ClassVar[int] = 3
