"""Whole numbers that remember how they were worked out.

A layer is asked what it means with such numbers as its sizes; its answers then say not only that a convolution reads
256 channels, but that these are `4 * width`. No layer needs to know.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from planner.classes.algebra import binary, negative
from planner.classes.expressions import Expr, const, lost, text
from planner.geometry import Shape, Sliced
from planner.layers._call import Call
from planner.layers._layer import Layer

_OPERATORS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
}


LONGEST = 12
"""The most operators in an expression that a reader would still follow."""


class Symbol(int):
    """A whole number with the expression that it came from.

    What is not arithmetic forgets the expression, and a comparison that another value would decide otherwise is noted
    in `decisive`, for what is answered then holds for this value alone.
    """

    expr: Expr
    decisive: set[str]

    def __new__(cls, number: int, expr: Expr, decisive: set[str] | None = None) -> Symbol:
        made = super().__new__(cls, number)
        made.expr = expr
        made.decisive = set() if decisive is None else decisive
        return made

    def _with(self, op: str, other: Any, *, turned: bool = False) -> int:
        if not isinstance(other, int):  # a list is repeated, a fraction divided: the number alone counts
            refused: int = NotImplemented
            return refused
        a, b = (int(other), int(self)) if turned else (int(self), int(other))
        exprs = (written(other), self.expr) if turned else (self.expr, written(other))
        number = _OPERATORS[op](a, b)
        if op == "%" or "lost" in (exprs[0].op, exprs[1].op):
            return Symbol(number, lost(number, *exprs), self.decisive)
        expr = binary(op, *exprs)
        return Symbol(number, lost(number, expr) if expr.size > LONGEST else expr, self.decisive)

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

    def __mod__(self, other: int) -> int:
        return self._with("%", other)

    def __rmod__(self, other: int) -> int:
        return self._with("%", other, turned=True)

    def __divmod__(self, other: int) -> tuple[int, int]:
        return self // other, self % other

    def __rdivmod__(self, other: int) -> tuple[int, int]:
        return other // self, other % self

    def __pow__(self, power: Any, modulo: Any = None) -> Any:
        found = 1
        for _ in range(power):
            found = found * self
        return found

    def __neg__(self) -> int:
        expr = lost(-int(self), self.expr) if self.expr.op == "lost" else negative(self.expr)
        return Symbol(-int(self), expr, self.decisive)

    def _decides(self, other: object) -> None:
        for expr in (self.expr, written(other)):
            self.decisive |= expr.depends_on

    def __eq__(self, other: object) -> bool:
        equal = isinstance(other, int) and int(self) == int(other)
        if equal and self.expr != written(other):
            self._decides(other)
        return equal

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: int) -> bool:
        self._decides(other)
        return super().__lt__(other)

    def __le__(self, other: int) -> bool:
        self._decides(other)
        return super().__le__(other)

    def __gt__(self, other: int) -> bool:
        self._decides(other)
        return super().__gt__(other)

    def __ge__(self, other: int) -> bool:
        self._decides(other)
        return super().__ge__(other)

    __hash__ = int.__hash__


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


def with_symbols(layer: Layer, exprs: Mapping[str, Expr], decisive: set[str]) -> Layer:
    """The layer with the whole numbers among some arguments as symbols."""
    changed = {
        name: found
        for name, expr in exprs.items()
        if (found := _symbolic(getattr(layer, name), expr, decisive)) is not None
    }
    return type(layer).model_construct(**{**dict(layer), **changed}) if changed else layer


def _symbolic(value: Any, expr: Expr, decisive: set[str]) -> Any:
    """A whole number as a symbol, or a list with such ones; None for other values."""
    if isinstance(value, tuple):
        parts = expr.args if expr.op == "tuple" else [Expr("item", (expr, const(i))) for i in range(len(value))]
        found = [_symbolic(each, part, decisive) for each, part in zip(value, parts, strict=True)]
        if all(each is None for each in found):
            return None
        return tuple(each if new is None else new for each, new in zip(value, found, strict=True))
    return Symbol(value, expr, decisive) if type(value) is int and not expr.is_const else None


def shaped(shape: Shape, channels: Expr, origin: frozenset[str], decisive: set[str]) -> Shape:
    """The shape with its channels as a symbol; its spatial sizes are numbers that come from `origin`."""
    spatial = (Symbol(n, const(n, origin), decisive) for n in shape.spatial) if origin else shape.spatial
    return Shape((*spatial, Symbol(shape.channels, channels, decisive)))


def cut_length(cut: Sliced, n: int) -> int:
    """How many of n cells a slice takes, which a range would say without remembering why."""
    start, stop = (n if each is None else each for each in (cut.start or 0, cut.stop))
    start, stop = (n + each if int(each) < 0 else each for each in (start, stop))
    length, found = stop - start, cut.length(int(n))
    return (
        length
        if cut.step == 1 and int(length) == found
        else Symbol(found, lost(found, *map(written, (start, stop, n))))
    )


def sizes_of(place: int, shape: Shape) -> Shape:
    """The shape of input `place` with every size as a symbol, which `size_of` names."""
    spatial = (Symbol(n, size_of(place, axis + 2)) for axis, n in enumerate(shape.spatial))
    return Shape((*spatial, Symbol(shape.channels, size_of(place, 1))))


OWN = 1 << 10
"""The place from which on the inputs of the class itself are counted, behind those of a call."""


def size_of(place: int, dim: int) -> Expr:
    """The size of dimension `dim` of input `place`, as PyTorch counts with the channels second."""
    return Expr("size", (const(place), const(dim)))
