"""Fixes: whatever is offered is made in the text, and the finding must be gone and every number of the promise true."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, get_args

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

import planner
from planner.analyses.causality import Causal, nothing_ahead
from planner.cli import main
from planner.diagnostics import Diagnostic, Edit, Fix, Kind, RemedyName, Severity
from planner.editing import rewritten
from planner.fixes import Mender
from planner.fixes._safety import NEVER_SAFE, misspelt
from planner.geometry import Shape
from planner.manual import all_kinds, example
from planner.model import Model
from planner.plan import Plan
from planner.propagation import propagate
from planner.remedies import all_remedies, inputs
from planner.remedies._case import Case, windows_of
from planner.report import Report
from planner.source import Source, parse
from planner.workbench import checked, checked_text
from random_networks import network

ROOT = Path(__file__).parents[1]
STORIES = sorted((ROOT / "tests" / "stories").glob("*.yaml"))
BAD = [kind for kind in all_kinds().values() if kind.bad]


def applied(report: Report, fix: Fix) -> Report:
    """The report on the text with a fix made."""
    return checked(rewritten(report.source, fix.edits))


def grave(report: Report) -> int:
    return report.count(Severity.ERROR) + report.count(Severity.WARNING)


# --- every fix keeps its promise ------------------------------------------------------------------------------------


def test_every_remedy_that_a_kind_names_exists_and_every_remedy_is_named() -> None:
    named = {name for kind in all_kinds().values() for name in kind.mended_by}
    assert named == set(all_remedies())
    assert list(get_args(RemedyName)) == sorted(named)


def test_the_best_fixes_are_the_first_of_all() -> None:
    sources = [*(example(kind.bad) for kind in BAD), *(path.read_text(encoding="utf-8") for path in STORIES)]
    for text in sources:
        few, all_of_them = checked_text(text), checked_text(text)
        for a, b in zip(few.diagnostics, all_of_them.diagnostics, strict=True):
            assert few.fixes(a, 3) == all_of_them.fixes(b)[:3]
            assert few.fixes(a) == all_of_them.fixes(b)


def test_no_size_is_looked_for_where_three_fixes_mend_all_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    report = checked(ROOT / "configs" / "squeezenet1_1.yaml")
    unread = next(each for each in report.diagnostics if each.code == "NSP320")
    monkeypatch.setattr(inputs, "propagate", None)
    assert len(report.fixes(unread, 3)) == 3
    monkeypatch.undo()
    assert [fix.edits[0].path[0] for fix in report.fixes(unread)] == ["layers", "layers", "layers", "input", "input"]


@pytest.mark.parametrize("name", sorted(NEVER_SAFE))
def test_remedies_that_are_never_safe(name: RemedyName) -> None:
    tried = 0
    for kind in BAD:
        report = checked_text(example(kind.bad))
        for found in report.diagnostics:
            for proposal in all_remedies()[name](Case(report, found)):
                trial = report.bench._mender._tried(proposal, found)
                assert trial is None or not trial.safe
                tried += trial is not None
    assert tried > 3


def test_a_pool_takes_over_no_stride_that_copies_of_its_layer_do_not_have() -> None:
    block = (
        "  b:\n    params: {s: 1}\n    layers:\n      - {type: Conv2d, out_channels: 8, kernel_size: 1, stride: $s}\n"
    )
    calls = "  - {type: b, s: 2}\n"
    for more, offers in (("  - {type: b, s: 2}\n", True), ("  - {type: b}\n", False)):
        texts = offered(f"input: [32, 32, 8]\nlayers:\n{calls}{more}blocks:\n{block}", "NSP322")
        assert any("AvgPool2d" in text for text in texts) == offers


@pytest.mark.parametrize("kind", BAD, ids=lambda kind: kind.name())
def test_fixes_of_bad_examples(kind: type[Kind]) -> None:
    report = checked_text(example(kind.bad))
    found = [each for each in report.diagnostics if each.kind is kind]
    offered = [fix for each in found for fix in verified(report, each)]
    assert bool(offered) == bool(kind.mended_by or any(each.mends for each in found))
    fixed = rewritten(report.source, offered[0].edits).text if offered else ""
    assert re.sub(rf" *# {kind.code}\b.*", "", fixed) == example(kind.fixed)


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_fixes_of_stories(path: Path) -> None:
    report = checked(path)
    for each in report.diagnostics:
        list(verified(report, each))


SIZES = [("unet_same", 572), ("squeezenet1_1", 224), ("vgg16", 300), ("alexnet", 60), ("inception_v3", 224),
         ("unet", 570), ("convnext_tiny", 225), ("resnet50_v1", 224), ("lenet5", 28)]  # fmt: skip


@pytest.mark.parametrize(("name", "size"), SIZES, ids=str)
def test_fixes_of_configs_at_sizes_that_do_not_fit(name: str, size: int) -> None:
    text = re.sub(
        r"^input: \[\d+, \d+",
        f"input: [{size}, {size}",
        (ROOT / f"configs/{name}.yaml").read_text(),
        flags=re.MULTILINE,
    )
    report = checked_text(text, "m.yaml")
    found = [each for each in report.diagnostics if each.severity is not Severity.INFO]
    assert found
    offered = [fix for each in found[:3] for fix in verified(report, each)]
    assert offered or name == "lenet5"


@settings(max_examples=settings().max_examples // 4)  # each plans dozens of models
@given(st.integers(0, 10**9))
def test_fixes_of_random_networks(seed: int) -> None:
    random = Random(seed)
    data = network(random)
    for shape in data["input"].values():
        shape[:-1] = [n + random.choice([0, 0, 1, 2]) for n in shape[:-1]]
    report = checked_text(json.dumps(data))
    for each in report.diagnostics[:2]:
        list(verified(report, each))


def verified(report: Report, found: Diagnostic) -> Iterator[Fix]:
    """The fixes of a finding, each made in the text and held to what it says."""
    for fix in report.fixes(found):
        after = applied(report, fix)
        same_place = [each for each in after.diagnostics if each.kind is found.kind and each.step == found.step]
        inserted = any(edit.action == "insert" for edit in fix.edits)
        assert inserted or not [each for each in same_place if each.path == found.path], fix
        if report.plan.complete:
            assert grave(after) <= grave(report) - (found.severity is not Severity.INFO), fix
        keeps_promise(report, found, fix, after)
        yield fix


def keeps_promise(before: Report, found: Diagnostic, fix: Fix, after: Report) -> None:
    """Every number in a fix's effect, worked out anew from the reports before and after."""
    said = fix.effect
    was, now = before.cost, after.cost
    changes = number(r"([+-][\d,]+) parameters", said), number(r"([+-][\d,]+) MACs", said)
    totals = number(r"(?<![+\d,-])([\d,]+) parameters", said), number(r"(?<![+\d,-])([\d,]+) MACs", said)
    if before.plan.complete and after.plan.complete:
        assert changes[0] == now.known_params - was.known_params
        assert (changes[1] or 0) == now.known_macs - was.known_macs
    elif after.plan.complete:
        assert totals[0] == now.params
        assert (totals[1] or 0) == now.macs
    assert (number(r"([\d,]+) errors? remains?", said) or 0) == after.count(Severity.ERROR)
    if after.reach is not None:
        unread = [
            each[0]
            for step, each in zip(after.plan.steps, after.reach.unread, strict=True)
            if step.is_input and each is not None
        ]
        assert ("nothing lost" in said) == (sum(each.elements for each in unread) == 0)
        assert (number(r"([\d,]+) cells? of the input unread", said) or 0) == sum(each.cells for each in unread)
    step = next((each for each in after.plan.steps if each.name == found.step), None)
    moved = any(edit.action == "insert" for edit in fix.edits)
    if step is not None and step.outputs and not step.is_input and not moved:
        assert said.startswith(str(step.outputs[0]))


