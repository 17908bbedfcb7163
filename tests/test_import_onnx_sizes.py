"""Files of ONNX that leave the size of a map open: what follows from it is worked out at many sizes, odd ones too, and
the model file plans at other sizes as the network runs there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from module_oracle import of
from onnx_files import exported, followed, planned

PINNED = "Sizes that follow from the input's are those at this input."
AXES = {"x0": {0: "N", 2: "height", 3: "width"}}


def to_the_size_of_another(net: Any, x: Tensor) -> Any:
    half = net.a(F.avg_pool2d(x, 2))
    return x.mean(1, keepdim=True) + F.interpolate(half, size=x.shape[2:], mode="nearest")


def filled_to_the_size_of_another(net: Any, x: Tensor) -> Any:
    half = F.interpolate(net.a(F.max_pool2d(x, 2)), scale_factor=2.0)
    below, right = x.shape[2] - half.shape[2], x.shape[3] - half.shape[3]
    return torch.cat([x, F.pad(half, (right // 2, right - right // 2, below // 2, below - below // 2))], 1)


def cut_to_the_size_of_another(net: Any, x: Tensor) -> Any:
    return x[:, :2] + net.up(net.a(F.max_pool2d(x, 2, ceil_mode=True)))[:, :, : x.shape[2], : x.shape[3]]


def last_row(net: Any, x: Tensor) -> Any:
    return net.a(x)[:, :, -1]


@pytest.mark.parametrize(
    "forward", [to_the_size_of_another, filled_to_the_size_of_another, cut_to_the_size_of_another, last_row]
)
def test_a_file_of_onnx_plans_at_odd_sizes_too(forward: Callable[[Any, Tensor], Any]) -> None:
    module = of(forward, a=nn.Conv2d(3, 2, 3, padding=1), up=nn.ConvTranspose2d(2, 2, 2, 2))
    model = exported(module, torch.zeros(2, 3, 16, 24), free=False, input_names=["x0"], dynamic_axes=AXES)
    text = followed(model, input=(16, 24, 3))[1]
    assert PINNED not in text
    for height, width in ((17, 24), (31, 45), (64, 96), (9, 8)):
        report = planned(text, input=(height, width, 3))
        assert report.ok, f"{[each.message for each in report.diagnostics]}\n{text}"
        with torch.no_grad():
            wanted = tuple(module(torch.zeros(1, 3, height, width)).shape[1:])
        shape = report.plan.shape(report.plan.outputs[0])
        assert shape is not None
        assert wanted in (shape.torch, shape)


def test_the_largest_values_are_a_layer() -> None:
    module = of(lambda net, x: net.a(x).flatten(2).topk(5, dim=-1)[0], a=nn.Conv2d(3, 2, 1))
    text = followed(exported(module, torch.zeros(2, 3, 8, 8)))[1]
    assert "{type: TopK, k: 5, dim: 2}" in text
