"""Branches that meet out of place: how far, and whether that is a warning, an info or causal, by gradients."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linear_copy import LinearCopy
from planner.analyses.alignment import Manner, apart
from planner.analyses.receptive_field import receptive_fields
from planner.diagnostics import Severity
from planner.plan import Plan
from planner.workbench import checked_text
from random_networks import planned

LENGTH = 101


def found(plan: Plan) -> list[Any]:
    return list(apart(plan, receptive_fields(plan)))


# Two branches, against gradients


def branch(random: Random, name: str) -> list[dict[str, Any]]:
    """Up to two convolutions that keep the length, each padded evenly, on one side, or somehow."""
    layers = []
    for i in range(random.randint(0, 2)):
        kernel, dilation = random.choice([1, 2, 3, 5]), random.choice([1, 1, 2])
        room = (kernel - 1) * dilation
        before = random.choice([room // 2, 0, room, random.randint(0, room)])
        given = {"out_channels": 1, "kernel_size": kernel, "dilation": dilation, "padding": [[before, room - before]]}
        layers.append({"name": f"{name}{i}", "type": "Conv1d", "from": f"{name}{i - 1}" if i else "input", **given})
    return layers


def two_branches(random: Random) -> dict[str, Any]:
    left, right = branch(random, "a"), branch(random, "b")
    ends = [each[-1]["name"] if each else "input" for each in (left, right)]
    return {"input": [LENGTH, 1], "layers": [*left, *right, {"name": "sum", "type": "Add", "from": ends}]}


def by_gradient(plan: Plan) -> tuple[Manner | None, Fraction]:
    """How the branches lie against each other, from the first and last cells at which each has a gradient."""
    copy, middle = LinearCopy(plan), LENGTH // 2
    ends = []
    for ref in plan.steps[-1].sources:
        (seen,) = copy.read(copy.values[ref.step][0][0, 0, middle], [copy.values[0][0]])
        cells = seen.any(-1).nonzero()[:, 0].tolist()
        ends.append((min(cells), max(cells)))
    (low, high), (low2, high2) = ends
    off = abs(Fraction(low + high, 2) - Fraction(low2 + high2, 2))
    if not off:
        return None, off
    if high == high2 == middle or low == low2 == middle:
        return Manner.CAUSAL, off
    if off <= Fraction(1, 2):
        return Manner.HALF, off
    sees = min(high - low, high2 - low2)
    return (Manner.SHIFTED if off * 2 <= sees else Manner.OUTSIDE), off


@given(st.randoms(use_true_random=False))
def test_manner_is_that_of_the_gradients(random: Random) -> None:
    plan = planned(two_branches(random))
    manner, off = by_gradient(plan)
    if manner is None:
        assert not found(plan)
    else:
        ((each,),) = found(plan)
        assert (each.manner, each.off) == (manner, off)


def test_random_branches_are_of_every_manner() -> None:
    counts = Counter(by_gradient(planned(two_branches(Random(seed))))[0] for seed in range(400))
    assert all(counts[manner] > 10 for manner in (None, *Manner)), counts


@pytest.mark.parametrize(
    ("padding", "manner"), [([3, 0], Manner.CAUSAL), ([0, 3], Manner.CAUSAL), ([2, 1], Manner.HALF)]
)
def test_a_map_in_one_row_is_causal_where_it_ends_at_the_same_cell(padding: list[int], manner: Manner) -> None:
    """As in U-Mamba (arXiv:2401.04722), of which the cells of a map are a sequence."""
    plan = planned(
        {
            "input": [8, 8, 4],
            "layers": [
                {"name": "row", "type": "Flatten", "start_dim": 2},
                {"name": "conv", "type": "Conv1d", "groups": "depthwise", "kernel_size": 4, "padding": [padding]},
                {"name": "gate", "type": "SiLU", "from": "row"},
                {"type": "Multiply", "from": ["conv", "gate"]},
            ],
        }
    )
    copy = LinearCopy(plan)
    for at in range(64):  # the gate sees cell `at` alone
        (seen,) = copy.read(copy.values[2][0][0, 0, at], [copy.values[0][0]])
        rows = seen.any(-1).any(1).nonzero()[:, 0].tolist()
        assert manner is not Manner.CAUSAL or at // 8 == (max(rows) if padding[0] else min(rows))
    assert {each.manner for apart in found(plan) for each in apart} == {manner}


# Networks of both sides


def pyramid(depth: int, *, up: str, cut: str = "") -> str:
    """A U-Net with convolutions of stride 2 on the way down, `depth` levels; `cut` stands before each sum."""
    size = 2**depth * 8
    strides = [1, *[2] * depth]
    layers = [
        f"  - {{name: e{i}, type: Conv2d, out_channels: 4, kernel_size: 3, stride: {stride}, padding: 1}}"
        for i, stride in enumerate(strides)
    ]
    above = f"e{depth}"
    for i in reversed(range(depth)):
        layers.append(f"  - {{name: u{i}, {up}, from: {above}}}")
        layers += [f"  - {{name: c{i}, {cut}}}"] if cut else []
        layers.append(f"  - {{name: d{i}, type: Add, from: [{'c' if cut else 'u'}{i}, e{i}]}}")
        layers.append(f"  - {{name: m{i}, type: Conv2d, out_channels: 4, kernel_size: 3, padding: 1}}")
        above = f"m{i}"
    return "\n".join([f"input: [{size}, {size}, 4]", "layers:", *layers, ""])


def warned(text: str) -> list[str | None]:
    report = checked_text(text)
    assert report.plan.complete
    return [each.step for each in report.diagnostics if each.code == "NSP326" and each.severity is Severity.WARNING]


UPS = [
    "type: Upsample, scale_factor: 2",
    "type: Upsample, scale_factor: 2, mode: bilinear",
    "type: ConvTranspose2d, out_channels: 4, kernel_size: 2, stride: 2",
    "type: ConvTranspose2d, out_channels: 4, kernel_size: 4, stride: 2, padding: 1",
    "type: ConvTranspose2d, out_channels: 4, kernel_size: 3, stride: 2, padding: 1, output_padding: 1",
]


@pytest.mark.parametrize("up", UPS)
@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 6])
def test_unets_are_not_warned_of(depth: int, up: str) -> None:
    assert warned(pyramid(depth, up=up)) == []


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_cropped_at_one_end_they_are(depth: int) -> None:
    """A transposed convolution of 6 is four cells too long: the middle is right, and one end is two cells off."""
    up = "type: ConvTranspose2d, out_channels: 4, kernel_size: 6, stride: 2"
    assert warned(pyramid(depth, up=up, cut="type: Crop, amount: [[2, 2], [2, 2]]")) == []
    assert f"d{depth - 1}" in warned(pyramid(depth, up=up, cut="type: Crop, amount: [[4, 0], [4, 0]]"))


@pytest.mark.parametrize(("before", "after", "warns"), [(3, 0, True), (0, 3, True), (2, 1, False), (1, 2, False)])
def test_branches_are_judged_from_where_they_fork(before: int, after: int, warns: bool) -> None:
    """Two cells off in a residual block behind a U-Net: that the U-Net sees far, or was coarse once, is no excuse."""
    block = f"""
  - {{name: pad, type: ZeroPad2d, padding: [{before}, {after}, {before}, {after}]}}
  - {{name: conv, type: Conv2d, out_channels: 4, kernel_size: 2}}
  - {{name: cut, type: Crop, amount: [[1, 1], [1, 1]]}}
  - {{name: end, type: Add, from: [cut, m0]}}
