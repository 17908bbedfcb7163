"""A complete plan, executed one step after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from planner.plan import Plan, Step
from reference_run._layers import computed


@dataclass(frozen=True)
class Outcome:
    """What came out: `values` holds the tensors of every step by its name, `outputs` those of the model.

    All are channels first with the batch before them, (N, C, …); a vector is (N, C).
    """

    values: Mapping[str, Sequence[Tensor]]
    outputs: Sequence[Tensor]


def run(
    plan: Plan, weights: Mapping[str, Tensor], inputs: Sequence[Tensor], *, seed: int = 0, gradients: bool = False
) -> Outcome:
    """Execute every step of a plan in evaluation mode.

    weights    the model's state_dict: an entry's name is that of its step, a dot, and the layer's name for it
    inputs     one for each input of the plan, channels first
    seed       for the layers that draw by chance in evaluation too
    gradients  the outputs know how they depend on weights that are an nn.Parameter
    """
    assert plan.complete
    found: list[Sequence[Tensor]] = []
    given = iter(inputs)
    batch = inputs[0].shape[0]
    with torch.set_grad_enabled(gradients), torch.random.fork_rng():
        torch.manual_seed(seed)
        for step in plan.steps:
            sources = [_tensor(found, ref) for ref in step.sources]
            found.append([next(given)] if step.is_input else _of_step(plan, step, weights, sources, batch))
            _must_be_planned(step, found[-1], batch)
    values = {step.name: tensors for step, tensors in zip(plan.steps, found, strict=True)}
    return Outcome(values, [_tensor(found, ref) for ref in plan.outputs])


def _tensor(found: Sequence[Sequence[Tensor]], ref: tuple[int, int]) -> Tensor:
    return found[ref[0]][ref[1]]


def _of_step(
    plan: Plan, step: Step, weights: Mapping[str, Tensor], sources: Sequence[Tensor], batch: int
) -> Sequence[Tensor]:
    assert step.layer is not None
    assert step.facts is not None
    entries = (*step.facts.weights, *step.facts.buffers)
    own = {entry: weights[plan.weight(step, entry)] for entry in entries}
    try:
        return computed(step.layer, own, sources, batch)
    except Exception as error:
        error.add_note(f"in `{step.name}`, {step.layer!r} on {', '.join(map(str, step.inputs))}")
        raise


def _must_be_planned(step: Step, tensors: Sequence[Tensor], batch: int) -> None:
    """A shape that differs is a fault of the plan, or of this run."""
    wanted = [(batch, *shape.torch) for shape in step.outputs]
    got = [tuple(tensor.shape) for tensor in tensors]
    assert got == wanted, f"`{step.name}`, {step.layer!r}, gives {got} where {wanted} is planned"
