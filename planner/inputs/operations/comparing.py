"""Comparisons, whose truth values are 0 and 1, and what is chosen by them."""

from __future__ import annotations

from functools import partial
from math import isfinite, isnan
from typing import Any

from planner.inputs._axes import Traced
from planner.inputs._building import GraphBuilder
from planner.inputs._graph import NotSayable, Output
from planner.inputs._meeting import met
from planner.inputs.operations import OPERATIONS, operation
from planner.inputs.operations.arithmetic import operator


def _pointwise(b: GraphBuilder, type_: str, x: Traced, **arguments: Any) -> Traced:
    return b.like(b.step(type_, arguments, [x]), x)


def _sign_of_difference(b: GraphBuilder, x: Any, y: Any) -> Traced:
    """1 where x is larger, −1 where y is, and 0 where they are equal."""
    if any(isinstance(each, int | float) and not isfinite(each) for each in (x, y)):
        raise NotSayable("a comparison with infinity")
    difference = b.tensor(x) if isinstance(y, int | float) and not y else operator("Subtract", b, x, y)
    return _pointwise(b, "Sign", difference)


def opposite(b: GraphBuilder, x: Traced) -> Traced:
    """The opposite of truth values, which are 0 and 1; of an opposite what it is of."""
    if b.notes.get(x.output.step) == "opposite":
        return Traced(x.output.step.sources[0], x.axes, x.dims, b.batch)
    found = operator("Subtract", b, 1, x)
    b.notes[found.output.step] = "opposite"
    return found


def _differs(b: GraphBuilder, x: Any, y: Any) -> Traced:
    return _pointwise(b, "Abs", _sign_of_difference(b, x, y))


def _is_larger(b: GraphBuilder, x: Any, y: Any) -> Traced:
    return _pointwise(b, "Clamp", _sign_of_difference(b, x, y), min=0)


def _is_smaller(b: GraphBuilder, x: Any, y: Any) -> Traced:
    return _pointwise(b, "Clamp", _pointwise(b, "Neg", _sign_of_difference(b, x, y)), min=0)


def _opposite(compared: Any, b: GraphBuilder, x: Any, y: Any) -> Traced:
    return opposite(b, compared(b, x, y))


for _names, _meaning in (
    (("ne", "not_equal"), _differs),
    (("gt", "greater"), _is_larger),
    (("lt", "less"), _is_smaller),
    (("eq",), partial(_opposite, _differs)),
    (("ge", "greater_equal"), partial(_opposite, _is_smaller)),
    (("le", "less_equal"), partial(_opposite, _is_larger)),
):
    OPERATIONS.update(dict.fromkeys(_names, _meaning))


@operation("where")
def where(b: GraphBuilder, condition: Any, input: Any, other: Any) -> Traced:
    if b.reads[0] != "truth":
        raise NotSayable("a condition that is no truth value")
    return where_holds(b, b.tensor(condition), input, other)


@operation("masked_fill")
def masked_fill(b: GraphBuilder, x: Any, mask: Any, value: Any) -> Traced:
    if b.reads[1] != "truth":
        raise NotSayable("a mask that is no truth value")
    return where_holds(b, b.tensor(mask), value, x)


def where_holds(b: GraphBuilder, condition: Traced, x: Any, other: Any) -> Traced:
    """The first of two where a condition holds, and the second elsewhere; one of them may be a number."""
    if isinstance(x, int | float):
        condition, x, other = opposite(b, condition), other, x
    number = {"other": other} if isinstance(other, int | float) else {}
    if number and isnan(other):
        raise NotSayable("a choice of what is no number")
    read = [condition, b.tensor(x), *(() if number else (b.tensor(other),))]
    tensors, axes, dims, _ = met(b, read)
    return Traced(Output(b.step("Where", number, tensors)), axes, dims, b.batch)


@operation("and", "iand", "logical_and", "bitwise_and")
def both(b: GraphBuilder, x: Any, y: Any) -> Traced:
    if b.reads != ["truth"] * 2:
        raise NotSayable("bits of whole numbers")
    return operator("Multiply", b, x, y)


@operation("or", "ior", "logical_or", "bitwise_or")
def either(b: GraphBuilder, x: Any, y: Any) -> Traced:
    if b.reads != ["truth"] * 2:
        raise NotSayable("bits of whole numbers")
    return operator("Maximum", b, x, y)
