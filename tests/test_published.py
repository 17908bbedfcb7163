"""Published networks at their published sizes: no warning but where cells, taps or values are really lost.

`published/` has networks written from their papers, `cases/architectures` those that users wrote; both stand beside
`configs/`. Each warning that remains is shown to be true in PyTorch: by a gradient that is zero, or by what it raises.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn

import planner
from layer_oracle import made
from linear_copy import LinearCopy
from planner.diagnostics import Diagnostic, Severity
from planner.report import Report
from planner.words import share
from test_rules import CONFIGS, WARNINGS, checked, told

HERE = Path(__file__).parent
WRITTEN = sorted([*(HERE / "published").glob("*.yaml"), *(HERE / "cases" / "architectures").glob("*.yaml")])


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_published_networks_get_no_warning(path: Path) -> None:
    report = planner.check(path)
    assert report.plan.complete
    assert told(report, Severity.ERROR, Severity.WARNING) == []


@pytest.mark.parametrize("height", [333, 480, 801])
@pytest.mark.parametrize("width", [500, 640, 1333])
def test_a_pyramid_is_not_warned_of_at_any_size(height: int, width: int) -> None:
    """Nearest neighbours from a map of rounded size drift by up to a cell of the coarser one."""
    report = planner.check(HERE / "published" / "fpn_resnet50.yaml", input=(height, width, 3))
    assert [each.step for each in report.diagnostics if each.code == "NSP326"] == []


def test_what_is_published_is_there() -> None:
    names = {path.stem for path in (*WRITTEN, *CONFIGS.glob("*.yaml"))}
    for each in ("resnet", "vgg", "densenet", "efficientnet", "mobilenet", "regnet", "convnext", "vit", "fpn", "hrnet"):
        assert any(name.startswith(each) for name in names), each
    for each in ("unet", "nnunet", "yolov8", "wavenet", "tcn", "encodec", "swin", "detr"):
        assert any(name.startswith(each) for name in names), each


@pytest.mark.parametrize(("name", "millions"), [("hrnet_w32", "28.5"), ("fpn_resnet50", "26.9"), ("tcn", "0.07")])
def test_they_are_as_large_as_published(name: str, millions: str) -> None:
    """HRNet: arXiv:1902.09212, table 1; TCN: arXiv:1803.01271, table 1; FPN: what torchvision's backbone has."""
    params = planner.check(HERE / "published" / f"{name}.yaml").cost.known_params
    digits = len(millions.partition(".")[2])
    assert f"{params / 1e6:.{digits}f}" == millions


@pytest.mark.parametrize(
    ("name", "params"), [("esrgan_rrdb", 16_697_987), ("gpt2_small", 124_439_808), ("crnn", 8_331_301)]
)
def test_they_have_the_parameters_of_their_sources(name: str, params: int) -> None:
    """ESRGAN: its RRDBNet_arch.py; GPT-2: with the tied embedding; CRNN: crnn.pytorch with 37 classes."""
    assert planner.check(HERE / "cases" / "architectures" / f"{name}.yaml").cost.params == params


REPORTS = {
    "06-conv-subsampling": ["NSP320", "NSP321"],  # column 79 is really lost
    "13b-torchvision-fpn": [],
    "18-avgpool-ceil-export": [],
    "19-convtranspose-tflite": ["NSP330", "NSP330"],  # kernels of 4 at stride 3 and of 3 at stride 2
    "20b-causal-residual": [],
    "20d-codegen-one-layer": [],
    "20e-residual-dilated-basicblock": [],
}
"""What people reported, and the warnings that are right there."""


@pytest.mark.parametrize("name", REPORTS)
def test_reports_get_the_warnings_that_are_right(name: str) -> None:
    report = planner.check(HERE / "cases" / "reports" / f"{name}.yaml")
    assert sorted(code for code, _ in told(report, Severity.ERROR, Severity.WARNING)) == REPORTS[name]


# Causality and shifts are told, each by its own name


@pytest.mark.parametrize(
    ("name", "code", "steps"),
    [
        ("tcn", "NSP337", 8),
        ("encodec_encoder", "NSP337", 4),
        ("fpn_resnet50", "NSP329", 2),
        ("unet_strided", "NSP329", 3),
        ("nnunet_3d", "NSP329", 4),
    ],
)
def test_what_is_no_warning_is_an_info(name: str, code: str, steps: int) -> None:
    found = [each for each in planner.check(HERE / "published" / f"{name}.yaml").diagnostics if each.code == code]
    assert len(found) == steps
    assert {each.severity for each in found} == {Severity.INFO}


