"""Reach: a cell is unread if and only if a linear copy of the network with positive weights has no gradient there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import planner
from layer_oracle import made
from linear_copy import LinearCopy, mask
from planner.analyses.reach import Reach, Unread, reach, trace
from planner.geometry import Shape
from planner.plan import Plan, Step
from random_networks import network, networks, planned

CONFIGS = Path(__file__).parents[1] / "configs"
TORCHVISION = Path(__file__).parent / "reference" / "torchvision"

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")

MANY = settings(max_examples=settings().max_examples * 3 // 2)


def reached(plan: Plan) -> Reach:
    found = reach(plan)
    assert found is not None
    return found


def unread(plan: Plan, name: str) -> Unread:
    """What is unread of a step's first output."""
    i = next(i for i, step in enumerate(plan.steps) if step.name == name)
    return (reached(plan).unread[i] or ())[0]


# Random networks


@MANY
@given(networks())
def test_unread_is_what_has_no_gradient(mapping: dict[str, Any]) -> None:
    check_unread(mapping)


def check_unread(mapping: dict[str, Any]) -> None:
    """Of the inputs and of every output of every step, element by element."""
    plan = planned(mapping)
    copy, found = LinearCopy(plan), reached(plan)
    tensors = [(i, output, value) for i, values in enumerate(copy.values) for output, value in enumerate(values)]
    read = copy.read(copy.outputs_sum(), [value for _, _, value in tensors])
    for (i, output, _), seen in zip(tensors, read, strict=True):
        left = (found.unread[i] or ())[output]
        assert (mask(left.read, plan.steps[i].outputs[output]) == seen).all(), plan.steps[i].name
        assert left.elements == int((~seen).sum())
        assert left.cells == int((~seen.any(-1)).sum())
        assert left.channels == sum(
            1 << c for c, any_read in enumerate(seen.reshape(-1, seen.shape[-1]).any(0)) if not any_read
        )
        for axis in range(seen.dim() - 1):
            assert left.lines(axis) == (~seen.movedim(axis, 0).flatten(1).any(1)).nonzero()[:, 0].tolist()


@MANY
@given(networks())
def test_wasted_macs_are_those_of_unread_elements(mapping: dict[str, Any]) -> None:
    """All where nothing is read; else the elements' part, and what writes them in a transposed convolution."""
    plan = planned(mapping)
    found = reached(plan)
    for i, step in enumerate(plan.steps):
        left, wasted = found.unread[i] or (), found.macs_wasted[i]
        if not step.macs or not any(each.read for each in left):
            assert wasted == (step.macs or 0)
        elif step.type.startswith("ConvTranspose"):
            unread = ~mask(left[0].read, left[0].shape)
            assert wasted == int(writes(step)[unread].sum()), step.name
        else:
            assert wasted == step.macs * left[0].elements // left[0].shape.elements, step.name
    assert found.wasted_macs == sum(each or 0 for each in found.macs_wasted)


def writes(step: Step) -> torch.Tensor:
    """How many products are added up in each element of a transposed convolution's output."""
    assert step.layer is not None
    (call,) = step.layer.calls(*step.inputs)
    module = made(call)
    for name, weight in module.named_parameters():
        torch.nn.init.constant_(weight, int(name == "weight"))
    counts: torch.Tensor = module(torch.ones(1, *step.inputs[0].torch))
    return counts[0].movedim(0, -1).detach()


@MANY
@given(networks(), st.randoms(use_true_random=False))
def test_trace_is_the_gradient_of_cells(mapping: dict[str, Any], random: Random) -> None:
    """Of a few cells of any step, most of them at a corner: what they read of each input."""
    plan = planned(mapping)
    copy = LinearCopy(plan)
    step = random.choice([*plan.layers])
    i, output = plan.steps.index(step), random.randint(0, len(step.outputs) - 1)
    shape = step.outputs[output]
    box = tuple(sum({1 << random.choice([0, n - 1, random.randint(0, n - 1)]) for _ in range(2)}) for n in shape)
    chosen = copy.values[i][output][0].movedim(0, -1)[mask((box,), shape)]
    inputs = [plan.steps.index(each) for each in plan.inputs]
    traced = trace(plan, i, output, (box,))
    for k, seen in zip(inputs, copy.read(chosen, [copy.values[k][0] for k in inputs]), strict=True):
        assert (mask(traced.get(plan.steps[k].name, ()), plan.steps[k].outputs[0]) == seen).all()


SPATIAL = (
    *("Conv", "ConvTranspose", "MaxPool", "AvgPool", "AdaptiveAvgPool", "AdaptiveMaxPool"),
    *("ZeroPad", "ConstantPad", "ReplicationPad", "CircularPad"),
)
OTHERS = (
    *("Add", "Subtract", "Multiply", "Concat", "Split", "Chunk", "Slice", "Crop", "CenterCrop", "CropLike", "PadLike"),
    *("Interpolate", "Upsample", "PixelShuffle", "PixelUnshuffle", "ChannelShuffle", "Permute", "Flatten", "Linear"),
    *("BatchNorm2d", "ReLU", "Dropout", "Identity", "Rearrange"),
)


def test_random_networks_are_of_every_kind() -> None:
    """So that a kind that never fits does not go unnoticed."""
    drawn = [network(Random(seed)) for seed in range(500)]
    types = {layer["type"] for each in drawn for layer in each["layers"]}
    assert {f"{name}{rank}d" for name in SPATIAL for rank in (1, 2, 3)} <= types
    assert set(OTHERS) <= types
    assert {len(each["input"]) for each in drawn} == {1, 2}
    assert {len(each["outputs"]) for each in drawn} == {1, 2, 3}


