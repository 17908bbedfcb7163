"""Programs of `torch.export` become the model files that their modules become, and nothing of an archive is run."""

from __future__ import annotations

import io
import json
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn

import planner
from module_networks import (
    ChannelsLast,
    Gate,
    Heads,
    Maker,
    OptionalParts,
    Pyramid,
    Recurrent,
    ResNet,
    Shared,
    StandardBlocks,
    Tied,
    Transformer,
    UNet,
    Windows,
)
from module_oracle import exact
from planner.cli import main
from planner.diagnostics import Fault
from planner.faults.not_imported import NotImported
from planner.workbench import checked_text
from random_modules import Net

AUTO = torch.export.Dim.AUTO
pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # torch.export warns of itself
    pytest.mark.usefixtures("internal_errors_come_through"),
]


def exported(module: nn.Module, *sizes: int, free: tuple[int, ...] = (), batch: int = 1) -> Any:
    """A module as a program, on an image of H×W×C; `free` are the dimensions whose sizes it leaves open."""
    height, width, channels = sizes
    example = (torch.zeros(batch, channels, height, width),)
    return torch.export.export(module.eval(), example, dynamic_shapes=(dict.fromkeys(free, AUTO),) if free else None)


def saved(program: Any, path: Path) -> str:
    torch.export.save(program, path)
    return str(path)


def body(text: str) -> str:
    """A model file without the comments above it."""
    return "".join(line for line in text.splitlines(keepends=True) if line[0] != "#")


MAKERS: list[Any] = [
    *(Tied, Transformer, StandardBlocks, Windows),
    *(pytest.param(make, marks=pytest.mark.long) for make in (Recurrent, ResNet, ChannelsLast)),
    *(pytest.param(make, marks=pytest.mark.long) for make in (Shared, OptionalParts, Heads, Pyramid)),
]
"""torch.export takes seconds for each."""


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_a_program_that_leaves_sizes_open_is_its_module(make: Maker) -> None:
    torch.manual_seed(0)
    module = make()
    text = planner.import_model(exported(module, 32, 32, 3, free=(0, 2, 3), batch=2))
    bounds = "# The program takes "  # of the program alone
    said = [line for line in text.splitlines()[1:] if not line.startswith(bounds)]
    assert said == planner.import_model(module, input=(32, 32, 3)).splitlines()[1:]


@pytest.mark.parametrize("make", [Windows, Pyramid, Gate, UNet, Transformer], ids=lambda make: make.__name__)
@pytest.mark.parametrize("batch", [1, pytest.param(2, marks=pytest.mark.long)])
def test_a_program_of_one_size_is_its_module_there(make: Maker, batch: int) -> None:
    torch.manual_seed(0)
    module = make()
    text = planner.import_model(exported(module, 32, 32, 3, batch=batch))
    assert "# Sizes that follow from the input's are those at this input.\n" in text
    exact(module, (32, 32, 3), text=text)


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 40))])
def test_programs_of_modules_with_everything_mixed_are_the_modules(seed: int) -> None:
    torch.manual_seed(seed)
    module = Net(Random(seed))
    alone = planner.import_model(exported(module, 16, 16, 3))
    assert "opaque" not in alone
    free = planner.import_model(exported(module, 16, 16, 3, free=(0, 2, 3), batch=2))
    assert body(free) == body(planner.import_model(module, input=(16, 16, 3)))
    exact(module, (16, 16, 3), text=alone)


def test_a_program_of_the_core_operators_is_its_module() -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(392, 4))
    program = exported(module, 16, 16, 3).run_decompositions()
    assert body(planner.import_model(program)) == body(planner.import_model(module, input=(16, 16, 3)))


