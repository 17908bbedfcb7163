"""Recurrent layers with a first state, their cells, and what is made of them, written out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from planner.analyses.causality import Causal, causal_axes
from planner.analyses.reach import trace
from planner.cells import all_cells
from planner.outputs.code.torch import emitted
from planner.outputs.code.torch.building import module_of
from planner.source import of_mapping
from planner.workbench import Checked, checked
from reference_run import inputs_of, run, weights_of

CASES = Path(__file__).parent / "cases" / "recurrent"
NAMES = sorted(path.stem for path in CASES.glob("*.yaml"))


def case(name: str) -> Checked:
    report = checked(CASES / f"{name}.yaml")
    assert report.ok
    return report


def module(report: Checked) -> nn.Module:
    found = emitted(report)
    made: nn.Module = getattr(module_of(found.text), found.name)().double().eval()
    made.load_state_dict(weights_of(report.plan), strict=True)
    return made


def forward(report: Checked) -> str:
    return emitted(report).text.partition("def forward")[2]


# The code computes what is written out here


def seq2seq(m: Any, source: Tensor, target: Tensor) -> list[Tensor]:
    _, h = m.encoder(m.source_words(source))
    rows = []
    for t in range(target.shape[1]):  # the state is carried on by hand, a step at a time
        row, h = m.decoder(m.target_words(target[:, t : t + 1]), h)
        rows.append(m.head(row))
    return [torch.cat(rows, 1)]


def convlstm(m: Any, x: Tensor) -> list[Tensor]:
    h = c = x.new_zeros(len(x), 6, 12, 10)
    for t in range(3):
        gates = functional.conv2d(torch.cat([x[:, :, t], h], 1), m.t0.gates.weight, m.t0.gates.bias, padding=1)
        i, f, o, g = gates.chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
    return [h, c]


def unrolled(m: Any, x: Tensor) -> list[Tensor]:
    """The cell along the sequence is a layer with the cell's weights."""
    layer = nn.LSTM(8, 6, batch_first=True).double()
    layer.load_state_dict({f"{name}_l0": each for name, each in m.cell.state_dict().items()})
    first = [each.expand(1, len(x), -1).contiguous() for each in (m.h, m.c)]
    _, (h, c) = layer(x.movedim(1, 2), tuple(first))
    return [h[0], c[0]]


