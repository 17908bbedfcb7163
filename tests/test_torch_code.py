"""Emitted PyTorch: it is the network that was planned, it is formatted, and no name in a model file can hurt it."""

from __future__ import annotations

import ast
import inspect
import json
import operator
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from math import prod
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import planner
import random_blocks
from layer_cases import cases
from layer_oracle import TYPES, planner_says
from lighter import seldom
from planner.classes.expressions import SIGNS, const
from planner.classes.tensors import Calling
from planner.cli import main
from planner.diagnostics import Fault
from planner.faults.no_such_call import NoSuchCall
from planner.faults.not_a_chain import NotAChain
from planner.layers import all_layers
from planner.layers._layer import Layer
from planner.outputs.code.torch import Emitted, emitted
from planner.outputs.code.torch.building import module_of
from planner.outputs.code.torch.program import Style
from planner.outputs.code.torch.verifying import differences, request, told
from planner.outputs.code.torch.verifying.running import answer
from planner.outputs.code.torch.verifying.sizing import Compared, compared
from planner.propagation import propagate
from planner.report import Report
from planner.source import of_mapping, read
from planner.unfolding import load
from random_networks import network
from recipe import known_weight
from reference_run import inputs_of

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "configs"
TORCHVISION = Path(__file__).parent / "reference" / "torchvision"
NETWORKS = sorted(path.stem for path in TORCHVISION.glob("*.json"))
ALL = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
CHAINS = ["lenet5", "alexnet", "vgg16"]
SHOWN = ["lenet5", "resnet50", "densenet121", "unet", "vit_b_16"]
RUFF = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")

pytestmark = pytest.mark.filterwarnings("ignore")  # PyTorch warns of much that it then does


def report_on(source: str | Mapping[str, Any], **options: Any) -> Report:
    """The plan of a network of `configs/`, or of a parsed file, without the rules' judgement."""
    found = of_mapping(source) if isinstance(source, Mapping) else read(CONFIGS / f"{source}.yaml")
    return Report(propagate(load(found, **options)))


@cache
def code_of(name: str, style: Style = "auto") -> Emitted:
    return emitted(report_on(name), style=style)


def made(found: Emitted) -> nn.Module:
    module: nn.Module = getattr(module_of(found.text), found.name)()
    return module.eval()


def misses(report: Report, found: Emitted, *, values: bool = True, every: bool = True) -> list[Any]:
    """Where the program is not the plan. With `every`, what it does not come to on the way counts too; without
    `values` its shapes alone are compared, on the meta device.
    """
    where = Compared(report.plan if values else None)
    seen = answer(json.loads(json.dumps(request(report.plan, found, where, every=every))))
    error = seen["runs"][-1]["error"]
    return [error] if error else differences(report.plan, seen)


def ruff(texts: Mapping[str, str], folder: Path, *more: str) -> str:
    """What ruff has against some programs, in its own settings and at two line lengths."""
    assert RUFF is not None
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    runs = [["format", "--check"], ["format", "--check", "--line-length", "120"], ["check", *more]]
    done = [
        subprocess.run(
            [RUFF, *run, "--isolated", "--no-cache", str(folder)], capture_output=True, text=True, check=False
        )
        for run in runs
    ]
    return "".join(each.stdout for each in done if each.returncode)


# The networks of `configs/`


def filled(module: nn.Module) -> nn.Module:
    """The module with known weights, as the reference's recipe has them."""
    with torch.no_grad():
        for name, entry in module.state_dict().items():
            entry.copy_(known_weight(name, entry))
    return module.double()


def image(sizes: list[int]) -> torch.Tensor:
    return torch.from_numpy(np.random.RandomState(0).standard_normal(prod(sizes)).reshape(1, *sizes))


@pytest.mark.parametrize("name", NETWORKS)
def test_state_dict_is_torchvisions(name: str) -> None:
    reference = json.loads((TORCHVISION / f"{name}.json").read_text())
    with torch.device("meta"):
        found = {entry: list(each.shape) for entry, each in made(code_of(name)).state_dict().items()}
    assert found == reference["state_dict"]


LIGHT = {"resnet18", "squeezenet1_1", "mobilenet_v2", "shufflenet_v2_x1_0"}
"""Networks whose function is computed in every run."""


@pytest.mark.parametrize(
    "name", [name if name in LIGHT else pytest.param(name, marks=pytest.mark.long) for name in NETWORKS]
)
def test_computes_what_torchvision_computes(name: str) -> None:
    reference = json.loads((TORCHVISION / f"{name}.json").read_text())
    wanted = reference["fingerprint"]
    with torch.no_grad():
        output = filled(made(code_of(name)))(image(reference["input"])).flatten()
    assert output[:10].tolist() == pytest.approx(wanted["first10"], rel=1e-9, abs=1e-12)
    assert output.mean().item() == pytest.approx(wanted["mean"], rel=1e-9, abs=1e-12)
    assert output.std().item() == pytest.approx(wanted["std"], rel=1e-9)


STYLES: list[Style] = ["auto", "module"]


