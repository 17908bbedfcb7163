"""A sweep of a network that is no model file: each row is what a check of it says that is imported at that size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import onnx
import pytest
import torch
from torch import Tensor, nn

import planner
from keras_configs import archived, layer, sequential
from onnx_files import exported
from planner.diagnostics import Fault
from planner.points import ShapeSeries, SweepRow
from planner.sweeping import Unasked, brought
from sweep_model import run

ROOT = Path(__file__).parents[1]
SIZES = [(16, 16, 3), (17, 19, 3), (24, 24, 3), (9, 40, 3)]


class Anywhere(nn.Module):
    """A network for images of any size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.last = nn.Conv2d(3, 4, 3, stride=2), nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.last(self.conv(x).relu().mean((2, 3))))


class Flattened(Anywhere):
    """One for images of one size, or of those with as many whole windows."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(7 * 7 * 4, 5)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.last(self.conv(x).relu().flatten(1)))


class Choosing(Anywhere):
    """One that is another network for large images."""

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1] > 20:
            x = nn.functional.max_pool2d(x, 2)
        return super().forward(x)


class Cut(Anywhere):
    """One that also takes images of which nothing is left behind a cut."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.conv(x)[..., :-8], self.conv(x)], 3)


MODULES = {each.__name__: each for each in (Anywhere, Flattened, Choosing, Cut)}


def _checked(source: Any, shape: tuple[int, ...]) -> tuple[Any, ...] | None:
    """What a check of a network at a size says; None where there is none."""
    try:
        report = planner.check(source, input=shape)
    except Fault:
        return None
    if not report.plan.complete:
        return None
    totals = report.to_dict()["totals"]
    return (*(totals[name] for name in ("params", "macs", "peak_bytes")), report.to_dict()["outputs"])


def _said(row: SweepRow) -> tuple[Any, ...] | None:
    outputs = {name: list(shape) for name, shape in row.outputs.items()}
    return None if row.error else (row.params, row.macs, row.peak_bytes, outputs)


def _compare(source: Any, sizes: list[Any] = SIZES) -> list[tuple[Any, ...] | None]:
    found = list(planner.sweep(source, input=sizes))
    said = [_said(row) for row in found]
    assert said == [_checked(source, size) for size in sizes]
    assert [next(iter(row.inputs.values())) for row in found] == sizes
    return said


@pytest.mark.parametrize(("name", "fails"), [("Anywhere", 0), ("Flattened", 3), ("Choosing", 0), ("Cut", 0)])
def test_a_module_at_several_sizes(name: str, fails: int) -> None:
    assert _compare(MODULES[name]()).count(None) == fails


@pytest.mark.parametrize("name", ["Anywhere", "Flattened"])
def test_a_file_of_onnx_at_several_sizes(name: str, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    onnx.save(exported(MODULES[name](), torch.zeros(1, 3, 16, 16)), path)
    _compare(str(path))
    (row,) = planner.sweep(str(path), input={"x0": (18, 18, 3)})
    assert row.inputs == {"input": (18, 18, 3)}
    first, second = planner.sweep(str(path), input=[16, 17])
    assert [row.inputs for row in (first, second)] == [{"input": (16, 16, 3)}, {"input": (17, 17, 3)}]


def test_a_configuration_of_keras_at_several_sizes(tmp_path: Path) -> None:
    conv = layer("Conv2D", filters=4, kernel_size=[3, 3], strides=[2, 2], activation="relu", padding="same")
    dense = layer("Dense", units=5, activation="linear")
    for shape, fails in (((16, 16, 3), 3), ((None, None, 3), 0)):
        path = archived(sequential(shape, conv, layer("GlobalAveragePooling2D"), dense), tmp_path / "net.keras")
        assert _compare(str(path)).count(None) == fails


@pytest.mark.filterwarnings("ignore")  # torch.export warns of itself
@pytest.mark.parametrize(("free", "fails"), [((), 3), ((2, 3), 0)])
def test_a_program_at_several_sizes(free: tuple[int, ...], fails: int) -> None:
    example = (torch.zeros(2, 3, 16, 16),)
    open_ = (dict.fromkeys(free, torch.export.Dim.AUTO),) if free else None
    program = torch.export.export(Anywhere().eval(), example, dynamic_shapes=open_)
    assert _compare(program).count(None) == fails


def test_what_holds_for_all_sizes_is_brought_in_once() -> None:
    def bring(module: nn.Module) -> tuple[Callable[[Any], str], list[Any]]:
        calls: list[Any] = []

        def text(input: Any) -> str:
            calls.append(input)
            return planner.import_model(module, input=input)

        return text, calls

    for make, count in ((Anywhere, 1), (Choosing, 4)):
        text, calls = bring(make())
        found = brought("net", {"": ShapeSeries.of(SIZES)}, text)
        assert (len(calls), len(found.alone)) == (count, 0 if count == 1 else 4)


def test_other_channels_are_another_network() -> None:
    """The text of a model file does not say how many channels a convolution reads."""
    good, bad = planner.sweep(Anywhere(), input=[(16, 16, 3), (16, 16, 1)])
    assert good.error == ""
    assert bad.error.startswith("NSP121: `Anywhere` fails on (")
    assert bad.inputs == {"input": (16, 16, 1)}


def test_sizes_alone_need_a_network_that_says_its_channels() -> None:
    with pytest.raises(Unasked, match="does not say by itself how many axes and channels") as refused:
        planner.sweep(Anywhere(), input=range(16, 20))
    assert refused.value.help == "write whole shapes, such as --input 16x16x3,17x17x3,18x18x3,19x19x3"


def test_so_many_networks_are_not_brought_in() -> None:
    with pytest.raises(Unasked, match="may be another network at each size of its input, and 101 sizes are asked for"):
        planner.sweep(Choosing(), input=[(16, n, 3) for n in range(16, 117)])


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text((ROOT / "docs/models/net.py").read_text(encoding="utf-8"), encoding="utf-8")
    return "net.py:Net"


def test_a_command_on_a_network_elsewhere(net: str) -> None:
    result = run(net, "--input", "32x32x3,33x33x3", "--arg", "width=8", "--format", "csv", "--results", "r.jsonl")
    assert result.exit_code == 0, result.output
    assert [line.split(",")[1] for line in result.output.splitlines()[1:]] == ["32x32x3", "33x33x3"]
    assert run(net, "--input", "32x32x3,33x33x3", "--arg", "width=8", "--results", "r.jsonl").exit_code == 0
    other = run(net, "--input", "32x32x3,33x33x3", "--arg", "width=4", "--results", "r.jsonl")
    assert "which differs in the model" in other.output
    assert "error: `net.py` has no `Nat`" in run("net.py:Nat", "--input", "32x32x3,33x33x3").output
    refused = run(net, "--set", "width=1:4", "--input", "32x32x3").output
    assert (
        "`planner import net.py:Net -o net.yaml` writes a model file: declare it there, `params: {width: }`" in refused
    )