def number(pattern: str, text: str) -> int | None:
    match = re.search(pattern, text)
    return int(match[1].replace(",", "")) if match else None


# --- what is offered ------------------------------------------------------------------------------------------------


def offered(text: str, code: str, **options: Any) -> list[str]:
    """The fixes of the first finding of a kind, in words."""
    report = checked_text(text, "m.yaml", **options)
    found = next(each for each in report.diagnostics if each.code == code)
    return [fix.text for fix in report.fixes(found)]


IN_A_BLOCK = """\
input: [224, 224, 3]
layers:
  - {type: twice, width: 8, kernel: 3}
  - {type: twice, width: 8, kernel: 3, repeat: 2}
blocks:
  twice:
    params: {width: , kernel: 5, stride: 2}
    layers:
      - {type: MaxPool2d, kernel_size: $kernel, stride: $stride}
      - {type: Conv2d, out_channels: $width, kernel_size: 3, padding: 1}
"""


def test_an_argument_that_is_a_parameter_is_changed_where_the_block_is_called() -> None:
    report = checked_text(IN_A_BLOCK, "m.yaml")
    found = next(each for each in report.diagnostics if each.code == "NSP321")
    by_kernel = next(fix for fix in report.fixes(found) if "kernel" in fix.text)
    assert by_kernel.edits == (Edit(("layers", 0, "kernel"), 4),)
    assert by_kernel.text == "`0`: kernel: 4"


def test_an_edit_inside_a_block_says_how_many_copies_change() -> None:
    report = checked_text(IN_A_BLOCK, "m.yaml")
    found = next(each for each in report.diagnostics if each.code == "NSP321")
    rounded = next(fix for fix in report.fixes(found) if fix.text == "ceil_mode: true")
    assert rounded.edits == (Edit(("blocks", "twice", "layers", 0, "ceil_mode"), True),)
    assert "all 3 copies change" in rounded.effect


def test_an_expression_is_overwritten_only_after_everything_else() -> None:
    text = IN_A_BLOCK.replace("$kernel,", "$kernel + 0,").replace(", repeat: 2", ", when: false")
    report = checked_text(text, "m.yaml")
    found = next(each for each in report.diagnostics if each.code == "NSP321")
    *others, last = report.fixes(found)
    assert others
    assert not any("overwrites" in fix.effect for fix in others)
    assert last.text == "kernel_size: 4"
    assert "overwrites `$kernel + 0`" in last.effect


UNET = """\
input: [572, 572, 1]
layers:
  - {name: down, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1}
  - {name: pool, type: MaxPool2d, kernel_size: 3, stride: 3, padding: 0}
  - {name: bottom, type: Conv2d, out_channels: 16, kernel_size: 3, padding: 1}
  - UP
  - {name: join, type: Concat, from: [down, up]}
"""

MEETINGS = [
    # what comes up, and what is offered for the join
    ("{name: up, type: Upsample, scale_factor: 3, mode: bilinear}",
     "`up`: type: Interpolate, from: [bottom, down], without `scale_factor`"),
    ("{name: up, type: ConvTranspose2d, out_channels: 8, kernel_size: 3, stride: 3}",
     "`up`: output_padding: 2"),
    ("{name: up, type: Interpolate, scale_factor: 3}",
     "before it: {name: crop, type: CropLike, from: [down, up]}, from: [crop, up]"),
    ("{name: up, type: Interpolate, scale_factor: 3}",
     "before it: {name: pad, type: PadLike, from: [up, down]}, from: [down, pad]"),
    ("{name: up, type: Upsample, scale_factor: 3}", "input: [573, 573, 1]"),
]  # fmt: skip


