"""Small modules that each do what public networks do, and what is not obvious to follow: for importers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class OnWindows(nn.Module):
    """Convolution, normalization and pool on windows that are folded into the batch, as in EfficientViT and Hiera."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 2, 2)
        self.conv = nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.outside, self.inside = (nn.Sequential(nn.Conv2d(8, 8, 1), nn.ReLU()) for _ in range(2))
        self.up = nn.ConvTranspose2d(8, 6, 2, 2)

    def forward(self, x: Tensor) -> Any:
        x = self.outside(self.stem(x))
        n, c, h, w = x.shape
        windows = x.view(n, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 1, 3, 5).reshape(-1, c, 4, 4)
        windows = self.inside(windows + self.norm(self.conv(windows)))
        windows = self.up(nn.functional.max_pool2d(windows, 2))
        windows = windows - nn.functional.adaptive_avg_pool2d(windows, 1)
        return windows.view(n, h // 4, w // 4, 6, 4, 4).permute(0, 3, 1, 4, 2, 5).reshape(n, 6, h, w)


class Rows(nn.Module):
    """Recurrent layers along the rows of a map and along its columns, as in Sequencer."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.LSTM(3, 4, batch_first=True, bidirectional=True)
        self.columns = nn.GRU(3, 4, batch_first=True)

    def forward(self, x: Tensor) -> Any:
        n, c, h, w = x.shape
        x = x.permute(0, 2, 3, 1)
        rows, _ = self.rows(x.reshape(-1, w, c))
        columns, _ = self.columns(x.permute(0, 2, 1, 3).reshape(-1, h, c))
        columns = columns.view(n, w, h, -1).permute(0, 2, 1, 3)
        return torch.cat([rows.view(n, h, w, -1), columns], dim=-1).permute(0, 3, 1, 2)


class Biases(nn.Module):
    """Biases of places that a small network works out of a table, and looks up, as in Swin V2."""

    coordinates: Tensor
    places: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("coordinates", torch.randn(1, 3, 5, 2), persistent=False)
        self.register_buffer("places", torch.randint(0, 15, (8, 8)), persistent=False)
        self.mlp = nn.Sequential(nn.Linear(2, 6), nn.ReLU(), nn.Linear(6, 4))

    def forward(self, x: Tensor) -> Any:
        table = self.mlp(self.coordinates).view(-1, 4)
        return x[:, :1, :8, :8] * torch.sigmoid(table[self.places.view(-1)].view(8, 8, -1).permute(2, 0, 1))


class Distances(nn.Module):
    """A row of a table for each distance of two places, which is worked out, as in SAM; and a mask that is made of
    numbers, as in EdgeNeXt.
    """

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(15, 6))
        self.proj = nn.Conv2d(3, 8, 4, 4)

    def forward(self, x: Tensor) -> Any:
        places = torch.arange(8, device=x.device)[:, None] - torch.arange(8, device=x.device)[None, :] + 7
        x = self.proj(x).mean(3) @ self.table[places.long()].mean(2)
        seen = torch.zeros(8, device=x.device).to(torch.bool)
        return x * (~seen).cumsum(0, dtype=x.dtype)


class Standardized(nn.Module):
    """Convolutions whose weights are standardized first, as in NFNets and BiT, or smooth, as in TResNet."""

    class Scaled(nn.Conv2d):
        def __init__(self) -> None:
            super().__init__(3, 8, 3, 2, 1)
            self.gain = nn.Parameter(torch.randn(8, 1, 1, 1))

        def forward(self, x: Tensor) -> Tensor:
            gain, rows = (self.gain * 0.3).view(-1), self.weight.reshape(1, 8, -1)
            weight = nn.functional.batch_norm(rows, None, None, weight=gain, training=True, momentum=0.0)
            return nn.functional.conv2d(x, weight.reshape_as(self.weight), self.bias, self.stride, self.padding)

    class Centred(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            variance, mean = torch.var_mean(self.weight, dim=[1, 2, 3], keepdim=True, unbiased=False)
            return nn.functional.conv2d(x, (self.weight - mean) / (variance + 1e-5).sqrt(), None, 1, 1, 1, 2)

    smooth: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.scaled, self.centred = self.Scaled(), self.Centred(8, 8, 3, groups=2, bias=False)
        self.register_buffer("smooth", torch.randn(8, 1, 3, 3))

    def forward(self, x: Tensor) -> Any:
        return nn.functional.conv2d(self.centred(self.scaled(x)), self.smooth, stride=2, groups=8)


class Cosines(nn.Module):
    """Products with a table that is no layer's weight, along each axis, and values in an order that is listed, as in
    CSATv2.
    """

    class Transform(nn.Module):
        table: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("table", torch.randn(4, 4))

        def forward(self, x: Tensor) -> Any:
            return nn.functional.linear(x, self.table)

    def __init__(self) -> None:
        super().__init__()
        self.transform = self.Transform()

    def forward(self, x: Tensor) -> Any:
        n, c, h, w = x.shape
        x = x.reshape(n, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 1, 3, 5)
        x = self.transform(self.transform(x).transpose(-1, -2)).transpose(-1, -2)
        return x.reshape(n, h // 4, w // 4, c, 16)[..., [0, 4, 1, 2, -1]].mean(3).permute(0, 3, 1, 2)


class Halo(nn.Module):
    """Blocks of cells with a border that overlaps others, as in HaloNet, and distances by shifting rows: a cell more at
    the end of each, and a row less.
    """

    def __init__(self) -> None:
        super().__init__()
        self.keys, self.distances = nn.Conv2d(3, 6, 1, 4), nn.Linear(6, 7)

    def forward(self, x: Tensor) -> Any:
        x = self.keys(x)
        n, c, _, _ = x.shape
        blocks = nn.functional.pad(x, [1, 1, 1, 1]).unfold(2, 6, 4).unfold(3, 6, 4).unfold(3, 1, 1)
        blocks = blocks.reshape(n, c, 4, 36).permute(0, 2, 3, 1)
        rows = self.distances(x.unfold(2, 4, 4).unfold(3, 4, 4).permute(0, 2, 3, 4, 5, 1)).reshape(-1, 4, 7)
        rows = nn.functional.pad(nn.functional.pad(rows, [0, 1]).flatten(1), [0, 3])
        rows = rows.reshape(-1, 5, 7)[:, :4, 3:].reshape(n, 4, 4, 16)
        return (rows.mean(2) + blocks.mean((2, 3))[..., None]).mean(1)


class Rotary(nn.Module):
    """Places times frequencies, by the function or by letters, of which tokens are turned, as in RoFormer."""

    frequencies: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 4, 4)
        self.register_buffer("frequencies", 100 ** -torch.linspace(0, 1, 4))

    def forward(self, x: Tensor) -> Any:
        x = self.conv(x).flatten(2).transpose(1, 2)
        places = torch.arange(x.shape[1], device=x.device).to(x.dtype)
        angles = torch.outer(places, self.frequencies)
        again = torch.einsum("i,j->ij", places, self.frequencies)
        a, b = x.chunk(2, dim=-1)
        return torch.cat((a * angles.cos() - b * angles.sin(), b * again.cos() + a * again.sin()), dim=-1).mT


class Written(nn.Module):
    """Values that are all written over, as in MViTv2."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bias = nn.Conv2d(3, 6, 1), nn.Parameter(torch.randn(6, 1, 1))

    def forward(self, x: Tensor) -> Any:
        x = self.conv(x)
        x[:, :, 0:, 0:] = x[:, :, 0:, 0:] + self.bias
        return x


PATTERNS: list[type[nn.Module]] = [OnWindows, Rows, Biases, Distances, Standardized, Cosines, Halo, Rotary, Written]
