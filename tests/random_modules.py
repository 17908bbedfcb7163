"""Modules of PyTorch in which what people write by hand is mixed at random: for importers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

Part = Callable[[Random, int], nn.Module]
"""Makes a part that reads a map of so many channels, and gives one with as many."""


class Conv(nn.Module):
    def __init__(self, random: Random, width: int) -> None:
        super().__init__()
        kernel = random.choice([1, 3, 5])
        groups = random.choice([1, 1, 2, width])
        self.conv = nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=groups, bias=random.random() < 0.5)
        self.norm = random.choice([nn.BatchNorm2d(width), nn.GroupNorm(2, width), None])
        self.act = random.choice([nn.ReLU(inplace=True), nn.GELU(), nn.SiLU(), nn.Hardswish(), nn.LeakyReLU(0.2)])

    def forward(self, x: Tensor) -> Any:
        x = self.conv(x)
        return self.act(x if self.norm is None else self.norm(x))


class Standardized(nn.Conv2d):
    """A convolution whose weight is standardized first, in one way or another."""

    def __init__(self, random: Random, width: int) -> None:
        groups = random.choice([1, 2])
        super().__init__(width, width, 3, padding=1, groups=groups, bias=random.random() < 0.5)
        self.gain = nn.Parameter(torch.randn(width, 1, 1, 1))
        self.how = random.choice(["normalized", "by hand"])

    def forward(self, x: Tensor) -> Any:
        if self.how == "normalized":
            rows = self.weight.reshape(1, self.out_channels, -1)
            weight = nn.functional.batch_norm(rows, None, None, self.gain.view(-1), training=True)
            weight = weight.reshape_as(self.weight)
        else:
            mean = self.weight.mean((1, 2, 3), keepdim=True)
            weight = (self.weight - mean) * self.gain / self.weight.std((1, 2, 3), keepdim=True)
        return nn.functional.conv2d(x, weight, self.bias, padding=1, groups=self.groups)


class Residual(nn.Module):
    """Branches that meet, of which one may be left out."""

    def __init__(self, random: Random, width: int) -> None:
        super().__init__()
        self.a, self.b = Conv(random, width), Conv(random, width)
        self.skip = nn.Conv2d(width, width, 1) if random.random() < 0.5 else None
        self.scale = nn.Parameter(torch.randn(width, 1, 1)) if random.random() < 0.5 else None

    def forward(self, x: Tensor) -> Any:
        out = self.b(self.a(x))
        out = out if self.scale is None else self.scale * out
        out += x if self.skip is None else self.skip(x)
        return out


class Tokens(nn.Module):
    """Cells as a sequence, and back: attention of several heads as written by hand, or PyTorch's."""

    def __init__(self, random: Random, width: int) -> None:
        super().__init__()
        self.norm, self.qkv, self.proj = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.heads, self.how = random.choice([1, 2]), random.choice(["hand", "fused", "module"])
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True) if self.how == "module" else None

    def forward(self, x: Tensor) -> Any:
        n, c, h, w = x.shape
        tokens = self.norm(x.flatten(2).transpose(1, 2))
        if self.attention is not None:
            tokens = tokens + self.attention(tokens, tokens, tokens, need_weights=False)[0]
        q, k, v = self.qkv(tokens).view(n, h * w, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        if self.how == "fused":
            out = nn.functional.scaled_dot_product_attention(q, k, v)
        else:
            out = (q @ k.transpose(-2, -1) * 0.3).softmax(-1) @ v
        out = self.proj(out.transpose(1, 2).reshape(n, h * w, c))
        return x + out.transpose(1, 2).reshape(n, c, h, w)


class Windows(nn.Module):
    """Windows or a grid of cells, each mixed by itself, perhaps shifted."""

    def __init__(self, random: Random, width: int) -> None:
        super().__init__()
        self.mix, self.out = nn.Linear(16, 16), nn.Linear(width, width)
        self.shift, self.grid = random.choice([0, 1, 2]), random.random() < 0.5

    def forward(self, x: Tensor) -> Any:
        x = x.permute(0, 2, 3, 1)
        n, h, w, c = x.shape
        x = torch.roll(x, (-self.shift, -self.shift), (1, 2)) if self.shift else x
        if self.grid:
            y = x.view(n, 4, h // 4, 4, w // 4, c).permute(0, 2, 4, 1, 3, 5).reshape(-1, 16, c)
        else:
            y = x.view(n, h // 4, 4, w // 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 16, c)
        y = self.out(self.mix(y.transpose(1, 2)).transpose(1, 2))
        y = y.view(n, h // 4, w // 4, 4, 4, c)
        y = y.permute(0, 3, 1, 4, 2, 5) if self.grid else y.permute(0, 1, 3, 2, 4, 5)
        y = torch.roll(y.reshape(n, h, w, c), (self.shift, self.shift), (1, 2))
        return (x + y).permute(0, 3, 1, 2)


class OnWindows(nn.Module):
    """Convolutions and pools on windows, or a recurrent layer on rows, that are folded into the batch."""

    def __init__(self, random: Random, width: int) -> None:
        super().__init__()
        self.how = random.choice(["windows", "rows"])
        self.inside = Conv(random, width) if self.how == "windows" else None
        self.pool = random.choice([nn.MaxPool2d(3, 1, 1), nn.AvgPool2d(3, 1, 1), None])
        self.rows = nn.GRU(width, width, batch_first=True) if self.how == "rows" else None

    def forward(self, x: Tensor) -> Any:
        n, c, h, w = x.shape
        if self.rows is not None:
            return x + self.rows(x.permute(0, 2, 3, 1).reshape(n * h, w, c))[0].view(n, h, w, c).permute(0, 3, 1, 2)
        windows = x.view(n, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 1, 3, 5).reshape(-1, c, 4, 4)
        assert self.inside is not None
        windows = self.inside(windows) if self.pool is None else self.pool(self.inside(windows))
        return windows.view(n, h // 4, w // 4, c, 4, 4).permute(0, 3, 1, 4, 2, 5).reshape(n, c, h, w)


class Gate(nn.Module):
    """Factors for channels, or for cells; or one half of the channels as a gate for the other."""

    def __init__(self, random: Random, width: int) -> None:
        super().__init__()
        self.how = random.choice(["channels", "cells", "halves", "number"])
        self.conv = nn.Conv2d(2 if self.how == "cells" else width, 2 * width if self.how == "halves" else width, 1)

    def forward(self, x: Tensor) -> Any:
        if self.how == "channels":
            return x * self.conv(x.mean((2, 3), keepdim=True)).sigmoid()
        if self.how == "cells":
            return x * torch.sigmoid(self.conv(torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)))
        if self.how == "halves":
            a, b = self.conv(x).chunk(2, 1)
            return a * b.tanh()
        return 2 * self.conv(x).clamp(-1, 1) - x / 3


class Scales(nn.Module):
    """A coarser map and back, by a size or by a factor."""

    def __init__(self, random: Random, width: int) -> None:
        super().__init__()
        self.down = random.choice([nn.MaxPool2d(2), nn.AvgPool2d(2), nn.Conv2d(width, width, 3, 2, 1)])
        self.up = nn.ConvTranspose2d(width, width, 2, 2) if random.random() < 0.4 else None
        self.by_size, self.inside = random.random() < 0.5, Conv(random, width)

    def forward(self, x: Tensor) -> Any:
        y = self.inside(self.down(x))
        if self.up is not None:
            y = self.up(y)
        elif self.by_size:
            y = nn.functional.interpolate(y, size=x.shape[-2:], mode="bilinear", align_corners=False)
        else:
            y = nn.functional.interpolate(y, scale_factor=2, mode="nearest")
        return torch.cat([x, y], 1)[:, ::2]


class Shuffle(nn.Module):
    """Channels that are parted, moved and joined again."""

    def __init__(self, random: Random, width: int) -> None:
        super().__init__()
        self.how = random.choice(["groups", "split", "einsum", "flip"])
        self.conv = nn.Conv2d(width // 2, width // 2, 1) if self.how == "split" else None
        self.weights = nn.Parameter(torch.randn(width, width)) if self.how == "einsum" else None

    def forward(self, x: Tensor) -> Any:
        n, c, h, w = x.shape
        if self.how == "groups":
            return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        if self.conv is not None:
            a, b = torch.split(x, [c // 2, c - c // 2], 1)
            return torch.cat([b, self.conv(a)], dim=1)
        if self.weights is not None:
            return torch.einsum("bchw,bkhw->bkhw", x, x) + (x.permute(0, 2, 3, 1) @ self.weights).permute(0, 3, 1, 2)
        return x.flip(3) + nn.functional.pad(x, (1, 0, 0, 1))[:, :, 1:, :-1]


PARTS: list[Part] = [Conv, Residual, Tokens, Windows, Gate, Scales, Shuffle]
ALL_PARTS = [*PARTS, Standardized, OnWindows]
"""With those that not every form of a network says in layers."""


class Net(nn.Module):
    """Parts in a row, some of them several times, one perhaps called twice."""

    def __init__(self, random: Random, parts: Sequence[Part] = PARTS) -> None:
        super().__init__()
        width = random.choice([4, 8])
        self.stem = nn.Conv2d(3, width, random.choice([1, 3]), padding="same")
        chosen = [random.choice(parts) for _ in range(random.randint(1, 4))]
        row = [made for part in chosen for made in self._row(random, part, width)]
        self.parts: Any = nn.Sequential(*row) if random.random() < 0.5 else nn.ModuleList(row)
        self.twice = random.random() < 0.3
        self.head = nn.Linear(width, 3) if random.random() < 0.7 else None

    @staticmethod
    def _row(random: Random, part: Part, width: int) -> list[nn.Module]:
        return [part(Random(random.choice([1, 1, 2])), width) for _ in range(random.randint(1, 3))]

    def forward(self, x: Tensor) -> Any:
        x = self.stem(x)
        for part in self.parts:
            x = part(x)
        x = self.parts[0](x) if self.twice else x
        return x if self.head is None else self.head(x.mean((-2, -1)))