@pytest.mark.parametrize(("up", "expected"), MEETINGS, ids=lambda each: each[:40])
def test_branches_of_different_size_are_brought_together(up: str, expected: str) -> None:
    assert expected in offered(UNET.replace("UP", up), "NSP204")


@pytest.mark.parametrize(
    ("read", "first"),
    [("", "other"), ("from: bottom, ", "bottom"), ("from: pool, ", "pool"), ('from: "bottom.*", ', None)],
)
def test_an_upsampling_that_takes_the_size_of_the_skip_reads_what_it_did(read: str, first: str | None) -> None:
    other = "{name: other, type: ReLU, from: pool}"
    text = UNET.replace("name: bottom,", "name: bottom, repeat: 1,") + "outputs: [join, pool, bottom, other]\n"
    text = text.replace("UP", f"{other}\n  - {{name: up, type: Upsample, {read}scale_factor: 3}}")
    found = [each for each in offered(text, "NSP204") if "Interpolate" in each]
    assert found == ([f"`up`: type: Interpolate, from: [{first}, down], without `scale_factor`"] if first else [])


@pytest.mark.parametrize(
    ("tensor", "shape", "dim", "expected"),
    [("[196, 32]", "[1, 32]", 1, "dim: 2"), ("[8, 8, 32]", "[8, 8, 4]", -1, "without `dim`")],
)
def test_tensors_are_joined_along_the_axis_that_differs(tensor: str, shape: str, dim: int, expected: str) -> None:
    text = f"""\
input: {tensor}
layers:
  - {{name: token, type: Parameter, shape: {shape}}}
  - {{type: Concat, from: [token, input], dim: {dim}}}
"""
    assert offered(text, "NSP204")[0] == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [("h: 29", "h: 30"), ("w: 20", "w: 21"), ("h: $input.height // 4", "h: 30"), ("h: $rows", "params.rows: 30")],
)
def test_tokens_go_back_to_the_map_that_they_were(given: str, expected: str) -> None:
    text = f"""\
input: [118, 83, 3]
params: {{rows: 20}}
layers:
  - {{type: Conv2d, out_channels: 4, kernel_size: 3, stride: 4, padding: 1}}
  - {{name: tokens, type: Rearrange, pattern: "h w c -> (h w) c"}}
  - {{type: LayerNorm}}
  - {{name: mixed, type: MultiheadAttention, num_heads: 2}}
  - {{type: Add, from: [mixed, tokens]}}
  - {{type: Rearrange, pattern: "(h w) c -> h w c", {given}}}
"""
    assert expected in [each.split(" → ")[0] for each in offered(text, "NSP307")]


@pytest.mark.parametrize("shape", ["[2, 2, 4]", "[1, 2, 4]"])
def test_a_free_parameter_has_nothing_behind_it(shape: str) -> None:
    text = f"""\
input: [2, 2, 3]
layers:
  - {{name: free, type: Parameter, shape: {shape}}}
  - {{type: Add, from: [input, free]}}
"""
    assert offered(text, "NSP204")


def test_a_block_is_mended_for_all_its_calls() -> None:
    text = (ROOT / "configs/unet_same.yaml").read_text().replace("[256, 256, 1]", "[572, 572, 1]")
    report = checked_text(text, "m.yaml")
    found = next(each for each in report.diagnostics if each.code == "NSP204")
    best = report.fixes(found)[0]
    assert best.text == "before it: {name: pad, type: PadLike, from: [up, skip]}, from: [skip, pad]"
    assert "all 4 copies change" in best.effect
    assert grave(applied(report, best)) == 0


def test_the_stride_of_resnet_v1_moves_to_the_three_by_three() -> None:
    """With the stride in the 3×3 it is v1.5: https://catalog.ngc.nvidia.com, ResNet v1.5 for PyTorch."""
    report = checked(ROOT / "configs/resnet50_v1.yaml")
    found = next(each for each in report.diagnostics if each.code == "NSP325")
    after = applied(report, report.fixes(found)[0])
    assert after.reach is not None
    assert report.reach is not None
    assert (report.reach.wasted_macs, after.reach.wasted_macs) == (375_717_888, 0)
    assert after.cost.macs == checked(ROOT / "configs/resnet50.yaml").cost.macs


RESIDUAL = """\
input: [32, 32, 16]
layers:
  - {name: a, type: block, width: 32, stride: 2}
  - {name: b, type: block, width: 32}
blocks:
  block:
    params: {width: , stride: 1}
    layers:
      - {name: conv, type: Conv2d, out_channels: $width, kernel_size: 3, stride: $stride, padding: 1}
      - {type: Add, from: [conv, input]}
"""


def test_a_residual_gets_its_projection_in_the_blocks_own_parameters() -> None:
    layer = "{name: shortcut, type: Conv2d, from: input, out_channels: $width, kernel_size: 1, stride: $stride}"
    assert offered(RESIDUAL, "NSP204")[0] == f"before it: {layer}, from: [conv, shortcut]"


def test_mending_tries_no_input_size_twice_while_nothing_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Any] = []

    def counted(model: Model, inputs: dict[str, Shape], **options: Any) -> Plan:
        tried.append(tuple(inputs.values()))
        return propagate(model, inputs=inputs, **options)

    monkeypatch.setattr(inputs, "propagate", counted)
    conv = "{name: up, type: ConvTranspose2d, out_channels: 8, kernel_size: 3}"
    add = "  - {type: Add, from: [up, input]}\n"
    report = checked_text(f"input: [32, 32, 8]\nlayers:\n  - {conv}\n{add * 5}")
    assert not report.bench.mended().made
    assert len(tried) > 100
    assert len(set(tried)) == len(tried) - 1  # at twice the size, the model is first asked whether sizes matter


