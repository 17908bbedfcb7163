"""Modules of PyTorch become model files: the same names and sizes of weights, the same multiply-adds, and, from the
code of the file with the module's weights, the same outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import planner
from module_idioms import IDIOMS, AcrossAxes, ClassToken, Halves, Strides
from module_patterns import PATTERNS
from planner.cli import main
from planner.faults.not_imported import NotImported
from planner.inputs import _lowering
from planner.outputs.code.torch import emitted
from planner.outputs.code.torch.building import module_of
from planner.report import Report
from planner.workbench import checked_text
from random_modules import ALL_PARTS, Net

Maker = Callable[[], nn.Module]


@pytest.fixture(autouse=True)
def internal_errors_come_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_lowering, "TOLERATED", ())


class Residual(nn.Module):
    """A block as in ResNets."""

    def __init__(self, channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample: nn.Module | None = None
        if stride > 1 or channels != width:
            self.downsample = nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Any:
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class ResNet(nn.Module):
    def __init__(self, blocks: tuple[int, ...] = (2, 2, 2)) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        widths = [8 * 2**i for i in range(len(blocks))]
        self.stages = nn.ModuleList(
            nn.Sequential(
                *(
                    Residual(widths[max(i - 1, 0)] if k == 0 else width, width, 2 if k == 0 and i else 1)
                    for k in range(count)
                )
            )
            for i, (width, count) in enumerate(zip(widths, blocks, strict=True))
        )
        self.fc = nn.Linear(widths[-1], 10)

    def forward(self, x: Tensor) -> Any:
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return self.fc(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))


class Attention(nn.Module):
    """Attention as written by hand: one projection to queries, keys and values."""

    def __init__(self, width: int, heads: int, *, fused: bool) -> None:
        super().__init__()
        self.heads, self.fused = heads, fused
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Any:
        n, length, width = x.shape
        q, k, v = self.qkv(x).reshape(n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        if self.fused:
            x = nn.functional.scaled_dot_product_attention(q, k, v)
        else:
            x = ((q * (width // self.heads) ** -0.5) @ k.transpose(-2, -1)).softmax(dim=-1) @ v
        return self.proj(x.transpose(1, 2).reshape(n, length, width))


class Transformer(nn.Module):
    def __init__(self, *, fused: bool = True) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 24, 8, 8)
        self.cls_token = nn.Parameter(torch.randn(1, 1, 24))
        self.pos_embed = nn.Parameter(torch.randn(1, 17, 24))
        self.blocks = nn.Sequential(*(self._block(fused) for _ in range(2)))
        self.norm = nn.LayerNorm(24, eps=1e-6)
        self.head = nn.Linear(24, 5)

    @staticmethod
    def _block(fused: bool) -> nn.Module:
        return Around(nn.Sequential(nn.LayerNorm(24), Attention(24, 3, fused=fused)))

    def forward(self, x: Tensor) -> Any:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1) + self.pos_embed
        return self.head(self.norm(self.blocks(x))[:, 0])


class Around(nn.Module):
    """What a module gives, added to what it reads, with a trained scale for each channel."""

    def __init__(self, inside: nn.Module, width: int = 24) -> None:
        super().__init__()
        self.inside = inside
        self.gamma = nn.Parameter(torch.randn(width))

    def forward(self, x: Tensor) -> Any:
        return x + self.gamma * self.inside(x)


class Windows(nn.Module):
    """Attention within windows, shifted, with biases that are looked up by a table of places."""

    relative: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 2, 2)
        self.qkv = nn.Linear(16, 48)
        self.table = nn.Parameter(torch.randn(49, 2))
        self.register_buffer("relative", torch.randint(0, 49, (16, 16)))
        self.proj = nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Any:
        x = self.stem(x).permute(0, 2, 3, 1)
        n, h, w, c = x.shape
        x = torch.roll(x, (-2, -2), (1, 2))
        windows = x.view(n, h // 4, 4, w // 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 16, c)
        q, k, v = self.qkv(windows).reshape(-1, 16, 3, 2, 8).permute(2, 0, 3, 1, 4)
        bias = self.table[self.relative.view(-1)].view(16, 16, 2).permute(2, 0, 1)
        attended = (q @ k.transpose(-2, -1) + bias.unsqueeze(0)).softmax(-1) @ v
        out = self.proj(attended.transpose(1, 2).reshape(-1, 16, c))
        out = out.view(n, h // 4, w // 4, 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(n, h, w, c)
        return torch.roll(out, (2, 2), (1, 2)).permute(0, 3, 1, 2)


class Shuffle(nn.Module):
    """Half of the channels pass; then the halves are shuffled by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.branch = nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1, groups=8), nn.BatchNorm2d(8), nn.ReLU())
        self.stem = nn.Conv2d(3, 16, 1)

    def forward(self, x: Tensor) -> Any:
        a, b = self.stem(x).chunk(2, dim=1)
        x = torch.cat((a, self.branch(b)), dim=1)
        n, c, h, w = x.shape
        return x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2 = nn.Conv2d(3, 4, 3, 1, 1), nn.Conv2d(4, 8, 3, 1, 1)
        self.up = nn.ConvTranspose2d(8, 4, 2, 2)
        self.out = nn.Conv2d(8, 2, 1)

    def forward(self, x: Tensor) -> Any:
        skip = nn.functional.gelu(self.down1(x))
        x = nn.functional.silu(self.down2(nn.functional.max_pool2d(skip, 2)))
        x = torch.cat([self.up(x), skip], 1)
        return nn.functional.interpolate(self.out(x), scale_factor=2.0, mode="bilinear", align_corners=False)


