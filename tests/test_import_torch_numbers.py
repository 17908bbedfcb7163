"""Numbers that follow from the size of the input are arithmetic in the file, or hold for its size alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import planner
from module_oracle import exact, of
from planner.workbench import checked_text

pytestmark = pytest.mark.usefixtures("internal_errors_come_through")


class Padded(nn.Module):
    """Windows of seven cells, for which the map is filled up and cut again."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Any:
        n, c, h, w = x.shape
        x = nn.functional.pad(x, (0, -w % 7, 0, -h % 7)).permute(0, 2, 3, 1)
        rows, columns = x.shape[1] // 7, x.shape[2] // 7
        x = x.view(n, rows, 7, columns, 7, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 49, c)
        x = self.mix(x).view(n, rows, columns, 7, 7, c).permute(0, 1, 3, 2, 4, 5).reshape(n, rows * 7, columns * 7, c)
        return x[:, :h, :w].permute(0, 3, 1, 2)


def _places(net: Any, x: Tensor) -> Tensor:
    """A map with the place of each row added to it."""
    x = net.conv(x)
    return x + (torch.arange(x.shape[2], device=x.device) / x.shape[2])[:, None].expand(x.shape[2:])


def test_a_number_that_no_arithmetic_says_holds_for_its_size_alone() -> None:
    text, _ = exact(of(lambda net, x: net.conv(x) * (x.shape[2] * x.shape[3]) ** -0.5, conv=nn.Conv2d(3, 4, 1)))
    assert "# Sizes that follow from the input's are those at this input.\n" in text


@pytest.mark.parametrize(
    ("forward", "said"),
    [
        (lambda net, x: net.conv(x)[:, :, x.shape[2] // 2 : x.shape[2] // 2 + 3], "start: $input.height // 2"),
        (lambda net, x: torch.roll(net.conv(x), x.shape[3] // 2, 3), "shifts: [$input.width // 2]"),
        (lambda net, x: net.padded(net.down(x)), "-$input.width % 7"),
        (
            lambda net, x: nn.functional.interpolate(net.down(x), size=(x.shape[2] * 2, 7)),
            "size: [2 * $input.height, 7]",
        ),
        (lambda net, x: nn.functional.adaptive_avg_pool2d(net.conv(x), (x.shape[2] // 5, 3)), "$input.height // 5"),
        (_places, "shape: [$input.height], fill: arange"),
    ],
)
def test_numbers_that_follow_from_the_size_are_arithmetic(forward: Callable[..., Any], said: str) -> None:
    parts = {"conv": nn.Conv2d(3, 8, 1), "down": nn.Conv2d(3, 8, 3, 2, 1), "padded": Padded()}
    torch.manual_seed(0)
    text = planner.import_model(of(forward, **parts), input=(32, 32, 3))
    used = {name: part for name, part in parts.items() if f"name: {name}" in text}
    net = of(forward, **used)
    text, _ = exact(net)
    assert said in text
    for height, width in ((32, 32), (45, 71), (64, 40), (97, 33)):
        report = checked_text(text, "imported.yaml", input=(height, width, 3))
        assert report.ok, [each.message for each in report.diagnostics]
        shape = report.plan.shape(report.plan.outputs[0])
        assert shape is not None
        assert shape.torch == tuple(
            net.to("meta")(torch.empty(1, 3, height, width, device="meta", dtype=torch.float64)).shape[1:]
        )


def test_constants_that_follow_from_the_size_or_from_chance_are_none() -> None:
    net = of(lambda net, x: net.conv(x) * (net.step * x.shape[2]), conv=nn.Conv2d(3, 4, 1))
    net.step = torch.tensor(2.0)
    assert "# Sizes that follow from the input's are those at this input.\n" in exact(net)[0]
    drawn = of(lambda net, x: net.conv(x) * torch.rand_like(net.step), conv=nn.Conv2d(3, 4, 1))
    drawn.step = torch.tensor(2.0)
    assert "torch's rand_like" in planner.import_model(drawn, input=(8, 8, 3))


def test_all_of_an_axis_is_all_of_it_at_other_sizes_too() -> None:
    text, _ = exact(of(lambda net, x: net.conv(x)[:, :, : x.shape[2]], conv=nn.Conv2d(3, 4, 1)))
    assert "Slice" not in text
    assert "Sizes that follow" not in text


class ToFit(nn.Module):
    """What is half as large is enlarged to fit, by twice: but for odd sizes, which are no less usual."""

    def __init__(self) -> None:
        super().__init__()
        self.fine, self.coarse = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, 3, 2, 1)

    def forward(self, x: Tensor) -> Any:
        fine = self.fine(x)
        coarse = self.coarse(fine)
        return nn.functional.interpolate(coarse, fine.shape[-2:]) + fine


def test_what_follows_from_odd_sizes_is_found_though_further_runs_are_as_even_as_the_first() -> None:
    text, _ = exact(ToFit())
    assert "Sizes that follow" not in text
    assert checked_text(text, "imported.yaml", input=(33, 45, 3)).ok