@pytest.mark.parametrize(("left", "right", "size"), [
    ("type: CenterCrop, size: 30", "type: Identity", 30),
    ("type: Concat, from: [input, input], dim: 2", "type: ZeroPad2d, padding: [0, 0, 0, 56]", 56),
], ids=["a crop to a fixed size", "a tensor behind itself"])  # fmt: skip
def test_the_one_input_size_at_which_branches_meet_is_found(left: str, right: str, size: int) -> None:
    branches = f"  - {{name: a, {left}}}\n  - {{from: input, name: b, {right}}}\n"
    report = checked_text(f"input: [50, 50, 8]\nlayers:\n{branches}  - {{type: Add, from: [a, b]}}\n")
    (found,) = report.diagnostics
    assert f"input: [{size}, {size}, 8]" in [fix.text for fix in report.fixes(found)]


@pytest.mark.parametrize("wrong", ["{type: Conv2d, out_channels: 8, kernel_size: 1, groups: 3}", "{type: Conv3d}"])
def test_no_input_size_is_tried_where_a_fault_does_not_come_from_it(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = list[Any]()

    def counted(model: Model, inputs: dict[str, Shape], **options: Any) -> Plan:
        tried.append(inputs)
        return propagate(model, inputs=inputs, **options)

    monkeypatch.setattr(inputs, "propagate", counted)
    pool = "{type: MaxPool2d, kernel_size: 3, stride: 2}"
    report = checked_text(f"input: [32, 32, 8]\nlayers:\n  - {pool}\n  - {wrong}\n")
    lost = next(each for each in report.diagnostics if each.code == "NSP321")
    assert any("padding" in fix.text for fix in report.fixes(lost))
    assert len(tried) <= 1


@pytest.mark.parametrize("stride", [2, 3, 4])
@pytest.mark.parametrize("shape", [(33, 6), (32, 20, 6), (9, 10, 15, 6)], ids=str)
def test_the_help_for_a_missing_shortcut_is_one_that_works(shape: tuple[int, ...], stride: int) -> None:
    rank = len(shape) - 1
    entry = f"{{name: conv, type: Conv{rank}d, out_channels: 8, kernel_size: 3, stride: {stride}, padding: 1}}"
    text = f"input: {list(shape)}\nlayers:\n  - {entry}\n%s  - {{type: Add, from: [conv, %s]}}\n"
    (found,) = (each for each in checked_text(text % ("", "input")).diagnostics if each.code == "NSP204")
    layer = found.help.partition("does: {")[2]
    assert layer, found.help
    assert checked_text(text % (f"  - {{name: shortcut, from: input, {layer}\n", "shortcut")).ok


@pytest.mark.parametrize("other", ["kernel_size: 2", "kernel_size: 31", "kernel_size: 32, padding: 1"])
def test_sizes_that_no_small_stride_brings_together_get_no_shortcut(other: str) -> None:
    conv = f"{{name: conv, type: Conv2d, out_channels: 8, {other}}}"
    text = f"input: [31, 31, 8]\nlayers:\n  - {conv}\n  - {{type: Add, from: [conv, input]}}\n"
    (found,) = (each for each in checked_text(text).diagnostics if each.code == "NSP204")
    assert "shortcut" not in found.help


def test_a_kernel_that_skips_nothing_may_keep_the_size() -> None:
    text = "input: [33, 33, 3]\nlayers:\n  - {type: Conv2d, out_channels: 8, kernel_size: 3, stride: 4, padding: 1}\n"
    assert "kernel_size: 4, padding: [[1, 2], [1, 2]]" in offered(text, "NSP322")


SLIPS = [
    # a slip, its code, and the first fix
    ("{type: Conv2d, out_channels: 8, kernel_siz: 3}", "NSP110", "`kernel_size` for `kernel_siz`"),
    ("{type: Conv2D, out_channels: 8, kernel_size: 3}", "NSP113", "type: Conv2d"),
    ("{type: Conv2d, out_channels: 8, kernel_size: '3'}", "NSP112", "kernel_size: 3"),
    ("{type: Conv2d, out_channels: 9, kernel_size: 3, groups: 3}", "NSP202", "groups: 1"),
    ("{type: Conv1d, out_channels: 8, kernel_size: 3}", "NSP206", "type: Conv2d"),
    ("{type: Conv2d, out_channels: 8, kernel_size: 3, in_channels: 3}", "NSP205", "without `in_channels`"),
    ("{type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: same}", "NSP303", "padding: 1"),
    ("{type: Conv2d, out_channels: 8, kernel_size: 40}", "NSP301", "input: [40, 40, 4]"),
    ("{type: MaxPool2d, kernel_size: 3, padding: 2}", "NSP302", "padding: 1"),
    ("{type: Add, from: [input, inptu]}", "NSP201", "from: [input, input]"),
    ("{type: Upsample, scale_factor: 2, mode: bilinaer}", "NSP112", "mode: bilinear"),
    ("{type: Conv2d, out_channels: 4 * $widht, kernel_size: 3}", "NSP107", "out_channels: 4 * $width"),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "code", "first"), SLIPS, ids=[each[2] for each in SLIPS])
def test_slips(entry: str, code: str, first: str) -> None:
    assert first in offered(f"input: [32, 32, 4]\nparams: {{width: 8}}\nlayers:\n  - {entry}\n", code)[:2]


