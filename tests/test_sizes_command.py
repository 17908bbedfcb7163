"""planner sizes: the words, the table and the chart against the model planned at one size after another."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from time import process_time

import pytest
from click.testing import CliRunner, Result

from planner.analyses.input_sizes import input_sizes
from planner.analyses.loss import losses
from planner.analyses.sizes import AxisSizes, Residues, sizes
from planner.cli import main
from planner.geometry import Shape
from planner.model import Model
from planner.outputs import renderer
from planner.outputs._screen import Screen, columns
from planner.plan import Plan
from planner.propagation import propagate
from planner.source import of_mapping, parse, read
from planner.unfolding import load

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "configs"


def run(*arguments: str, input: str | None = None) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(main, ["sizes", *arguments], input=input)


def config(name: str) -> str:
    return str(CONFIGS / f"{name}.yaml")


def at(model: Model, name: str, shape: Shape, axis: int, n: int) -> Plan:
    """The model planned with one axis of one input changed."""
    sizes = list(shape)
    sizes[axis] = n
    return propagate(model, inputs={name: Shape(sizes)})


# --- what is printed ------------------------------------------------------------------------------------------------

SAID = [
    # config, options, and what is printed
    ("unet", [], "lossless  n ≡ 12 mod 16, from 188; 572 is"),
    ("unet", ["--axis", "height"], "lossless  height ≡ 12 mod 16, from 188; 572 is"),
    ("unet", ["--axis", "0"], "lossless  height ≡ 12 mod 16, from 188; 572 is"),
    ("squeezenet1_1", [], "lossless  n ≡ 1 mod 2, from 17; 224 is not: crop 1 to 223, or pad 1 to 225"),
    ("squeezenet1_1", [], "now 224×224×3, of which 447 cells cannot be read"),
    ("resnet50", [], "exact     n ≡ 1 mod 32, from 1; 224 is not: crop 31 to 193, or pad 1 to 225"),
    ("resnet50", [], "now 224×224×3, every cell read"),
    ("inception_v3", ["--axis", "1"], "works     every width from 75; 299 does"),
    ("vit_b_16", [], "n = 224–239 for both, any with any; 224×224 does or height = 16–31 with width = 3,136–3,151"),
    ("vgg16", [], "exact     n ≡ 0 mod 32, from 32; 224 is"),
    ("r3d_18", ["--axis", "depth"], "exact     depth ≡ 1 mod 8, from 1; 16 is not: crop 7 to 9, or pad 1 to 17"),
    ("unet_same", ["--input", "572x572x1"], "n ≡ 0 mod 16, from 16; 572 does not: crop 12 to 560, or pad 4 to 576"),
    ("unet_same", ["--input", "572x696x1"], "572 does not: crop 12 to 560, or pad 4 to 576; 696"),
    ("unet_same", ["--input", "572x572x1"], "  up4.concat    ≡ 0–7 mod 16"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "expected"), SAID, ids=lambda each: str(each)[:40])
def test_words(name: str, options: list[str], expected: str) -> None:
    result = run(config(name), *options)
    assert result.exit_code == 0
    assert " ".join(expected.split()) in " ".join(result.stdout.split())
    assert max(map(columns, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize("name", ["unet_same", "squeezenet1_1", "alexnet", "lenet5"])
def test_json_is_what_planning_every_size_says(name: str) -> None:
    told = json.loads(run(config(name), "--format", "json", "--axis", "width").stdout)
    model = load(read(config(name)))
    shape = model.instances[0].input
    assert shape is not None
    assert list(told) == ["input"]
    assert list(told["input"]) == ["width"]
    axis = told["input"]["width"]
    assert list(axis) == ["works", "lossless", "exact"]
    for n in range(1, 160):
        plan = at(model, "input", shape, 1, n)
        width = [each.loss for step in losses(plan) for each in step if each.axis == 1]
        lost = any(each.lost or each.lost_before for each in width)
        over = any(each.leftover or each.overhang for each in width)
        verdicts = plan.complete, plan.complete and not lost, plan.complete and not (lost or over)
        assert verdicts == tuple(_holds(axis[key], n) for key in axis), n


def _holds(sizes: dict[str, list[int]], n: int) -> bool:
    regular = n >= int(sizes["from"]) and n % int(sizes["period"]) in sizes["residues"]  # type: ignore[call-overload]
    return (regular and n not in sizes["except"]) or n in sizes["also"]


def test_the_chart_has_a_sign_for_every_size() -> None:
    result = run(config("alexnet"), "--from", "40", "--to", "255", "--axis", "height")
    model = load(read(config("alexnet")))
    shape = Shape((224, 224, 3))
    signs = chart(result.stdout)
    for n in [*range(40, 72), *range(96, 128), *range(192, 256)]:
        plan = at(model, "input", shape, 0, n)
        lossy = sum(
            any(each.axis == 0 and (each.loss.lost or each.loss.lost_before) for each in step) for step in losses(plan)
        )
        over = any(
            each.axis == 0 and (each.loss.leftover or each.loss.overhang) for step in losses(plan) for each in step
        )
        expected = "×" if not plan.complete else str(lossy) if lossy else "–" if over else "·"
        assert signs.get(n, expected) == expected, n
    assert len(signs) > 100
    assert "^ 224" in result.stdout


def chart(text: str) -> dict[int, str]:
    """The sign of each size in a chart."""
    signs: dict[int, str] = {}
    for line in text.splitlines():
        if row := re.fullmatch(r"( +[\d,]+)  ( *[·–×\d]+)", line):
            start = int(row[1].replace(",", ""))
            signs |= {start + i: sign for i, sign in enumerate(row[2]) if sign != " "}
    return signs


def test_the_chart_in_ascii_and_in_colour() -> None:
    found = list(input_sizes(load(read(config("squeezenet1_1"))), axis="height"))
    plain = renderer("sizes", "text")(found, Screen(60, unicode=False), 100, 140)
    assert re.search(r"^ +96  +[.x\d-]+$", plain, re.MULTILINE)
    coloured = renderer("sizes", "text")(found, Screen(60, colour=True), 100, 140)
    assert "\x1b[33m1\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == renderer("sizes", "text")(found, Screen(60), 100, 140)


# --- several inputs, axes that differ, models that do not work ------------------------------------------------------

TWO = """\
input: {left: [64, 48, 3], right: [32, 8], vector: [5]}
layers:
  - {name: a, type: Conv2d, out_channels: 4, kernel_size: [3, 5], stride: 2, from: left}
  - {name: b, type: MaxPool1d, kernel_size: 2, from: right}
