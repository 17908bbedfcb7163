"""What fixes write in models with mistakes is safe: shapes, weights, findings by planning, causality by gradients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from causal_networks import WAYS, WITH_WINDOWS, causal_network
from linear_copy import LinearCopy
from mutations import mutant, written
from planner.analyses.causality import causal_axes
from planner.diagnostics import Diagnostic, Edit, Fault, Fix, Severity
from planner.editing import rewritten
from planner.fixes._findings import Findings
from planner.fixes._revision import Revision
from planner.fixes._safety import Safety
from planner.plan import Plan
from planner.propagation import propagate
from planner.report import Report
from planner.rules.lost_cells import LostCells
from planner.source import read
from planner.unfolding import load
from planner.workbench import checked, checked_text
from random_networks import network

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")

ROOT = Path(__file__).parents[1]
SEEDS = ("docs/models/*.yaml", "docs/*.yaml", "tests/cases/*/*.yaml", "tests/stories/*.yaml", "configs/*.yaml")
MOST_STEPS = 60
"""Of a model that is mutated."""
MOST_INPUT = 10_000_000
"""Elements of its largest tensor."""
MOST_ELEMENTS = 40_000
"""Of all tensors of a model whose gradients are looked at."""
WORKED_OUT = {"in_channels", "in_features", "num_features", "input_size", "normalized_shape", "embed_dim", "d_model"}

Sees = dict[tuple[int, int, int, int, bool], bool]
"""For an output and an axis of it, an input and an axis of it, and time or reversed time: whether it is causal."""


@cache
def seeds() -> list[dict[str, Any]]:
    """The models that are mutated: those of the documentation, the cases, the stories and the networks."""
    found = []
    for path in sorted(path for pattern in SEEDS for path in ROOT.glob(pattern)):
        try:
            source = read(path)
        except Fault:
            continue
        plan = propagate(load(source))
        largest = max((shape.elements for step in plan.steps for shape in step.outputs), default=0)
        foreign = any(step.layer is not None and step.layer.declared for step in plan.steps)  # which is not run
        if len(plan.steps) <= MOST_STEPS and plan.inputs and largest < MOST_INPUT and not foreign:
            found.append(source.data)
    return found


def models(seed: int) -> Iterator[tuple[str, str]]:
    """A model with a mistake: what it is, and its text."""
    random = Random(seed)
    while True:
        drawn = random.random()
        data = causal_network(random) if drawn < 0.4 else network(random) if drawn < 0.55 else random.choice(seeds())
        made = mutant(random, data)
        if made is not None and made.data != data:
            yield made.what, written(made.data)
            return


# --- the oracle -----------------------------------------------------------------------------------------------------


def sight(plan: Plan, directed: bool = True) -> Sees:
    """Along which axes no cell of an output depends on an input cell ahead of it and, if it must be directed, some do
    on one before: by gradients in a linear copy of the network with positive weights.
    """
    if not plan.complete or sum(shape.elements for step in plan.steps for shape in step.outputs) > MOST_ELEMENTS:
        return {}
    if any(getattr(step.layer, "return_indices", False) for step in plan.steps):  # which the copy does not know
        return {}
    copy = LinearCopy(plan)
    inputs = [copy.values[i][0] for i, step in enumerate(plan.steps) if step.is_input]
    found: Sees = {}
    for k, (step, output) in enumerate(plan.outputs):
        value = copy.values[step][output or 0].movedim(1, -1)[0]
        for onto, m in enumerate(value.shape[:-1]):
            read = [copy.read(value.select(onto, o), inputs) for o in range(m)] if m > 1 else []
            for i, x in enumerate(inputs):
                for axis, n in enumerate(x.shape[2:]):
                    if m < 2 or n % m:
                        continue
                    ends = [_ends(each[i], axis) for each in read]
                    ahead = all(high < (o + 1) * (n // m) for o, (_, high) in enumerate(ends))
                    back = all(low >= o * (n // m) for o, (low, _) in enumerate(ends))
                    middle = m // 2
                    leans = middle * (n // m) * 2 - sum(ends[middle])
                    found[k, onto, i, axis, False] = ahead and (not directed or (not back and leans > 0))
                    found[k, onto, i, axis, True] = back and (not directed or (not ahead and leans < 0))
    return found


def _ends(read: torch.Tensor, axis: int) -> tuple[int, int]:
    """The first and the last cell of an axis that is read; where none is, one before the first of all."""
    cells = read.movedim(axis, 0).flatten(1).any(1).nonzero().flatten().tolist()
    return (cells[0], cells[-1]) if cells else (1 << 30, -1)


def steps_of(
    report: Report, made: tuple[tuple[Diagnostic, Fix], ...]
) -> Iterator[tuple[Report, Report, Diagnostic, Fix]]:
    """Each fix with the report before it and the one after it."""
    for found, fix in made:
        after = checked(rewritten(report.source, fix.edits))
        yield report, after, found, fix
        report = after


def keeps_causality(before: Report, after: Report) -> None:
    was = sight(before.plan)
    now = sight(after.plan, directed=False) if any(was.values()) else {}
    outputs = [[report.plan.label(ref) for ref in report.plan.outputs] for report in (before, after)]
    for (k, onto, i, axis, back), causal in was.items():
        # A slip in a name may have left one of the outputs out.
        at = k if len(outputs[0]) == len(outputs[1]) else outputs[1].index(outputs[0][k])
        assert not causal or now.get((at, onto, i, axis, back), True), (
            f"{k} sees ahead\n{before.source.text}\n{after.source.text}"
        )


def is_safe(before: Report, after: Report, found: Diagnostic, fix: Fix) -> None:
    """The definition, by planning anew."""
    assert fix.safe
    text = f"{fix.text}\n{before.source.text}"
    kinds = [Counter((each.code, each.step) for each in report.diagnostics) for report in (before, after)]
    assert kinds[1][found.code, found.step] < kinds[0][found.code, found.step], text
    if found.kind.slip:
        corrects_slip(before, found, fix)
        return
    assert before.plan.complete, text
    assert not kinds[1] - kinds[0], text
    outputs, inputs, states = (
        [each(report.plan) for report in (before, after)] for each in (outputs_of, inputs_of, state)
    )
    assert outputs[0] == outputs[1], text
    assert inputs[0] == inputs[1], text
    assert states[0] == states[1], text
    if before.reach is not None and after.reach is not None:
        for i, (was, now) in enumerate(zip(before.reach.unread, after.reach.unread, strict=True)):
            if before.plan.steps[i].is_input and was and now:
                assert now[0].elements <= was[0].elements, text


def corrects_slip(before: Report, found: Diagnostic, fix: Fix) -> None:
    """One word changed into one that is much alike, or a size that is worked out anyway."""
    (edit,) = fix.edits
    if found.kind.slip == "size":
        assert edit.action in ("remove", "set")
        assert edit.path[-1] in WORKED_OUT, edit
        return
    assert edit.action in ("rename", "set"), edit
    here: Any = before.source.data
    for part in edit.path:
        last, here = part, here[part]
    old, new = (str(last), str(edit.value)) if edit.action == "rename" else (str(here), str(edit.value))
    letters = [Counter(each.lower().replace("_", "").removesuffix("d")) for each in (old, new)]
    assert sum(((letters[0] - letters[1]) + (letters[1] - letters[0])).values()) <= 4, edit
    assert [each for each in old if each.isdigit()] == [each for each in new if each.isdigit()] or new[
        :-2
    ].lower() == old.lower()


def outputs_of(plan: Plan) -> list[Any]:
    return [plan.shape(ref) for ref in plan.outputs]


def inputs_of(plan: Plan) -> list[Any]:
    return [(step.name, step.outputs) for step in plan.inputs]


def state(plan: Plan) -> dict[str, Any]:
    return {
        f"{step.name}.{name}": sizes
        for step in plan.steps
        if step.facts is not None
        for name, sizes in (*step.facts.weights.items(), *step.facts.buffers.items())
    }


# --- what is written ------------------------------------------------------------------------------------------------


def judge(seed: int) -> Counter[str]:
    """A model with a mistake, mended with safe fixes and with all; how many fixes were written of either kind."""
    counts: Counter[str] = Counter()
    what, text = next(models(seed))
    report = checked_text(text, "m.yaml")
    if not any(each.severity is not Severity.INFO for each in report.diagnostics):
        return counts
    safe = report.bench.mended()
    for before, after, found, fix in steps_of(report, safe.made):
        is_safe(before, after, found, fix)
        keeps_causality(before, after)
        counts[f"safe {what}"] += 1
    for before, after, _, fix in steps_of(report, report.bench.mended(unsafe=True).made):
        keeps_causality(before, after)
        counts["unsafe"] += not fix.safe
        counts["causal"] += any(sight(before.plan).values())
    return counts


def test_what_fixes_write_in_models_with_a_mistake() -> None:
    counts = sum((judge(seed) for seed in range(400)), Counter[str]())
    assert sum(counts[each] for each in counts if each.startswith("safe")) > 30
    assert counts["unsafe"] > 60
    assert counts["causal"] > 2


@pytest.mark.long
@pytest.mark.parametrize("part", range(50))
def test_what_fixes_write_in_5000_models_with_a_mistake(part: int) -> None:
    for seed in range(1000 + part * 100, 1100 + part * 100):
        judge(seed)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_causal_networks_are_causal_by_gradients_and_by_the_plan(way: Any) -> None:
    for seed in range(8):
        plan = checked_text(written(way(Random(seed)))).plan
        if any(step.type == "LSTM" for step in plan.steps):  # whose gates are saturated in the copy
            assert all(causal_axes(plan, ref) for ref in plan.outputs)
            continue
        seen = {key for key, causal in sight(plan).items() if causal}
        names = [step.name for step in plan.inputs]
        known = {
            (k, each.onto, names.index(each.input), each.axis, each.reversed)
            for k, ref in enumerate(plan.outputs)
            for each in causal_axes(plan, ref)
        }
        assert seen == known
        assert seen


@pytest.mark.parametrize("seed", range(24))
def test_the_guard_refuses_what_gradients_say_sees_ahead(seed: int) -> None:
    random = Random(seed)
    data = random.choice(WITH_WINDOWS)(random)
    before = checked_text(written(data), "m.yaml")
    refused = broken = 0
    for step in before.plan.steps:
        if step.layer is None or not {"kernel_size", "padding"} <= set(type(step.layer).model_fields):
            continue
        rank = len(step.inputs[0].spatial)
        for padding in ([[1, 1]], [[0, 2]], [[0, 1]], [[3, 0]], [[2, 2]]):
            edit = Edit((*step.path, "padding"), padding * rank)
            after = checked(rewritten(before.source, [edit]))
            found = Diagnostic(LostCells, "", path=step.path, step=step.name)
            kept = Safety(Revision(Findings(before), Findings(after, (edit,)))).keeps_causality(found)
            refused += not kept
            was, now = sight(before.plan), sight(after.plan, directed=False)
            sees_ahead = any(causal and not now.get(key, True) for key, causal in was.items())
            broken += sees_ahead
            assert not (kept and sees_ahead), f"{step.name}: {padding}\n{before.source.text}"
    assert refused >= broken
    assert refused
