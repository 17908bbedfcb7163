"""The Plan: a Model with shapes. What depends on a faulty step is left out, not blamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, Protocol

from planner.diagnostics import Diagnostic, Fault, Path
from planner.faults.no_such_output import NoSuchOutput
from planner.geometry import Link, Shape
from planner.layers._layer import Facts, Layer, Sizes
from planner.masks import Hidden, masked
from planner.model import Group, Instance, Model, Ref, SizedLayer
from planner.weights import added, entries, first_name, must_fit, places
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
        return bool(self.outputs) and all(step.facts is not None for step in self.steps)

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
        """What a block hands on, in the order that it states; where it states nothing, its last step's first output."""
        return list(map(first_of, group.outputs)) or [Tensor(group.last - 1)]


class Guesser(Protocol):
    """Says what to go on with where a step cannot be planned."""

    def facts(self, plan: Plan, at: int, fault: Fault | None) -> Facts | None:
        """What a step that the plan has reached is taken for; None where that is open too.

        fault  what its layer said to its sources; None where it has no layer, or one of its inputs is not known
        """


def propagate(
    model: Model,
    *,
    inputs: Mapping[str, Shape] = {},
    known: Known | None = None,
    guesser: Guesser | None = None,
    good: Callable[[Step], bool] | None = None,
    like: Plan | None = None,
) -> Plan:
    """Shapes through the whole model. Never raises for what is wrong in it: the Plan carries the diagnostics.

    inputs   shapes of model inputs that replace the model's own, by name
    known    what earlier propagations have found out, of the same layer objects; it is added to
    guesser  goes on with a guess after a fault; without it, what depends on a faulty step is left out
    good     asked of every step but the inputs; the plan ends, without a word, at the first that is not good
    like     the plan of a model that shares instances with this one: their steps are taken where they read the same
    """
    model.note_own(lambda own: ((step.instance, step.inputs) for step in propagate(model, inputs=own).steps))
    known = {} if known is None else known
    plan = Plan(model, [], (), known=known)
    for at, instance in enumerate(model.instances):
        if like is not None and _reads_the_same(like, at, instance, plan.steps):
            plan.steps.append(like.steps[at])
            continue
        step = Step(instance)
        plan.steps.append(step)
        if instance.input is not None:
            step.facts = given(inputs.get(instance.name, instance.input))
            continue
        try:
            ask(step, plan.steps, known)
            if step.facts is None and guesser is not None:
                step.facts = guesser.facts(plan, at, None)
        except Told:
            step.sources = _there(instance, plan.steps)
            step.facts = guesser.facts(plan, at, None) if guesser is not None else None
        except Fault as fault:
            if good is None:
                plan.report(fault, step)
            step.facts = guesser.facts(plan, at, fault) if guesser is not None else None
        if good is not None and not good(step):
            return plan
    plan.diagnostics += _not_there(plan)
    try:
        plan.outputs = tuple(resolved(ref, plan.steps, i, None) for i, ref in enumerate(model.outputs))
    except Told:
        pass
    except Fault as fault:
        plan.diagnostics.append(Diagnostic.of(fault))
    return plan


def _reads_the_same(like: Plan, at: int, instance: Instance, steps: Sequence[Step]) -> bool:
    """Whether a step of another plan was planned of the same instance, on the same tensors."""
    if like.steps[at].instance is not instance or like.steps[at].facts is None:
        return False
    if instance.sized is not None or instance.lenders:
        return False
    pairs = [(steps[ref.step], like.steps[ref.step]) for ref in instance.sources]
    return all([a is b or (a.outputs, a.places, a.hidden) == (b.outputs, b.places, b.hidden) for a, b in pairs])


def given(*shapes: Shape) -> Facts:
    """What is known of a step whose outputs are given, as an input's are."""
    return Facts(shapes, (), {}, {}, 0, 0)