outputs: [a, b, vector]
"""


def test_every_input_with_axes_is_answered() -> None:
    told = json.loads(run("-", "--format", "json", input=TWO).stdout)
    assert {name: list(axes) for name, axes in told.items()} == {"left": ["height", "width"], "right": ["length"]}
    assert told["left"]["height"]["exact"] == {"from": 3, "period": 2, "residues": [1], "also": [], "except": []}
    assert told["left"]["width"]["works"]["from"] == 5
    assert list(json.loads(run("-", "--input", "right", "--format", "json", input=TWO).stdout)) == ["right"]


def test_axes_that_are_alike_are_told_together_and_only_those() -> None:
    shown = run("-", input=TWO).stdout
    assert "height of `left`" in shown
    assert "width of `left`" in shown
    assert "height and width" not in shown
    assert "height and width of `input`" in run(config("unet")).stdout


def test_an_axis_that_is_like_another_is_worked_out_once_and_rightly() -> None:
    model = load(read(config("resnet50")))
    (found,) = input_sizes(model)
    (alone,) = input_sizes(model, axis="width")
    assert found.axes[1] == alone.axes[0]


def test_a_fault_that_no_size_mends_is_shown() -> None:
    broken = "input: [32, 32, 3]\nlayers:\n  - {type: Conv2d, out_channels: 8}\n"
    result = run("-", input=broken)
    assert result.exit_code == 1
    assert "NSP111" in result.stderr
    never = "input: [32, 32, 3]\nlayers:\n  - {type: Conv2d, out_channels: 8, kernel_size: 3, groups: 2}\n"
    result = run("-", input=never)
    assert result.exit_code == 1
    assert "no n" in result.stdout
    assert "NSP202" in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--axis", "depth"], "there is no axis `depth`; there are: height, width"),
        (["--axis", "2"], "there is no axis `2`"),
        (["--input", "other"], "there is no input `other` with axes; there are: input"),
        (["--input", "one", "--input", "two"], "one input is chosen"),
        (["--from", "9", "--to", "8"], "--from 9 is more than --to 8"),
    ],
    ids=str,
)
def test_options_that_do_not_fit(options: list[str], said: str) -> None:
    result = run(config("lenet5"), *options)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_vector_has_no_sizes() -> None:
    result = run("-", "--axis", "0", input="input: [5]\nlayers:\n  - {type: Linear, out_features: 3}\n")
    assert result.exit_code == 2
    assert "there are: none" in result.stderr


ROTARY = """
input: {tokens: [40], kinds: [40], features: [5]}
outputs: [sum, linear]
layers:
  - {name: wte, type: Embedding, num_embeddings: 50, embedding_dim: 16, from: tokens}
  - {type: MultiheadAttention, num_heads: 4}
  - {type: MaxPool1d, kernel_size: 2}
  - {type: Upsample, scale_factor: 2}
  - {name: kinds_too, type: Embedding, num_embeddings: 2, embedding_dim: 16, from: kinds}
  - {name: sum, type: Add, from: ["upsample", "kinds_too"]}
  - {type: Linear, out_features: 3, from: features}
