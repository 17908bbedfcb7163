"""The Plan: a Model with shapes. Every step asks its layer once; what depends on a faulty step is left out, not
blamed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from planner.diagnostics import Diagnostic, Fault, Path
from planner.faults.no_such_output import NoSuchOutput
from planner.geometry import Link, Shape
from planner.layers._layer import Facts, Layer, Sizes
from planner.model import Group, Instance, Model, Ref

_NOTHING: Mapping[str, Sizes] = {}


@dataclass(slots=True, eq=False)
class Step:
    """One step of the plan: an instance of a layer with all that is known about it.

    A step without `facts` could not be planned: its own fault is among the diagnostics, or it depends on one that is.
    `sources` say which outputs of which steps it reads; an input of the model is a step without sources.
    """

    instance: Instance
    sources: tuple[Ref, ...] = ()
    inputs: tuple[Shape, ...] = ()
    facts: Facts | None = None

    @property
    def name(self) -> str:
        return self.instance.name

    @property
    def type(self) -> str:
        return self.instance.type

    @property
    def layer(self) -> Layer | None:
        return self.instance.layer

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
        return self.facts.weights if self.facts else _NOTHING

    @property
    def params(self) -> int | None:
        return self.facts.params if self.facts else None

    @property
    def macs(self) -> int | None:
        return self.facts.macs if self.facts else None

    def lends_size(self, source: int) -> bool:
        """Whether it takes the size of one of its sources alone, and reads nothing of it."""
        return bool(self.links) and all(links[source].empty for links in self.links)


@dataclass(slots=True, eq=False)
class Plan:
    """A model with shapes; `steps` stand in the order of the model's instances, inputs first."""

    model: Model
    steps: list[Step]
    outputs: tuple[Ref, ...]
    diagnostics: list[Diagnostic] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every step has its shapes."""
        return bool(self.outputs) and all(step.facts is not None for step in self.steps)

    @property
    def inputs(self) -> list[Step]:
        return [step for step in self.steps if step.is_input]

    @property
    def layers(self) -> Iterator[Step]:
        """The steps that are not inputs."""
        return (step for step in self.steps if not step.is_input)

    def shape(self, ref: Ref) -> Shape | None:
        """The shape of one tensor, where it is known."""
        outputs = self.steps[ref.step].outputs
        return outputs[ref.output or 0] if len(outputs) > (ref.output or 0) else None

    def label(self, ref: Ref) -> str:
        """The full name of one tensor: that of its step, with the output's number where the step has several."""
        step = self.steps[ref.step]
        several = len(step.outputs) > 1 and not (step.layer and step.layer.extras and not ref.output)
        return f"{step.name}.{ref.output}" if several else step.name


Known = dict[tuple[int, tuple[Shape, ...]], Facts]
"""What layers have answered before, by layer and input shapes."""


def propagate(model: Model, *, inputs: Mapping[str, Shape] = {}, known: Known | None = None) -> Plan:
    """Shapes through the whole model. Never raises for what is wrong in it: the Plan carries the diagnostics.

    inputs  shapes of model inputs that replace the model's own, by name
    known   what earlier propagations of the same model have found out; it is added to
    """
    plan = Plan(model, [], ())
    steps = plan.steps
    known = {} if known is None else known
    for instance in model.instances:
        step = Step(instance)
        steps.append(step)
        if instance.input is not None:
            shape = inputs.get(instance.name, instance.input)
            step.facts = Facts((shape,), (), _NOTHING, _NOTHING, 0, 0)
            continue
        try:
            if instance.layer is None:
                step.sources = tuple([Ref(ref.step, ref.output or 0) for ref in instance.sources])
                continue
            step.sources = tuple([_resolved(ref, steps, i, instance) for i, ref in enumerate(instance.sources)])
            if any([steps[ref.step].facts is None for ref in step.sources]):
                continue
            step.inputs = tuple([steps[at].outputs[output or 0] for at, output in step.sources])
            key = (id(instance.layer), step.inputs)
            step.facts = known.get(key)
            if step.facts is None:
                step.facts = known[key] = instance.layer.facts(*step.inputs)
        except _Told:
            pass
        except Fault as fault:
            origins = " and ".join(dict.fromkeys(f"`{plan.label(ref)}`" for ref in step.sources)) or "nothing"
            plan.diagnostics.append(
                Diagnostic.of(fault, instance.path, step=instance.name, calls=instance.calls, sources=origins)
            )
    plan.diagnostics += _not_there(plan)
    try:
        plan.outputs = tuple(_resolved(ref, steps, i, None) for i, ref in enumerate(model.outputs))
    except _Told:
        pass
    except Fault as fault:
        plan.diagnostics.append(Diagnostic.of(fault))
    return plan


class _Told(Exception):
    """A fault that is told where the file names the tensor, and not where a layer reads it."""


def _not_there(plan: Plan) -> Iterator[Diagnostic]:
    """Numbers of outputs that layers do not have, read or not: an input of a block, say, that its layers leave out."""
    for ref, path, key, calls in plan.model.numbered:
        source = plan.steps[ref.step]
        count = len(source.outputs)
        if 0 < count <= (ref.output or 0):
            fault = NoSuchOutput(source.name.rpartition(".")[2], ref.output, count, key)
            yield Diagnostic.of(fault, path, calls=calls)


def _resolved(ref: Ref, steps: list[Step], place: int, reader: Instance | None) -> Ref:
    """The tensor with its output's number; a bare name means the only output, or the first where the others are
    extras.
    """
    source = steps[ref.step]
    if source.facts is None:
        return ref if ref.output is not None else Ref(ref.step, 0)
    count = len(source.facts.outputs)
    extras = source.layer is not None and source.layer.extras
    if ref.output is None:
        if count == 1 or extras:
            return Ref(ref.step, 0)
    elif ref.output < count:
        return ref
    else:
        raise _Told
    several = len(reader.sources) > 1 if reader else place > 0
    key: Path = ("from" if reader else "outputs", *((place,) if several else ()))
    raise NoSuchOutput(source.name.rpartition(".")[2], None, count, key)