def ask(step: Step, steps: Sequence[Step], known: Known) -> None:
    """Give a step its sources, the shapes that it reads and what its layer says of them, as far as there are any."""
    instance = step.instance
    layer, sized = instance.layer, instance.sized
    if layer is None and sized is None:
        step.sources = _there(instance, steps)
        return
    step.places = layer.places if layer is not None else ()
    step.sources = tuple([resolved(ref, steps, i, instance) for i, ref in enumerate(instance.sources)])
    missing = [steps[ref.step].instance.path for ref in step.sources if steps[ref.step].facts is None]
    if missing:
        if layer is not None and instance.path not in missing:  # told once for all copies
            layer.must_take(len(step.sources))
        return
    step.inputs = tuple([steps[at].outputs[output] for at, output in step.sources])
    if sized is not None:
        sizes = sizes_read(sized, steps)
        if sizes is None:
            return
        step.sizes = sizes
        layer = step.made = sized.layer(sizes)
    if layer is None:
        return
    step.places = layer.places
    key = (id(layer), step.inputs)
    facts = known[key] = known.get(key) or layer.facts(*step.inputs)
    must_fit(step, layer, facts, steps)
    step.facts = instance.placed(layer, facts, step.inputs)
    step.places = places(step, layer, step.facts, steps)
    step.facts, step.hidden = masked(step, layer, steps)


def sizes_read(sized: SizedLayer, steps: Sequence[Step]) -> tuple[int, ...] | None:
    """The sizes of tensors that arguments read; None where one is not known."""
    found = []
    for (step, output), axis in sized.reads:
        outputs = steps[step].outputs
        if len(outputs) <= (output or 0) or len(outputs[output or 0]) < -axis:
            return None
        found.append(outputs[output or 0][axis])
    return tuple(found)


class Told(Exception):
    """A fault that is told where the file names the tensor, and not where a layer reads it."""


def _not_there(plan: Plan) -> Iterator[Diagnostic]:
    """Numbers of outputs that layers do not have, read or not: an input of a block, say, that its layers leave out."""
    for ref, path, key, calls, name, copies in plan.model.numbered:
        count = 0 if _in_doubt(plan.steps[ref.step]) else len(plan.steps[ref.step].outputs)
        if 0 < count <= (ref.output or 0):
            fault = NoSuchOutput(name, ref.output, count, key, copies=copies if count == 1 else None)
            yield Diagnostic.of(fault, path, calls=calls)


def _there(instance: Instance, steps: Sequence[Step]) -> tuple[Tensor, ...]:
    """What an instance reads that cannot be planned; the first output in place of one that is not there."""
    found = []
    for ref in instance.sources:
        count = len(steps[ref.step].outputs)
        found.append(Tensor(ref.step, ref.output if ref.output and (ref.output < count or not count) else 0))
    return tuple(found)


def _in_doubt(step: Step) -> bool:
    """Whether how many outputs a step has is a guess."""
    return step.instance.guess is not None and step.instance.guess.doubtful


def resolved(ref: Ref, steps: Sequence[Step], place: int, reader: Instance | None) -> Tensor:
    """The tensor with its output's number; a bare name means the only output, or the first where the others are
    extras.
    """
    source = steps[ref.step]
    if source.facts is None:
        return first_of(ref)
    count = len(source.facts.outputs)
    if count == 1 and ref.output is None:
        return Tensor(ref.step)
    guess = source.instance.guess
    layer = source.layer or (guess.layers[0] if guess is not None else None)
    extras = layer.extras if layer is not None else guess is not None and guess.unknown is not None
    if _in_doubt(source):
        return Tensor(ref.step, min(ref.output or 0, count - 1))
    if ref.output is None:
        if extras:
            return Tensor(ref.step)
    elif ref.output < count:
        return Tensor(ref.step, ref.output)
    else:
        raise Told
    several = len(reader.sources) > 1 if reader else place > 0
    key: Path = ("from" if reader else "outputs", *((place,) if several else ()))
    least, most = reader.layer.takes if reader and reader.layer is not None and not several else (1, 1)
    wanted = count if least <= count and most != 1 and (most is None or count <= most) else 1
    raise NoSuchOutput(source.name.rpartition(".")[2], None, count, key, wanted=wanted)
