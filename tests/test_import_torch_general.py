"""Modules that look at sizes, and may leave something out at the one that is meant, as padding where there are whole
windows: their files say what they do in general, and plan and compute at other sizes what the modules compute there.
"""

from __future__ import annotations

import re
from copy import deepcopy
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

import planner
from module_oracle import exact, of
from planner.outputs.code.torch import emitted
from planner.outputs.code.torch.building import module_of
from planner.workbench import checked_text

OTHERS = ((32, 32), (33, 45), (40, 56), (64, 32), (71, 90))


class FilledUp(nn.Module):
    """An input is filled up to whole patches, where it is not of these already."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 4, 8, 8)

    def forward(self, x: Tensor) -> Any:
        below, right = -x.shape[2] % 8, -x.shape[3] % 8
        return self.patches(nn.functional.pad(x, (0, right, 0, below)) if below or right else x)


class Windows(nn.Module):
    """Windows of eight cells with a bias of their own each; a map is filled up to whole ones, and cut again."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.mix = nn.Conv2d(3, 6, 3, padding=1), nn.Linear(6, 6)
        self.bias = nn.Parameter(torch.randn(64, 6))

    def forward(self, x: Tensor) -> Any:
        x = self.stem(x).permute(0, 2, 3, 1)
        n, h, w, c = x.shape
        below, right = -h % 8, -w % 8
        if below or right:
            x = pad(x, (0, 0, 0, right, 0, below))
        rows, columns = x.shape[1] // 8, x.shape[2] // 8
        x = x.view(n, rows, 8, columns, 8, c).transpose(2, 3).reshape(-1, 64, c)
        x = (
            (self.mix(x) + self.bias)
            .view(n, rows, columns, 8, 8, c)
            .transpose(2, 3)
            .reshape(n, 8 * rows, 8 * columns, c)
        )
        if below or right:
            x = x[:, :h, :w].contiguous()
        return x.permute(0, 3, 1, 2)