@pytest.mark.parametrize("name", ALL)
def test_counts_are_torchs(name: str) -> None:
    """Parameters and multiply-adds, as torch counts them in the program: attention by its matrix products."""
    report, found = report_on(name), code_of(name)
    with torch.device("meta"):
        module = made(found).requires_grad_(False)
    assert sum(each.numel() for each in module.parameters()) == report.cost.params
    inputs = [x.to("meta", torch.float32 if x.is_floating_point() else None) for x in inputs_of(report.plan, batch=1)]
    given = [x.movedim(1, -1) if side == "last" else x for x, side in zip(inputs, found.inputs, strict=True)]
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        module(*given)
    assert report.cost.macs is not None
    assert counter.get_total_flops() == 2 * report.cost.macs


@pytest.mark.parametrize(("name", "style"), seldom((name, style) for name in ALL for style in STYLES))
def test_every_step_is_the_plans(name: str, style: Style) -> None:
    assert misses(report_on(name), code_of(name, style), values=False) == []


@pytest.mark.parametrize(
    "name", [name if name in LIGHT else pytest.param(name, marks=pytest.mark.long) for name in ALL]
)
@pytest.mark.parametrize("style", STYLES)
def test_every_value_is_the_plans(name: str, style: Style) -> None:
    """At the file's size, or a smaller one, as the command has it."""
    report, found = report_on(name), code_of(name, style)
    where = compared(report.plan, found, lambda other: emitted(other, style=style))
    assert told(report.plan, where, answer(request(report.plan, found, where)))[1] == 0


SPECIAL: dict[str, list[tuple[int, ...]]] = {
    "r3d_18": [(8, 96, 80, 3), (16, 128, 112, 3)],
    "vit_b_16": [(230, 238, 3), (239, 225, 3)],
}
"""Sizes for the network of videos, and for the one that takes few sizes."""
NAMED = sorted(path.stem for path in TORCHVISION.glob("*.json"))
SIZES: list[tuple[str, tuple[int, ...]]] = [
    *((name, size) for name in NAMED for size in SPECIAL.get(name, [(192, 256, 3), (225, 299, 3)])),
    ("mobilenet_v1", (97, 131, 3)),
    ("unet", (604, 636, 1)),
    ("unet", (700, 572, 1)),
]


@pytest.mark.parametrize(
    ("name", "size"), SIZES, ids=lambda each: each if isinstance(each, str) else "x".join(map(str, each))
)
def test_the_same_code_is_right_at_other_sizes(name: str, size: tuple[int, ...]) -> None:
    report = report_on(name, input=size)
    assert misses(report, emitted(report)._replace(text=code_of(name).text), values=False) == []


GENERAL: list[tuple[str, dict[str, Any]]] = [
    ("densenet121", {"growth": 12, "classes": 10}),
    ("mobilenet_v2", {"alpha": 0.5}),
    ("mobilenet_v3_large", {"alpha": 0.75}),
    ("efficientnet_b0", {"width_mult": 1.2, "depth_mult": 1.4}),
    ("shufflenet_v2_x1_0", {"widths": [24, 48, 96, 192, 1024]}),
    ("unet", {"width": 16, "classes": 3}),
    ("vit_b_16", {"width": 192, "heads": 3, "mlp_width": 768}),
]


@pytest.mark.parametrize(("name", "params"), GENERAL, ids=[name for name, _ in GENERAL])
def test_arguments_of_the_model_mean_what_set_means(name: str, params: dict[str, Any]) -> None:
    """The code of the file as it stands, called with other arguments, is the network with other parameters."""
    found = code_of(name)
    given = {key: tuple(each) if isinstance(each, list) else each for key, each in params.items()}
    with torch.device("meta"):
        module = getattr(module_of(found.text), found.name)(**given)
    steps = report_on(name, params=params).plan.layers
    planned = {
        f"{step.name}.{entry}" if entry else step.name: tuple(sizes)
        for step in steps
        if step.facts
        for entry, sizes in (*step.facts.weights.items(), *step.facts.buffers.items())
    }
    assert {entry: tuple(each.shape) for entry, each in module.state_dict().items()} == planned


def test_a_number_that_decides_what_a_constant_is_made_with_is_no_argument() -> None:
    """The code has the value of `fill` and not its expression, so it is right for this value of `n` alone."""
    constant = {"name": "by", "type": "Constant", "shape": [12, 8], "fill": "'zeros' if $n > 2 else 'ones'"}
    layers = [constant, {"type": "Add", "from": ["input", "by"]}, {"type": "Linear", "out_features": "$n"}]
    file = {"input": [12, 8], "params": {"n": 3}, "layers": layers}
    found = emitted(report_on(file))
    assert list(inspect.signature(getattr(module_of(found.text), found.name)).parameters) == []


# Style


