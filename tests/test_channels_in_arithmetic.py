"""`$input.channels` in arithmetic: what it comes to, for every copy, and in the code."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

import planner
import random_block_files
from planner.analyses.input_sizes import input_sizes
from planner.diagnostics import Severity
from planner.faults.places_in_padding import PlacesInPadding
from planner.outputs.code.torch import emitted
from planner.propagation import propagate
from planner.report import Report
from planner.source import of_mapping
from planner.unfolding import load
from planner.workbench import Checked, checked_text
from reference_run import differences


def checked(text: str, **options: Any) -> Checked:
    report = checked_text(text, **options)
    assert [each.message for each in report.diagnostics if each.severity is Severity.ERROR] == []
    assert report.plan.complete
    return report


def channels(report: Checked) -> dict[str, int]:
    """The channels of each step."""
    return {step.name: step.outputs[0].channels for step in report.plan.layers}


CONV = "type: Conv2d, kernel_size: 1, out_channels:"


def test_of_the_model_whatever_its_input_is() -> None:
    text = f"input: [8, 8, 3]\nlayers:\n  - {{{CONV} 2 * $input.channels + 1}}\n"
    assert channels(checked(text)) == {"0": 7}
    assert channels(checked(text, input=(8, 8, 10))) == {"0": 21}


def test_of_inputs_by_their_names() -> None:
    text = f"""
input: {{left: [8, 8, 3], right: [8, 8, 5]}}
outputs: [a, b]
layers:
  - {{name: a, {CONV} $left.channels * $right.channels, from: left}}
  - {{name: b, {CONV} "max($left.channels, $right.channels)", from: right}}
"""
    assert channels(checked(text)) == {"a": 15, "b": 5}


NESTED = f"""
input: [8, 8, 4]
layers:
  - {{name: a, type: outer}}
  - {{name: b, type: outer, width: 3, repeat: 2}}
blocks:
  outer:
    params: {{width: $input.channels // 2}}
    layers:
      - {{name: own, {CONV} $width + $input.channels}}
      - name: place
        layers:
          - {{{CONV} 2 * $input.channels}}
          - {{{CONV} 2 * $input.channels}}
      - {{name: called, type: inner, times: $input.channels}}
  inner:
    params: {{times: }}
    layers:
      - {{{CONV} $input.channels // $times + 1}}
"""


def test_of_the_list_that_it_stands_in_anew_for_every_copy() -> None:
    def expected(c: int, width: int) -> list[int]:
        own = width + c
        return [own, 2 * own, 2 * own, 2 * own // c + 1]

    report = checked(NESTED)
    first = expected(4, 2)
    second = expected(first[-1], 3)
    assert list(channels(report).values()) == first + second + expected(second[-1], 3)


@pytest.mark.filterwarnings("ignore")
def test_the_code_works_them_out_too() -> None:
    report = checked(NESTED)
    found = emitted(report)
    assert differences(report, found) == [], found.text
    assert found.text.count("class Outer") == 1
    assert "width + in_channels" in found.text


@pytest.mark.filterwarnings("ignore")
def test_channels_carried_along_repetitions_are_not_those_of_the_list() -> None:
    text = f"""
input: [8, 8, 4]
layers:
  - name: a
    layers:
      - {{name: conv, {CONV} 2 * $input.channels, repeat: 2}}
      - {{name: again, {CONV} $input.channels * ($index + 1), repeat: 3}}
      - {{type: MaxPool2d, kernel_size: 2, return_indices: true}}
"""
    report = checked(text)
    assert list(channels(report).values()) == [8, 8, 4, 8, 12, 12]
    assert differences(report, emitted(report)) == []


def test_a_parameter_that_is_worked_out_from_them_decides_what_there_is() -> None:
    text = f"""
input: [8, 8, 4]
layers:
  - {{name: a, type: block, width: 4}}
  - {{name: b, type: block, width: 8}}
blocks:
  block:
    params: {{width: , project: $input.channels != $width}}
    layers:
      - {{name: conv, {CONV} $width}}
      - {{name: project, {CONV} $width, from: input, when: $project}}
      - {{type: Add, from: [conv, project]}}
"""
    assert list(channels(checked(text))) == ["a.conv", "a.add", "b.conv", "b.project", "b.add"]


def test_of_one_of_several_outputs() -> None:
    text = f"""
input: [8, 8, 9]
layers:
  - {{name: parts, type: Split, split_size: [2, 7]}}
  - {{name: a, type: block, from: parts.1}}
blocks:
  block: {{layers: [{{{CONV} 3 * $input.channels}}]}}
"""
    assert channels(checked(text))["a.0"] == 21


def test_in_a_mapping_of_python_and_in_a_name_they_are_what_they_were() -> None:
    """A dot behind a parameter of a name is one of the name."""
    layers = [
        {"name": "stage", "repeat": 2, "layers": [{"type": "ReLU"}]},
        {"name": "x$index.y", "type": "ReLU", "repeat": 2},
    ]
    report = planner.check({"input": [8, 8, 4], "layers": layers})
    assert [step.name for step in report.plan.layers] == ["stage.0.0", "stage.1.0", "x0.y", "x1.y"]


def test_the_sizes_of_inputs_are_answered_as_before() -> None:
    text = f"""
input: [9, 9, 4]
layers:
  - {{{CONV} 2 * $input.channels, stride: 2}}
  - {{type: MaxPool2d, kernel_size: 2, stride: 2}}
"""
    found, expected = (
        next(input_sizes(checked(each).plan.model)) for each in (text, text.replace("2 * $input.channels", "8"))
    )
    assert found == expected


# Random files


WIDTHS = ("out_channels", "out_features", "hidden_size", "width", "inner")
SIZES = ("${}.channels", "2 * ${}.channels", "max(${}.channels // 2, 2)", "${}.channels + 2")


def with_channels(file: dict[str, Any], random: Random) -> dict[str, Any]:
    """A random file in which about half of the widths are worked out from the channels of an input."""

    def change(layers: list[dict[str, Any]], inputs: list[str]) -> None:
        for entry in layers:
            if "layers" in entry:
                change(entry["layers"], ["input"])
            for key in WIDTHS:
                if key in entry and random.random() < 0.5:
                    entry[key] = random.choice(SIZES).format(random.choice(inputs))

    named = list(file["input"]) if isinstance(file["input"], dict) else ["input"]
    for block in file.get("blocks", {}).values():
        inputs = [each for each in block.get("inputs", ["input"]) if each.isidentifier()]
        if inputs:
            change(block["layers"], inputs)
            defaults = [key for key in WIDTHS if block.get("params", {}).get(key) is not None]
            block.get("params", {}).update(dict.fromkeys(defaults, f"${inputs[0]}.channels"))
    change(file["layers"], [each for each in named if each.isidentifier()] or ["input"])
    return random_block_files.mended(file, random)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("first", [0, *(pytest.param(i, marks=pytest.mark.long) for i in range(40, 1000, 40))])
def test_random_files(first: int) -> None:
    compared = 0
    for seed in range(first, first + 40):
        file = with_channels(random_block_files.model(Random(seed)), Random(seed))
        report = Report(propagate(load(of_mapping(file))))
        if not report.plan.complete or report.plan.model.diagnostics or "channels" not in str(file):
            continue
        try:
            found = emitted(report)
        except PlacesInPadding:
            continue
        assert differences(report, found) == [], (seed, found.text)
        compared += 1
    assert compared > 20
