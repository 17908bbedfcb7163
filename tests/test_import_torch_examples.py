"""Modules that are given tensors in place of shapes, as tokens are: which axes may have other sizes is found out by
runs, and at these their files plan and compute what the modules do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import planner
from planner.faults.not_imported import NotImported
from planner.outputs.code.torch import emitted
from planner.outputs.code.torch.building import module_of
from planner.workbench import checked_text

Made = Callable[[int], dict[str, Tensor]]
PINNED = "Sizes that follow from the input's are those at this input."


class Causal(nn.Module):
    """Attention of tokens to those before them, with a table of positions that holds forty."""

    mask: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places, self.qkv = nn.Embedding(30, 8), nn.Embedding(40, 8), nn.Linear(8, 24)
        self.register_buffer("mask", torch.tril(torch.ones(40, 40)))

    def forward(self, tokens: Tensor) -> Any:
        length = tokens.shape[1]
        assert length <= 40, "too many tokens"
        x = self.words(tokens) + self.places(torch.arange(length, device=tokens.device))
        q, k, v = self.qkv(x).chunk(3, -1)
        products = (q @ k.transpose(1, 2)).masked_fill(self.mask[:length, :length] == 0, -torch.inf)
        return products.softmax(-1) @ v


class Masked(nn.Module):
    """The mean of tokens that a mask shows: two inputs that are equally long."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places, self.out = nn.Embedding(30, 8), nn.Embedding(64, 8), nn.Linear(8, 2)

    def forward(self, tokens: Tensor, mask: Tensor) -> Any:
        x = self.words(tokens) + self.places(torch.arange(tokens.shape[1], device=tokens.device))
        shown = mask.unsqueeze(-1).to(x.dtype)
        return self.out((x * shown).sum(1) / shown.sum(1).clamp(min=1))


class OnGraphs(nn.Module):
    """Nodes of a graph, of which a matrix says which are joined: it has as many rows and columns as there are nodes."""

    def __init__(self) -> None:
        super().__init__()
        self.lift, self.out = nn.Linear(10, 4), nn.Linear(4, 4)

    def forward(self, nodes: Tensor, joined: Tensor) -> Any:
        x = joined / joined.sum(-1, keepdim=True).clamp(min=1) @ self.lift(nodes)
        return self.out(x.relu()), x.amax(1)


def numbers(*sizes: int, most: int = 2) -> Tensor:
    return torch.randint(most, (2, *sizes), generator=torch.Generator().manual_seed(0))


MADE: dict[type[nn.Module], tuple[Made, list[int]]] = {
    Causal: (lambda n: {"tokens": numbers(n, most=30)}, [40, 13, 1]),
    Masked: (lambda n: {"tokens": numbers(n, most=30), "mask": numbers(n)}, [64, 7, 23]),
    OnGraphs: (lambda n: {"nodes": torch.randn(2, n, 10), "joined": numbers(n, n).float()}, [40, 7, 11]),
}


@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
def test_a_file_from_an_example_holds_at_other_sizes(make: type[nn.Module]) -> None:
    torch.manual_seed(0)
    module, (made, sizes) = make().eval(), MADE[make]
    text = planner.import_model(module, example=made(10))
    assert PINNED not in text
    for n in sizes:
        given = made(n)
        shapes = {name: tuple(each.shape[1:]) for name, each in given.items()}
        report = checked_text(text, "imported.yaml", input=shapes if len(shapes) > 1 else next(iter(shapes.values())))
        assert report.ok, f"{[each.message for each in report.diagnostics]}\n{text}"
        found = emitted(report)
        again = getattr(module_of(found.text), found.name)().eval()
        again.load_state_dict(module.state_dict())
        with torch.no_grad():
            wanted, got = module(**given), again(*given.values())
        torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-6)


def test_a_table_of_positions_that_is_too_short_is_told() -> None:
    text = planner.import_model(Masked(), example=MADE[Masked][0](10))
    report = checked_text(text, "imported.yaml", input={"tokens": (65,), "mask": (65,)})
    assert [each.code for each in report.diagnostics if each.severity == "error"] == ["NSP212"]


def test_a_size_that_cannot_be_another_is_kept() -> None:
    """Ten features that a layer reads, and as many as are learned: neither can be another number."""
    module = nn.Sequential(nn.Flatten(1), nn.Linear(20, 3))
    text = planner.import_model(module, example=torch.zeros(1, 2, 10))
    assert PINNED in text


def test_weights_have_the_sizes_that_they_have_at_other_sizes_too() -> None:
    """A file without them would be another network there, which PyTorch refuses."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.first, self.last = nn.Conv2d(3, 4, 3), nn.Linear(4 * 7 * 7, 8), nn.Linear(8, 2)

        def forward(self, x: Tensor) -> Any:
            return self.last(self.first(nn.functional.max_pool2d(self.conv(x), 2).flatten(1)).relu())

    module = Net()
    text = planner.import_model(module, input=(16, 16, 3))
    assert "{name: first, type: Linear, out_features: 8, in_features: 196}" in text
    assert "{name: last, type: Linear, out_features: 2}" in text
    for n in (15, 16, 17, 18, 40):
        report = checked_text(text, "imported.yaml", input=(n, n, 3))
        try:
            module(torch.zeros(1, 3, n, n))
        except RuntimeError:
            assert [each.code for each in report.diagnostics if each.severity == "error"] == ["NSP205"]
        else:
            assert report.ok


def test_tokens_may_be_given_by_their_number() -> None:
    """Where fractions are of the wrong type, whole numbers are tried, in one input and in several."""
    text = planner.import_model(Masked(), input={"tokens": (12,), "mask": (12,)})
    assert "# It reads whole numbers: tokens\n" in text
    assert PINNED not in text
    assert checked_text(text, "imported.yaml", input={"tokens": (20,), "mask": (20,)}).ok
    assert body(text) == body(planner.import_model(Masked(), example=MADE[Masked][0](12)))


def body(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if line[0] != "#")


def test_a_shape_with_its_channels_first_is_told_where_it_runs_so() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    with pytest.raises(NotImported) as raised:
        planner.import_model(module, input=(3, 20, 30))
    assert raised.value.help == "write the channels last: `--input 20x30x3`"
    with pytest.raises(NotImported) as raised:
        planner.import_model(module, input=(5, 20, 30))
    assert raised.value.help == "give a shape that it reads, by `--input`"


def test_what_follows_from_values_is_told() -> None:
    class Chosen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)

        def forward(self, x: Tensor) -> Any:
            x = self.conv(x)
            return x[x > 0]

    module = Chosen()
    bias = dict(module.named_parameters())["conv.bias"]
    nn.init.ones_(bias)
    assert "# It looks at values (getitem): this is what it does where all" in planner.import_model(
        module, input=(8, 8, 3)
    )
    nn.init.zeros_(bias)
    with pytest.raises(NotImported, match="cannot be said in a model file") as raised:
        planner.import_model(module, input=(8, 8, 3))
    assert "gives holds nothing where all that the network reads is 0" in raised.value.label


def test_what_nothing_reads_may_hold_nothing() -> None:
    class Dummy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)

        def forward(self, x: Tensor) -> Any:
            features = [torch.empty([len(x), 0, *x.shape[2:]], dtype=x.dtype), self.conv(x)]
            return features[-1]

    assert "opaque" not in planner.import_model(Dummy(), input=(8, 8, 3))
