"""The arithmetic of a model file as expressions of Python, and what Python makes of them."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from planner.arithmetic import Expression, words
from planner.outputs.code._expressions import NUMBERS, Expr, UnusableError, const, name, negative, same

Values = Mapping[str, Any]

# Reading the arithmetic of a model file

_WORDS = {"true": "True", "false": "False", "null": "None"}
_FUNCTIONS = ("min", "max", "round", "ceil", "floor", "len", "make_divisible")
_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.And: "and",
    ast.Or: "or",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


@cache
def read(text: str) -> Expr:
    """The arithmetic of a model file; its names are the parameters. Raises UnusableError where it is too deep."""
    params: list[str] = []

    def parameter(param: str) -> str:
        params.append(param)
        return f"p{len(params) - 1}"

    code = ""
    for kind, word in words(text):
        if kind == "number":
            number = int(word) if word.isdigit() else float(word)
            code += f" {int(number) if number == int(number) else number!r} "
        elif kind == "text":
            code += repr(word[1:-1])
        elif kind == "parameter":
            code += f" {parameter(word[1:])} "
        elif kind == "name" and word not in (*_FUNCTIONS, *_WORDS, *_WORDS.values(), "and", "or", "not", "if", "else"):
            code += f" {parameter(word)} "
        else:
            code += {"${": "(", "}": ")"}.get(word) or f" {_WORDS.get(word, word)} "
    try:
        return _read(ast.parse(code.strip(), mode="eval").body, params)
    except (SyntaxError, RecursionError, MemoryError):
        raise UnusableError(text) from None


def _read(node: ast.expr, params: list[str]) -> Expr:
    if isinstance(node, ast.Constant):
        return const(node.value)
    if isinstance(node, ast.Name):
        return name(params[int(node.id[1:])])
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return Expr(f"{node.func.id}()", tuple(_read(each, params) for each in node.args))
    parts = [_read(each, params) for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr)]
    match node:
        case ast.BinOp(op=op) | ast.BoolOp(op=op):
            return Expr(_OPERATORS[type(op)], tuple(parts))
        case ast.UnaryOp(op=ast.Not()):
            return Expr("not", tuple(parts))
        case ast.UnaryOp(op=op):
            return negative(parts[0]) if isinstance(op, ast.USub) else parts[0]
        case ast.Compare(ops=ops):
            pairs = zip(ops, parts, parts[1:], strict=False)
            compared = [Expr(_OPERATORS[type(op)], (a, b)) for op, a, b in pairs]
            return compared[0] if len(compared) == 1 else Expr("and", tuple(compared))
        case ast.IfExp():
            return Expr("if", tuple(parts))
        case ast.Subscript():
            return Expr("item", tuple(parts))
    raise UnusableError(ast.dump(node))


def of_value(value: Any) -> Expr:
    """A value of a model file that may have arithmetic in it. Raises UnusableError for mappings."""
    if isinstance(value, Expression):
        return read(value.text)
    if isinstance(value, str):
        return read(value) if "$" in value else const(value)
    if isinstance(value, list | tuple):
        return Expr("tuple", tuple(map(of_value, value)))
    if isinstance(value, dict):
        raise UnusableError("a mapping")
    return const(value)


# What an expression comes to in Python


def value(expr: Expr, values: Values) -> Any:
    """What Python makes of the expression. Raises UnusableError where it makes nothing of it."""
    try:
        return _value(expr, values)
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
        raise UnusableError(str(expr)) from None


def comes_to(expr: Expr, values: Values, wanted: object) -> bool:
    """Whether Python makes this of the expression."""
    try:
        return same(value(expr, values), wanted)
    except UnusableError:
        return False


def _value(expr: Expr, values: Values) -> Any:
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
