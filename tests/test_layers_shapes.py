"""Layers that move, merge and relate values: where each output value comes from, what is counted, what is said.

A tensor of numbers 0, 1, 2, … goes through PyTorch's function, so that every output value tells which input value it
is. The link must read that value; `reads` is how many values it reads for one: 1 where it is exact.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import planner
from planner.geometry import Link, Shape, bits
from planner.layers import all_layers
from planner.layers._layer import Facts
from planner.regions import count, read_through, union

Move = Callable[[Tensor], Tensor]

#    layer, arguments, input; the same in PyTorch; how many values the link reads for one
MOVES: list[tuple[str, dict[str, Any], tuple[int, ...], Move, int]] = [
    ("Flatten", {}, (3, 4, 5), lambda x: x.flatten(1), 1),
    ("Flatten", {}, (1, 1, 5), lambda x: x.flatten(1), 1),
    ("Flatten", {"start_dim": 2}, (3, 4, 5), lambda x: x.flatten(2), 1),
    ("Flatten", {"start_dim": 2}, (2, 3, 4, 5), lambda x: x.flatten(2), 1),
    ("Flatten", {"start_dim": -2}, (2, 3, 4, 5), lambda x: x.flatten(-2), 1),
    ("Flatten", {"end_dim": 2}, (3, 4, 5), lambda x: x.flatten(1, 2), 1),
    ("Unflatten", {"dim": 1, "unflattened_size": [3, 2]}, (4, 6), lambda x: torch.unflatten(x, 1, (3, 2)), 1),
    ("Unflatten", {"dim": 1, "unflattened_size": [3, -1, 2]}, (12,), lambda x: torch.unflatten(x, 1, (3, -1, 2)), 1),
    ("Unflatten", {"dim": 2, "unflattened_size": [3, 4]}, (12, 2), lambda x: torch.unflatten(x, 2, (3, 4)), 1),
    ("Reshape", {"shape": [12, 5]}, (3, 4, 5), lambda x: x.reshape(1, 5, 12), 1),
    ("Reshape", {"shape": [3, -1, 5]}, (12, 5), lambda x: x.reshape(1, 5, 3, 4), 1),
    ("Reshape", {"shape": [2, 6, 5]}, (3, 4, 5), lambda x: x.reshape(1, 5, 2, 6), 12),
    ("Reshape", {"shape": [3, 1, 4, 5]}, (3, 4, 5), lambda x: x.reshape(1, 5, 3, 1, 4), 1),
    ("Reshape", {"shape": [3, 20]}, (3, 4, 5), lambda x: x.reshape(1, 20, 3), 12),
    ("Reshape", {"shape": [4, 15]}, (3, 4, 5), lambda x: x.reshape(1, 15, 4), 1),
    ("Reshape", {"shape": [4, 3, 5]}, (60,), lambda x: x.reshape(1, 5, 4, 3), 1),
    ("Permute", {"dims": [0, 1, 3, 2]}, (3, 4, 5), lambda x: x.permute(0, 1, 3, 2), 1),
    ("Permute", {"dims": [0, 1, 4, 2, 3]}, (2, 3, 4, 5), lambda x: x.permute(0, 1, 4, 2, 3), 1),
    ("Permute", {"dims": [0, -1, 1]}, (4, 5), lambda x: x.permute(0, 2, 1), 1),
    ("Permute", {"dims": [0, 3, 2, 1]}, (3, 4, 5), lambda x: x.permute(0, 3, 2, 1), 1),
    ("Slice", {"dim": 2, "start": 1}, (5, 3), lambda x: x[:, :, 1:], 1),
    ("Slice", {"dim": -1, "start": -4, "step": 2}, (3, 7, 2), lambda x: x[..., -4::2], 1),
    ("Slice", {"dim": 1, "stop": -1}, (2, 3), lambda x: x[:, :-1], 1),
    ("Select", {"dim": 2, "index": 0}, (5, 3), lambda x: x.select(2, 0), 1),
    ("Select", {"dim": 3, "index": -2}, (3, 4, 5), lambda x: x.select(3, -2), 1),
    ("Select", {"dim": 1, "index": 2}, (3, 4, 5), lambda x: x.select(1, 2), 15),
    ("ReLU", {}, (3, 4, 5), torch.relu, 1),
    ("Identity", {}, (3,), torch.clone, 1),
]


@pytest.mark.parametrize(("layer", "args", "sizes", "move", "reads"), MOVES)
def test_values_come_from_where_torch_takes_them(
    layer: str, args: dict[str, Any], sizes: tuple[int, ...], move: Move, reads: int
) -> None:
    x = Shape(sizes)
    moved = move(torch.arange(x.elements).reshape(1, *x.torch))[0].movedim(0, -1)
    facts = facts_of(layer, args, x)
    assert facts.outputs == (Shape(moved.shape),)
    _follow(facts.links[0][0], x, moved, reads)


def _follow(link: Link, x: Shape, moved: Tensor, reads: int) -> None:
    """Every value of `moved` is one of x by its number in PyTorch's order; the link reads it, and `reads` in all."""
    numbers = torch.arange(x.elements).reshape(x.torch).movedim(0, -1)
    for place in product(*map(range, moved.shape)):
        region = union(read_through(link, (tuple(1 << i for i in place),), x))
        came_from = tuple((numbers == moved[place]).nonzero()[0].tolist())
        assert any(all(cells >> i & 1 for cells, i in zip(box, came_from, strict=True)) for box in region), place
        assert count(region) == reads