class Written(nn.Module):
    """Writes over parts of tensors, and stops gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 1)
        self.scale: Tensor
        self.register_buffer("scale", torch.rand(8, 1, 1))

    def forward(self, x: Tensor) -> Any:
        x = self.conv(x)
        with torch.no_grad():
            y = x.detach().mul(self.scale).relu_()
        y[:, 1:3] = x[:, 2:4]
        y += 1
        return y


def test_what_a_program_writes_over_is_another_tensor() -> None:
    torch.manual_seed(0)
    module = Written()
    text = planner.import_model(exported(module, 8, 8, 3))
    assert "type: SetSlice" in text
    exact(module, (8, 8, 3), text=text)


def test_what_a_program_writes_through_another_name_is_not_said_to_be_as_before() -> None:
    class Through(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)

        def forward(self, x: Tensor) -> Any:
            x = self.conv(x)
            x[:, :2].mul_(2)
            return x

    with pytest.raises(NotImported, match="cannot be said in a model file"):
        planner.import_model(exported(Through(), 8, 8, 3))


def test_a_program_in_training_is_what_it_is_in_evaluation() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout(0.2))
    program = torch.export.export(module.train(), (torch.zeros(2, 3, 8, 8),))
    text = planner.import_model(program)
    assert "# It was exported in training: this is what it does in evaluation.\n" in text
    assert body(text) == body(planner.import_model(module, input=(8, 8, 3)))


class Counts(nn.Module):
    """Writes to what it stores, and reads that."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.mean: Tensor
        self.register_buffer("mean", torch.zeros(4, 1, 1))

    def forward(self, x: Tensor) -> Any:
        x = self.conv(x)
        self.mean += 1
        return x + self.mean


def test_what_is_stored_and_written_to_is_another_tensor() -> None:
    text = planner.import_model(exported(Counts(), 8, 8, 3))
    assert "{name: add, type: Add, other: 1}" in text
    assert "from: [conv, add]" in text


def test_open_sizes_are_given_and_fixed_ones_refused(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.ReLU())
    free = saved(exported(module, 32, 32, 3, free=(0, 2, 3), batch=2), tmp_path / "free.pt2")
    assert "input: [48, 64, 3]" in planner.import_model(free, input=(48, 64, 3))
    assert "input: [48, 64, 3]" in planner.import_model(free, input={"input": (48, 64, 3)})
    fixed = saved(exported(module, 32, 32, 3), tmp_path / "fixed.pt2")
    with pytest.raises(NotImported, match="exported for the input `input` of 32×32×3 alone"):
        planner.import_model(fixed, input=(48, 64, 3))
    for wrong in ((48, 64, 4), (48, 3)):
        with pytest.raises(NotImported, match="exported for the input `input` of 32×32×3"):
            planner.import_model(free, input=wrong)
    with pytest.raises(NotImported, match="the program has no input `picture`") as raised:
        planner.import_model(free, input={"picture": (48, 64, 3)})
    assert raised.value.help == "it has: input"


class Cropped(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, :32, :48].exp()


def test_sizes_beyond_those_that_a_program_takes_are_told_at_the_head(tmp_path: Path) -> None:
    """The text says less than the module there: what is cut off of a smaller map is left out of the program."""
    small = saved(exported(Cropped(), 33, 47, 3, free=(2, 3)), tmp_path / "small.pt2")
    assert "# The program takes `x` with a height of 32 or more.\n" in planner.import_model(small)
    assert "# The program takes `x` with a width of 2 to 47.\n" in planner.import_model(small)
    free = saved(exported(nn.ReLU(), 33, 47, 3, free=(2, 3)), tmp_path / "free.pt2")
    assert "takes" not in planner.import_model(free)


class Rounding(nn.Module):
    """Fills up to even sizes, halves them, and takes from the second half of the rows on."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 2, 2)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        x = self.conv(nn.functional.pad(x, (0, -width % 2, 0, -height % 2)))
        halved: Tensor = nn.functional.interpolate(x, size=((height + 1) // 2, width // 3))
        return halved[:, :, height // 4 :]


class Finer(nn.Module):
    """Enlarges a map to the size of the finer one, and cuts what a transposed convolution makes of it."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(3, 3, 3, 2, 1), nn.ConvTranspose2d(3, 3, 2, 2)

    def forward(self, x: Tensor) -> Tensor:
        coarse = self.down(x)
        x = x + nn.functional.interpolate(coarse, size=x.shape[-2:])
        cut: Tensor = self.up(coarse)[:, :, : x.shape[2], : x.shape[3]]
        return x + cut


@pytest.mark.parametrize("make", [Rounding, Finer], ids=lambda make: make.__name__)
def test_a_program_that_rounds_is_its_module_at_odd_sizes_too(make: Maker, tmp_path: Path) -> None:
    """It was held to even sizes alone once, at which any rounding is right."""
    torch.manual_seed(0)
    module = make().double()
    file = tmp_path / "net.yaml"
    file.write_text(planner.import_model(exported(module.float(), 32, 48, 3, free=(0, 2, 3), batch=2)))
    assert "those at this input" not in file.read_text()
    module.double()
    for height, width in ((32, 48), (33, 47), (35, 50), (61, 93)):
        image = torch.randn(1, 3, height, width, dtype=torch.float64)
        ours = planner.build(file, input=(height, width, 3)).double()
        ours.load_state_dict(module.state_dict())
        torch.testing.assert_close(ours(image), module(image), rtol=0, atol=1e-9)


