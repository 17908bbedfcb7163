"""Supposing: the plan goes on after a fault with what was most likely meant, so that one run tells all faults.

The model is planned several times with the guesses of its entries, which differ in all that is in doubt. A fault that
is found every time, in the same words, does not hang on the doubt and is told; it says which mending it takes for
granted. What is found less often, or with other numbers, is a consequence of the first fault, or may be, and is not
told. Three times, since two unlike sizes may meet: of 3 rows that become none, and of 6 that become 3, both leave 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from planner.diagnostics import Diagnostic, Fault
from planner.faults.shared_weights_differ import SharedWeightsDiffer
from planner.faults.unknown_type import UnknownType
from planner.faults.unknown_weights import UnknownWeights
from planner.faults.wrong_number_of_sources import WrongNumberOfSources
from planner.geometry import Shape
from planner.guesses import LIKELY, OTHER, Guess, facts_of, read_by, remade, unknown_type
from planner.layers._layer import Facts, Layer
from planner.model import Model
from planner.plan import Plan, first_of
from planner.propagation import propagate
from planner.words import counted

WORLDS = ((LIKELY, 1), (OTHER, 2), (OTHER, 6))
"""The versions of what was meant: which version of each guess, and the factor by which sizes in doubt are scaled."""
MOST_SAID = 1
"""Mendings that are named beside a finding that takes them for granted."""
MOST_APART = 8
"""How many times as large one of two branches may be for the sizes of a stage and the next."""
MOST_COUNTED = 10
"""Mendings that are counted beside a finding."""
MOST_FOUND = 1_000
"""Findings about what follows a fault that are told."""
LARGEST_GROWTH = 10
"""How often a map is doubled to find what a window that does not fit would give."""
LARGEST_MAP = 1 << 40
"""Elements of the largest map that is tried for that."""


def told(plan: Plan) -> list[Diagnostic]:
    """The diagnostics of a model and its plan, with those of what follows after the first fault of each path."""
    model = plan.model
    worlds = [_World(*version) for version in WORLDS]
    likely, *others = [propagate(model, known=plan.known, guesser=world) for world in worlds]
    certain = [*_with_shapes(model, worlds[0], likely), *plan.diagnostics]
    return [*certain, *_supposed(plan, worlds[0], likely, others)]


def _supposed(plan: Plan, world: _World, likely: Plan, others: Sequence[Plan]) -> Iterator[Diagnostic]:
    known = {_key(each) for each in plan.diagnostics}
    known |= {_place(each) for each in (*plan.model.diagnostics, *plan.diagnostics)}
    always = set.intersection(*({_key(each) for each in other.diagnostics} for other in others))
    wrong = {each.path[:end] for each in plan.model.diagnostics for end in range(1, len(each.path) + 1)}
    faulty = {each.step for each in plan.diagnostics}
    granted: list[tuple[str, ...]] = []
    count = 0
    for each in likely.diagnostics:
        key, at = _key(each), plan.numbers.get(each.step or "")
        if key in known or _place(each) in known or key not in always or count == MOST_FOUND:
            continue
        if at is not None and (plan.steps[at].facts is not None or each.step in faulty):
            continue
        if at is not None and plan.steps[at].path in wrong and (each.path == plan.steps[at].path or each.path in wrong):
            continue  # a fault in another value of an entry is told, but not what the guess for it leads to
        known.add(key)
        count += 1
        granted = granted or world.granted(likely)
        said = granted[at] if at is not None else ()
        yield each._replace(label=_marked(each.label, said), supposed=True, mends=())


def _key(each: Diagnostic) -> tuple[object, ...]:
    return each.kind, each.path, each.calls, each.step, each.message, each.label


def _place(each: Diagnostic) -> tuple[object, ...]:
    """The place of a diagnostic. Who reads a faulty value of the file does not tell the fault again."""
    return each.kind, each.path


def _marked(label: str, said: Sequence[str]) -> str:
    """A label together with the corrections that it takes for granted."""
    named = ", ".join(said[:MOST_SAID]) or "that what is wrong before it is corrected"
    more = f" and {counted(len(said) - MOST_SAID, 'more correction')}" if len(said) > MOST_SAID else ""
    return f"{label}, assuming {named}{more}" if label else f"assuming {named}{more}"


def _with_shapes(model: Model, likely: _World, plan: Plan) -> Iterator[Diagnostic]:
    """The model's faults; the fault of an unknown type says which types fit, where the shape at its place is known."""
    for each in model.diagnostics:
        at = likely.types.get((each.path[:-1], each.calls)) if each.kind is UnknownType else None
        if at is None:
            yield each
            continue
        step = plan.steps[at]
        assert step.instance.guess is not None
        fault, _ = unknown_type(step.instance.guess, step.inputs)
        yield Diagnostic.of(fault, each.path[:-1], calls=each.calls, step=each.step)