# Networks


@cache
def measured(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((TORCHVISION / f"{name}.json").read_text())
    return found


MEASURED = [
    (path.stem, size) for path in sorted(TORCHVISION.glob("*.json")) for size in measured(path.stem).get("unread", ())
]


def at(config: str, *input: int) -> Plan:
    plan = planner.check(CONFIGS / f"{config}.yaml", input=input or None).plan
    assert plan.complete
    return plan


@pytest.mark.parametrize(("name", "size"), MEASURED, ids=str)
def test_unread_cells_of_torchvisions_networks(name: str, size: str) -> None:
    """Measured by gradient on the whole network, at heights and widths that differ."""
    height, _, width = size.partition("x")
    left = unread(at(name, int(height), int(width), 3), "input")
    found = {"cells": left.cells, "rows": left.lines(0), "columns": left.lines(1)}
    assert found == measured(name)["unread"][size]


def test_every_network_of_images_and_windows_is_measured_at_six_sizes() -> None:
    names = {path.stem for path in TORCHVISION.glob("*.json")} - {"r3d_18", "vit_b_16"}
    assert {name for name, _ in MEASURED} == names
    assert len(MEASURED) == 6 * len(names) == 132


@dataclass(frozen=True)
class Unseen:
    """Input cells that do not reach the last feature map, at a square input."""

    config: str
    size: int
    cells: int
    lines: tuple[int, ...] = ()


UNSEEN = [
    Unseen("alexnet", 224, 0),
    Unseen("alexnet", 227, 904, (225, 226)),
    Unseen("alexnet", 230, 2275, (225, 226, 227, 228, 229)),
    Unseen("vgg16", 224, 0),
    Unseen("vgg16", 255, 0),
    Unseen("vgg16", 300, 0),
    Unseen("squeezenet1_0", 224, 447, (223,)),
    Unseen("squeezenet1_1", 224, 447, (223,)),
    Unseen("resnet50", 223, 0),
    Unseen("resnet50", 224, 0),
    Unseen("inception_v3", 224, 1335, (221, 222, 223)),
    Unseen("inception_v3", 299, 0),
    Unseen("inception_v3", 300, 599, (299,)),
    Unseen("convnext_tiny", 225, 449, (224,)),
]


@pytest.mark.parametrize("each", UNSEEN, ids=lambda each: f"{each.config}-{each.size}")
def test_unseen_input_cells(each: Unseen) -> None:
    left = unread(at(each.config, each.size, each.size, 3), "input")
    assert (left.cells, tuple(left.lines(0)), tuple(left.lines(1))) == (each.cells, each.lines, each.lines)


def test_a_stride_in_the_first_1x1_wastes_three_quarters_of_what_comes_before() -> None:
    """He et al. 2015 put it there; torchvision's ResNet-50 does not."""
    plan = at("resnet50_v1")
    last = [step for step in plan.steps if step.name.startswith("layer1.")][-1]
    assert unread(plan, last.name).cells == last.outputs[0].elements // last.outputs[0].channels * 3 // 4
    assert (reached(plan).wasted_macs, sum(step.macs or 0 for step in plan.steps)) == (375_717_888, 3_857_973_248)
    assert reached(at("resnet50")).wasted_macs == 0
    assert not any(each.elements for step in reached(at("resnet50")).unread for each in step or ())


# By hand


def test_cells_that_one_layer_loses_may_be_read_in_another_way() -> None:
    """The pool drops the last row, the convolution beside it does not."""
    pool = {"name": "pool", "type": "MaxPool2d", "kernel_size": 2}
    conv = {"name": "conv", "type": "Conv2d", "from": "input", "out_channels": 1, "kernel_size": [3, 2], "stride": 2}
    both = [pool, conv, {"type": "Concat", "from": ["pool", "conv"]}]
    assert unread(planned({"input": [5, 4, 1], "layers": both}), "input").cells == 0
    assert unread(planned({"input": [5, 4, 1], "layers": [pool]}), "input").lines(0) == [4]


def test_a_step_that_nothing_reads_is_wasted_whole() -> None:
    mapping = {
        "input": [8, 8, 2],
        "layers": [
            {"name": "kept", "type": "Conv2d", "out_channels": 4, "kernel_size": 3},
            {"name": "dropped", "type": "Conv2d", "from": "input", "out_channels": 4, "kernel_size": 3},
        ],
        "outputs": "kept",
    }
    plan = planned(mapping)
    assert reached(plan).macs_wasted == (0, 0, plan.steps[2].macs)
    assert unread(plan, "dropped").elements == 6 * 6 * 4


def test_a_plan_that_is_not_complete_is_not_judged() -> None:
    report = planner.check({"input": [4, 4, 1], "layers": [{"type": "MaxPool2d", "kernel_size": 5}]})
    assert reach(report.plan) is None


def test_unread_of_a_vector() -> None:
    """A tensor without spatial axes has one position."""
    mapping = {"input": [6], "layers": [{"type": "Slice", "dim": 1, "stop": 4}]}
    left = unread(planned(mapping), "input")
    assert (left.elements, left.cells, left.channels) == (2, 0, 0b110000)
    nothing = Unread(Shape((6,)), ())
    assert (nothing.elements, nothing.cells, nothing.channels) == (6, 1, 0b111111)