@pytest.mark.parametrize("name", CHAINS)
def test_chains_are_sequential_and_compute_the_same_as_modules(name: str) -> None:
    chain, module = made(code_of(name)), made(code_of(name, "module"))
    assert type(chain) is nn.Sequential
    assert not isinstance(module, nn.Sequential)
    module.load_state_dict(chain.state_dict(), strict=True)
    x = image(list(report_on(name).plan.inputs[0].outputs[0].torch)).float()
    with torch.no_grad():
        assert torch.equal(chain(x), module(x))


@pytest.mark.parametrize(
    ("name", "layer"), [("resnet50", "layer1.0.downsample"), ("unet", "up4"), ("vit_b_16", "class_token")]
)
def test_sequential_is_refused_at_the_first_branch(name: str, layer: str) -> None:
    with pytest.raises(Fault, match=re.escape(f"`{layer}` is at one")) as refused:
        emitted(report_on(name), style="sequential")
    assert refused.value.code == "NSP501"


def test_functions_in_a_sequential_are_modules() -> None:
    model = {
        "input": [8, 8, 3],
        "layers": [
            {"type": "Conv2d", "out_channels": 4, "kernel_size": 3, "padding": [[0, 1], [2, 1]]},
            {"type": "Mean", "dim": 2},
            {"type": "MultiheadAttention", "num_heads": 2},
            {"type": "LSTM", "hidden_size": 5},
        ],
    }
    report = report_on(model)
    found = emitted(report, style="sequential")
    assert type(made(found)) is nn.Sequential
    assert misses(report, found) == []


def test_lengths() -> None:
    """As long as promised: a person would need no fewer lines."""
    lines = {name: code_of(name).text.count("\n") for name in ("resnet50", "lenet5", "vit_b_16", "densenet121")}
    assert lines["resnet50"] <= 80
    assert lines["lenet5"] <= 30
    assert lines["vit_b_16"] <= 95
    assert lines["densenet121"] <= 75


@pytest.mark.skipif(RUFF is None, reason="ruff is not installed")
def test_formatted_and_clean(tmp_path: Path) -> None:
    options = {"asserts": True, "init": True, "main": True}
    texts = {name: code_of(name).text for name in ALL}
    texts |= {f"{name}_more": emitted(report_on(name), **options).text for name in SHOWN}  # type: ignore[arg-type]
    texts |= {f"{name}_module": code_of(name, "module").text for name in ALL}
    assert ruff(texts, tmp_path, "--extend-select", "ANN,D300,E,F,I,W", "--ignore", "ANN401,E501") == ""


@pytest.mark.parametrize("name", SHOWN)
def test_golden(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"code/{name}.py.txt", code_of(name).text)


# What else it can say


def test_asserts_refuse_what_the_plan_does_not_have() -> None:
    model = {
        "input": {"a": [4, 4, 3], "b": [4, 4, 3]},
        "layers": [{"name": "sum", "type": "Add", "from": ["a", "b"]}, {"type": "ReLU"}],
    }
    found = emitted(report_on(model), asserts=True)
    module = made(found)
    one = torch.zeros(1, 3, 4, 4)
    assert module(one, one).shape == (1, 3, 4, 4)
    with pytest.raises(AssertionError):
        module(one, torch.zeros(1, 3, 1, 1))
    with pytest.raises(AssertionError):
        module(torch.zeros(1, 3, 5, 5), torch.zeros(1, 3, 5, 5))
    assert made(emitted(report_on(model)))(one, torch.zeros(1, 3, 1, 1)).shape == (1, 3, 4, 4)


@pytest.mark.parametrize("first", ["input", "point"])
def test_asserts_ask_nothing_of_a_sum_that_is_left_out(first: str) -> None:
    """A block whose shortcut is there at stride 1 alone, as in MobileNet: what it would add has other sizes."""
    down = [
        {"name": "depth", "type": "Conv2d", "groups": "depthwise", "kernel_size": 3, "stride": "$stride", "padding": 1},
        {"name": "point", "type": "Conv2d", "out_channels": "$width", "kernel_size": 1},
        {"type": "Add", "from": [first, "point" if first == "input" else "input"], "when": "$stride == 1"},
    ]
    if first == "input":  # left out, the sum hands on its first source
        down.append({"type": "Conv2d", "out_channels": "$width", "kernel_size": 1})
    model = {
        "input": [9, 8, 4],
        "layers": [{"type": "down", "width": 6, "stride": 2}, {"type": "down", "width": 6, "repeat": 2}],
        "blocks": {"down": {"params": {"width": None, "stride": 1}, "layers": down}},
    }
    report = report_on(model)
    found = emitted(report, asserts=True)
    assert "class Down" in found.text
    assert ".shape == " in found.text
    assert misses(report, found) == []


def test_repeats_with_several_sources_are_loops() -> None:
    inside = [{"type": "Concat", "from": ["tgt", "memory"]}, {"type": "Linear", "out_features": 4}]
    step = {"inputs": ["tgt", "memory"], "layers": inside}
    layers = [{"name": "layers", "type": "step", "repeat": "$n", "from": ["tgt", "memory"]}]
    inputs = {"tgt": [6, 4], "memory": [6, 3]}
    model = {"input": inputs, "params": {"n": 3}, "layers": layers, "blocks": {"step": step}}
    found = emitted(report_on(model))
    assert "self.layers = nn.ModuleList([Step(4, 3) for _ in range(n)])" in found.text
    assert "        for layer in self.layers:\n            tgt = layer(tgt, memory)\n        return tgt" in found.text
    assert misses(report_on(model), found) == []
    with pytest.raises(NotAChain):
        emitted(report_on(model), style="sequential")