# The warnings that remain


REAL = [(name, code, step) for name, found in WARNINGS.items() for code, step in found]
SMALL = {"resnet50_v1": 64, "squeezenet1_0": 64, "squeezenet1_1": 64}
"""Sizes at which the same is found with fewer multiply-adds; at 224, `reference/` has what gradients say."""


@pytest.mark.parametrize(("name", "code", "step"), REAL, ids=str)
def test_a_warning_that_remains_is_true(name: str, code: str, step: str) -> None:
    report = checked(name, SMALL[name], SMALL[name]) if name in SMALL else checked(name)
    (finding,) = [each for each in report.diagnostics if (each.code, each.step) == (code, step)]
    assert TRUTHS[code](report, finding)


@cache
def copied(report: Report) -> LinearCopy:
    return LinearCopy(report.plan)


def read(report: Report, step: int) -> torch.Tensor:
    """Which elements of a step's first output the outputs of the model depend on, H×W×C."""
    copy = copied(report)
    return copy.read(copy.outputs_sum(), [copy.values[step][0]])[0]


def at(report: Report, finding: Diagnostic) -> int:
    return next(i for i, step in enumerate(report.plan.steps) if step.name == finding.step)


def unread_cells(report: Report, finding: Diagnostic) -> bool:
    cells = read(report, at(report, finding)).any(-1)
    return finding.message.startswith(share(int((~cells).sum()), cells.numel(), "cell"))


def last_line_unread(report: Report, finding: Diagnostic) -> bool:
    cells = read(report, report.plan.steps[at(report, finding)].sources[0].step).any(-1)
    return not cells[-1].any() and not cells[:, -1].any() and bool(cells[:-1, :-1].all())


def three_quarters_unread(report: Report, finding: Diagnostic) -> bool:
    cells = read(report, report.plan.steps[at(report, finding)].sources[0].step).any(-1)
    return int(cells.sum()) * 4 == cells.numel() and f"{int(cells.sum()):,} of {cells.numel():,} cells" in finding.label


def multiplied_for_nobody(report: Report, finding: Diagnostic) -> bool:
    """Each element costs as much as any other of its layer; none is read of what is said to be wasted."""
    copy = copied(report)
    seen = copy.read(copy.outputs_sum(), [values[0] for values in copy.values])
    wasted = 0
    for step, elements in zip(report.plan.steps, seen, strict=True):
        if step.macs:
            wasted += int((~elements).sum()) * step.macs // step.outputs[0].elements
    return finding.label.startswith(f"{wasted:,} of ")


def written_unevenly(report: Report, finding: Diagnostic) -> bool:
    """The gradients that arrive at neighbouring outputs, from weights and inputs of one."""
    step = report.plan.steps[at(report, finding)]
    assert step.layer is not None
    (call,) = step.layer.calls(*step.inputs)
    layer = made(call)
    for name, weight in layer.named_parameters():
        nn.init.constant_(weight, int(name == "weight"))
    with torch.no_grad():
        written = layer(torch.ones(1, *step.inputs[0].torch))[0, 0] / step.inputs[0].channels
    middle = written.shape[0] // 2
    return sorted(int(each) for each in written[middle : middle + 2, middle]) == [6, 9]  # 2·3 and 3·3 inputs


def taps_without_gradient(report: Report, finding: Diagnostic) -> bool:
    step = report.plan.steps[at(report, finding)]
    assert step.layer is not None
    (call,) = step.layer.calls(*step.inputs)
    layer = made(call)
    layer(torch.ones(1, *step.inputs[0].torch)).sum().backward()
    return int((layer.weight.grad[0, 0] != 0).sum()) == 1


def refused_in_training(report: Report, finding: Diagnostic) -> bool:
    step = report.plan.steps[at(report, finding)]
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        nn.BatchNorm2d(step.inputs[0].channels)(torch.zeros(1, *step.inputs[0].torch))
    return True


TRUTHS = {
    "NSP320": unread_cells,
    "NSP321": last_line_unread,
    "NSP322": three_quarters_unread,
    "NSP325": multiplied_for_nobody,
    "NSP330": written_unevenly,
    "NSP333": taps_without_gradient,
    "NSP403": refused_in_training,
}
