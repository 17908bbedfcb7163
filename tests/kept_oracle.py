"""PyTorch as the oracle of what training keeps: the code that is written, run with hooks on what autograd saves."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
import torch

from planner.outputs.code.torch import emitted
from planner.outputs.code.torch.building import module_of
from planner.outputs.code.torch.indices import picked
from planner.report import Report

torch.set_num_threads(1)  # PyTorch takes other kernels where there are more

same_kernels = pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() != "AVX512", reason="the peak is told of oneDNN's kernels for AVX-512"
)


def module(report: Report) -> tuple[Any, Any]:
    made = emitted(report)
    torch.manual_seed(0)
    return getattr(module_of(made.text), made.name)().train(), made


def inputs_of(report: Report, made: Any, batch: int) -> list[torch.Tensor]:
    found = []
    below = picked(report.plan)
    for k, (step, side) in enumerate(zip(report.plan.inputs, made.inputs, strict=True)):
        shape = step.outputs[0]
        sizes = (batch, *(shape if side == "last" else shape.torch))
        found.append(torch.zeros(sizes, dtype=torch.long) if k in below else torch.rand(sizes))
    return found


def saved(report: Report, batch: int, *, autocast: bool = False) -> tuple[Counter[tuple[int, str]], Any]:
    """The unique storages that PyTorch keeps, without parameters and buffers: how many of each size and type, and
    under which operations.
    """
    model, made = module(report)
    kept, _ = kept_by(model, inputs_of(report, made, batch), autocast=autocast)
    return Counter(kept), model


def kept_by(
    model: Any, inputs: list[torch.Tensor], *, autocast: bool = False
) -> tuple[list[tuple[int, str]], list[torch.Tensor]]:
    """The unique storages that PyTorch keeps, without parameters and buffers, by size and type; and what it returns."""
    own = {each.untyped_storage().data_ptr() for each in (*model.parameters(), *model.buffers())}
    kept: list[torch.Tensor] = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor.detach())  # an output that its own operation keeps would never be let go of
        return kept[-1]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hooks = torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor)
        with hooks, torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            outputs = model(*inputs)
    unique: dict[int, tuple[int, str]] = {}
    for each in kept:
        place = each.untyped_storage().data_ptr()
        if place not in own:
            unique.setdefault(place, (each.untyped_storage().nbytes(), str(each.dtype)[6:]))
    return list(unique.values()), list(outputs) if isinstance(outputs, tuple) else [outputs]


def peak(report: Report, batch: int, trace: Path, *, autocast: bool = False) -> int:
    """The most that PyTorch's allocator has given out at once in a forward and a backward pass."""
    model, made = module(report)
    inputs = inputs_of(report, made, batch)

    def train() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            outputs = model(*inputs)
        loss: Any = _Loss.apply
        loss(*(outputs if isinstance(outputs, tuple) else (outputs,))).backward()

    (most,) = peaks([train], trace)
    return most


class _Loss(torch.autograd.Function):
    """A loss that keeps nothing, and gives each output a gradient of its own size."""

    @staticmethod
    def forward(context: Any, *outputs: torch.Tensor) -> torch.Tensor:
        context.like = [(each.shape, each.dtype) for each in outputs]
        return torch.zeros(())

    @staticmethod
    def backward(context: Any, _: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(torch.ones(sizes, dtype=dtype) for sizes, dtype in context.like)


def peaks(calls: Sequence[Callable[[], object]], trace: Path) -> list[int]:
    """The most that PyTorch's allocator has given out at once in each of some calls."""
    profiler = torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True)
    with warnings.catch_warnings(), profiler:
        warnings.simplefilter("ignore")
        for call in calls:
            with torch.profiler.record_function("call"):
                made = call()
            del made
    profiler.export_chrome_trace(str(trace))
    events = json.loads(trace.read_text())["traceEvents"]
    memory = sorted((each["ts"], each["args"]["Bytes"]) for each in events if each.get("name") == "[memory]")
    spans = sorted((each["ts"], each["dur"]) for each in events if each.get("cat") == "user_annotation")
    inside = [[size for at, size in memory if start <= at <= start + length] for start, length in spans]
    return [max(accumulate(each), default=0) for each in inside]
