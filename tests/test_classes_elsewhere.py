"""Emitted classes are right for other arguments than those that the file has, in the values that they compute."""

from __future__ import annotations

import inspect
from itertools import product
from typing import Any

import pytest

from planner.outputs.code.torch import Emitted, emitted
from planner.outputs.code.torch.building import module_of
from planner.propagation import propagate
from planner.report import Report
from planner.source import of_mapping
from planner.unfolding import load
from reference_run import differences

pytestmark = pytest.mark.filterwarnings("ignore")


def report_of(file: dict[str, Any], **params: Any) -> Report:
    report = Report(propagate(load(of_mapping(file), params=params)))
    assert report.plan.complete, [*report.plan.model.diagnostics, *report.plan.diagnostics]
    return report


def must_be_right(file: dict[str, Any], *others: dict[str, Any]) -> Emitted:
    """The program of a file computes what the plan says, and so does it with other arguments of the model."""
    found = emitted(report_of(file))
    for arguments in ({}, *others):
        assert differences(report_of(file, **arguments), found, arguments=arguments) == [], (arguments, found.text)
    return found


# Attention with queries, keys and values of their own

CROSS: dict[str, Any] = {
    "inputs": ["x", "memory"],
    "params": {"heads": 2},
    "layers": [
        {"name": "attn", "type": "MultiheadAttention", "num_heads": "$heads", "from": ["x", "memory", "memory"]},
        {"type": "Add", "from": ["x", "attn"]},
    ],
}


@pytest.mark.parametrize("keys", [16, 24])
def test_queries_and_keys_each_have_their_channels(keys: int) -> None:
    file = {
        "input": {"x": [10, 9], "memory": [7, 9]},
        "params": {"width": 16, "keys": keys, "heads": 4},
        "layers": [
            {"name": "embed", "type": "Linear", "out_features": "$width", "from": "x"},
            {"name": "remember", "type": "Linear", "out_features": "$keys", "from": "memory"},
            {"name": "a", "type": "cross", "heads": "$heads", "from": ["embed", "remember"]},
            {"name": "b", "type": "cross", "from": ["a", "remember"]},
        ],
        "blocks": {"cross": CROSS},
    }
    widths = product((16, 24), (16, 8), (2, 4))
    found = must_be_right(file, *({"width": w, "keys": k, "heads": h} for w, k, h in widths))
    assert "kdim=memory_channels" in found.text


def test_where_keys_are_as_wide_as_queries_their_width_goes_without_saying() -> None:
    file = {
        "input": [10, 9],
        "params": {"width": 16},
        "layers": [
            {"name": "embed", "type": "Linear", "out_features": "$width"},
            {"name": "remember", "type": "Linear", "out_features": "$width"},
            {"name": "attn", "type": "MultiheadAttention", "num_heads": 4, "from": ["embed", "remember"]},
        ],
    }
    assert "nn.MultiheadAttention(width, 4, batch_first=True)" in must_be_right(file, {"width": 24}).text


# Repetitions that are read by themselves


@pytest.mark.parametrize("read", [["conv.0", "conv.2"], "conv.*", ["conv.1", "conv"]])
def test_what_is_called_at_two_sizes_is_one_class_though_repetitions_are_read_by_themselves(read: Any) -> None:
    net = {
        "layers": [
            {"name": "conv", "type": "Conv2d", "out_channels": 3, "kernel_size": 3, "padding": 1, "repeat": 3},
            {"type": "Add", "from": read},
        ]
    }
    calls: list[dict[str, Any]] = [{"name": "first", "type": "net", "from": "a"}]
    file = {
        "input": {"a": [8, 8, 3], "b": [5, 5, 3]},
        "layers": [*calls, {"name": "second", "type": "net", "from": "b", "share": "first"}],
        "outputs": ["first", "second"],
        "blocks": {"net": net},
    }
    assert must_be_right(file).text.count("class Net") == 1


def test_repetitions_that_are_written_one_by_one_are_right_for_other_widths() -> None:
    conv = {"type": "Conv2d", "kernel_size": 1}
    block = {
        "params": {"hidden": None, "n": None},
        "layers": [
            {"name": "cv1", **conv, "out_channels": "2 * $hidden"},
            {"name": "parts", "type": "Chunk", "chunks": 2, "dim": 1},
            {"name": "m", **conv, "out_channels": "$hidden", "from": "parts.1", "repeat": "$n"},
            {"type": "Concat", "from": ["parts.0", "parts.1", "m.*"]},
            {"name": "cv2", **conv, "out_channels": 4},
        ],
    }
    calls = [{"type": "block", "hidden": "$growth", "n": 2}, {"type": "block", "hidden": "2 * $growth", "n": 3}]
    file = {"input": [5, 5, 4], "params": {"growth": 4}, "layers": calls, "blocks": {"block": block}}
    must_be_right(file, {"growth": 3}, {"growth": 8})


def test_repetitions_that_are_read_all_together_are_collected_in_a_loop() -> None:
    conv = {"type": "Conv2d", "out_channels": "$width", "kernel_size": 3, "padding": 1, "repeat": 3}
    block = {
        "params": {"width": None},
        "layers": [
            {"name": "conv", **conv},
            {"type": "Concat", "from": ["input", "conv.*"]},
            {"name": "last", "type": "Conv2d", "out_channels": 4, "kernel_size": 1},
        ],
    }
    file = {
        "input": [6, 6, 4],
        "params": {"width": 4},
        "layers": [{"name": "a", "type": "block", "width": "$width"}, {"name": "b", "type": "block", "width": 5}],
        "blocks": {"block": block},
    }
    text = must_be_right(file, {"width": 3}).text
    assert "        for layer in self.conv:\n            out = layer(out)\n            conv.append(out)\n" in text
    assert "torch.cat([x, *conv], dim=1)" in text


