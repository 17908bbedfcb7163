"""Propagation: shapes through a Model, step by step, which makes its Plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from planner.diagnostics import Diagnostic, Fault, Path
from planner.faults.no_such_output import NoSuchOutput
from planner.geometry import Shape
from planner.layers._layer import Facts
from planner.masks import masked
from planner.model import Instance, Model, Ref, SizedLayer
from planner.plan import Known, Plan, Step, Tensor, first_of
from planner.weights import must_fit, places


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
    like     a plan of this model, or of one that shares instances with it: steps are taken where they read the same
    """
    model.note_own(lambda own: ((step.instance, step.inputs) for step in propagate(model, inputs=own).steps))
    known = {} if known is None else known
    plan = Plan(model, [], (), known=known)
    for at, instance in enumerate(model.instances):
        if like is not None and _reads_the_same(like, at, instance, plan.steps, inputs):
            step = like.steps[at]
            plan.steps.append(step)
        else:
            step = Step(instance)
            plan.steps.append(step)
            if instance.input is not None:
                step.facts = given(inputs.get(instance.name, instance.input))
                continue
            _ask_or_guess(plan, at, known, guesser, tells=good is None)
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


def _ask_or_guess(plan: Plan, at: int, known: Known, guesser: Guesser | None, *, tells: bool) -> None:
    """Work out what is known of a step, with a guess after a fault; whether the fault is told is said by `tells`."""
    step, fault = plan.steps[at], None
    try:
        ask(step, plan.steps, known)
    except Told:
        step.sources = _there(step.instance, plan.steps)
    except Fault as found:
        step.facts, fault = None, found
        if tells:
            plan.report(fault, step)
    if step.facts is None and guesser is not None:
        step.facts = guesser.facts(plan, at, fault)


def _reads_the_same(
    like: Plan, at: int, instance: Instance, steps: Sequence[Step], inputs: Mapping[str, Shape]
) -> bool:
    """Whether a step of another plan was planned of the same instance, on the same tensors."""
    if at >= len(like.steps) or like.steps[at].instance is not instance or like.steps[at].facts is None:
        return False
    if instance.input is not None:
        return like.steps[at].outputs == (inputs.get(instance.name, instance.input),)
    if instance.sized is not None or instance.lenders:
        return False
    pairs = [(steps[ref.step], like.steps[ref.step]) for ref in instance.sources]
    return all([a is b or (a.outputs, a.places, a.hidden) == (b.outputs, b.places, b.hidden) for a, b in pairs])


def given(*shapes: Shape) -> Facts:
    """The facts of a step that has no layer and whose output shapes are given, such as an input."""
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