def test_any_number_of_inputs_is_written_as_the_file_reads_them() -> None:
    """`*rest` wherever the file has it, in each of its rows; `rest.0` stays one of them, even where there is one."""
    layers = [
        {"name": "conv", "type": "Conv2d", "out_channels": 4, "kernel_size": 1, "from": "rest.0"},
        {"type": "Concat", "from": ["*rest", "x", "*rest", "conv", "*rest"]},
    ]
    blocks = {"meet": {"inputs": ["x", "*rest"], "layers": layers}}
    for count in (1, 2):
        call = {"type": "meet", "from": ["input"] * (count + 1)}
        text = emitted(report_on({"input": [8, 8, 4], "layers": [call], "blocks": blocks})).text
        assert "return torch.cat([*rest, x, *rest, self.conv(rest[0]), *rest], dim=1)" in text


def test_init_and_main(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(emitted(report_on("lenet5"), init=True, main=True).text)
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("61,706 parameters\n(1, 10)\n")
    module = made(emitted(report_on("lenet5"), init=True))
    assert all(not each.any() for name, each in module.named_parameters() if name.endswith("bias"))


def test_main_gives_whole_numbers_to_what_picks_behind_another_layer() -> None:
    embedding = {"type": "Embedding", "num_embeddings": 20, "embedding_dim": 8}
    model = {"input": [6], "layers": [{"type": "Slice", "dim": 1, "stop": 4}, embedding]}
    command = [sys.executable, "-c", emitted(report_on(model), main=True).text]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("160 parameters\n(1, 4, 8)\n")


def test_build() -> None:
    module = planner.build(CONFIGS / "lenet5.yaml", params={"classes": 7})
    assert module(torch.zeros(2, 1, 32, 32)).shape == (2, 7)
    with pytest.raises(Fault, match="not planned to its end"):
        planner.build({"input": [4, 4, 3], "layers": [{"type": "Conv2d", "out_channels": 2, "kernel_size": 9}]})
    with pytest.raises(Fault, match="there is no file"):
        planner.build("no_such_file.yaml")


def test_torch_code_is_what_the_command_prints() -> None:
    printed = CliRunner().invoke(main, ["code", str(CONFIGS / "lenet5.yaml")])
    assert printed.exit_code == 0
    assert printed.output == planner.torch_code(report_on("lenet5"))


def test_verify_command(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    done = CliRunner().invoke(main, ["code", str(CONFIGS / "resnet18.yaml"), "-o", str(path), "--verify"])
    assert done.exit_code == 0
    assert done.output == "verified: 69 steps, 11,689,512 parameters; values agree at 224×224×3\n"
    assert path.read_text() == code_of("resnet18").text


def test_verify_tells_other_weights_and_shapes() -> None:
    report, found = report_on("lenet5"), code_of("lenet5")
    wrong = found._replace(text=found.text.replace("nn.Conv2d(6, 16, 5)", "nn.Conv2d(6, 16, 5, padding=2)"))
    wrong = wrong._replace(text=wrong.text.replace("nn.Conv2d(16, 120, 5)", "nn.Conv2d(16, 120, 7)"))
    assert misses(report, wrong, every=False) == [
        ("c5.weight", "(120, 16, 5, 5)", "(120, 16, 7, 7)"),
        ("c3 (Conv2d)", "(N, 16, 10, 10)", "(N, 16, 14, 14)"),
    ]


BRANCHES = {
    "input": [6, 5, 4],
    "layers": [
        {"name": "a", "type": "Conv2d", "out_channels": 4, "kernel_size": 3, "padding": 1, "padding_mode": "reflect"},
        {"name": "b", "type": "Conv2d", "out_channels": 4, "kernel_size": 1, "from": "input"},
        {"name": "minus", "type": "Subtract", "from": ["a", "b"]},
        {"name": "norm", "type": "LayerNorm"},
        {"name": "soft", "type": "Softmax", "dim": 2},
        {"name": "twin", "type": "twins", "from": "norm"},
        {"name": "end", "type": "Multiply", "from": ["twin.0", "soft"]},
    ],
    "blocks": {
        "twins": {
            "layers": [
                {"name": "relu", "type": "ReLU"},
                {"name": "tanh", "type": "Tanh", "from": "input"},
            ],
            "outputs": ["relu", "tanh"],
        }
    },
    "outputs": ["end", "twin.1"],
}
"""A model whose code can be wrong in many ways that no shape tells."""

RIGHT = """
from torch import nn


class Twins(nn.Module):
    def __init__(self):
        super().__init__()
        self.relu = nn.ReLU()

    def forward(self, x):
        relu, tanh = self.relu(x), x.tanh()
        return relu, tanh


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect")
        self.b = nn.Conv2d(4, 4, 1)
        self.norm = nn.LayerNorm(4)
        self.soft = nn.Softmax(dim=2)
        self.twin = Twins()

    def forward(self, x):
        norm = self.norm((self.a(x) - self.b(x)).movedim(1, -1)).movedim(-1, 1)
        soft = self.soft(norm)
        twin_0, twin_1 = self.twin(norm)
        return twin_0 * soft, twin_1
"""

MUTANTS: list[tuple[str, str, Any]] = [
    ("Softmax(dim=2)", "Softmax(dim=1)", "soft (Softmax)"),
    (', padding_mode="reflect"', "", "a (Conv2d)"),
    ("self.a(x) - self.b(x)", "self.b(x) - self.a(x)", "minus (Subtract)"),
    ("nn.LayerNorm(4)", "nn.LayerNorm(4, eps=0.1)", "norm (LayerNorm)"),
    (".movedim(1, -1)).movedim(-1, 1)", ".reshape(2, 6, 5, 4)).reshape(2, 4, 6, 5)", "norm (LayerNorm)"),
    ("return twin_0 * soft, twin_1", "return twin_1, twin_0 * soft", "output 0, end (Multiply)"),
    ("return twin_0 * soft, twin_1", "return twin_0 * soft", "outputs"),
    ("return relu, tanh", "return tanh, relu", "end (Multiply)"),
    ("return relu, tanh", "return relu, relu", "output 1, twin.tanh (Tanh)"),
    ("relu, tanh = self.relu(x), x.tanh()", "relu, tanh = self.relu(x), x", "twin.tanh (Tanh)"),
    ("return relu, tanh", "return relu.flip(0), tanh", "end (Multiply)"),
]
"""A piece of the right code, what it could be instead, and what is told to be the first that differs."""


@pytest.mark.parametrize(("right", "wrong", "place"), MUTANTS, ids=[f"{a} {b}" for a, b, _ in MUTANTS])
def test_verify_tells_the_first_place_that_differs(right: str, wrong: str, place: str) -> None:
    report = report_on(BRANCHES)
    found = emitted(report)._replace(text=RIGHT, name="Model", inputs=("first",), outputs=("first", "first"))
    assert misses(report, found) == []
    assert RIGHT.count(right) == 1
    places = misses(report, found._replace(text=RIGHT.replace(right, wrong)), every=False)
    assert [each[0] for each in places][:1] == [place]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("nn.Conv2d(4, 4, 1, dilation=0)", "the code fails at 6×5×4 on the CPU, in b (Conv2d): "),
        ("nn.Conv2d(4, 4, 1).nothing", "the code fails at 6×5×4 on the CPU: AttributeError: "),
    ],
)
def test_verify_tells_where_the_code_fails(wrong: str, said: str) -> None:
    report = report_on(BRANCHES)
    found = emitted(report)._replace(text=RIGHT.replace("nn.Conv2d(4, 4, 1)", wrong), name="Model")
    where = Compared(report.plan)
    text, code = told(report.plan, where, answer(request(report.plan, found, where)))
    assert text.startswith(said)
    assert code == 1