# Tied weights


def test_a_weight_of_a_copy_is_found_by_its_number() -> None:
    linear: dict[str, Any] = {"type": "Linear", "out_features": "$width", "bias": False}
    tied = {"b": "blocks.0.fc.weight", "c": "conv.1.weight", "d": "chain.1.weight", "e": "list.0.fc.weight"}
    file = {
        "input": [5, 8],
        "params": {"width": 8, "n": 3},
        "layers": [
            {"name": "blocks", "type": "block", "repeat": "$n"},
            {"name": "list", "type": "listed"},
            {"name": "chain", "type": "chain"},
            {"name": "conv", **linear, "repeat": 3},
            {"type": "Add", "from": "conv.*"},
            *({"name": name, **linear, "tie": {"weight": weight}} for name, weight in tied.items()),
        ],
        "blocks": {
            "block": {"layers": [{"name": "fc", **linear}, {"type": "GELU"}]},
            "chain": {"layers": [linear, linear]},
            "listed": {"layers": [{"type": "block"}, {"type": "Add", "from": ["input", "0"]}]},
        },
    }
    found = must_be_right(file)
    assert "get_parameter" not in found.text
    model = getattr(module_of(found.text), found.name)()
    for name, weight in tied.items():
        assert model.get_parameter(f"{name}.weight") is model.get_parameter(weight)


# Constants


@pytest.mark.parametrize(
    "constant",
    [{"fill": "$n"}, {"fill": "1 / $n"}, {"fill": "$n // 2"}, {"fill": "linspace", "start": "-$n", "end": "$n * $n"}],
    ids=str,
)
def test_numbers_that_a_constant_is_made_with_are_arguments(constant: dict[str, Any]) -> None:
    block = {
        "params": {"n": None},
        "layers": [
            {"name": "by", "type": "Constant", "shape": [6, 8], **constant},
            {"type": "MatMul", "from": ["input", "by"]},
        ],
    }
    calls: list[dict[str, Any]] = [{"name": "a", "type": "block", "n": "$n"}, {"name": "b", "type": "block", "n": 2.5}]
    file = {"input": [5, 6], "params": {"n": 3}, "layers": calls[:1], "blocks": {"block": block}}
    must_be_right(file, {"n": 7}, {"n": 0.25} if "//" not in str(constant) else {"n": 1})
    twice = {"name": "add", "type": "Add", "from": ["a", "b"]}
    calls[1]["from"] = "input"
    assert must_be_right({**file, "layers": [*calls, twice]}).text.count("class Block") == 1


def test_what_follows_from_constants_and_weights_alone_is_worked_out_for_one_sample() -> None:
    file = {
        "input": [6, 8],
        "params": {"n": 2},
        "layers": [
            {"name": "place", "type": "Constant", "shape": [6], "fill": "arange"},
            {"name": "embed", "type": "Embedding", "num_embeddings": 6, "embedding_dim": 8, "from": "place"},
            {"name": "weight", "type": "Parameter", "shape": [4, 8], "channels_last": True},
            {"name": "fc", "type": "Linear", "out_features": "$n * 8"},
            {"name": "parts", "type": "Chunk", "chunks": "$n", "dim": -1},
            {"name": "sum", "type": "Add", "from": ["parts.0", "parts.1"]},
            {"name": "rows", "type": "Reshape", "shape": [8, 4]},
            {"name": "dropped", "type": "Dropout", "p": 0.5, "from": "embed"},
            {"name": "first", "type": "MatMul", "from": ["input", "rows"]},
            {"name": "second", "type": "Add", "from": ["input", "dropped"]},
        ],
        "outputs": ["first", "second", "embed"],
    }
    text = must_be_right(file).text
    assert "self.embed(self.place[None])" in text
    assert text.count(".expand(") == 1  # of what is returned, which dropout takes too


# Numbers that are equal by chance


def test_repetitions_of_which_there_is_one_are_not_as_wide_as_it_by_chance() -> None:
    layers = [{"name": "fc", "type": "Linear", "out_features": "$width", "repeat": "$n"}, {"type": "ReLU"}]
    block = {"layers": [{"name": "fc", "type": "Linear", "out_features": "$width", "repeat": "$n"}, {"type": "Tanh"}]}
    file = {"input": [5, 2], "params": {"width": 2, "n": 1}, "layers": layers, "blocks": {"block": block}}
    found = emitted(report_of(file))
    taken = inspect.signature(getattr(module_of(found.text), found.name)).parameters
    must_be_right(file, *({each: 4} for each in taken))
    must_be_right({**file, "layers": [*layers, {"type": "block"}, {"type": "block"}]}, {"width": 4})


def test_what_reads_all_repetitions_does_not_read_one_that_is_alone() -> None:
    conv = {"name": "conv", "type": "Conv1d", "out_channels": 4, "kernel_size": 3, "padding": 1, "repeat": "$n"}
    layers = [conv, {"type": "Add", "from": ["input", "conv.*"]}, {"type": "Linear", "out_features": "$width"}]
    found = must_be_right({"input": [5, 4], "params": {"n": 1, "width": 3}, "layers": layers}, {"width": 6})
    assert list(inspect.signature(getattr(module_of(found.text), found.name)).parameters) == ["width"]
