"""The size of the input at which the values of code are compared: the file's, or a smaller one where that is large."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import NamedTuple

from planner.diagnostics import Fault
from planner.geometry import Shape
from planner.outputs.code.torch import Emitted
from planner.plan import Known, Plan
from planner.propagation import propagate
from planner.report import Report
from planner.words import counted

EmitAgain = Callable[[Report], Emitted]
"""Writes the code for another plan of the same model, with the same options."""

SMALL = 5_000_000_000
"""Up to this many multiply-adds for a sample, values are compared at the file's size: a few seconds' work."""
MOST = 150_000_000_000
"""Up to this many multiply-adds, values are compared at the file's size if no smaller size works."""
MOST_PARAMS = 500_000_000
MOST_CELLS = 300_000_000
"""The most elements in all outputs of all steps; those of several steps may be held at once, at 16 bytes each."""
SHARES = (2, 3, 4, 6, 8, 12, 16, 24, 32)
"""What the file's size is divided by."""
NEAR = 64
"""Cells that are added to a size that does not work, one by one, until one does."""


class Compared(NamedTuple):
    """The plan with which values are compared; or why there is none."""

    plan: Plan | None
    why_not: str = ""


def compared(plan: Plan, emitted: Emitted, again: EmitAgain) -> Compared:
    """Where to compare the values of code with those of a plan."""
    params = sum(step.params or 0 for step in plan.layers)
    if params > MOST_PARAMS:
        return Compared(None, f"{counted(params, 'parameter')} are more than the {MOST_PARAMS:,} that are tried")
    if _macs(plan) <= SMALL and _cells(plan) <= MOST_CELLS:
        return Compared(plan)
    where = _smaller(plan, emitted, again) or plan
    if _macs(where) <= MOST and _cells(where) <= MOST_CELLS:
        return Compared(where)
    much = f"{counted(_macs(plan), 'MAC')} at {at(plan)}" if _macs(plan) > MOST else f"{_cells(plan):,} values of steps"
    return Compared(None, f"{much} are too many to be worked out, and no smaller size has the same code")


def at(plan: Plan) -> str:
    """The sizes of a plan's inputs in words: `224×224×3`."""
    inputs = plan.inputs
    if len(inputs) == 1:
        return str(inputs[0].outputs[0])
    return ", ".join(f"{step.name} {step.outputs[0]}" for step in inputs)


def _smaller(plan: Plan, emitted: Emitted, again: EmitAgain) -> Plan | None:
    """The plan at the largest smaller size that is small enough, or the smallest one if none is; it must have the same
    weights and the same code.
    """
    program = _without_words(emitted.text)
    found = None
    for other in _working(plan):
        if found is not None and _macs(other) >= _macs(found):
            continue
        try:
            code = again(Report(other)).text
        except Fault:
            continue
        if _without_words(code) == program:
            found = other
            if _macs(found) <= SMALL and _cells(found) <= MOST_CELLS:
                break
    return found


def _working(plan: Plan) -> Iterator[Plan]:
    """Plans of the same model at smaller sizes that have the same weights: for each share of the size the first one
    that works.
    """
    known: Known = {}
    for share in SHARES:
        for more in range(NEAR):
            shapes = {step.name: _scaled(step.outputs[0], share, more) for step in plan.inputs}
            if not all(_below(shapes[step.name], step.outputs[0]) for step in plan.inputs):
                break
            found = propagate(plan.model, inputs=shapes, known=known)
            if found.complete and _alike(plan, found):
                yield found
                break


def _below(small: Shape, large: Shape) -> bool:
    return not large.spatial or small.elements < large.elements


def _scaled(shape: Shape, share: int, more: int) -> Shape:
    return Shape((*(-(-n // share) + more for n in shape.spatial), shape.channels))


def _alike(a: Plan, b: Plan) -> bool:
    """Whether two plans have the same weights."""
    return all(
        x.facts is not None
        and y.facts is not None
        and (x.facts.weights, x.facts.buffers) == (y.facts.weights, y.facts.buffers)
        for x, y in zip(a.layers, b.layers, strict=True)
    )


def _without_words(text: str) -> str:
    """A program without comments, docstrings, and what it does when it is run by itself."""
    tree = ast.parse(text)
    tree.body = [each for each in tree.body if not isinstance(each, ast.If)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)


def _macs(plan: Plan) -> int:
    return sum(step.macs or 0 for step in plan.layers)


def _cells(plan: Plan) -> int:
    return sum(shape.elements for step in plan.layers for shape in step.outputs)
