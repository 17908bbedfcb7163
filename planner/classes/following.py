"""Arguments of functions that follow sizes of a list's input, as `x.shape[2] // 32`, where that is right elsewhere too.

A module is constructed with numbers, and these are those of the plan. A function is called with what it is given, and
can be given what the file says. Whether its call is then the layer's is tried with plans of the model at other sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from planner.classes.algebra import substituted
from planner.classes.arithmetic import of_value, value
from planner.classes.expressions import Expr, UnusableError, const, same
from planner.classes.symbols import OWN, size_of
from planner.classes.tensors import Calling, Copy, plain
from planner.geometry import Shape
from planner.layers._call import Call
from planner.layers._layer import Layer, axis_name
from planner.plan import Plan, Step
from planner.propagation import propagate
from planner.sight import named

MOST_PLANS = 3
"""Plans at other sizes with which a call is compared."""
NEAR = 64
"""Cells that are added to a size to find such plans."""
Sizes = Mapping[Expr, Expr]


class OtherSizes:
    """A model at other sizes of its inputs."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    @cached_property
    def plans(self) -> list[Plan]:
        """Complete plans at a few other sizes; none where no other size works."""
        found: list[Plan] = []
        for k in range(1, NEAR):
            for times, wider in ((1, 1), (2, 1), (1, 2)):
                shapes = {
                    step.name: Shape(
                        (*(times * n + k * (wider if i else 1) for i, n in enumerate(x.spatial)), x.channels)
                    )
                    for step in self.plan.inputs
                    for x in step.outputs
                }
                other = propagate(self.plan.model, inputs=shapes)
                found += [other] if other.complete else []
                if len(found) == MOST_PLANS:
                    return found
        return found

    def steps(self, step: Step) -> Iterator[Step]:
        """A step in these plans."""
        at = self.plan.numbers[step.name]
        return (plan.steps[at] for plan in self.plans)


def own_sizes(copy: Copy) -> dict[str, tuple[Expr, int]]:
    """The spatial sizes of a list's inputs that its arithmetic reads: how a call reads each, and its number."""
    found = {}
    for name, (k, tensor) in named(copy.block.inputs, list(enumerate(copy.inputs))).items():
        rank = len(tensor.shape.spatial)
        for axis, n in enumerate(tensor.shape.spatial):
            size = f"{name}.{axis_name(axis, rank)}"
            if size in copy.block.sizes:
                found[size] = size_of(OWN + k, axis + 2), n
    return found


def known_sizes(copy: Copy, step: Step) -> Sizes:
    """Numbers for the sizes of a list's inputs that an entry reads, as they are in a plan with its step."""
    sized = step.instance.sized
    if sized is None:
        return {}
    return {
        expr: const(step.sizes[sized.reads.index(sized.named[name])])
        for name, (expr, _) in own_sizes(copy).items()
        if name in sized.named
    }


def followed(copy: Copy, values: Mapping[str, Any], raw: Any, expected: Any) -> Expr | None:
    """An argument of the file in terms of the sizes of a list's inputs; None where it reads none, or Python makes
    another value of it.
    """
    sizes, written = own_sizes(copy), of_value(raw)
    if written is None or written.names.isdisjoint(sizes):
        return None
    expr = substituted(written, {**copy.by, **{name: size for name, (size, _) in sizes.items()}})
    try:
        known = value(numbered(expr, {size: const(n) for size, n in sizes.values()}), values)
    except UnusableError:
        return None
    return expr if same(plain(known), expected) else None


def numbered(expr: Expr, sizes: Sizes) -> Expr:
    """The expression with numbers for the sizes of tensors."""
    if expr.op == "size":
        return sizes[expr]
    return Expr(expr.op, tuple(numbered(part, sizes) for part in expr.parts)) if expr.parts else expr


def functions(layer: Layer, calls: tuple[Call, ...]) -> tuple[Call, ...]:
    """The calls with a function in place of the module that would be constructed; empty where there is none."""
    *before, last = calls
    function = None if last.batch_axes else layer.functional(last) if last.is_constructed else last
    return () if function is None else (*before, function)


def holds(
    copy: Copy,
    values: Mapping[str, Any],
    others: Iterator[Step],
    callings: Sequence[Calling],
    is_call: Callable[[Calling, Call, Mapping[str, Any], Sequence[Shape], Sizes], bool],
) -> bool:
    """Whether calls that follow sizes are those of their step in other plans, of which there are some."""
    tried = False
    for other in others:
        sized = other.instance.sized
        if sized is None or other.layer is None:
            return False
        calls = functions(other.layer, other.layer.calls(*other.inputs))
        known = known_sizes(copy, other)
        pairs = zip(callings, calls, strict=False)
        if len(calls) != len(callings) or not all(is_call(a, b, values, other.inputs, known) for a, b in pairs):
            return False
        tried = True
    return tried