def test_verify_says_that_values_are_not_compared() -> None:
    """Weights of 8 GB are not made."""
    report = report_on({"input": [1 << 15], "layers": [{"type": "Linear", "out_features": 1 << 15}]})
    found = emitted(report)
    where = compared(report.plan, found, emitted)
    text, code = told(report.plan, where, answer(request(report.plan, found, where)))
    why = "1,073,774,592 parameters are more than the 500,000,000 that are tried"
    assert text == f"shapes agree: 1 step, 1,073,774,592 parameters; values were not compared: {why}\n"
    assert code == 2


def test_values_are_compared_at_a_smaller_size() -> None:
    report, small = report_on("unet"), report_on("unet", input=(188, 188, 1))
    plan = compared(report.plan, code_of("unet"), emitted).plan
    assert plan is not None
    assert plan.inputs[0].outputs == small.plan.inputs[0].outputs


ALIKE: dict[str, dict[str, Any]] = {
    "two parameters": {
        "input": [6, 4],
        "layers": [
            {"name": "a", "type": "Parameter", "shape": [6, 4]},
            {"name": "b", "type": "Parameter", "shape": [6, 4], "channels_last": True},
            {"name": "both", "type": "Add", "from": ["a", "b"]},
            {"type": "Add", "from": ["both", "input"]},
        ],
    },
    "written over": {
        "input": [6, 6, 4],
        "layers": [{"type": "ReLU", "inplace": True}, {"type": "Conv2d", "out_channels": 3, "kernel_size": 1}],
    },
    "one unit, often dead": {
        "input": [4],
        "layers": [{"type": "Linear", "out_features": 1}, {"type": "ReLU"}],
    },
    "drawn at random": {
        "input": [9, 9, 4],
        "layers": [
            {"name": "one", "type": "FractionalMaxPool2d", "kernel_size": 2, "output_size": 5},
            {"name": "two", "type": "FractionalMaxPool2d", "kernel_size": 2, "output_size": 5, "from": "input"},
            {"type": "Add", "from": ["two", "one"]},
        ],
    },
}