class Pyramid(nn.Module):
    """Two outputs, of which the finer takes the size of another map."""

    def __init__(self) -> None:
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1)
        self.lateral = nn.Conv2d(8, 8, 1)

    def forward(self, x: Tensor) -> list[Tensor]:
        fine = self.c1(x)
        coarse = self.c2(fine)
        return [self.lateral(fine) + nn.functional.interpolate(coarse, size=fine.shape[-2:], mode="nearest"), coarse]


class Gate(nn.Module):
    """Squeeze and excitation with means over height and width, and a gate by a number."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1, padding_mode="reflect")
        self.fc1, self.fc2 = nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1)

    def forward(self, x: Tensor) -> Any:
        x = self.conv(x)
        gate = (self.fc2(self.fc1(x.mean((2, 3), keepdim=True)).relu()) + 3).clamp(0, 6) / 6
        return 2 * (x * gate) - 1


class ChannelsLast(nn.Module):
    """A ConvNeXt block: normalization and dense layers on the last dimension."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 12, 4, 4)
        self.conv_dw = nn.Conv2d(12, 12, 7, padding=3, groups=12)
        self.norm = nn.LayerNorm(12, eps=1e-6)
        self.fc1, self.fc2 = nn.Linear(12, 48), nn.Linear(48, 12)
        self.gamma = nn.Parameter(torch.randn(12))

    def forward(self, x: Tensor) -> Any:
        x = shortcut = self.stem(x)
        x = self.norm(self.conv_dw(x).permute(0, 2, 3, 1))
        x = self.fc2(nn.functional.gelu(self.fc1(x))) * self.gamma
        return (x.permute(0, 3, 1, 2) + shortcut).mean((-2, -1))


class Shared(nn.Module):
    """One head on two maps."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, 8, 3, 2, 1)
        self.down2 = nn.Conv2d(8, 8, 3, 2, 1)
        self.head = nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1), nn.ReLU(), nn.Conv2d(8, 4, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.down(x)
        return self.head(x), self.head(self.down2(x))


class StandardBlocks(nn.Module):
    """Layers of torch.nn that are more than one step elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 16, 8, 8)
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)
        self.encoder = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, activation="gelu", norm_first=True)
        self.out = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Any:
        x = self.embed(x).flatten(2).transpose(1, 2)
        x = x + self.attention(x, x, x, need_weights=False)[0]
        return self.out(self.encoder(x)).amax(1)


