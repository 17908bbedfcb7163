"""Replanning: some steps of a plan planned anew, with other answers of the steps before them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from planner.diagnostics import Fault
from planner.geometry import Shape
from planner.layers._layer import Facts
from planner.model import Instance, Model
from planner.plan import Known, Plan, Step
from planner.propagation import Told, ask, resolved

MOST_KEPT = 400_000
"""Steps that are kept."""


@dataclass(eq=False)
class Replanned(Plan):
    """A plan of which some steps have been planned anew.

    absent   those of them that are not there
    failing  those that have a fault of their own
    """

    absent: frozenset[int] = frozenset()
    failing: frozenset[int] = frozenset()


class Before:
    """What has been planned of one model before.

    facts      what its layers have answered
    steps      its steps, by their number and the outputs of the steps that they read; none whose arguments read sizes
    unplanned  its steps as they are where a source is not there
    reads      the steps that each reads, or reads a size of
    """

    def __init__(self, model: Model) -> None:
        self.facts: Known = {}
        self.steps: dict[tuple[int, tuple[tuple[Shape, ...], ...]], Step] = {}
        self.unplanned = [Step(instance) for instance in model.instances]
        self.reads = [instance.reads for instance in model.instances]


def replan(plan: Plan, answers: Mapping[int, Facts], behind: Iterable[int], seen: Before) -> Replanned:
    """The plan with other answers of some steps, and the steps `behind` them planned anew, in the order given.

    All other steps are taken as they are. Diagnostics are left out: only the shapes are asked for.
    """
    steps, unplanned = plan.steps.copy(), seen.unplanned
    absent, failing = [], []
    for i, facts in answers.items():
        steps[i] = replace(steps[i], facts=facts)
    for i in behind:
        for at in seen.reads[i]:
            if steps[at].facts is None:
                steps[i] = unplanned[i]
                absent.append(i)
                break
        else:
            steps[i] = step = _planned(i, unplanned[i].instance, steps, seen)
            if step.facts is None:
                absent.append(i)
                if step.sizes if step.instance.sized is not None else step.inputs and step.layer is not None:
                    failing.append(i)
    again = Replanned(plan.model, steps, (), absent=frozenset(absent), failing=frozenset(failing))
    resolve(again)
    return again


def _planned(i: int, instance: Instance, steps: list[Step], seen: Before) -> Step:
    """A step whose sources are all there, as it was when it read the same, if it was."""
    read = []
    for at, _ in instance.sources:
        source = steps[at]
        if source.places or source.hidden:
            break  # whether what it reads are places, or hides something, is not seen from the shapes
        assert source.facts is not None
        read.append(source.facts.outputs)
    else:
        if instance.owner is None and not instance.ties and instance.sized is None:
            key = i, tuple(read)
            step = seen.steps.get(key)
            if step is None:
                step = _asked(instance, steps, seen.facts)
                if len(seen.steps) < MOST_KEPT:
                    seen.steps[key] = step
            return step
    return _asked(instance, steps, seen.facts)


def _asked(instance: Instance, steps: list[Step], known: Known) -> Step:
    step = Step(instance)
    with suppress(Fault, Told):
        ask(step, steps, known)
    return step


def resolve(plan: Plan) -> None:
    """Work out the outputs of a plan; where one of them is not there, the plan has none."""
    plan.outputs = ()
    with suppress(Fault, Told):
        plan.outputs = tuple([resolved(ref, plan.steps, i, None) for i, ref in enumerate(plan.model.outputs)])