@pytest.mark.parametrize("name", ALIKE)
def test_verify_does_not_refuse_what_is_right(name: str) -> None:
    report = report_on(ALIKE[name])
    assert report.plan.complete, report.plan.model.diagnostics + report.plan.diagnostics
    assert misses(report, emitted(report)) == []


def test_verify_of_a_unit_that_is_dead_for_some_inputs() -> None:
    report = report_on(ALIKE["one unit, often dead"])
    found = emitted(report)
    text = found.text.replace("nn.ReLU()", "nn.Threshold(-9, 0)")
    assert text != found.text
    assert misses(report, found._replace(text=text), every=False)


def test_verify_says_that_torch_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.outputs.code.torch.verifying.running.find_spec", lambda name: None)
    assert answer({}) == {"missing": sys.executable}


@pytest.mark.parametrize("arguments", [["--style", "sequential", "--asserts"], ["--style", "chain"]])
def test_what_the_command_does_not_take(arguments: list[str]) -> None:
    done = CliRunner().invoke(main, ["code", str(CONFIGS / "lenet5.yaml"), *arguments])
    assert done.exit_code == 2
    assert done.output.startswith("error: ")


# Arguments without their names


@pytest.mark.parametrize("layer", TYPES.values(), ids=TYPES)
@settings(max_examples=8)
@given(st.data())
def test_positional_arguments_are_in_pytorchs_order(layer: type[Layer], data: st.DataObject) -> None:
    case = data.draw(cases(layer))
    if planner_says(case).refused:
        return
    made = layer(**case.args)
    call = made.calls(*case.inputs)[-1]
    if call.is_module and call.home == "nn":
        args = tuple((name, const(0)) for name in call.args)
        count = Calling(call, args).needed
        known = getattr(nn, call.target[3:])
        names = list(inspect.signature(known.__init__).parameters)[1:]
        given = [name for name, _ in args[:count]]
        assert given in (names[:count], ["input_size", "hidden_size"]), call.target


# Random models


@settings(max_examples=25)
@given(st.randoms(use_true_random=False))
def test_random_networks(random: Random) -> None:
    report = report_on(network(random, layers=6))
    assert misses(report, emitted(report)) == []


@settings(max_examples=25)
@given(st.randoms(use_true_random=False), st.sampled_from(STYLES))
def test_random_blocks(random: Random, style: Style) -> None:
    report = report_on(random_blocks.model(random))
    if report.plan.complete and not report.plan.model.diagnostics:
        assert misses(report, emitted(report, style=style)) == []


@pytest.mark.skipif(RUFF is None, reason="ruff is not installed")
def test_random_models_are_formatted(tmp_path: Path) -> None:
    reports = {f"flat_{seed}": report_on(network(Random(seed))) for seed in range(15)}
    reports |= {f"blocks_{seed}": report_on(random_blocks.model(Random(seed))) for seed in range(15)}
    whole = {name: each for name, each in reports.items() if each.plan.complete and not each.plan.model.diagnostics}
    assert len(whole) > 20
    assert ruff({name: emitted(each).text for name, each in whole.items()}, tmp_path) == ""


# Names

HOSTILE = [
    *(
        "class",
        "def",
        "None",
        "self",
        "super",
        "forward",
        "training",
        "__class__",
        "__init__",
        "_modules",
        "T_destination",
    ),
    *("add_module", "nn", "torch", "F", "Tensor", "x", "0", "07", "block1-0", 'a"b', "a'b", "a\\", '"""', "{x}", "a b"),
    *(
        "Ünïcode",
        "ﬁ",
        "日本",
        "a_b",
        "a-b",
        "print",
        "index",
        "channels",
        "layers",
        "centred",
        "match",
        "append",
        "keys",
    ),
    *("'; import os; os.abort() #", '"); raise SystemExit  #', "${1}"),
]
names = st.one_of(
    st.sampled_from([each for each in HOSTILE if "$" not in each]),
    st.text(st.characters(blacklist_categories=("C", "Z")), min_size=1, max_size=8).filter(
        lambda text: "$" not in text and text != "input" and text.isprintable()
    ),
)


