"""Targets: their data are about layers that there are, their numbers are those of the tools, tiles counted by hand."""

from __future__ import annotations

import importlib
from itertools import product
from pathlib import Path

import pytest
from click.testing import CliRunner

from planner.analyses.tiles import in_tiles
from planner.budget import DType
from planner.cli import main
from planner.diagnostics import Diagnostic
from planner.layers import all_layers
from planner.manual import page
from planner.outputs._screen import Screen
from planner.targets import Target, TargetRule, all_targets, names
from planner.workbench import Workbench, checked_text

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))
TARGETS = list(all_targets().values())
RULES = [(target, rule) for target in TARGETS for rule in target.rules]
OF_TARGETS = ("NSP450", "NSP451", "NSP452", "NSP453")

every_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


def named(target: Target) -> str:
    return f"{target.name}={target.least}" if target.number else target.name


def found(text: str, target: str, dtype: DType = "float32", input: str = "[32, 32, 8]") -> list[Diagnostic]:
    bench = Workbench.on_text(f"input: {input}\nlayers:\n{text}", targets=(target,), dtype=dtype)
    assert bench.report.plan.complete
    return [each for each in bench.report.diagnostics if each.code in OF_TARGETS]


# The data


def test_rules_are_about_layers_and_arguments_that_there_are() -> None:
    for target, rule in RULES:
        assert rule.layers <= set(all_layers()), target.name
        for layer, argument in product(rule.layers, (*rule.where, *rule.unless, *rule.windows)):
            assert argument in all_layers()[layer].model_fields, target.name
        lengths = (rule.most_axes, rule.most_long_axes, rule.most_elements, rule.longest_axis)
        assert any((rule.layers, rule.uneven_bins, *lengths)), "a rule about every layer"
    for target in TARGETS:
        assert target.tiles is None or target.tiles.layers <= set(all_layers())


def test_every_rule_has_its_source() -> None:
    sources = [rule.source for _, rule in RULES] + [target.tiles.source for target in TARGETS if target.tiles]
    assert [each for each in sources if not each.startswith("https://")] == []
    assert all(rule.finds in ("refused", "hindered", "split") for _, rule in RULES)


@every_target
def test_a_target_has_its_page(target: Target) -> None:
    text = page(target.name, Screen(100)) or ""
    assert target.title in text
    for rule in target.rules:
        assert rule.source in text
    if target.tiles is not None:
        assert target.tiles.source in text


def test_versions_of_operators_are_those_of_onnx() -> None:
    """`X is one operator from 17 on`, `X is there from 17 on`: the version that the package onnx says."""
    defs = pytest.importorskip("onnx.defs")
    versions: dict[str, list[int]] = {}
    for schema in defs.get_all_schemas_with_history():
        if not schema.domain and not schema.deprecated:
            versions.setdefault(schema.name, []).append(schema.since_version)
    told = 0
    for rule in all_targets()["onnx-opset"].rules:
        if rule.below is not None and rule.source.endswith("Changelog.md"):
            assert rule.below == min(versions[rule.says.split()[0]]), rule.says
            told += 1
    assert told >= 12


def test_what_the_exporter_of_torch_writes_from_when_on() -> None:
    registration = pytest.importorskip("torch.onnx._internal.torchscript_exporter.registration")
    known = registration.registry
    for version in range(7, 21):
        importlib.import_module(f"torch.onnx._internal.torchscript_exporter.symbolic_opset{version}")
    functions = {
        "Unfold": "im2col", "Fold": "col2im", "Einsum": "einsum", "CELU": "celu", "Round": "round",
        "ScaledDotProductAttention": "scaled_dot_product_attention", "Interpolate": "upsample_bicubic2d",
    }  # fmt: skip
    for rule in all_targets()["onnx-opset"].rules:
        for layer in rule.layers & functions.keys() if rule.finds == "refused" and rule.below else ():
            group = known.get_function_group(f"aten::{functions[layer]}")
            assert group is not None
            assert rule.below == group.get_min_supported(), layer


# Networks