"""


def test_tokens_may_be_as_many_as_a_table_of_positions_has() -> None:
    (found,) = input_sizes(load(parse((CONFIGS / "gpt2.yaml").read_text())))
    (axis,) = found.axes
    assert isinstance(axis, AxisSizes)
    assert (axis.name, axis.given, axis.works) == ("length", 1024, Residues(1, 1, (), (1024,)))


def test_tokens_are_as_many_as_those_that_they_meet() -> None:
    text = ROTARY.replace("{tokens: [40], kinds: [40], features: [5]}", "{tokens: [40], features: [5]}")
    text = text.replace(", from: kinds}", ", from: tokens}")
    (found,) = input_sizes(load(parse(text)))
    (axis,) = found.axes
    assert isinstance(axis, AxisSizes)
    assert (axis.works, axis.beside) == (Residues(2, 2, (0,)), ())  # a pooled pair is doubled again
    for found, works, other in zip(
        input_sizes(load(parse(ROTARY))), [(40, 41), (40,)], ["kinds", "tokens"], strict=True
    ):
        (axis,) = found.axes
        assert isinstance(axis, AxisSizes)
        assert (axis.works, axis.beside) == (Residues(1, 1, (), works), ((f"{other}.length", 40),))


def test_sizes_are_found_with_the_other_axes_at_one_that_works() -> None:
    text = (CONFIGS / "unet_same.yaml").read_text().replace("[256, 256, 1]", "[572, 100, 1]")
    (found,) = input_sizes(load(parse(text)))
    assert found.unread is None
    assert [axis.given for axis in found.axes] == [572, 100]
    assert all(isinstance(axis, AxisSizes) and axis.works.residues == (0,) for axis in found.axes)


def test_resnet50_is_answered_for_every_size_in_no_time() -> None:
    model = load(read(config("resnet50")))
    started = process_time()
    (found,) = input_sizes(model, axis="height")
    height = found.axes[0]
    assert isinstance(height, AxisSizes)
    assert sum(n in height.exact for n in range(1, 4097)) == 128
    assert process_time() - started < 5  # 0.7 s where nothing else runs


@pytest.mark.parametrize(("text", "code"), [("input: [8, 8", 1), ("", 1), ("input: [8, 8, 3]", 1)])
def test_a_file_that_cannot_be_read_is_told(text: str, code: int) -> None:
    result = run("-", input=text)
    assert result.exit_code == code
    assert "error[" in result.stderr


GATED = """\
input: {image: [31, 40, 4], gate: [16, 20, 4]}
layers:
  - {name: x, type: Conv2d, out_channels: 4, kernel_size: 3, stride: 2, padding: 1, from: image}
  - {name: sum, type: Add, from: [x, gate]}
"""


def test_two_inputs_that_must_agree_are_told_together() -> None:
    shown = " ".join(run("-", input=GATED).stdout.split())
    assert "height of `image` and height of `gate`, now 31×40×4, every cell read and 16×20×4, every cell read" in shown
    assert "or image.height = 1–2 with gate.height = 1, and so on by 2 and 1" in shown
    assert "width of `image` and width of `gate`" in shown
    told = json.loads(run("-", "--format", "json", input=GATED).stdout)
    heights, widths = told["gate"]["together"]
    assert heights["image.height"]["also"] == widths["image.width"]["also"] == [1, 2]
    assert heights["height"]["also"] == widths["width"]["also"] == [1]
    assert heights["step"] == {"image.height": 2, "height": 1}
    assert _holds(told["image"]["height"]["works"], 999)
    assert [list(each["exact"]) for each in told["image"]["together"]] == [
        ["height", "gate.height"],
        ["width", "gate.width"],
    ]


def test_axes_that_must_be_equal_are_told_as_pairs() -> None:
    turned = """\
