"""Libraries of blocks: those that come with the planner, and files beside a model file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch import nn

import planner
import ultralytics_calls
from planner.cli import main
from planner.diagnostics import Severity
from planner.layers import all_layers
from planner.manual import blocks_of, page
from planner.outputs._screen import Screen
from planner.outputs.code.torch import emitted
from planner.report import Report
from planner.source import library, shipped
from planner.workbench import checked
from reference_run import differences

TESTS = Path(__file__).parent
BLOCKS = [(name, block) for name in shipped() for block in blocks_of(name)]


@dataclass(frozen=True)
class Called:
    """A call of a block in a network: its arguments, its inputs, its outputs, and modules with the same weights."""

    args: dict[str, Any]
    inputs: list[list[int]]
    modules: list[nn.Module]
    outputs: int = 1


def conv(inputs: int, outputs: int, kernel: int = 1, groups: int = 1) -> nn.Module:
    """A convolution without a bias, and a normalization."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, groups=groups, bias=False), nn.BatchNorm2d(outputs))


def convs(*pairs: tuple[int, int], kernel: int = 1) -> list[nn.Module]:
    """Convolutions with biases."""
    return [nn.Conv2d(inputs, outputs, kernel) for inputs, outputs in pairs]


def fused(count: int, width: int) -> list[nn.Module]:
    """A node of a BiFPN: weights of its inputs, and a separable convolution."""
    depthwise = nn.Conv2d(width, width, 3, groups=width, bias=False)
    return [nn.PReLU(count), depthwise, nn.Conv2d(width, width, 1), nn.BatchNorm2d(width)]


def bottleneck(channels: int, inner: int, *kernels: int) -> list[nn.Module]:
    """Ultralytics' Bottleneck, with as many channels behind it as before."""
    return [conv(channels, inner, kernels[0]), conv(inner, channels, kernels[1])]


def separable(inputs: int, outputs: int) -> list[nn.Module]:
    """A convolution for each channel, and one across them."""
    return [conv(inputs, inputs, 3, groups=inputs), conv(inputs, outputs)]


def attention(width: int, memory: int | None = None) -> list[nn.Module]:
    """A normalization and attention."""
    return [nn.LayerNorm(width), nn.MultiheadAttention(width, 4, kdim=memory, vdim=memory)]


def mlp(width: int, hidden: int) -> list[nn.Module]:
    """A normalization and two linear layers."""
    return [nn.LayerNorm(width), nn.Linear(width, hidden), nn.Linear(hidden, width)]


def time_block(inputs: int, width: int, time: int = 40) -> list[nn.Module]:
    """A residual block of a diffusion model, as the Diffusers' ResnetBlock2D."""
    shortcut = [nn.Conv2d(inputs, width, 1)] if inputs != width else []
    within = [nn.Conv2d(inputs, width, 3), nn.Linear(time, width), nn.Conv2d(width, width, 3)]
    return [nn.GroupNorm(8, inputs), nn.GroupNorm(8, width), *within, *shortcut]


PYRAMID = [[32, 32, 16], [16, 16, 24], [8, 8, 32], [4, 4, 40]]