class Tied(nn.Module):
    """A layer with the weight of another one, which is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 1)
        self.a, self.b = nn.Conv2d(6, 6, 1), nn.Conv2d(6, 6, 1)
        self.b.weight = self.a.weight

    def forward(self, x: Tensor) -> Any:
        x = self.a(self.stem(x))
        return self.b(self.a(x).relu_())


class Recurrent(nn.Module):
    """Rows of an image as a sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, 2, 1)
        self.rnn = nn.LSTM(64, 12, num_layers=2, batch_first=True, bidirectional=True)
        self.out = nn.Linear(24, 5)

    def forward(self, x: Tensor) -> Any:
        x = self.conv(x).permute(0, 2, 3, 1).flatten(2)
        x, _ = self.rnn(x)
        return self.out(x[:, -1])


class Heads(nn.Module):
    """Heads of several layers on every map of a pyramid, as RetinaNet has them: each layer is called once for a map."""

    def __init__(self) -> None:
        super().__init__()
        self.downs = nn.ModuleList(nn.Conv2d(3 if i == 0 else 8, 8, 3, 2, 1) for i in range(3))
        self.layers = nn.ModuleList([nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 4, 1)])

    def forward(self, x: Tensor) -> Any:
        found = []
        for down in self.downs:
            x = y = down(x)
            for layer in self.layers:
                y = layer(y)
            found.append(y)
        return found


class Scaled(nn.Module):
    """A number for each channel, in a module that is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 24, 1)
        self.around = Around(nn.Sequential(nn.LayerNorm(24), nn.Linear(24, 24)))

    def forward(self, x: Tensor) -> Any:
        x = self.stem(x).permute(0, 2, 3, 1)
        return self.around(self.around(x)).permute(0, 3, 1, 2)


class OptionalParts(nn.Module):
    """Blocks of one class, of which some have a layer besides, in the main way or beside it."""

    class Part(nn.Module):
        def __init__(self, width: int, *, beside: bool, within: bool) -> None:
            super().__init__()
            self.conv = nn.Conv2d(width, width, 3, padding=1)
            self.norm = nn.BatchNorm2d(width) if within else None
            self.skip = nn.Conv2d(width, width, 1) if beside else None

        def forward(self, x: Tensor) -> Any:
            y = self.conv(x)
            y = y if self.norm is None else self.norm(y)
            y = y if self.skip is None else self.skip(x)
            return y.relu() + x

    def __init__(self) -> None:
        super().__init__()
        kinds = ((False, False), (True, False), (False, True), (False, False), (True, False))
        self.stem = nn.Conv2d(3, 6, 1)
        self.parts = nn.Sequential(*(self.Part(6, beside=beside, within=within) for beside, within in kinds))

    def forward(self, x: Tensor) -> Any:
        return self.parts(self.stem(x))


class Functions(nn.Module):
    """Functions with arguments that change what they compute."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 1)

    def forward(self, x: Tensor) -> Any:
        x = self.conv(x)
        length = torch.linalg.vector_norm(x, ord=1, dim=1, keepdim=True)
        x = x / (length + 1) - x.var(1, unbiased=False, keepdim=True)
        x = torch.concatenate([x[:, :1], x[:, -2:]], dim=1) + (2 - x[:, 3:4]) ** 2
        a, b, c = torch.split(x, [1, 1, 1], dim=1)
        return torch.stack([a, b * c], dim=2).flatten(1, 2).clamp(min=0.1).log() * (x.shape[1] ** -0.5)


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


