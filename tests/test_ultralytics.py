"""Model files of Ultralytics: what they mean, and where findings about them point."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from torch import Tensor, nn

import planner
from planner.cli import main
from planner.diagnostics import Severity
from planner.inputs.ultralytics import is_ultralytics, model_text, source_of
from planner.outputs.code.torch import emitted
from planner.report import Report
from planner.source import parse
from planner.workbench import checked, checked_text
from reference_run import differences
from ultralytics_networks import FAMILIES

FOLDER = Path(__file__).parent / "ultralytics"
CONFIGS = Path(__file__).parents[1] / "configs"
PUBLISHED = {
    "yolov5": {"n": 2_654_816, "s": 9_153_152, "m": 25_111_456, "l": 53_225_024, "x": 97_276_448},
    "yolov8": {"n": 3_157_200, "s": 11_166_560, "m": 25_902_640, "l": 43_691_520, "x": 68_229_648},
    "yolo11": {"n": 2_624_080, "s": 9_458_752, "m": 20_114_688, "l": 25_372_160, "x": 56_966_176},
}
"""Parameters before normalizations are folded, as the networks' summaries print them."""
OWN = [
    ("two_maps.yaml", None),
    *((file, scale) for file in ("four_maps.yaml", "words.yaml") for scale in ("small", "large")),
]
"""Networks of other blocks in other orders, in `ultralytics/`, and their scales."""

SMALL = """\
nc: 3
scales:
  n: [0.33, 0.25, 1024]
  s: [0.67, 0.5, 1024]
backbone:
  - [-1, 1, Conv, [48, 3, 2]]
  - [-1, 1, Conv, [112, 3, 2]]
  - [-1, 3, C2f, [112, true]]
  - [-1, 1, Conv, [208, 3, 2]]
head:
  - [-1, 1, nn.Upsample, [None, 2, nearest]]
  - [[-1, 2], 1, Concat, [1]]
  - [-1, 3, C2f, [208]]
  - [[2, 3, 6], 1, Detect, [nc]]
"""


def state_dict(report: Report) -> dict[str, tuple[int, ...]]:
    return {f"{step.name}.{name}": sizes for step in report.plan.steps for name, sizes in step.state.items()}


def errors(report: Report) -> list[str]:
    """The errors with their places, as `12:5 what is wrong`."""
    found = [each for each in report.diagnostics if each.severity is Severity.ERROR]
    places = [report.place(each) for each in found]
    return [
        f"{place.line}:{place.column} {each.message}"
        for each, place in zip(found, places, strict=True)
        if place is not None
    ]


# What a file means


@pytest.mark.parametrize(("name", "scale"), [(name, scale) for name, sizes in PUBLISHED.items() for scale in sizes])
def test_a_family_has_the_published_parameters(name: str, scale: str) -> None:
    report = checked(source_of(FAMILIES[name].text, f"{name}.yaml", scale=scale))
    assert report.ok
    assert report.cost.params == PUBLISHED[name][scale]


@pytest.mark.parametrize("name", ["yolov8n", "yolo11n"])
def test_a_network_is_the_one_that_is_written_out(name: str) -> None:
    ours = checked(source_of(FAMILIES[name[:-1]].text, f"{name[:-1]}.yaml"))
    expected = planner.check(CONFIGS / f"{name}.yaml")
    assert (ours.cost.params, ours.cost.macs) == (expected.cost.params, expected.cost.macs)
    assert state_dict(ours) == state_dict(expected)
    assert ours.plan.model.name == name


@pytest.mark.parametrize(("file", "scale"), OWN)
def test_the_code_of_a_network_computes_what_the_plan_says(file: str, scale: str | None) -> None:
    report = planner.check(FOLDER / file, input=(64, 96, 3), scale=scale)
    assert report.ok
    found = emitted(report)
    assert differences(report, found) == [], found.text


@pytest.mark.parametrize(
    ("name", "text", "scale"),
    [
        *((name, family.text, "s") for name, family in FAMILIES.items()),
        *((file, (FOLDER / file).read_text(encoding="utf-8"), scale) for file, scale in [*OWN, ("queries.yaml", None)]),
    ],
)
def test_the_text_of_a_model_file_says_the_same(name: str, text: str, scale: str | None) -> None:
    source = source_of(text, name, scale=scale, input=(320, 320, 3))
    said = model_text(text, name, scale=scale, input=(320, 320, 3))
    assert parse(said).data == source.data
    assert not is_ultralytics(parse(said).data)
    assert all(len(line) <= 120 for line in said.splitlines())
    report = checked_text(said)
    assert state_dict(report) == state_dict(checked(source))
    assert next(iter(state_dict(report))).startswith("model.0.")