class Positions(nn.Module):
    """A trained table of positions beside a class token, which is resampled for a map of another size."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 6, 8, 8)
        self.cls_token, self.pos_embed = nn.Parameter(torch.randn(1, 1, 6)), nn.Parameter(torch.randn(1, 17, 6))
        self.mix = nn.Linear(6, 6)

    def positions(self, h: int, w: int) -> Tensor:
        if h * w == 16 and h == w:
            return self.pos_embed
        table = self.pos_embed[:, 1:].reshape(1, 4, 4, 6).permute(0, 3, 1, 2)
        table = interpolate(table, size=(h, w), mode="bicubic", align_corners=False)
        return torch.cat([self.pos_embed[:, :1], table.permute(0, 2, 3, 1).view(1, -1, 6)], 1)

    def forward(self, x: Tensor) -> Any:
        x = self.patches(x)
        h, w = x.shape[2:]
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x.flatten(2).transpose(1, 2)], 1)
        return self.mix(x + self.positions(h, w)).mean(1)


class Even(nn.Module):
    """A map is enlarged to an even one, where it is none."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, 2, 1)

    def forward(self, x: Tensor) -> Any:
        x = self.conv(x)
        h, w = (2 * -(-n // 2) for n in x.shape[2:])
        if (h, w) != x.shape[2:]:
            x = interpolate(x, size=(h, w), mode="bilinear", align_corners=False)
        return nn.functional.pixel_unshuffle(x, 2)


class OfOneSize(nn.Module):
    """An image is brought to one size, if it has another."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.head = nn.Conv2d(3, 2, 8, 8), nn.Linear(32, 5)

    def forward(self, x: Tensor) -> Any:
        if x.shape[2:] != (32, 32):
            x = interpolate(x, size=(32, 32), mode="bicubic", align_corners=False)
        return self.head(self.patches(x).flatten(1))


class Slope(nn.Module):
    """A slope along rows and columns for each channel; it reads no tensor, but the size of the map."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.randn(6, 1, 1))

    def forward(self, height: int, width: int) -> Any:
        rows = torch.arange(height, device=self.scale.device)[:, None].expand(height, width)
        columns = torch.arange(width, device=self.scale.device)[None].expand(height, width)
        return self.scale * (rows + 2 * columns)


class Placed(nn.Module):
    """A map with places added to it, which a module gives that reads numbers alone."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.slope = nn.Conv2d(3, 6, 2, 2), Slope()

    def forward(self, x: Tensor) -> Any:
        x = self.conv(x)
        return x + self.slope(*x.shape[2:])


class TiledTable(nn.Module):
    """A table for windows of four cells, which is laid side by side as often as it fits."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.table = nn.Conv2d(3, 6, 3, 1, 1), nn.Parameter(torch.randn(1, 6, 4, 4))

    def forward(self, x: Tensor) -> Any:
        x = pad(self.conv(x), (0, -x.shape[3] % 4, 0, -x.shape[2] % 4))
        return x + self.table.tile((1, 1, x.shape[2] // 4, x.shape[3] // 4))


class Regions(nn.Module):
    """The number of the region that each cell of a map lies in, written part by part, as for shifted windows."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 2, 4, 4)

    def forward(self, x: Tensor) -> Any:
        right, below = -x.shape[3] % 16, -x.shape[2] % 16
        x = self.patches(pad(x, (0, right, 0, below)) if right or below else x)
        regions = torch.zeros((1, 1, *x.shape[2:]), device=x.device)
        slices = slice(0, -4), slice(-4, -2), slice(-2, None)
        for i, (rows, columns) in enumerate(product(slices, slices)):
            regions[:, :, rows, columns] = i
        return x + regions


class Kept(nn.Module):
    """A table that is looked up once, and kept for the next run: each run is to be the first."""

    places: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.table = nn.Parameter(torch.randn(9))
        self.register_buffer("places", torch.tensor([0, 3, 3, 8]), persistent=False)
        self.kept: dict[str, Tensor] = {}

    def forward(self, x: Tensor) -> Any:
        if "bias" not in self.kept:
            self.kept["bias"] = self.table[self.places]
        return self.conv(x) * self.kept["bias"][:, None, None]


@pytest.mark.parametrize(
    "make", [FilledUp, Windows, Positions, Even, OfOneSize, Placed, TiledTable, Regions], ids=lambda make: make.__name__
)
def test_what_is_left_out_at_one_size_is_said_for_others(make: Any) -> None:
    torch.manual_seed(0)
    module = make().eval()
    text, _ = exact(deepcopy(module))
    module.double()
    assert "Sizes that follow" not in text
    assert "something else" not in text
    for height, width in OTHERS:
        report = checked_text(text, "imported.yaml", input=(height, width, 3))
        assert report.ok, f"{[each.message for each in report.diagnostics]}\n{text}"
        found = emitted(report)
        again = getattr(module_of(found.text), found.name)().eval().double()
        again.load_state_dict(module.state_dict())
        own = dict(module.named_buffers())
        for name, each in again.named_buffers():
            each.copy_(own[name]) if name in own else None  # what the code makes itself
        x = torch.randn(2, 3, height, width, dtype=torch.float64)
        with torch.no_grad():
            assert torch.allclose(module(x), again(x), rtol=1e-9, atol=1e-9), f"{height}×{width}\n{text}"
        shape = report.plan.shape(report.plan.outputs[0])
        assert shape is not None
        assert (2, *shape.torch) == tuple(module(x).shape)


def test_a_module_keeps_nothing_of_the_runs_for_an_import() -> None:
    text = planner.import_model(module := Kept(), input=(32, 32, 3))
    assert "type: Gather" in text
    assert "opaque" not in text
    assert not module.kept


def test_what_is_another_network_at_this_size_is_said_of_this_size() -> None:
    def forward(net: Any, x: Tensor) -> Any:
        y = net.conv(x)
        return net.out(y) if x.shape[2] == 32 else net.out(pad(y, (0, -x.shape[3] % 8)) * 3)

    text, _ = exact(of(forward, conv=nn.Conv2d(3, 4, 1), out=nn.Conv2d(4, 4, 1)))
    assert "# Sizes that follow from the input's are those at this input.\n" in text
    assert "Multiply" not in text


def test_what_is_another_network_at_few_sizes_is_said_of_these() -> None:
    def forward(net: Any, x: Tensor) -> Any:
        below = -x.shape[2] % 8
        x = pad(net.conv(x), (0, 0, 0, below)) if below else net.conv(x)
        return x if x.shape[3] % 64 or below else x * 3

    text, _ = exact(of(forward, conv=nn.Conv2d(3, 4, 1)))
    assert re.search(r"# This is what it does at most sizes; at some, as \d+×\d+×3, it does something else\.\n", text)
    assert "-$input.height % 8" in text