def run(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(main, list(map(str, arguments)))


def exact(
    module: nn.Module, shape: tuple[int, ...] = (32, 32, 3), *, text: str | None = None, **given: Any
) -> tuple[str, Report]:
    """Import a module and hold it to the original: weights, multiply-adds, outputs. `text` is its model file, where it
    came another way.
    """
    module.eval()
    for each in module.modules():
        if isinstance(each, nn.BatchNorm2d):
            assert each.running_mean is not None
            assert each.running_var is not None
            each.running_mean.uniform_(-0.1, 0.1)
            each.running_var.uniform_(0.5, 2)
    text = text or planner.import_model(module, input=shape, **given)
    report = checked_text(text, "imported.yaml")
    assert report.ok, f"{[each.message for each in report.diagnostics]}\n{text}"
    state = {
        f"{step.name}.{key}" if key else step.name: sizes
        for step in report.plan.steps
        for key, sizes in step.state.items()
    }
    assert state == {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}, text
    assert report.cost.params == sum(each.numel() for each in module.parameters())
    found = emitted(report)
    again = getattr(module_of(found.text), found.name)().eval()
    again.load_state_dict(module.state_dict())
    own = dict(module.named_buffers())
    for name, each in again.named_buffers():
        each.copy_(own[name]) if name in own else None  # what is in no state_dict
    module.double()
    again.double()
    torch.manual_seed(1)
    x = torch.randn(2, shape[-1], *shape[:-1], dtype=torch.float64)
    with torch.no_grad():
        wanted, got = (_flat(each(x)) for each in (module, again))
    if len(wanted) == len(got):  # one may have its channels last where the other has them second
        got = [b if a.shape == b.shape or b.dim() < 3 else b.movedim(1, -1) for a, b in zip(wanted, got, strict=True)]
    assert [each.shape for each in wanted] == [each.shape for each in got], text
    for a, b in zip(wanted, got, strict=True):
        assert torch.allclose(a, b, rtol=1e-9, atol=1e-9), text
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module.to("meta")(x.to("meta")[:1])
    assert report.cost.macs == counter.get_total_flops() // 2 or not _counts_all(module)
    return text, report


def _counts_all(module: nn.Module) -> bool:
    """Whether the counter sees what a module computes: it misses fused attention and recurrent layers."""
    unseen = nn.MultiheadAttention | nn.TransformerEncoderLayer | nn.RNNBase
    return not any(isinstance(each, unseen) for each in module.modules())


def _flat(data: Any) -> list[Tensor]:
    return [data] if isinstance(data, Tensor) else [one for each in data for one in _flat(each)]


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
                for each in _flat(module.to("meta")(torch.empty(1, 3, height, width, device="meta")))
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


def test_what_no_layer_says_is_opaque_and_the_rest_is_planned() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.out = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 1)

        def forward(self, x: Tensor) -> Any:
            x = torch.special.bessel_j0(self.conv(x))
            return self.out(x)

    text = planner.import_model(Net(), input=(16, 16, 3))
    assert "# 1 of 3 steps is opaque:" in text
    report = checked_text(text, "imported.yaml")
    assert report.ok
    assert [str(each.outputs[0]) for each in report.plan.layers] == ["14×14×4", "14×14×4", "14×14×2"]
    assert report.cost.macs is None


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


