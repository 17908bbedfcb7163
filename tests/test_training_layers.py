"""Each layer's calls against PyTorch's: what they keep, and how what they make lies in memory, wherever axes lie in
what they read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import kept_oracle
from layer_cases import cases
from layer_oracle import REFUSALS, TYPES, Case
from planner.autograd.convolving import Convolving
from planner.autograd.recurrent import workspace
from planner.autograd.tensors import Storage, Strided, packed
from planner.diagnostics import Fault
from planner.layers._layer import Layer
from planner.plan import Plan
from planner.propagation import propagate
from planner.report import Report
from planner.source import of_mapping
from planner.training import running
from planner.training.memory import Training
from planner.unfolding import load

pytestmark = pytest.mark.filterwarnings("ignore")

PER_SAMPLE = {"Convolve1d"}
"""Layers that PyTorch maps over samples, whose order in memory is that of the mapping."""


def plan_of(case: Case) -> Plan | None:
    names = [f"x{k}" for k in range(len(case.inputs))]
    args = {name: _listed(value) for name, value in case.args.items()}
    file = {
        "input": {name: list(shape) for name, shape in zip(names, case.inputs, strict=True)},
        "layers": [{"name": "it", "type": case.name, **args, "from": names}],
    }
    try:
        plan = propagate(load(of_mapping(file)))
    except Fault:
        return None
    return plan if plan.complete else None


def _listed(value: Any) -> Any:
    return [_listed(each) for each in value] if isinstance(value, tuple | list) else value


def order_of(axes: int, seed: int) -> list[int]:
    """The axes of a tensor from the outermost in memory to the innermost, the batch first."""
    random = Random(seed)
    inner = list(range(1, axes))
    match random.choice(("in order", "channels last", "channels last", "any")):
        case "channels last" if axes > 2:
            inner = [*range(2, axes), 1]
        case "any":
            random.shuffle(inner)
    return [0, *inner]


def own_inputs(monkeypatch: pytest.MonkeyPatch, seed: int, dtype: str) -> None:
    """Let gradients flow to the inputs of models, whose axes lie in some order."""
    as_it_is = running._PassRun._input

    def input_of(self: Any, i: int, step: Any) -> Any:
        made = as_it_is(self, i, step)
        x = made.tensor
        if x.is_float:
            strides = packed(x.sizes, order_of(x.dim, seed + len(self.running.done.inputs)))
            storage = Storage(x.storage.bytes // (2 if dtype == "bfloat16" else 1))
            made.tensor = Strided(storage, x.sizes, strides, dtype, grad=True)
        return made

    monkeypatch.setattr(running._PassRun, "_input", input_of)


def tensors_of(report: Report, made: Any, batch: int, seed: int, dtype: str) -> list[torch.Tensor]:
    """The same inputs for PyTorch."""
    found = []
    for k, x in enumerate(kept_oracle.inputs_of(report, made, batch), 1):
        if x.is_floating_point():
            order = order_of(x.dim(), seed + k)
            base = torch.rand([x.shape[axis] for axis in order], dtype=getattr(torch, dtype)).requires_grad_()
            found.append(base.permute([order.index(axis) for axis in range(x.dim())]))
        else:
            found.append(x)
    return found


def lies(sizes: Any, strides: Any) -> list[tuple[int, int]]:
    """How a tensor lies in memory; how far an axis of one cell steps does not matter."""
    return [(size, stride) for size, stride in zip(sizes, strides, strict=True) if size > 1]


READING = {name: layer for name, layer in TYPES.items() if layer.takes != (0, 0)}


@pytest.mark.parametrize("layer", READING.values(), ids=READING)
def test_a_layer_keeps_and_lays_out_what_torch_does(layer: type[Layer], request: pytest.FixtureRequest) -> None:
    long = request.config.getoption("long")

    @settings(max_examples=300 if long else 2, suppress_health_check=list(HealthCheck))
    @given(cases(layer), st.integers(0, 1000), st.sampled_from((1, 2, 3)), st.booleans())
    def holds(case: Case, seed: int, batch: int, autocast: bool) -> None:
        plan = plan_of(case) if case.inputs else None
        assume(plan is not None)
        assert plan is not None
        report = Report(plan, batch=batch)
        dtype = "bfloat16" if autocast and seed % 2 else "float32"
        try:
            model, made = kept_oracle.module(report)
            given = tensors_of(report, made, batch, seed, dtype)
            kept, outputs = kept_oracle.kept_by(model, given, autocast=autocast)
        except REFUSALS:
            assume(False)
        with pytest.MonkeyPatch.context() as monkeypatch:
            own_inputs(monkeypatch, seed, dtype)
            training = Training(plan, batch, autocast="bfloat16" if autocast else None)
            if training.kept_bytes is None:
                return
        assert Counter(each.bytes for each in training._kept if each.bytes) == Counter(size for size, _ in kept if size)
        for ours, theirs in zip(training.run.outputs, outputs, strict=True):
            assert (ours.sizes, ours.dtype) == (tuple(theirs.shape), str(theirs.dtype)[6:])
            if layer.__name__ not in PER_SAMPLE:
                assert lies(ours.sizes, ours.strides) == lies(theirs.shape, theirs.stride())

    holds()


def lstms(count: int) -> Iterator[tuple[int, int, int, int, str]]:
    random = Random(0)
    for i in range(count):
        length, batch = random.choice((1, 2, 13, 40)), random.choice((1, 3, 8))
        channels, hidden = random.choice((1, 7, 33, 64, 256)), random.choice((1, 16, 31, 64, 128))
        yield length, batch, channels, hidden, "bfloat16" if i % 2 else "float32"


def test_the_workspace_of_an_lstm_is_that_of_onednn(request: pytest.FixtureRequest) -> None:
    for length, batch, channels, hidden, dtype in lstms(400 if request.config.getoption("long") else 16):
        model = torch.nn.LSTM(channels, hidden).to(getattr(torch, dtype))
        kept, _ = kept_oracle.kept_by(model, [torch.rand(length, batch, channels, dtype=getattr(torch, dtype))])
        (found,) = (size for size, dtype in kept if dtype == "uint8")
        assert workspace(length, batch, channels, hidden, 2 if dtype == "bfloat16" else 4) == found


def test_onednn_convolves_what_torch_leaves_to_it() -> None:
    random = Random(0)
    for _ in range(500):
        rank, transposed, groups = random.choice((1, 2, 3)), random.random() < 0.5, random.choice((1, 1, 2, 4))
        kernel, stride, dilation, padding = (
            [random.choice(each) for _ in range(rank)] for each in ((1, 2, 4, 5), (1, 2), (1, 2), (0, 0, 1))
        )
        padding = padding if transposed else [0] * rank
        sizes = (random.choice((1, 3, 16)), 8, *(random.choice((12, 40)) for _ in range(rank)))
        x = torch.empty(sizes, dtype=random.choice((torch.float32, torch.bfloat16, torch.float64)))
        weight = torch.empty((8, 8 // groups, *kernel), dtype=x.dtype)
        rest = (stride, [0] * rank, dilation, transposed, padding, groups)
        backend = torch._C._select_conv_backend(x, weight, None, *rest)
        how = Convolving(transposed, groups, stride, dilation, padding)
        told = how.by_onednn(*(Strided(Storage(0), tuple(each.shape), (), str(each.dtype)[6:]) for each in (x, weight)))
        # The one for transposed convolutions has no name in Python
        assert told == (not str(backend).rpartition(".")[2].startswith("Slow"))


def convolutions(count: int) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor | None, Convolving]]:
    """Convolutions of images as networks have them, wherever the channels are."""
    random = Random(0)
    for _ in range(count):
        kind = random.choice(("dense", "groups", "depthwise", "depthwise"))
        own = random.choice((3, 16, 20, 32, 48, 64)) if kind == "dense" else random.choice((4, 8, 12, 16, 32))
        ins, groups = (own, 1) if kind == "dense" else (1, 16 * own) if kind == "depthwise" else (own, 4)
        outs = random.choice((16, 24, 64)) if kind == "dense" else ins * groups
        kernel, stride = random.choice((3, 5, 7)), random.choice((1, 1, 2))
        x = torch.rand(2, 28, 28, ins * groups).movedim(3, 1)
        x = x if random.random() < 0.5 and kind != "groups" and ins > 3 else x.contiguous()
        weight = torch.rand(outs, ins, kernel, kernel, requires_grad=True)
        bias = torch.rand(outs, requires_grad=True) if random.random() < 0.5 else None
        yield x.requires_grad_(ins != 3), weight, bias, Convolving(groups=groups, stride=(stride,) * 2)


SMALL = 1 << 14
"""Bytes of what kernels count and look up in, of which nothing is told."""


def described(x: torch.Tensor) -> Strided:
    return Strided(Storage(x.nbytes), tuple(x.shape), x.stride(), "float32", grad=x.requires_grad)


@kept_oracle.same_kernels
def test_a_convolution_takes_what_torch_allocates(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    calls: list[Callable[[], object]] = []
    told: list[int] = []
    for x, weight, bias, how in convolutions(1000 if request.config.getoption("long") else 60):
        run = partial(
            torch.convolution, x, weight, bias, how.stride, (weight.shape[2] // 2,) * 2, (1, 1), False, (0, 0)
        )
        made = run(how.groups)
        trained = [each for each in (x, weight, bias) if each is not None and each.requires_grad]
        calls += [partial(run, how.groups), partial(torch.autograd.grad, made, trained, torch.ones_like(made))]
        own = None if bias is None else described(bias)
        aside = how.aside(described(x), described(weight), own, described(made))
        told += [made.nbytes + aside[0], sum(each.nbytes for each in trained) + aside[1]]
    measured = kept_oracle.peaks(calls, tmp_path / "trace.json")
    pairs = list(zip(told, measured, strict=True))
    assert [(k, *pair) for k, pair in enumerate(pairs) if abs(pair[0] - pair[1]) > max(pair[1] // 50, SMALL)] == []
