"""The arithmetic of a model file as Python expressions, and the values that Python computes for them.

`value` is another evaluation than that of `planner.arithmetic`, and has to be: a plan's numbers are exact, while an
emitted program computes with Python's ints and floats. It shows whether the program computes what the plan has.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from itertools import pairwise
from typing import Any

from planner.arithmetic import Expression, Node, is_expression, parse_expression
from planner.classes.algebra import NUMBERS, negative
from planner.classes.expressions import Expr, UnusableError, const, name, same
from planner.diagnostics import Fault

Values = Mapping[str, Any]
LONGEST = 100
"""The most operators of an expression that is written out. Python could not handle many more: the tree of `1 + 1 + …`
is as deep as the text is long.
"""

# The arithmetic of a model file in Python


def of_value(value: Any) -> Expr | None:
    """A value of a model file that may have arithmetic in it; its names are the parameters. None for mappings, and for
    arithmetic that is too long or wrong.
    """
    if isinstance(value, Expression):
        return _of_expression(value)
    if is_expression(value):
        try:
            return _of_expression(parse_expression(value))
        except Fault:
            return None
    if isinstance(value, list | tuple):
        items = [of_value(each) for each in value]
        usable = [item for item in items if item is not None]
        return Expr("tuple", tuple(usable)) if len(usable) == len(items) else None
    return None if isinstance(value, dict) else const(value)


@lru_cache(maxsize=4096)
def _of_expression(expression: Expression) -> Expr | None:
    """The arithmetic of a model file in Python; None where it is too long."""
    found = _in_python(expression.tree)
    return found if found.size <= LONGEST else None


def _in_python(node: Node) -> Expr:
    """A node of a model file's arithmetic, and what is below the node, in Python."""
    parts = tuple(map(_in_python, node.parts))
    words = [word.text for word in node.words]
    match node.kind:
        case "constant":
            found = node.value
            return const(int(found) if type(found) is float and found.is_integer() else found)
        case "parameter":
            return name(node.value)
        case "sign":
            return reduce(lambda signed, word: negative(signed) if word == "-" else signed, words, parts[0])
        case "not":
            return reduce(lambda negated, word: Expr(word, (negated,)), words, parts[0])
        case "arithmetic":
            pairs = zip(words, parts[1:], strict=True)
            return reduce(lambda left, pair: Expr(pair[0], (left, pair[1])), pairs, parts[0])
        case "power":
            return Expr("**", parts)
        case "comparison":
            compared = [Expr(word, pair) for word, pair in zip(words, pairwise(parts), strict=True)]
            return compared[0] if len(compared) == 1 else Expr("and", tuple(compared))
        case "logic":
            return Expr(words[0], parts)
        case "choice":
            return Expr("if", parts)
        case "item":
            return reduce(lambda items, index: Expr("item", (items, index)), parts)
        case "call":
            return Expr(f"{words[0]}()", parts)


# What an expression comes to in Python


def value(expr: Expr, values: Values) -> Any:
    """The value that Python computes for an expression. Raises UnusableError where Python makes nothing of it."""
    try:
        return _value(expr, values)
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
        raise UnusableError(str(expr)) from None


def comes_to(expr: Expr, values: Values, wanted: object) -> bool:
    """Whether Python computes this value for an expression."""
    try:
        return same(value(expr, values), wanted)
    except UnusableError:
        return False


def _value(expr: Expr, values: Values) -> Any:
    """The value that Python computes for an expression; raises what Python raises."""
    op, args = expr.op, expr.args
    if op in ("const", "lost"):
        return args[0]
    if op == "name":
        return values[args[0]]
    if op in _LOGIC:
        return _LOGIC[op](args, values)
    found = [_value(each, values) for each in expr.parts]
    if op in _ANY:
        return _ANY[op](*found)
    if op not in NUMBERS or not all(isinstance(each, int | float) and not isinstance(each, bool) for each in found):
        raise UnusableError(op)
    return NUMBERS[op](*found)


def _truth(expr: Expr, values: Values) -> bool:
    """The value of a condition, which must be true or false."""
    found = _value(expr, values)
    if not isinstance(found, bool):
        raise UnusableError("a condition that is neither true nor false")
    return found


_LOGIC: dict[str, Callable[[tuple[Expr, ...], Values], Any]] = {
    "and": lambda args, values: all(_truth(each, values) for each in args),
    "or": lambda args, values: any(_truth(each, values) for each in args),
    "not": lambda args, values: not _truth(args[0], values),
    "either": lambda args, values: _value(args[1] if _truth(args[0], values) else args[2], values),
    "if": lambda args, values: _value(args[1] if _truth(args[0], values) else args[2], values),
}
_ANY: dict[str, Callable[..., Any]] = {
    "tuple": lambda *items: items,
    "item": operator.getitem,
    "len()": len,
    "==": operator.eq,
    "!=": operator.ne,
}
