"""In code: arguments at their defaults, truths that decide numbers of channels, and functions of constants."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from planner.outputs.code.torch import emitted
from planner.propagation import propagate
from planner.report import Report
from planner.source import of_mapping
from planner.unfolding import load
from reference_run import differences

pytestmark = pytest.mark.filterwarnings("ignore")

LISTENER: dict[str, Any] = {
    "input": [9, 8],
    "params": {"flag": True, "hidden": 5},
    "layers": [
        {"name": "norm", "type": "GroupNorm", "num_groups": 4, "affine": "$flag"},
        {"name": "rnn", "type": "LSTM", "hidden_size": "$hidden", "bidirectional": "$flag", "bias": "$flag"},
        {"name": "fc", "type": "Linear", "out_features": "max($hidden, 6)"},
    ],
}


def report_of(file: dict[str, Any], **params: Any) -> Report:
    return Report(propagate(load(of_mapping(file), params=params)))


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_a_truth_decides_channels_and_stays_an_argument(kind: str) -> None:
    layers = [{**each, "type": kind if each["name"] == "rnn" else each["type"]} for each in LISTENER["layers"]]
    file = {**LISTENER, "layers": layers}
    for there in (True, False):
        found = emitted(report_of(file, flag=there))
        assert "2 * hidden if flag else hidden" in found.text
        for flag, hidden in product((True, False), (5, 7)):
            arguments = {"flag": flag, "hidden": hidden}
            assert differences(report_of(file, **arguments), found, arguments=arguments) == [], found.text


def test_copies_with_either_truth_have_a_class_in_common() -> None:
    block = {"params": {"hidden": None, "flag": False}, "layers": LISTENER["layers"][1:]}
    calls = [{"type": "enc", "hidden": 6, "flag": True}, {"type": "enc", "hidden": 4}, {"type": "enc", "hidden": 8}]
    report = report_of({"input": [9, 8], "layers": calls, "blocks": {"enc": block}})
    found = emitted(report)
    assert found.text.count("class Enc") == 1
    assert differences(report, found) == []


def test_defaults_that_are_fixed_are_left_out() -> None:
    # Whether padding counts decides what is called, so that it cannot be an argument.
    pool = {"type": "AvgPool1d", "kernel_size": 2, "padding": [[0, 1]], "count_include_pad": "$counts"}
    block = {"params": {"counts": True}, "layers": [pool, {"type": "Linear", "out_features": 3}]}
    report = report_of({"input": [9, 8], "layers": [{"type": "enc"}], "blocks": {"enc": block}})
    found = emitted(report)
    assert "nn.AvgPool1d(2)" in found.text
    assert differences(report, found) == []


def test_functions_of_constants_are_numbers() -> None:
    block = {"params": {"width": None}, "layers": [{"type": "Linear", "out_features": "make_divisible($width + 2, 4)"}]}
    calls = [{"type": "enc", "width": width} for width in (4, 9)]
    report = report_of(
        {"input": [9, 8], "layers": [*calls, {"type": "Linear", "out_features": 3}], "blocks": {"enc": block}}
    )
    found = emitted(report)
    assert "make_divisible(width + 2, 4)" in found.text
    assert "nn.Linear(12, 3)" in found.text
    assert differences(report, found) == []


def test_not_may_stand_behind_an_operator() -> None:
    # Python wants brackets there, which the file need not have.
    entry = {"type": "Linear", "out_features": "2 if $yes == not $no else 3"}
    report = report_of({"input": [9, 8], "params": {"yes": True, "no": False}, "layers": [entry]})
    found = emitted(report)
    assert "2 if yes == (not no) else 3" in found.text
    assert differences(report, found) == []


LONG = [
    ({"type": "Linear", "out_features": "$a + " * 198 + "$a"}, "nn.Linear(in_channels, 597)"),
    ({"type": "Linear", "out_features": "1+" * 497 + "$a"}, "nn.Linear(in_channels, 500)"),
    ({"type": "Linear", "out_features": "2 if " + "not " * 200 + "$a > 1 else 5"}, "nn.Linear(in_channels, 2)"),
    ({"type": "Linear", "out_features": "-" * 996 + "$a"}, "nn.Linear(in_channels, a)"),
    ({"name": "x${" + "1+" * 480 + "a}", "type": "Linear", "out_features": 3}, "self.x483 = nn.Linear(in_channels, 3)"),
    ({"type": "'ReLU' if " + "1+" * 480 + "$a > 9 else 'Tanh'"}, "nn.ReLU()"),
    ({"type": "ReLU", "repeat": "1 + " * 110 + "$a"}, "range(113)"),
]


@pytest.mark.parametrize(("entry", "written"), LONG, ids=lambda each: str(each)[-30:])
def test_of_arithmetic_without_end_the_number_is_written(entry: dict[str, Any], written: str) -> None:
    block = {"layers": [entry]}
    report = report_of({"input": [9, 4], "params": {"a": 3}, "layers": [{"type": "enc"}], "blocks": {"enc": block}})
    assert report.plan.complete, report.plan.model.diagnostics
    found = emitted(report)
    assert written in found.text, found.text
    assert differences(report, found) == []


def test_arguments_keep_the_order_of_the_call() -> None:
    entry = {"type": "GroupNorm", "num_groups": "$groups", "eps": "$eps"}
    report = report_of({"input": [4, 4, 8], "params": {"groups": 4, "eps": 1e-5}, "layers": [entry]})
    found = emitted(report)
    assert "nn.GroupNorm(groups, 8, eps=eps)" in found.text
    assert differences(report, found, arguments={"groups": 4, "eps": 1e-5}) == []
