"""The Plan: a Model with shapes. What depends on a faulty step is left out, not blamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from planner.diagnostics import Diagnostic, Fault, Path
from planner.geometry import Link, Shape
from planner.layers._layer import Facts, Layer, Sizes
from planner.masks import Hidden
from planner.model import Group, Instance, Model, Ref
from planner.weights import added, entries, first_name
from planner.words import joined


class Tensor(NamedTuple):
    """One output of one step."""

    step: int
    output: int = 0


def first_of(ref: Ref) -> Tensor:
    """The tensor that a reference names; of a step that is named without a number, the first output."""
    return Tensor(ref.step, ref.output or 0)


class Reading(NamedTuple):
    """Where a tensor is read: by which step, and as which of its sources."""

    step: int
    source: int


@dataclass(slots=True, eq=False)
class Step:
    """One step of the plan: an instance of a layer with all that is known about it.

    A step without `facts` could not be planned: its own fault is among the diagnostics, or it depends on one that is.
    `sources` are the tensors it reads, `places` its outputs that say where something is, `hidden` what its first hides.
    `made` is its layer where arguments read sizes of tensors, which are `sizes` here; nothing while they are not known.
    """

    instance: Instance
    sources: tuple[Tensor, ...] = ()
    inputs: tuple[Shape, ...] = ()
    facts: Facts | None = None
    places: Sequence[int] = ()
    made: Layer | None = None
    sizes: tuple[int, ...] = ()
    hidden: Hidden = ()

    @property
    def name(self) -> str:
        return self.instance.name

    @property
    def type(self) -> str:
        return self.instance.type

    @property
    def layer(self) -> Layer | None:
        return self.made or self.instance.layer

    @property
    def path(self) -> Path:
        return self.instance.path

    @property
    def group(self) -> Group | None:
        return self.instance.group

    @property
    def is_input(self) -> bool:
        return self.instance.input is not None

    @property
    def outputs(self) -> tuple[Shape, ...]:
        return self.facts.outputs if self.facts else ()

    @property
    def links(self) -> tuple[tuple[Link, ...], ...]:
        """`links[o][i]`: how output o depends on input i."""
        return self.facts.links if self.facts else ()

    @property
    def weights(self) -> Mapping[str, Sizes]:
        return self.facts.weights if self.facts else {}

    @property
    def params(self) -> int | None:
        """The trained parameters that it adds to the model: none where its weights are another step's."""
        return added(self.instance, self.facts) if self.facts else None

    @property
    def state(self) -> Mapping[str, Sizes]:
        """Its entries of the model's `state_dict`, by the layer's names: none where it uses another step's layer."""
        return entries(self.instance, self.facts) if self.facts else {}

    @property
    def macs(self) -> int | None:
        return self.facts.macs if self.facts else None

    def lends_size(self, source: int) -> bool:
        """Whether it takes the size of one of its sources alone, and reads nothing of it."""
        return bool(self.links) and all(links[source].empty for links in self.links)


Known = dict[tuple[int, tuple[Shape, ...]], Facts]
"""What layers have answered before, by layer and input shapes."""


