"""Modules of PyTorch become model files: the same names and sizes of weights, the same multiply-adds, and, from the
code of the file with the module's weights, the same outputs.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import planner
from module_idioms import IDIOMS, AcrossAxes, ClassToken, Halves, Strides
from module_networks import (
    ChannelsLast,
    Functions,
    Gate,
    Heads,
    Maker,
    OptionalParts,
    Pyramid,
    Recurrent,
    ResNet,
    Scaled,
    Shared,
    Shuffle,
    StandardBlocks,
    Tied,
    Transformer,
    UNet,
    Windows,
)
from module_oracle import exact, flat
from module_patterns import PATTERNS
from planner.workbench import checked_text
from random_modules import ALL_PARTS, Net

pytestmark = pytest.mark.usefixtures("internal_errors_come_through")


MODULES: list[Maker] = [
    *IDIOMS,
    *PATTERNS,
    Scaled,
    OptionalParts,
    Functions,
    Tied,
    Recurrent,
    ResNet,
    Transformer,
    lambda: Transformer(fused=False),
    Windows,
    Shuffle,
    UNet,
    Pyramid,
    Gate,
    ChannelsLast,
    Shared,
    StandardBlocks,
]


@pytest.mark.parametrize("make", MODULES, ids=lambda make: getattr(make, "__name__", "other"))
def test_an_imported_module_is_the_module(make: Maker) -> None:
    torch.manual_seed(0)
    exact(make())


@pytest.mark.parametrize(
    "make",
    [ResNet, UNet, Pyramid, Gate, ChannelsLast, Shared, Windows, Shuffle, AcrossAxes, Strides, ClassToken, Halves],
)
def test_an_imported_module_plans_at_other_sizes_as_it_runs(make: Maker) -> None:
    module = make().eval()
    text = planner.import_model(module, input=(32, 32, 3))
    for height, width in ((64, 96), (96, 32), (48, 80)):
        report = checked_text(text, "imported.yaml", input=(height, width, 3))
        with torch.no_grad():
            wanted = [
                tuple(each.shape[1:])
                for each in flat(module.to("meta")(torch.empty(1, 3, height, width, device="meta")))
            ]
        assert report.ok, f"{[each.message for each in report.diagnostics]}\n{text}"
        shapes = [report.plan.shape(each) for each in report.plan.outputs]
        assert [each.torch for each in shapes if each is not None] == wanted


@pytest.mark.parametrize("seed", range(40))
def test_modules_with_everything_mixed_are_the_modules(seed: int) -> None:
    torch.manual_seed(seed)
    random = Random(seed)
    sizes = random.choice([(8, 8), (8, 16), (16, 12)])
    text = planner.import_model(Net(random), input=(*sizes, 3))
    assert "opaque" not in text
    torch.manual_seed(seed)
    exact(Net(Random(seed), ALL_PARTS), (*sizes, 3))


def test_layers_that_are_called_for_every_map_share_their_weights() -> None:
    module = Heads()
    report = checked_text(planner.import_model(module, input=(64, 64, 3)), "imported.yaml")
    assert report.ok
    assert report.cost.params == sum(each.numel() for each in module.parameters())
    assert [str(report.plan.shape(each)) for each in report.plan.outputs] == ["32×32×4", "16×16×4", "8×8×4"]
    assert sum(step.instance.owner is not None for step in report.plan.layers) == 4


def test_equal_modules_become_a_block_that_is_repeated() -> None:
    text = planner.import_model(ResNet((3, 4, 2)), input=(64, 64, 3))
    assert text.count("type: BatchNorm2d") == 4, text
    assert "{type: residual, out_channels: 16, stride: 2, downsample: true}" in text
    assert "{type: residual, out_channels: 16, repeat: 3}" in text
    assert "when: $downsample" in text
    assert len(text.splitlines()) < 40


def test_the_fifty_layers_of_a_resnet_fit_on_a_page() -> None:
    class Bottleneck(nn.Module):
        def __init__(self, channels: int, width: int, stride: int) -> None:
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width)
            self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
            self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
            self.relu = nn.ReLU(inplace=True)
            project = nn.Sequential(nn.Conv2d(channels, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width))
            self.downsample = project if channels != 4 * width else None

        def forward(self, x: Tensor) -> Any:
            out = self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))))
            out = self.bn3(self.conv3(out)) + (x if self.downsample is None else self.downsample(x))
            return self.relu(out)

    layers: list[nn.Module] = [
        nn.Conv2d(3, 64, 7, 2, 3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
    ]
    channels = 64
    for width, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        stage = []
        for k in range(count):
            stage.append(Bottleneck(channels, width, stride if k == 0 else 1))
            channels = 4 * width
        layers.append(nn.Sequential(*stage))
    module = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))
    text = planner.import_model(module, input=(224, 224, 3))
    report = checked_text(text, "imported.yaml")
    assert report.cost.params == 25_557_032
    assert report.cost.macs == 4_089_184_256
    assert len(text.splitlines()) <= 80