"""
    text = pyramid(3, up=UPS[0]) + block
    assert warned(text) == (["end"] if warns else [])


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_transposed_convolution_that_is_off_by_one_is_warned_of_at_every_level(depth: int) -> None:
    """keras-team/keras#22876, with the same mistake at each level of a U-Net; one to the other side is half a cell."""
    up = "type: ConvTranspose2d, out_channels: 4, kernel_size: 4, stride: 2"
    levels = [f"d{i}" for i in reversed(range(depth))]
    assert warned(pyramid(depth, up=up, cut="type: Crop, amount: [[1, 1], [1, 1]]")) == []
    assert warned(pyramid(depth, up=up, cut="type: Crop, amount: [[2, 0], [2, 0]]")) == []
    assert warned(pyramid(depth, up=up, cut="type: Crop, amount: [[0, 2], [0, 2]]")) == levels


def test_a_pooled_vector_looks_nowhere() -> None:
    """Average and maximum of one map, laid beside each other and taken apart again, as in CBAM (arXiv:1807.06521)."""
    text = """
input: [224, 224, 8]
layers:
  - {name: avg, type: AdaptiveAvgPool2d, output_size: 1}
  - {name: max, type: AdaptiveMaxPool2d, output_size: 1, from: input}
  - {name: both, type: Concat, dim: 3, from: [avg, max]}
  - {name: fc, type: Conv2d, out_channels: 8, kernel_size: 1}
  - {name: parts, type: Chunk, chunks: 2, dim: 3}
  - {name: sum, type: Add, from: [parts.0, parts.1]}
  - {name: gate, type: Multiply, from: [input, sum]}
"""
    assert found(checked_text(text).plan) == []


@pytest.mark.parametrize("size", [1, 2])
def test_strided_down_to_a_single_cell(size: int) -> None:
    """A single cell is not out of place; two of them may be."""
    text = f"""
input: [{4 * size}, {4 * size}, 8]
layers:
  - {{name: a, type: Conv2d, out_channels: 8, kernel_size: 4, stride: 4}}
  - {{name: b, type: Conv2d, out_channels: 8, kernel_size: 1, stride: 4, from: input}}
  - {{type: Add, from: [a, b]}}
"""
    assert bool(found(checked_text(text).plan)) == (size > 1)


def test_a_roll_is_not_followed() -> None:
    """Behind pieces laid end to end, it is not known where a cell looks, and nothing is said."""
    text = """
input: [56, 8]
layers:
  - {name: head, type: Slice, dim: 2, stop: 20}
  - {name: tail, type: Slice, dim: 2, start: 20, from: input}
  - {name: rolled, type: Concat, dim: 2, from: [tail, head]}
  - {type: Add, from: [rolled, input]}
"""
    assert found(checked_text(text).plan) == []
