"""Replanning: a plan with other answers of some steps, in which only what stands behind these is planned anew."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from contextlib import suppress
from dataclasses import replace

from planner.diagnostics import Fault
from planner.layers._layer import Facts
from planner.plan import Known, Plan, Step, Told, ask, resolved


def replan(plan: Plan, answers: Mapping[int, Facts], behind: Collection[int], known: Known) -> Plan:
    """The plan with other answers of some steps, and the steps `behind` them planned anew, in the order given.

    All other steps are taken as they are. Diagnostics are left out: only the shapes are asked for.
    """
    steps = list(plan.steps)
    for i, facts in answers.items():
        steps[i] = replace(steps[i], facts=facts)
    for i in behind:
        instance = steps[i].instance
        if all([steps[ref.step].facts is not None for ref in instance.sources]):
            steps[i] = Step(instance)
            with suppress(Fault, Told):
                ask(steps[i], steps, known)
        elif steps[i].facts is not None or steps[i].inputs:
            steps[i] = Step(instance)
    again = Plan(plan.model, steps, ())
    resolve(again, plan, {*answers, *behind})
    return again


def resolve(plan: Plan, before: Plan, changed: Set[int]) -> None:
    """Work out the outputs of a plan of which some steps are others than before; where one of its outputs is not there,
    the plan has none.
    """
    plan.outputs = ()
    known = before.outputs or (None,) * len(plan.model.outputs)
    with suppress(Fault, Told):
        plan.outputs = tuple(
            resolved(ref, plan.steps, i, None) if was is None or ref.step in changed else was
            for i, (ref, was) in enumerate(zip(plan.model.outputs, known, strict=True))
        )
