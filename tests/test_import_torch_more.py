"""More of what modules do in their forward pass, imported exactly; what is said where a file cannot have it; and what
must not be said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import planner
from module_functions import FUNCTIONS
from module_oracle import exact, of
from planner.workbench import checked_text

pytestmark = pytest.mark.usefixtures("internal_errors_come_through")


@pytest.mark.parametrize("make", FUNCTIONS)
def test_what_modules_do_is_exact(make: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    text, _ = exact(make(), (32, 48, 3) if make.__name__ in ("HiddenByBuffer", "Triangles") else (32, 32, 3))
    assert "opaque" not in text, text


def test_a_mask_that_hides_what_comes_behind_is_known_to_do_so() -> None:
    """In layers, as an option, so that analyses know what is hidden."""

    def attention(net: Any, x: Tensor) -> Any:
        x = net.conv(x).flatten(2).transpose(1, 2)
        seen = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril()
        return F.scaled_dot_product_attention(x, x, x, attn_mask=seen)

    text = planner.import_model(of(attention, conv=nn.Conv2d(3, 8, 8, 8)), input=(32, 32, 3))
    assert "{type: ScaledDotProductAttention, is_causal: true, from: [flatten, flatten, flatten]}" in text
    assert "Constant" not in text


def test_places_that_may_be_the_same_are_not_written_to() -> None:
    """Of the largest along one dimension those along another one may be equal."""

    def scattered(net: Any, x: Tensor) -> Any:
        y = net.conv(x)
        return torch.zeros_like(y).scatter(1, y.topk(30, 2).indices.expand(-1, 4, -1, -1)[:, :, :30], y)

    text = planner.import_model(of(scattered, conv=nn.Conv2d(3, 4, 3)), input=(32, 32, 3))
    assert "values at places of which two may be the same" in text


def _attention(mask: Callable[[Tensor, int], Tensor]) -> Callable[..., Any]:
    """Attention of tokens with a mask, which is made of their type and number."""

    def forward(net: Any, x: Tensor) -> Any:
        x = net.conv(x).flatten(2).transpose(1, 2)
        return F.scaled_dot_product_attention(x, x, x, attn_mask=mask(x, x.shape[1])).transpose(1, 2)

    return forward


def _best(put: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[..., Any]:
    """The two best of a few channels, put somewhere."""

    def forward(net: Any, x: Tensor) -> Any:
        x = net.conv(x)
        return put(x, *x.topk(2, 1))

    return forward


@pytest.mark.parametrize(
    "forward",
    [
        _attention(lambda x, n: torch.ones(n, n, dtype=torch.bool, device=x.device).tril().T),
        _attention(lambda x, n: torch.ones(n, n, dtype=x.dtype, device=x.device).tril()),
        _attention(lambda x, n: torch.ones(n, n, dtype=x.dtype, device=x.device).tril().bool()),
        _attention(lambda x, n: torch.full((n, n), -torch.inf, dtype=x.dtype, device=x.device).triu(2)),
        _attention(lambda x, n: torch.full((n, n), -torch.inf, dtype=x.dtype, device=x.device).tril(-1)),
        lambda net, x: net.conv(x).relu().log().tril(-1),
        lambda net, x: net.conv(x).relu().log().triu(1),
        _best(lambda x, values, places: torch.full_like(x, -torch.inf).scatter(1, places, values).softmax(1)),
        _best(lambda x, values, places: x.scatter(1, places, -torch.inf).softmax(1)),
        _best(lambda x, values, places: x.scatter(1, places, values.relu().log())),
        _best(lambda x, values, places: x.scatter_add(1, places, values.relu().log())),
        _best(lambda x, values, places: torch.zeros_like(x).scatter(1, places, 1.0)),
    ],
)
def test_infinity_stays_where_it_is_and_turned_masks_are_turned(forward: Callable[..., Any]) -> None:
    torch.manual_seed(0)
    text, _ = exact(of(forward, conv=nn.Conv2d(3, 4, 4, 4)), (20, 28, 3))
    assert "opaque" not in text, text


def test_a_turned_mask_of_what_comes_behind_is_another_mask() -> None:
    def forward(net: Any, x: Tensor) -> Any:
        x = net.conv(x).flatten(2).transpose(1, 2)
        mask = torch.full((x.shape[1], x.shape[1]), -torch.inf, dtype=x.dtype, device=x.device).triu(1).T
        return net.attention(x, x, x, attn_mask=mask, need_weights=False)[0].transpose(1, 2)

    text, _ = exact(of(forward, conv=nn.Conv2d(3, 4, 4, 4), attention=nn.MultiheadAttention(4, 2, batch_first=True)))
    assert "is_causal" not in text, text


def test_values_of_which_only_some_are_put_at_places_are_not_said_to_be() -> None:
    forward = _best(lambda x, values, places: torch.zeros_like(x).scatter(1, places[:, :1], x))
    text = planner.import_model(of(forward, conv=nn.Conv2d(3, 4, 3)), input=(8, 8, 3))
    assert "a part of the values at places" in text, text


@pytest.mark.parametrize(
    ("forward", "said"),
    [
        (lambda net, x: net.conv(x).squeeze(0) if len(x) == 1 else net.conv(x) * 2, True),
        (lambda net, x: net.conv(x).mean((2, 3), keepdim=True).squeeze(), True),
        (lambda net, x: net.conv(x).reshape(len(x), -1), False),
    ],
)
def test_another_network_for_a_single_sample_is_said(forward: Callable[..., Any], said: bool) -> None:
    text = planner.import_model(of(forward, conv=nn.Conv2d(3, 4, 1)), input=(8, 8, 3))
    assert ("# For a single sample it does something else.\n" in text) == said


def test_what_is_stored_and_never_used_is_said() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)
            self.register_buffer("steps", torch.zeros((), dtype=torch.long))

        def forward(self, x: Tensor) -> Any:
            return self.conv(x)

    assert "# Not used in evaluation, and left out: steps\n" in planner.import_model(Counting(), input=(8, 8, 3))


def test_a_module_that_is_spread_over_devices_is_itself() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
    text = planner.import_model(nn.DataParallel(module), input=(8, 8, 3))
    assert text == planner.import_model(module, input=(8, 8, 3))


def test_what_follows_from_no_input_is_no_decision() -> None:
    def forward(net: Any, x: Tensor) -> Any:
        return net.conv(x) if bool((torch.ones(3, device="cpu") > 0).all()) else x

    assert "looks at values" not in planner.import_model(of(forward, conv=nn.Conv2d(3, 4, 1)), input=(8, 8, 3))


def test_truth_values_that_are_not_stored_are_followed() -> None:
    class Hiding(nn.Module):
        hidden: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)
            self.register_buffer("hidden", torch.eye(8, dtype=torch.bool), persistent=False)

        def forward(self, x: Tensor) -> Any:
            return self.conv(x).masked_fill(self.hidden, -torch.finfo(x.dtype).max).softmax(-1)

    text, _ = exact(Hiding(), (8, 8, 3))
    assert "persistent: false" in text
    assert "# In no `state_dict`, and 0 in code until they are set: hidden\n" in text


@pytest.mark.parametrize(
    "size",
    [
        lambda h, w: (h // 3 * 2, w // 3 + 1),
        lambda h, w: ((h + -h % 32) // 2, -(-w // 7) - 1),
    ],
)
def test_sizes_by_two_steps_of_arithmetic_are_found(size: Callable[[int, int], Any]) -> None:
    def forward(net: Any, x: Tensor) -> Any:
        return F.interpolate(net.conv(x), size=size(*x.shape[2:]))

    text = planner.import_model(of(forward, conv=nn.Conv2d(3, 4, 1)), input=(32, 32, 3))
    for h, w in ((40, 41), (57, 90)):
        assert [each.outputs[0] for each in checked_text(text, input=(h, w, 3)).plan.steps][-1] == (*size(h, w), 4)


def test_the_middle_of_what_was_filled_up_is_cut_out() -> None:
    def forward(net: Any, x: Tensor) -> Any:
        h, w = x.shape[2:]
        up, left = -h % 32 // 2, -w % 32 // 2
        y = net.conv(F.pad(x, (left, -w % 32 - left, up, -h % 32 - up), mode="reflect"))
        return y[..., up : up + h, left : left + w]

    text, _ = exact(of(forward, conv=nn.Conv2d(3, 4, 3, padding=1)), (30, 35, 3))
    for h, w in ((94, 131), (41, 60)):
        assert [each.outputs[0] for each in checked_text(text, input=(h, w, 3)).plan.steps][-1] == (h, w, 4)
