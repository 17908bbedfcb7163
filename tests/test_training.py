"""The memory of training against PyTorch: what its autograd keeps, its optimizers hold, and its allocator gives out."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from click.testing import CliRunner

import kept_oracle
import planner
import random_block_files
import random_mixtures
import random_networks
from planner.cli import main
from planner.diagnostics import Fault
from planner.outputs import formats
from planner.propagation import propagate
from planner.report import Report
from planner.source import of_mapping
from planner.training.fitting import largest_batch
from planner.training.memory import Training
from planner.training.optimizers import OPTIMIZERS
from planner.unfolding import load

CONFIGS = Path(__file__).parent.parent / "configs"
QUICK = ["lenet5", "resnet18", "mobilenet_v1", "mobilenet_v3_small", "crnn", "demucs_dns48", "shufflenet_v2_x1_0"]
NAMES = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
SMALLER: dict[str, Any] = {
    "detr_resnet50": {"input": {"image": [320, 320, 3], "positions": [100, 256]}},
    "efficientdet_d0": {"input": [256, 256, 3]},
    "esrgan": {"input": [32, 32, 3]},
    "gpt2": {"input": [256], "params": {"positions": 256}},
    "mixtral_block": {"input": [128, 4096]},
    "nnunet_3d": {"input": [64, 64, 64, 4]},
    "retinanet_resnet50_fpn": {"input": [320, 320, 3]},
    "slowfast_r50": {"input": {"slow": [8, 96, 96, 3], "fast": [32, 96, 96, 3]}},
    "stable_diffusion_unet": {
        "input": {"latents": [16, 16, 4], "t": [1], "text": [77, 768]},
        "params": {"height": 16},
    },
    "unet": {"input": [284, 284, 1]},
    "yolov8m": {"input": [320, 320, 3]},
}
"""Inputs at which networks are trained here that keep gigabytes at their own."""
LONG = [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.long]) for name in NAMES]


def report_on(name: str) -> Any:
    return planner.check(CONFIGS / f"{name}.yaml", **SMALLER.get(name, {}))


def kept(training: Training) -> Counter[int]:
    """How many stretches of memory of each size are kept."""
    return Counter(each.bytes for each in training._kept)


def must_keep_the_same(report: Report, batch: int, *, autocast: bool) -> None:
    report.batch = batch
    training = report.training(autocast="bfloat16" if autocast else None)
    try:
        wanted, _ = kept_oracle.saved(report, batch, autocast=autocast)
    except (ValueError, RuntimeError, NotImplementedError, Fault) as error:
        pytest.skip(f"PyTorch does not train it so: {error}")
    if training.kept_bytes is None:
        assert training.known_kept <= sum(size * count for (size, _), count in wanted.items())
        return
    sizes: Counter[int] = Counter()
    for (size, _), count in wanted.items():
        sizes[size] += count
    assert kept(training) == sizes


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", LONG)
def test_a_network_keeps_what_autograd_keeps(name: str, batch: int, autocast: bool) -> None:
    must_keep_the_same(report_on(name), batch, autocast=autocast)


def differing(generator: Any, seeds: range, *, autocast: bool) -> list[int]:
    """The seeds of random networks of which autograd keeps something else."""
    found = []
    for seed in seeds:
        plan = propagate(load(of_mapping(generator(Random(seed)))))
        if not plan.complete:
            continue
        try:
            must_keep_the_same(Report(plan), 3 if seed % 2 else 1, autocast=autocast)
        except AssertionError:
            found.append(seed)
        except pytest.skip.Exception:
            continue
    return found


RANDOM = {"networks": (random_networks.network, 60), "mixtures": (random_mixtures.model, 38)}
RANDOM["block files"] = (random_block_files.model, 16)
LONGER = 1000


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("kind", RANDOM)
def test_random_models_keep_what_autograd_keeps(kind: str, autocast: bool, request: pytest.FixtureRequest) -> None:
    generator, count = RANDOM[kind]
    count = LONGER if request.config.getoption("long") else count
    assert differing(generator, range(count), autocast=autocast) == []


PUBLISHED = {"resnet50": 82.03, "densenet121": 124.48, "efficientnet_b0": 84.19}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_figures(name: str) -> None:
    """As measured with hooks, in MiB a sample of a batch of two, which share the statistics of batch normalization."""
    report = report_on(name)
    report.batch = 2
    assert round(report.kept_bytes / 2 / 2**20, 2) == PUBLISHED[name]


def test_a_plan_in_json_says_what_training_keeps() -> None:
    path = str(CONFIGS / "lenet5.yaml")
    found = json.loads(run("plan", path, "--format", "json", "--batch", "3").output)["totals"]
    assert found["kept_bytes"] == report_on("lenet5").training().kept_bytes * 3 == 109296
    assert "unknown" not in found
    assert json.loads(run("plan", path, "--format", "json", "--dtype", "int8").output)["totals"]["kept_bytes"] is None


def test_what_is_kept_of_a_broken_plan_is_not_known(tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("""
        input: [32, 32, 3]
        budget: {kept: 1KiB}
        layers:
          - {type: Conv2d, out_channels: 8, kernel_size: 3, groups: 2}
          - {type: ReLU}
    """)
    assert json.loads(run("plan", str(file), "--format", "json").stdout)["totals"]["kept_bytes"] is None
    assert "internal" not in run("check", str(file)).stderr
    with pytest.raises(ValueError, match="not planned to its end"):
        planner.check(file).training()


STEPPERS: dict[str, Any] = {
    "sgd": lambda ps: torch.optim.SGD(ps, lr=0.1),
    "momentum": lambda ps: torch.optim.SGD(ps, lr=0.1, momentum=0.9),
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "adafactor": torch.optim.Adafactor,
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS[1:])
@pytest.mark.parametrize("name", ["lenet5", "crnn", "mobilenet_v3_small"])
def test_optimizers_hold_what_they_hold_in_torch(name: str, optimizer: Any) -> None:
    report = report_on(name)
    report.batch = 2
    model, made = kept_oracle.module(report)
    stepper = STEPPERS[optimizer](model.parameters())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model(*kept_oracle.inputs_of(report, made, 2)).sum().backward()
    stepper.step()
    held = [each for state in stepper.state.values() for each in state.values() if torch.is_tensor(each)]
    training = report.training(optimizer=optimizer)
    assert training.optimizer_bytes == sum(each.untyped_storage().nbytes() for each in held)
    assert training.gradient_bytes == sum(each.grad.nbytes for each in model.parameters() if each.grad is not None)
    assert training.parameter_bytes == sum(each.nbytes for each in model.parameters())
    assert training.buffer_bytes == sum(each.nbytes for each in model.buffers())


PEAKS = ["alexnet", "resnet18", "resnet50", "mobilenet_v2", "efficientnet_b0", "vgg16", "unet_same", "swin_t"]
PEAKS += ["squeezenet1_0", "googlenet", "vit_b_16", "lenet5", "convnext_tiny", "densenet121", "mnasnet1_0", "bert_base"]
PEAKS += ["shufflenet_v2_x1_0", "regnet_x_800mf", "regnet_y_400mf", "mobilenet_v3_large", "efficientnet_v2_s", "crnn"]
PEAKS += ["poolformer_s12", "mobilevit_s", "conformer_s", "t5_small", "pointnet", "segformer_b0", "wavenet"]


@kept_oracle.same_kernels
@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=[] if each in ("resnet18", "lenet5") else [pytest.mark.long]) for each in PEAKS]
)
def test_the_peak_is_that_of_the_allocator(name: str, autocast: bool, tmp_path: Path) -> None:
    report = report_on(name)
    report.batch = 2
    measured = kept_oracle.peak(report, 2, tmp_path / "trace.json", autocast=autocast)
    told = report.training(autocast="bfloat16" if autocast else None).peak.bytes
    assert abs(told - measured) <= 0.02 * measured


def test_steps_add_up_to_the_totals() -> None:
    training = report_on("resnet18").training(autocast="bfloat16", optimizer="adamw")
    steps = training.steps
    assert sum(each.kept for each in steps) == training.kept_bytes
    assert sum(each.params for each in steps) == training.parameter_bytes
    assert sum(each.gradients for each in steps) == training.gradient_bytes
    assert sum(each.optimizer for each in steps) == training.optimizer_bytes
    assert 0 < training.cast_bytes < training.kept_bytes


def test_what_nobody_knows_is_said() -> None:
    file = {"input": [4], "layers": [{"name": "mine", "type": "Custom", "class": "my.Own", "output": [4]}]}
    training = Report(propagate(load(of_mapping(file)))).training()
    assert training.kept_bytes is None
    assert training.peak_bytes is None
    assert training.unknown == ("mine",)
    assert training.steps[1].kept is None


def test_the_next_batch_does_not_fit() -> None:
    training = report_on("resnet18").training(optimizer="adamw")
    memory = 2 << 30
    batch = largest_batch(training, memory)
    peaks = [Training(training.plan, batch + more, optimizer="adamw").peak_bytes or 0 for more in (0, 1)]
    assert peaks[0] <= memory < peaks[1]
    assert largest_batch(training, 1 << 20) == 0


def test_in_int8_nothing_is_trained() -> None:
    file = str(CONFIGS / "lenet5.yaml")
    for command in (("plan", file, "--train"), ("fit", file, "--memory", "1GiB")):
        refused = run(*command, "--dtype", "int8")
        assert refused.exit_code == 2
        assert "nothing is trained in int8" in refused.stderr


def test_a_batch_at_which_the_search_ends_is_not_called_the_largest() -> None:
    file = str(CONFIGS / "lenet5.yaml")
    told = run("fit", file, "--memory", "999TB").output
    assert "batch 1,048,576 fits into" in told
    assert "perhaps a larger one" in " ".join(told.split())
    found = [json.loads(run("fit", file, "--format", "json", "--memory", size).output) for size in ("999TB", "1GiB")]
    assert [each["largest"] for each in found] == [False, True]


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, list(arguments))


def test_the_command_shows_steps_and_totals() -> None:
    path = str(CONFIGS / "lenet5.yaml")
    shown = run("plan", path, "--train", "--batch", "3", "--optimizer", "adam")
    assert shown.exit_code == 0
    assert max(map(len, shown.output.splitlines())) <= 80
    found = json.loads(run("plan", path, "--train", "--batch", "3", "--optimizer", "adam", "--format", "json").output)
    assert found["totals"]["kept_bytes"] == sum(each["kept_bytes"] for each in found["steps"]) == 109296
    rows = run("plan", path, "--train", "--format", "csv").output.splitlines()
    assert len(rows) == 1 + len(found["steps"])


def test_options_of_training_need_it() -> None:
    path = str(CONFIGS / "lenet5.yaml")
    assert "--train" in run("plan", path, "--optimizer", "adam").stderr
    assert "there are" in run("plan", path, "--train", "--optimizer", "lion").stderr
    assert set(formats("train")) <= set(formats("plan"))  # which are those that can be asked for


def test_a_format_without_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.cli.plan.formats", lambda command: ["csv", "table"])
    result = run("plan", str(CONFIGS / "lenet5.yaml"), "--train", "--format", "json")
    assert result.exit_code == 2
    assert "--train is shown as csv or table; json has " in result.stderr


def test_the_table_in_markdown_has_the_same_numbers() -> None:
    path = str(CONFIGS / "lenet5.yaml")
    shown = run("plan", path, "--train", "--batch", "3", "--format", "markdown").output
    rows = [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in shown.splitlines() if line[:1] == "|"]
    table = run("plan", path, "--train", "--batch", "3").output
    assert rows[0] == ["step", "type", "kept", "parameters", "gradients"]
    assert all(cell in table for row in rows[2:] for cell in row[2:])
    assert len({len(row) for row in rows}) == 1
    assert shown.rstrip().splitlines()[-1].startswith("peak ")


def test_fit_says_the_batch_and_what_checkpoints_save() -> None:
    path = str(CONFIGS / "resnet18.yaml")
    found = json.loads(run("fit", path, "--memory", "4GiB", "--format", "json").output)
    assert found["batch"] == largest_batch(report_on("resnet18").training(), 4 << 30)
    assert any(each["saved_bytes"] > 0 and each["macs"] > 0 for each in found["checkpoints"])
    assert run("fit", path, "--memory", "1MiB").exit_code == 1
    assert "24GiB" in run("fit", path, "--memory", "much").stderr
    sizes = [
        run("fit", path, "--memory", size, "--format", "json").output for size in ("512 MiB", "0.5GiB", "536870912")
    ]
    assert json.loads(sizes[0])["memory_bytes"] == 512 << 20
    assert len(set(sizes)) == 1
