"""Modules that work numbers out from sizes: what their files say has at many other sizes the shapes that the modules
have there, or is said of this size alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

import planner
from planner.diagnostics import Fault
from planner.outputs.code.torch import emitted
from planner.outputs.code.torch.building import module_of
from planner.propagation import propagate
from planner.source import parse
from planner.unfolding import load
from planner.workbench import checked_text

PINNED = "Sizes that follow from the input's are those at this input."
CHANNELS = 4
SIZES = 60
"""Other sizes of each axis."""


class Chain(nn.Module):
    """Strides, and then a map that is brought to another size, which is worked out from the size that it has."""

    def __init__(self, strides: nn.Module, bring: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.strides, self.bring = strides, bring
        self.last = nn.Conv2d(CHANNELS, 2, 1)

    def forward(self, x: Tensor) -> Any:
        return self.last(self.bring(self.strides(x)))


def strides(draw: Random) -> nn.Module:
    """Up to three convolutions and pools in a row."""
    found: list[nn.Module] = []
    for i in range(draw.randint(1, 3)):
        stride = draw.choice((2, 2, 2, 3, 4))
        kernel = draw.choice((stride, stride + 1, 3))
        padding = draw.randint(0, kernel // 2)
        if i and draw.random() < 0.4:
            found.append(nn.MaxPool2d(kernel, stride, padding, ceil_mode=draw.random() < 0.5))
        else:
            found.append(nn.Conv2d(CHANNELS if i else 3, CHANNELS, kernel, stride, padding))
    return nn.Sequential(*found)


def filled(k: int, x: Tensor) -> Tensor:
    """Filled up to whole windows, behind."""
    h, w = x.shape[-2:]
    return pad(x, (0, (k - w % k) % k, 0, (k - h % k) % k))


def centred(k: int, x: Tensor) -> Tensor:
    """Filled up to whole windows, on both sides."""
    h, w = x.shape[-2:]
    below, right = -h % k, -w % k
    return pad(x, (right // 2, right - right // 2, below // 2, below - below // 2))


def resized(k: int, x: Tensor) -> Tensor:
    """Resized to whole windows."""
    h, w = x.shape[-2:]
    return interpolate(x, size=(-(-h // k) * k, -(-w // k) * k), mode="nearest")


def shrunk(k: int, x: Tensor) -> Tensor:
    h, w = x.shape[-2:]
    return interpolate(x, size=(h // k + 1, (w + 1) // k + 1), mode="nearest")


def cropped(k: int, x: Tensor) -> Tensor:
    """What whole windows hold."""
    h, w = x.shape[-2:]
    return x[:, :, : h - h % k, : w // k * k]


def windows(k: int, x: Tensor) -> Tensor:
    """Filled up, brought into windows and back, and cut again."""
    n, c, h, w = x.shape
    x = filled(k, x)
    rows, columns = x.shape[2] // k, x.shape[3] // k
    x = x.view(n, c, rows, k, columns, k).permute(0, 2, 4, 3, 5, 1).reshape(-1, k * k, c).softmax(1)
    x = x.view(n, rows, columns, k, k, c).permute(0, 5, 1, 3, 2, 4).reshape(n, c, rows * k, columns * k)
    return x[:, :, :h, :w]


BRING = (filled, filled, centred, resized, shrunk, cropped, windows)


def chain(seed: int) -> tuple[nn.Module, tuple[int, int], str]:
    """A chain by its number, the size of its input, and what it does in words."""
    draw = Random(seed)
    bring, k = draw.choice(BRING), draw.choice((2, 3, 4, 5, 7, 8))
    module = Chain(strides(draw), lambda x: bring(k, x)).to("meta").eval()
    size = draw.randint(60, 300), draw.randint(60, 300)
    while given(module, size) is None:
        size = size[0] + 60, size[1] + 60
    return module, size, f"{bring.__name__} by {k} at {size}: {module.strides}"


def others(size: tuple[int, int], draw: Random) -> Iterator[tuple[int, int]]:
    """Other sizes of each axis, even and odd, and of both."""
    for _ in range(SIZES):
        n, m = draw.randint(8, 400), draw.randint(8, 400)
        yield from ((n, size[1]), (size[0], m), (n, m))


def planned(source: Any, size: tuple[int, int]) -> tuple[int, ...] | None:
    """The shape that a file gives for an input; None where it has an error."""
    try:
        model = load(source, input=(*size, 3))
        plan = propagate(model)
    except Fault:
        return None
    if model.diagnostics or any(each.severity == "error" for each in plan.diagnostics):
        return None
    shape = plan.shape(plan.outputs[0])
    return None if shape is None else shape.torch


def given(module: nn.Module, size: tuple[int, int]) -> tuple[int, ...] | None:
    """The shape that a module gives; None where it fails."""
    try:
        return tuple(module(torch.empty(2, 3, *size, device="meta")).shape[1:])
    except RuntimeError:
        return None


def compare(seed: int) -> tuple[str, int]:
    """Compare a chain with its file: whether it is said of this size alone, and how many sizes the file refuses."""
    module, size, said = chain(seed)
    text = planner.import_model(module, input=(*size, 3))
    source = parse(text)
    assert planned(source, size) == given(module, size), f"{said}\n{text}"
    if PINNED in text:
        return "pinned", 0
    assert "opaque" not in text, f"{said}\n{text}"
    refused = 0
    for other in others(size, Random(seed)):
        wanted, found = given(module, other), planned(source, other)
        refused += found is None and wanted is not None
        assert found in (wanted, None), f"{said}: {found} for {wanted} at {other}\n{text}"
    return "followed", refused


def test_chains_have_at_other_sizes_the_shapes_of_their_modules() -> None:
    found = [compare(seed) for seed in range(5)]
    assert sum(kind == "pinned" for kind, _ in found) <= 1
    assert sum(refused for _, refused in found) == 0


@pytest.mark.long
def test_many_chains_have_at_other_sizes_the_shapes_of_their_modules() -> None:
    found = [compare(seed) for seed in range(1_000, 1_300)]
    assert sum(kind == "pinned" for kind, _ in found) <= 30


def test_the_head_names_sizes_from_which_on_a_file_is_planned() -> None:
    def bordered(x: Tensor) -> Tensor:
        h, w = x.shape[-2:]
        border = torch.ones(1, 1, h - 8, w, device=x.device)
        return x + pad(border, (0, 0, 4, 4))

    module = Chain(nn.Conv2d(3, CHANNELS, 2, 2), bordered).to("meta").eval()
    text = planner.import_model(module, input=(64, 48, 3))
    assert "# It takes inputs from a height of 18 on;" in text, text
    source = parse(text)
    for height in (16, 17, 18, 33):
        found = planned(source, (height, 48))
        assert found == (given(module, (height, 48)) if height >= 18 else None)


class Ratios(nn.Module):
    """A table of positions at the size of a map, and values by ratios of sizes, which are no whole numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, CHANNELS, 3, stride=2)
        self.table = nn.Parameter(torch.randn(1, CHANNELS, 14, 14))

    def forward(self, x: Tensor) -> Any:
        y = self.conv(x)
        h, w = y.shape[-2:]
        table = interpolate(self.table, scale_factor=(h / 14, w / 14), mode="bicubic")
        return (y + table) / h * (x.shape[-1] / w) * float(w) * (7 / h)


def test_ratios_of_sizes_follow_the_input() -> None:
    module = Ratios().double()
    text = planner.import_model(module, input=(32, 32, 3))
    assert PINNED not in text, text
    for size in ((32, 32), (40, 48), (33, 57), (31, 29), (19, 90)):
        code = emitted(checked_text(text, "ratios.yaml", input=(*size, 3)))
        again = getattr(module_of(code.text), code.name)().double()
        again.load_state_dict(module.state_dict())
        x = torch.randn(2, 3, *size, dtype=torch.float64)
        assert torch.equal(module(x), again(x)), size