@dataclass(eq=False)
class Plan:
    """A model with shapes; `steps` stand in the order of the model's instances, inputs first.

    known  what the model's layers have answered, on other inputs too
    """

    model: Model
    steps: list[Step]
    outputs: tuple[Tensor, ...]
    diagnostics: list[Diagnostic] = field(default_factory=list)
    known: Known = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every step has its shapes."""
        return bool(self.outputs) and all([step.facts is not None for step in self.steps])

    @property
    def inputs(self) -> list[Step]:
        return [step for step in self.steps if step.is_input]

    @property
    def layers(self) -> Iterator[Step]:
        """The steps that are not inputs."""
        return (step for step in self.steps if not step.is_input)

    def report(self, fault: Fault, step: Step) -> None:
        """Add the fault of a step, with the names of the tensors that it reads."""
        sources = joined([*dict.fromkeys(f"`{self.label(tensor)}`" for tensor in step.sources)]) or "nothing"
        self.diagnostics.append(
            Diagnostic.of(fault, step.path, step=step.name, calls=step.instance.calls, sources=sources)
        )

    # Steps

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """The numbers of the steps by their full names."""
        return {step.name: i for i, step in enumerate(self.steps)}

    def step(self, name: str) -> Step | None:
        """The step with a full name."""
        number = self.numbers.get(name)
        return None if number is None else self.steps[number]

    # Weights

    def owner(self, step: Step) -> Step:
        """The first step with the weights that a step uses: the step itself, unless it shares another's."""
        return step if step.instance.owner is None else self.steps[step.instance.owner]

    def weight(self, step: Step, name: str) -> str:
        """The first full name that the `state_dict` has for a weight or a buffer of a step."""
        return first_name(self.steps, step, name)

    # Tensors

    def shape(self, tensor: Tensor) -> Shape | None:
        """The shape of a tensor, where it is known."""
        outputs = self.steps[tensor.step].outputs
        return outputs[tensor.output] if len(outputs) > tensor.output else None

    def label(self, tensor: Tensor) -> str:
        """The full name of a tensor: that of its step, with the output's number where the step has several."""
        step = self.steps[tensor.step]
        several = len(step.outputs) > 1 and not (step.layer and step.layer.extras and not tensor.output)
        return f"{step.name}.{tensor.output}" if several else step.name

    @cached_property
    def readings(self) -> Mapping[Tensor, Sequence[Reading]]:
        """Where each tensor is read that any step reads, in order."""
        found: dict[Tensor, list[Reading]] = {}
        for i, step in enumerate(self.steps):
            for k, tensor in enumerate(step.sources):
                found.setdefault(tensor, []).append(Reading(i, k))
        return found

    @cached_property
    def _readers(self) -> Mapping[int, Sequence[Reading]]:
        found: dict[int, list[Reading]] = {}
        for tensor, readings in self.readings.items():
            found.setdefault(tensor.step, []).extend(readings)
        return {step: sorted(readings) for step, readings in found.items()}

    def readers(self, step: int) -> Sequence[Reading]:
        """Where any output of a step is read, in order."""
        return self._readers.get(step, ())

    def behind(self, begins: Callable[[Step], bool]) -> set[int]:
        """The steps that begin, as a function says, and all that depend on these."""
        found: set[int] = set()
        for i, step in enumerate(self.steps):
            if begins(step) or any(tensor.step in found for tensor in step.sources):
                found.add(i)
        return found

    @cached_property
    def sized(self) -> frozenset[int]:
        """The steps of whose outputs arguments read a size."""
        sized = (each.sized for each in self.model.instances if each.sized is not None)
        return frozenset(size.ref.step for each in sized for size in each.reads)

    @cached_property
    def returned(self) -> frozenset[int]:
        """The steps of which the model returns an output."""
        return frozenset(tensor.step for tensor in self.outputs)

    # Blocks

    @cached_property
    def blocks(self) -> Mapping[Group | None, Sequence[Group]]:
        """The blocks that stand directly in a block, or in the model, those without a step too."""
        found: dict[Group | None, list[Group]] = {}
        for group in self.model.groups:
            found.setdefault(group.parent, []).append(group)
        return found

    def members(self, group: Group | None) -> Iterator[Step | Group]:
        """What stands directly in a block, or in the model: steps and blocks, in order of execution."""
        at, last = (0, len(self.steps)) if group is None else (group.first, group.last)
        for inside in self.blocks.get(group, ()):
            yield from self.steps[at : inside.first]
            yield inside
            at = inside.last
        yield from self.steps[at:last]

    def arriving(self, group: Group) -> list[Tensor]:
        """What a block reads of what is before it, in order."""
        steps = self.steps[group.first : group.last]
        return list(dict.fromkeys(tensor for step in steps for tensor in step.sources if tensor.step < group.first))

    def leaving(self, group: Group) -> list[Tensor]:
        """What a block hands on, in the order that it states; where it states nothing, what its last entry hands on."""
        return list(map(first_of, group.hands)) or [Tensor(group.last - 1)]
