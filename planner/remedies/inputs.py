"""Remedies at the model's input: another size."""

from __future__ import annotations

from collections.abc import Iterator

from planner.analyses.loss import losses_of
from planner.diagnostics import Edit, Severity
from planner.geometry import Shape
from planner.plan import Known, Plan, propagate
from planner.remedies._case import Case, Proposal, holds_expression

FARTHEST = 64
"""Cells that a size is looked for on either side; strides that multiply to more are rare."""
MOST_STEPS = 20_000
"""Steps planned for it at most."""


def input_size(case: Case) -> Iterator[Proposal]:
    """The next size above and below with which the model works and, where it does now, loses nothing at an edge."""
    inputs = [step for step in case.plan.inputs if step.outputs[0].spatial]
    if not inputs:
        return
    shape = inputs[0].outputs[0]
    alike = [step.name for step in inputs if step.outputs[0].spatial == shape.spatial]
    needs_all = case.found.severity is not Severity.ERROR
    for step in (1, -1):
        sizes = [_next(case, alike, shape, n, step, needs_all) for n in shape.spatial]
        found = tuple(size for size in sizes if size is not None)
        if len(found) == len(sizes) and found != shape.spatial:
            edits = [edit for each in inputs if each.name in alike for edit in _resized(case, each.path, found)]
            if edits:
                yield Proposal(tuple(edits))


def _next(case: Case, names: list[str], shape: Shape, n: int, direction: int, lossless: bool) -> int | None:
    """The first size from n on, upwards or downwards, that is good when all axes have it."""
    for m in range(n, n + direction * (FARTHEST + 1), direction):
        if m > 0 and _good(case, names, shape, m, lossless):
            return m
    return None


def _good(case: Case, names: list[str], shape: Shape, m: int, lossless: bool) -> bool:
    memory = case.memory.setdefault("sizes", {})
    if (m, lossless) not in memory:
        if memory.get("left", MOST_STEPS) < 0:
            return False
        plan = _plan(case, names, shape, m)
        memory["left"] = memory.get("left", MOST_STEPS) - len(plan.steps)
        memory[m, False] = plan.complete
        memory[m, True] = plan.complete and not _loses(plan)
    found: bool = memory[m, lossless]
    return found


def _plan(case: Case, names: list[str], shape: Shape, m: int) -> Plan:
    known: Known = case.memory.setdefault("known", {})
    inputs = {
        step.name: Shape((*((m,) * len(shape.spatial)), step.outputs[0].channels))
        for step in case.plan.inputs
        if step.name in names
    }
    return propagate(case.plan.model, inputs=inputs, known=known)


def _loses(plan: Plan) -> bool:
    """Whether any step loses real cells at an edge."""
    facts = {id(step.facts): step for step in plan.steps}
    return any(each.loss.lost or each.loss.lost_before for step in facts.values() for each in losses_of(step))


def _resized(case: Case, path: tuple[str | int, ...], sizes: tuple[int, ...]) -> list[Edit]:
    """The input's sizes set in the file, or the parameters that they are."""
    given = case.at(path)
    if not isinstance(given, list) or len(given) != len(sizes) + 1:
        return []
    edits = {}
    for axis, (old, new) in enumerate(zip(given, sizes, strict=False)):
        name = old[1:] if isinstance(old, str) else None
        if name is not None and isinstance(case.at(("params", name)), int):
            edits["params", name] = Edit(("params", name), new)
        elif not isinstance(old, int):
            return []
        elif old != new:
            edits["axis", str(axis)] = Edit((*path, axis), new)
    plain = all(key[0] == "axis" for key in edits) and not holds_expression(given)
    return [Edit(path, [*sizes, given[-1]])] if plain and edits else list(edits.values())