def listener(m: Any, heard: Tensor, asked: Tensor) -> list[Tensor]:
    sequence, (h, _) = m.speller(asked.movedim(1, 2), m.listener(heard.movedim(1, 2))[1])
    return [m.head(h[1]), sequence]


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("by_hand", [convlstm, listener, seq2seq, unrolled], ids=lambda each: each.__name__)
def test_code_computes_what_is_written_out(by_hand: Any, batch: int) -> None:
    report = case(by_hand.__name__)
    inputs = inputs_of(report.plan, batch=batch)
    made = module(report)
    sides = emitted(report).inputs
    given = [x.movedim(1, -1) if side == "last" else x for x, side in zip(inputs, sides, strict=True)]
    with torch.no_grad():
        result = made(*given)
        wanted = by_hand(made, *inputs)
    got = list(result) if isinstance(result, tuple) else [result]
    for ours, theirs in zip(got, wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


def test_every_case_is_written_out() -> None:
    assert [each.__name__ for each in (convlstm, listener, seq2seq, unrolled)] == NAMES


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("name", NAMES)
def test_cost_is_what_torch_counts(name: str) -> None:
    report = case(name)
    found = emitted(report)
    counter = FlopCounterMode(display=False)
    with torch.device("meta"), counter:
        made = getattr(module_of(found.text), found.name)()
        inputs = [x.to("meta") for x in inputs_of(report.plan, batch=1)]
        inputs = [x.float() if x.is_floating_point() else x for x in inputs]
        made(*(x.movedim(1, -1) if side == "last" else x for x, side in zip(inputs, found.inputs, strict=True)))
    assert counter.get_total_flops() == 2 * report.cost.known_macs
    assert sum(each.numel() for each in made.parameters()) == report.cost.params


# The code reads as a person writes it


def test_states_are_handed_on_as_torch_has_them() -> None:
    assert "encoder = self.encoder(out)[1]\n" in forward(case("seq2seq"))
    assert "self.decoder(target_words, encoder)[0]" in forward(case("seq2seq"))
    assert "_, (listener_1, listener_2) = self.listener(heard)\n" in forward(case("listener"))
    assert "self.speller(asked, (listener_1, listener_2))\n" in forward(case("listener"))
    assert "self.cell(x1, (cell_0, cell_1))\n" in forward(case("unrolled"))


def test_what_is_no_state_of_a_layer_becomes_one() -> None:
    """A state of PyTorch has its batch second, and on a GPU it must lie in memory as it is read."""
    layers = [
        {"name": "h0", "type": "Linear", "out_features": 10, "from": "context"},
        {"name": "rows", "type": "Reshape", "shape": [2, 5]},
        {"name": "rnn", "type": "GRU", "hidden_size": 5, "bidirectional": True, "from": ["x", "rows"]},
    ]
    report = checked(of_mapping({"input": {"context": [4], "x": [7, 3]}, "layers": layers}))
    assert report.ok
    assert "self.rnn(x, out.reshape(-1, 5, 2).movedim(-1, 0).contiguous())[0]" in forward(report)
    inputs = inputs_of(report.plan)
    wanted = run(report.plan, weights_of(report.plan), inputs).outputs[0]
    got = module(report)(*(x.movedim(1, -1) for x in inputs)).movedim(-1, 1)
    torch.testing.assert_close(got, wanted, rtol=1e-9, atol=1e-9)


# What is read


def test_a_decoder_sees_all_of_the_source_and_its_own_past() -> None:
    layers = [
        {"name": "encoder", "type": "GRU", "hidden_size": 5, "from": "source"},
        {"name": "decoder", "type": "GRU", "hidden_size": 5, "from": ["target", "encoder.1"]},
    ]
    plan = checked(of_mapping({"input": {"source": [11, 3], "target": [7, 3]}, "layers": layers})).plan
    (out,) = plan.outputs
    cell = all_cells(4) & ~all_cells(3)
    read = trace(plan, out.step, out.output, ((cell, all_cells(5)),))
    assert read == {"source": ((all_cells(11), all_cells(3)),), "target": ((all_cells(4), all_cells(3)),)}
    assert causal_axes(plan, out) == {Causal("target", 0, 0, False)}


def layer(kind: str, **args: Any) -> Checked:
    """A layer on a sequence, with its first states from another input."""
    names = ["h", "c"] if kind == "LSTM" else ["h"]
    rows = args.get("num_layers", 1) * (1 + args.get("bidirectional", False))
    states = {name: [rows, 4] for name in names}
    it = {"name": "it", "type": kind, "hidden_size": 4, **args, "from": ["x", *names]}
    report = checked(of_mapping({"input": {"x": [6, 3], **states}, "layers": [it]}))
    assert report.plan.complete
    return report


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_one_direction_is_causal(kind: str) -> None:
    plan = layer(kind, num_layers=2).plan
    assert Causal("x", 0, 0, False) in causal_axes(plan, plan.outputs[0])
    plan = layer(kind, bidirectional=True).plan
    assert not [each for each in causal_axes(plan, plan.outputs[0]) if each.input == "x"]


@pytest.mark.parametrize("kind", ["GRU", "LSTM"])
def test_a_state_reads_the_first_states_of_its_own_layer_and_those_below(kind: str) -> None:
    plan = layer(kind, num_layers=3).plan
    at, middle = plan.outputs[0].step, all_cells(2) & ~all_cells(1)
    assert trace(plan, at, 1, ((middle, all_cells(4)),))["h"] == ((all_cells(2), all_cells(4)),)
    plan = layer(kind, bidirectional=True).plan
    assert trace(plan, plan.outputs[0].step, 1, ((middle, all_cells(4)),))["h"] == ((middle, all_cells(4)),)


# What is refused, and what is shared


@pytest.mark.parametrize(
    ("entry", "inputs", "said"),
    [
        ("LSTM", {"x": [6, 3], "h": [1, 4]}, "LSTM takes 1 source or 3"),
        ("GRU", {"x": [6, 3], "h": [2, 4]}, "expected hidden size 1×4, got 2×4"),
        ("LSTM", {"x": [6, 3], "h": [1, 4], "c": [1, 5]}, "expected hidden[1] size 1×4, got 1×5"),
        ("GRU", {"x": [6, 3], "h": [4]}, "GRU works on L×C"),
        ("LSTMCell", {"x": [3], "h": [4]}, "LSTMCell takes 1 source or 3"),
        ("LSTMCell", {"x": [3], "h": [4], "c": [5]}, "hidden1 has inconsistent hidden_size: got 5, expected 4"),
        ("GRUCell", {"x": [6, 3]}, "GRUCell works on C"),
    ],
)
def test_states_that_do_not_fit_are_refused(entry: str, inputs: dict[str, list[int]], said: str) -> None:
    it = {"type": entry, "hidden_size": 4, "from": list(inputs)}
    (found,) = checked(of_mapping({"input": inputs, "layers": [it]})).diagnostics
    assert found.message == said


def test_a_layer_is_shared_with_and_without_a_state() -> None:
    layers = [
        {"name": "first", "type": "LSTM", "hidden_size": 4, "from": "a"},
        {"name": "then", "type": "LSTM", "hidden_size": 4, "from": ["b", "first.1", "first.2"], "share": "first"},
    ]
    report = checked(of_mapping({"input": {"a": [5, 3], "b": [8, 3]}, "layers": layers}))
    assert report.ok
    assert report.cost.params == 4 * 4 * (3 + 4 + 2)
    assert "self.first(b, (first_1, first_2))" in forward(report)
