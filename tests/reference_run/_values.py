"""Weights and inputs to run a plan with."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from planner.plan import Plan, Step
from reference_run._layers import numbers_of

BATCH = 2
"""Not 1, so that an axis taken for the batch is seen."""


def weights_of(plan: Plan, seed: int = 0) -> dict[str, Tensor]:
    """A state_dict of the model, in float64, with which values neither vanish nor explode; weights that are tied to one
    another are one tensor.
    """
    found: dict[str, Tensor] = {}
    for step in plan.layers:
        for entry, sizes in step.state.items():
            name, first = f"{step.name}.{entry}" if entry else step.name, plan.weight(step, entry)
            if step.type == "Constant":
                found[name] = numbers_of(step.layer).reshape(sizes)
            else:
                found[name] = found[first] if first in found else _entry(f"{step.name}.{entry}", entry, sizes, seed)
    return found


def _entry(name: str, entry: str, sizes: tuple[int, ...], seed: int) -> Tensor:
    if entry.endswith("num_batches_tracked"):
        return torch.tensor(0)
    z = _normal(name, sizes, seed)
    if entry.endswith("running_var"):
        return z.abs_().mul_(0.5).add_(1)
    if len(sizes) > 1:
        return z.div_(math.sqrt(max(1, math.prod(sizes[1:]))))
    return z.mul_(0.1).add_(1) if entry.endswith("weight") else z.mul_(0.1)


DRAWN = 999_983
"""How many numbers are drawn at most; a prime, so that when they are repeated no two rows of a matrix are alike."""


def _normal(name: str, sizes: tuple[int, ...], seed: int) -> Tensor:
    """Normally distributed numbers, always the same ones for a name."""
    generator = torch.Generator().manual_seed(zlib.crc32(f"{seed} {name}".encode()))
    count = math.prod(sizes)
    drawn = torch.randn(min(count, DRAWN), generator=generator, dtype=torch.float64)
    return drawn.repeat(-(-count // DRAWN))[:count].reshape(sizes)


def inputs_of(plan: Plan, seed: int = 0, batch: int = BATCH) -> list[Tensor]:
    """An input of each kind that the plan takes, channels first: whole numbers where they pick something."""
    most = _picked_from(plan)
    found = []
    for place, step in enumerate(plan.inputs):
        sizes = (batch, *step.outputs[0].torch)
        z = _normal(f"input {place}", sizes, seed)
        found.append((z.abs() * 1e6).long() % most[place] if place in most else z)
    return found


def _picked_from(plan: Plan) -> Mapping[int, int]:
    """For each input whose numbers pick something, among how many: also where layers between only move them."""
    among: dict[tuple[int, int], int] = {}
    for place, step in _backwards(plan):
        indices, own = (step.layer.indices, step.layer.places) if step.layer is not None else ((), ())
        moved = [among[place, o] for o in range(len(step.outputs)) if (place, o) in among and o not in own]
        for k, ref in enumerate(step.sources):
            if k in indices:
                among[ref] = min(_count(step), among.get(ref, _count(step)))
            elif moved and not step.weights:
                among[ref] = min(*moved, among.get(ref, moved[0]))
    return {place: among[place, 0] for place, step in enumerate(plan.steps) if step.is_input and (place, 0) in among}


def _backwards(plan: Plan) -> Iterator[tuple[int, Step]]:
    return reversed([*enumerate(plan.steps)])


def _count(step: Step) -> int:
    """How many things an index of a step picks from: vectors of its table, or cells of an axis of any length."""
    return next((sizes[0] for sizes in step.weights.values()), min(min(x) for x in step.inputs))
