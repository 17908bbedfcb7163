"""Modules that stand in several places of a network, or are called where they do not stand: each weight has the name
under which it is used first, and the code of the file computes the same with it.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import planner
from planner.outputs.code.torch import emitted
from planner.outputs.code.torch.building import module_of
from planner.workbench import checked_text


class Block(nn.Module):
    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Any:
        return self.norm(self.conv(x)).relu()


class Skip(nn.Module):
    """What lies within one step of a U-Net."""

    def __init__(self, down: nn.Module, up: nn.Module, inner: nn.Module) -> None:
        super().__init__()
        self.down, self.up, self.inner = down, up, inner

    def forward(self, x: Tensor) -> Any:
        x = self.down(x)
        return self.up(x + self.inner(x))


class Nested(nn.Module):
    """All blocks stand in lists, and again within one another, as in MONAI's DynUNet."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.bottom = Block(3, 6), Block(6, 6)
        self.downs = nn.ModuleList([Block(6, 6)])
        self.ups = nn.ModuleList([Block(6, 6), Block(6, 6)])
        self.skip = Skip(self.stem, self.ups[0], Skip(self.downs[0], self.ups[1], self.bottom))

    def forward(self, x: Tensor) -> Any:
        return self.skip(x)


class Around(nn.Module):
    """A layer of its own behind one that it may share with others."""

    def __init__(self, shared: nn.Module) -> None:
        super().__init__()
        self.shared, self.own = shared, nn.Conv2d(6, 6, 1)

    def forward(self, x: Tensor) -> Any:
        return x + self.own(self.shared(x))


class Across(nn.Module):
    """A block of one name that is called in two others under their own names, and once more itself, as in CoaT."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.position = nn.Conv2d(3, 6, 1), Block(6, 6)
        self.blocks = nn.ModuleList(Around(self.position) for _ in range(3))

    def forward(self, x: Tensor) -> Any:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.position(x)


class Inner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.own = nn.Conv2d(6, 6, 1)

    def forward(self, x: Tensor, other: nn.Module) -> Any:
        return self.own(other(x))


class HandedOn(nn.Module):
    """A module that is handed on to another one, which does not have it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.other, self.inner = nn.Conv2d(3, 6, 1), Block(6, 6), Inner()

    def forward(self, x: Tensor) -> Any:
        return self.inner(self.stem(x), self.other)


class Weighted(nn.Module):
    """A weight of its own, which is another one's too."""

    def __init__(self, weight: nn.Parameter) -> None:
        super().__init__()
        self.scale, self.mix = nn.Conv2d(6, 6, 1), nn.Conv2d(6, 6, 1)
        self.mix.weight = weight

    def forward(self, x: Tensor) -> Any:
        return self.mix(self.scale(x).relu())


class TiedAcross(nn.Module):
    """Layers in three modules that have one weight; the one that is named first is called last."""

    def __init__(self) -> None:
        super().__init__()
        weight = nn.Parameter(torch.randn(6, 6, 1, 1))
        self.head = Weighted(weight)
        self.stem = nn.Conv2d(3, 6, 1)
        self.blocks = nn.Sequential(Weighted(weight), Weighted(weight))

    def forward(self, x: Tensor) -> Any:
        return self.head(self.blocks(self.stem(x)))


class OneOfSeveral(nn.Module):
    """One module under three names, called under each."""

    def __init__(self) -> None:
        super().__init__()
        self.a = self.b = self.c = Block(6, 6)
        self.stem = nn.Conv2d(3, 6, 1)

    def forward(self, x: Tensor) -> Any:
        return self.c(self.b(self.a(self.stem(x))))


ALL = [Nested, Across, HandedOn, TiedAcross, OneOfSeveral]


@pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)
def test_a_weight_has_the_name_under_which_it_is_used_first(make: Any) -> None:
    torch.manual_seed(0)
    module = make().eval()
    for each in module.modules():
        if isinstance(each, nn.BatchNorm2d):
            assert each.running_mean is not None
            each.running_mean.uniform_(-1, 1)
    text = planner.import_model(module, input=(16, 16, 3))
    assert "opaque" not in text
    report = checked_text(text, "imported.yaml")
    assert report.ok, f"{[each.message for each in report.diagnostics]}\n{text}"
    assert report.cost.params == sum(each.numel() for each in module.parameters()), text
    state = module.state_dict()
    for height, width in ((16, 16), (23, 18)):
        found = emitted(checked_text(text, "imported.yaml", input=(height, width, 3)))
        again = getattr(module_of(found.text), found.name)().eval()
        assert again.state_dict().keys() <= state.keys(), text
        again.load_state_dict({name: each for name, each in state.items() if name in again.state_dict()})
        x = torch.randn(2, 3, height, width, dtype=torch.float64)
        with torch.no_grad():
            assert torch.allclose(module.double()(x), again.double()(x), rtol=1e-9, atol=1e-9), text


def test_other_names_are_told() -> None:
    head = planner.import_model(Nested(), input=(16, 16, 3))
    assert "Not called" not in head
    assert (
        "# Stored under other names too: stem is skip.down, bottom is skip.inner.inner, downs.0 is skip.inner.down, "
        "ups.0 is skip.up, ups.1 is skip.inner.up\n"
    ) in head
    assert "# Stored under other names too: b is a, c is a\n" in planner.import_model(OneOfSeveral(), input=(16, 16, 3))