def test_a_size_given_on_the_command_line_is_not_mended_in_the_file() -> None:
    text = "input: [225, 225, 3]\nlayers:\n  - {type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2}\n"
    given = offered(text, "NSP321", input=(224, 224, 3))
    assert "--input 225x225x3" in given
    assert not any("input:" in each for each in given)
    assert "input: [225, 225, 3]" in offered(text.replace("225", "224"), "NSP321")


def test_a_size_given_for_one_of_several_inputs_keeps_its_name() -> None:
    layer = "{type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, from: a}"
    text = f"input: {{a: [225, 225, 3], b: [8]}}\nlayers:\n  - {layer}\n"
    report = checked_text(text, "m.yaml", input={"a": (224, 224, 3)})
    found = next(each for each in report.diagnostics if each.code == "NSP321")
    by_size = next(fix for fix in report.fixes(found) if fix.text.startswith("--input"))
    assert by_size.text == "--input a=225x225x3"
    assert not by_size.edits
    assert run("--unsafe-fixes", "--diff", "-", "--input", "a=225x225x3", input=text).exit_code == 0


@pytest.mark.parametrize(
    ("name", "size", "exact"), [("unet_same", 723, 720), ("unet_same", 250, 256), ("unet_same", 700, 704)], ids=str
)
def test_a_size_that_leaves_nothing_over_comes_before_one_that_merely_works(name: str, size: int, exact: int) -> None:
    text = (ROOT / f"configs/{name}.yaml").read_text()
    report = checked_text(text, "m.yaml", input=(size, size, 1))
    found = next(each for each in report.diagnostics if each.severity is Severity.ERROR)
    sizes = [fix.text for fix in report.fixes(found) if fix.text.startswith("--input")]
    assert f"--input {exact}x{exact}x1" in sizes
    assert all(int(each.split()[1].split("x")[0]) % 16 == 0 for each in sizes)


FIXED_HEADS = [
    # a network whose head fits one size of map, and the nearest input that gives it
    (
        "crnn",
        (ROOT / "tests/cases/reports/08b-crnn-flatten.yaml").read_text(),
        "input: [32, 128, 1]",
    ),
    (
        "vit",
        (ROOT / "tests/cases/reports/12-pos-embedding.yaml").read_text(),
        "input: [224, 224, 3]",
    ),
    (
        "vgg",
        """\
input: [300, 300, 3]
layers:
  - {type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1}
  - {type: MaxPool2d, kernel_size: 2, repeat: 5}
  - {type: Flatten}
  - {type: Linear, in_features: 392, out_features: 10}
""",
        "input: [224, 224, 3]",
    ),
    (
        "c3d",
        """\
input: [16, 128, 128, 3]
layers:
  - {type: Conv3d, out_channels: 8, kernel_size: 3, padding: 1}
  - {type: MaxPool3d, kernel_size: [1, 2, 2]}
  - {type: MaxPool3d, kernel_size: 2, repeat: 3}
  - {type: MaxPool3d, kernel_size: 2, padding: [0, 1, 1]}
  - {type: Flatten}
  - {type: Linear, in_features: 128, out_features: 10}
""",
        "input: [16, 96, 96, 3]",
    ),
]


@pytest.mark.parametrize(
    ("text", "expected"), [each[1:] for each in FIXED_HEADS], ids=[each[0] for each in FIXED_HEADS]
)
def test_a_head_that_does_not_fit_names_the_input_that_does(text: str, expected: str) -> None:
    report = checked_text(text, "m.yaml")
    found = next(each for each in report.diagnostics if each.severity is Severity.ERROR)
    fixes = report.fixes(found)
    by_size = next(fix for fix in fixes if fix.text.startswith("input:"))
    assert by_size.text == expected
    assert not by_size.safe
    assert applied(report, by_size).plan.complete
    assert len(fixes) > 1


def test_channels_that_no_input_size_changes_bring_no_search_for_one() -> None:
    layer = "{type: Conv2d, out_channels: 8, kernel_size: 3, in_channels: 3}"
    fixes = offered(f"input: [32, 32, 4]\nlayers:\n  - {layer}\n", "NSP205")
    assert fixes == ["without `in_channels`", "in_channels: 4"]


def test_an_input_size_that_is_a_parameter_is_changed_there() -> None:
    layer = "{type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2}"
    text = f"params: {{size: 224}}\ninput: [$size, $size, 3]\nlayers:\n  - {layer}\n"
    assert "params.size: 225" in offered(text, "NSP321")


def test_what_cannot_be_written_is_not_offered() -> None:
    text = """\
x-pool: &pool {type: MaxPool2d, kernel_size: 3, stride: 2}
input: [224, 224, 3]
layers:
  - {<<: *pool, type: AvgPool2d}
  - *pool
"""
    report = checked_text(text, "m.yaml")
    shared = next(each for each in report.diagnostics if each.path[:2] == ("layers", 0) and each.code == "NSP321")
    wider = next(fix for fix in report.fixes(shared) if fix.text == "kernel_size: 4")
    assert applied(report, wider).source.text == text.replace("AvgPool2d}", "AvgPool2d, kernel_size: 4}")


def test_an_alias_is_mended_in_all_its_places() -> None:
    text = """\
input: [224, 224, 3]
layers:
  - &pool {type: MaxPool2d, kernel_size: 3, stride: 2}
  - *pool
"""
    report = checked_text(text, "m.yaml")
    found = next(each for each in report.diagnostics if each.code == "NSP321")
    for fix in report.fixes(found):
        assert len(applied(report, fix).plan.steps) == 3


# --- safe or not ----------------------------------------------------------------------------------------------------

POOLED = """\
input: [224, 224, 3]
layers:
  - {type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2}   # halves
  - {type: AdaptiveAvgPool2d, output_size: 1}
  - {type: Flatten}
  - {type: Linear, out_features: 10}
"""

