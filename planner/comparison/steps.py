"""What differs in a step: what was changed in it, and what follows from changes elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from planner.analyses.cost import BYTES
from planner.analyses.receptive_field import AxisField
from planner.comparison.matching import Pair
from planner.layers._layer import Layer
from planner.plan import Plan, Step, Tensor
from planner.report import Report

if TYPE_CHECKING:
    from planner.comparison import Comparison

OWN = ("name", "type", "class", "from", "weights")
"""What is changed in a step itself, beside its arguments; all else may follow from what is changed elsewhere."""


class BeforeAfter(NamedTuple):
    """A value before and after; None where there is none, or it is not known."""

    before: Any
    after: Any

    @property
    def differs(self) -> bool:
        return bool(self.before != self.after)


NOTHING = BeforeAfter(None, None)


@dataclass(frozen=True, slots=True, eq=False)
class StepChange:
    """A step of which something differs, or that only one of the plans has.

    arguments  its arguments that differ, by name, where its type is the same
    facts      what else differs: `name`, `type`, `class`, `from`, `weights`, `in`, `out`, `params`, `macs`, `bytes`,
               `kept`, `receptive_field`, `loss`
    kept       the bytes that it keeps for backward
    """

    pair: Pair
    before: Step | None
    after: Step | None
    arguments: Mapping[str, BeforeAfter] = field(default_factory=dict)
    facts: Mapping[str, BeforeAfter] = field(default_factory=dict)
    kept: BeforeAfter = NOTHING

    @property
    def step(self) -> Step:
        """The step after or, of one that is gone, before."""
        step = self.after or self.before
        assert step is not None
        return step

    @property
    def added(self) -> bool:
        return self.before is None

    @property
    def removed(self) -> bool:
        return self.after is None

    @property
    def renamed(self) -> bool:
        return "name" in self.facts

    @property
    def edited(self) -> bool:
        """Whether the step itself was changed, in more than its name."""
        return bool(self.arguments) or any(name in self.facts for name in OWN[1:])

    @property
    def follows(self) -> bool:
        """Whether it differs only in what follows from elsewhere: shapes, costs, what it sees and loses."""
        return not (self.added or self.removed or self.renamed or self.edited)


def changes(both: Comparison) -> Iterator[StepChange]:
    """The steps that differ, in the order of the plan after; inputs are not among them."""
    found = [_change(both, pair) for pair in both.pairs]
    others = any(map(_differs, found)) or any(port.differs for port in both.ports)  # else, the same is kept
    if others and all(report.trained for report in both.sides):
        found = [_with_kept(both, each) for each in found]
    return filter(_differs, found)


def _differs(change: StepChange) -> bool:
    return not change.step.is_input and bool(change.added or change.removed or change.arguments or change.facts)


def _change(both: Comparison, pair: Pair) -> StepChange:
    before, after = (None if i is None else report.plan.steps[i] for i, report in zip(pair, both.sides, strict=True))
    if before is None or after is None:
        return StepChange(pair, before, after)
    return StepChange(pair, before, after, _arguments(before, after), _facts(both, pair, before, after))


def _with_kept(both: Comparison, change: StepChange) -> StepChange:
    """The change with what the step keeps for backward, which takes longer to work out than the rest."""
    kept = BeforeAfter(*(_kept(report, i) for report, i in zip(both.sides, change.pair, strict=True)))
    facts = change.facts
    if None not in change.pair and kept.differs:
        facts = {**facts, "kept": kept}
    return replace(change, facts=facts, kept=kept)


def _kept(report: Report, i: int | None) -> int | None:
    """What a step keeps; None where it is not known, or where nothing is trained."""
    return None if i is None or report.trained is None else report.trained.steps[i].kept


def _facts(both: Comparison, pair: Pair, before: Step, after: Step) -> dict[str, BeforeAfter]:
    wiring = both.wiring
    found = {
        "name": BeforeAfter(before.name, after.name),
        "type": BeforeAfter(before.type, after.type),
        "class": _classes(before, after),
        "from": wiring.sources(before, after),
        "weights": wiring.weights(before, after),
        "in": BeforeAfter(before.inputs, after.inputs),
        "out": BeforeAfter(before.outputs, after.outputs),
        "params": BeforeAfter(before.params, after.params),
        "macs": BeforeAfter(before.macs, after.macs),
        "bytes": BeforeAfter(*(_bytes(report, step) for report, step in zip(both.sides, (before, after), strict=True))),
        "receptive_field": BeforeAfter(*(field_of(report, i) for report, i in zip(both.sides, pair, strict=True))),
        "loss": BeforeAfter(*(_losses(report, i) for report, i in zip(both.sides, pair, strict=True))),
    }
    return {name: change for name, change in found.items() if change.differs}


def _classes(before: Step, after: Step) -> BeforeAfter:
    """The names of classes that only the user's own code has; of a step that could not be planned it is not known."""
    if before.facts is None or after.facts is None:
        return NOTHING
    return BeforeAfter(before.facts.foreign or None, after.facts.foreign or None)


