"""What a program must do to be the plan: a shape for every step, and the entries of the state_dict."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from planner.model import Group
from planner.outputs._screen import printable
from planner.outputs.code._copies import Copy
from planner.outputs.code._parts import Part, Unit
from planner.outputs.code.torch import Emitted
from planner.plan import Plan, Step
from planner.words import counted

Sizes = tuple[int, ...]


@dataclass(frozen=True)
class Expected:
    """How the program calls one step: the submodule `module`, or else the function `function`.

    shapes  of its outputs, as PyTorch has them there, with a batch of one
    """

    step: str
    shapes: tuple[Sizes, ...]
    module: str = ""
    function: str = ""


class Difference(NamedTuple):
    """Where a program is not the plan."""

    step: str
    plan: str
    program: str


MOST_TOLD = 20
"""Differences that are told one by one."""


def told(plan: Plan, emitted: Emitted, answer: Mapping[str, Any]) -> tuple[str, bool]:
    """What to say of an answer, and whether the program is the plan."""
    if "error" in answer:
        return f"the code fails on torch's meta device: {printable(answer['error'][:500])}\n", False
    found = list(differences(plan, emitted, answer))
    if not found:
        steps = sum(1 for _ in expected(plan, emitted))
        params = sum(math.prod(each) for each in answer["parameters"].values())
        return f"verified on torch's meta device: {counted(steps, 'step')}, {counted(params, 'parameter')}\n", True
    rows = [(printable(each.step), each.plan, each.program) for each in found[:MOST_TOLD]]
    wide = [max(map(len, column)) for column in zip(("step", "", ""), *rows, strict=True)]
    lines = [f"  {step:<{wide[0]}}  planned {plan:<{wide[1]}}  torch {program}" for step, plan, program in rows]
    if len(found) > MOST_TOLD:
        lines.append(f"  and {len(found) - MOST_TOLD:,} more")
    return "\n".join([f"the code differs from the plan in {counted(len(found), 'place')}:", *lines, ""]), False


def request(plan: Plan, emitted: Emitted) -> dict[str, Any]:
    """What `_running` is to do."""
    layouts, units = emitted.program.layouts, emitted.program.units
    inputs = []
    for k, step in enumerate(plan.inputs):
        shape = step.outputs[0]
        side = layouts.tensor(units.root, (-1, -1, k))
        inputs.append({"sizes": shape if side == "last" else shape.torch, "whole": units.picks(k)})
    leaves = {each.module for each in expected(plan, emitted) if each.module}
    return {"code": emitted.text, "name": emitted.name, "inputs": inputs, "leaves": sorted(leaves)}


def differences(plan: Plan, emitted: Emitted, answer: Mapping[str, Any]) -> Iterator[Difference]:
    """Where what `_running` saw is not what the plan says."""
    yield from _entries(plan, answer)
    modules: dict[str, deque[list[Sizes]]] = defaultdict(deque)
    functions: list[tuple[str, list[Sizes]]] = []
    for kind, name, shapes in answer["events"]:
        found = [tuple(each) for each in shapes]
        if kind == "module":
            modules[name].append(found)
        else:
            functions.append((name, found))
    at = 0
    for each in expected(plan, emitted):
        if each.module:
            seen = modules[each.module].popleft() if modules[each.module] else None
        else:
            mine = [i for i in range(at, len(functions)) if functions[i][0] == each.function]
            right = next((i for i in mine if _agree(each.shapes, functions[i][1])), None)
            here = right if right is not None else next(iter(mine), None)
            seen = None if here is None else functions[here][1]
            at = at if right is None else right + 1
        if seen is None:
            yield Difference(each.step, _written(each.shapes), "is not called")
        elif not _agree(each.shapes, seen):
            yield Difference(each.step, _written(each.shapes), _written(seen[: len(each.shapes)]))


def _agree(planned: tuple[Sizes, ...], seen: list[Sizes]) -> bool:
    return len(seen) >= len(planned) and all(a == b for a, b in zip(planned, seen, strict=False))


def _written(shapes: Any) -> str:
    return ", ".join(f"({', '.join(map(str, each))})" for each in shapes)


def _entries(plan: Plan, answer: Mapping[str, Any]) -> Iterator[Difference]:
    """Differences in the state_dict."""
    for kind in ("parameters", "buffers"):
        planned = {
            f"{step.name}.{name}" if name else step.name: list(sizes)
            for step in plan.layers
            if step.facts is not None
            for name, sizes in (step.facts.weights if kind == "parameters" else step.facts.buffers).items()
        }
        found = answer[kind]
        for name in sorted({*planned, *found}):
            if planned.get(name) != found.get(name):
                a, b = (_written([each[name]]) if name in each else "none" for each in (planned, found))
                yield Difference(name, a, b)


def expected(plan: Plan, emitted: Emitted) -> Iterator[Expected]:
    """The calls that the program makes, in the order of the plan. What nothing reads is not called."""
    units = emitted.program.units
    yield from _calls(emitted, units.root, units.root.copy, None)


def _calls(emitted: Emitted, unit: Unit, copy: Copy, group: Group | None) -> Iterator[Expected]:
    """The calls in one copy of a list: `copy` stands for all that agree with it, `group` is this one."""
    members = emitted.program.units.copies.structure.members(group)
    members = (each for each in members if not (isinstance(each, Step) and each.is_input))
    for number, items in enumerate(copy.items):
        owner, parts = unit, [part for part in unit.parts if part.values[0][0] == number]
        if parts and parts[0].inside is not None and parts[0].inside.repeats:
            owner, parts = parts[0].inside, parts[0].inside.parts
        for k, item in enumerate(items):
            member = next(members)
            part = parts[k] if len(parts) > 1 else parts[0]
            if isinstance(member, Step):
                yield from _call(emitted, owner, part, member, f"{group.name}." if group else "")
            else:
                inner = part.inside or part.unit
                assert inner is not None
                assert item.inner is not None
                yield from _calls(emitted, inner, item.inner, member)


def _call(emitted: Emitted, unit: Unit, part: Part, step: Step, prefix: str) -> Iterator[Expected]:
    called = emitted.program.calls.get(part)
    if called is None:
        return
    layouts, turned = emitted.program.layouts, part in emitted.program.turned
    shapes: list[Sizes] = []
    batches = part.calls[-1].call.batches or (0,) * len(part.values)
    for value, shape, batch in zip(part.values, step.outputs, batches, strict=False):
        sizes = tuple(shape if layouts.tensor(unit, value) == "last" and not turned else shape.torch)
        shapes.append((*sizes[:batch], 1, *sizes[batch:]))
    if part in emitted.program.single:
        shapes = shapes[:1]
    if called == "":
        yield Expected(step.name, tuple(shapes), module=step.name)
    elif called.startswith("."):
        yield Expected(step.name, tuple(shapes), module=f"{prefix}{called[1:]}")
    else:
        yield Expected(step.name, tuple(shapes), function=called)
