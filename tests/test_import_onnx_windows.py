"""Files of ONNX for one size alone, in which sizes that were worked out are fixed: windows, and masks for them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from onnx_files import evaluated, exported, followed, rebuilt
from planner.inputs.onnx import _head

WINDOW, SHIFT = 3, 1


class Windows(nn.Module):
    """Mixes cells within windows, which may lie shifted; then with a mask, whose parts are written one by one."""

    def __init__(self, masked: bool) -> None:
        super().__init__()
        self.stem, self.mix, self.masked = nn.Conv2d(3, 8, 2, 2), nn.Linear(8, 8), masked

    def mask(self, h: int, w: int) -> Tensor:
        """What keeps cells apart that do not lie side by side before they are shifted."""
        parts = torch.zeros(1, h, w, 1)
        bounds = [slice(0, -WINDOW), slice(-WINDOW, -SHIFT), slice(-SHIFT, None)]
        for i, rows in enumerate(bounds):
            for j, columns in enumerate(bounds):
                parts[:, rows, columns] = 3 * i + j
        parts = parts.view(h // WINDOW, WINDOW, w // WINDOW, WINDOW).transpose(1, 2).reshape(-1, WINDOW * WINDOW)
        apart = parts[:, None] - parts[:, :, None]
        return apart.masked_fill(apart != 0, -100.0).masked_fill(apart == 0, 0.0)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        n, c, h, w = x.shape
        y = pad(x, (0, -w % WINDOW, 0, -h % WINDOW))
        rows, columns = y.shape[2] // WINDOW, y.shape[3] // WINDOW
        if self.masked:
            y = torch.roll(y, (-SHIFT, -SHIFT), (2, 3))
        y = y.view(n, c, rows, WINDOW, columns, WINDOW).permute(0, 2, 4, 3, 5, 1).reshape(-1, WINDOW * WINDOW, c)
        scores = self.mix(y) @ y.transpose(1, 2)
        if self.masked:
            mask = self.mask(WINDOW * rows, WINDOW * columns)
            scores = (scores.view(n, -1, *scores.shape[1:]) + mask).view(scores.shape)
        y = scores.softmax(-1) @ y
        y = y.view(n, rows, columns, WINDOW, WINDOW, c).permute(0, 5, 1, 3, 2, 4).reshape(n, c, WINDOW * rows, -1)
        x = x + y[:, :, :h, :w]
        part = x.clone()
        part[:, :3, 1:4] *= torch.sigmoid(x.amax(1, keepdim=True))[:, :, 1:4]
        return part


@pytest.mark.parametrize("masked", [False, True])
def test_windows_of_one_size_come_in_whole(masked: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 3, 29, 23)
    model = exported(Windows(masked), x, free=False)
    wanted = evaluated(model, x)
    found, text = followed(model)
    assert "\n".join(_head(found)).splitlines()[1:] == ["Sizes that follow from the input's are those at this input."]
    with torch.no_grad():
        again = rebuilt(found, text)(x.double())
    assert (again - wanted).abs().max() < 1e-5 * wanted.abs().max()
