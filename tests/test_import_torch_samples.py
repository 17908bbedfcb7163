"""A model file says what happens to one sample, on however many a module was run to import it: what follows from their
number, or from values, is opaque or refused by name, and a shape never has it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy
import pytest
import torch
from torch import Tensor, nn
from torch.utils.dlpack import from_dlpack

import planner
from module_oracle import exact, of
from planner.faults.not_imported import NotImported
from planner.inputs.torch_module import dotted_name
from planner.workbench import checked_text

Forward = Callable[[Any, Tensor], Any]


def net(forward: Forward) -> nn.Module:
    torch.manual_seed(0)
    return of(forward, conv=nn.Conv2d(3, 8, 1), out=nn.Conv2d(8, 4, 1)).eval()


def by(numbers: Callable[[Tensor], Any]) -> Forward:
    """A forward pass that multiplies by a number of what the first layer gives."""
    return lambda net, x: net.out((y := net.conv(x)) * numbers(y))


def through(arrays: Callable[[Tensor], Tensor]) -> Forward:
    """A forward pass that goes through something else than PyTorch between two layers."""
    return lambda net, x: net.out(arrays(net.conv(x)))


OPAQUE: dict[str, tuple[Forward, str]] = {
    "from_numpy": (through(lambda y: torch.from_numpy(y.numpy())), "as one that comes from NumPy"),
    "from_numpy, computed": (through(lambda y: torch.from_numpy(y.numpy() * 2)), "as one that comes from NumPy"),
    "from_numpy, detached": (through(lambda y: torch.from_numpy(y.detach().cpu().numpy())), "comes from NumPy"),
    "from_numpy, beside": (by(lambda y: torch.from_numpy(y.numpy())), "as one that comes from NumPy"),
    "from_dlpack": (through(from_dlpack), "as one that comes from NumPy"),
    "as_tensor": (through(lambda y: torch.as_tensor(numpy.array(y) + 1)), "as one that comes from NumPy"),
    "new_tensor": (through(lambda y: y.new_tensor(y.numpy())), "torch.Tensor.new_tensor"),
    "tanh of numpy": (through(lambda y: torch.tensor(numpy.tanh(numpy.asarray(y)))), "as one that comes from NumPy"),
    "tolist": (through(lambda y: torch.tensor(y.tolist())), "a tensor of listed numbers"),
    "numpy.arange": (lambda net, x: net.out(net.conv(x)[:, numpy.arange(8)]), "as one that comes from NumPy"),
    "int": (by(lambda y: int(y.shape[0])), "how many samples there are"),
    "size": (by(lambda y: y.size(0)), "how many samples there are"),
    "len": (by(len), "how many samples there are"),
    "numel": (by(torch.Tensor.numel), "how many samples there are"),
    "nbytes": (by(lambda y: y.nbytes), "how many samples there are"),
    "shape as an array": (by(lambda y: int(numpy.array(y.shape)[0])), "how many samples there are"),
    "shape as a tensor": (by(lambda y: torch.tensor(y.shape)[0]), "a tensor of listed numbers"),
    "size as a tensor": (by(lambda y: torch.tensor(y.shape[0])), "a tensor of listed numbers"),
    "nonzero": (by(lambda y: (y > -100).nonzero().shape[0]), "how many samples there are"),
    "roll": (lambda net, x: net.out(net.conv(x).roll(len(x), 2)), "how many samples there are"),
    "rows of samples": (by(lambda y: torch.arange(len(y)).view(-1, 1, 1, 1)), "differs from sample to sample"),
}


@pytest.mark.filterwarnings("ignore:__array_:DeprecationWarning")
@pytest.mark.parametrize("name", OPAQUE)
def test_what_follows_from_the_number_of_samples_is_opaque(name: str) -> None:
    forward, reason = OPAQUE[name]
    module = net(forward)
    text = planner.import_model(module, input=(8, 8, 3))
    assert "opaque:" in text
    assert reason in text, text
    report = checked_text(text, "imported.yaml")
    assert report.ok, [each.message for each in report.diagnostics]
    shape = report.plan.shape(report.plan.outputs[0])
    assert shape is not None
    for samples in (1, 7):
        with torch.no_grad():
            assert (samples, *shape.torch) == tuple(module(torch.randn(samples, 3, 8, 8)).shape)


REFUSED: dict[str, tuple[Forward, str]] = {
    "as many cells": (lambda net, x: nn.functional.interpolate(net.conv(x), size=(len(x), 3)), "interpolate gives"),
    "as much padding": (lambda net, x: nn.functional.pad(net.conv(x), (0, len(x))), "pad gives"),
    "a part": (lambda net, x: net.conv(x)[:, :, : len(x)], "torch.Tensor.__getitem__ gives"),
    "a stride": (lambda net, x: nn.functional.avg_pool2d(net.conv(x), 2, stride=len(x) // 4), "avg_pool2d gives"),
    "samples by samples": (lambda net, x: torch.einsum("nchw,mchw->nmhw", x, x), "einsum gives"),
    "a loop": (lambda net, x: torch.stack([net.conv(x[i : i + 1])[0] for i in range(len(x))]), "its call"),
    "a loop over samples": (lambda net, x: torch.stack([net.conv(each[None])[0] for each in x]), "its call"),
    "a list of numbers": (by(lambda y: torch.tensor([each.sum().item() for each in y]).view(-1, 1, 1, 1)), "its call"),
    "a condition": (lambda net, x: net.conv(x) if len(x) > 8 else net.conv(x) * 2, "its call"),
    "a refusal": (lambda net, x: net.conv(x.view(len(x) // 11, 11, 3, 8, 8)[:, 0]), "invalid for input of size"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_sizes_and_calls_that_follow_from_the_number_of_samples_are_refused(name: str) -> None:
    forward, said = REFUSED[name]
    with pytest.raises(NotImported) as raised:
        planner.import_model(net(forward), input=(8, 8, 3))
    assert said in raised.value.label
    assert "samples" in raised.value.message + raised.value.label


def _rows(x: Tensor) -> Tensor:
    return torch.arange(x.shape[2], device=x.device).view(1, 1, -1, 1)


def _positions(net: Any, x: Tensor) -> Any:
    return net.out(net.conv(x) + _rows(x).repeat(x.shape[0], 1, 1, 1))


FOLLOWED: dict[str, Forward] = {
    "zeros": lambda net, x: net.out(net.conv(x) + x.new_zeros(len(x), 8, 1, 1)),
    "ones of a size": by(lambda y: torch.ones(y.shape, dtype=y.dtype, device=y.device)),
    "more channels": lambda net, x: torch.cat([net.out(net.conv(x)), x.new_zeros(x.shape[0], 2, *x.shape[2:])], 1),
    "a view": lambda net, x: net.out(net.conv(x).view(x.shape[0], -1, 8, 8).flip(1)),
    "folded": lambda net, x: net.out((net.conv(x).view(len(x) * 2, 4, 8, 8) * 2).view(len(x), 8, 8, 8)),
    "positions": _positions,
    "a quotient": by(lambda y: y.shape[0] / y.size(0)),
}


@pytest.mark.parametrize("name", FOLLOWED)
def test_samples_that_stay_samples_are_followed(name: str) -> None:
    exact(net(FOLLOWED[name]), (8, 8, 3))


def test_an_example_is_run_on_several_numbers_of_samples_too() -> None:
    module = of(lambda net, x: net.embed(x) * len(x), embed=nn.Embedding(9, 4))
    text = planner.import_model(module, example=torch.zeros(1, 6, dtype=torch.long))
    assert "torch.mul: a number that follows from how many samples there are" in text


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (nn.functional.linear, "torch.nn.functional.linear"),
        (nn.functional.one_hot, "torch.nn.functional.one_hot"),
        (torch.topk, "torch.topk"),
        (Tensor.__add__, "torch.add"),
        (Tensor.relu_, "torch.relu"),
        (Tensor.__getitem__, "torch.Tensor.__getitem__"),
        (Tensor.new_tensor, "torch.Tensor.new_tensor"),
        (torch.linalg.inv, "torch.linalg.inv"),
        (torch.special.bessel_j0, "torch.special.bessel_j0"),
        (torch.fft.rfft2, "torch.fft.rfft2"),
        (torch.ops.aten.relu, "torch.ops.aten.relu"),
    ],
)
def test_a_function_has_the_name_under_which_it_is_found(function: Any, name: str) -> None:
    assert dotted_name(function, function.__name__) == name
    found: Any = torch
    for part in name.split(".")[1:]:
        found = getattr(found, part)
    assert callable(found)


class Frozen(OrderedDict[str, int]):
    """A configuration that refuses to be changed, as libraries of models have them."""

    def clear(self) -> None:
        raise AttributeError("frozen")


def test_a_configuration_that_refuses_to_be_changed_is_left_alone() -> None:
    module = net(lambda net, x: net.out(net.conv(x)))
    module.config = Frozen([("width", 8)])  # type: ignore[assignment]
    exact(module, (16, 16, 3))