def of(forward: Callable[..., Any], **parts: nn.Module) -> nn.Module:
    """A module with parts, whose forward pass is a function."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, part in parts.items():
                self.add_module(name, part)

        def forward(self, x: Tensor) -> Any:
            return forward(self, x)

    return Net()


@pytest.mark.parametrize(
    ("forward", "reason"),
    [
        (lambda net, x: nn.functional.dropout(net.conv(x), 0.5), "dropout that works in evaluation too"),
        (lambda net, x: net.conv(x).round(decimals=2), "round with such arguments"),
        (lambda net, x: net.conv(x)[:, [True, False, True, False]], "an index that is a tensor"),
        (lambda net, x: net.conv(x).view(torch.int32), "numbers that are taken for another type of numbers"),
        (
            lambda net, x: nn.functional.batch_norm(net.conv(x), None, None, training=True),
            "by the batch, in evaluation",
        ),
        (
            lambda net, x: torch.nn.functional.conv2d(
                x.flatten(0, 1)[None], x[:, :, :1, :1].reshape(-1, 1, 1, 1), None, 1, 0, 1, 3 * len(x)
            ),
            "the batch in another dimension",
        ),
    ],
)
def test_what_a_layer_would_say_falsely_is_opaque(forward: Callable[..., Any], reason: str) -> None:
    text = planner.import_model(of(forward, conv=nn.Conv2d(3, 4, 1)), input=(8, 8, 3))
    assert reason in text, text


def test_what_is_never_called_is_left_out_by_its_name() -> None:
    layers = [nn.Conv2d(3, 3, 1) for _ in range(4)]
    text = planner.import_model(of(lambda net, x: net.encoder[:2](x), encoder=nn.Sequential(*layers)), input=(8, 8, 3))
    assert "# Not used in evaluation, and left out: encoder.2, encoder.3\n" in text


def test_what_is_cut_off_by_a_cast_is_cut_off() -> None:
    text, _ = exact(of(lambda net, x: net.conv(x * 9).long().to(x.dtype), conv=nn.Conv2d(3, 4, 1)))
    assert "type: Trunc" in text


def test_a_module_that_does_more_than_its_class_is_no_layer() -> None:
    hooked, other = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)
    hooked.register_forward_hook(lambda module, args, result: result * 2)
    other.forward = lambda x: x + 1  # type: ignore[method-assign,assignment]
    text = planner.import_model(
        of(lambda net, x: net.other(net.hooked(x)), hooked=hooked, other=other), input=(8, 8, 3)
    )
    assert "{type: Multiply, other: 2}" in text
    assert "{type: Add, other: 1}" in text
    assert "other:\n" not in text


def test_a_number_that_no_arithmetic_says_holds_for_its_size_alone() -> None:
    text, _ = exact(of(lambda net, x: net.conv(x) * (x.shape[2] * x.shape[3]) ** -0.5, conv=nn.Conv2d(3, 4, 1)))
    assert "# Sizes that follow from the input's are those at this input.\n" in text


class Padded(nn.Module):
    """Windows of seven cells, for which the map is filled up and cut again."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Any:
        n, c, h, w = x.shape
        x = nn.functional.pad(x, (0, -w % 7, 0, -h % 7)).permute(0, 2, 3, 1)
        rows, columns = x.shape[1] // 7, x.shape[2] // 7
        x = x.view(n, rows, 7, columns, 7, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 49, c)
        x = self.mix(x).view(n, rows, columns, 7, 7, c).permute(0, 1, 3, 2, 4, 5).reshape(n, rows * 7, columns * 7, c)
        return x[:, :h, :w].permute(0, 3, 1, 2)


def _places(net: Any, x: Tensor) -> Tensor:
    """A map with the place of each row added to it."""
    x = net.conv(x)
    return x + (torch.arange(x.shape[2], device=x.device) / x.shape[2])[:, None].expand(x.shape[2:])


