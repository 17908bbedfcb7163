"""What no layer says is opaque, left out or refused, with the reason; what one would say falsely is not said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import planner
from module_oracle import exact, of
from planner.faults.not_imported import NotImported
from planner.workbench import checked_text

pytestmark = pytest.mark.usefixtures("internal_errors_come_through")


def test_what_no_layer_says_is_opaque_and_the_rest_is_planned() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.out = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 1)

        def forward(self, x: Tensor) -> Any:
            x = torch.special.bessel_j0(self.conv(x))
            return self.out(x)

    text = planner.import_model(Net(), input=(16, 16, 3))
    assert "# 1 of 3 steps is opaque:" in text
    report = checked_text(text, "imported.yaml")
    assert report.ok
    assert [str(each.outputs[0]) for each in report.plan.layers] == ["14×14×4", "14×14×4", "14×14×2"]
    assert report.cost.macs is None


@pytest.mark.parametrize(
    ("forward", "reason"),
    [
        (lambda net, x: nn.functional.dropout(net.conv(x), 0.5), "dropout that works in evaluation too"),
        (lambda net, x: net.conv(x).round(decimals=2), "round with such arguments"),
        (lambda net, x: net.conv(x)[:, [True, False, True, False]], "an index that is a tensor"),
        (lambda net, x: net.conv(x).view(torch.int32), "numbers that are taken for another type of numbers"),
        (
            lambda net, x: nn.functional.batch_norm(net.conv(x), None, None, training=True),
            "by the batch, in evaluation",
        ),
        (
            lambda net, x: torch.nn.functional.conv2d(
                x.flatten(0, 1)[None], x[:, :, :1, :1].reshape(-1, 1, 1, 1), None, 1, 0, 1, 3 * len(x)
            ),
            "the batch in another dimension",
        ),
    ],
)
def test_what_a_layer_would_say_falsely_is_opaque(forward: Callable[..., Any], reason: str) -> None:
    text = planner.import_model(of(forward, conv=nn.Conv2d(3, 4, 1)), input=(8, 8, 3))
    assert reason in text, text


def test_what_is_never_called_is_left_out_by_its_name() -> None:
    layers = [nn.Conv2d(3, 3, 1) for _ in range(4)]
    text = planner.import_model(of(lambda net, x: net.encoder[:2](x), encoder=nn.Sequential(*layers)), input=(8, 8, 3))
    assert "# Not used in evaluation, and left out: encoder.2, encoder.3\n" in text


def test_what_is_cut_off_by_a_cast_is_cut_off() -> None:
    text, _ = exact(of(lambda net, x: net.conv(x * 9).long().to(x.dtype), conv=nn.Conv2d(3, 4, 1)))
    assert "type: Trunc" in text


def test_a_module_that_does_more_than_its_class_is_no_layer() -> None:
    hooked, other = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)
    hooked.register_forward_hook(lambda module, args, result: result * 2)
    other.forward = lambda x: x + 1  # type: ignore[method-assign,assignment]
    text = planner.import_model(
        of(lambda net, x: net.other(net.hooked(x)), hooked=hooked, other=other), input=(8, 8, 3)
    )
    assert "{type: Multiply, other: 2}" in text
    assert "{type: Add, other: 1}" in text
    assert "other:\n" not in text


def test_what_is_written_through_a_view_is_not_said_to_be_as_before() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)

        def forward(self, x: Tensor) -> Any:
            x = self.conv(x)
            x.chunk(2, 1)[0].mul_(2)
            return x

    with pytest.raises(NotImported, match="cannot be said in a model file"):
        planner.import_model(Net(), input=(8, 8, 3))


def test_a_network_that_looks_at_values_is_told_to_do_so() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)

        def forward(self, x: Tensor) -> Any:
            x = self.conv(x)
            return x if x.sum() > 0 else x * 2

    text = planner.import_model(Net(), input=(8, 8, 3))
    assert "# It looks at values (bool): this is what it does where all that it reads is 0.\n" in text


@pytest.mark.parametrize(("returned", "said"), [(3, "gives no tensor"), (None, "has no layer")])
def test_a_module_without_layers_is_refused(returned: object, said: str) -> None:
    class Net(nn.Module):
        def forward(self, x: Tensor) -> Any:
            return x if returned is None else returned

    with pytest.raises(NotImported, match=said):
        planner.import_model(Net(), input=(8, 8, 3))