LABELS = [
    # a finding's layer, its code, and of some fixes whether they are safe
    ("{type: Conv2d, out_channels: 8, kernel_siz: 3}", "NSP110", "`kernel_size` for `kernel_siz`", True),
    ("{type: Conv2d, out_channels: 8, kernel_size: 3, momentum: 3}", "NSP110", "without `momentum`", False),
    ("{type: Conv2D, out_channels: 8, kernel_size: 3}", "NSP113", "type: Conv2d", True),
    ("{type: Conv2d, out_channels: 8, kernel_size: '3'}", "NSP112", "kernel_size: 3", True),
    ("{type: Conv2d, out_channels: 8, kernel_size: 3, padding_mode: relfect}", "NSP112", "padding_mode: reflect", True),
    ("{type: Conv1d, out_channels: 8, kernel_size: 3}", "NSP206", "type: Conv2d", False),
    ("{type: Conv2d, out_channels: 9, kernel_size: 3, groups: 3}", "NSP202", "groups: 1", False),
    ("{type: Conv2d, out_channels: 8, kernel_size: 3, in_channels: 3}", "NSP205", "without `in_channels`", True),
    ("{type: Conv2d, out_channels: 8, kernel_size: 40}", "NSP301", "input: [40, 40, 4]", False),
    ("{type: Add, from: [input, inptu]}", "NSP201", "from: [input, input]", True),
    ('{name: stage, type: ReLU, repeat: 2}\n  - {type: Add, from: "stag.*"}', "NSP201", 'from: "stage.*"', True),
    ("{type: Conv2d, out_channels: 4 * $widht, kernel_size: 3}", "NSP107", "out_channels: 4 * $width", True),
    ("{type: Reshape, shape: [9, 9, 4]}", "NSP213", None, False),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "code", "text", "safe"), LABELS, ids=[each[0][:60] for each in LABELS])
def test_which_fixes_are_safe(entry: str, code: str, text: str | None, safe: bool) -> None:
    report = checked_text(f"input: [32, 32, 4]\nparams: {{width: 8}}\nlayers:\n  - {entry}\n", "m.yaml")
    found = next(each for each in report.diagnostics if each.code == code)
    fixes = report.fixes(found)
    assert all(fix.safe is safe for fix in fixes if text is None or fix.text == text)
    assert any(text is None or fix.text == text for fix in fixes) or text is None


@pytest.mark.parametrize(
    ("word", "meant", "slip"),
    [("Conv2D", "Conv2d", True), ("BatchNorm", "BatchNorm2d", True), ("batch_norm_2d", "BatchNorm2d", True),
     ("kernal_size", "kernel_size", True), ("MaxPol2d", "MaxPool2d", True), ("4 * $widht", "4 * $width", True),
     ("Max", "Softmax", False), ("Pad", "Add", False), ("Sin", "Softmin", False), ("Sub", "Sum", False),
     ("Conv1d", "Conv2d", False), ("conv2", "conv1", False), ("filters", "out_channels", False),
     ("$w + 1", "$h + 1", False), ("bilinear", "trilinear", True), ("a.0", "a.1", False)],
)  # fmt: skip
def test_what_is_a_slip_of_the_pen(word: str, meant: str, slip: bool) -> None:
    assert misspelt(word, meant) is slip


def test_padding_that_comes_to_the_same_size_is_safe_and_another_kernel_is_not() -> None:
    report = checked_text(POOLED, "m.yaml")
    found = next(each for each in report.diagnostics if each.code == "NSP321")
    safe = {fix.text: fix.safe for fix in report.fixes(found)}
    assert safe["padding: [[0, 1], [0, 1]]"]
    assert not safe["kernel_size: 4"]
    assert not safe["padding: 1"]  # which leaves uneven padding instead
    lossy = checked_text(LOSSY, "m.yaml")
    assert not any(fix.safe for each in lossy.diagnostics for fix in lossy.fixes(each))


def test_fix_alone_writes_what_is_safe_and_leaves_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(POOLED)
    assert run("--fix", "--strict", str(file)).exit_code == 0
    assert file.read_text() == POOLED.replace("stride: 2}", "stride: 2, padding: [[0, 1], [0, 1]]}")
    for text in (LOSSY, (ROOT / "docs/tiny_unet.yaml").read_text()):
        file.write_text(text)
        result = run("--fix", str(file))
        assert file.read_text() == text
        assert "safe fix[" not in result.stdout
        assert "unsafe fix: " in result.stdout


