"""The sizes of all axes of a model's inputs: each for itself, and together where they depend on one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from planner.analyses.dependence import InputAxis
from planner.analyses.joint import joint
from planner.analyses.line import InputLine, NotPeriodic
from planner.analyses.matches import AxisAnswer, AxisAnswers, Together
from planner.analyses.reach import TooRagged, reach
from planner.analyses.replanning import Before
from planner.analyses.sizes import AxisSizes, along
from planner.analyses.walk import walk
from planner.collector import uncollected
from planner.geometry import Shape
from planner.layers._layer import axis_name
from planner.model import Model
from planner.plan import Plan
from planner.propagation import propagate

MOST_MENDED = 4
"""Inputs for which another size is looked for where a model does not work as it is."""
MOST_INPUTS = 6
"""Inputs that are looked at together."""
TOKENS = "length"
"""What the only axis of an input of tokens is called."""
NEAR = 64
"""Cells on either side of the given size within which a size that works is looked for."""
STAYING = "the others stay as they are"
ROUND = (128, 256, 512, 1024, 2048)
"""Sizes that are tried where none near the given one works: large, and multiples of what strides multiply to."""


@dataclass(frozen=True, slots=True)
class Unsolved:
    """An axis of which nothing can be said for every size, and why."""

    name: str
    given: int
    reason: str


@dataclass(frozen=True, slots=True)
class AtOnce:
    """The sizes that an axis may have in several inputs at once."""

    inputs: tuple[str, ...]
    axis: AxisSizes


@dataclass(frozen=True, slots=True)
class InputSizes:
    """One input of a model, with the sizes of its spatial axes.

    unread    cells that nothing reads with the shape as it is; None where it does not work, or is too large to tell
    axes      what holds for each axis: the sizes beside which some size of the others does
    together  its axes that depend on one another, or on those of other inputs
    diagonal  the sizes that all axes may have at once, where each alone holds beside given sizes of the others only
    at_once   where its axes hold beside given sizes of like inputs only: the sizes that these may have with them
    """

    input: str
    shape: Shape
    unread: int | None
    axes: tuple[AxisSizes | Unsolved, ...]
    together: tuple[Together, ...] = ()
    diagonal: AxisSizes | None = None
    at_once: tuple[AtOnce, ...] = ()

    @property
    def works(self) -> list[bool]:
        """Whether any size works, for each axis."""
        return [isinstance(axis, AxisSizes) and bool(axis.works) for axis in self.axes]

    def on(self, axes: Sequence[int]) -> InputSizes:
        """The sizes of some axes, and of those that they depend on, without which an answer would be half of one."""
        own = {(self.input, k) for k in axes}
        together = [each for each in self.together if not own.isdisjoint((axis.input, axis.axis) for axis in each.axes)]
        at_once = [each for each in self.at_once if each.axis.axis in axes]
        return replace(self, axes=tuple([self.axes[k] for k in axes]), together=tuple(together), at_once=tuple(at_once))


def axes_of(model: Model) -> dict[str, list[str]]:
    """The names of the axes of each input whose sizes could be others: its spatial ones, or the length of tokens."""
    numbers = _numbers(model)
    shapes = {each.name: each.input for i, each in enumerate(model.instances) if each.input and i not in numbers}
    found = {name: [axis_name(i, len(x.spatial)) for i in range(len(x.spatial))] for name, x in shapes.items()}
    return {name: names or [TOKENS] for name, names in found.items()}


def _numbers(model: Model) -> set[int]:
    """The inputs that are vectors of features, whose channels are fixed: not all that reads them takes tokens."""
    vectors = {i for i, each in enumerate(model.instances) if each.input is not None and not each.input.spatial}
    reads = [(each, k, ref.step) for each in model.instances for k, ref in enumerate(each.sources)]
    tokens = {at for each, k, at in reads if each.layer is not None and k in each.layer.indices}
    others = {at for each, k, at in reads if each.layer is None or k not in each.layer.indices}
    return vectors - (tokens - others)


def input_sizes(model: Model, input: str | None = None, axis: str | None = None) -> Iterator[InputSizes]:
    """The sizes of every input, or of one, on all its axes, or on one by its name or number."""
    names = axes_of(model)
    plan = propagate(model)
    try:
        reached = reach(plan)
    except TooRagged:
        reached = None
    solver = _Solver(plan)
    for i, step in enumerate(plan.steps):
        if step.name not in names or not step.is_input or input not in (None, step.name):
            continue
        unread = reached.unread[i] if reached is not None else None
        axes = [k for k, name in enumerate(names[step.name]) if axis in (None, name, str(k))]
        if axes:
            with uncollected():  # thousands of plans are kept
                found = solver.answer(i) if step.outputs[0].spatial else solver.of_tokens(i)
            yield replace(found.on(axes), unread=unread[0].cells if unread else None)


class _Solver:
    """The inputs of a model, in the plan of the model as it is."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.seen = Before(plan.model)
        self.inputs = tuple([i for i, step in enumerate(plan.steps) if step.is_input and step.outputs[0].spatial])
        self.answers: dict[tuple[int, ...], dict[InputAxis, AxisAnswer]] = {}
        self.twins: dict[object, int] = {}
        """The first input of each role."""

    def answer(self, source: int) -> InputSizes:
        """The sizes of the input that a step is, by the number of the step."""
        step, shape = self.plan.steps[source], self.plan.steps[source].outputs[0]
        input_axes = [(source, axis) for axis in range(len(shape.spatial))]
        if any(each.severity == "error" for each in self.plan.model.diagnostics):
            why = "the model file has faults that no input size removes"
            unsolved = tuple(Unsolved(self.name((source, axis)), n, why) for axis, n in enumerate(shape.spatial))
            return InputSizes(step.name, shape, None, unsolved)
        found = [self.of(input_axis) for input_axis in input_axes]
        axes = tuple(
            [
                self.beside(input_axis, each) if each.axis is None else each.axis
                for input_axis, each in zip(input_axes, found, strict=True)
            ]
        )
        together = tuple(dict.fromkeys(each.together for each in found if each.together is not None))
        diagonal = self.diagonal(source) if any(each.why for each in found) else None
        return InputSizes(step.name, shape, None, axes, together, diagonal, tuple(self.at_once(source, axes)))

    def of_tokens(self, source: int) -> InputSizes:
        """An input of tokens, by its step: how many there may be, all other inputs staying as they are."""
        shape = self.plan.steps[source].outputs[0]
        vectors = _numbers(self.plan.model)
        inputs = [i for i, step in enumerate(self.plan.steps) if step.is_input and i not in vectors]
        company = [i for i in self.meeting(inputs)[source] if i != source]
        others = tuple([(i, axis) for i in company for axis in range(len(self.plan.steps[i].outputs[0].spatial) or 1)])
        axis = self.beside((source, 0), AxisAnswer(None, None, others, "they are looked at one at a time"))
        return InputSizes(self.plan.steps[source].name, shape, None, (axis,))

    def of(self, input_axis: InputAxis) -> AxisAnswer:
        """The answer for an axis, worked out together with all inputs that share a step with its own input; where that
        fails, with its own input alone, the others staying as they are.
        """
        company = self.company[input_axis[0]]
        if self.base.complete and len(company) <= MOST_INPUTS:
            found = self.solved(company)[input_axis]
            if not found.why or {i for i, _ in found.others} == {input_axis[0]}:
                return found
            others = tuple([each for each in found.others if each[0] != input_axis[0]])
        else:
            shapes = {i: self.base.steps[i].outputs[0] for i in company if i != input_axis[0]}
            others = tuple([(i, axis) for i, shape in shapes.items() for axis in range(len(shape.spatial))])
            why = f"{len(company)} inputs meet" if self.base.complete else "the model does not work as it is"
            found = AxisAnswer(None, None, others, why)
        own = self.solved((input_axis[0],))[input_axis]
        if own.axis is None:
            return replace(own, others=(*own.others, *others))
        beside = self.sizes(others, input_axis[0])
        if not beside:
            return own
        axis = replace(own.axis, beside=beside, because=found.why)
        return AxisAnswer(axis, own.together and own.together.beside(beside, found.why), own.others)

    @cached_property
    def company(self) -> dict[int, tuple[int, ...]]:
        """For each input with spatial axes, those that it meets."""
        return self.meeting(self.inputs)

    def meeting(self, inputs: Sequence[int]) -> dict[int, tuple[int, ...]]:
        """For each of some inputs, those that steps connect with it, directly or through others."""
        reached: list[set[int]] = []
        company = {i: {i} for i in inputs}
        for i, step in enumerate(self.plan.steps):
            own = {i} & company.keys()
            reached.append(own.union(*(reached[at] for at in step.instance.needs)))
            whole = set[int]().union(*(company[each] for each in reached[-1]))
            if any(company[each] is not whole and len(company[each]) < len(whole) for each in reached[-1]):
                company.update(dict.fromkeys(whole, whole))
        return {i: tuple(sorted(each)) for i, each in company.items()}

    def name(self, input_axis: InputAxis) -> str:
        spatial = self.plan.steps[input_axis[0]].outputs[0].spatial
        return axis_name(input_axis[1], len(spatial)) if spatial else TOKENS

    # Where to start from

    @cached_property
    def base(self) -> Plan:
        """A complete plan: the given one, or one with all axes of some input at the nearest size that works; the given
        one where no size does.
        """
        if self.plan.complete:
            return self.plan
        for source in self.inputs[:MOST_MENDED]:
            spatial = self.plan.steps[source].outputs[0].spatial
            if len(spatial) > 1 or len(self.inputs) > 1:
                line = InputLine(self.plan, (source,), range(len(spatial)), self.seen)
                n = self.mending(line, max(spatial))
                if n is not None:
                    return line.plan(n)
        return self.plan

    def mending(self, line: InputLine, largest: int) -> int | None:
        near = [largest + sign * far for far in range(NEAR + 1) for sign in (1, -1) if largest + sign * far > 0]
        found = next((n for n in (*near, *ROUND) if line.plan(n).complete), None)
        if found is not None:
            return found
        try:
            return walk(line).works.nearest(largest)
        except NotPeriodic:
            return None

    def solved(self, sources: tuple[int, ...]) -> dict[InputAxis, AxisAnswer]:
        """The answers for the axes of some inputs, all others staying as they are."""
        if sources not in self.answers:
            twin = self.twins.setdefault(self.role(sources[0]), sources[0]) if len(sources) == 1 else sources[0]
            if twin != sources[0]:
                name = self.plan.steps[sources[0]].name
                found = self.solved((twin,)).items()
                self.answers[sources] = {(sources[0], k): each.of_twin(sources[0], name) for (_, k), each in found}
            else:
                self.answers[sources] = AxisAnswers(*joint(self.base, sources, self.seen), self.plan).answers
        return self.answers[sources]

    def role(self, source: int) -> object:
        """The key of an input's answers: inputs of one shape that the same steps read alike have the same answers."""
        plan = self.base
        if source in plan.returned or not plan.readers(source) or source in plan.sized:
            return source
        reads = [
            (step, [(link.axes, link.landing, link.parts) for links in plan.steps[step].links for link in [links[at]]])
            for step, at in plan.readers(source)
        ]
        return repr((plan.steps[source].outputs, self.plan.steps[source].outputs, reads))

    # What holds beside given sizes only

    def diagonal(self, source: int) -> AxisSizes | None:
        """The sizes that all axes may have at once; None where that is not known, or there is one axis."""
        rank = len(self.base.steps[source].outputs[0].spatial)
        if rank == 1:
            return None
        try:
            return replace(along(walk(InputLine(self.base, (source,), range(rank), self.seen))), name="n")
        except NotPeriodic:
            return None

    def at_once(self, source: int, axes: Sequence[AxisSizes | Unsolved]) -> Iterator[AtOnce]:
        """For the axes of an input whose answers hold beside given sizes of inputs of the same shape: the sizes that
        the axis may have in all of these at once. They are told at the first of the inputs.
        """
        steps = self.base.steps
        alike = tuple(
            [i for i in self.company[source] if steps[i].outputs[0].spatial == steps[source].outputs[0].spatial]
        )
        names = {steps[i].name for i in alike if i != source}
        for k, axis in enumerate(axes):
            held = {name.rpartition(".")[0] for name, _ in axis.beside} if isinstance(axis, AxisSizes) else names
            if source != alike[0] or names.isdisjoint(held):
                continue
            others = [(i, at) for i in self.company[source] for at in range(len(steps[i].outputs[0].spatial))]
            try:
                found = along(walk(InputLine(self.base, alike, (k,), self.seen)))
            except NotPeriodic:
                continue
            beside = self.sizes([each for each in others if each[0] not in alike or each[1] != k], -1)
            found = replace(found, name=axis.name, given=axis.given, beside=beside, because=STAYING)
            yield AtOnce(tuple(steps[i].name for i in alike), found)

    def beside(self, input_axis: InputAxis, answer: AxisAnswer) -> AxisSizes | Unsolved:
        """The answer for one axis with the others as they are in the base, or why nothing is known."""
        source, axis = input_axis
        given = self.plan.steps[source].outputs[0][axis]
        try:
            each = along(walk(InputLine(self.base, (source,), (axis,), self.seen)))
        except NotPeriodic as reason:
            return Unsolved(self.name(input_axis), given, str(reason))
        each = replace(each, name=self.name(input_axis))
        others = tuple([other for other in answer.others if other != input_axis])
        return replace(each, given=given, beside=self.sizes(others, source), because=answer.why)

    def sizes(self, input_axes: Sequence[InputAxis], source: int) -> tuple[tuple[str, int], ...]:
        """The sizes of some axes by name; axes of other inputs than `source` are named with their input."""
        steps = self.base.steps
        return tuple(
            [
                (
                    self.name(each) if each[0] == source else f"{steps[each[0]].name}.{self.name(each)}",
                    steps[each[0]].outputs[0][each[1]],
                )
                for each in input_axes
            ]
        )
