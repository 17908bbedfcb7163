"""ResNet-50 and DenseNet-121 in plain torch, as the yardstick: the same layers as in `configs/`, on the meta device."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def conv_norm(channels: int, out: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    """A convolution that keeps the size up to its stride, and its batch norm."""
    return [nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(out)]


def norm_conv(channels: int, out: int, kernel: int) -> list[nn.Module]:
    """DenseNet's order: batch norm, ReLU, convolution."""
    return [nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, out, kernel, padding=kernel // 2, bias=False)]


class Bottleneck(nn.Module):
    """Three convolutions beside a shortcut (He et al. 2015), with the stride in the 3×3."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        out = 4 * width
        self.convs = nn.Sequential(
            *conv_norm(channels, width, 1),
            nn.ReLU(),
            *conv_norm(width, width, 3, stride),
            nn.ReLU(),
            *conv_norm(width, out, 1),
        )
        project = stride > 1 or channels != out
        self.shortcut = nn.Sequential(*(conv_norm(channels, out, 1, stride) if project else []))
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu(self.convs(x) + self.shortcut(x))
        return out


class DenseLayer(nn.Module):
    """Adds 32 channels to all that came before (Huang et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(*norm_conv(channels, 128, 1), *norm_conv(128, 32, 3))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.convs(x)], 1)


def stem() -> list[nn.Module]:
    return [*conv_norm(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]


def head(channels: int) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1000)]


def resnet50() -> nn.Module:
    layers, channels = stem(), 64
    for stage, blocks in enumerate([3, 4, 6, 3]):
        width = 64 * 2**stage
        for block in range(blocks):
            layers.append(Bottleneck(channels, width, 2 if stage and not block else 1))
            channels = 4 * width
    return nn.Sequential(*layers, *head(channels))


def densenet121() -> nn.Module:
    layers, channels = stem(), 64
    for stage, blocks in enumerate([6, 12, 24, 16]):
        if stage:
            layers += [*norm_conv(channels, channels // 2, 1), nn.AvgPool2d(2)]
            channels //= 2
        for _ in range(blocks):
            layers.append(DenseLayer(channels))
            channels += 32
    return nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU(), *head(channels))