def test_a_program_of_tokens_is_read(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Embedding(50, 8), nn.Linear(8, 2)).eval()
    program = torch.export.export(module, (torch.zeros(1, 12, dtype=torch.long),))
    text = planner.import_model(saved(program, tmp_path / "tokens.pt2"))
    report = checked_text(text, "imported.yaml")
    assert [str(step.outputs[0]) for step in report.plan.steps] == ["12", "12×8", "12×2"]


def test_every_command_takes_a_program_and_needs_no_torch(tmp_path: Path) -> None:
    path = saved(exported(nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.ReLU()), 32, 32, 3), tmp_path / "net.pt2")
    checked = CliRunner().invoke(main, ["check", path])
    assert "warning[NSP321]: Conv2d drops cells at the edge of its input" in checked.stdout
    written = CliRunner().invoke(main, ["import", path, "-o", str(tmp_path / "net.yaml")])
    assert written.exit_code == 0, written.stderr
    assert (tmp_path / "net.yaml").read_text().startswith("# Sequential of net.pt2, imported\n")
    code = f"import sys, planner; planner.import_model({path!r}); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


# Archives from anywhere


class Evil:
    """Runs when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.fixture(scope="module")
def members() -> dict[str, bytes]:
    """What stands in the archive of a small program."""
    file = io.BytesIO()
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    torch.export.save(exported(module, 8, 8, 3, free=(0, 2, 3), batch=2), file)
    with zipfile.ZipFile(file) as archive:
        return {each.filename: archive.read(each) for each in archive.infolist()}


def written(members: dict[str, bytes], path: Path) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return str(path)


def changed(members: dict[str, bytes], change: Callable[[Any], None]) -> dict[str, bytes]:
    """The archive with another program in it."""
    name = next(each for each in members if each.endswith("models/model.json"))
    program = json.loads(members[name])
    change(program)
    return members | {name: json.dumps(program).encode()}


def test_nothing_in_an_archive_is_unpickled(members: dict[str, bytes], tmp_path: Path) -> None:
    evil = pickle.dumps(Evil(tmp_path / "ran"))
    bad = {name: evil if "sample_inputs" in name or "/weight_" in name else data for name, data in members.items()}
    assert "type: Conv2d" in planner.import_model(written(bad, tmp_path / "net.pt2"))
    assert not (tmp_path / "ran").exists()


def test_sizes_are_worked_out_and_not_run(members: dict[str, bytes], tmp_path: Path) -> None:
    code = f"__import__('pathlib').Path({str(tmp_path / 'ran')!r}).touch()"

    def change(program: Any) -> None:
        values = program["graph_module"]["graph"]["tensor_values"]
        values["conv2d"]["sizes"][2] = {"as_expr": {"expr_str": code, "hint": {"as_int": 6}}}

    path = written(changed(members, change), tmp_path / "net.pt2")
    with pytest.raises(NotImported, match="cannot be planned"):
        planner.import_model(path)
    assert not (tmp_path / "ran").exists()


def test_broken_programs_end_in_a_message(members: dict[str, bytes], tmp_path: Path) -> None:
    """Values anywhere in a program are left out, or replaced by others of any kind."""
    random = Random(0)
    others: list[Any] = [None, -1, 10**30, "x", [], {}, [[]], {"as_int": 3}, 1.5, True, "Symbol('s0')"]
    ended = 0
    for _ in range(150):

        def change(program: Any) -> None:
            at = program
            while True:
                keys = list(at) if isinstance(at, dict) else list(range(len(at)))
                key = random.choice(keys)
                if not isinstance(at[key], dict | list) or not at[key] or random.random() < 0.05:
                    break
                at = at[key]
            if random.random() < 0.3:
                del at[key]
            else:
                at[key] = random.choice(others)

        try:
            planner.import_model(written(changed(members, change), tmp_path / "net.pt2"))
        except Fault:
            ended += 1
    assert ended > 20
