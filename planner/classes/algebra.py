"""Building expressions: simplified sums, products and quotients, choices, and the substitution of names."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from planner.arithmetic import is_too_long
from planner.classes.expressions import ONE, Expr, const


def add(a: Expr, b: Expr, sign: int = 1) -> Expr:
    """The sum, with equal terms put together."""
    terms: dict[Expr, int] = {}
    for term, count in (*_terms(a), *_terms(b, sign)):
        terms[term] = terms.get(term, 0) + count
    written = [(term, count) for term, count in terms.items() if count and term != ONE]
    if terms.get(ONE):
        written.append((ONE, terms[ONE]))
    if not written:
        return const(0)
    total: Expr | None = None
    for term, count in sorted(written, key=lambda each: each[1] < 0):
        times = const(abs(count)) if term == ONE else multiply(const(abs(count)), term)
        if total is None:
            total = times if count > 0 else negative(times)
        else:
            total = Expr("+" if count > 0 else "-", (total, times))
    assert total is not None
    return total


def _terms(expr: Expr, sign: int = 1) -> Iterator[tuple[Expr, int]]:
    """The terms of a sum, with how often each term is taken."""
    if expr.op in ("+", "-"):
        left, right = expr.args
        yield from _terms(left, sign)
        yield from _terms(right, sign if expr.op == "+" else -sign)
    elif expr.is_whole:
        yield ONE, sign * expr.args[0]
    elif expr.op == "*" and expr.args[0].is_whole and not expr.args[1].is_const:
        yield expr.args[1], sign * expr.args[0].args[0]
    else:
        yield expr, sign


def multiply(a: Expr, b: Expr) -> Expr:
    """The product; that of two positive numbers is left as it is, for 256 · 6 · 6 says more than 9216."""
    if a.is_value(1) or b.is_value(1):
        return b if a.is_value(1) else a
    if b.is_const and not a.is_const and a.op != "*":
        a, b = b, a
    if a.is_whole and b.is_whole and min(a.args[0], b.args[0]) < 1:
        return const(a.args[0] * b.args[0])
    if a.is_whole and b.op == "*" and b.args[0].is_whole and not b.args[1].is_const:
        return multiply(const(a.args[0] * b.args[0].args[0]), b.args[1])
    return Expr("*", (a, b))


def _part(a: Expr, i: int) -> Expr:
    """An operand that is an expression itself; the operands of constants and names are not."""
    found: Expr = a.args[i]
    return found


def negative(a: Expr) -> Expr:
    """The expression with the other sign."""
    if a.op == "neg":
        return _part(a, 0)
    return const(-a.args[0]) if a.is_const else Expr("neg", (a,))


def binary(op: str, a: Expr, b: Expr) -> Expr:
    """An operator applied to whole numbers, simplified."""
    return _binary(op, a, b).assuming(a.assumed | b.assumed)


def _binary(op: str, a: Expr, b: Expr) -> Expr:
    """An operator applied to whole numbers, simplified, without the names that the operands take for granted."""
    if op in "+-":
        return add(a, b, 1 if op == "+" else -1)
    if op == "*":
        return multiply(a, b)
    if op == "**" and (b.is_value(0) or b.is_value(1)):
        return a if b.is_value(1) else ONE
    return _quotient(a, b) if op == "//" else Expr(op, (a, b))


def _quotient(a: Expr, b: Expr) -> Expr:
    """The quotient, rounded down, put simply where the divisor surely divides."""
    return _divided(a, b) or Expr("//", (a, b))


def _divided(a: Expr, b: Expr) -> Expr | None:
    """The quotient where the divisor surely divides: 4 · width by 2, or by width; None where it may not."""
    if b.is_value(1):
        return a
    if a.is_whole and b.is_whole and b.args[0]:
        return const(a.args[0] // b.args[0])
    if a.op == "neg":
        inner = _divided(a.args[0], b)
        return inner and negative(inner)
    if a.op == "*" and a.args[1] == b:
        return _part(a, 0)
    if a.op != "*" or not (a.args[0].is_whole and b.is_whole) or a.args[0].args[0] % b.args[0]:
        return None
    return multiply(const(a.args[0].args[0] // b.args[0]), a.args[1])


def choice(condition: Expr, then: Expr, other: Expr, op: str = "either") -> Expr:
    """A choice between two expressions; no choice where the condition is decided, or both are written alike.

    `either` is a choice that was made for what may be absent; `if` is one of the file's.
    """
    if condition.is_const:
        return then if condition.args[0] else other
    if str(then) == str(other):
        return then.assuming(other.assumed)
    return Expr(op, (condition, then, other))


# Programs that call it contain this very text. The plan has its own version, which computes exactly.
def make_divisible(value: float, divisor: int, least: int | None = None) -> int:
    """The multiple of divisor nearest to value, but not below 90 % of it."""
    nearest = max(least or divisor, int(value + divisor / 2) // divisor * divisor)
    return nearest if nearest >= 0.9 * value else nearest + divisor


def _power(base: float, exponent: float) -> Any:
    """What Python makes of a power that a model file may have. Raises OverflowError where that would take long."""
    if not isinstance(exponent, int):
        raise TypeError("an exponent that is not whole")
    if isinstance(base, int) and is_too_long(base, exponent):
        raise OverflowError("a power with too many digits")
    return base**exponent


NUMBERS: dict[str, Callable[..., Any]] = {
    "neg": operator.neg,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": _power,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "min()": min,
    "max()": max,
    "round()": round,
    "ceil()": math.ceil,
    "floor()": math.floor,
    "int()": int,
    "float()": float,
    "make_divisible()": make_divisible,
}
"""The operators on numbers, as Python computes them."""


def _number(expr: Expr) -> int | float | None:
    """The value of an expression of numbers alone; None where there is anything else in the expression."""
    if expr.is_const:
        found: Any = expr.args[0]
        return found if type(found) in (int, float) else None
    numbers = [_number(part) for part in expr.parts]
    if expr.op not in NUMBERS or None in numbers:
        return None
    try:
        return _number(const(NUMBERS[expr.op](*numbers)))
    except (ArithmeticError, TypeError, ValueError):
        return None


def substituted(expr: Expr, by: Mapping[str, Expr]) -> Expr:
    """The expression with other expressions for names; a part without names is replaced by its value."""
    if expr.op == "name":
        return by.get(expr.args[0], expr)
    assumed = _substituted(expr.assumed, by) if expr.assumed else expr.assumed
    parts = expr.parts
    new = tuple([substituted(part, by) for part in parts])
    if new == parts:
        return expr._replace(assumed=assumed)
    changed = Expr(expr.op, new, assumed)
    if expr.op == "*" and all(part.is_const for part in new):
        return const(new[0].args[0] * new[1].args[0], changed.assumed)
    if expr.op in ("if", "either"):
        condition, then, other = new
        return choice(condition, then, other, expr.op).assuming(assumed)
    if expr.op == "item" and new[0].op == "tuple" and _picks(new[1], len(new[0].args)):
        return _part(new[0], new[1].args[0])
    if expr.op in _DECIDED and all(part.is_const for part in new):
        return const(_DECIDED[expr.op](*(part.args[0] for part in new)), changed.assumed)
    if expr.op == "len()" and new[0].op == "tuple":
        return const(len(new[0].args), changed.assumed)
    if (expr.op.endswith("()") or expr.op in ("%", "**")) and (number := _number(changed)) is not None:
        return const(number, changed.assumed)
    if expr.op == "neg":
        return negative(*new)
    if expr.op not in ("+", "-", "*", "//", "**"):
        return changed
    return binary(expr.op, *new).assuming(assumed)


def _picks(index: Expr, count: int) -> bool:
    """Whether an index is a number that a list of some length has; where arguments are tried, it need not be."""
    return index.is_whole and -count <= index.args[0] < count


_DECIDED: dict[str, Callable[..., bool]] = {
    "not": operator.not_,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "and": lambda *parts: all(parts),
    "or": lambda *parts: any(parts),
}
"""Conditions that are decided where all that they ask for is known."""


def _substituted(assumed: frozenset[str], by: Mapping[str, Expr]) -> frozenset[str]:
    """The names taken for granted once other expressions are substituted for some of them."""
    found: set[str] = set()
    for each in assumed:
        found |= by[each].depends_on if each in by else {each}
    return frozenset(found)
