"""Networks of PyTorch as people write them, for what brings networks in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

Maker = Callable[[], nn.Module]


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