def _bytes(report: Report, step: Step) -> int | None:
    """What its outputs take."""
    return sum(each.elements for each in step.outputs) * BYTES[report.dtype] * report.batch if step.outputs else None


def field_of(report: Report, i: int | None, output: int = 0) -> tuple[int | None, ...]:
    """What an output of a step sees of the first input: cells along each axis, None where that is not known."""
    fields = report.fields[i] if i is not None else ()
    axes: tuple[AxisField, ...] = next(iter(fields[output].values()), ()) if fields else ()
    return tuple([each.size for each in axes])


def _losses(report: Report, i: int | None) -> tuple[str, ...]:
    """What it loses, axis by axis, in words."""
    return tuple([each.text for each in report.losses[i]]) if i is not None else ()


# Arguments


def _arguments(before: Step, after: Step) -> dict[str, BeforeAfter]:
    """The arguments that differ; a number for every axis is as good as one number for all."""
    ours, theirs = before.layer, after.layer
    if ours is None or theirs is None or type(ours) is not type(theirs) or ours is theirs or ours == theirs:
        return {}
    values = [_values(layer) for layer in (ours, theirs)]
    found = {}
    for name in dict.fromkeys([*values[0], *values[1]]):
        change = BeforeAfter(values[0].get(name), values[1].get(name))
        if change.differs and (_plain(change.before) != _plain(change.after) or before.weights != after.weights):
            found[name] = change
    return found


def _values(layer: Layer) -> dict[str, Any]:
    return {name: getattr(layer, name) for name in type(layer).model_fields} | (layer.model_extra or {})


def _plain(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        return value
    values = tuple(map(_plain, value))
    return values[0] if values and all(each == values[0] for each in values) else values


# Wiring


class SharedWiring:
    """What steps read, as both plans have it. Where a step was put between two others, or taken out, those read each
    other as before: it is told of that step.
    """

    def __init__(self, before: Plan, after: Plan, pairs: Sequence[Pair]) -> None:
        self.plans = before, after
        self.twins: tuple[dict[int, int], dict[int, int]] = ({}, {})
        for i, j in pairs:
            if i is not None and j is not None:
                self.twins[0][i] = j
                self.twins[1][j] = i
        self._kept = tuple([self._seen_through(k) for k in range(2)])

    def _seen_through(self, k: int) -> list[Tensor]:
        """For each step, whose output stands for its first: its own, or for a step that only one plan has, what it
        reads first.
        """
        steps = self.plans[k].steps
        found: list[Tensor] = []
        for i, step in enumerate(steps):
            alone = i not in self.twins[k] and step.sources and step.sources[0].step < i
            found.append(self._of(found, step.sources[0]) if alone else Tensor(i))
        return found

    def _of(self, kept: Sequence[Tensor], tensor: Tensor) -> Tensor:
        through = kept[tensor.step]
        return tensor if through.step == tensor.step else through

    def tensor(self, k: int, tensor: Tensor) -> Tensor:
        """A tensor, or the one that it was made of by steps that only one plan has; in numbers of the plan before."""
        found = self._of(self._kept[k], tensor)
        if k == 0:
            return found
        twin = self.twins[1].get(found.step)
        return Tensor(-1 - found.step if twin is None else twin, found.output)

    def sources(self, before: Step, after: Step) -> BeforeAfter:
        """The names of what a step reads, where it reads something else."""
        steps = before, after
        read = [[self.tensor(k, each) for each in step.sources] for k, step in enumerate(steps)]
        if read[0] == read[1]:
            return NOTHING
        return BeforeAfter(*([self.plans[k].label(each) for each in step.sources] for k, step in enumerate(steps)))

    def weights(self, before: Step, after: Step) -> BeforeAfter:
        """The names of the weights that a step has of others, where they are others."""
        steps = before, after
        if self._lent(0, before) == self._lent(1, after) or not (before.state or after.state):
            return NOTHING
        return BeforeAfter(*(self._named(k, step) for k, step in enumerate(steps)))

    def _lent(self, k: int, step: Step) -> object:
        """Whose weights a step uses, in numbers of the plan before."""
        instance = step.instance
        numbers = [each if k == 0 else self.twins[1].get(each, -1 - each) for each in instance.lenders]
        return instance.owner is not None, numbers, [(name, each.name) for name, each in (instance.ties or {}).items()]

    def _named(self, k: int, step: Step) -> list[str]:
        plan = self.plans[k]
        if plan.owner(step) is not step:
            return [plan.owner(step).name]
        return [plan.weight(step, name) for name in step.instance.ties or ()]
