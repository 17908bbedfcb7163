"""Small modules that make masks and numbers in their forward pass, split off tokens, or share modules, as published
networks do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class ShiftedWindows(nn.Module):
    """Attention within windows that are shifted, with a mask that is made anew in every forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, x: Tensor) -> Any:
        x = self.conv(x)
        n, c, h, w = x.shape
        windows = x.view(n, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 3, 5, 1).reshape(-1, 16, c)
        attention = (windows @ windows.transpose(-2, -1)).view(n, -1, 16, 16) + self.mask(x).unsqueeze(0)
        mixed = attention.view(-1, 16, 16).softmax(-1) @ windows
        return mixed.view(n, h // 4, w // 4, 4, 4, c).permute(0, 5, 1, 3, 2, 4).reshape(n, c, h, w)

    def mask(self, x: Tensor) -> Tensor:
        """Which cells of a window come from the same part of the image."""
        h, w = x.shape[2:]
        parts = x.new_zeros((h, w))
        for i, rows in enumerate((slice(0, -4), slice(-4, -2), slice(-2, None))):
            for k, columns in enumerate((slice(0, -4), slice(-4, -2), slice(-2, None))):
                parts[rows, columns] = 3 * i + k
        parts = parts.view(h // 4, 4, w // 4, 4).permute(0, 2, 1, 3).reshape(-1, 16)
        apart = parts.unsqueeze(1) - parts.unsqueeze(2)
        return apart.masked_fill(apart != 0, -100.0).masked_fill(apart == 0, 0.0)


class Comparing(nn.Module):
    """Values that are chosen by others."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)

    def forward(self, x: Tensor) -> Any:
        y, z = self.left(x), self.right(x)
        chosen = (y > z) & (y < 0.5) | (z >= y * 2)
        return torch.where(chosen, y, z / 2) + torch.where(~chosen, 1.0, y) + y.masked_fill(z <= 0, 3) + (y == z)


class AcrossAxes(nn.Module):
    """Tokens whose values are taken for a map in the order in which they lie in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 1)

    def forward(self, x: Tensor) -> Any:
        tokens = self.conv(x).flatten(2).transpose(1, 2)
        return tokens.reshape(x.shape[0], 5, *x.shape[2:])


ONE_FOR_ALL = nn.SiLU()


class Strides(nn.Module):
    """Numbers in a tensor that is neither a parameter nor a buffer, and an activation that several modules have."""

    class Part(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.act = nn.Conv2d(3, 3, 1), ONE_FOR_ALL
            self.register_buffer("places", torch.arange(3), persistent=False)
            self.register_buffer("scale", torch.full((1, 3, 1, 1), 0.5), persistent=False)

        def forward(self, x: Tensor) -> Any:
            assert isinstance(self.places, Tensor)
            return self.act(self.conv(x)) * self.scale + self.places[:, None, None]

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = self.Part(), self.Part()
        self.stride, self.mean = torch.tensor([8.0, 16.0]), torch.full((3, 1, 1), 0.25)

    def forward(self, x: Tensor) -> Any:
        x = self.second(self.first(x - self.mean.to(x)))
        for stride in self.stride:
            x = x * stride + torch.full((3, 1, 1), stride, device=x.device) + x.new_full((3, 1, 1), 2)
        return x + 1 if self.stride[0] > 3 else x


class ClassToken(nn.Module):
    """A token that is split from as many others as the image has, in modules that go one into the other."""

    class Stage(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.token = nn.Conv2d(3, 8, 2, 2), nn.Parameter(torch.randn(1, 1, 8))

        def forward(self, x: Tensor) -> Any:
            tokens = self.conv(x).flatten(2).transpose(1, 2)
            tokens = torch.cat([self.token.expand(len(x), -1, -1), tokens], 1)
            return torch.split(tokens, [1, tokens.shape[1] - 1], 1)

    def __init__(self) -> None:
        super().__init__()
        self.stage, self.norm = self.Stage(), nn.LayerNorm(8)

    def forward(self, x: Tensor) -> Any:
        token, others = self.stage(x)
        return self.norm(token)[:, 0], others.mean(1)


class AtStep(nn.Module):
    """An image with the number of a step, which is the same for all samples and is made into waves."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.time = nn.Conv2d(3, 4, 1), nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Any:
        step = torch.as_tensor(torch.tensor([10], device=x.device)) * torch.ones(len(x), device=x.device)
        angles = step[:, None].to(x) * torch.arange(3, device=x.device).to(x)[None]
        waves = torch.cat([angles.sin(), angles.cos()], -1)
        return self.conv(x) + self.time(waves)[:, :, None, None]


class Halves(nn.Module):
    """Modules that end in a split, of which only the first part is used."""

    class Inner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(8, 8, 1)

        def forward(self, x: Tensor) -> Any:
            return self.conv(x).chunk(2, 1)

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.norm = nn.Sequential(nn.Conv2d(3, 8, 1), self.Inner()), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Any:
        return self.norm(self.inner(x)[0])


IDIOMS: list[Callable[[], nn.Module]] = [
    ShiftedWindows,
    Comparing,
    AcrossAxes,
    Strides,
    ClassToken,
    Halves,
    AtStep,
]
