"""Networks as they are given: their inputs by shapes, names or examples; files with classes and functions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from torch import Tensor, nn

import planner
from module_networks import Gate, ResNet
from planner.cli import main
from planner.faults.not_imported import NotImported
from planner.workbench import checked_text

pytestmark = pytest.mark.usefixtures("internal_errors_come_through")


def test_tokens_come_in_by_an_example() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.rnn, self.out = nn.Embedding(50, 8), nn.Linear(8, 8), nn.Linear(8, 2)

        def forward(self, tokens: Tensor) -> Any:
            return self.out(self.rnn(self.embedding(tokens)).mean(1))

    text = planner.import_model(Net(), example=torch.zeros(1, 12, dtype=torch.long))
    report = checked_text(text, "imported.yaml")
    assert report.ok, text
    assert [str(each) for each in (report.plan.inputs[0].outputs[0], report.plan.shape(report.plan.outputs[0]))] == [
        "12",
        "2",
    ]


def test_several_inputs_are_given_by_the_names_of_forward() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(1, 4, 3, padding=1)

        def forward(self, image: Tensor, depth: Tensor) -> Any:
            return self.left(image) * self.right(depth)

    text = planner.import_model(Net(), input={"image": (16, 16, 3), "depth": (16, 16, 1)})
    assert "input: {image: [16, 16, 3], depth: [16, 16, 1]}" in text
    assert checked_text(text, "imported.yaml").ok, text
    with pytest.raises(NotImported, match="`forward` has no parameter `picture`"):
        planner.import_model(Net(), input={"picture": (16, 16, 3)})


def test_inputs_are_given_by_their_names_and_not_in_their_order() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 3, padding=1)

        def forward(self, first: Tensor, second: Tensor) -> Any:
            return self.a(first) - self.b(second)

    text = planner.import_model(Net(), input={"second": (8, 8, 3), "first": (8, 8, 3)})
    assert "{name: a, type: Conv2d, out_channels: 4, kernel_size: 1, from: first}" in text
    assert "{name: b, type: Conv2d, out_channels: 4, kernel_size: 3, padding: 1, from: second}" in text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"input": "8x8x3"}, "`8x8x3` is no shape"),
        ({"input": (8, 0, 3)}, "is no shape"),
        ({"input": (8, 8.0, 3)}, "is no shape"),
        ({"example": 3}, "is no tensor with the batch first"),
        ({"example": torch.zeros(3)}, "is no tensor with the batch first"),
        ({"input": (8, 8, 3), "example": None, "arguments": None}, ""),
    ],
)
def test_what_a_network_is_to_read_is_looked_at(given: dict[str, Any], said: str) -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 1))
    if not said:
        assert planner.import_model(module, **given)
        return
    with pytest.raises(NotImported, match=said):
        planner.import_model(module, **given)


def test_a_module_is_left_as_it_was() -> None:
    module = ResNet().train()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    planner.import_model(module, input=(32, 32, 3))
    assert module.training
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())


def test_a_module_can_be_checked_as_it_is() -> None:
    report = planner.check(nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU()), input=(32, 32, 3))
    assert [each.kind.name() for each in report.diagnostics] == ["unread-input", "lost-cells"]


def run(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(main, list(map(str, arguments)))


NET = """
from torch import nn

class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3, stride=2)

    def forward(self, image):
        return self.conv(image)

def build(depth):
    return nn.Sequential(*(nn.Conv2d(3, 3, 1) for _ in range(depth)))

def broken():
    raise RuntimeError("no weights here")

number = 3
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(NET)
    return path


def test_a_network_in_a_file_is_written_and_checked(net: Path, tmp_path: Path) -> None:
    written = run("import", f"{net}:Net", "--input", "32x32x3", "--arg", "width=4", "-o", tmp_path / "net.yaml")
    assert written.exit_code == 0, written.stderr
    assert (
        "{name: conv, type: Conv2d, out_channels: 4, kernel_size: 3, stride: 2}" in (tmp_path / "net.yaml").read_text()
    )
    checked = run("check", f"{net}:Net", "--input", "32x32x3")
    assert "warning[NSP321]: Conv2d drops cells at the edge of its input" in checked.stdout
    assert "3 steps" in run("plan", f"{net}:build", "--arg", "depth=3", "--input", "8x8x3").stdout


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        ("net.py:Nett", ["--input", "8x8x3"], "error: `{home}` has no `Nett`\n = help: did you mean `Net`?\n"),
        ("nets.py:Net", ["--input", "8x8x3"], "error: there is no file `{home}`\n = help: check the path"),
        ("net.py:Net", [], "error: the shape of the input is needed\n = help: give it: `--input 224x224x3`"),
        ("net.py:Net", ["--input", "8x8x4"], "error: `Net` fails on (11, 4, 8, 8): RuntimeError: Given groups=1"),
        ("net.py:Net", ["--input", "8x8x3", "--arg", "wide=3"], "error: `Net` fails when it is called: TypeError: "),
        ("net.py:build", ["--input", "8x8x3"], "error: `build` fails when it is called: TypeError: build() missing"),
        (
            "net.py:broken",
            ["--input", "8x8x3"],
            "error: `broken` fails when it is called: RuntimeError: no weights here",
        ),
        ("net.py:number", ["--input", "8x8x3"], "error: `{home}:number` is no module of PyTorch, but an int\n"),
        (
            "net.py:Net",
            ["--input", "picture=8x8x3"],
            "error: `forward` has no parameter `picture`\n = help: it has: image",
        ),
    ],
)
def test_what_cannot_be_imported_is_said(net: Path, source: str, options: list[str], said: str) -> None:
    home, _, name = source.partition(":")
    home = str(net.parent / home)
    result = run("import", f"{home}:{name}", *options)
    assert result.exit_code == 2
    assert result.stderr.startswith(said.format(home=home)), result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("type_", [torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_a_module_is_run_on_numbers_of_its_own_type(type_: torch.dtype) -> None:
    text = planner.import_model(Gate(), input=(32, 32, 3))
    assert planner.import_model(Gate().to(type_), input=(32, 32, 3)) == text


class Compiled(nn.Module):
    """A network of which one part was compiled, as its state_dict shows: `part._orig_mod.weight`."""

    def __init__(self) -> None:
        super().__init__()
        self.part = torch.compile(nn.Conv2d(3, 4, 3))

    def forward(self, x: Tensor) -> Any:
        return self.part(x).relu()


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_parts_that_were_compiled_are_opened() -> None:
    report = checked_text(planner.import_model(Compiled(), input=(32, 32, 3)), "imported.yaml")
    assert [(step.name, step.type) for step in report.plan.layers] == [("part._orig_mod", "Conv2d"), ("relu", "ReLU")]
    assert report.cost.params == 3 * 4 * 9 + 4
