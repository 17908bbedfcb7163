"""`$input.height` and its like in arithmetic: what they come to, at every size, in `sizes`, and in the code."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

import random_sized
from planner.analyses.input_sizes import InputSizes, Unsolved, input_sizes
from planner.analyses.line import InputLine
from planner.analyses.replanning import Replanned
from planner.analyses.sizes import AxisSizes
from planner.diagnostics import Severity
from planner.geometry import Shape
from planner.model import Model
from planner.outputs.code.torch import emitted
from planner.plan import Plan
from planner.propagation import propagate
from planner.report import Report
from planner.source import of_mapping
from planner.unfolding import load
from planner.workbench import Checked, checked_text
from reference_run import differences
from test_sizes_together import losses_in, said

FAR = 1 << 12
RANDOM = [0, *(pytest.param(i, marks=pytest.mark.long) for i in range(20, 1000, 20))]
FEW = [0, *(pytest.param(i, marks=pytest.mark.long) for i in range(6, 600, 6))]


CONV = "type: Conv2d, out_channels: 4, kernel_size: 3, padding: 1"


def checked(text: str, **options: Any) -> Checked:
    report = checked_text(text, **options)
    assert [each.message for each in report.diagnostics if each.severity is Severity.ERROR] == []
    assert report.plan.complete
    return report


def outputs(report: Checked) -> dict[str, str]:
    """The shape that comes out of each layer, by name."""
    return {step.name: str(step.outputs[0]) for step in report.plan.layers}


NESTED = f"""
input: [24, 36, 2]
layers:
  - {{name: half, {CONV}, stride: 2}}
  - {{name: a, type: outer}}
  - {{name: b, type: outer, side: $input.width // 6}}
blocks:
  outer:
    params: {{side: $input.height // 2}}
    layers:
      - {{name: own, type: AdaptiveAvgPool2d, output_size: ["$side + 2", "$input.width"]}}
      - name: place
        layers:
          - {{type: AdaptiveAvgPool2d, output_size: ["$input.height // 2 + $side", 9]}}
"""


@pytest.mark.parametrize(("height", "width"), [(24, 36), (40, 24), (17, 90)])
def test_of_the_list_that_it_stands_in_for_every_copy_and_every_input(height: int, width: int) -> None:
    h, w = -(-height // 2), -(-width // 2)
    first = h // 2
    a = first + 2, (first + 2) // 2 + first
    second = width // 6
    b = second + 2, (second + 2) // 2 + second
    expected = {"half": f"{h}×{w}×4", "a.own": f"{a[0]}×{w}×4", "a.place.0": f"{a[1]}×9×4"}
    expected |= {"b.own": f"{b[0]}×9×4", "b.place.0": f"{b[1]}×9×4"}
    assert outputs(checked(NESTED, input=(height, width, 2))) == expected
    plan = planned(checked(NESTED).plan.model, (height, width, 2))
    assert {step.name: str(step.outputs[0]) for step in plan.layers} == expected


@pytest.mark.parametrize(
    ("shape", "names"),
    [((12, 4), ("length",)), ((8, 12, 4), ("height", "width")), ((4, 8, 12, 4), ("depth", "height", "width"))],
)
def test_every_axis_has_its_name(shape: tuple[int, ...], names: tuple[str, ...]) -> None:
    text = f"input: {{frames: [{', '.join(map(str, shape))}]}}\nlayers:\n"
    for n, name in zip(shape, names, strict=False):
        text += f"  - {{name: {name}, type: Linear, out_features: $frames.{name} + 1, from: frames}}\n"
        expected = {name: n + 1}
    found = {step.name: step.outputs[0].channels for step in checked(text).plan.layers}
    assert found == dict(zip(names, (n + 1 for n in shape), strict=False))
    assert expected.items() <= found.items()


def test_channels_that_grow_with_the_input_are_those_of_its_size() -> None:
    """They were those at the size in the file, whatever the size was."""
    text = """
input: [8, 6, 2]
layers:
  - {type: Flatten, start_dim: 1}
  - layers:
      - {type: Linear, out_features: $input.channels // 2}
"""
    model = checked(text).plan.model
    assert planned(model, (10, 6, 2)).steps[-1].outputs[0].channels == 60
    assert checked(text).plan.steps[-1].outputs[0].channels == 48


def test_pools_that_grow_with_the_input_against_every_size() -> None:
    text = f"""
input: [64, 40, 3]
layers:
  - {{{CONV}, stride: 2}}
  - {{type: AvgPool2d, kernel_size: ["$input.height // 16", "max($input.width // 8, 3)"]}}
"""
    model = checked(text).plan.model
    (found,) = input_sizes(model)
    for n in range(1, 300):
        compare(found, model, n, 40, "height")
    for n in range(1, 300, 7):
        compare(found, model, 64, n, "width")
    height, width = found.axes
    assert isinstance(height, AxisSizes)
    assert isinstance(width, AxisSizes)
    assert height.works.words("n") == "every n from 16"
    assert (height.beside, width.beside) == ((), ())


@pytest.mark.parametrize(
    "side",
    [
        "ceil(ceil(ceil($input.height / 2) / 2) / 2)",
        "(($input.height + 2) // 3 + 5) // 9 + 1",
        "round($input.height / 2) + 1",
        "ceil($input.height * 0.75 / 1.25) + 1",
    ],
)
def test_rounding_within_rounding_against_every_height(side: str) -> None:
    text = f"""
input: [20, 4, 3]
layers:
  - {{type: Interpolate, size: ["{side}", 4]}}
  - {{type: MaxPool2d, kernel_size: [2, 1]}}
"""
    model = checked(text, input=(70, 4, 3)).plan.model
    (found,) = input_sizes(model)
    assert isinstance(found.axes[0], AxisSizes)
    for n in range(1, 80):
        compare(found, model, n, 4, side)


SWAYED = {
    "a table": """
input: [20, 12, 4]
layers:
  - {type: Constant, shape: ["$input.height", "$input.width", 4], fill: ones}
  - {type: MaxPool2d, kernel_size: [3, 1]}
  - {name: up, type: Interpolate, size: ["$input.height", "$input.width"]}
  - {type: Add, from: [up, input]}
""",
    "a dilation": f"""
input: [41, 31, 3]
layers:
  - {{{CONV}, dilation: "max(1, $input.height // 8)"}}
  - {{type: MaxPool2d, kernel_size: [1, 3], stride: 1}}
""",
    "a slice of the other axis": """
input: [11, 32, 3]
layers:
  - {type: Slice, dim: 3, stop: $input.height}
  - {type: MaxPool2d, kernel_size: [1, 2]}
""",
}


@pytest.mark.parametrize("name", SWAYED)
def test_what_a_height_changes_otherwise_than_by_the_map_against_every_height(name: str) -> None:
    model = checked(SWAYED[name]).plan.model
    (found,) = input_sizes(model)
    height, _ = found.axes
    assert isinstance(height, AxisSizes)
    for n in range(1, 130):
        plan = planned(model, (n, *found.shape[1:]))
        assert (n in height.works) == works(plan), n
        if works(plan):
            assert (n in height.lossless) == is_lossless(plan), n


def test_a_size_that_grows_faster_at_some_heights_is_found_before_all_are_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = """
input: [36, 30, 4]
layers:
  - {type: Rearrange, pattern: "(h i) w c -> h w (i c)", i: "4 if $input.height % 4 == 0 else 3"}
"""
    model = checked(text).plan.model
    planned = set[int]()
    plan = InputLine.plan

    def noted(line: InputLine, n: int) -> Replanned:
        planned.add(n)
        return plan(line, n)

    monkeypatch.setattr(InputLine, "plan", noted)
    (found,) = input_sizes(model)
    assert isinstance(found.axes[0], Unsolved)
    assert len(planned) < 5000


def test_what_follows_no_rule_is_said_to_be_unknown() -> None:
    text = """
input: [8, 40, 3]
layers:
  - {type: AdaptiveAvgPool2d, output_size: ["$input.height * $input.height // 3", 4]}
"""
    (found,) = input_sizes(checked(text).plan.model)
    height, _ = found.axes
    assert isinstance(height, Unsolved)
    assert height.reason == "a size does not grow in proportion to the input"


@pytest.mark.parametrize(
    "start_dim", ["2 if $input.height < 40 else 1", "1 + $input.height % 2", "1 if $input.height == 9 else 2"]
)
def test_a_number_of_axes_that_a_height_decides_is_said_to_be_unknown(start_dim: str) -> None:
    text = f"""
input: [20, 12, 4]
layers:
  - {{type: Flatten, start_dim: {start_dim}}}
  - {{type: Slice, dim: 1, stop: "$input.height % 3 + 1"}}
"""
    (found,) = input_sizes(checked(text).plan.model)
    assert isinstance(found.axes[0], Unsolved)


def test_an_input_of_which_only_a_size_is_read_is_not_called_unread() -> None:
    text = """
input: {x: [16, 16, 4], like: [32, 30, 4]}
layers:
  - {name: large, type: Interpolate, size: ["$like.height", "$like.width"], from: x}
"""
    report = checked(text)
    assert [each.code for each in report.diagnostics] == []
    assert "F.interpolate(x, size=like.shape[2:])" in emitted(report).text


CODE = f"""
input: [32, 24, 4]
layers:
  - {{name: conv, {CONV}}}
  - {{name: pool, type: MaxPool2d, kernel_size: $input.height // 8}}
  - {{name: pad, type: ZeroPad2d, padding: [0, -$input.width % 5, 0, 1]}}
  - {{name: up, type: Interpolate, size: ["$input.height", "$input.width"]}}
  - {{name: block, type: block, side: $input.height}}
blocks:
  block:
    params: {{side: }}
    layers:
      - {{name: table, type: Constant, shape: [$side, "$input.width", 1], fill: ones}}
      - {{type: Multiply, from: [input, table]}}
"""


@pytest.mark.filterwarnings("ignore")
def test_functions_of_the_code_read_the_tensor_and_the_rest_is_said() -> None:
    report = checked(CODE)
    found = emitted(report)
    assert differences(report, found) == [], found.text
    for line in (
        "F.max_pool2d(out, x.shape[2] // 8)",
        "F.pad(out, (0, -x.shape[3] % 5, 0, 1))",
        "F.interpolate(out, size=x.shape[2:])",
        "For inputs of this size alone, from which the model works out block.side.",
        "For inputs of this size alone, from which the model works out table.shape.",
    ):
        assert line in found.text, found.text


def planned(model: Model, shape: tuple[int, ...]) -> Plan:
    (name,) = [each.name for each in model.instances if each.input is not None]
    return propagate(model, inputs={name: Shape(shape)})


def shapes(plan: Plan) -> list[Any]:
    return [step.outputs for step in plan.layers]


def works(plan: Plan) -> bool:
    return plan.complete and not plan.model.diagnostics


def is_lossless(plan: Plan) -> bool:
    return not losses_in(plan)


@pytest.mark.parametrize("first", RANDOM)
def test_a_network_is_that_with_the_numbers_written_by_hand(first: int) -> None:
    compared = 0
    for seed in range(first, first + 20):
        random = Random(seed)
        layers = random_sized.entries(random)
        own = (random.randint(4, 30), random.randint(4, 30), 2)
        model = load(of_mapping(random_sized.file(layers, own)))
        for _ in range(6):
            shape = (random.randint(1, 40), random.randint(1, 40), 2)
            written = random_sized.by_hand(layers, shape)
            expected = written and propagate(load(of_mapping(written)))
            for plan in (planned(model, shape), propagate(load(of_mapping(random_sized.file(layers, shape))))):
                assert works(plan) == bool(expected and works(expected)), (seed, shape)
                if expected and works(expected):
                    assert shapes(plan) == shapes(expected), (seed, shape)
                    assert [step.layer for step in plan.layers] == [step.layer for step in expected.layers]
                    compared += 1
    assert compared > 60


@pytest.mark.parametrize("first", FEW)
def test_sizes_are_those_of_planning_at_every_size(first: int) -> None:
    answered = 0
    for seed in range(first, first + 6):
        random = Random(seed)
        layers = random_sized.entries(random)
        own = (random.randint(8, 30), random.randint(8, 30), 2)
        model = load(of_mapping(random_sized.file(layers, own)))
        if not planned(model, own).complete:
            continue
        (found,) = input_sizes(model)
        tried = [(n, own[1]) for n in range(1, 120)] + [(own[0], n) for n in range(1, 120)]
        tried += [(random.randint(1, 60), random.randint(1, 60)) for _ in range(60)]
        tried += [(random.randint(1, 999), random.randint(1, 999)) for _ in range(10)]
        tried += [(FAR + random.randint(1, 64), own[1]), (own[0], FAR + random.randint(1, 64))]
        for height, width in tried:
            answered += compare(found, model, height, width, seed)
    assert answered > 500


def compare(found: InputSizes, model: Model, height: int, width: int, seed: object) -> bool:
    """Whether something is said of these sizes, which is compared with the plan there."""
    sizes = {("input", "height"): height, ("input", "width"): width}
    if not all(isinstance(axis, AxisSizes) for axis in found.axes):
        return False
    plan = planned(model, (height, width, found.shape.channels))
    is_said = said([found], sizes, "works")
    assert is_said in (works(plan), None), (seed, height, width, is_said)
    if works(plan) and max(height, width) < 200:
        lossless = is_lossless(plan)
        assert said([found], sizes, "lossless") in (lossless, None), (seed, height, width, lossless)
    return is_said is not None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("first", RANDOM)
def test_the_code_is_the_plan_and_elsewhere_where_it_does_not_say_otherwise(first: int) -> None:
    import torch

    ran = 0
    for seed in range(first, first + 20):
        random = Random(seed)
        layers = random_sized.entries(random)
        own = (random.randint(8, 30), random.randint(8, 30), 2)
        report = Report(planned(load(of_mapping(random_sized.file(layers, own))), own))
        if not works(report.plan):
            continue
        found = emitted(report)
        assert differences(report, found) == [], (seed, found.text)
        if "For inputs of this size alone" in found.text:
            continue
        scope: dict[str, Any] = {}
        exec(found.text, scope)  # noqa: S102
        network = scope[found.name]()
        for _ in range(6):
            shape = (random.randint(4, 40), random.randint(4, 40), 2)
            plan = planned(report.plan.model, shape)
            if works(plan) and _same_weights(plan, report.plan):
                y = network(torch.zeros(1, *Shape(shape).torch))
                assert tuple(y.shape[1:]) == plan.steps[-1].outputs[0].torch, (seed, shape, found.text)
                ran += 1
    assert ran > 5


def test_a_class_is_tried_with_other_arguments_where_functions_follow_sizes() -> None:
    """Not all of `width` becomes an argument; the height stays that of the tensor."""
    report = checked("""
input: [16, 12, 3]
params: {latents: 8, width: 32}
outputs: [across, out]
layers:
  - {name: row, type: Mean, dim: 2, keepdim: true}
  - {name: across, type: Expand, size: [-1, -1, $input.height, -1]}
  - {name: latent, type: Parameter, shape: [$latents, $width]}
  - {name: halves, type: Chunk, chunks: 2}
  - {name: out, type: Linear, out_features: $width, from: halves.1}
""")
    found = emitted(report)
    assert differences(report, found) == [], found.text
    assert "latents: int = 8" in found.text
    assert ".expand(-1, -1, x.shape[2], -1)" in found.text


def _same_weights(a: Plan, b: Plan) -> bool:
    return [step.weights for step in a.layers] == [step.weights for step in b.layers]
