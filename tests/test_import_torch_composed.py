"""Functions that are a few layers in a row, layers that are given more than one tensor, and what a network gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from yaml import safe_load

import planner
from module_oracle import exact, of
from planner.inputs._recurrent import run_layer
from planner.workbench import checked_text

pytestmark = pytest.mark.usefixtures("internal_errors_come_through")

PINNED = "Sizes that follow from the input's are those at this input."
Function = Callable[[Any, Tensor], Any]


COMPOSED: dict[str, Function] = {
    "cosine_similarity": F.cosine_similarity,
    "pairwise_distance": lambda x, y: F.pairwise_distance(x.mean(3), y.mean(3), keepdim=True),
    "inner": lambda x, y: torch.inner(x.mean((2, 3)), torch.ones(5, 4, dtype=x.dtype, device=x.device)),
    "hstack": lambda x, y: torch.hstack([x, y]),
    "dstack": lambda x, y: torch.dstack([x.mean((2, 3)), y.mean((2, 3))]),
    "column_stack": lambda x, y: torch.column_stack([x, y]),
    "fliplr": lambda x, y: torch.fliplr(x) - y,
    "softmin": lambda x, y: F.softmin(x, dim=1) * y,
    "instance_norm": lambda x, y: F.instance_norm(x, eps=1e-3) + y,
    "logsigmoid": lambda x, y: F.logsigmoid(x) + y,
    "any": lambda x, y: (x > 0).any(1, keepdim=True) * y,
    "all": lambda x, y: (x > 0).all(1, keepdim=True) * y,
    "count_nonzero": lambda x, y: torch.count_nonzero(x.relu(), 1).unsqueeze(1) * y,
    "logical_xor": lambda x, y: torch.logical_xor(x > 0, y > 0) * y,
    "linalg.norm": lambda x, y: torch.linalg.norm(x, dim=1, keepdim=True) * y,
    "norm of several": lambda x, y: torch.norm(x.permute(0, 2, 3, 1), p=2, dim=(1, 2)) * y.mean((2, 3)),
    "eye": lambda x, y: x @ torch.eye(8, device=x.device, dtype=x.dtype) * y,
    "a vector behind": lambda x, y: x.mean(3) @ torch.arange(6, dtype=x.dtype, device=x.device),
    "a vector before": lambda x, y: torch.arange(4, dtype=x.dtype, device=x.device) @ x.mean(3),
    "places": lambda x, y: x.max(1, keepdim=True)[1] * y,
    "median": lambda x, y: x.flatten(2).median(-1, keepdim=True)[0] + y.flatten(2),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_a_few_layers_in_a_row_are_a_function(name: str) -> None:
    torch.manual_seed(0)
    function = COMPOSED[name]
    module = of(lambda net, x: function(net.a(x), net.b(x)), a=nn.Conv2d(3, 4, 1), b=nn.Conv2d(3, 4, 3, padding=1))
    text, _ = exact(module, (6, 8, 3))
    assert "opaque" not in text, text


class Recurrent(nn.Module):
    """An encoder that begins at zeros, which are written out, and a decoder that begins where that ends."""

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.conv = nn.Conv1d(3, 3, 1)
        self.first, self.second = kind(3, 4, 2, batch_first=True, bidirectional=True), kind(8, 4, 4, batch_first=True)
        self.kind = kind

    def forward(self, x: Tensor) -> Any:
        x = self.conv(x).transpose(1, 2)
        zeros = torch.zeros(4, x.size(0), 4).to(x)
        y, last = self.first(x, (zeros, zeros) if self.kind is nn.LSTM else zeros)
        return self.second(y, last)[0].transpose(1, 2)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_recurrent_layers_begin_at_states(kind: Any) -> None:
    text, report = exact(Recurrent(kind), (9, 3))
    assert "opaque" not in text
    assert PINNED not in text
    read = {step.name: len(step.sources) for step in report.plan.steps}
    assert (read["first"], read["second"]) == (1, 3 if kind is nn.LSTM else 2)


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("batch_first", [True, False])
def test_recurrent_layers_without_values_give_what_those_with_values_give(kind: Any, batch_first: bool) -> None:
    about: dict[str, Any] = {"proj_size": 2} if kind is nn.LSTM else {}
    layer = kind(3, 4, 2, batch_first=batch_first, bidirectional=True, **about)
    x = torch.zeros(5, 7, 3)
    forward = nn.Module.__call__
    wanted, got = layer(x), run_layer(forward, layer, [x.to("meta")], {})
    assert [each.shape for each in _flat(wanted)] == [each.shape for each in _flat(got)]
    assert type(wanted[1]) is type(got[1])
    with pytest.raises(RuntimeError, match="must be equal to input_size"):
        run_layer(forward, layer, [torch.zeros(5, 7, 4, device="meta")], {})


def _flat(data: Any) -> list[Tensor]:
    return [data] if isinstance(data, Tensor) else [one for each in data for one in _flat(each)]


class ToSize(nn.Module):
    """A map that is halved, and brought back to the size that it had."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(3, 4, 3, 2, 1), nn.ConvTranspose2d(4, 2, 3, 2, 1)

    def forward(self, x: Tensor) -> Any:
        return self.up(self.down(x), output_size=x.shape[-2:])


