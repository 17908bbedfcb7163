"""Functions of each value by itself, of values that meet cell by cell, and dropout."""

from __future__ import annotations

from planner.autograd.tape import Tape
from planner.autograd.tensors import WIDTHS, Strided, broadcast, packed, pointwise

Keeps = str
"""What a function of one tensor keeps: `input`, `output`, both (`input output`), or nothing."""


def function(t: Tape, x: Strided, keeps: Keeps, name: str = "pointwise", *, exact: bool = False) -> Strided:
    """A function of each value by itself; its output may lie exactly as its input does."""
    made = t.like(x) if exact else t.new(x.sizes, x.dtype, _like(x))
    saved = [x] if "input" in keeps else []
    return t.noted(name, (x,), made, *saved, *([made] if "output" in keeps else []))


def in_place(t: Tape, x: Strided, keeps: Keeps) -> Strided:
    """A function that writes over its input, of which it keeps a copy where backward wants what stood there."""
    made = Strided(x.storage, x.sizes, x.strides, x.dtype)
    saved = [t.like(x)] if "input" in keeps and x.grad else []
    return t.noted("in place", (x,), made, *saved, *([made] if "output" in keeps else []))


def meeting(t: Tape, *operands: Strided, dtype: str | None = None) -> Strided:
    """A new tensor for what operands make cell by cell."""
    sizes = broadcast(*(x.sizes for x in operands))
    return t.new(sizes, dtype or t.widest(*operands), pointwise(sizes, *operands))


def add(t: Tape, a: Strided, b: Strided) -> Strided:
    return t.noted("add", (a, b), meeting(t, a, b))


def multiply(t: Tape, a: Strided, b: Strided) -> Strided:
    """Each factor is kept for the gradient of the other one."""
    made = meeting(t, a, b)
    kept = [*([a] if b.grad else []), *([b] if a.grad else [])]
    return t.noted("mul", (a, b), made, *kept, aside=(0, _unsummed(made, a, b)))


def divide(t: Tape, a: Strided, b: Strided) -> Strided:
    """The divisor is kept, and what is divided where the divisor has a gradient."""
    made = meeting(t, a, b, dtype=_fraction(t, a, b))
    return t.noted("div", (a, b), made, *([a] if b.grad else []), b, aside=(0, _unsummed(made, a, b)))


def _unsummed(made: Strided, *operands: Strided) -> int:
    """Bytes of the gradients of operands that are repeated, as backward has them before it sums them."""
    return sum(WIDTHS[x.dtype] * made.elements for x in operands if x.grad and x.elements < made.elements)


def power(t: Tape, a: Strided, b: Strided) -> Strided:
    made = meeting(t, a, b)
    return t.noted("pow", (a, b), made, a, b, *([made] if b.grad else []))


def bound(t: Tape, a: Strided, b: Strided) -> Strided:
    """The larger or the smaller of two."""
    return t.noted("maximum", (a, b), meeting(t, a, b), a, b)


def where(t: Tape, condition: Strided, a: Strided, b: Strided | None) -> Strided:
    others = (a,) if b is None else (a, b)
    made = meeting(t, condition, *others, dtype=t.widest(*others))
    return t.noted("where", others, made, condition)


def compare(t: Tape, x: Strided) -> Strided:
    """A comparison with a number: no gradient flows through it."""
    return t.new(x.sizes, "bool", pointwise(x.sizes, x))


def with_number(t: Tape, x: Strided, operator: str, number: float, *, first: bool) -> Strided:
    """An operator with a tensor and a number, which may be the first operand."""
    whole = not x.is_float
    dtype = x.dtype if not whole or (isinstance(number, int) and operator != "truediv") else t.dtype
    power = operator == "pow"
    strides = packed(x.sizes) if power and first else _like(x) if power else pointwise(x.sizes, x, t.new((), x.dtype))
    made = t.new(x.sizes, dtype, strides)
    if operator == "truediv" and first:  # PyTorch takes the reciprocal, and multiplies it by the number
        reciprocal = t.new(x.sizes, dtype, _like(x))
        t.noted("reciprocal", (x,), reciprocal, reciprocal)
        return t.noted("mul", (reciprocal,), made)
    saved = [x] if operator == "pow" else []
    return t.noted(operator, (x,), made, *saved, *([made] if operator == "pow" and first else []))


def _like(x: Strided) -> tuple[int, ...]:
    return pointwise(x.sizes, x)


def _fraction(t: Tape, a: Strided, b: Strided) -> str:
    dtype = t.widest(a, b)
    return dtype if dtype not in ("int64", "bool", "int8", "uint8") else t.dtype


def dropout(t: Tape, x: Strided, p: float, *, own: int = 0, alpha: bool = False, inplace: bool = False) -> Strided:
    """The mask is kept, whose numbers are of the input's type: one for each value, or for each cell of the first `own`
    axes, which share it.
    """
    if not p:
        return x
    sizes = (*x.sizes[:own], *(1,) * (x.dim - own)) if own else x.sizes
    mask = t.new((), x.dtype) if p == 1 else t.new(sizes, x.dtype, None if own else _like(x))
    made = Strided(x.storage, x.sizes, x.strides, x.dtype) if inplace and not alpha else meeting(t, x, mask)
    return t.noted("dropout", (x,), made, mask)
