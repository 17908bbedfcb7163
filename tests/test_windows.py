"""Windows, grids, patches and heads: what is read through them, against gradients; sizes; what is written."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import planner
from linear_copy import LinearCopy, mask
from planner.analyses.input_sizes import input_sizes
from planner.analyses.reach import trace
from planner.analyses.receptive_field import receptive_fields
from planner.analyses.sizes import AxisSizes
from planner.geometry import Shape, Span, bits
from planner.outputs.code.torch import emitted
from planner.outputs.code.torch.building import module_of
from planner.plan import Plan
from planner.workbench import checked_text
from random_networks import planned
from test_reach import check_unread
from test_receptive_field import check_fields

Entry = dict[str, Any]
CASES = Path(__file__).parent / "cases" / "architectures"
FEW = settings(max_examples=settings().max_examples // 8)


# Random networks


def _windows(random: Random) -> tuple[str, str]:
    """A pattern that makes windows, patches or a grid of a map, and the one that takes them back."""
    there = random.choice(
        [
            "(h i) (w j) c -> (h w) (i j) c",
            "(h i) (w j) c -> (w h) (j i) c",
            "(i h) (j w) c -> (h w) (i j) c",
            "(h i) (w j) c -> (i j) (h w) c",
            "(h i) (w j) c -> h w (i j c)",
            "(h i) w c -> h (i w) c",
            "h w c -> (h w) c",
            "(h i k) w c -> k (h w) i c",
        ]
    )
    left, right = there.split(" -> ")
    return there, f"{right} -> {left}"


def _attended(random: Random, layers: list[Entry], inside: str, width: int) -> str:
    """The last of a few layers in windows: attention, alone or beside what it reads, and dense ones."""
    for _ in range(random.randint(1, 2)):
        kind = random.choice(["attention", "attention", "residual", "linear"])
        at = f"l{len(layers)}"
        if kind == "linear":
            layers.append({"name": at, "type": "Linear", "out_features": width, "from": inside})
        else:
            layers.append({"name": at, "type": "MultiheadAttention", "num_heads": 1, "from": inside})
        if kind == "residual":
            layers.append({"name": f"{at}_x", "type": "Add", "from": [at, inside]})
        inside = layers[-1]["name"]
    return inside


def network(random: Random) -> Entry:
    """A network on a map that is parted again and again, with convolutions, shifts and residuals between."""
    size = random.choice([12, 24, 36])
    layers: list[Entry] = []
    names = ["input"]
    for _ in range(random.randint(1, 4)):
        x, at = names[-1], f"l{len(layers)}"
        kind = random.choice(["windows", "windows", "windows", "conv", "roll", "residual", "channels"])
        if kind == "conv":
            layers.append({"name": at, "type": "Conv2d", "out_channels": 2, "kernel_size": 3, "padding": 1, "from": x})
        elif kind == "roll":
            shifts = [random.randint(-3, 3), random.randint(-3, 3)]
            layers.append({"name": at, "type": "Roll", "shifts": shifts, "dims": [2, 3], "from": x})
        elif kind == "residual":
            layers.append({"name": at, "type": "Add", "from": [x, random.choice(names)]})
        elif kind == "channels":
            there, back = "(h i) w c -> h w (i c)", "h w (i c) -> (h i) w c"
            layers.append({"name": at, "type": "Rearrange", "pattern": there, "i": 2, "from": x})
            layers.append({"name": f"{at}_b", "type": "Linear", "out_features": 4, "from": at})
            layers.append({"name": f"{at}_c", "type": "Rearrange", "pattern": back, "i": 2, "from": f"{at}_b"})
        else:
            there, back = _windows(random)
            sizes = {name: random.choice([2, 3]) if name < "k" else 2 for name in "ijk" if name in there}
            width = 2 * sizes["i"] * sizes["j"] if "(i j c)" in there else 2
            layers.append({"name": at, "type": "Rearrange", "pattern": there, **sizes, "from": x})
            inside = _attended(random, layers, at, width)
            layers.append({"name": f"{at}_b", "type": "Rearrange", "pattern": back, **sizes, "from": [inside, x]})
        names.append(layers[-1]["name"])
    return {"input": [size, size, 2], "layers": layers or [{"type": "ReLU"}]}


NETWORKS = st.integers(0, 1 << 32).map(lambda seed: network(Random(seed)))


@FEW
@given(NETWORKS)
def test_fields_are_extents_of_gradients(mapping: Entry) -> None:
    check_fields(mapping)


@FEW
@given(NETWORKS, st.randoms(use_true_random=False))
def test_a_cell_sees_what_its_gradient_says(mapping: Entry, random: Random) -> None:
    """Cell by cell: of the output, and of every tensor on the way."""
    plan = planned(mapping)
    copy = LinearCopy(plan)
    for i in {random.randrange(1, len(plan.steps)), len(plan.steps) - 1}:
        value = copy.values[i][0]
        place = [random.randrange(n) for n in plan.steps[i].outputs[0]]
        region = tuple(1 << cell for cell in place)
        chosen = value[(0, place[-1], *place[:-1])]
        (seen,) = copy.read(chosen, [copy.values[0][0]])
        found = trace(plan, i, 0, (region,))["input"]
        assert (mask(found, plan.steps[0].outputs[0]) == seen).all(), plan.steps[i].name


@FEW
@given(NETWORKS, st.randoms(use_true_random=False))
def test_unread_is_what_has_no_gradient(mapping: Entry, random: Random) -> None:
    """Where only a corner of the output, or of one that is still in windows, is read."""
    x = random.choice(mapping["layers"])["name"]
    cut = {"name": "cut", "type": "Slice", "dim": random.choice([2, -1]), "stop": random.randint(1, 4), "from": x}
    check_unread({**mapping, "layers": [*mapping["layers"], cut]})


# Networks that people know

SWIN = """
input: [{h}, {w}, 4]
params: {{window: 4}}
layers:
  - {{name: block0, type: block}}
  - {{name: block1, type: block, shift: $window // 2}}
blocks:
  block:
    params: {{shift: 0}}
    layers:
      - {{name: shifted, type: Roll, shifts: [-$shift, -$shift], dims: [2, 3], when: $shift > 0}}
      - {{name: windows, type: Rearrange, pattern: "(h i) (w j) c -> (h w) (i j) c", i: $window, j: $window}}
      - {{name: attn, type: MultiheadAttention, num_heads: 2}}
      - {{name: map, type: Rearrange, pattern: "(h w) (i j) c -> (h i) (w j) c", i: $window, j: $window,
         from: [attn, input]}}
      - {{name: back, type: Roll, shifts: [$shift, $shift], dims: [2, 3], when: $shift > 0}}
      - {{type: Add, from: [back, input]}}
"""


def swin(height: int = 24, width: int = 24) -> Plan:
    return checked_text(SWIN.format(h=height, w=width)).plan


def test_windows_that_are_shifted_see_those_that_they_lie_across() -> None:
    """A shifted window of 4 rows begins in the middle of one and ends in the next."""
    plan = swin()
    (out,) = plan.outputs
    (rows, columns) = receptive_fields(plan)[out.step][0][0]
    assert [rows.size, rows.min_size, rows.stride, rows.onto, columns.onto] == [8, 1, 1, 0, 1]
    assert isinstance(rows.wide, Span)
    assert [rows.wide.at(row) for row in (9, 10, 13, 14)] == [(4, 11), (8, 15), (8, 15), (12, 19)]


def test_the_last_window_sees_what_came_round() -> None:
    plan = swin()
    (out,) = plan.outputs
    (box,) = trace(plan, out.step, out.output, ((1 << 23, 1 << 10, 1),))["input"]
    assert [bits(cells) for cells in box[:2]] == [[*range(4), *range(20, 24)], [*range(8, 16)]]


def test_patches_see_their_own_place_in_every_patch() -> None:
    """MobileViT: attention across patches of 2×2 cells."""
    text = """
    input: [8, 6, 3]
    layers:
      - {name: patches, type: Rearrange, pattern: "(h i) (w j) c -> (i j) (h w) c", i: 2, j: 2}
      - {name: attn, type: MultiheadAttention, num_heads: 1}
      - {name: map, type: Rearrange, pattern: "(i j) (h w) c -> (h i) (w j) c", i: 2, from: [attn, input]}
    """
    plan = checked_text(text).plan
    (box,) = trace(plan, plan.outputs[0].step, 0, ((1 << 3, 1 << 4, 1),))["input"]
    assert [bits(cells) for cells in box[:2]] == [[1, 3, 5, 7], [0, 2, 4]]


BY_HAND = """
input: [8, 4, 6]
layers:
  - {name: windows, type: Rearrange, pattern: "(h i) (w j) c -> (h w) (i j) c", i: 4, j: 2}
  - {name: qkv, type: Linear, out_features: 18}
  - {name: parts, type: Rearrange, pattern: "n l (x h d) -> n x h l d", x: 3, h: 2}
  - {name: q, type: Select, dim: 3, index: 0}
  - {name: k, type: Select, dim: 3, index: 1, from: parts}
  - {name: v, type: Select, dim: 3, index: 2, from: parts}
  - {name: products, type: MatMul, transpose_b: true, from: [q, k]}
  - {name: weights, type: Softmax, dim: 1}
  - {name: mixed, type: MatMul, from: [weights, v]}
  - {name: together, type: Rearrange, pattern: "n h l d -> n l (h d)"}
  - {name: map, type: Rearrange, pattern: "(h w) (i j) c -> (h i) (w j) c", i: 4, j: 2, from: [together, input]}
"""


def test_attention_by_hand_sees_what_gradients_say() -> None:
    """Cell by cell, and channel by channel of the result: those of a head come from all channels of its window."""
    report = checked_text(BY_HAND)
    assert not report.diagnostics
    model = module_of(emitted(report).text).Model().double()
    x = torch.rand(1, 6, 8, 4, dtype=torch.float64, requires_grad=True)
    found = model(x)
    for row, column, channel in ((0, 0, 0), (3, 1, 2), (4, 1, 3), (7, 3, 5)):
        (gradient,) = torch.autograd.grad(found[0, channel, row, column], [x], retain_graph=True)
        cell = trace(report.plan, report.plan.outputs[0].step, 0, ((1 << row, 1 << column, 1 << channel),))
        assert (mask(cell["input"], report.plan.steps[0].outputs[0]) == (gradient[0].movedim(0, -1) != 0)).all()


@pytest.mark.parametrize(
    ("name", "params"),
    [
        # torchvision's swin_t has as many from features.0 to features.2
        ("swin_block", 4_896 + 2 * 112_347 + 74_496),
        # 3·96·97 + 96·97 for attention, and so on: MBConv and two times (norms, attention, feed-forward) of width 64
        ("maxvit_block", 44_752 + 2 * (2 * 128 + 4 * 64 * 65 + 64 * 256 + 256 + 256 * 64 + 64)),
    ],
)
def test_they_have_as_many_parameters(name: str, params: int) -> None:
    assert planner.check(CASES / f"{name}.yaml").cost.params == params


@pytest.mark.parametrize("name", ["maxvit_block", "mobilevit_block"])
def test_sizes_are_those_that_work_one_by_one(name: str) -> None:
    path = CASES / f"{name}.yaml"
    report = planner.check(path)
    (found,) = input_sizes(report.plan.model)
    shape = report.plan.inputs[0].outputs[0]
    for axis, each in enumerate(found.axes):
        assert isinstance(each, AxisSizes)
        for n in range(1, 65):
            size = Shape((*shape[:axis], n, *shape[axis + 1 :]))
            assert (n in each.works) == planner.check(path, input=size).ok, (axis, n)


# The code


@pytest.mark.parametrize(("height", "width"), [(24, 24), (8, 12), (4, 40)])
def test_the_code_works_at_other_sizes(height: int, width: int) -> None:
    model = module_of(emitted(checked_text(SWIN.format(h=24, w=24))).text).Model()
    x = torch.rand(2, 4, height, width)
    with torch.no_grad():
        found, single = model(x), torch.cat([model(each[None]) for each in x])
    assert found.shape == x.shape
    torch.testing.assert_close(found, single)
    assert swin(height, width).complete


def test_the_code_says_what_is_done_to_each_axis() -> None:
    code = emitted(checked_text(SWIN.format(h=24, w=24))).text
    assert ".unflatten(2, (-1, self.window))" in code
    assert "einops" not in code


@pytest.mark.parametrize("shape", [(8, 12, 8, 3), (8, 12, 8), (4, 4, 8, 12, 3)], ids=str)
@pytest.mark.parametrize("kind", ["Conv2d", "AvgPool2d", "AvgPool3d", "LSTM"])
@pytest.mark.parametrize("given", [1, 2, 3, 4])
def test_what_the_help_says_of_batch_axes_works(kind: str, given: int, shape: tuple[int, ...]) -> None:
    sizes = {"Conv2d": "out_channels: 2, kernel_size: 2", "LSTM": "hidden_size: 2"}.get(kind, "kernel_size: 2")
    text = f"input: {list(shape)}\nlayers:\n  - {{type: {kind}, {sizes}, batch_axes: {given}}}\n"
    report = checked_text(text)
    if report.ok:
        return
    (fault,) = [each for each in report.diagnostics if each.code == "NSP206"]
    advice, _, rest = fault.help.removeprefix("use ").partition(",")
    mended = text.replace(f"type: {kind}", advice) if rest else text.replace(f"batch_axes: {given}", advice)
    assert mended != text
    assert checked_text(mended.replace(f", batch_axes: {given}", "") if rest else mended).ok, fault.help