input: [32, 32, 4]
layers:
  - {name: c, type: Conv2d, out_channels: 4, kernel_size: 3}
  - {name: t, type: Permute, dims: [0, 1, 3, 2]}
  - {type: Add, from: [c, t]}
"""
    assert "works     height = width: every n from 3; 32×32 does" in run("-", input=turned).stdout
    beside = run("-", input=turned.replace("[32, 32, 4]", "[32, 30, 4]")).stdout
    assert "works     height = width: every n from 3; 32×30 does not" in beside


def test_the_chart_of_a_long_sound_shows_the_sizes_around_its_own() -> None:
    """As in Demucs: strides of 4, and a way back that must come to the same length."""
    down = "  - {type: Conv1d, out_channels: 4, kernel_size: 8, stride: 4}\n"
    back = "  - {name: up, type: ConvTranspose1d, out_channels: 4, kernel_size: 8, stride: 4}\n"
    named = down.replace("{", "{name: c, ")
    text = f"input: [225360, 4]\nlayers:\n{down}{named}{down}{back}  - {{type: Add, from: [up, c]}}\n"
    model = load(parse(text))
    signs = {n: sign for n, sign in chart(run("-", input=text).stdout).items() if n > 200_000}
    assert {225_360 - 16, 225_360, 225_360 + 16} <= signs.keys()
    for n, sign in signs.items():
        assert (sign != "×") == at(model, "input", Shape((225_360, 4)), 0, n).complete, n


@pytest.mark.parametrize(("n", "options"), [(20, []), (20, ["--from", "600"]), (2, ["--from", "2"]), (1024, [])])
def test_the_chart_shows_the_size_that_the_model_has(n: int, options: list[str]) -> None:
    layers = "  - {type: Conv1d, out_channels: 4, kernel_size: 3, stride: 2, padding: 1}\n"
    lines = run("-", *options, input=f"input: [{n}, 4]\nlayers:\n{layers * 3}").stdout.splitlines()
    assert n in chart("\n".join(lines))
    (mark,) = (i for i, line in enumerate(lines) if line.endswith(f"^ {n:,}"))
    assert lines[mark - 1][lines[mark].index("^")] in "·–×123456789"
    assert not any(above.strip() == below.strip() == "⋮" for above, below in pairwise(lines))


POOLED = """\
input: {a: [32, 8, 3], b: [16, 4, 3]}
layers:
  - {name: half, type: Conv2d, out_channels: 3, kernel_size: 2, stride: 2, from: a}
  - {name: join, type: Add, from: [half, b]}
  - {name: pool, type: MaxPool2d, kernel_size: 2}
"""


def test_an_axis_alone_is_told_with_those_that_it_depends_on() -> None:
    shown = run("-", "--axis", "width", input=POOLED).stdout
    assert "height" not in shown
    assert "every width" not in shown
    assert "works     no n for both; 8 with 4 does" in shown
    assert "or a.width = 4–5 with b.width = 2, and so on by 4 and 2" in shown
    told = json.loads(run("-", "--axis", "width", "--format", "json", input=POOLED).stdout)
    assert [[*each][:2] for each in told["b"]["together"]] == [["a.width", "width"]] * 2


def test_a_layer_that_is_reached_at_a_few_sizes_asks_for_no_others() -> None:
    """What comes of the first input is added to 42 rows; the pool takes an odd number."""
    layers = [
        {"name": "stem", "type": "Conv1d", "out_channels": 3, "kernel_size": 3, "stride": 2, "padding": 1, "from": "a"},
        {"name": "join", "type": "Add", "from": ["stem", "b"]},
        {"name": "pool", "type": "AvgPool1d", "kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
    ]
    for rows, exact in ((42, "no n"), (41, "every n from 1")):
        model = load(of_mapping({"input": {"a": [2 * rows, 3], "b": [rows, 3]}, "layers": layers}))
        asked = {each.step: each.exact.words() for each in sizes(model, "a", 0).conditions}
        assert asked.get("pool", "every n from 1") == exact