@settings(max_examples=60)
@given(st.lists(names, min_size=4, max_size=4, unique=True), names, st.sampled_from(STYLES))
def test_any_name_is_safe(own: list[str], block: str, style: Style) -> None:
    """Whatever things are called, the code is Python, does nothing but make the model, and has the plan's names."""
    first, second, third, fourth = own
    conv = {"type": "Conv2d", "out_channels": 2, "kernel_size": 1}
    model = {
        "name": first,
        "input": {second: [4, 4, 3]},
        "layers": [
            {"name": third, **conv},
            {"name": fourth, "type": "ReLU"},
            {"name": first, "type": block},
            {"type": "Add", "from": [third, fourth]},
        ],
        "blocks": {block: {"layers": [{"name": first, **conv}, {"name": second, "type": "LayerNorm"}]}},
        "outputs": [first, "add"],
    }
    report = report_on(model)
    if not report.plan.complete or report.plan.model.diagnostics:
        return
    if any(not {"training", ""}.isdisjoint(name.split(".")) for name in (first, second, third)):
        with pytest.raises(Fault, match=r"module name can.t be empty|already exists"):
            emitted(report, style=style)
        return
    found = emitted(report, style=style)
    statements = {type(each) for each in ast.parse(found.text).body}
    assert statements <= {ast.Expr, ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef}
    assert misses(report, found) == []


@given(
    st.dictionaries(
        st.sampled_from(["nn", "self", "class_", "x", "torch", "super", "Ω", "make_divisible"]),
        st.integers(1, 4),
        min_size=1,
    )
)
@settings(max_examples=20)
def test_any_parameter_is_safe(params: dict[str, int]) -> None:
    layers = [{"type": "block", **{name: f"${name}" for name in params}}]
    block = [{"type": "Conv2d", "out_channels": f"2 * ${name}", "kernel_size": 1} for name in params]
    model = {
        "input": [4, 4, 3],
        "params": params,
        "layers": layers,
        "blocks": {"block": {"params": dict.fromkeys(params), "layers": block}},
    }
    report = report_on(model)
    assert misses(report, emitted(report)) == []


@pytest.mark.parametrize("name", ["forward", "training", "half"])
@pytest.mark.parametrize("style", STYLES)
def test_a_parameter_that_a_forward_pass_reads_hides_no_attribute(name: str, style: Style) -> None:
    layers = [{"type": "Slice", "dim": 1, "stop": f"${name}"}, {"type": "Conv2d", "out_channels": 4, "kernel_size": 1}]
    report = report_on({"input": [4, 4, 3], "params": {name: 2}, "layers": layers})
    assert misses(report, emitted(report, style=style)) == []


# Layers that need more than a call


