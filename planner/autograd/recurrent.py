"""Recurrent layers and cells: one operation after the other, or as a whole where PyTorch has oneDNN do it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from planner.autograd import pointwise, products, views
from planner.autograd.attention import concat
from planner.autograd.tape import Tape, UnknownCallError
from planner.autograd.tensors import WIDTHS, Storage, Strided

CellKind = Literal["LSTM", "GRU", "RNN"]
Weights = Mapping[str, Strided]
CellState = tuple[Strided, ...]


def layers(
    t: Tape, kind: CellKind, args: Mapping[str, Any], weights: Weights, x: Strided, states: Sequence[Strided]
) -> list[Strided]:
    """A recurrent layer with `batch_first`, (N, L, C): the sequence and the last states, (layers, N, C)."""
    count = args.get("num_layers", 1)
    ways = ("", "_reverse") if args.get("bidirectional") else ("",)
    x = views.transpose(t, x, 0, 1)
    firsts = [*states] or _zeros(t, kind, args, x, count * len(ways))
    whole = kind == "LSTM" and not args.get("proj_size")
    if whole:
        x = views.contiguous(t, x)
    last: list[CellState] = []
    for layer in range(count):
        outs = []
        for way in ways:
            own = {name.split("_l")[0]: each for name, each in weights.items() if name.endswith(f"_l{layer}{way}")}
            first = tuple(views.select(t, each, 0) for each in firsts)
            run = _fused_lstm if whole else _steps
            out, ended = run(t, kind, args, own, x, first)
            outs.append(out)
            last.append(ended)
        x = outs[0] if len(ways) == 1 else concat(t, outs, 2)
        dropout = args.get("dropout", 0.0)
        if dropout and layer < count - 1:
            x = pointwise.dropout(t, x, dropout)
    together = [stack(t, [each[i] for each in last], 0) for i in range(len(last[0]))]
    return [views.transpose(t, x, 0, 1), *together]


def _zeros(t: Tape, kind: CellKind, args: Mapping[str, Any], x: Strided, count: int) -> list[Strided]:
    """First states that are none."""
    hidden = args["hidden_size"]
    channels = [args.get("proj_size") or hidden, *([hidden] if kind == "LSTM" else [])]
    return [t.new((count, x.sizes[1], n), x.dtype) for n in channels]


def stack(t: Tape, tensors: Sequence[Strided], dim: int) -> Strided:
    """Tensors along an axis of their own: PyTorch puts them one after the other along one that they have."""
    first = tensors[0]
    if dim == first.dim:
        return concat(t, [views.unsqueeze(t, x, dim) for x in tensors], dim)
    return views.unflatten(t, concat(t, list(tensors), dim), dim, (len(tensors), first.sizes[dim]))


def _fused_lstm(
    t: Tape, kind: CellKind, args: Mapping[str, Any], weights: Weights, x: Strided, states: CellState
) -> tuple[Strided, CellState]:
    """OneDNN's LSTM, which keeps a workspace beside what goes in and out."""
    x, (h, c) = t.lower(x), (t.lower(each) for each in states)
    if x.dtype not in ("float32", "bfloat16"):
        raise UnknownCallError("how much oneDNN keeps of other numbers")
    own = [t.lower(weights[name]) for name in ("weight_ih", "weight_hh")]
    biases = [t.lower(weights[name]) for name in ("bias_ih", "bias_hh") if name in weights]
    biases = biases or [t.new(each.sizes, each.dtype) for each in own]
    length, batch, _ = x.sizes
    hidden = own[1].sizes[1]
    made = t.new((length, batch, hidden), x.dtype)
    ended = tuple(t.new((batch, hidden), x.dtype) for _ in range(2))
    space = Strided(Storage(workspace(length, batch, x.sizes[2], hidden, WIDTHS[x.dtype])), (), (), "uint8")
    kept = (h, c, x, *own, *biases, made, *ended, space)
    aside = _aside(length * batch, x.sizes[2], hidden, WIDTHS[x.dtype])
    t.note("lstm", (x, h, c, *own, *biases), (made, *ended), *kept, aside=aside)
    return made, ended


def _aside(rows: int, channels: int, hidden: int, width: int) -> tuple[int, int]:
    """Bytes that oneDNN takes for itself forward and backward: both weights with their rows apart as its own are, going
    back in either order of their axes, and the gates of all positions.
    """
    turned = (channels + hidden) * _leading(4 * hidden, width)
    gates = rows * _leading(4 * hidden, width)
    plain = 4 * hidden * (_leading(channels, width) + _leading(hidden, width))
    return turned + gates, turned + plain + gates