@dataclass
class _World:
    """One version of what was meant, which gives the facts of steps that cannot be planned."""

    version: int
    scale: int
    """The factor by which sizes in doubt are scaled."""
    said: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """What was mended in a step itself."""
    types: dict[tuple[object, object], int] = field(default_factory=dict)
    """The first step of an entry whose type is unknown, with shapes for its inputs."""
    tries: dict[tuple[int, tuple[Shape, ...], str], tuple[Layer, list[tuple[str, Facts]]]] = field(default_factory=dict)
    """What layers give with the edits that their faults propose, by layer, inputs and fault."""
    meant: dict[tuple[str, str, tuple[Shape, ...]], tuple[UnknownType, Layer | None]] = field(default_factory=dict)
    """What unknown types mean, by type, arguments and inputs."""

    def facts(self, plan: Plan, at: int, fault: Fault | None) -> Facts | None:
        step = plan.steps[at]
        guess = step.instance.guess
        if fault is None or step.layer is None:
            return self._guessed(plan, at, guess or Guess(layers=(step.layer, step.layer)))
        if isinstance(fault, SharedWeightsDiffer | UnknownWeights) and step.layer is not None:
            return facts_of(step.layer, step.inputs)
        if not step.inputs:  # the wiring is at fault
            step.sources = tuple(map(first_of, step.instance.sources))
            counted = isinstance(fault, WrongNumberOfSources)
            step.inputs = self._inputs(plan, at, doubtful=not counted) or ()
            if not counted and step.layer is not None:
                return facts_of(step.layer, step.inputs)
        return self._mended(plan, at, step.layer, fault) if step.inputs else None

    def _guessed(self, plan: Plan, at: int, guess: Guess) -> Facts | None:
        """The facts of a step with a guess in place of what is wrong."""
        step = plan.steps[at]
        named = tuple(first_of(ref).output for ref in step.instance.sources)
        doubtful = guess.doubtful or named != tuple(ref.output for ref in step.sources)
        inputs = None if guess.open else self._inputs(plan, at, doubtful=doubtful)
        if inputs is None:
            return None
        step.inputs = inputs
        self.said[at] = guess.said
        layer = guess.layers[self.version]
        if guess.unknown is not None:
            self.types.setdefault((step.path, step.instance.calls), at)
            kind, args = guess.unknown
            key = kind, repr(args), inputs
            unknown, layer = self.meant[key] = self.meant.get(key) or unknown_type(guess, inputs)
            self.said[at] += tuple([_swap(unknown, kind)] if layer is not None else [])
        if layer is None:
            return _handed_on(self._inputs(plan, at, doubtful=True) or inputs)
        try:
            return layer.facts(*read_by(layer, inputs))
        except Fault as wrong:
            plan.report(wrong, step)
            return self._mended(plan, at, layer, wrong)

    def _inputs(self, plan: Plan, at: int, *, doubtful: bool) -> tuple[Shape, ...] | None:
        """The shapes that a step reads; those in doubt are scaled by the world. An unknown shape is taken to
        be like the last known source; None where there is none.
        """
        found: list[Shape | None] = []
        for ref in plan.steps[at].sources:
            outputs = plan.steps[ref.step].outputs
            found.append(outputs[min(ref.output, len(outputs) - 1)] if outputs else None)
        known = [shape for shape in found if shape is not None]
        if found and not known:
            return None
        doubtful |= len(known) < len(found)
        shapes = (known[-1] if shape is None else shape for shape in found)
        return tuple(Shape(self.scale * n for n in shape) if doubtful else shape for shape in shapes)

    def _mended(self, plan: Plan, at: int, layer: Layer | None, fault: Fault) -> Facts | None:
        """The facts of a step whose layer refuses its inputs."""
        inputs = plan.steps[at].inputs
        if layer is None:
            return None
        key = id(layer), inputs, fault.message
        if key not in self.tries:
            remedies = ((said, facts_of(each, inputs)) for said, each in remade(layer, fault))
            self.tries[key] = layer, [(said, facts) for said, facts in remedies if facts is not None]
        _, tries = self.tries[key]
        if tries:
            said, facts = tries[0]
            others = [each for _, each in tries if each.outputs != facts.outputs]
            if self.version == OTHER and others:
                return others[-1]
            self.said[at] = (*self.said.get(at, ()), said) if not others else self.said.get(at, ())
            return facts
        if isinstance(fault, WrongNumberOfSources):
            return self._with_sources(plan, at, layer, inputs)
        if len(inputs) > 1:
            return self._met(plan, at, layer, inputs)
        return self._grown(layer, inputs[0]) if inputs else None

    def _with_sources(self, plan: Plan, at: int, layer: Layer, inputs: tuple[Shape, ...]) -> Facts | None:
        """The facts with as many inputs as the layer takes: of too many, the first or the last; for missing ones, the
        output of the layer above, another size, one that repeats what the last input has once, or the last input again.
        """
        least, most = layer.takes
        if not inputs:
            return None
        if most is not None and len(inputs) > most:
            return facts_of(layer, inputs[:most] if self.version == LIKELY else inputs[-most:]) if most else None
        last = inputs[-1]
        larger = Shape((*(self.scale * n for n in last.spatial), last.channels))
        repeating = Shape(self.scale * n if n == 1 else n for n in last)
        above = plan.steps[at - 1].outputs[:1] or (last,)
        others = (above[0], last) if self.version == LIKELY else (larger, repeating, last)
        tries = (facts_of(layer, (*inputs, *[other] * (least - len(inputs)))) for other in others)
        return next((facts for facts in tries if facts is not None), None)

    def _met(self, plan: Plan, at: int, layer: Layer, inputs: tuple[Shape, ...]) -> Facts | None:
        """The shape when inputs of different sizes meet: that of the branch with the most work, to which the others are
        to be brought. Where the sizes are close, this is in doubt.
        """
        order = sorted(range(len(inputs)), key=lambda i: plan.steps[at].sources[i].step, reverse=True)
        main = inputs[order[0]]
        if len(set(map(len, inputs))) > 1:
            return None
        self.said[at] = (*self.said.get(at, ()), f"{main} at `{plan.steps[at].name}`")
        if self.version == OTHER and any(_near(main, each) for each in inputs):
            main = next(each for each in inputs if _near(main, each))
        alike = tuple(Shape((*main.spatial, each.channels)) for each in inputs)
        return facts_of(layer, alike) or facts_of(layer, (main,) * len(inputs))

    def _grown(self, layer: Layer, x: Shape) -> Facts | None:
        """The shape after a layer whose window is larger than the map: the map's size, with the channels that the
        layer makes of a large enough map; scaled, as it is in doubt.
        """
        for doublings in range(1, LARGEST_GROWTH + 1):
            grown = Shape((*(n << doublings for n in x.spatial), x.channels))
            facts = facts_of(layer, (grown,)) if x.spatial and grown.elements < LARGEST_MAP else None
            if facts is not None:
                made = facts.outputs[0]
                spatial = x.spatial if len(made) == len(x) else made.spatial
                return _handed_on((Shape((*(self.scale * n for n in spatial), made.channels)),))
        return None

    def granted(self, plan: Plan) -> list[tuple[str, ...]]:
        """For each step, the mendings that it takes for granted, the nearest first, at most `MOST_COUNTED`."""
        found: list[tuple[str, ...]] = []
        for step in plan.steps:
            guess = step.instance.guess
            own = guess.said if guess is not None else ()
            before = (said for ref in step.sources for said in (*self.said.get(ref.step, ()), *found[ref.step]))
            found.append(tuple(islice(dict.fromkeys((*own, *before)), MOST_COUNTED)))
        return found


def _swap(fault: UnknownType, kind: str) -> str:
    return f"`{fault.proposed[0]['type']}` for `{kind}`"


def _handed_on(inputs: tuple[Shape, ...]) -> Facts | None:
    return Facts(inputs[:1], (), {}, {}, 0, 0) if inputs else None


def _near(a: Shape, b: Shape) -> bool:
    """Whether two shapes are so close that either may be meant: they differ neither by a stride nor by a stage. Where
    there is a stride between them, they may have any channels.
    """
    spatial = [(max(m, n), min(m, n)) for m, n in zip(a.spatial, b.spatial, strict=True) if m != n]
    channels = [(max(a.channels, b.channels), min(a.channels, b.channels))] if a.channels != b.channels else []
    differ = spatial or channels
    return any(large % small or large > MOST_APART * small or small == 1 for large, small in differ)
