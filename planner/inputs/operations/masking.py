"""Triangles of matrices, and masks of attention, which are added to its products."""

from __future__ import annotations

from functools import partial
from math import inf
from typing import Any

from planner.inputs._axes import Traced
from planner.inputs._building import GraphBuilder
from planner.inputs._graph import NotSayable
from planner.inputs.operations import OPERATIONS, all_operations
from planner.inputs.operations.arithmetic import operator
from planner.inputs.operations.comparing import opposite, where_holds
from planner.inputs.operations.constants import constant_of
from planner.inputs.operations.shapes import unsqueeze


def _triangle(upper: bool, b: GraphBuilder, input: Any, diagonal: int = 0) -> Traced:
    """A matrix with zeros in place of what lies below a diagonal, or above it."""
    x = b.tensor(input)
    if x.rank < 2 or any(b.batch in own for own in x.dims[-2:]) or not isinstance(diagonal, int):
        raise NotSayable("a triangle of other dimensions than the last two")
    function = all_operations()
    rows, columns = (tuple(x.sizes(run)[dim] for run in range(b.runs)) for dim in (-2, -1))
    if upper and diagonal == 1 and x.rank == 2 and b.notes.get(x.output.step) == -inf:
        return _noted(b, "causal", constant_of(b, [rows, columns], "causal_mask"))
    across, down = constant_of(b, [columns], "arange"), unsqueeze(b, constant_of(b, [rows], "arange"), 1)
    beside = operator("Subtract", b, *((across, down) if upper else (down, across)))
    more = 1 - diagonal if upper else 1 + diagonal
    kept: Traced = function["clamp"](b, operator("Add", b, beside, more) if more else beside, 0, 1)
    of_ones = x.rank == 2 and b.notes.get(x.output.step) in (1, "ones")
    if not of_ones or b.gives[:1] == ["float"]:  # as 0 and 1 it holds whole numbers
        kept = where_holds(b, kept, x, 0)  # a product with 0 would turn infinity into NaN
    return _noted(b, "lower triangle", kept) if of_ones and not upper and not diagonal else kept


def _noted(b: GraphBuilder, name: str, matrix: Traced) -> Traced:
    """A matrix of which it is remembered what it is, and which of its dimensions are the rows and the columns."""
    b.notes[matrix.output.step] = name, matrix.dims
    return matrix


def is_noted(b: GraphBuilder, name: str, mask: Traced) -> bool:
    """Whether a mask is the matrix that was remembered by a name, and not turned since."""
    return b.notes.get(mask.output.step) == (name, mask.dims[-2:])


for _upper, _name in ((True, "triu"), (False, "tril")):
    OPERATIONS[_name] = partial(_triangle, _upper)


def as_addend(b: GraphBuilder, mask: Traced, *, hides: bool) -> Traced:
    """Truth values as a mask that is added: −∞ hides. They tell what is hidden, or else what is seen."""
    seen = opposite(b, mask) if hides else mask
    return where_holds(b, seen, constant_of(b, [], "zeros"), -inf)  # zeros of the type that the module works on