CALLS: dict[str, list[Called]] = {
    "basic": [
        Called({"width": 16}, [[14, 14, 16]], [conv(16, 16, 3), conv(16, 16, 3)]),
        Called({"width": 32, "stride": 2}, [[14, 14, 16]], [conv(16, 32, 3), conv(32, 32, 3), conv(16, 32)]),
        Called({"width": 24}, [[14, 14, 16]], [conv(16, 24, 3), conv(24, 24, 3), conv(16, 24)]),
    ],
    "bottleneck": [
        Called({"width": 4}, [[14, 14, 16]], [conv(16, 4), conv(4, 4, 3), conv(4, 16)]),
        Called({"width": 8, "stride": 2}, [[14, 14, 16]], [conv(16, 8), conv(8, 8, 3), conv(8, 32), conv(16, 32)]),
        Called(
            {"width": 8, "groups": 4, "inner": 12},
            [[14, 14, 16]],
            [conv(16, 12), conv(12, 12, 3, groups=4), conv(12, 32), conv(16, 32)],
        ),
    ],
    "bottleneck_d": [
        Called({"width": 4}, [[14, 14, 16]], [conv(16, 4), conv(4, 4, 3), conv(4, 16)]),
        Called({"width": 8, "stride": 2}, [[14, 14, 16]], [conv(16, 8), conv(8, 8, 3), conv(8, 32), conv(16, 32)]),
    ],
    "inverted_residual": [
        Called({"width": 16}, [[14, 14, 16]], [conv(16, 96), conv(96, 96, 3, groups=96), conv(96, 16)]),
        Called(
            {"width": 24, "expand": 1, "kernel": 5, "stride": 2},
            [[14, 14, 16]],
            [conv(16, 16, 5, groups=16), conv(16, 24)],
        ),
        Called(
            {"width": 24, "activation": "SiLU", "squeeze": 4, "squeeze_activation": "SiLU"},
            [[14, 14, 16]],
            [conv(16, 96), conv(96, 96, 3, groups=96), *convs((96, 4), (4, 96)), conv(96, 24)],
        ),
    ],
    "squeeze_excitation": [Called({}, [[7, 7, 32]], convs((32, 2), (2, 32)))],
    "cbam": [
        Called(
            {},
            [[7, 7, 32]],
            [nn.Conv2d(32, 2, 1, bias=False), nn.Conv2d(2, 32, 1, bias=False), nn.Conv2d(2, 1, 7, bias=False)],
        )
    ],
    "aspp": [
        Called(
            {"width": 8, "rates": [2, 3, 4]},
            [[16, 16, 32]],
            [conv(32, 8), *(conv(32, 8, 3) for _ in range(3)), conv(32, 8), conv(40, 8)],
        )
    ],
    "fpn": [
        Called(
            {"width": 12},
            PYRAMID,
            convs((16, 12), (24, 12), (32, 12), (40, 12)) + convs(*[(12, 12)] * 4, kernel=3),
            outputs=4,
        )
    ],
    "retina_fpn": [
        Called(
            {"width": 12},
            [[64, 64, 24], [32, 32, 32], [16, 16, 40]],
            convs((24, 12), (32, 12), (40, 12)) + convs(*[(12, 12)] * 3, (40, 12), (12, 12), kernel=3),
            outputs=5,
        )
    ],
    "pan": [Called({}, [[32 >> i, 32 >> i, 16] for i in range(4)], convs(*[(16, 16)] * 6, kernel=3), outputs=4)],
    "bifpn": [
        Called(
            {},
            [[32 >> i, 32 >> i, 16] for i in range(5)],
            [each for count in (2, 2, 2, 2, 3, 3, 3, 2) for each in fused(count, 16)],
            outputs=5,
        )
    ],
    "Conv": [
        Called({"c2": 24, "k": 3, "s": 2}, [[16, 16, 16]], [conv(16, 24, 3)]),
        Called({"c2": 24, "g": 4, "act": "Identity"}, [[16, 16, 16]], [conv(16, 24, groups=4)]),
        Called({"c2": 24, "k": 3, "d": 2}, [[16, 16, 16]], [conv(16, 24, 3)]),
    ],
    "DWConv": [Called({"k": 3, "s": 2}, [[16, 16, 16]], [conv(16, 16, 3, groups=16)])],
    "Bottleneck": [
        Called({"c2": 16}, [[16, 16, 16]], bottleneck(16, 8, 3, 3)),
        Called({"c2": 24, "shortcut": False, "e": 1.0}, [[16, 16, 16]], [conv(16, 24, 3), conv(24, 24, 3)]),
    ],
    "C3": [
        Called(
            {"c2": 32, "n": 2},
            [[16, 16, 24]],
            [conv(24, 16), conv(24, 16), conv(32, 32), *bottleneck(16, 16, 1, 3), *bottleneck(16, 16, 1, 3)],
        )
    ],
    "C3k": [
        Called(
            {"c2": 32, "k": 5}, [[16, 16, 24]], [conv(24, 16), conv(24, 16), conv(32, 32), *bottleneck(16, 16, 5, 5)]
        )
    ],
    "C2f": [
        Called(
            {"c2": 32, "n": 2, "shortcut": True},
            [[16, 16, 24]],
            [conv(24, 32), conv(64, 32), *bottleneck(16, 16, 3, 3), *bottleneck(16, 16, 3, 3)],
        ),
        Called({"c2": 32}, [[16, 16, 24]], [conv(24, 32), conv(48, 32), *bottleneck(16, 16, 3, 3)]),
    ],
    "C3k2": [
        Called({"c2": 32}, [[16, 16, 24]], [conv(24, 32), conv(48, 32), *bottleneck(16, 8, 3, 3)]),
        Called(
            {"c2": 64, "e": 0.25, "c3k": True},
            [[16, 16, 24]],
            [
                *(conv(24, 32), conv(48, 64), conv(16, 8), conv(16, 8), conv(16, 16)),
                *(bottleneck(8, 8, 3, 3) + bottleneck(8, 8, 3, 3)),
            ],
        ),
    ],
    "C2PSA": [
        Called(
            {"c2": 128, "n": 2},
            [[8, 8, 128]],
            [
                *(conv(128, 128), conv(128, 128)),
                *[each for _ in range(2) for each in (conv(64, 128), conv(64, 64, 3, groups=64), conv(64, 64))],
                *[each for _ in range(2) for each in (conv(64, 128), conv(128, 64))],
            ],
        )
    ],
    "Detect": [
        Called(
            {"nc": 3, "reg_max": 4, "legacy": legacy},
            [[16, 16, 16], [8, 8, 24], [4, 4, 32]],
            [
                nn.Conv2d(4, 1, 1, bias=False),
                *[each for c in (16, 24, 32) for each in (conv(c, 16, 3), conv(16, 16, 3), nn.Conv2d(16, 16, 1))],
                *[
                    each
                    for c in (16, 24, 32)
                    for each in (
                        *([conv(c, 16, 3), conv(16, 16, 3)] if legacy else separable(c, 16) + separable(16, 16)),
                        nn.Conv2d(16, 3, 1),
                    )
                ],
            ],
            outputs=2,
        )
        for legacy in (False, True)
    ],
    "SPPF": [
        Called({"c2": 32}, [[16, 16, 32]], [conv(32, 16), conv(64, 32)]),
        Called({"c2": 48}, [[16, 16, 32]], [conv(32, 16), conv(64, 48)]),
    ],
    "encoder_block": [
        Called({"heads": 4}, [[20, 32]], attention(32) + mlp(32, 128)),
        Called({"heads": 4, "hidden": 48, "is_causal": True}, [[20, 32]], attention(32) + mlp(32, 48)),
    ],
    "decoder_block": [
        Called(
            {"heads": 4, "dropout": 0.1},
            [[20, 32], [12, 24]],
            attention(32) + attention(32, 24) + mlp(32, 128),
        )
    ],
    "wavenet_layer": [
        Called(
            {"gated": 24, "skip": 40, "dilation": 4},
            [[64, 16]],
            [nn.Conv1d(16, 24, 2), nn.Conv1d(16, 24, 2), nn.Conv1d(24, 16, 1), nn.Conv1d(24, 40, 1)],
            outputs=2,
        )
    ],
    "swin_block": [
        Called(
            args,
            [[8, 12, 12]],
            [nn.LayerNorm(12), nn.MultiheadAttention(12, 2), nn.Embedding(49, 2), *mlp(12, 48)],
        )
        for args in ({"heads": 2, "window": 4}, {"heads": 2, "window": 4, "shift": 2})
    ],
    "conformer_block": [
        Called(
            {"kernel": 7},
            [[20, 32]],
            [
                *(mlp(32, 128) + mlp(32, 128) + attention(32)),
                *(nn.LayerNorm(32), nn.Conv1d(32, 64, 1), nn.Conv1d(32, 32, 7, groups=32), nn.BatchNorm1d(32)),
                *(nn.Conv1d(32, 32, 1), nn.LayerNorm(32)),
            ],
        )
    ],
    "time_block": [
        Called({"width": 16, "groups": 8}, [[8, 8, 16], [40]], time_block(16, 16)),
        Called({"width": 24, "groups": 8, "dropout": 0.1}, [[8, 8, 16], [40]], time_block(16, 24)),
    ],
    "down_stage": [
        Called(
            {"width": 24, "groups": 8},
            [[9, 9, 16], [40]],
            [*time_block(16, 24), *time_block(24, 24), nn.Conv2d(24, 24, 3)],
            outputs=3,
        ),
        Called(
            {"width": 16, "groups": 8, "last": True},
            [[8, 8, 16], [40]],
            [*time_block(16, 16), *time_block(16, 16)],
            outputs=3,
        ),
    ],
    "up_stage": [
        Called(
            {"width": 16, "groups": 8},
            [[8, 8, 24], [40], [8, 8, 24], [8, 8, 16], [8, 8, 16]],
            [*time_block(48, 16), *time_block(32, 16), *time_block(32, 16), nn.Conv2d(16, 16, 3)],
        ),
        Called(
            {"width": 16, "groups": 8, "last": True},
            [[8, 8, 24], [40], [8, 8, 24], [8, 8, 16], [8, 8, 16]],
            [*time_block(48, 16), *time_block(32, 16), *time_block(32, 16)],
        ),
    ],
}
CALLS |= {name: [Called(*call) for call in calls] for name, calls in ultralytics_calls.CALLS.items()}
"""Calls of every block, by its name."""


