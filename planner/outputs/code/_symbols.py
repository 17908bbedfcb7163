"""Whole numbers that remember how they were worked out.

A layer is asked what it means with such numbers as its sizes; its answers then say not only that a convolution reads
256 channels, but that these are `4 * width`. No layer needs to know.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from planner.geometry import Shape, Slice
from planner.layers._layer import Call, Layer
from planner.outputs.code._expressions import Expr, binary, const, lost, negative, text

_OPERATORS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
}


LONGEST = 12
"""Operators of an expression that anybody would read."""


class Symbol(int):
    """A whole number with the expression that it came from. What is not arithmetic forgets the expression."""

    expr: Expr

    def __new__(cls, number: int, expr: Expr) -> Symbol:
        made = super().__new__(cls, number)
        made.expr = expr
        return made

    def _with(self, op: str, other: Any, *, turned: bool = False) -> int:
        if not isinstance(other, int):  # a list is repeated, a fraction divided: the number alone counts
            refused: int = NotImplemented
            return refused
        a, b = (int(other), int(self)) if turned else (int(self), int(other))
        exprs = (written(other), self.expr) if turned else (self.expr, written(other))
        number = _OPERATORS[op](a, b)
        expr = binary(op, *exprs)
        forgotten = "lost" in (exprs[0].op, exprs[1].op) or expr.size > LONGEST
        return Symbol(number, lost(number) if forgotten else expr)

    def __add__(self, other: int) -> int:
        return self._with("+", other)

    def __radd__(self, other: int) -> int:
        return self._with("+", other, turned=True)

    def __sub__(self, other: int) -> int:
        return self._with("-", other)

    def __rsub__(self, other: int) -> int:
        return self._with("-", other, turned=True)

    def __mul__(self, other: int) -> int:
        return self._with("*", other)

    def __rmul__(self, other: int) -> int:
        return self._with("*", other, turned=True)

    def __floordiv__(self, other: int) -> int:
        return self._with("//", other)

    def __rfloordiv__(self, other: int) -> int:
        return self._with("//", other, turned=True)

    def __pow__(self, power: Any, modulo: Any = None) -> Any:
        found = 1
        for _ in range(power):
            found = found * self
        return found

    def __neg__(self) -> int:
        return Symbol(-int(self), lost(-int(self)) if self.expr.op == "lost" else negative(self.expr))


def written(value: Any) -> Expr:
    """How a value among the arguments of a call is written."""
    if isinstance(value, Symbol):
        return value.expr
    if isinstance(value, list | tuple):
        return Expr("tuple", tuple(map(written, value)))
    if isinstance(value, slice):
        return Expr("slice", tuple(map(written, (value.start, value.stop, value.step))))
    if isinstance(value, Call):
        named = (Expr(f"keyword {name}", (written(each),)) for name, each in value.args.items())
        return Expr("new", (text(value.target), *named))
    return const(value)


def with_symbols(layer: Layer, exprs: Mapping[str, Expr]) -> Layer:
    """The layer with the whole numbers among some arguments as symbols."""
    changed = {
        name: found for name, expr in exprs.items() if (found := _symbolic(getattr(layer, name), expr)) is not None
    }
    return type(layer).model_construct(**{**vars(layer), **changed}) if changed else layer


def _symbolic(value: Any, expr: Expr) -> Any:
    """A whole number as a symbol, or a list with such ones; None for other values."""
    if expr.op == "tuple" and isinstance(value, tuple):
        found = [_symbolic(each, part) for each, part in zip(value, expr.args, strict=True)]
        if all(each is None for each in found):
            return None
        return tuple(each if new is None else new for each, new in zip(value, found, strict=True))
    return Symbol(value, expr) if type(value) is int and not expr.is_const else None


def shaped(shape: Shape, channels: Expr) -> Shape:
    """The shape with its channels as a symbol."""
    return Shape((*shape.spatial, Symbol(shape.channels, channels)))


def cut_length(cut: Slice, n: int) -> int:
    """How many of n cells a slice takes, which a range would say without remembering why."""
    start, stop = (n if each is None else each for each in (cut.start or 0, cut.stop))
    start, stop = (n + each if each < 0 else each for each in (start, stop))
    length = stop - start
    return length if cut.step == 1 and length == cut.length(n) else Symbol(cut.length(n), lost(cut.length(n)))


def sizes_of(place: int, shape: Shape) -> Shape:
    """The shape of input `place` with every size as a symbol, which `size_of` names."""
    spatial = (Symbol(n, size_of(place, axis + 2)) for axis, n in enumerate(shape.spatial))
    return Shape((*spatial, Symbol(shape.channels, size_of(place, 1))))


def size_of(place: int, dim: int) -> Expr:
    """The size of dimension `dim` of input `place`, as PyTorch counts with the channels second."""
    return Expr("size", (const(place), const(dim)))