@every_target
def test_every_config_is_judged(target: Target, request: pytest.FixtureRequest) -> None:
    few = ("lenet5", "unet", "vit_b_16", "mobilenet_v3_large", "nnunet_3d", "conformer_s", "swin_t")
    said = 0
    for path in CONFIGS:
        if request.config.getoption("--long") or path.stem in few:
            report = Workbench.on(path, targets=(named(target),), dtype="int8").report
            said += sum(each.code in OF_TARGETS for each in report.diagnostics)
            assert report.plan.complete
    assert said or target.name in ("coreml", "tensorrt", "tflite-micro")


def test_what_copies_have_alike_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(
        "target: onnx-opset=11\ninput: [8, 8, 4]\nlayers:\n  - {type: unit, repeat: 3}\n  - {type: Hardswish}\n"
        "blocks: {unit: {layers: [{type: Hardswish}]}}\n"
    )
    said = {
        each: CliRunner(env={"COLUMNS": "200"}).invoke(main, ["check", str(file), "--format", each]).output.splitlines()
        for each in ("concise", "github", "json")
    }
    for each in ("concise", "github"):
        found = [line.endswith("Changelog.md says (3 copies)") for line in said[each] if "Hard" in line]
        assert found == [False, True]
    assert said["concise"][-1].startswith("4 infos in ")
    assert sum('"NSP453"' in line for line in said["json"]) == 4


def test_targets_of_the_file_and_of_the_command(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text("target: [edgetpu, onnx-opset=19]\ninput: [8, 8, 4]\nlayers:\n  - {type: GELU}\n")
    run = CliRunner(env={"COLUMNS": "200"})
    own = run.invoke(main, ["check", str(file), "--format", "concise"])
    assert own.exit_code == 1
    assert own.output.count("NSP450") == own.output.count("NSP453") == 1
    given = run.invoke(main, ["check", str(file), "--format", "concise", "--target", "onnx-opset=20"])
    assert given.exit_code == 0
    assert "NSP45" not in given.output
    refused = run.invoke(main, ["check", str(file), "--target", "edge"])
    assert refused.exit_code == 2
    assert ", ".join(names()) in refused.output


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("edgtpu", "did you mean `edgetpu`?"),
        ("onnx-opset", "needs the version of ONNX's operators"),
        ("onnx-opset=3", "its number is the version of ONNX's operators, from 7"),
        ("onnx-opset=x", "its number is"),
        ("edgetpu=4", "`edgetpu` has no number"),
        ("quantum", "there are: coreml"),
        ("[]", "takes the name of a target"),
        ("5", "takes the name of a target"),
        ("{onnx-opset: 17}", "takes the name of a target"),
    ],
)
def test_an_unknown_target_is_told_at_its_place(text: str, says: str) -> None:
    report = checked_text(f"target: {text}\ninput: [8, 8, 4]\nlayers:\n  - {{type: ReLU}}\n")
    (each,) = report.diagnostics
    place = report.place(each)
    assert says in f"{each.message}: {each.label}; {each.help}"
    assert place is not None
    assert place.line == 1


# Single layers


@pytest.mark.parametrize(
    ("layer", "target", "code"),
    [
        ("type: AdaptiveAvgPool2d, output_size: 5", "onnx-opset=20", "NSP450"),
        ("type: AdaptiveAvgPool2d, output_size: 8", "onnx-opset=20", ""),
        ("type: AdaptiveAvgPool2d, output_size: 1", "coreml", ""),
        ("type: Interpolate, scale_factor: 2, mode: bicubic", "onnx-opset=10", "NSP450"),
        ("type: Interpolate, scale_factor: 2, mode: bicubic", "onnx-opset=11", ""),
        ("type: Reshape, shape: [4, 8, 256, 1, 1]", "edgetpu", ""),
        ("type: Reshape, shape: [4, 8, 256, 1, 1]", "coreml", "NSP450"),
        ("type: Reshape, shape: [4, 8, 16, 16]", "coreml", ""),
        ("type: LayerNorm, normalized_shape: 8", "onnx-opset=16", "NSP453"),
        ("type: LayerNorm, normalized_shape: 8", "onnx-opset=17", ""),
        ("type: Custom, class: a.B, output: [8]", "edgetpu", ""),
    ],
)
def test_a_layer(layer: str, target: str, code: str) -> None:
    said = found(f"  - {{{layer}}}\n", target)
    assert {each.code for each in said} == ({code} if code else set())
    for each in said:
        assert "https://" in each.help