@pytest.mark.parametrize(
    ("forward", "said"),
    [
        (lambda net, x: net.conv(x)[:, :, x.shape[2] // 2 : x.shape[2] // 2 + 3], "start: $input.height // 2"),
        (lambda net, x: torch.roll(net.conv(x), x.shape[3] // 2, 3), "shifts: [$input.width // 2]"),
        (lambda net, x: net.padded(net.down(x)), "-$input.width % 7"),
        (
            lambda net, x: nn.functional.interpolate(net.down(x), size=(x.shape[2] * 2, 7)),
            "size: [2 * $input.height, 7]",
        ),
        (lambda net, x: nn.functional.adaptive_avg_pool2d(net.conv(x), (x.shape[2] // 5, 3)), "$input.height // 5"),
        (_places, "shape: [$input.height], fill: arange"),
    ],
)
def test_numbers_that_follow_from_the_size_are_arithmetic(forward: Callable[..., Any], said: str) -> None:
    parts = {"conv": nn.Conv2d(3, 8, 1), "down": nn.Conv2d(3, 8, 3, 2, 1), "padded": Padded()}
    torch.manual_seed(0)
    text = planner.import_model(of(forward, **parts), input=(32, 32, 3))
    used = {name: part for name, part in parts.items() if f"name: {name}" in text}
    net = of(forward, **used)
    text, _ = exact(net)
    assert said in text
    for height, width in ((32, 32), (45, 71), (64, 40), (97, 33)):
        report = checked_text(text, "imported.yaml", input=(height, width, 3))
        assert report.ok, [each.message for each in report.diagnostics]
        shape = report.plan.shape(report.plan.outputs[0])
        assert shape is not None
        assert shape.torch == tuple(
            net.to("meta")(torch.empty(1, 3, height, width, device="meta", dtype=torch.float64)).shape[1:]
        )


def test_constants_that_follow_from_the_size_or_from_chance_are_none() -> None:
    net = of(lambda net, x: net.conv(x) * (net.step * x.shape[2]), conv=nn.Conv2d(3, 4, 1))
    net.step = torch.tensor(2.0)
    assert "# Sizes that follow from the input's are those at this input.\n" in exact(net)[0]
    drawn = of(lambda net, x: net.conv(x) * torch.rand_like(net.step), conv=nn.Conv2d(3, 4, 1))
    drawn.step = torch.tensor(2.0)
    assert "torch's rand_like" in planner.import_model(drawn, input=(8, 8, 3))


def test_all_of_an_axis_is_all_of_it_at_other_sizes_too() -> None:
    text, _ = exact(of(lambda net, x: net.conv(x)[:, :, : x.shape[2]], conv=nn.Conv2d(3, 4, 1)))
    assert "Slice" not in text
    assert "Sizes that follow" not in text


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


def test_what_is_written_through_a_view_is_not_said_to_be_as_before() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)

        def forward(self, x: Tensor) -> Any:
            x = self.conv(x)
            x.chunk(2, 1)[0].mul_(2)
            return x

    with pytest.raises(NotImported, match="cannot be said in a model file"):
        planner.import_model(Net(), input=(8, 8, 3))


def test_a_network_that_looks_at_values_is_told_to_do_so() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)

        def forward(self, x: Tensor) -> Any:
            x = self.conv(x)
            return x if x.sum() > 0 else x * 2

    text = planner.import_model(Net(), input=(8, 8, 3))
    assert "# It looks at values (bool): this is what it does where all that it reads is 0.\n" in text


@pytest.mark.parametrize(("returned", "said"), [(3, "gives no tensor"), (None, "has no layer")])
def test_a_module_without_layers_is_refused(returned: object, said: str) -> None:
    class Net(nn.Module):
        def forward(self, x: Tensor) -> Any:
            return x if returned is None else returned

    with pytest.raises(NotImported, match=said):
        planner.import_model(Net(), input=(8, 8, 3))


def test_a_module_is_left_as_it_was() -> None:
    module = ResNet().train()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    planner.import_model(module, input=(32, 32, 3))
    assert module.training
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())


def test_a_module_can_be_checked_as_it_is() -> None:
    report = planner.check(nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU()), input=(32, 32, 3))
    assert [each.kind.name() for each in report.diagnostics] == ["unread-input", "lost-cells"]


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


class ToFit(nn.Module):
    """What is half as large is enlarged to fit, by twice: but for odd sizes, which are no less usual."""

    def __init__(self) -> None:
        super().__init__()
        self.fine, self.coarse = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, 3, 2, 1)

    def forward(self, x: Tensor) -> Any:
        fine = self.fine(x)
        coarse = self.coarse(fine)
        return nn.functional.interpolate(coarse, fine.shape[-2:]) + fine


def test_what_follows_from_odd_sizes_is_found_though_further_runs_are_as_even_as_the_first() -> None:
    text, _ = exact(ToFit())
    assert "Sizes that follow" not in text
    assert checked_text(text, "imported.yaml", input=(33, 45, 3)).ok