def network(name: str, block: str, call: Called) -> dict[str, Any]:
    """A network that is one call of a block."""
    inputs = {f"x{i}": shape for i, shape in enumerate(call.inputs)}
    return {
        "use": [name],
        "input": inputs,
        "layers": [{"name": "call", "type": block, "from": list(inputs), **call.args}],
        "outputs": [f"call.{i}" for i in range(call.outputs)] if call.outputs > 1 else ["call"],
    }


EVERY = [(name, block, call) for name, block in BLOCKS for call in CALLS.get(block, [])]
NAMES = [f"{block}-{'-'.join(map(str, call.args.values()))}" for _, block, call in EVERY]
RUN = [(each, name) for each, name in zip(EVERY, NAMES, strict=True) if each[1] != "RTDETRDecoder"]
"""All calls but those with a `Custom` layer, which nobody can run without its class."""


def test_every_block_is_called() -> None:
    assert CALLS.keys() == {block for _, block in BLOCKS}


@pytest.mark.parametrize(("name", "block", "call"), EVERY, ids=NAMES)
def test_a_block_has_the_published_weights_and_no_warning(name: str, block: str, call: Called) -> None:
    report = planner.check(network(name, block, call))
    assert report.plan.complete
    told = [each for each in report.diagnostics if each.severity is not Severity.INFO]
    assert [f"{each.code} {each.step} {each.label}" for each in told] == []
    assert report.cost.params == sum(p.numel() for module in call.modules for p in module.parameters())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "block", "call"), [each for each, _ in RUN], ids=[name for _, name in RUN])
