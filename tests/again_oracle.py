"""PyTorch as the oracle of what checkpointing a block does: `torch.utils.checkpoint` on the module written for it."""

from __future__ import annotations

import warnings
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

import kept_oracle
from planner.model import Group
from planner.report import Report

Forward = Callable[..., Any]


def _flash(query: Sequence[int], key: Sequence[int], *_: Any, **__: Any) -> int:
    batch, heads, length, depth = query
    return 4 * batch * heads * length * key[2] * depth


def _lstm(x: Sequence[int], w_ih: Sequence[int], w_hh: Sequence[int], *_: Any, **__: Any) -> int:
    return 2 * x[0] * x[1] * (w_ih[0] * w_ih[1] + w_hh[0] * w_hh[1])


def _trilinear(a: Sequence[int], weight: Sequence[int], *_: Any, **__: Any) -> int:
    return 2 * a[0] * weight[1] * weight[2] * weight[3]


MORE: dict[Any, Any] = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _flash,
    torch.ops.aten.mkldnn_rnn_layer: _lstm,
    torch.ops.aten._trilinear: _trilinear,
}
"""Products that PyTorch does not count by itself."""


class Blocks:
    """The modules of a model's blocks, whose calls can be wrapped, each by itself."""

    def __init__(self, report: Report, batch: int) -> None:
        self.groups = [group for group in report.plan.model.groups if group.first < group.last]
        self.model, made = kept_oracle.module(report)
        self.inputs = kept_oracle.inputs_of(report, made, batch)
        modules = dict(self.model.named_modules())
        names: dict[Group, str] = {}
        calls: Counter[str] = Counter()
        self.calls: dict[Group, tuple[Any, int]] = {}
        for group in report.plan.model.groups:
            parent = group.parent
            if group.again is not None:
                name = names[group.again]
            else:
                name = group.name if parent is None else names[parent] + group.name[len(parent.name) :]
            names[group] = name
            module = modules.get(name)
            if group.first < group.last and module is not None and type(module) is not torch.nn.ModuleList:
                self.calls[group] = module, calls[name]
            calls[name] += 1

    @contextmanager
    def wrapped(self, groups: Sequence[Group], wrap: Callable[[Group, Forward], Forward]) -> Iterator[None]:
        """Let the calls of some blocks go another way."""
        ways: dict[Any, dict[int, Group]] = {}
        for group in groups:
            module, call = self.calls[group]
            ways.setdefault(module, {})[call] = group
        for module, own in ways.items():
            forward = module.forward
            ways_of_calls = {call: wrap(group, forward) for call, group in own.items()}
            vars(module)["forward"] = _turning(forward, ways_of_calls)  # a part may have this name, too
        try:
            yield
        finally:
            for module in ways:
                del vars(module)["forward"]

    def kept(self, groups: Sequence[Group]) -> int:
        """The bytes that are kept with some blocks checkpointed."""
        own = {each.untyped_storage().data_ptr() for each in (*self.model.parameters(), *self.model.buffers())}
        held: weakref.WeakSet[_Box] = weakref.WeakSet()

        def pack(tensor: torch.Tensor) -> _Box:
            box = _Box(tensor.detach())  # with its history, it would hold itself
            held.add(box)
            return box

        hooks = torch.autograd.graph.saved_tensors_hooks(pack, lambda box: box.tensor)
        with hooks, self.wrapped(groups, lambda _, forward: _checkpointed(forward)), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.manual_seed(0)
            outputs = self.model(*self.inputs)
        storages = {each.tensor.untyped_storage().data_ptr(): each.tensor.untyped_storage().nbytes() for each in held}
        del outputs
        return sum(size for place, size in storages.items() if place not in own)

    def again(self, groups: Sequence[Group]) -> dict[Group, int]:
        """The multiply-adds that are done again for each of some blocks, none of which lies in another."""
        found = dict.fromkeys(groups, 0)

        def wrap(group: Group, forward: Forward) -> Forward:
            calls = 0

            def counted(*inputs: Any) -> Any:
                nonlocal calls
                calls += 1
                if calls == 1:
                    return forward(*inputs)
                counter = FlopCounterMode(display=False, custom_mapping=MORE)
                try:
                    with counter:
                        return forward(*inputs)
                finally:
                    found[group] += counter.get_total_flops() // 2

            return _checkpointed(counted)

        with self.wrapped(groups, wrap), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.manual_seed(0)
            outputs = self.model(*self.inputs)
            outputs = outputs if isinstance(outputs, tuple) else (outputs,)
            torch.autograd.backward([each.sum() for each in outputs if each.grad_fn])
        return found


class _Box:
    """What stands for a tensor that is kept."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor


def _checkpointed(forward: Forward) -> Forward:
    return lambda *inputs: checkpoint(forward, *inputs, use_reentrant=False)


def _turning(forward: Forward, ways: dict[int, Forward]) -> Forward:
    """A forward that goes its own way in some of its calls."""
    calls = 0

    def turn(*inputs: Any) -> Any:
        nonlocal calls
        calls += 1
        return ways.get(calls - 1, forward)(*inputs)

    return turn
