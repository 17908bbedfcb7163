"""A copy of a network, linear and with positive weights: a gradient in it is zero exactly where nothing is read.

Every call that a layer means is made in PyTorch, in double precision. Weights are positive numbers; norms, activations
and dropout hand their input on; max pools sum their windows; attention to itself takes means; differences and products
are sums. So no two paths can cancel each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from layer_oracle import called, made
from planner.geometry import Shape
from planner.layers._call import Call
from planner.plan import Plan, Step
from planner.regions import Region

Function = Callable[[list[Tensor]], list[Tensor]]

HANDED_ON = (nn.modules.batchnorm._BatchNorm, nn.Dropout, nn.ReLU, nn.SiLU, nn.Sigmoid)
"""Modules that the copy leaves out."""
SUMS = ("operator.sub", "operator.mul")
"""What becomes a sum."""
CONVOLUTIONS = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}


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
            return [torch.zeros(each[0].movedim(0, -1).shape, dtype=torch.bool) for each in wrt]
        found = torch.autograd.grad(of.sum(), list(wrt), retain_graph=True, allow_unused=True, materialize_grads=True)
        return [gradient[0].movedim(0, -1) != 0 for gradient in found]

    def outputs_sum(self) -> Tensor:
        return torch.stack([self.values[step][output or 0].sum() for step, output in self.plan.outputs]).sum()


def mask(region: Region, shape: Shape) -> Tensor:
    """A region as a mask over a tensor of this shape; its boxes must not overlap."""
    found = torch.zeros(shape, dtype=torch.int)
    for box in region:
        cells = [[i for i in range(n) if cells >> i & 1] for cells, n in zip(box, shape, strict=True)]
        found[torch.meshgrid(*map(torch.tensor, cells), indexing="ij")] += 1
    assert found.max() <= 1, "the boxes of the region overlap"
    return found.bool()


def _function(step: Step, random: torch.Generator) -> Function:
    """What a step does to its inputs. Every output is a tensor of its own, also where PyTorch hands its input on."""
    if step.layer is None:
        return list
    parts = [_part(call, random) for call in step.layer.calls(*step.inputs)]

    def run(tensors: list[Tensor]) -> list[Tensor]:
        return [tensor.clone() for tensor in reduce(lambda found, part: part(found), parts, tensors)]

    return run


def _part(call: Call, random: torch.Generator) -> Function:
    """What one call becomes in the copy."""
    if call.target in ("F.interpolate", "nn.Upsample"):
        return lambda tensors: [_interpolated(tensors[0], call.args)]
    if call.target in SUMS:
        call = replace(call, target="operator.add")
    if call.args.get("value") == -math.inf:  # below every maximum; of sums, nothing
        call = replace(call, args={**call.args, "value": 0.0})
    thing = made(call)
    if "uncounted" in call.args:
        return lambda tensors: [
            thing(_around(_around(tensors[0], call.args.get("counted", ())), call.args["uncounted"]))
        ]
    if isinstance(thing, HANDED_ON):
        return lambda tensors: tensors
    name = type(thing).__name__
    if name.startswith("MaxPool"):
        return lambda tensors: [_sums_of_windows(thing, tensors[0])]
    if name.startswith("AdaptiveMaxPool"):
        thing = getattr(nn, name.replace("Max", "Avg"))(thing.output_size)
    if isinstance(thing, nn.Buffer):
        constant = thing.double()[None]
        return lambda tensors: [constant.movedim(-1, 1) if call.layout == "last" else constant]
    if isinstance(thing, nn.Module):
        _weigh(thing, call, random)
    if call.layout != "last":
        return lambda tensors: called(call, thing, tensors)
    return lambda tensors: [
        each.movedim(-1, 1) for each in called(call, thing, [each.movedim(1, -1) for each in tensors])
    ]


def _weigh(module: nn.Module, call: Call, random: torch.Generator) -> None:
    """Positive weights; attention of a sequence to itself weighs all positions alike."""
    for weight in module.double().parameters():
        nn.init.uniform_(weight, 0.5, 1.5, generator=random).requires_grad_(False)
    if isinstance(module, nn.MultiheadAttention) and call.reads == (0, 0, 0):
        nn.init.zeros_(module.in_proj_weight[: 2 * module.embed_dim])


def _around(x: Tensor, sides: Any) -> Tensor:
    return functional.pad(x, sides) if sides else x


def _interpolated(x: Tensor, args: Mapping[str, Any]) -> Tensor:
    """An interpolation; a linear one without the weights of 10⁻¹⁶ that rounding makes of nothing, axis by axis."""
    if "linear" not in args.get("mode", ""):
        return functional.interpolate(x, **args)
    rank = x.dim() - 2
    given = {name: args[name] for name in ("size", "scale_factor") if args.get(name) is not None}
    kept = {name: value for name, value in args.items() if name not in given}
    for axis, n in enumerate(x.shape[2:]):
        rows = torch.eye(n, dtype=x.dtype)[None, :, :, None].expand(1, n, n, 2).contiguous()
        here: dict[str, Any] = {
            name: (_each(value, rank)[axis], 2 if name == "size" else 1) for name, value in given.items()
        }
        weights = functional.interpolate(rows, **here, **{**kept, "mode": "bilinear"})[0, :, :, 0]
        x = torch.tensordot(x, weights.where(weights > 1e-9, 0), dims=([2 + axis], [0])).movedim(-1, 2 + axis)
    return x


def _sums_of_windows(pool: Any, x: Tensor) -> Tensor:
    """The sum of each window of a max pool."""
    out = pool(x.detach()).shape[2:]
    rank = len(out)
    k, s, d, p = (_each(number, rank) for number in (pool.kernel_size, pool.stride, pool.dilation, pool.padding))
    ends = [(out[i] - 1) * s[i] + d[i] * (k[i] - 1) + 1 - p[i] - x.shape[2 + i] for i in range(rank)]
    padded = functional.pad(x, [side for i in reversed(range(rank)) for side in (p[i], ends[i])])
    ones = torch.ones(x.shape[1], 1, *k, dtype=x.dtype)
    return CONVOLUTIONS[rank](padded, ones, stride=s, dilation=d, groups=x.shape[1])


def _each(number: Any, rank: int) -> list[Any]:
    return [number] * rank if isinstance(number, int | float) else list(number)
