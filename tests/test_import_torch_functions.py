"""Functions and layers of PyTorch with a meaning of their own in a model file: the code of the file computes the same,
at another size too.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils.parametrizations import weight_norm

import planner
from module_oracle import exact, of
from planner.inputs.operations import all_operations
from planner.workbench import checked_text


@dataclass
class Result:
    """What a network gives, by name."""

    logits: Tensor
    features: Tensor


class Cell(nn.Module):
    """A recurrent cell that goes along four columns."""

    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        self.cell, self.out = cell, nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Any:
        x = x.mean(2).transpose(1, 2)
        state: Any = x.new_zeros(len(x), 6)
        states = (state, state) if isinstance(self.cell, nn.LSTMCell) else state
        for at in range(4):
            states = self.cell(x[:, at], states)
        return self.out(states[0] if isinstance(states, tuple) else states)


def _with(forward: Callable[..., Any]) -> Callable[[], nn.Module]:
    return lambda: of(forward, conv=nn.Conv2d(3, 6, 1))


MODULES: dict[str, Callable[[], nn.Module]] = {
    "the largest channels": _with(lambda net, x: net.conv(x).topk(3, dim=1).values),
    "the smallest columns": _with(lambda net, x: torch.topk(net.conv(x), 3, largest=False)[0]),
    "the places of the largest": _with(lambda net, x: net.conv(x) * net.conv(x).topk(6, 1)[1]),
    "a remainder": _with(lambda net, x: torch.remainder(net.conv(x), 0.7)),
    "a remainder of a negative": _with(lambda net, x: net.conv(x) % -2),
    "a weight by its length": lambda: nn.Sequential(weight_norm(nn.Conv2d(3, 4, 3)), nn.ReLU(), nn.Conv2d(4, 2, 1)),
    "a weight by its length, of rows": lambda: nn.Sequential(nn.Flatten(2), weight_norm(nn.Conv1d(3, 4, 3))),
    "a gated cell": lambda: Cell(nn.GRUCell(3, 6)),
    "a cell": lambda: Cell(nn.RNNCell(3, 6, bias=False, nonlinearity="relu")),
    "a cell with two states": lambda: Cell(nn.LSTMCell(3, 6)),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_function_is_said_as_it_computes(name: str) -> None:
    torch.manual_seed(0)
    module = MODULES[name]()
    text, _ = exact(deepcopy(module))
    assert "opaque" not in text
    exact(module, (18, 27, 3), text=text.replace("input: [32, 32, 3]", "input: [18, 27, 3]"))


# Every function that takes maps and nothing else


Taking = tuple[Callable[..., Tensor], int]
"""A function of PyTorch, and how many maps it takes."""


def taking_maps() -> dict[str, dict[str, Taking]]:
    """The functions that have a meaning and make maps, of samples each by itself, from one or two alone, by the files
    of their meanings; so a new one is among them.
    """
    found: dict[str, dict[str, Taking]] = {}
    maps = [torch.rand(8, 4, 6, 5), torch.rand(8, 4, 6, 5) + 1]
    for name, meaning in all_operations().items():
        home = next((each for each in (torch, F, Tensor) if hasattr(each, name)), None)
        for count in (1, 2) if home is not None and name[0] != "_" else ():
            function, given = getattr(home, name), maps[:count]
            try:
                made = function(*given)
                alone = torch.cat([function(*(each[i : i + 1] for each in given)) for i in range(8)])
            except (RuntimeError, TypeError, ValueError, AttributeError, UserWarning):
                continue
            if made.is_floating_point() and made.dim() > 1 and torch.equal(made, alone):  # nothing is drawn at random
                file = getattr(meaning, "func", meaning).__module__.rpartition(".")[2]
                found.setdefault(file, {}).setdefault(name, (function, count))
    return found


TAKING_MAPS = taking_maps()


@pytest.mark.parametrize("file", TAKING_MAPS)
def test_functions_of_maps_are_said_as_they_compute(file: str) -> None:
    torch.manual_seed(0)

    def forward(net: Any, x: Tensor) -> Any:
        maps = torch.sigmoid(net.one(x)), torch.sigmoid(net.other(x)) + 1
        return tuple(function(*maps[:count]) for function, count in TAKING_MAPS[file].values())

    text, _ = exact(of(forward, one=nn.Conv2d(3, 4, 1), other=nn.Conv2d(3, 4, 1)), (6, 5, 3))
    assert "opaque" not in text


def test_a_result_with_names_has_its_tensors_in_their_order() -> None:
    module = of(lambda net, x: Result(net.out(y := net.conv(x)), y), conv=nn.Conv2d(3, 6, 1), out=nn.Conv2d(6, 2, 1))
    report = checked_text(planner.import_model(module, input=(8, 8, 3)), "imported.yaml")
    assert report.ok
    assert [str(report.plan.shape(each)) for each in report.plan.outputs] == ["8×8×2", "8×8×6"]