def judged(layer: str, target: str) -> list[Diagnostic]:
    layer, _, shape = layer.partition(" | ")
    return found(f"  - {{type: {layer}}}\n", target, input=shape or "[32, 32, 8]")


@pytest.mark.parametrize(
    ("target", "rule"),
    [pytest.param(target, rule, id=f"{target.name}: {rule.says}") for target, rule in RULES if not target.number],
)
def test_a_layer_and_its_twin(target: Target, rule: TargetRule) -> None:
    wrong = [each for each in judged(rule.bad, target.name) if each.label.startswith(rule.says)]
    assert wrong
    assert all(rule.source in each.help for each in wrong)
    assert not judged(rule.good, target.name)


# Tiles


def macs_in_tiles(cells: int, taps: int, ins: int, outs: int, tile: int, first: int) -> int:
    """The multiply-adds of all tiles that hold a channel, counted tile by tile."""
    read = tile if ins > first else min(tile, first)
    count = 0
    for _ in product(range(cells), range(taps)):
        for _ in product(range(0, ins, read), range(0, outs, tile)):
            count += read * tile
    return count


@pytest.mark.parametrize(
    ("dtype", "tile"), [("float64", 2), ("float32", 4), ("float16", 8), ("bfloat16", 8), ("int8", 16)]
)
@pytest.mark.parametrize("outs", [1, 7, 8, 13, 16, 30])
def test_padded_multiply_adds_are_counted_tile_by_tile(dtype: DType, tile: int, outs: int) -> None:
    text = f"""
input: [5, 4, 3]
layers:
  - {{name: a, type: Conv2d, out_channels: {outs}, kernel_size: 3, padding: 1}}
  - {{name: b, type: ConvTranspose2d, out_channels: 9, kernel_size: 2, stride: 2}}
  - {{type: AdaptiveAvgPool2d, output_size: 1}}
  - {{type: Flatten}}
  - {{name: c, type: Linear, out_features: 5}}
"""
    report = Workbench.on_text(text, targets=("tensor-cores",), dtype=dtype).report
    a, b, c = in_tiles(report.plan, dtype)
    assert (a.tile, b.tile, c.tile) == (tile, tile, tile)
    assert a.full_macs == macs_in_tiles(5 * 4, 9, 3, outs, tile, first=4)
    assert b.full_macs == macs_in_tiles(5 * 4, 4, outs, 9, tile, first=0)
    assert c.full_macs == macs_in_tiles(1, 1, 9, 5, tile, first=0)
    unfilled = {each.step for each in report.diagnostics if each.code == "NSP452"}
    assert unfilled == {
        name for name, numbers in (("a", (outs,)), ("b", (outs, 9)), ("c", (9, 5))) if any(n % tile for n in numbers)
    }


def test_a_multiple_of_the_tile_is_tried_before_it_is_offered() -> None:
    text = (
        "  - {name: a, type: Conv2d, out_channels: 60, kernel_size: 3}\n"
        "  - {type: Conv2d, out_channels: 64, kernel_size: 1}\n"
    )
    bench = Workbench.on_text(f"input: [32, 32, 8]\nlayers:\n{text}", targets=("tensor-cores",), dtype="float16")
    first, second = (each for each in bench.report.diagnostics if each.code == "NSP452")
    (fix,) = bench.fixes(first)
    assert fix.text == "out_channels: 64"
    assert "+548 parameters" in fix.effect
    assert not fix.safe
    assert "`a` gives 60 channels" in second.help
    one = "type: Conv2d, out_channels: 60, kernel_size: 1"
    joined = f"  - {{name: a, {one}}}\n  - {{name: b, {one}, from: input}}\n  - {{type: Add, from: [a, b]}}\n"
    bench = Workbench.on_text(f"input: [8, 8, 8]\nlayers:\n{joined}", targets=("tensor-cores",), dtype="float16")
    unfilled = [each for each in bench.report.diagnostics if each.code == "NSP452"]
    assert [bench.fixes(each) for each in unfilled] == [(), ()], "64 and 60 channels cannot be added"


def test_groups_are_not_judged() -> None:
    assert found("  - {type: Conv2d, out_channels: 12, kernel_size: 3, groups: 4}\n", "tensor-cores", "int8") == []