def test_the_code_of_a_block_computes_what_the_plan_says(name: str, block: str, call: Called) -> None:
    report = planner.check(network(name, block, call))
    found = emitted(report)
    assert differences(report, found) == [], found.text


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param([[80, 80], [40, 40], [20, 20]], id="a picture of 640"),
        pytest.param([[149, 150], [50, 49], [1, 3]], id="odd sizes"),
    ],
)
def test_the_anchors_of_rt_detr_are_endless_at_the_edge_of_large_maps(sizes: list[list[int]]) -> None:
    """Of the package's, as it describes them: a box about each cell, as its logit, of those within 0.01 of an edge."""
    blocks = {name: library("ultralytics").data["blocks"][name] for name in ("_Anchors", "_AnchorsOfMap")}
    layers = [{"name": "anchors", "type": "_Anchors", "sizes": sizes}]
    boxes, unmasked = planner.build(
        {"input": [1, 1, 1], "layers": layers, "blocks": blocks, "outputs": ["anchors.0", "anchors.1"]}
    )(torch.zeros(1, 1, 1, 1))
    middles = []
    for (height, width), side in zip(sizes, torch.tensor([0.05, 0.1, 0.2]), strict=True):
        i = torch.arange(height * width)
        sides = side.expand(2, len(i))
        middles.append(torch.cat([torch.stack([(i % width + 0.5) / width, (i // width + 0.5) / height]), sides]))
    expected = torch.cat(middles, 1)
    inner = ((expected > 0.01) & (expected < 0.99)).all(0)
    assert torch.equal(unmasked.squeeze().bool(), inner)
    torch.testing.assert_close(boxes.squeeze(), torch.logit(expected).masked_fill(~inner, torch.inf))


def test_blocks_have_names_of_their_own() -> None:
    """A file may use any libraries together, and `planner explain` has one page for each name."""
    counts = Counter([*(block for _, block in BLOCKS), *shipped()])
    assert [name for name, count in counts.items() if count > 1] == []
    assert not counts.keys() & all_layers().keys()


@pytest.mark.parametrize("name", shipped())
def test_all_libraries_can_be_used_together_and_say_where_they_come_from(name: str) -> None:
    report = planner.check({"use": list(shipped()), "input": [8, 8, 3], "layers": [{"type": "ReLU"}]})
    assert report.diagnostics == ()
    text = library(name).text
    assert text.startswith("# ")
    assert "arXiv:" in text
    for block in blocks_of(name):
        assert library(name).data["blocks"][block]["description"].strip().endswith((".", ")."))


@pytest.mark.parametrize(("name", "block"), BLOCKS)
def test_the_page_of_a_block(name: str, block: str) -> None:
    text = page(block, Screen(80))
    assert text is not None
    assert text.startswith(f"{block}(")
    assert f"use: [{name}]" in text
    assert f"    {block}:\n" in text
    assert text.rstrip().endswith(".")
    overview = page(name, Screen(80))
    assert overview is not None
    assert f"\n{block}(" in overview


@pytest.mark.parametrize("path", sorted((TESTS / "libraries").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_network_of_blocks_is_the_published_one(path: Path) -> None:
    """`configs/` has the same network written out, whose figures are published."""
    ours, expected = (planner.check(each) for each in (path, TESTS.parent / "configs" / path.name))
    assert ours.ok
    assert (ours.cost.params, ours.cost.macs) == (expected.cost.params, expected.cost.macs)
    assert state_dict(ours) == state_dict(expected)


def state_dict(report: Report) -> dict[str, tuple[int, ...]]:
    return {f"{step.name}.{name}": sizes for step in report.plan.steps for name, sizes in step.state.items()}


# Files


def written(folder: Path, **files: str) -> Path:
    """The model file `model.yaml` of a folder with the given files."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "model.yaml"


MODEL = """
use: {use}
input: [16, 16, 8]
layers:
  - {{name: a, type: double, width: 8}}
  - {{name: b, type: double, width: 16, groups: {groups}}}
"""
DOUBLE = """
blocks:
  double:
    params: {width: , groups: 1}
    layers:
      - {type: Conv2d, out_channels: $width, kernel_size: 3, padding: 1, groups: $groups}
      - {type: _rest}
  _rest:
    layers: [{type: ReLU}]
"""


def model(use: str, groups: int = 1) -> str:
    return MODEL.format(use=use, groups=groups)


def errors(report: Report) -> list[str]:
    return [each.message for each in report.diagnostics if each.severity is Severity.ERROR]


def test_a_file_beside_the_model_file_is_used(tmp_path: Path) -> None:
    path = written(tmp_path, model=model("./blocks.yaml"), blocks=DOUBLE)
    report = checked(path)
    assert report.diagnostics == ()
    assert report.cost.params == 584 + 1168
    (step,) = [each for each in report.to_dict()["steps"] if each["name"] == "b.0"]
    assert (step["line"], step["file"]) == (6, str(tmp_path / "blocks.yaml"))


def test_a_library_uses_others_from_its_own_folder(tmp_path: Path) -> None:
    uses = "use: [./deeper/blocks.yaml, ../other.yaml, residual]\n"
    uses += "blocks: {own: {layers: [{type: double, width: 8}, {type: last}]}}"
    last = "blocks: {last: {layers: [{type: Sigmoid}]}}"
    path = written(
        tmp_path,
        model="use: [./parts/blocks.yaml]\ninput: [16, 16, 8]\nlayers: [{type: own}]",
        parts__blocks=uses,
        parts__deeper__blocks=DOUBLE,
        other=last,
    )
    report = checked(path)
    assert report.diagnostics == ()
    assert [step.type for step in report.plan.layers] == ["Conv2d", "ReLU", "Sigmoid"]


def test_what_a_library_uses_it_does_not_hand_on(tmp_path: Path) -> None:
    uses = "use: ./deeper.yaml\nblocks: {own: {layers: [{type: double, width: 8}]}}"
    report = checked(written(tmp_path, model=model("./blocks.yaml"), blocks=uses, deeper=DOUBLE))
    assert errors(report) == ["there is no layer or block `double`"] * 2


def test_a_block_of_the_file_hides_that_of_a_library_but_not_within_the_library(tmp_path: Path) -> None:
    own = "blocks:\n  _rest: {layers: [{type: Tanh}]}\n  rest: {layers: [{type: Tanh}]}\n"
    theirs = DOUBLE.replace("_rest", "rest")
    report = checked(written(tmp_path, model=model("./blocks.yaml") + "  - {type: rest}\n" + own, blocks=theirs))
    assert report.diagnostics == ()
    assert [step.type for step in report.plan.layers] == ["Conv2d", "ReLU"] * 2 + ["Tanh"]
    assert differences(report, emitted(report)) == []


def test_a_library_calls_a_block_that_is_handed_to_it(tmp_path: Path) -> None:
    library = "blocks: {twice: {params: {block: Sigmoid}, layers: [{type: $block}, {type: $block}]}}"
    text = """
use: ./blocks.yaml
input: [16, 16, 8]
layers:
  - {type: twice, block: mine}
  - {type: twice}
blocks:
  mine: {layers: [{type: Tanh}]}
"""
    report = checked(written(tmp_path, model=text, blocks=library))
    assert report.diagnostics == ()
    assert [step.type for step in report.plan.layers] == ["Tanh", "Tanh", "Sigmoid", "Sigmoid"]


def test_code_with_blocks_of_one_name(tmp_path: Path) -> None:
    """Both are classes, and the arguments of each are tried by planning its own library."""
    theirs = DOUBLE.replace("_rest", "rest")
    own = "blocks:\n  rest: {params: {width: 4}, layers: [{type: Conv2d, out_channels: $width, kernel_size: 1}]}\n"
    calls = "  - {type: rest}\n  - {type: rest, width: 6}\n"
    report = checked(written(tmp_path, model=model("./blocks.yaml") + calls + own, blocks=theirs))
    assert report.diagnostics == ()
    found = emitted(report)
    assert differences(report, found) == []
    assert "Rest1" in found.text


def test_links_are_followed_and_must_not_lead_out(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    path = written(inside, model=model("[./link.yaml, ./blocks.yaml]"), blocks=DOUBLE)
    (inside / "link.yaml").symlink_to(inside / "blocks.yaml")
    assert checked(path).diagnostics == (), "one library by two names"
    written(tmp_path, outer=DOUBLE)
    (inside / "link.yaml").unlink()
    (inside / "link.yaml").symlink_to(tmp_path / "outer.yaml")
    assert errors(checked(path)) == ["the library `./link.yaml` lies outside of the model file's folder"]
    path.write_text(model("./folder/outer.yaml"))
    (inside / "folder").symlink_to(tmp_path)
    assert errors(checked(path)) == ["the library `./folder/outer.yaml` lies outside of the model file's folder"]
    path.write_text(model("./round.yaml"))
    (inside / "round.yaml").symlink_to(inside / "round.yaml")
    assert len(errors(checked(path))) == 1


def test_a_linked_model_file_uses_what_stands_beside_the_link(tmp_path: Path) -> None:
    path = written(tmp_path / "a", model=model("./blocks.yaml"))
    written(tmp_path / "b", blocks=DOUBLE)
    (tmp_path / "b" / "model.yaml").symlink_to(path)
    assert checked(tmp_path / "b" / "model.yaml").diagnostics == ()
    assert len(errors(checked(path))) == 1


@pytest.mark.parametrize("given", [{"use": "./blocks.yaml"}, {"use": ["residual"]}])
def test_a_model_that_is_no_file_has_no_folder(given: dict[str, Any]) -> None:
    report = planner.check({**given, "input": [16, 16, 8], "layers": [{"type": "basic", "width": 8}]})
    beside = "the library `./blocks.yaml` stands beside no file"
    assert errors(report) == ([] if "residual" in given["use"] else [beside])


def test_too_many_libraries(tmp_path: Path) -> None:
    files = {f"l{i}": f"use: ./l{i + 1}.yaml\nblocks: {{b{i}: {{layers: [{{type: ReLU}}]}}}}" for i in range(200)}
    report = checked(written(tmp_path, model="use: ./l0.yaml\ninput: [8, 8, 3]\nlayers: [{type: b0}]", **files))
    assert errors(report) == ["more than 100 libraries are used"]


# What is said of them


def said(path: Path, *options: str) -> str:
    return CliRunner(env={"COLUMNS": "80"}).invoke(main, ["check", str(path), *options]).output


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A model file whose library has a groups of three, by the argument of a call."""
    return written(tmp_path, model=model("./blocks.yaml", groups=3), blocks=DOUBLE)


def test_a_fault_is_told_at_its_own_line_with_the_call(wrong: Path) -> None:
    text = said(wrong)
    assert "--> " in text
    assert f"{wrong.with_name('blocks.yaml')}:6:82" in text
    assert f"called from {wrong}:6:5" in text
    assert "groups: $groups}" in text


def test_formats_name_the_file(wrong: Path) -> None:
    other = str(wrong.with_name("blocks.yaml"))
    (found,) = json.loads(said(wrong, "--format", "json"))["diagnostics"]
    assert (found["file"], found["line"], found["column"]) == (other, 6, 82)
    assert said(wrong, "--format", "concise").startswith(f"{other}:6:82: error[NSP202]")
    assert f"file={other},line=6" in said(wrong, "--format", "github")
    (result,) = json.loads(said(wrong, "--format", "sarif"))["runs"][0]["results"]
    places = [*result["locations"], *result["relatedLocations"]]
    uris = [each["physicalLocation"]["artifactLocation"]["uri"] for each in places]
    assert uris == [Path(other).as_uri(), wrong.as_uri()]
    assert [each["physicalLocation"]["region"]["startLine"] for each in places] == [6, 6]


def test_fixes_are_made_at_the_call_and_never_in_a_library(wrong: Path) -> None:
    before = wrong.with_name("blocks.yaml").read_bytes()
    said(wrong, "--unsafe-fixes")
    assert wrong.with_name("blocks.yaml").read_bytes() == before
    assert "groups: 3" not in wrong.read_text()
    assert checked(wrong).ok


def test_what_is_wrong_in_the_library_itself_is_left_to_its_author(tmp_path: Path) -> None:
    path = written(tmp_path, model=model("./blocks.yaml"), blocks=DOUBLE.replace("padding: 1", "pading: 1"))
    before = [each.read_bytes() for each in sorted(tmp_path.iterdir())]
    report = checked(path)
    assert errors(report) == ["Conv2d has no `pading`"]
    assert report.fixes(report.diagnostics[0]) == ()
    said(path, "--unsafe-fixes")
    assert [each.read_bytes() for each in sorted(tmp_path.iterdir())] == before


def test_a_fault_in_a_library_that_comes_with_the_planner_names_its_file() -> None:
    report = planner.check(
        {"use": "residual", "input": [8, 8, 3], "layers": [{"type": "bottleneck", "width": 8, "groups": 3}]}
    )
    place = report.place(report.diagnostics[0])
    assert place is not None
    assert place.file == library("residual").file
    assert "groups: $groups" in library("residual").line(place.line)


def test_a_block_of_a_library_that_is_not_used_is_known_by_name() -> None:
    report = planner.check({"input": [8, 8, 16], "layers": [{"type": "bottleneck", "width": 4}]})
    (found,) = report.diagnostics
    assert (found.code, found.help) == ("NSP113", "it is a block of a library: `use: [residual]`")


def test_a_library_is_no_model_but_what_is_wrong_in_it_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, model=DOUBLE.replace("padding", "pading"))
    report = checked(path)
    assert errors(report) == ["the file is a library of blocks, not a model"]
    path.write_text(DOUBLE.replace("params", "parms"))
    assert errors(checked(path)) == [
        "the file is a library of blocks, not a model",
        "the block `double` has no `parms`",
    ]


# Networks of blocks at random


def of_random_blocks(random: Random) -> dict[str, Any]:
    """A network of a few blocks in a row, each with arguments that it may be given on a map of any channels."""
    kinds: dict[str, Callable[[], dict[str, Any]]] = {
        "basic": lambda: {"width": width(), "stride": stride()},
        "bottleneck": lambda: {"width": width(), "stride": stride(), "groups": random.choice([1, 2])},
        "bottleneck_d": lambda: {"width": width(), "stride": stride()},
        "inverted_residual": lambda: {
            "width": width(),
            "expand": random.choice([1, 2, 6]),
            "kernel": random.choice([3, 5]),
            "stride": stride(),
            "squeeze": random.choice([0, 4]),
        },
        "squeeze_excitation": lambda: {"squeeze": random.choice([2, 4])},
        "cbam": lambda: {"reduction": random.choice([2, 4]), "kernel": random.choice([3, 7])},
        "aspp": lambda: {"width": width(), "rates": [2, 3, random.choice([4, 5])]},
        "Conv": lambda: {"c2": width(), "k": random.choice([1, 3]), "s": stride()},
        "DWConv": lambda: {"k": 3, "s": stride()},
        "Bottleneck": lambda: {"c2": width(), "shortcut": truth()},
        "C3": lambda: {"c2": width(), "n": random.choice([1, 2]), "shortcut": truth()},
        "C3k": lambda: {"c2": width(), "n": random.choice([1, 2])},
        "C2f": lambda: {"c2": width(), "n": random.choice([1, 2, 3]), "shortcut": truth()},
        "C3k2": lambda: {"c2": width(), "n": random.choice([1, 2]), "c3k": truth()},
        "C2PSA": lambda: {"c2": 128, "n": random.choice([1, 2])},
        "SPPF": lambda: {"c2": width(), "k": random.choice([3, 5])},
    }

    def width() -> int:
        return random.choice([8, 16, 24])

    def stride() -> int:
        return random.choice([1, 1, 1, 2])

    def truth() -> bool:
        return random.random() < 0.5

    layers = [{"type": kind, **kinds[kind]()} for kind in random.choices(list(kinds), k=random.randint(2, 5))]
    for layer in layers:
        if random.random() < 0.2:
            layer["repeat"] = 2
    return {"use": list(shipped()), "input": [32, 32, random.choice([8, 16])], "layers": layers}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(i, marks=pytest.mark.long) for i in range(4, 100))])
def test_random_networks_of_blocks(seed: int) -> None:
    report = planner.check(of_random_blocks(Random(seed)))
    assert report.plan.complete
    assert errors(report) == []
    found = emitted(report)
    assert differences(report, found) == [], found.text
