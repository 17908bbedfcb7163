"""Receptive fields: against gradients of random networks, and against published figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings

from linear_copy import LinearCopy
from planner.analyses.reach import trace
from planner.analyses.receptive_field import AxisField, fields_of_sources, receptive_fields
from planner.geometry import Span
from planner.plan import Plan
from planner.propagation import propagate
from planner.source import read
from planner.unfolding import load
from random_networks import networks, planned

CONFIGS = Path(__file__).parents[1] / "configs"

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")

MANY = settings(max_examples=settings().max_examples * 3 // 2)
FEW = settings(max_examples=settings().max_examples // 4)


def field(plan: Plan, name: str, axis: int = 0) -> AxisField:
    """What a step's first output sees of the first input's axis."""
    i = next(i for i, step in enumerate(plan.steps) if step.name == name)
    return receptive_fields(plan)[i][0][0][axis]


Number = int | Fraction | None


def numbers(seen: AxisField) -> tuple[Number, Number, Number]:
    """Size, stride and padding, as publications have them: the centre of cell 0 lies at (size − 1) / 2 − padding."""
    if seen.size is None or seen.centre is None:
        return seen.size, seen.stride, None
    return seen.size, seen.stride, Fraction(seen.size - 1, 2) - seen.centre


# Random networks

ENDLESS = (
    *("conv", "transposed conv", "max pool", "avg pool", "pad", "upsample", "downsample", "pointwise", "linear"),
    *("turned", "Add", "Concat", "Subtract"),
)
"""Kinds of layers that are everywhere alike and read all channels: a field is that of all channels together."""
MARGIN = Fraction(1, 5)
"""A cell whose field keeps away so far from the borders of the input meets no border on the way either."""
MOST_PATHS = 100


def extent(marked: torch.Tensor, axis: int) -> tuple[int, int] | None:
    """From which to which cell of an axis a mask goes, its last axis being the channels."""
    cells = marked.movedim(axis, 0).flatten(1).any(1).nonzero()[:, 0].tolist()
    return (cells[0], cells[-1]) if cells else None


def in_the_middle(plan: Plan) -> Iterator[tuple[int, int, int, int, int, AxisField]]:
    """The middles of the outputs' axes and their fields that lie well within an input: step, output, cell, the input's
    step, axis, field.
    """
    fields = receptive_fields(plan)
    for i, output in plan.outputs:
        for source, axes in fields[i][output or 0].items():
            for axis, seen in enumerate(axes):
                if isinstance(seen.wide, Span) and seen.onto is not None:
                    cell = plan.steps[i].outputs[output or 0][seen.onto] // 2
                    low, high = seen.wide.at(cell)
                    if MARGIN * seen.length < low <= high + 1 and high < (1 - MARGIN) * seen.length:
                        yield i, output or 0, cell, source, axis, seen


def check_fields(mapping: dict[str, Any]) -> None:
    plan = planned(mapping)
    copy = LinearCopy(plan)
    for i, output, cell, source, axis, seen in in_the_middle(plan):
        assert isinstance(seen.wide, Span)
        assert seen.onto is not None
        low, high = seen.wide.at(cell)
        (marked,) = copy.read(copy.values[i][output].select(2 + seen.onto, cell), [copy.values[source][0]])
        assert extent(marked, axis) == ((low, high) if low <= high else None), plan.steps[i].name


@MANY
@given(networks(kinds=ENDLESS, rank=1, sizes=(200, 400), layers=(2, 8)))
def test_fields_are_extents_of_gradients(mapping: dict[str, Any]) -> None:
    """The stretch from the first to the last input cell that an output cell depends on, over all paths together."""
    check_fields(mapping)


@FEW
@given(networks(kinds=(*ENDLESS, "transpose"), rank=2, sizes=(40, 80), layers=(2, 6)))
def test_fields_of_two_axes_are_extents_of_gradients(mapping: dict[str, Any]) -> None:
    check_fields(mapping)


@MANY
@given(networks(kinds=ENDLESS, rank=1, sizes=(200, 400), layers=(2, 8)))
def test_the_narrowest_path_is_that_of_the_least_gradient(mapping: dict[str, Any]) -> None:
    """Every path is followed back by itself, for all cells of a period."""
    plan = planned(mapping)
    copy = LinearCopy(plan)
    for i, output, cell, source, _, seen in in_the_middle(plan):
        if not isinstance(seen.narrow, Span) or seen.narrow.period > 8:
            continue
        widest: dict[tuple[int, ...], int] = {}
        for each in range(cell, cell + seen.narrow.period):
            for path, size in path_sizes(copy, i, output, each, source):
                widest[path] = max(size, widest.get(path, 0))
        if len(widest) < MOST_PATHS:
            assert seen.min_size == min(widest.values(), default=0), plan.steps[i].name


def path_sizes(copy: LinearCopy, i: int, output: int, cell: int, source: int) -> Iterator[tuple[tuple[int, ...], int]]:
    """The paths from one cell of a row back to an input, as the sources taken, and how far each sees."""
    value = copy.values[i][output]
    start = torch.zeros_like(value)
    start[..., cell : cell + 1] = 1
    waiting: list[tuple[tuple[int, ...], int, int, torch.Tensor]] = [((), i, output, start)]
    for _ in range(MOST_PATHS * 10):
        if not waiting:
            return
        path, i, output, gradient = waiting.pop()
        step = copy.plan.steps[i]
        if i == source:
            first, last = extent(gradient[0].movedim(0, -1) != 0, 0) or (0, -1)
            yield path, last - first + 1
        if step.is_input:
            continue
        inputs = [copy.values[ref.step][ref.output or 0].detach().requires_grad_() for ref in step.sources]
        out = copy.functions[i](inputs)[output]
        back = torch.autograd.grad(out, inputs, gradient, allow_unused=True, materialize_grads=True)
        waiting += [
            ((*path, k), ref.step, ref.output or 0, each)
            for k, (ref, each) in enumerate(zip(step.sources, back, strict=True))
            if each.any()
        ]


def test_a_field_of_channels_is_traced() -> None:
    """At a concat the field differs by channel: SqueezeNet's last fire module, 1×1 and 3×3 side by side."""
    plan = config("squeezenet1_0", 600)
    i = next(i for i, step in enumerate(plan.steps) if step.name == "features.12.concat")
    rows, columns, channels = plan.steps[i].outputs[0]
    sizes = set()
    for channel in range(channels):
        ((seen, _, _),) = trace(plan, i, 0, ((1 << rows // 2, 1 << columns // 2, 1 << channel),))["input"]
        sizes.add(seen.bit_count())
    assert sizes == {123, 155}
    assert field(plan, "features.12.concat").size == 155


# Published figures


@cache
def config(name: str, size: int = 224, **params: Any) -> Plan:
    model = load(read(CONFIGS / f"{name}.yaml"), input=(size, size, 3), params=params)
    plan = propagate(model)
    assert plan.complete
    return plan


@dataclass(frozen=True)
class Published:
    """The field at a step of a network of `configs/`."""

    config: str
    step: str
    size: int
    stride: int
    padding: int


TORCHVISION = [
    # measured by gradient at the end of the features
    Published("alexnet", "features.12", 195, 32, 66),
    Published("vgg16", "features.30", 212, 32, 90),
    Published("resnet18", "layer4", 435, 32, 217),
    Published("resnet50", "layer4", 427, 32, 213),
    Published("resnet50_v1", "layer4", 483, 32, 241),
    Published("mobilenet_v2", "features.18", 491, 32, 245),
    Published("inception_v3", "Mixed_7c", 1311, 32, 618),
    Published("squeezenet1_0", "features.12", 155, 16, 60),
    Published("squeezenet1_1", "features.12", 207, 16, 88),
    Published("googlenet", "inception5b", 379, 32, 167),
]


@pytest.mark.parametrize("each", TORCHVISION, ids=lambda each: each.config)
def test_fields_of_torchvisions_networks(each: Published) -> None:
    plan = config(each.config)
    last = [step.name for step in plan.steps if step.name.startswith(each.step)][-1]
    for axis in (0, 1):
        assert numbers(field(plan, last, axis)) == (each.size, each.stride, each.padding)


# TF-Slim's networks, as Araujo, Norris and Sim (Distill, 2019) have measured them

Layers = list[dict[str, Any]]


def conv(name: str, kernel: int | list[int], stride: int = 1, padding: Any = "tf_same", **more: Any) -> dict[str, Any]:
    """A convolution to a single channel: fields do not depend on the number of channels."""
    sizes = {"kernel_size": kernel, "stride": stride, "padding": padding}
    return {"name": name, "type": "Conv2d", "out_channels": 1, **sizes, **more}


def pool(name: str, kernel: int, stride: int, **more: Any) -> dict[str, Any]:
    """A max pool with the padding VALID."""
    return {"name": name, "type": "MaxPool2d", "kernel_size": kernel, "stride": stride, **more}


def same_pool(name: str, kernel: int, stride: int, **more: Any) -> dict[str, Any]:
    """A pool with the padding SAME; a depthwise convolution reads the same cells."""
    return conv(name, kernel, stride, **more)


def chain(*layers: dict[str, Any]) -> Layers:
    return list(layers)


ALEXNET_V2 = chain(
    conv("conv1", 11, 4, 0),
    pool("pool1", 3, 2),
    conv("conv2", 5),
    pool("pool2", 3, 2),
    conv("conv3", 3),
    conv("conv4", 3),
    conv("conv5", 3),
    pool("pool5", 3, 2),
)


def vgg(*convs: int) -> Layers:
    """So many 3×3 convolutions in each stage, with a pool behind it."""
    return [
        layer
        for stage, count in enumerate(convs, 1)
        for layer in (*(conv(f"conv{stage}_{i}", 3) for i in range(1, count + 1)), pool(f"pool{stage}", 2, 2))
    ]


def mobilenet_v1() -> Layers:
    strides = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]
    return chain(conv("conv0", 3, 2), *(conv(f"conv{i}", 3, stride) for i, stride in enumerate(strides, 1)))


def resnet_v1(*units: int) -> Layers:
    """Bottlenecks as TF-Slim has them: the stride in the 3×3 of each block's last unit, padded by one cell a side."""
    layers = chain(conv("conv1", 7, 2, 3), same_pool("pool1", 3, 2))
    for block, count in enumerate(units, 1):
        for unit in range(1, count + 1):
            stride = 2 if unit == count and block < len(units) else 1
            name, above = f"block{block}.unit{unit}", layers[-1]["name"]
            layers += [
                pool(f"{name}.shortcut", 1, stride),
                conv(f"{name}.conv1", 1, **{"from": above}),
                conv(f"{name}.conv2", 3, stride, 1),
                conv(f"{name}.conv3", 1),
                {"name": name, "type": "Add", "from": [f"{name}.shortcut", f"{name}.conv3"]},
            ]
    return layers


def inception_v4() -> Layers:
    """Szegedy et al. 2016, arXiv:1602.07261, by the branches of each block."""
    tall, flat = [7, 1], [1, 7]
    valid = {"padding": 0}
    layers = chain(conv("conv1", 3, 2, 0), conv("conv2", 3, 1, 0), conv("conv3", 3))

    def block(name: str, *branches: Layers) -> None:
        above = layers[-1]["name"]
        ends = []
        for i, branch in enumerate(branches):
            for j, layer in enumerate(branch):
                source = {"from": above} if j == 0 else {}
                layers.append({**layer, "name": f"{name}.{i}.{j}", **source})
            ends.append(f"{name}.{i}.{len(branch) - 1}")
        layers.append({"name": name, "type": "Concat", "from": ends})

    def path(*kernels: Any, last: dict[str, Any] | None = None) -> Layers:
        return [conv("", kernel) for kernel in kernels] + ([last] if last else [])

    down, half = conv("", 3, 2, **valid), pool("", 3, 2)
    block("mixed_3a", [half], [down])
    block("mixed_4a", path(1, last=conv("", 3, **valid)), path(1, flat, tall, last=conv("", 3, **valid)))
    block("mixed_5a", [down], [half])
    for name in ("5b", "5c", "5d", "5e"):
        block(f"mixed_{name}", path(1), path(1, 3), path(1, 3, 3), [same_pool("", 3, 1), conv("", 1)])
    block("mixed_6a", [down], path(1, 3, last=down), [half])
    for name in ("6b", "6c", "6d", "6e", "6f", "6g", "6h"):
        block(f"mixed_{name}", path(1), path(1, flat, tall), path(1, tall, flat, tall, flat), path(3, 1))
    block("mixed_7a", path(1, last=down), path(1, flat, tall, last=down), [half])
    for name in ("7b", "7c", "7d"):
        branches = [path(1, [1, 3]), path(1, [3, 1]), path(1, [3, 1], [1, 3], [1, 3]), path(1, [3, 1], [1, 3], [3, 1])]
        block(f"mixed_{name}", path(1), *branches, path(3, 1))
    return layers


def resnet34() -> Layers:
    """torchvision's: basic blocks, the stride in the first convolution of a stage."""
    layers = chain(conv("conv1", 7, 2, 3), pool("maxpool", 3, 2, padding=1))
    for stage, count in enumerate((3, 4, 6, 3), 1):
        for block in range(count):
            stride = 2 if block == 0 and stage > 1 else 1
            name, above = f"layer{stage}.{block}", layers[-1]["name"]
            layers += [
                conv(f"{name}.conv1", 3, stride, 1),
                conv(f"{name}.conv2", 3, 1, 1),
                conv(f"{name}.downsample", 1, stride, 0, **{"from": above}),
                {"name": name, "type": "Add", "from": [f"{name}.conv2", f"{name}.downsample"]},
            ]
    return layers


@dataclass(frozen=True)
class Slim:
    """The field at the end of a network of TF-Slim's, at an input size: its padding depends on that."""

    name: str
    layers: Layers
    at: int
    size: int
    stride: int
    padding: int


SLIM = [
    Slim("alexnet_v2", ALEXNET_V2, 224, 195, 32, 64),
    Slim("vgg_a", vgg(1, 1, 2, 2, 2), 224, 150, 32, 59),
    Slim("vgg_16", vgg(2, 2, 3, 3, 3), 224, 212, 32, 90),
    Slim("inception_v4", inception_v4(), 224, 2071, 32, 998),
    Slim("mobilenet_v1", mobilenet_v1(), 224, 315, 32, 126),
    Slim("mobilenet_v1", mobilenet_v1(), 321, 315, 32, 157),
    Slim("resnet_v1_50", resnet_v1(3, 4, 6, 3), 224, 483, 32, 239),
    Slim("resnet_v1_50", resnet_v1(3, 4, 6, 3), 321, 483, 32, 241),
    Slim("resnet_v1_101", resnet_v1(3, 4, 23, 3), 224, 1027, 32, 511),
    Slim("resnet_v1_152", resnet_v1(3, 8, 36, 3), 224, 1507, 32, 751),
    Slim("torchvision's resnet34", resnet34(), 224, 899, 32, 449),
]


@pytest.mark.parametrize("each", SLIM, ids=lambda each: f"{each.name}-{each.at}")
def test_fields_of_slim_networks(each: Slim) -> None:
    plan = planned({"input": [each.at, each.at, 1], "layers": each.layers})
    for axis in (0, 1):
        assert numbers(field(plan, plan.steps[-1].name, axis)) == (each.size, each.stride, each.padding)


BY_LAYER = {
    "vgg_16": (
        vgg(2, 2, 3, 3, 3),
        {
            "conv1_1": (3, 1, 1),
            "pool1": (6, 2, 2),
            "conv2_1": (10, 2, 4),
            "pool2": (16, 4, 6),
            "conv3_1": (24, 4, 10),
            "conv3_2": (32, 4, 14),
            "pool3": (44, 8, 18),
            "conv4_1": (60, 8, 26),
            "conv4_2": (76, 8, 34),
            "pool4": (100, 16, 42),
            "conv5_1": (132, 16, 58),
            "conv5_2": (164, 16, 74),
            "pool5": (212, 32, 90),
        },
    ),
    "alexnet_v2": (
        ALEXNET_V2,
        {
            "conv1": (11, 4, 0),
            "pool1": (19, 8, 0),
            "conv2": (51, 8, 16),
            "conv3": (99, 16, 32),
            "conv4": (131, 16, 48),
            "conv5": (163, 16, 64),
            "pool5": (195, 32, 64),
        },
    ),
}


@pytest.mark.parametrize("name", BY_LAYER)
def test_fields_by_layer(name: str) -> None:
    layers, published = BY_LAYER[name]
    plan = planned({"input": [224, 224, 1], "layers": layers})
    assert {step: numbers(field(plan, step)) for step in published} == published


def test_fields_of_configs_are_those_of_slim() -> None:
    """mobilenet_v1 and inception_v3 are in `configs/` with TF-Slim's padding."""
    for size, padding in ((224, 126), (321, 157)):
        plan = config("mobilenet_v1", size)
        last = [step.name for step in plan.steps if step.name.startswith("features")][-1]
        assert numbers(field(plan, last)) == (315, 32, padding)


# Branches that meet: the unit tests of google-research/receptive_field

ALIGNED = chain(
    conv("left", 1, 4, 0),
    {"name": "pad", "type": "ZeroPad2d", "from": "input", "padding": [1, 0, 1, 0]},
    conv("right1", 3, 2, 0),
    conv("right", 1, 2, 0),
    {"name": "sum", "type": "Add", "from": ["left", "right"]},
)
BY_SIZE = chain(
    conv("left", 1, 4, 0),
    conv("right1", 3, 2, **{"from": "input"}),
    conv("right", 1, 2, 0),
    {"name": "sum", "type": "Add", "from": ["left", "right"]},
)


def branches(plan: Plan, name: str, axis: int = 0) -> list[tuple[Number, Number]]:
    """The stride and the centre with which each branch arrives at a step."""
    step = next(step for step in plan.steps if step.name == name)
    arriving = fields_of_sources(receptive_fields(plan), step)
    return [(each[0][axis].stride, each[0][axis].centre) for each in arriving]


def test_aligned_branches() -> None:
    plan = planned({"input": [32, 32, 1], "layers": ALIGNED})
    assert branches(plan, "sum") == [(4, 0), (4, 0)]
    assert numbers(field(plan, "sum")) == (3, 4, 1)


def test_branches_of_different_strides() -> None:
    layers = chain(
        {"name": "pad", "type": "ZeroPad2d", "padding": [2, 1, 2, 1]},
        conv("left", 5, 2, 0),
        conv("right1", 3, 1, 0, **{"from": "input"}),
        conv("right", 3, 1, 0),
        {"name": "sum", "type": "Add", "from": ["left", "right"]},
    )
    plan = planned({"input": [8, 8, 1], "layers": layers})
    assert [stride for stride, _ in branches(plan, "sum")] == [2, 1]
    assert field(plan, "sum").wide is None
    assert field(plan, "sum").size is None


@pytest.mark.parametrize(("size", "aligned"), [(9, True), (8, False)])
def test_padding_by_size_may_misalign(size: int, aligned: bool) -> None:
    plan = planned({"input": [size, size, 1], "layers": BY_SIZE})
    left, right = branches(plan, "sum")
    assert (left == right) is aligned
    if aligned:
        assert numbers(field(plan, "sum")) == (3, 4, 1)


def test_windows_that_are_not_square() -> None:
    plan = planned({"input": [32, 32, 1], "layers": chain(conv("a", [3, 5], 2, 0), conv("b", [3, 1], 2, 0))})
    assert numbers(field(plan, "b", 0)) == (7, 4, 0)
    assert numbers(field(plan, "b", 1)) == (5, 4, 0)


def test_aligned_branches_twice() -> None:
    again = chain(
        conv("left2", 1, 2, 0, **{"from": "sum"}),
        {"name": "pad2", "type": "ZeroPad2d", "from": "sum", "padding": [1, 0, 1, 0]},
        conv("right2", 3, 2, 0),
        {"name": "sum2", "type": "Add", "from": ["left2", "right2"]},
    )
    plan = planned({"input": [32, 32, 1], "layers": ALIGNED + again})
    assert len(set(branches(plan, "sum2"))) == 1
    assert numbers(field(plan, "sum2")) == (11, 8, 5)


def test_resnet_d_is_off_by_half_a_cell() -> None:
    """A 2×2 average pool beside a 3×3 convolution of stride 2 (He et al. 2018, arXiv:1812.01187)."""
    layers = chain(
        conv("down", 3, 2, 1),
        {"name": "mean", "type": "AvgPool2d", "from": "input", "kernel_size": 2, "stride": 2},
        conv("shortcut", 1, 1, 0),
        {"name": "sum", "type": "Add", "from": ["down", "shortcut"]},
    )
    plan = planned({"input": [56, 56, 1], "layers": layers})
    assert branches(plan, "sum") == [(2, 0), (2, Fraction(1, 2))]


def test_branches_of_resnet50_are_aligned() -> None:
    plan = config("resnet50")
    sums = [step.name for step in plan.steps if step.type == "Add"]
    assert len(sums) == 16
    assert all(len(set(branches(plan, name))) == 1 for name in sums)


# By hand


def test_a_gate_sees_everything_and_the_narrowest_path_does_not() -> None:
    layers = chain(
        conv("conv", 3, 1, 1),
        {"name": "mean", "type": "AdaptiveAvgPool2d", "output_size": 1},
        {"name": "gated", "type": "Multiply", "from": ["conv", "mean"]},
    )
    seen = field(planned({"input": [32, 32, 1], "layers": layers}), "gated")
    assert (seen.size, seen.min_size) == (32, 3)
    assert (seen.stride, seen.centre) == (Fraction(1), Fraction(0))


def test_behind_upsampling_the_stride_is_a_fraction() -> None:
    layers = chain(conv("down", 3, 2, 1), {"name": "up", "type": "Upsample", "scale_factor": 3}, conv("conv", 3, 1, 1))
    seen = field(planned({"input": [64, 64, 1], "layers": layers}), "conv")
    assert (seen.size, seen.stride) == (5, Fraction(2, 3))


def test_a_field_that_outgrows_the_input() -> None:
    plan = config("resnet50")
    last = [step.name for step in plan.steps if step.name.startswith("layer4")][-1]
    assert field(plan, last).outgrows
    assert not field(plan, "maxpool").outgrows


def test_a_source_that_lends_its_size_is_not_seen() -> None:
    mapping = {
        "input": {"x": [16, 16, 1], "like": [9, 8, 1]},
        "layers": [{"name": "crop", "type": "CropLike", "from": ["x", "like"]}],
    }
    (fields,) = receptive_fields(planned(mapping))[-1]
    assert list(fields) == [0]


def test_a_global_mean_sees_what_its_cells_see_together() -> None:
    layers = chain(conv("conv", 3, 2, 0), {"name": "mean", "type": "Mean", "dim": [2, 3]})
    seen = field(planned({"input": [9, 9, 1], "layers": layers}), "mean")
    assert (seen.onto, seen.size, seen.stride) == (None, 9, Fraction(0))
