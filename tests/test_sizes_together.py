"""Sizes of several axes together, against planning the model at one combination after another and judging the plan."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest

from planner.analyses.input_sizes import InputSizes, input_sizes
from planner.analyses.sizes import AxisSizes
from planner.geometry import Shape
from planner.plan import Known, propagate
from planner.report import Report
from planner.rules import judge
from planner.source import Source, of_mapping, read
from planner.unfolding import load
from planner.workbench import checked

CONFIGS = Path(__file__).parents[1] / "configs"
LOSSES = {"NSP320", "NSP321", "NSP322", "NSP325", "NSP334"}
"""What `check` says of cells that nothing reads."""


def conv(rank: int, **options: Any) -> dict[str, Any]:
    return {"type": f"Conv{rank}d", "out_channels": 4, "kernel_size": 3, **options}


STRIDED = conv(2, stride=2, padding=1)
POOL = {"type": "MaxPool2d", "kernel_size": 2}
TOKENS = {"type": "Flatten", "start_dim": 2}
TABLE = {"type": "Parameter", "shape": [48, 4], "batch": True, "channels_last": True}

NETWORKS: dict[str, tuple[list[list[int]], list[dict[str, Any]]]] = {
    # name: three shapes to start from, and the layers
    "a dense layer of fixed width": (
        [[32, 24, 3], [33, 40, 3], [7, 500, 3]],
        [STRIDED, POOL, {"type": "Flatten"}, {"type": "Linear", "in_features": 192, "out_features": 5}],
    ),
    "a table of positions": (
        [[12, 16, 3], [64, 9, 3], [100, 100, 3]],
        [
            POOL,
            conv(2, kernel_size=1),
            TOKENS | {"name": "t"},
            TABLE | {"name": "w"},
            {"type": "Add", "from": ["t", "w"]},
        ],
    ),
    "a strided convolution on the tokens": (
        [[20, 30, 4], [21, 31, 4], [3, 3, 4]],
        [POOL, TOKENS, conv(1, kernel_size=5, stride=2), {"type": "Unflatten", "dim": 2, "unflattened_size": [-1, 3]}],
    ),
    "two maps in one row of tokens": (
        [[32, 32, 4], [40, 56, 4], [5, 300, 4]],
        [
            {"name": "b", **STRIDED},
            {"name": "c", **STRIDED},
            {"name": "fb", **TOKENS, "from": "b"},
            {"name": "fc", **TOKENS, "from": "c"},
            {"name": "all", "type": "Concat", "dim": 2, "from": ["fb", "fc"]},
            {"name": "w", **TABLE, "shape": [80, 4]},
            {"type": "Add", "from": ["all", "w"]},
        ],
    ),
    "a norm that wants more than one cell": (
        [[32, 48, 4], [1, 9, 4], [1, 1, 4]],
        [STRIDED, {"type": "InstanceNorm2d"}, STRIDED],
    ),
    "axes for themselves": (
        [[32, 48, 4], [13, 13, 4], [500, 7, 4]],
        [conv(2, stride=[2, 3]), conv(2, padding=1), POOL, conv(2, kernel_size=[1, 2], stride=[2, 1])],
    ),
    "windows of ten": (
        [[40, 20, 3], [44, 61, 3], [7, 7, 3]],
        [POOL, TOKENS, {"type": "Unflatten", "dim": 2, "unflattened_size": [-1, 10]}],
    ),
    "three axes": (
        [[4, 16, 24, 2], [9, 9, 9, 2], [2, 60, 11, 2]],
        [
            conv(3, padding=1),
            {"type": "MaxPool3d", "kernel_size": [1, 2, 2]},
            {"type": "MaxPool3d", "kernel_size": 2},
            {"type": "Flatten"},
            {"type": "Linear", "in_features": 96, "out_features": 5},
        ],
    ),
}


def source(name: str, shape: list[int]) -> Source:
    return of_mapping({"input": shape, "layers": NETWORKS[name][1]})


@cache
def answer(name: str, start: int) -> InputSizes:
    (found,) = input_sizes(load(source(name, NETWORKS[name][0][start])))
    return found


def said(found: InputSizes, sizes: tuple[int, ...], kind: str) -> bool:
    if found.together:
        return found.group(sizes, kind) is not None
    return all(n in getattr(axis, kind) for n, axis in zip(sizes, found.axes, strict=True))


def combinations(rank: int, long: bool, name: str) -> Iterator[tuple[int, ...]]:
    """Every pair to 64 and 400 to 512 with --long; of both a sample otherwise."""
    random = Random(name)
    every = list(product(range(1, 65 if rank == 2 else 20), repeat=rank))
    yield from every if long else random.sample(every, 160)
    for _ in range(400 if long else 40):
        yield tuple(random.randint(1, 512) for _ in range(rank))


def compare(name: str, *, long: bool) -> None:
    found = [answer(name, start) for start in range(3)]
    model = load(source(name, NETWORKS[name][0][0]))
    channels = NETWORKS[name][0][0][-1]
    known: Known = {}
    for sizes in combinations(len(found[0].shape.spatial), long, name):
        plan = propagate(model, inputs={"input": Shape((*sizes, channels))}, known=known)
        for each in found:
            assert said(each, sizes, "works") == plan.complete, (sizes, each.shape)
        if plan.complete:
            codes = {each.code for each in judge(Report(plan))} & LOSSES
            for each in found:
                assert said(each, sizes, "lossless") == (not codes), (sizes, each.shape, codes)


@pytest.mark.parametrize("name", NETWORKS)
def test_sizes_that_go_together_from_three_starts(name: str) -> None:
    compare(name, long=False)


@pytest.mark.long
@pytest.mark.parametrize("name", NETWORKS)
def test_every_pair_of_sizes_from_three_starts(name: str) -> None:
    compare(name, long=True)


@pytest.mark.parametrize("name", NETWORKS)
def test_one_answer_from_any_start(name: str) -> None:
    """The sets of each axis are the same, whatever size stands in the file."""
    one, *others = [
        [(axis.works, axis.lossless) for axis in answer(name, start).axes if isinstance(axis, AxisSizes)]
        for start in range(3)
    ]
    assert all(each == one for each in others)


@pytest.mark.parametrize("name", ["resnet18", "unet_same", "squeezenet1_1", "lenet5", "vit_b_16"])
def test_pairs_of_sizes_of_networks(name: str) -> None:
    """What `check` says at pairs of sizes is what the sizes say of them."""
    model = load(read(CONFIGS / f"{name}.yaml"))
    (found,) = input_sizes(model)
    random = Random(name)
    known: Known = {}
    sizes = [(random.randint(1, 512), random.randint(1, 512)) for _ in range(24)]
    for pair in [*sizes, (224, 224), (230, 224), (448, 112), (119, 463)]:
        plan = propagate(model, inputs={"input": Shape((*pair, found.shape.channels))}, known=known)
        assert said(found, pair, "works") == plan.complete, pair
        if plan.complete:
            codes = {each.code for each in judge(Report(plan))} & LOSSES
            assert said(found, pair, "lossless") == (not codes), (pair, codes)


def test_positions_at_384_have_other_sizes() -> None:
    report = checked(CONFIGS / "vit_b_16.yaml", input={"input": [384, 384, 3]})
    (found,) = input_sizes(report.plan.model)
    assert found.equal is not None
    assert found.equal.works.also == tuple(range(224, 240))
    assert found.group((119, 463)) is not None
    assert found.group((384, 384)) is None
    assert [len(each) for each in found.together] == [2] * 9


def test_axes_that_must_be_equal_are_said_beside_one_another() -> None:
    square = [
        {"name": "c", **STRIDED},
        {"name": "t", "type": "Permute", "dims": [0, 1, 3, 2]},
        {"type": "Add", "from": ["c", "t"]},
    ]
    (found,) = input_sizes(load(of_mapping({"input": [32, 32, 4], "layers": square})))
    height, width = found.axes
    assert isinstance(height, AxisSizes)
    assert isinstance(width, AxisSizes)
    assert height.works.also == (31, 32)
    assert height.beside == (("width", 32),)
    assert width.beside == (("height", 32),)
    assert found.diagonal is not None
    assert found.diagonal.works.words() == "every n from 1"