#    layer, arguments; its parts in PyTorch
PARTS: list[tuple[str, dict[str, Any], Callable[[Tensor], tuple[Tensor, ...]]]] = [
    ("Split", {"split_size": 2}, lambda x: torch.split(x, 2, 1)),
    ("Split", {"split_size": [1, 4], "dim": 2}, lambda x: torch.split(x, [1, 4], 2)),
    ("Split", {"split_size": 9}, lambda x: torch.split(x, 9, 1)),
    ("Chunk", {"chunks": 2}, lambda x: x.chunk(2, 1)),
    ("Chunk", {"chunks": 4, "dim": 2}, lambda x: x.chunk(4, 2)),
    ("Chunk", {"chunks": 3, "dim": -1}, lambda x: x.chunk(3, -1)),
]


@pytest.mark.parametrize(("layer", "args", "parts"), PARTS)
def test_parts_are_torchs(layer: str, args: dict[str, Any], parts: Callable[[Tensor], tuple[Tensor, ...]]) -> None:
    x = Shape((5, 7, 6))
    cut = [each[0].movedim(0, -1) for each in parts(torch.arange(x.elements).reshape(1, *x.torch))]
    facts = facts_of(layer, args, x)
    assert facts.outputs == tuple(Shape(each.shape) for each in cut)
    for (link,), part in zip(facts.links, cut, strict=True):
        _follow(link, x, part, 1)


#    layer, arguments, inputs; how many values of each the output value at a place reads
MERGES: list[tuple[str, dict[str, Any], list[tuple[int, ...]], tuple[int, ...], list[int]]] = [
    ("Concat", {}, [(2, 3), (2, 4)], (1, 2), [1, 0]),
    ("Concat", {}, [(2, 3), (2, 4)], (1, 3), [0, 1]),
    ("Concat", {"dim": 2}, [(1, 3), (4, 3), (2, 3)], (5, 0), [0, 0, 1]),
    ("Stack", {"dim": 2}, [(4, 3), (4, 3)], (1, 2, 0), [1, 1]),
    ("Stack", {"dim": 1}, [(4, 3), (4, 3)], (0, 2, 1), [3, 3]),
    ("Add", {}, [(4, 3)] * 3, (1, 1), [1, 1, 1]),
    ("Add", {"broadcast": True}, [(4, 1), (1, 3)], (2, 2), [1, 1]),
    ("Multiply", {}, [(4, 4, 3), (1, 1, 3)], (2, 2, 1), [1, 1]),
    ("Mean", {"dim": [2, 3]}, [(4, 5, 3)], (1,), [20]),
    ("Mean", {"dim": 2, "keepdim": True}, [(4, 5, 3)], (0, 3, 1), [4]),
    ("MatMul", {}, [(4, 3), (3, 5)], (2, 2), [3, 3]),
    ("MatMul", {"transpose_b": True}, [(2, 4, 3), (2, 5, 3)], (1, 2, 2), [3, 15]),
    ("Bilinear", {"out_features": 7}, [(4, 3), (4, 5)], (2, 2), [3, 5]),
    ("MultiheadAttention", {"num_heads": 1}, [(4, 3)], (2, 2), [12]),
    ("MultiheadAttention", {"num_heads": 1}, [(4, 3), (5, 3)], (2, 2), [3, 15]),
    ("Softmax", {"dim": 2}, [(4, 5, 3)], (0, 3, 1), [4]),
    ("GLU", {"dim": 1}, [(4, 6)], (0, 1), [2]),
]


