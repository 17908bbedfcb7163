"""The loss ledger: what each step loses, on random networks cell by cell, and in networks as measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from linear_copy import LinearCopy
from planner.analyses.loss import AxisLoss, losses
from planner.geometry import SameWindow, Spread, Window
from planner.plan import Plan, Step
from planner.propagation import propagate
from planner.source import read
from planner.unfolding import load
from random_networks import networks, planned

CONFIGS = Path(__file__).parents[1] / "configs"

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")

MANY = settings(max_examples=settings().max_examples * 3 // 2)

# Random networks

WINDOWED = ("conv", "grouped conv", "transposed conv", "max pool", "avg pool", "upsample", "pointwise", "Concat", "pad")


@dataclass(frozen=True)
class Walk:
    """A window moved along an axis of n cells step by step, and the cells it reads: `taps[i]` for output cell i."""

    n: int
    before: int
    after: int
    taps: list[list[int]]

    @property
    def read(self) -> set[int]:
        return {tap for taps in self.taps for tap in taps if 0 <= tap < self.n}

    @property
    def last(self) -> int:
        """The last cell of the last window, a hole of the dilation before it or not."""
        return self.taps[-1][-1]

    @property
    def end(self) -> int:
        """The last cell of the padded axis."""
        return self.n - 1 + self.after


def walk(window: Window, n: int) -> Walk:
    starts = [i * window.stride - window.before for i in range(window.length(n))]
    taps = [[start + j * window.dilation for j in range(window.kernel)] for start in starts]
    return Walk(n, window.before, window.after, taps)


def windows(plan: Plan) -> Iterator[tuple[Step, int, Window, int, AxisLoss | None]]:
    """Every window along every axis, without padding that copies real cells, and what the ledger has of it."""
    for step, entries in zip(plan.steps, losses(plan), strict=True):
        for source, (link, x) in enumerate(zip(step.links[0] if step.links else (), step.inputs, strict=True)):
            for axis, (along, n) in enumerate(zip(link.axes, x.spatial, strict=True)):
                window = along.at(n) if isinstance(along, SameWindow) else along
                if isinstance(window, Window) and window.mode == "constant":
                    entry = next((each for each in entries if (each.source, each.axis) == (source, axis)), None)
                    yield step, axis, window, n, entry


@MANY
@given(networks(kinds=WINDOWED))
def test_every_cell_is_accounted_for(mapping: dict[str, Any]) -> None:
    """Of each axis under a window: read, lost at the end, or skipped; the same of the padding."""
    for step, _, window, n, entry in windows(planned(mapping)):
        walked = walk(window, n)
        unread = set(range(n)) - walked.read
        expected = {
            "lost": sum(cell > walked.last for cell in unread),
            "skipped": sum(cell <= walked.last for cell in unread),
            "leftover": max(walked.end - walked.last, 0),
            "uneven": min(max(walked.end - walked.last, 0), window.after),
            "overhang": max(walked.last - walked.end, 0),
            "blank": sum(not any(0 <= tap < n for tap in taps) for taps in walked.taps),
            "lost_before": 0,
        }
        found = {name: getattr(entry.loss, name) if entry else 0 for name in expected}
        assert found == expected, (step.name, window, n)
        if entry:
            assert (entry.n, entry.length) == (n, len(walked.taps))


@MANY
@given(networks(kinds=WINDOWED))
def test_what_a_step_does_not_read_is_what_has_no_gradient(mapping: dict[str, Any]) -> None:
    """Local to the step: from all of its own output back to its input."""
    plan = planned(mapping)
    copy = LinearCopy(plan)
    for i, (step, entries) in enumerate(zip(plan.steps, losses(plan), strict=True)):
        maps = step.links[0][0].axes if len(step.sources) == 1 else ()
        if not any(isinstance(each, Window | SameWindow | Spread) for each in maps):
            continue
        ref = step.sources[0]
        (marked,) = copy.read(copy.values[i][0], [copy.values[ref.step][ref.output or 0]])
        if not marked.any():  # then one axis is lost whole, and with it all lines of the others
            assert any(entry.loss.real == entry.n for entry in entries), step.name
            continue
        for axis in range(len(maps)):
            lines = marked.movedim(axis, 0).flatten(1).any(1)
            entry = next((each for each in entries if each.axis == axis), None)
            assert int((~lines).sum()) == (entry.loss.real if entry else 0), (step.name, axis)


# Networks


@cache
def config(name: str, size: int) -> Plan:
    plan = propagate(load(read(CONFIGS / f"{name}.yaml"), input=(size, size, 3)))
    assert plan.complete
    return plan


@dataclass(frozen=True)
class Uneven:
    """The steps of a network that leave anything over at a square input, and how much: real cells, and padding."""

    config: str
    size: int
    steps: dict[str, tuple[int, int]]


THREES = ["layer2.0.conv2", "layer3.0.conv2", "layer4.0.conv2"]
FIRST_THREES = ["layer2.0.conv1", "layer3.0.conv1", "layer4.0.conv1"]
INVERTED = [f"features.{i}.conv.1.0" for i in (2, 4, 7, 14)]

UNEVEN = [
    Uneven("alexnet", 224, {"features.0": (0, 1)}),
    Uneven("alexnet", 227, {"features.2": (1, 0)}),
    Uneven("vgg16", 224, {}),
    Uneven("vgg16", 300, {"features.16": (1, 0), "features.23": (1, 0)}),
    Uneven("resnet18", 224, dict.fromkeys(["conv1", "maxpool", *FIRST_THREES], (0, 1))),
    Uneven("resnet50", 224, dict.fromkeys(["conv1", "maxpool", *THREES], (0, 1))),
    Uneven("resnet18", 225, {}),
    Uneven("resnet50", 225, {}),
    Uneven("mobilenet_v2", 224, dict.fromkeys(["features.0.0", *INVERTED], (0, 1))),
    Uneven("mobilenet_v2", 225, {}),
    Uneven("squeezenet1_0", 224, {"features.0": (1, 0)}),
    Uneven("inception_v3", 299, {}),
    Uneven("convnext_tiny", 230, {"features.0.0": (2, 0), "features.2.1": (1, 0)}),
]
"""Windows at least as long as their stride; where they stand apart, the end is one more gap."""


@pytest.mark.parametrize("each", UNEVEN, ids=lambda each: f"{each.config}-{each.size}")
def test_leftovers(each: Uneven) -> None:
    found: dict[str, set[tuple[int, int]]] = {}
    for step, _, window, _, entry in windows(config(each.config, each.size)):
        if entry and entry.loss.leftover and window.extent >= window.stride:
            found.setdefault(step.name, set()).add((entry.loss.lost, entry.loss.uneven))
    assert found == {name: {lost} for name, lost in each.steps.items()}


@pytest.mark.parametrize("size", [224, 225])
@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_shortcuts_of_resnet_skip_one_cell_in_two(name: str, size: int) -> None:
    skipping = [
        (step.name, entry)
        for step, _, window, _, entry in windows(config(name, size))
        if entry and window.stride > window.extent
    ]
    assert {step for step, _ in skipping} == {f"layer{i}.0.downsample.0" for i in (2, 3, 4)}
    assert all(entry.loss.real == entry.n // 2 and entry.axis in (0, 1) for _, entry in skipping)


# In words

WORDS = [
    ({"type": "MaxPool2d", "kernel_size": 2}, "height: cell 8 of 9 is read by no window: 9 − 2 leaves 1 at stride 2"),
    (
        {"type": "Conv2d", "out_channels": 1, "kernel_size": 1, "stride": 4},
        "height: 6 of 9 cells lie between windows of 1 at stride 4",
    ),
    (
        {"type": "Conv2d", "out_channels": 1, "kernel_size": 4, "stride": 2, "padding": 1},
        "height: 1 cell of padding at the end is not used",
    ),
    (
        {"type": "MaxPool2d", "kernel_size": 4, "stride": 4, "ceil_mode": True},
        "height: the last window hangs 3 cells over the end",
    ),
    (
        {"type": "Conv2d", "out_channels": 1, "kernel_size": 2, "padding": [[3, 0], [0, 0]]},
        "height: 2 windows lie on padding alone",
    ),
    (
        {"type": "ConvTranspose2d", "out_channels": 1, "kernel_size": 1, "stride": 1, "padding": [2, 0]},
        "height: cells 0–1, 7–8 of 9 are written to no output cell",
    ),
]


@pytest.mark.parametrize(("layer", "words"), WORDS, ids=lambda each: each["type"] if isinstance(each, dict) else "")
def test_words(layer: dict[str, Any], words: str) -> None:
    plan = planned({"input": [9, 10, 1], "layers": [layer]})
    assert losses(plan)[1][0].text == words


def test_nothing_is_said_of_a_step_that_loses_nothing() -> None:
    layers = [{"type": "Conv2d", "out_channels": 4, "kernel_size": 3, "padding": 1}, {"type": "ReLU"}]
    assert losses(planned({"input": [9, 9, 1], "layers": layers})) == [(), (), ()]