CASES: dict[str, dict[str, Any]] = {
    "recurrent": {
        "input": [9, 4],
        "layers": [
            {"name": "lstm", "type": "LSTM", "hidden_size": 5, "bidirectional": True},
            {"name": "gru", "type": "GRU", "hidden_size": 3, "from": "lstm.1"},
        ],
        "outputs": ["lstm", "gru", "lstm.2"],
    },
    "tokens": {
        "input": [12],
        "layers": [
            {"type": "Embedding", "num_embeddings": 20, "embedding_dim": 8},
            {"type": "TransformerEncoder", "nhead": 2, "num_layers": 2, "dim_feedforward": 16, "norm": True},
            {"type": "Mean", "dim": 2},
            {"type": "Linear", "out_features": 3},
        ],
    },
    "attention": {
        "input": {"queries": [5, 8], "image": [4, 4, 6]},
        "layers": [
            {"name": "cells", "type": "Flatten", "start_dim": 2, "from": "image"},
            {"type": "MultiheadAttention", "num_heads": 2, "from": ["queries", "cells"]},
        ],
    },
    "free parameters": {
        "input": [6, 4],
        "layers": [
            {"name": "token", "type": "Parameter", "shape": [1, 4], "init": "normal"},
            {"name": "scale", "type": "Parameter", "shape": [1, 4], "batch": True, "channels_last": True},
            {"name": "both", "type": "Add", "from": ["token", "scale"]},
            {"name": "joined", "type": "Concat", "from": ["both", "input"], "dim": 2},
            {"type": "Multiply", "from": ["joined", "scale"]},
        ],
    },
    "indices": {
        "input": [8, 8, 3],
        "layers": [{"name": "pool", "type": "MaxPool2d", "kernel_size": 2, "return_indices": True}, {"type": "ReLU"}],
        "outputs": ["relu", "pool.1"],
    },
    "sizes": {
        "input": [9, 7, 4],
        "layers": [
            {"name": "small", "type": "CenterCrop", "size": 5},
            {"name": "large", "type": "PadLike", "from": ["small", "input"]},
            {"type": "Reshape", "shape": [-1, 2]},
            {"type": "Slice", "dim": 2, "start": 3, "step": 2},
        ],
    },
    "arguments in another order": {
        "input": [8, 8, 6],
        "layers": [
            {"type": "GroupNorm", "num_groups": 3},
            {"type": "LPPool2d", "norm_type": 2, "kernel_size": 2},
            {"type": "Unfold", "kernel_size": 2, "stride": 2},
            {"type": "Fold", "kernel_size": 2, "stride": 2, "output_size": 4},
        ],
    },
    "matrices": {
        "input": {"a": [5, 4], "b": [7, 4]},
        "layers": [
            {"name": "scores", "type": "MatMul", "from": ["a", "b"], "transpose_b": True},
            {"type": "Softmax", "dim": 1},
            {"type": "MatMul", "from": ["softmax", "b"]},
        ],
    },
    "from one repetition": {
        "input": [4, 4, 3],
        "layers": [
            {"name": "conv", "type": "Conv2d", "out_channels": 5, "kernel_size": 1, "repeat": 3},
            {"type": "Add", "from": ["conv.0", "conv.2"]},
        ],
    },
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("style", STYLES)
def test_layers_that_need_more_than_a_call(name: str, style: Style) -> None:
    report = report_on(CASES[name])
    assert report.plan.complete, report.plan.model.diagnostics + report.plan.diagnostics
    found = emitted(report, style=style)
    assert misses(report, found) == []
    assert all(each.training is False for each in made(found).modules())


DEPTHWISE: dict[str, list[dict[str, Any]]] = {
    "a block whose layers need two numbers": [{"name": "two", "type": "widened", "g": "$g"}],
    "a block that asks": [{"name": "asking", "type": "asking", "g": "$g"}],
    "a condition": [{"name": "act", "type": "ReLU", "when": "$g == 'depthwise'"}],
    "a condition in a list in place": [
        {"name": "inner", "layers": [{"name": "act", "type": "ReLU", "when": "$g == 'depthwise'"}, {"type": "Tanh"}]}
    ],
    "a name": [{"name": "act${g}", "type": "Conv2d", "out_channels": 8, "kernel_size": 1}],
    "a choice": [{"name": "wide", "type": "Conv2d", "kernel_size": 1, "out_channels": "4 if $g == 'depthwise' else 8"}],
}
"""What else reads the argument `g` of a block, in which it is a convolution's `groups`."""


@pytest.mark.parametrize("reads", DEPTHWISE)
@pytest.mark.parametrize("others", [[], [2]], ids=["alone", "beside a number"])
def test_depthwise_may_be_read_by_more_than_its_convolution(reads: str, others: list[int]) -> None:
    """PyTorch has a number for `groups: depthwise`: neither is to be taken for the other."""
    conv = {"type": "Conv2d", "kernel_size": 3, "padding": 1, "groups": "$g"}
    called = [{"name": f"call{i}", "type": "called", "g": g} for i, g in enumerate(["depthwise", *others])]
    blocks = {
        "called": [{**conv, "name": "conv", "out_channels": 8}, *DEPTHWISE[reads]],
        "widened": [{**conv, "name": f"conv{width}", "out_channels": width} for width in (16, 32)],
        "asking": [{"name": "bn", "type": "BatchNorm2d"}, {"name": "act", "type": "ReLU", "when": "$g == 'depthwise'"}],
    }
    layers = {name: {"params": {"g": None}, "layers": each} for name, each in blocks.items()}
    report = report_on({"input": [6, 6, 8], "layers": called, "blocks": layers})
    assert misses(report, emitted(report)) == []


def test_code_leaves_the_model_as_it_is() -> None:
    """Repetitions that are written one by one become a list of their own, which the file does not have."""
    conv = {"type": "Conv2d", "out_channels": "$index + 3", "kernel_size": 1}
    inner = [{**conv, "name": "a", "repeat": 2}, {**conv, "name": "b"}]
    layers = [{"name": "x", "repeat": 3, "layers": inner}, {"type": "Add", "from": ["x", "x"]}]
    report = report_on({"input": [4, 4, 3], "layers": layers})
    root = report.plan.model.root
    assert misses(report, emitted(report)) == []
    assert root.entries[0].inner is not None
    assert root.entries[0].inner.owner is root


def test_the_page_shows_what_is_emitted() -> None:
    page = (ROOT / "docs" / "code.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert shown == [code_of(name).text for name in SHOWN]


# Operators


@pytest.mark.parametrize("function", sorted(SIGNS))
def test_any_operator_of_python_between_layers(function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer for another operator says which one it is, and nothing else has to know."""
    monkeypatch.setattr(all_layers()["Subtract"], "operator", function)
    report = report_on(
        {
            "input": [3, 3, 3],
            "layers": [
                {"name": "a", "type": "Sigmoid"},
                {"name": "b", "type": "Softplus", "from": "input"},
                {"name": "c", "type": "Subtract", "from": ["a", "b"]},
                {"name": "d", "type": "Subtract", "from": ["b", "c"]},
                {"name": "e", "type": "Subtract", "from": ["d", "c"]},
            ],
        }
    )
    x = torch.rand(2, 3, 3, 3, dtype=torch.float64)
    a, b, apply = torch.sigmoid(x), torch.nn.functional.softplus(x), getattr(operator, function)
    c = apply(a, b)
    d = apply(b, c)
    torch.testing.assert_close(made(emitted(report)).double()(x), apply(d, c))


def test_a_call_that_cannot_be_written_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(all_layers()["Subtract"], "operator", "concat")
    report = report_on({"input": [8], "layers": [{"name": "c", "type": "Subtract", "from": ["input", "input"]}]})
    with pytest.raises(NoSuchCall, match="Subtract cannot be written in PyTorch") as caught:
        emitted(report)
    assert "operator.concat" in caught.value.label