@pytest.mark.parametrize(("layer", "args", "sizes", "place", "reads"), MERGES)
def test_merges_read(
    layer: str, args: dict[str, Any], sizes: list[tuple[int, ...]], place: tuple[int, ...], reads: list[int]
) -> None:
    inputs = [Shape(each) for each in sizes]
    (links,) = facts_of(layer, args, *inputs).links
    box = tuple(1 << i for i in place)
    assert [count(union(read_through(link, (box,), x))) for link, x in zip(links, inputs, strict=True)] == reads


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layer", ["RNN", "LSTM", "GRU"])
def test_recurrent_layers_read_what_autograd_says(layer: str, bidirectional: bool) -> None:
    length, channels = 5, 3
    x = torch.randn(1, length, channels, dtype=torch.double, requires_grad=True)
    module = getattr(nn, layer)(channels, 4, num_layers=2, batch_first=True, bidirectional=bidirectional).double()
    facts = facts_of(
        layer, {"hidden_size": 4, "num_layers": 2, "bidirectional": bidirectional}, Shape((length, channels))
    )
    outputs, states = module(x)
    last = states[0] if isinstance(states, tuple) else states
    along = facts.links[0][0].axes[0]
    for i in range(length):
        assert bits(along.reads(1 << i, length)) == _positions_read(outputs[0, i], x)
    assert facts.outputs[1] == Shape((last.shape[0], last.shape[2]))
    assert bits(facts.links[1][0].axes[0].reads(1, length)) == _positions_read(last, x)


def _positions_read(y: Tensor, x: Tensor) -> list[int]:
    (grad,) = torch.autograd.grad(y.sum(), x, retain_graph=True)
    return [i for i, each in enumerate(grad[0]) if each.any()]


#    layer, arguments, inputs; what PyTorch's counter looks at
COUNTED: list[tuple[str, dict[str, Any], list[tuple[int, ...]], Callable[..., Any]]] = [
    ("Linear", {"out_features": 7}, [(5, 6)], nn.Linear(6, 7)),
    ("Linear", {"out_features": 7}, [(6,)], nn.Linear(6, 7)),
    ("MatMul", {}, [(3, 4, 5), (3, 5, 6)], torch.matmul),
    ("MatMul", {}, [(3, 4, 5), (1, 5, 6)], torch.matmul),
    ("MultiheadAttention", {"num_heads": 2}, [(5, 6)], nn.MultiheadAttention(6, 2, batch_first=True)),
    (
        "MultiheadAttention",
        {"num_heads": 2},
        [(5, 6), (7, 4), (7, 3)],
        nn.MultiheadAttention(6, 2, kdim=4, vdim=3, batch_first=True),
    ),
    (
        "MultiheadAttention",
        {"num_heads": 2, "add_bias_kv": True, "add_zero_attn": True},
        [(5, 6)],
        nn.MultiheadAttention(6, 2, add_bias_kv=True, add_zero_attn=True, batch_first=True),
    ),
    (
        "TransformerEncoderLayer",
        {"nhead": 2, "dim_feedforward": 9},
        [(5, 6)],
        nn.TransformerEncoderLayer(6, 2, 9, batch_first=True),
    ),
    (
        "TransformerEncoder",
        {"nhead": 2, "num_layers": 3, "norm": True},
        [(5, 6)],
        nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, batch_first=True), 3, enable_nested_tensor=False),
    ),
    ("RNN", {"hidden_size": 4}, [(5, 6)], nn.RNN(6, 4, batch_first=True)),
    ("GRU", {"hidden_size": 4, "num_layers": 2}, [(5, 6)], nn.GRU(6, 4, 2, batch_first=True)),
    (
        "LSTM",
        {"hidden_size": 4, "num_layers": 2, "bidirectional": True},
        [(5, 6)],
        nn.LSTM(6, 4, 2, bidirectional=True, batch_first=True),
    ),
    ("LSTM", {"hidden_size": 4, "proj_size": 2}, [(5, 6)], nn.LSTM(6, 4, proj_size=2, batch_first=True)),
]