def test_the_text_reads_as_a_person_writes_it() -> None:
    assert model_text(SMALL, "small.yaml", scale="s").splitlines() == [
        "name: small",
        "use: [ultralytics]",
        "input: [640, 640, 3]",
        "params: {nc: 3}",
        "outputs: [model.0, model.1]",
        "layers:",
        "  - {name: model, type: yolo}",
        "",
        "blocks:",
        "  yolo:",
        '    outputs: ["7.0", "7.1"]',
        "    layers:",
        f"{'      - {type: Conv, c2: 24, k: 3, s: 2}':<84}# 0",
        "      - {type: Conv, c2: 56, k: 3, s: 2}",
        "      - {type: C2f, c2: 56, n: 2, shortcut: true}",
        "      - {type: Conv, c2: 104, k: 3, s: 2}",
        "      - {type: Upsample, scale_factor: 2}",
        f"{'      - {type: Concat, from: [4, 2]}':<84}# 5",
        "      - {type: C2f, c2: 104, n: 2}",
        "      - {type: Detect, nc: $nc, legacy: true, from: [2, 3, 6]}",
    ]


@pytest.mark.parametrize(
    ("file", "scale", "channels"),
    [("a.yaml", None, 16), ("a.yaml", "s", 24), ("yolov8s.yaml", None, 24), ("yolov8s-p2.yaml", "n", 16)],
)
def test_the_scale_is_the_one_asked_for_or_of_the_name_or_the_first(
    file: str, scale: str | None, channels: int
) -> None:
    source = source_of(SMALL, file, scale=scale)
    assert source.data["name"] == {"a.yaml": "a", "yolov8s.yaml": "yolov8s", "yolov8s-p2.yaml": "yolov8n-p2"}[file]
    assert source.data["blocks"]["yolo"]["layers"][0]["c2"] == channels


def test_repeats_are_an_argument_or_modules_one_behind_the_other() -> None:
    text = SMALL.replace("[-1, 1, Conv, [112", "[-1, 6, Conv, [112")
    report = checked(source_of(text, scale="n"))
    assert [name for name in state_dict(report) if name.endswith("conv.weight")][1:4] == [
        "model.1.0.conv.weight",
        "model.1.1.conv.weight",
        "model.2.cv1.conv.weight",
    ]


def test_an_activation_stands_in_place_of_silu() -> None:
    report = checked(source_of("activation: torch.nn.ReLU()\n" + SMALL))
    assert report.ok
    assert {step.type for step in report.plan.steps} & {"ReLU", "SiLU"} == {"ReLU"}


def test_an_activation_of_silu_changes_nothing() -> None:
    text = SMALL.replace("[-1, 1, Conv, [208, 3, 2]]", "[-1, 1, AConv, [208]]")
    assert source_of(f"activation: nn.SiLU()\n{text}").data == source_of(text).data
    assert checked(source_of(f"activation: nn.SiLU()\n{text}")).ok


def test_blocks_of_hgnet_have_relu_whatever_the_file_says() -> None:
    text = SMALL.replace("[-1, 3, C2f, [112, true]]", "[-1, 6, HGBlock, [24, 112, 3]]")
    report = checked(source_of("activation: nn.Mish()\n" + text))
    assert report.ok
    types = {
        number: {step.type for step in report.plan.steps if step.name.startswith(f"model.{number}.")}
        for number in (1, 2)
    }
    assert "Mish" in types[1]
    assert types[2] & {"Mish", "ReLU", "SiLU"} == {"ReLU"}


def test_an_activation_with_arguments_is_a_block() -> None:
    source = source_of("activation: nn.LeakyReLU(0.1, inplace=True)\n" + SMALL)
    assert source.data["blocks"]["activation"] == {"layers": [{"type": "LeakyReLU", "negative_slope": 0.1}]}
    report = checked(source)
    assert report.ok
    assert {step.type for step in report.plan.layers} & {"LeakyReLU", "SiLU"} == {"LeakyReLU"}


def test_words_are_read_as_the_rows_above_have_changed_them_and_by_the_head_as_they_come_in() -> None:
    rows = source_of((FOLDER / "words.yaml").read_text(encoding="utf-8")).data["blocks"]["yolo"]["layers"]
    read = {row["type"]: row["from"][0] for row in rows[8:] if row["type"] != "Concat"}
    assert read == {"ImagePoolingAttn": "words", "C2fAttn": 8, "WorldDetect": "words"}
    assert rows[7]["from"][0] == "words"