PAGE = 4096


def workspace(length: int, batch: int, channels: int, hidden: int, width: int) -> int:
    """Bytes that oneDNN keeps of an LSTM in training, whose numbers have so many bytes: gates and projections for each
    position, states before and after each with their gradients, and the cells' states, each in pages of its own.
    Gradients have 4 bytes.

    Source: `set_workspace_sizes` and `get_good_ld` in oneDNN's `src/cpu/rnn/rnn_utils.hpp` and `rnn_utils.cpp`.
    """
    rows, states, widest = length * batch, 2 * (length + 1) * batch, max(channels, hidden)
    parts = [rows * _leading(4 * hidden, width), rows * _leading(hidden, width), states * _leading(widest, width)]
    parts += [states * _leading(widest, 4)] * 2
    parts += [states * hidden * width, states * hidden * 4]
    return sum(-(-each // PAGE) * PAGE for each in parts)


def _leading(count: int, width: int) -> int:
    """How many bytes rows of so many numbers lie apart in oneDNN: whole cache lines, but no multiple of 256 numbers."""
    line = 64 // width
    numbers = -(-count // line) * line
    return width * (numbers + line if numbers % 256 == 0 else numbers)


def _steps(
    t: Tape, kind: CellKind, args: Mapping[str, Any], weights: Weights, x: Strided, states: CellState
) -> tuple[Strided, CellState]:
    """One cell after the other; what the inputs are multiplied by is done for all of them at once."""
    gates = products.linear(t, x, weights["weight_ih"], weights.get("bias_ih"))
    outs = []
    relu = args.get("nonlinearity") == "relu"
    for _ in range(x.sizes[0]):
        states = _cell(t, kind, weights, views.select(t, gates, 0), states, relu)
        outs.append(states[0])
    return stack(t, outs, 0), states


def cell(
    t: Tape, kind: CellKind, weights: Weights, x: Strided, states: Sequence[Strided], hidden: int, *, relu: bool = False
) -> CellState:
    """One step by itself, whose first states are zeros where none are given."""
    if not states:
        zeros = t.new((x.sizes[0], hidden), x.dtype)
        states = (zeros,) * (2 if kind == "LSTM" else 1)
    gates = products.linear(t, x, weights["weight_ih"], weights.get("bias_ih"))
    return _cell(t, kind, weights, gates, tuple(states), relu)


def _in_place(t: Tape, x: Strided, *others: Strided, saved: Sequence[Strided] = ()) -> Strided:
    made = Strided(x.storage, x.sizes, x.strides, x.dtype)
    return t.noted("in place", (x, *others), made, *saved)


def _own(t: Tape, x: Strided) -> Strided:
    """A function that writes over its input and keeps its output."""
    made = Strided(x.storage, x.sizes, x.strides, x.dtype)
    return t.noted("in place", (x,), made, made)


def _cell(
    t: Tape, kind: CellKind, weights: Weights, gates: Strided, states: CellState, relu: bool = False
) -> CellState:
    h = states[0]
    mine = products.linear(t, h, weights["weight_hh"], weights.get("bias_hh"))
    width = weights["weight_hh"].sizes[0]
    if kind == "RNN":
        return (pointwise.function(t, _in_place(t, mine, gates), "output"),)
    if kind == "GRU":
        part = (width // 3,) * 3
        ours, theirs = views.split(t, mine, 1, part), views.split(t, gates, 1, part)
        reset = _own(t, _in_place(t, ours[0], theirs[0]))
        update = _own(t, _in_place(t, ours[1], theirs[1]))
        scaled = _in_place(t, ours[2], reset, saved=(t.like(ours[2]), reset))
        new = _own(t, pointwise.add(t, theirs[2], scaled))
        apart = pointwise.add(t, h, new)
        kept = _in_place(t, apart, update, saved=(t.like(apart), update))
        return (_in_place(t, kept, new),)
    c = states[1]
    i, f, g, o = (_own(t, each) for each in views.split(t, _in_place(t, mine, gates), 1, (width // 4,) * 4))
    c = _in_place(t, pointwise.multiply(t, f, c), pointwise.multiply(t, i, g))
    h = pointwise.multiply(t, o, pointwise.function(t, c, "output"))
    if "weight_hr" in weights:
        h = products.matmul(t, h, views.transpose(t, weights["weight_hr"], 0, 1))
    return h, c