@pytest.mark.parametrize(("layer", "args", "sizes", "run"), COUNTED)
def test_macs_are_half_of_torchs_flops(
    layer: str, args: dict[str, Any], sizes: list[tuple[int, ...]], run: Callable[..., Any]
) -> None:
    # In double precision, since fused kernels are not counted.
    tensors = [torch.zeros(1, *each, dtype=torch.double) for each in sizes]
    if isinstance(run, nn.Module):
        run.double()
    if layer == "MultiheadAttention" and len(tensors) == 1:
        tensors *= 3
    with FlopCounterMode(display=False) as counter:
        run(*tensors)
    assert facts_of(layer, args, *map(Shape, sizes)).macs == counter.get_total_flops() / 2


#    the entry that is at fault, inputs; what the label and the help must say
SAID: list[tuple[str, dict[str, list[int]], str, str]] = [
    ("{type: Add, from: [a, b]}", {"a": [8, 8, 4], "b": [1, 1, 4]}, "silently", "broadcast: true"),
    ("{type: Add, from: [a, b]}", {"a": [8, 8, 4], "b": [7, 8, 4]}, "8×8×4 and 7×8×4 from `a` and `b`", "CropLike"),
    ("{type: Add, from: [a, b]}", {"a": [8, 8, 4], "b": [8, 8, 6]}, "8×8×6", "out_channels: 6, kernel_size: 1"),
    ("{type: Add, from: [a, b]}", {"a": [8, 4], "b": [4]}, "8×4 and 4", "Reshape"),
    ("{type: Concat, from: [a, b], dim: 2}", {"a": [8, 4], "b": [8, 6]}, "8×4 and 8×6", "out_channels: 6"),
    ("{type: MatMul, from: [a, b]}", {"a": [8, 4], "b": [5, 4]}, "4 is not 5", "transpose_b: true"),
    ("{type: MatMul, from: [a, b]}", {"a": [8, 4], "b": [5, 6]}, "8×4 and 5×6", "out_features: 5"),
    ("{type: GLU, from: a}", {"a": [7, 4]}, "dimension -1 of `a` has 7", "dim: 1"),
    ("{type: Unflatten, dim: 1, unflattened_size: [8, 4, 4]}", {"a": [96]}, "8×4×4 is 128", "[6, 4, 4]"),
    ("{type: Reshape, shape: [-1, 9]}", {"a": [4, 4]}, "?×9: 16 from `a` / 9 leaves 7", "multiply to 16"),
    ("{type: SetSlice, dim: 2, start: 8, from: [a, b]}", {"a": [8, 4], "b": [1, 4]}, "8 to the end, of 8", "start: 7"),
    (
        "{type: SetSlice, dim: 1, start: 3, end: 3, from: [a, b]}",
        {"a": [8, 4], "b": [8, 1]},
        "3 to 3, of 4",
        "an `end`",
    ),
    ("{type: PReLU, num_parameters: 3}", {"a": [4, 4]}, "received 3", "num_parameters: 4"),
    ("{type: LSTM, hidden_size: 4, batch_first: false}", {"a": [4, 4]}, "received false", ""),
]


@pytest.mark.parametrize(("entry", "inputs", "label", "help"), SAID)
def test_faults_say(entry: str, inputs: dict[str, list[int]], label: str, help: str) -> None:
    report = planner.check({"input": inputs, "layers": [yaml.safe_load(entry)]})
    (found,) = [each for each in report.diagnostics if each.severity == "error"]
    assert label in found.label
    assert help in found.help


def facts_of(layer: str, args: dict[str, Any], *inputs: Shape) -> Facts:
    return all_layers()[layer](**args).facts(*inputs)
