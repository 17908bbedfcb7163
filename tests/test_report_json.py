"""The JSON of a report: losses, receptive fields, what is unread, and fixes, in plain values and exactly."""

from __future__ import annotations

import json
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import planner
from planner.diagnostics import Edit
from planner.editing import rewritten
from planner.outputs._dictionary import _exact, dictionary
from planner.report import Report
from planner.source import read
from planner.workbench import checked

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "tests" / "reference" / "torchvision"


@cache
def told(name: str, *size: int) -> dict[str, Any]:
    """The JSON of a config as a program gets it; at another size of the input, without fixes, where one is given."""
    report = planner.check(ROOT / "configs" / f"{name}.yaml", input=size or None)
    plain = Report(report.plan, report.diagnostics) if size else report
    found: dict[str, Any] = json.loads(json.dumps(dictionary(plain), allow_nan=False))
    return found


def step(name: str, layer: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in told(name)["steps"] if each["name"] == layer)
    return found


# --- what is lost ---------------------------------------------------------------------------------------------------


def test_a_loss_has_its_place_its_numbers_and_its_words() -> None:
    losses = step("squeezenet1_1", "features.0")["loss"]
    assert [(each["from"], each["axis"]) for each in losses] == [("input", "height"), ("input", "width")]
    first = losses[0]
    assert (first["cells"], first["length"], first["leftover"], first["lost"], first["uneven"]) == (224, 111, 1, 1, 0)
    assert first["text"].startswith("height: cell 223 of 224 is read by no ")
    assert step("squeezenet1_1", "features.1")["loss"] == []


def test_padding_that_is_left_over_is_no_lost_cell() -> None:
    losses = step("resnet50", "conv1")["loss"]
    assert [(each["lost"], each["uneven"]) for each in losses] == [(0, 1), (0, 1)]


UNREAD = ["squeezenet1_1", "inception_v3", "convnext_tiny", "vgg16", "resnet50"]


@pytest.mark.parametrize("name", UNREAD)
def test_unread_cells_of_the_input_are_those_that_were_measured(name: str) -> None:
    measured = json.loads((REFERENCE / f"{name}.json").read_text())["unread"]
    for sizes, expected in measured.items():
        height, width = map(int, sizes.split("x"))
        reach = told(name, height, width, 3)["reach"]["input"]
        assert reach == {f"unread_{key}": value for key, value in expected.items()}, sizes


def test_rows_and_columns_that_are_unread() -> None:
    assert told("squeezenet1_1")["reach"] == {
        "input": {"unread_cells": 447, "unread_rows": [223], "unread_columns": [223]}
    }


def test_axes_have_their_names_in_one_two_and_three_dimensions() -> None:
    """A pool of 2 on 5 cells reads 4 of each axis."""
    pools: dict[int, dict[str, list[int]]] = {
        1: {"unread_rows": [], "unread_columns": [4]},
        2: {"unread_rows": [4], "unread_columns": [4]},
        3: {"unread_rows": [4], "unread_columns": [4], "unread_slices": [4]},
    }
    for rank, expected in pools.items():
        model = {"input": [5] * rank + [3], "layers": [{"type": f"MaxPool{rank}d", "kernel_size": 2}]}
        reach = planner.check(model).to_dict()["reach"]["input"]
        assert {key: value for key, value in reach.items() if key != "unread_cells"} == expected
        assert reach["unread_cells"] == 5**rank - 4**rank


def test_multiply_adds_in_vain() -> None:
    """ResNet-50 v1 computes 375,717,888 multiply-adds that nothing reads."""
    v1 = told("resnet50_v1")
    assert v1["wasted_macs"] == 375_717_888
    assert sum(each["unread"]["macs_wasted"] for each in v1["steps"]) == 375_717_888
    assert told("resnet50")["wasted_macs"] == 0


def test_of_a_plan_that_is_not_complete_nobody_knows_what_is_unread() -> None:
    model = {
        "input": [5, 5, 3],
        "layers": [{"type": "MaxPool2d", "kernel_size": 2}, {"type": "MaxPool2d", "kernel_size": 3}],
    }
    found = planner.check(model).to_dict()
    assert (found["reach"], found["wasted_macs"]) == (None, None)
    assert [each["unread"] for each in found["steps"]] == [None, None]
    assert found["steps"][0]["loss"][0]["lost"] == 1
    assert found["steps"][1]["receptive_field"] == {}


# --- receptive fields -----------------------------------------------------------------------------------------------

FIELDS = [
    # A. Araujo, W. Norris, J. Sim, "Computing receptive fields of convolutional neural networks", Distill 2019, table
    ("alexnet", "features.12", 195, 32),
    ("vgg16", "features.30", 212, 32),
    ("resnet50_v1", "layer4.2.relu_2", 483, 32),
]


@pytest.mark.parametrize(("name", "layer", "size", "stride"), FIELDS)
def test_receptive_fields_are_the_published_ones(name: str, layer: str, size: int, stride: int) -> None:
    field = step(name, layer)["receptive_field"]["input"]
    assert (field["size"], field["stride"]) == ([size, size], [stride, stride])


def test_a_field_has_four_numbers_for_each_axis() -> None:
    """A 7×3 convolution of stride 2 without padding sees 7 and 3 cells, the first time around cells 3 and 1."""
    conv = {"type": "Conv2d", "out_channels": 1, "kernel_size": [7, 3], "stride": 2}
    found = planner.check({"input": [32, 32, 1], "layers": [conv]}).to_dict()["steps"][0]["receptive_field"]
    assert found == {"input": {"size": [7, 3], "stride": [2, 2], "center": [3, 1], "min_size": [7, 3]}}


def test_fractions_are_exact() -> None:
    values = [Fraction(7), Fraction(7, 2), Fraction(-1, 4), Fraction(1, 3), None]
    assert [_exact(each) for each in values] == [7, 3.5, -0.25, "1/3", None]
    up = planner.check({"input": [8, 1], "layers": [{"type": "Upsample", "scale_factor": 4}]}).to_dict()
    assert up["steps"][0]["receptive_field"]["input"]["stride"] == [0.25]


def test_an_output_that_sees_everything_has_no_stride() -> None:
    field = step("vit_b_16", "encoder.layers.encoder_layer_0.self_attention")["receptive_field"]["input"]
    assert field["size"] == [224, 224]
    assert field["stride"] == field["center"] == [None, None]


# --- fixes ----------------------------------------------------------------------------------------------------------


def test_the_edits_of_a_fix_are_enough_to_make_it() -> None:
    path = ROOT / "configs" / "squeezenet1_1.yaml"
    found = told("squeezenet1_1")["diagnostics"]
    assert [list(fix) for each in found for fix in each["fixes"]] == [["edit", "text", "effect", "safe"]] * sum(
        len(each["fixes"]) for each in found
    )
    first = next(each for each in found if each["code"] == "NSP321")["fixes"][0]
    edits = [Edit(tuple(each["path"]), each["value"], each["action"]) for each in first["edit"]]
    mended = checked(rewritten(read(path), edits))
    assert {each.code for each in mended.diagnostics} == {"NSP338"}  # its pools hang over the edge, as before
    assert first["text"] == "padding: [[0, 1], [0, 1]]"


def test_findings_without_a_fix_have_an_empty_list() -> None:
    assert all(each["fixes"] == [] for each in told("resnet50")["diagnostics"] if each["code"] == "NSP324")
