"""Shared and tied weights: what the file says of them, what is counted, and the code, with values and gradients."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import random_weights
from planner.diagnostics import Fault
from planner.outputs.code.torch import Emitted, emitted
from planner.outputs.code.torch.building import module_of
from planner.plan import propagate
from planner.report import Report
from planner.source import of_mapping
from planner.unfolding import load
from reference_run import differences, inputs_of, run, weights_of

CASES = Path(__file__).parent / "cases"
FILES = 400
AT_ONCE = 20
CLOSE = 1e-9
OPTIONS: list[dict[str, Any]] = [
    {"style": style, "asserts": asserts} for style, asserts in product(("auto", "module"), (False, True))
]
pytestmark = pytest.mark.filterwarnings("ignore")  # PyTorch warns of much that it then does


def planned(file: dict[str, Any]) -> Report:
    return Report(propagate(load(of_mapping(file))))


def gradients_differ(report: Report, found: Emitted) -> list[str]:
    """The parameters whose gradients the emitted module has otherwise than the reference run, and what it has not."""
    plan, inputs = report.plan, inputs_of(report.plan)
    state = weights_of(plan)
    kept: dict[int, Tensor] = {}
    params = {name: _parameter(name, each, kept) for name, each in state.items()}
    module: nn.Module = getattr(module_of(found.text), found.name)().double().eval()
    module.load_state_dict(state, strict=True)
    own = dict(module.named_parameters())
    assert sum(each.numel() for each in own.values()) == report.cost.params
    given = [x.movedim(1, -1) if side == "last" else x for x, side in zip(inputs, found.inputs, strict=True)]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        result = module(*(x.clone() for x in given))
    got = [result] if isinstance(result, Tensor) else list(result)
    back = [y.movedim(-1, 1) if side == "last" else y for y, side in zip(got, found.outputs, strict=True)]
    wanted = run(plan, params, inputs, gradients=True).outputs
    for outputs in (back, wanted):
        total = sum(((y * y.detach().cos()).sum() for y in outputs), torch.zeros(()))
        if total.requires_grad:
            total.backward()
    return [name for name, each in own.items() if not _alike(each.grad, params[name].grad)]


def _parameter(name: str, value: Tensor, kept: dict[int, Tensor]) -> Tensor:
    """The tensor as a parameter, one for all names that it has; buffers stay as they are."""
    if not value.is_floating_point() or name.rpartition(".")[2].startswith("running_"):
        return value
    return kept.setdefault(id(value), nn.Parameter(value.clone()))


def _alike(a: Tensor | None, b: Tensor | None) -> bool:
    if a is None or b is None:
        return all(each is None or not each.any() for each in (a, b))
    return torch.allclose(a, b, rtol=CLOSE, atol=CLOSE * max(1.0, float(b.abs().nan_to_num().max())), equal_nan=True)


def check(seed: int) -> bool:
    """Raise where the code of a random file is not its plan; whether there was code with weights of others."""
    options = OPTIONS[seed % len(OPTIONS)]
    report = planned(random_weights.model(Random(seed)))
    try:
        found = emitted(report, **options)
    except Fault as fault:
        if fault.code in ("NSP502", "NSP504", "NSP506"):
            return False
        raise
    if report.overwriting:
        return False  # torch computes with what was written over, as the rule `overwritten-input` says
    assert differences(report, found) == [], found.text
    if "inplace=True" not in found.text:  # of which PyTorch may refuse to work out gradients
        assert gradients_differ(report, found) == [], found.text
    return any(each.lenders for each in report.plan.model.instances)


@pytest.mark.parametrize("first", range(0, FILES, AT_ONCE))
def test_random_files(first: int) -> None:
    compared = 0
    for seed in range(first, first + AT_ONCE):
        try:
            compared += check(seed)
        except Exception as error:
            error.add_note(f"check({seed}), with {OPTIONS[seed % len(OPTIONS)]}")
            raise
    assert compared > AT_ONCE // 4
