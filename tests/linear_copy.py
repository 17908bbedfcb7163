"""A copy of a network that is linear and has positive weights: a gradient in it is zero exactly where nothing is read.

Every call that a layer means is made in PyTorch, in double precision. Weights are positive numbers; norms, activations and
dropout hand their input on; a max pool sums its window; differences and products are
sums. So no two paths can cancel each other.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from planner.geometry import Shape
from planner.layers._layer import Call
from planner.plan import Plan, Step
from planner.regions import Region

Function = Callable[[Sequence[Tensor]], list[Tensor]]

HANDED_ON = (nn.modules.batchnorm._BatchNorm, nn.Dropout, nn.ReLU, nn.SiLU, nn.Sigmoid)
"""Modules that the copy leaves out."""
WINDOWED = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}


class LinearCopy:
    """The copy of a plan, run once. `values[i][o]` is output o of step i, in PyTorch's layout with a batch of one."""

    def __init__(self, plan: Plan, seed: int = 0) -> None:
        self.plan = plan
        random = torch.Generator().manual_seed(seed)
        self.functions = [_function(step, random) for step in plan.steps]
        self.values: list[list[Tensor]] = []
        for step, function in zip(plan.steps, self.functions, strict=True):
            if step.is_input:
                sizes = (1, *step.outputs[0].torch)
                self.values.append([torch.ones(sizes, dtype=torch.float64, requires_grad=True)])
            else:
                found = function([self.values[ref.step][ref.output or 0] for ref in step.sources])
                self.values.append(found)
                shapes = tuple(Shape.of_torch(tuple(value.shape[1:])) for value in found)
                assert shapes == step.outputs, f"{step.name}: PyTorch gives {shapes}, the plan {step.outputs}"

    def read(self, of: Tensor, wrt: Sequence[Tensor]) -> list[Tensor]:
        """Which elements of some tensors another one depends on: a mask each, axes as the planner orders them."""
        if not of.requires_grad:
            return [torch.zeros_like(each[0].movedim(0, -1), dtype=torch.bool) for each in wrt]
        found = torch.autograd.grad(of.sum(), list(wrt), retain_graph=True, allow_unused=True)
        return [
            (torch.zeros_like(x) if gradient is None else gradient)[0].movedim(0, -1) != 0
            for x, gradient in zip(wrt, found, strict=True)
        ]

    def outputs_sum(self) -> Tensor:
        return torch.stack([self.values[step][output or 0].sum() for step, output in self.plan.outputs]).sum()


def _function(step: Step, random: torch.Generator) -> Function:
    """What a step does to its input tensors. Every output is a tensor of its own, also where torch hands its input on."""
    if step.layer is None:
        return list
    parts = [_called(call, random) for call in step.layer.calls(*step.inputs)]

    def run(tensors: Sequence[Tensor]) -> list[Tensor]:
        return [tensor.clone() for tensor in reduce(lambda found, part: part(found), parts, list(tensors))]

    return run


def _called(call: Call, random: torch.Generator) -> Function:
    function = _maker(call, random)

    def run(tensors: Sequence[Tensor]) -> list[Tensor]:
        read = list(tensors) if call.reads is None else [tensors[i] for i in call.reads]
        if call.layout == "last":
            read = [each.movedim(1, -1) for each in read]
        found = function(read)
        if isinstance(found, tuple | list):
            return list(found)
        return [found.movedim(-1, 1) if call.layout == "last" else found]

    return run


def _maker(call: Call, random: torch.Generator) -> Callable[[list[Tensor]], Any]:
    home, _, name = call.target.rpartition(".")
    if home == "operator":
        name = "add" if name in ("sub", "mul") else name
        return lambda tensors: reduce(getattr(operator, name), tensors)
    if home == "Tensor":
        return lambda tensors: getattr(tensors[0], name)(*call.args.values())
    if home in ("torch", "F"):
        function = getattr(torch if home == "torch" else functional, name)
        return lambda tensors: function(tensors if call.gathers else tensors[0], **call.args)
    module = getattr(nn, name)(**call.args)
    if isinstance(module, HANDED_ON):
        return lambda tensors: tensors[0]
    if name.startswith("MaxPool"):
        return lambda tensors: _sums_of_windows(module, tensors[0])
    if name.startswith("AdaptiveMaxPool"):
        average = getattr(nn, name.replace("Max", "Avg"))(module.output_size)
        return lambda tensors: average(tensors[0])
    for weight in module.double().parameters():
        nn.init.uniform_(weight, 0.5, 1.5, generator=random).requires_grad_(False)
    return lambda tensors: module(*tensors)


def _sums_of_windows(pool: Any, x: Tensor) -> Tensor:
    """The sum of each window of a max pool."""
    with torch.no_grad():
        out = pool(x).shape[2:]
    rank = len(out)
    k, s, d, p = (_each(number, rank) for number in (pool.kernel_size, pool.stride, pool.dilation, pool.padding))
    ends = [(out[i] - 1) * s[i] + d[i] * (k[i] - 1) + 1 - p[i] - x.shape[2 + i] for i in range(rank)]
    padded = functional.pad(x, [side for i in reversed(range(rank)) for side in (p[i], ends[i])])
    ones = torch.ones(x.shape[1], 1, *k, dtype=x.dtype)
    return WINDOWED[rank](padded, ones, stride=s, dilation=d, groups=x.shape[1])


def _each(number: Any, rank: int) -> list[int]:
    return [number] * rank if isinstance(number, int) else list(number)


def mask(region: Region, shape: Shape) -> Tensor:
    """A region as a mask over a tensor of this shape; its boxes must not overlap."""
    found = torch.zeros(shape, dtype=torch.int)
    for box in region:
        cells = [torch.tensor([cells >> i & 1 for i in range(n)], dtype=torch.bool) for cells, n in zip(box, shape, strict=True)]
        found[torch.meshgrid(*(each.nonzero()[:, 0] for each in cells), indexing="ij")] += 1
    assert found.max() <= 1, "the boxes of the region overlap"
    return found.bool()