class SampledPoints(nn.Module):
    """What a layer of RT-DETR reads of maps at points about its boxes: the layer of one's own that the code needs."""

    def __init__(self, sizes: list[list[int]], heads: int, points: int) -> None:
        super().__init__()
        self.sizes, self.heads, self.points = sizes, heads, points

    def forward(self, offsets: Tensor, weights: Tensor, box: Tensor, cells: Tensor) -> Tensor:
        count, queries, _ = offsets.shape
        offset = offsets.view(count, queries, self.heads, len(self.sizes), self.points, 2)
        weight = weights.view(count, queries, self.heads, len(self.sizes), self.points)
        centre, side = (each[:, :, None, None, None] for each in (box[..., :2], box[..., 2:]))
        places = 2 * (centre + offset / self.points * side / 2) - 1
        found = torch.zeros(count, queries, self.heads, cells.shape[-1] // self.heads, dtype=cells.dtype)
        for i, part in enumerate(torch.split(cells, [height * width for height, width in self.sizes], dim=1)):
            maps = part.transpose(1, 2).reshape(count * self.heads, -1, *self.sizes[i])
            grid = places[:, :, :, i].transpose(1, 2).flatten(0, 1)
            sampled = nn.functional.grid_sample(maps, grid, align_corners=False)
            sampled = sampled.view(count, self.heads, -1, queries, self.points)
            found += torch.einsum("nhcqp,nqhp->nqhc", sampled, weight[:, :, :, i])
        return found.flatten(2)


def test_a_detector_of_queries_runs_with_a_layer_that_samples_points(monkeypatch: pytest.MonkeyPatch) -> None:
    report = planner.check(FOLDER / "queries.yaml", input=(64, 96, 3))
    assert report.ok
    own = ModuleType("my_package")
    vars(own)["SampledPoints"] = SampledPoints
    monkeypatch.setitem(sys.modules, "my_package", own)
    scope: dict[str, Any] = {"__name__": "queries"}
    exec(emitted(report).text, scope)  # noqa: S102
    module = scope["Queries"]()
    expected = {name.rstrip("."): sizes for name, sizes in state_dict(report).items()}
    assert {name: tuple(each.shape) for name, each in module.state_dict().items()} == expected
    boxes, scores, *training = (tuple(each.shape) for each in module.eval()(torch.rand(2, 3, 64, 96)))
    assert (boxes, scores) == ((2, 4, 30), (2, 7, 30))
    assert training == [(2, 4, 6, 30), (2, 7, 5, 30), (2, 144, 7), (2, 7, 32)]


def test_two_heads_where_the_file_asks_for_them() -> None:
    report = checked(source_of("end2end: true\nreg_max: 1\n" + SMALL))
    assert report.ok
    assert len(report.plan.model.outputs) == 4
    assert any(name.startswith("model.7.one2one_cv3.0.") for name in state_dict(report))
    assert not any(".dfl." in name for name in state_dict(report))


def test_a_classifier_has_a_smaller_image() -> None:
    text = "nc: 10\nbackbone:\n  - [-1, 1, Conv, [16, 3, 2]]\nhead:\n  - [-1, 1, Classify, [nc]]\n"
    report = checked(source_of(text))
    assert report.ok
    assert report.source.data["input"] == [224, 224, 3]
    assert source_of("channels: 1\n" + text).data["input"] == [224, 224, 1]


# Where findings point

NETWORKS = "resnet18, resnet34, resnet50, resnet101 or resnet152"
ABOVE = "`from` takes the number of a row above, from 0 to 4, or from -1 back to -5"
WRONG = {
    "unknown module": ("C2f, [208]", "C2ff, [208]", "C2ff", "there is no layer or block `C2ff`"),
    "module of PyTorch": ("nn.Upsample", "Upsample", "Upsample", "there is no layer or block `Upsample`"),
    "unknown module of PyTorch": ("nn.Upsample", "nn.Foo", "nn.Foo", "there is no layer or block `Foo`"),
    "too many arguments": (
        "[112, 3, 2]",
        "[112, 3, 2, 1, 1, 1, true, 77]",
        "77",
        "a row with `Conv` takes at most 7 arguments: c2, k, s, p, g, d, act",
    ),
    "too few arguments": ("[-1, 3, C2f, [208]]", "[-1, 3, C2f, []]", "[-1, 3, C2f, []]", "the block `C2f` needs `c2`"),
    "wrong argument": (
        "[208, 3, 2]",
        "[208, 0, 2]",
        "0, 2]]",
        "`kernel_size` takes a whole number from 1, or one for each axis",
    ),
    "wrong groups": ("[112, 3, 2]", "[112, 3, 2, 1, 3]", "3]]", "in_channels must be divisible by groups"),
    "wrong channels": ("[48, 3, 2]", "[x48, 3, 2]", "x48", "`c2` takes a whole number from 1"),
    "source below": ("[-1, 2], 1, Concat", "[-1, 12], 1, Concat", "12], 1, Concat", ABOVE),
    "source far above": ("[-1, 2], 1, Concat", "[-1, -9], 1, Concat", "-9", ABOVE),
    "one source": (
        "[[-1, 2], 1, Concat",
        "[-1, 1, Concat",
        "-1, 1, Concat",
        "`from` takes a list of rows for `Concat`",
    ),
    "no source": ("[-1, 2], 1, Concat", "[], 1, CBFuse", "[], 1, CBFuse", "`from` takes one row or more"),
    "one map": ("[[2, 3, 6], 1", "[[6], 1", "[6], 1", "`from` takes two to 4 rows for `Detect`"),
    "sizes": (
        "[-1, 2], 1, Concat",
        "[-1, 0], 1, Concat",
        "[-1, 0]",
        "sizes of tensors must match except in dimension 1",
    ),
    "no classes": ("nc: 3\n", "", "scales", "an Ultralytics model file needs `nc`"),
    "wrong classes": ("nc: 3", "nc: many", "many", "`nc` takes a whole number from 1"),
    "no head": ("head:", "heads:", "nc", "an Ultralytics model file needs `head`"),
    "nothing in the head": (
        SMALL[SMALL.index("head:") :],
        "head:\n",
        "head",
        "`head` takes a list of rows",
    ),
    "a row of three": (
        "[-1, 3, C2f, [208]]",
        "[-1, C2f, [208]]",
        "[-1, C2f, [208]]",
        "a row takes four values: [from, repeats, module, arguments]",
    ),
    "wrong repeats": ("[-1, 3, C2f, [208]]", "[-1, -7, C2f, [208]]", "-7", "`repeats` takes a whole number from 1"),
    "a wrong scale": (
        "[0.33, 0.25, 1024]",
        "[0.33, wide]",
        "[0.33, wide]",
        "a scale takes three numbers: [depth, width, most channels]",
    ),
    "an activation that is worked out": (
        "nc: 3",
        "nc: 3\nactivation: nn.LeakyReLU(1 / 10)",
        "nn.LeakyReLU(1 / 10)",
        "`activation` takes a class, and numbers as its arguments",
    ),
    "an activation with an argument of another name": (
        "nc: 3",
        "nc: 3\nactivation: nn.LeakyReLU(type=1)",
        "nn.LeakyReLU(type=1)",
        "`activation` takes a class, and numbers as its arguments",
    ),
    "a wrong argument of an activation": (
        "nc: 3",
        "nc: 3\nactivation: nn.LeakyReLU('steep')",
        "nn.LeakyReLU('steep')",
        "`negative_slope` takes a number",
    ),
    "an unknown activation with arguments": (
        "nc: 3",
        "nc: 3\nactivation: nn.LeakyRelu(0.1)",
        "nn.LeakyRelu(0.1)",
        "there is no layer or block `LeakyRelu`",
    ),
    "another network of torchvision": (
        "Conv, [112, 3, 2]",
        "TorchVision, [112, vgg16]",
        "vgg16",
        f"`model` takes {NETWORKS} with `TorchVision`, which the planner knows so alone",
    ),
    "an activation that a block does not take": (
        "  - [-1, 1, Conv, [208, 3, 2]]",
        "  - [-1, 1, AConv, [208]]\nactivation: nn.ReLU()",
        "AConv",
        "`activation` takes SiLU with `AConv`, which the planner knows with that alone",
    ),
    "two heads of one": (
        "nc: 3",
        "nc: 3\nend2end: true",
        "true\nscales",
        "`end2end` takes false with `OBB`, which the planner knows so alone",
    ),
}
"""A change to SMALL, where it is found, and what is found."""


@pytest.mark.parametrize(("old", "new", "marked", "message"), WRONG.values(), ids=WRONG)
def test_a_finding_has_its_place_in_the_file_as_it_stands(old: str, new: str, marked: str, message: str) -> None:
    assert SMALL.count(old) == 1
    text = SMALL.replace(old, new)
    text = text.replace("Detect, [nc]", "OBB, [nc, 1]") if "OBB" in message else text
    before = text[: text.index(marked)]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert errors(checked(source_of(text, "small.yaml"))) == [f"{line}:{column} {message}"]


def test_an_unknown_scale() -> None:
    report = checked(source_of(SMALL, scale="q"))
    assert errors(report) == ["3:3 `scale` takes one of n, s"]


def test_what_is_lost_is_told_at_the_row() -> None:
    report = checked(source_of(SMALL, input=(65, 64, 3)))
    lost = [each for each in report.diagnostics if each.step == "model.0.conv"]
    places = [report.place(each) for each in lost]
    assert [(place.line, place.column, place.file) for place in places if place] == [(6, 5, None)] * len(lost)
    assert lost


def test_steps_have_the_lines_of_their_rows() -> None:
    steps = checked(source_of(SMALL)).to_dict()["steps"]
    lines = [(step["name"].split(".")[1], step["line"]) for step in steps if step["name"] != "input"]
    assert sorted(set(lines)) == list(zip("01234567", [6, 7, 8, 9, 11, 12, 13, 14], strict=True))
    assert not [step for step in steps if "file" in step]


def test_the_places_of_rows_lead_there_and_back() -> None:
    source = source_of(SMALL)
    path = ("blocks", "yolo", "layers", 2, "c2")
    place, end = source.place(path), source.end(path)
    assert place is not None
    assert end is not None
    assert (place.line, place.column, end.column) == (8, 19, 22)
    assert source.path_at(8, 20) == path


# The commands


def run(*args: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, args, input=stdin)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "small.yaml"
    found.write_text(SMALL, encoding="utf-8")
    return found


COMMANDS: dict[str, list[str]] = {
    "check": [],
    "plan": [],
    "code": [],
    "sizes": [],
    "draw": ["--format", "mmd", "-o", "-"],
    "map": ["-o", "-", "--format", "svg"],
    "report": ["-o", "-"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_such_a_file_and_a_scale(command: str, path: Path) -> None:
    small, large = (run(command, str(path), "--scale", scale, *COMMANDS[command]) for scale in "ns")
    assert (small.exit_code, large.exit_code) == (0, 0), small.output
    assert (small.output == large.output) == (command in ("check", "sizes", "map"))


def test_a_scale_that_the_file_does_not_have(path: Path) -> None:
    found = run("plan", str(path), "--scale", "q")
    assert found.exit_code == 1
    assert "small.yaml:3:3" in found.output


def test_standard_input_and_another_input() -> None:
    found = run("plan", "-", "--input", "64x64x3", "--set", "nc=10", stdin=SMALL)
    assert found.exit_code == 0
    assert "576×10" in found.output


def test_fixes_are_not_written_into_a_file_of_another_format(path: Path) -> None:
    for option in ("--fix", "--unsafe-fixes", "--diff"):
        found = run("check", str(path), option)
        assert found.exit_code == 2
        assert "is an Ultralytics model file, and fixes are made in model files alone" in found.output
    assert path.read_text(encoding="utf-8") == SMALL


def test_a_scale_is_for_such_a_file_alone() -> None:
    found = run("plan", str(CONFIGS / "yolov8n.yaml"), "--scale", "n")
    assert found.exit_code == 1
    assert "`scale` takes a file with `scales`" in found.output


def test_no_file_fails_the_planner() -> None:
    random = Random(1)
    odd: list[Any] = [None, -1, 0, 1e9, "x", "nc", [], [[]], {}, True, "nn.Linear", "Concat", "Detect", "$nc", 10**15]
    for _ in range(40):
        data = parse(SMALL).data
        rows = [*data["backbone"], *data["head"]]
        row = random.choice(rows)
        target = random.choice([row, row, row[3], data, data["scales"]["n"], data["backbone"]])
        keys = list(target) if isinstance(target, dict) else list(range(len(target)))
        target[random.choice(keys)] = random.choice(odd)
        text = "\n".join(f"{key}: {value!r}" for key, value in data.items()).replace("None", "null")
        found = source_of(text, input=(64, 64, 3)) if is_ultralytics(parse(text).data) else parse(text)
        report = checked(found)
        assert all(report.place(each) for each in report.diagnostics), text
        report.to_dict()


def test_modules_of_one_kind_may_give_out_different_numbers_of_maps() -> None:
    text = """\
nc: 3
backbone:
  - [-1, 1, Conv, [8, 3, 2]]
  - [-1, 1, CBLinear, [[8]]]
  - [0, 1, Conv, [16, 3, 2]]
  - [-1, 1, CBLinear, [[8, 24]]]
  - [2, 1, Conv, [24, 3, 2]]
head:
  - [[1, 3, 0], 1, CBFuse, [[0, 0]]]
  - [[3, 4], 1, CBFuse, [[1]]]
  - [[5, 6], 1, Detect, [nc]]
"""
    report = checked(source_of(text, input=(32, 32, 3)))
    assert errors(report) == []
    assert differences(report, emitted(report)) == []
