"""`$input.height` and its like in arithmetic: what they come to, at every size, in `sizes`, and in the code."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

import random_sized
from planner.analyses.input_sizes import InputSizes, input_sizes
from planner.analyses.sizes import AxisSizes
from planner.geometry import Shape
from planner.model import Model
from planner.outputs.code.torch import emitted
from planner.plan import Plan, propagate
from planner.report import Report
from planner.rules import judge
from planner.source import of_mapping
from planner.unfolding import load
from reference_run import differences
from test_sizes_together import LOSSES, said

FAR = 1 << 12
RANDOM = [0, *(pytest.param(i, marks=pytest.mark.long) for i in range(20, 1000, 20))]


def planned(model: Model, shape: tuple[int, ...]) -> Plan:
    (name,) = [each.name for each in model.instances if each.input is not None]
    return propagate(model, inputs={name: Shape(shape)})


def shapes(plan: Plan) -> list[Any]:
    return [step.outputs for step in plan.layers]


def works(plan: Plan) -> bool:
    return plan.complete and not plan.model.diagnostics


@pytest.mark.parametrize("first", RANDOM)
def test_a_network_is_that_with_the_numbers_written_by_hand(first: int) -> None:
    compared = 0
    for seed in range(first, first + 20):
        random = Random(seed)
        layers = random_sized.entries(random)
        own = (random.randint(4, 30), random.randint(4, 30), 2)
        model = load(of_mapping(random_sized.file(layers, own)))
        for _ in range(6):
            shape = (random.randint(1, 40), random.randint(1, 40), 2)
            written = random_sized.by_hand(layers, shape)
            expected = written and propagate(load(of_mapping(written)))
            for plan in (planned(model, shape), propagate(load(of_mapping(random_sized.file(layers, shape))))):
                assert works(plan) == bool(expected and works(expected)), (seed, shape)
                if expected and works(expected):
                    assert shapes(plan) == shapes(expected), (seed, shape)
                    assert [step.layer for step in plan.layers] == [step.layer for step in expected.layers]
                    compared += 1
    assert compared > 60


@pytest.mark.parametrize("first", RANDOM)
def test_sizes_are_those_of_planning_at_every_size(first: int) -> None:
    answered = 0
    for seed in range(first, first + 20):
        random = Random(seed)
        layers = random_sized.entries(random)
        own = (random.randint(8, 30), random.randint(8, 30), 2)
        model = load(of_mapping(random_sized.file(layers, own)))
        if not planned(model, own).complete:
            continue
        (found,) = input_sizes(model)
        tried = [(n, own[1]) for n in range(1, 120)] + [(own[0], n) for n in range(1, 120)]
        tried += [(random.randint(1, 60), random.randint(1, 60)) for _ in range(60)]
        tried += [(random.randint(1, 999), random.randint(1, 999)) for _ in range(10)]
        tried += [(FAR + random.randint(1, 64), own[1]), (own[0], FAR + random.randint(1, 64))]
        for height, width in tried:
            answered += compare(found, model, height, width, seed)
    assert answered > 2000


def compare(found: InputSizes, model: Model, height: int, width: int, seed: object) -> bool:
    """Whether something is said of these sizes, which is compared with the plan there."""
    sizes = {("input", "height"): height, ("input", "width"): width}
    if not all(isinstance(axis, AxisSizes) for axis in found.axes):
        return False
    plan = planned(model, (height, width, found.shape.channels))
    is_said = said([found], sizes, "works")
    assert is_said in (works(plan), None), (seed, height, width, is_said)
    if works(plan) and max(height, width) < 200:
        lossless = not {each.code for each in judge(Report(plan))} & LOSSES
        assert said([found], sizes, "lossless") in (lossless, None), (seed, height, width, lossless)
    return is_said is not None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("first", RANDOM)
def test_the_code_is_the_plan_and_elsewhere_where_it_does_not_say_otherwise(first: int) -> None:
    import torch

    ran = 0
    for seed in range(first, first + 20):
        random = Random(seed)
        layers = random_sized.entries(random)
        own = (random.randint(8, 30), random.randint(8, 30), 2)
        report = Report(planned(load(of_mapping(random_sized.file(layers, own))), own))
        if not works(report.plan):
            continue
        found = emitted(report)
        assert differences(report, found) == [], (seed, found.text)
        if "For inputs of this size alone" in found.text:
            continue
        scope: dict[str, Any] = {}
        exec(found.text, scope)  # noqa: S102
        network = scope[found.name]()
        for _ in range(6):
            shape = (random.randint(4, 40), random.randint(4, 40), 2)
            plan = planned(report.plan.model, shape)
            if works(plan) and _same_weights(plan, report.plan):
                y = network(torch.zeros(1, *Shape(shape).torch))
                assert tuple(y.shape[1:]) == plan.steps[-1].outputs[0].torch, (seed, shape, found.text)
                ran += 1
    assert ran > 5


def _same_weights(a: Plan, b: Plan) -> bool:
    return [step.weights for step in a.layers] == [step.weights for step in b.layers]