def test_formats_say_which_fixes_are_safe(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(POOLED)
    found = json.loads(run("--format", "json", str(file)).stdout)["diagnostics"]
    said = {fix["text"]: fix["safe"] for each in found if each["code"] == "NSP321" for fix in each["fixes"]}
    assert said["padding: [[0, 1], [0, 1]]"] is True
    assert said["kernel_size: 4"] is False
    results = json.loads(run("--format", "sarif", str(file)).stdout)["runs"][0]["results"]
    fixes = [fix for each in results for fix in each.get("fixes", ())]
    assert {fix["properties"]["safe"] for fix in fixes} == {True, False}
    for fix in fixes:
        assert fix["description"]["text"].startswith("safe fix: " if fix["properties"]["safe"] else "unsafe fix: ")
        assert checked_text(sarif_applied(POOLED, fix), "m.yaml").plan.complete


def sarif_applied(text: str, fix: dict[str, Any]) -> str:
    """The text with the replacements of a fix made, as an editor would."""
    (change,) = fix["artifactChanges"]
    (replacement,) = change["replacements"]
    region, starts = replacement["deletedRegion"], [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    start = starts[region["startLine"] - 1] + region["startColumn"] - 1
    end = starts[region["endLine"] - 1] + region["endColumn"] - 1
    return text[:start] + str(replacement["insertedContent"]["text"]) + text[end:]


CAUSAL = {
    "20b": (ROOT / "tests/cases/reports/20b-causal-residual.yaml").read_text(),
    "too much padding": """\
input: [100, 8]
layers:
  - {name: conv, type: Conv1d, out_channels: 8, kernel_size: 3, padding: [[3, 0]]}
  - {name: add, type: Add, from: [conv, input]}
""",
    "padding forgotten": """\
input: [100, 8]
layers:
  - {name: conv0, type: Conv1d, out_channels: 8, kernel_size: 3, padding: [[2, 0]]}
  - {name: conv, type: Conv1d, out_channels: 8, kernel_size: 3}
  - {name: add, type: Add, from: [conv, conv0]}
""",
    "a cell lost": """\
input: [100, 8]
layers:
  - {name: conv0, type: Conv1d, out_channels: 8, kernel_size: 3, padding: [[2, 0]]}
  - {name: conv1, type: Conv1d, out_channels: 8, kernel_size: 4, stride: 2, padding: [[3, 0]]}
""",
    "dilation too large": """\
input: [40, 8]
layers:
  - {name: conv, type: Conv1d, out_channels: 8, kernel_size: 3, dilation: 32, padding: [[64, 0]]}
  - {name: add, type: Add, from: [conv, input]}
""",
}


@pytest.mark.parametrize("text", CAUSAL.values(), ids=CAUSAL)
def test_no_fix_pads_a_causal_network_at_the_end(text: str) -> None:
    report = checked_text(text, "m.yaml")
    for each in report.diagnostics:
        for fix in report.fixes(each):
            after = applied(report, fix).plan
            windows = [window for step in after.steps for window, _ in windows_of(step)]
            assert not any(window.after for window in windows), fix
            assert all(
                nothing.reversed or nothing in nothing_ahead(after, ref)
                for ref in after.outputs
                for nothing in (Causal("input", 0, 0, False),)
                if "PadLike" not in fix.text and "CropLike" not in fix.text
            ), fix


def test_a_causal_layer_is_mended_before_its_first_cell() -> None:
    assert "`conv`: padding: [[2, 0]]" in offered(CAUSAL["too much padding"], "NSP204")
    assert "`conv`: padding: [[2, 0]]" in offered(CAUSAL["padding forgotten"], "NSP204")


def test_an_error_of_the_planner_within_a_fix_is_no_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(case: Any) -> Iterator[Any]:
        yield from ()
        raise IndexError("of the planner")

    report = checked_text(LOSSY, "m.yaml")
    monkeypatch.setitem(all_remedies(), "padding_at_end", broken)
    monkeypatch.setitem(all_remedies(), "losing_layers", broken)
    with pytest.raises(IndexError):
        report.fixes(report.diagnostics[0])
    monkeypatch.setattr("planner.fixes.TOLERATED", (Exception,))
    assert run("-", input=LOSSY).exit_code == 0


# --- the price ------------------------------------------------------------------------------------------------------


def test_a_clean_model_pays_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.fixes.Mender", None)
    report = checked(ROOT / "configs/resnet50.yaml")
    assert report.ok
    CliRunner().invoke(main, ["check", str(ROOT / "configs/resnet50.yaml")])


def test_hundreds_of_findings_are_mended_in_bounded_work() -> None:
    entries = "".join("  - {type: MaxPool1d, kernel_size: 3, stride: 2, padding: 1}\n" for _ in range(6))
    slips = "".join(f"  - {{type: Conv1d, out_channels: 8, kernel_siz: {i}}}\n" for i in range(300))
    report = checked_text(f"input: [100, 4]\nlayers:\n{entries}{slips}", "m.yaml")
    judged = 0

    def check(source: Source, input: Any = None, **how: Any) -> Report:
        nonlocal judged
        judged += 1
        return checked(source)

    mender = Mender(report, check, most_work=10_000)
    found = [mender.fixes(each) for each in report.diagnostics]
    assert judged * 900 < 10_000 + 2000
    assert any(found)


def test_a_large_model_is_not_planned_over_and_over() -> None:
    layers = [{"type": "MaxPool1d", "kernel_size": 2}, {"type": "ReLU", "repeat": 15_000}]
    report = planner.check({"input": [25, 4], "layers": layers})
    assert report.count(Severity.WARNING)
    assert not any(report.fixes(each) for each in report.diagnostics)


# --- check --fix ----------------------------------------------------------------------------------------------------

LOSSY = """\
# a stem  注
input: [224, 224, 3]
layers:
  - {type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2}   # halves
  - {type: ReLU}
"""
MENDED = LOSSY.replace("stride: 2}", "stride: 2, padding: [[0, 1], [0, 1]]}")


def run(*arguments: str, input: str | None = None) -> Result:
    return CliRunner().invoke(main, ["check", *arguments], input=input)


def test_fix_writes_the_first_fix_and_shows_it(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(LOSSY)
    result = run("--unsafe-fixes", "--strict", str(file))
    assert result.exit_code == 0
    assert file.read_text() == MENDED
    assert "-  - {type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2}   # halves" in result.stdout
    assert "1 fix written" in result.stdout
    assert "\x1b[" not in result.stdout
    again = run("--unsafe-fixes", str(file))
    assert "fix[" not in again.stdout
    assert file.read_text() == MENDED


def test_diff_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(LOSSY)
    result = run("--diff", "--unsafe-fixes", "--strict", "--color", "always", str(file))
    assert result.exit_code == 1
    assert file.read_text() == LOSSY
    assert "\x1b[32m+  - {type: Conv2d" in result.stdout
    assert "not written" in result.stdout
    assert run("--unsafe-fixes", "--diff", str(file)).exit_code == 0
    assert file.read_text() == LOSSY


def test_the_whole_of_a_file_is_mended(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text((ROOT / "configs/unet_same.yaml").read_text().replace("256, 256", "572, 572"))
    result = run("--unsafe-fixes", "--strict", str(file))
    assert result.exit_code == 0
    assert grave(checked(file)) == 0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_encoding_line_breaks_and_mode_stay(tmp_path: Path, encoding: str, newline: str) -> None:
    file = tmp_path / "m.yaml"
    file.write_bytes(LOSSY.replace("\n", newline).encode(encoding))
    file.chmod(0o640)
    assert run("--unsafe-fixes", str(file)).exit_code == 0
    assert file.read_bytes() == MENDED.replace("\n", newline).encode(encoding)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["m.yaml"]


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    file, link = tmp_path / "there" / "m.yaml", tmp_path / "link.yaml"
    file.write_text(LOSSY)
    link.symlink_to(file)
    assert run("--unsafe-fixes", str(link)).exit_code == 0
    assert link.is_symlink()
    assert file.read_text() == MENDED


def test_a_file_that_cannot_be_written_stays_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(LOSSY)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    result = run("--unsafe-fixes", str(file))
    assert result.exit_code == 2
    assert "cannot be written: no space left on device" in result.stderr
    assert file.read_text() == LOSSY
    assert [each.name for each in tmp_path.iterdir()] == ["m.yaml"]


def test_a_file_that_has_changed_meanwhile_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(LOSSY)
    report = checked(file)
    file.write_text(LOSSY + "# more\n")
    monkeypatch.setattr("planner.cli._reading.report_on", lambda *_, **__: report)
    result = run("--unsafe-fixes", str(file))
    assert result.exit_code == 2
    assert "has changed" in result.stderr
    assert file.read_text() == LOSSY + "# more\n"


def test_a_file_that_is_read_only_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(LOSSY)
    file.chmod(0o444)
    result = run("--unsafe-fixes", str(file))
    assert result.exit_code == 2
    assert "read-only" in result.stderr
    assert file.read_text() == LOSSY
    assert stat.S_IMODE(file.stat().st_mode) == 0o444


def test_other_names_of_a_file_stay_names_of_it(tmp_path: Path) -> None:
    file, other = tmp_path / "m.yaml", tmp_path / "other.yaml"
    file.write_text(LOSSY)
    other.hardlink_to(file)
    assert run("--unsafe-fixes", str(file)).exit_code == 0
    assert other.read_text() == file.read_text() == MENDED
    assert other.samefile(file)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["m.yaml", "other.yaml"]


def test_other_names_of_a_file_keep_what_it_held_where_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, other = tmp_path / "m.yaml", tmp_path / "other.yaml"
    file.write_text(LOSSY)
    other.hardlink_to(file)
    calls = []

    def full_once(*_: object) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_once)
    assert run("--unsafe-fixes", str(file)).exit_code == 2
    assert file.read_text() == LOSSY


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_stays(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(LOSSY)
    os.chown(file, 12345, 23456)
    file.chmod(0o640)
    assert run("--unsafe-fixes", str(file)).exit_code == 0
    now = file.stat()
    assert (now.st_uid, now.st_gid, stat.S_IMODE(now.st_mode)) == (12345, 23456, 0o640)
    assert file.read_text() == MENDED


def test_an_owner_who_cannot_be_kept_has_the_file_written_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(LOSSY)
    number, stat_of = file.stat().st_ino, Path.stat

    def owned_by_another(path: Path, **options: Any) -> os.stat_result:
        found = stat_of(path, **options)
        return os.stat_result((*found[:4], 12345, *found[5:])) if path == file else found

    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "stat", owned_by_another)
    monkeypatch.setattr(os, "chown", refused)
    assert run("--unsafe-fixes", str(file)).exit_code == 0
    monkeypatch.undo()
    assert file.stat().st_ino == number
    assert file.read_text() == MENDED
    assert [each.name for each in tmp_path.iterdir()] == ["m.yaml"]


def test_standard_input_is_shown_but_not_written() -> None:
    assert run("--unsafe-fixes", "-", input=LOSSY).exit_code == 2
    shown = run("--diff", "--unsafe-fixes", "-", input=LOSSY)
    assert shown.exit_code == 0
    assert "+  - {type: Conv2d" in shown.stdout


def test_formats_for_programs_do_not_show_what_is_changed() -> None:
    assert run("--unsafe-fixes", "--format", "json", "m.yaml").exit_code == 2


def test_fixes_are_shown_under_the_help(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(LOSSY)
    shown = run(str(file)).stdout
    assert " = unsafe fix: padding: [[0, 1], [0, 1]] → 112×112×8, nothing lost, +0" in shown
    blocks = shown.split("\n\n")
    assert max(block.count(" fix: ") for block in blocks) == 3


def test_a_text_and_its_fix_say_the_same() -> None:
    report = checked(parse(LOSSY, "m.yaml"))
    found = next(each for each in report.diagnostics if each.code == "NSP321")
    assert applied(report, report.fixes(found)[0]).source.text == MENDED


def test_findings_alike_in_all_but_their_place_are_all_mended(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    layer = "  - {type: Conv2d, out_channels: $(width * 2), kernel_size: 3}\n"
    file.write_text("input: [32, 32, 3]\nparams: {width: 8}\nlayers:\n" + 3 * layer)
    assert run("--unsafe-fixes", str(file)).exit_code == 0
    report = checked(file)
    assert [str(step.outputs[0]) for step in report.plan.steps[1:]] == ["30×30×16", "28×28×16", "26×26×16"]