def test_a_transposed_convolution_gives_the_size_that_it_is_asked_for() -> None:
    text, _ = exact(ToSize(), (9, 12, 3))
    assert PINNED not in text
    for height, width in ((10, 13), (31, 64)):
        report = checked_text(text, "imported.yaml", input=(height, width, 3))
        assert report.plan.shape(report.plan.outputs[0]) == (height, width, 2)


def test_a_decoder_with_the_sequence_first_is_a_layer() -> None:
    def forward(net: Any, x: Tensor) -> Any:
        memory = net.conv(x).flatten(2).permute(2, 0, 1)
        return net.decoder(memory[:5], memory).permute(1, 2, 0)

    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16), 2)
    text, _ = exact(of(forward, conv=nn.Conv2d(3, 8, 4, 4), decoder=decoder))
    assert "opaque" not in text


def test_a_bilinear_layer_reads_two_tensors() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 3), nn.Bilinear(3, 4, 5)

        def forward(self, x: Tensor) -> Any:
            return self.b(self.a(x), x)

    module = Both()
    text = planner.import_model(module, example=torch.zeros(1, 6, 4))
    again = planner.build(safe_load(text))
    again.load_state_dict(module.state_dict())
    x = torch.randn(2, 6, 4)
    torch.testing.assert_close(again(x), module(x))


class Steps(nn.Module):
    """A cell that is called again and again; at first it begins at zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.out = Gated(), nn.Conv2d(4, 1, 1)

    def forward(self, x: Tensor) -> Any:
        zeros = torch.zeros(len(x), 4, *x.shape[-2:]).to(x)
        states, found = (zeros, zeros), []
        for at in range(x.shape[1]):
            states = self.cell(x[:, at], states)
            found.append(self.out(states[0]))
        return torch.stack(found, 1)


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(7, 8, 3, padding=1)

    def forward(self, x: Tensor, states: tuple[Tensor, Tensor]) -> Any:
        gate, new = self.conv(torch.cat([x, states[0]], 1)).chunk(2, 1)
        kept = states[1] * gate.sigmoid() + new
        return kept.tanh(), kept


def test_a_module_that_does_other_things_when_called_again_shares_its_layers() -> None:
    text = planner.import_model(Steps(), example=torch.zeros(1, 3, 3, 12, 10))
    assert "# It goes step by step over dimension 1 of `x`: this is what it does for 3 of them.\n" in text
    assert text.count("share: cell.conv") == 2
    assert PINNED not in text
    report = checked_text(text, "imported.yaml", input=(3, 15, 17, 3))
    assert report.ok
    assert report.plan.shape(report.plan.outputs[0]) == (1, 15, 17, 3)


GIVEN: dict[str, Callable[[Tensor], Tensor]] = {
    "as it is": lambda y: y,
    "channels last": lambda y: y.permute(0, 2, 3, 1),
    "turned": lambda y: y.transpose(2, 3),
    "turned, channels last": lambda y: y.permute(0, 3, 2, 1),
    "shifted": lambda y: y.permute(0, 3, 1, 2),
}


@pytest.mark.parametrize("name", GIVEN)
def test_what_is_given_has_its_axes_in_order(name: str) -> None:
    given = GIVEN[name]
    text, _ = exact(of(lambda net, x: given(net.conv(x)), conv=nn.Conv2d(3, 4, 1)), (6, 9, 3))
    assert ("Rearrange" in text) == (name in ("turned", "turned, channels last", "shifted"))


def test_what_code_gives_in_another_form_is_told() -> None:
    text = planner.import_model(of(lambda net, x: net.conv(x).sum((1, 2, 3)), conv=nn.Conv2d(3, 4, 1)), input=(6, 9, 3))
    assert "# It gives a number for each sample, (N,), which is (N, 1) in code.\n" in text
    both = of(lambda net, x: (net.conv(x), torch.arange(x.shape[3])), conv=nn.Conv2d(3, 4, 1))
    text = planner.import_model(both, input=(6, 9, 3))
    assert "# It gives a tensor that is the same for all samples, which is repeated for each in code.\n" in text
