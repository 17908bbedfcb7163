"""What training a plan takes in memory, step by step and in total."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from planner.analyses.cost import BYTES
from planner.budget import DType
from planner.plan import Plan
from planner.training.optimizers import STATES, Optimizer

if TYPE_CHECKING:
    from planner.autograd.tensors import Storage
    from planner.training.peak import Peak
    from planner.training.running import TrainingRun


@dataclass(frozen=True, slots=True)
class StepMemory:
    """The bytes of one step; what several steps have counts where it comes first.

    kept       what its operations keep for backward; None where it is not known
    params     its trained parameters
    gradients  their gradients
    optimizer  what the optimizer holds for them
    """

    kept: int | None
    params: int
    gradients: int
    optimizer: int


@dataclass(eq=False)
class Training:
    """The memory of one step of training: forward, backward, and the optimizer's step.

    autocast  the lower precision that autocast works in; None without it
    """

    plan: Plan
    batch: int = 1
    dtype: DType = "float32"
    autocast: str | None = None
    optimizer: Optimizer = "none"

    @cached_property
    def run(self) -> TrainingRun:
        from planner.training.running import run

        return run(self.plan, batch=self.batch, dtype=self.dtype, autocast=self.autocast)

    @cached_property
    def _kept(self) -> dict[Storage, int]:
        """Each stretch of memory that is kept, beside parameters and buffers, with the step that keeps it first."""
        found: dict[Storage, int] = {}
        for node in self.run.tape.nodes:
            for storage in node.saved:
                if storage.role not in ("weight", "buffer"):
                    found.setdefault(storage, node.step)
        return found

    @property
    def unknown(self) -> tuple[str, ...]:
        """The steps of which it is not known what they keep, or how many parameters they have."""
        found = {
            *self.run.unknown,
            *(i for i, step in enumerate(self.plan.steps) if step.params is None and step.facts),
        }
        return tuple(self.plan.steps[i].name for i in sorted(found))

    @property
    def unknown_kept(self) -> tuple[str, ...]:
        """The steps of which it is not known what they keep."""
        return tuple(self.plan.steps[i].name for i in self.run.unknown)

    @property
    def known_kept(self) -> int:
        """The bytes that are kept for backward, of the steps of which it is known."""
        return sum(each.bytes for each in self._kept)

    @property
    def kept_bytes(self) -> int | None:
        """All bytes that are kept for backward, without parameters and buffers; None where some are not known."""
        return None if self.run.unknown else self.known_kept

    @property
    def cast_bytes(self) -> int:
        """The part of these that copies of weights in lower precision take."""
        return sum(each.bytes for each in self._kept if each.role == "cast")

    @property
    def input_bytes(self) -> int:
        return sum(each.bytes for each in self.run.inputs)

    @cached_property
    def _trained(self) -> dict[str, int]:
        """The parameters that get a gradient, by their names."""
        from planner.training.peak import backward_order

        leaves = {id(x) for node in backward_order(self.run.tape, self.run.outputs) for x in node.inputs if x.leaf}
        return {name: x.storage.bytes for name, x in self.run.weights.items() if id(x) in leaves}

    @property
    def parameter_bytes(self) -> int:
        return sum(each.storage.bytes for each in self.run.weights.values() if each.storage.role == "weight")

    @property
    def buffer_bytes(self) -> int:
        return sum(each.storage.bytes for each in self.run.weights.values() if each.storage.role == "buffer")

    @property
    def gradient_bytes(self) -> int:
        return sum(self._trained.values())

    @property
    def optimizer_bytes(self) -> int:
        return sum(self._state(name) for name in self._trained)

    def _state(self, name: str) -> int:
        return STATES[self.optimizer](self.run.weights[name].sizes, BYTES[self.dtype])

    @cached_property
    def peak(self) -> Peak:
        """The most at once beside weights, inputs and the optimizer's state."""
        from planner.training.peak import peak

        return peak(self.run.tape, self.run.outputs)

    @property
    def fixed_bytes(self) -> int:
        """What is there all the time: parameters, buffers, inputs, and the optimizer's state."""
        return self.parameter_bytes + self.buffer_bytes + self.input_bytes + self.optimizer_bytes

    @property
    def peak_bytes(self) -> int | None:
        """The most at once, with all that is there; None where it is not known what some steps keep."""
        return None if self.unknown else self.fixed_bytes + self.peak.bytes

    @property
    def peak_step(self) -> str:
        """The step that runs when most is there, going forward or backward."""
        return self.plan.steps[self.peak.step].name

    @cached_property
    def steps(self) -> list[StepMemory]:
        """The bytes of each step of the plan."""
        kept = [0] * len(self.plan.steps)
        for storage, step in self._kept.items():
            kept[step] += storage.bytes
        own: list[list[str]] = [[] for _ in self.plan.steps]
        for name, step in self.run.owners.items():
            if self.run.weights[name].storage.role == "weight":
                own[step].append(name)
        unknown = set(self.run.unknown)
        return [
            StepMemory(
                None if i in unknown else kept[i],
                sum(self.run.weights[name].storage.bytes for name in own[i]),
                sum(self._trained.get(name, 0) for name in own[i]),
                sum(self._state(name) for name in own[i] if name in self._trained),
            )
            for i in range(len(self.plan.steps))
        ]
