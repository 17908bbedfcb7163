"""Sizes of a program that follow from those of its inputs: expressions as PyTorch writes them down, worked out exactly
and without running them.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import reduce

Number = int | Fraction | float

LONGEST = 10_000
"""Characters of an expression."""
LARGEST = 1 << 63
HIGHEST = 64
"""The highest exponent."""


class NotKnown(Exception):
    """An expression that cannot be worked out; the text is what in it is the reason."""


def value(text: str, symbols: Mapping[str, int]) -> Number:
    """The value of an expression, for values of its symbols."""
    if len(text) > LONGEST:
        raise NotKnown("a size that is too long")
    try:
        found = _value(ast.parse(text, mode="eval").body, symbols)
    except (SyntaxError, ValueError, RecursionError, MemoryError, ZeroDivisionError, OverflowError, TypeError) as error:
        raise NotKnown(f"a size that cannot be worked out: {text[:60]}") from error
    return int(found) if isinstance(found, Fraction) and found.denominator == 1 else found


def whole(text: str, symbols: Mapping[str, int]) -> int:
    """The value of an expression that must be a whole number."""
    found = value(text, symbols)
    if not isinstance(found, int) or isinstance(found, bool):
        raise NotKnown(f"a size that is no whole number: {text[:60]}")
    return found


def symbols_of(text: str) -> set[str]:
    """The symbols in an expression."""
    try:
        tree = ast.parse(text[:LONGEST], mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    called = {each.func.id for each in ast.walk(tree) if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)}
    named = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name)} - called
    return named | {name for each in ast.walk(tree) if (name := _symbol(each))}


def _symbol(node: ast.AST) -> str:
    """The name of a symbol as PyTorch writes it, `Symbol('s0', integer=True)`."""
    match node:
        case ast.Call(func=ast.Name(id="Symbol"), args=[ast.Constant(value=str(name)), *_]):
            return name
    return ""


def _value(node: ast.expr, symbols: Mapping[str, int]) -> Number:
    found = _worked_out(node, symbols)
    if not -LARGEST < found < LARGEST:
        raise NotKnown("a size that is too large")
    return found


def _worked_out(node: ast.expr, symbols: Mapping[str, int]) -> Number:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return node.value
    match node:
        case ast.Name() | ast.Call(func=ast.Name(id="Symbol")):
            name = node.id if isinstance(node, ast.Name) else _symbol(node)
            if name not in symbols:
                raise NotKnown(f"a size that follows from values: {name}")
            return symbols[name]
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner, symbols)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in BETWEEN:
            return BETWEEN[type(op)](_value(left, symbols), _value(right, symbols))
        case ast.Call(func=ast.Name(id="Float"), args=[ast.Constant(value=str(digits)), *_]):
            return float(digits)
        case ast.Call(func=ast.Name(id=name), args=args) if name in FUNCTIONS and args:
            return FUNCTIONS[name](*(_value(each, symbols) for each in args))
    raise NotKnown(f"a size by an unknown function: {ast.unparse(node)[:60]}")


def _divided(a: Number, b: Number) -> Number:
    return a / b if isinstance(a, float) or isinstance(b, float) else Fraction(a) / Fraction(b)


def _power(a: Number, b: Number) -> Number:
    if isinstance(b, float) or b != int(b):
        return math.pow(a, b)
    if not -HIGHEST <= b <= HIGHEST:
        raise NotKnown("a size by a high power")
    return math.pow(a, b) if isinstance(a, float) else Fraction(a) ** int(b)


def _rounded(a: Number, digits: Number = 0) -> Number:
    if digits:
        raise NotKnown("a size that is rounded to some decimal places")
    return round(a)


BETWEEN: Mapping[type[ast.operator], Callable[..., Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divided,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
FUNCTIONS: Mapping[str, Callable[..., Number]] = {
    "Integer": lambda a: a,
    "Rational": _divided,
    "Add": lambda *all_: sum(all_),
    "Mul": lambda *all_: reduce(operator.mul, all_),
    "Pow": _power,
    "PowByNatural": _power,
    "FloatPow": lambda a, b: float(a) ** float(b),
    "FloorDiv": operator.floordiv,
    "CleanDiv": operator.floordiv,
    "CeilDiv": lambda a, b: -(-a // b),
    "CeilToInt": math.ceil,
    "FloorToInt": math.floor,
    "TruncToInt": math.trunc,
    "TruncToFloat": lambda a: float(math.trunc(a)),
    "RoundToInt": _rounded,
    "ToFloat": float,
    "IntTrueDiv": lambda a, b: float(a) / float(b),
    "FloatTrueDiv": lambda a, b: float(a) / float(b),
    "OpaqueUnaryFn_sqrt": math.sqrt,
    "sqrt": math.sqrt,
    "Mod": operator.mod,
    "PythonMod": operator.mod,
    "Max": max,
    "Min": min,
    "Abs": abs,
    "ceiling": math.ceil,
    "floor": math.floor,
    "Identity": lambda a: a,
}
