"""The cost of a plan: parameters, multiply-adds, activation memory."""

from __future__ import annotations

from typing import NamedTuple

from planner.budget import DType
from planner.plan import Plan

BYTES: dict[str, int] = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int8": 1}


class Cost(NamedTuple):
    """The totals over all steps that could be planned.

    known_params      trained parameters, those that several steps use once
    known_macs        multiply-adds of convolutions, linear layers, matrix products and attention for one sample;
                      FLOPs are twice that
    activation_bytes  all outputs together, for the batch
    peak_bytes        the most that is alive at once when the steps run in order, each tensor freed after its last
                      reader: what inference needs beside the weights; no step works in place
    peak_step         the first step at which that is so; None where no step could be planned
    unknown_params    the steps of which it is not known how many parameters they have, so that they are not counted
    unknown_macs      those of which the multiply-adds are not known
    """

    known_params: int
    known_macs: int
    activation_bytes: int
    peak_bytes: int
    batch: int = 1
    dtype: DType = "float32"
    unknown_params: tuple[str, ...] = ()
    unknown_macs: tuple[str, ...] = ()
    peak_step: int | None = None

    @property
    def params(self) -> int | None:
        """All trained parameters; None where those of some step are not known."""
        return None if self.unknown_params else self.known_params

    @property
    def macs(self) -> int | None:
        """All multiply-adds; None where those of some step are not known."""
        return None if self.unknown_macs else self.known_macs

    @property
    def flops(self) -> int | None:
        return None if self.unknown_macs else 2 * self.known_macs


def cost(plan: Plan, *, batch: int = 1, dtype: DType = "float32") -> Cost:
    """The cost of a plan, for a batch of `batch` samples of data type `dtype`."""
    last_reader = {(ref.step, ref.output): len(plan.steps) for ref in plan.outputs}
    for i, step in enumerate(plan.steps):
        for ref in step.sources:
            tensor = (ref.step, ref.output)
            last_reader[tensor] = max(last_reader.get(tensor, i), i)
    freed_after: dict[int, int] = {}
    planned = [(i, step, step.facts) for i, step in enumerate(plan.steps) if step.facts is not None]
    activations = alive = peak = 0
    peak_step = None
    for i, _, facts in planned:
        for output, shape in enumerate(facts.outputs):
            elements = shape.elements
            activations += elements
            alive += elements
            last = last_reader.get((i, output), i)
            freed_after[last] = freed_after.get(last, 0) + elements
        if alive > peak:
            peak, peak_step = alive, i
        alive -= freed_after.pop(i, 0)
    size = BYTES[dtype] * batch
    params = [(step.name, step.params) for _, step, _ in planned]
    macs = [(step.name, facts.macs) for _, step, facts in planned]
    return Cost(
        sum([count or 0 for _, count in params]),
        sum([count or 0 for _, count in macs]),
        activations * size,
        peak * size,
        batch,
        dtype,
        unknown_params=tuple([name for name, count in params if count is None]),
        unknown_macs=tuple([name for name, count in macs if count is None]),
        peak_step=peak_step,
    )
