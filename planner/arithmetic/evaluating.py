"""Evaluating an expression: the value of its tree for given parameters, in exact numbers."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from planner.arithmetic.functions import FUNCTIONS, Number, RefusedError
from planner.arithmetic.tree import Node, Token, TokenKind
from planner.faults.bad_arithmetic import BadArithmetic, kind, written

LARGEST = 1 << 63
MOST_BITS = 1 << 16
"""Binary digits of a power, as a fraction, that is worked out."""
Values = Mapping[str, Any]
"""Parameters by name: anything that a model file can hold."""

_ARITHMETIC: dict[str, Callable[[Number, Number], Number]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": Fraction,
    "//": operator.floordiv,
    "%": operator.mod,
}
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_HELP = "change the expression, or the parameters that it reads"
_NOT_NUMBERS = {
    "a text": "texts can be compared with == and !=, no more",
    "true": "write it as a choice: 1 if $a else 0",
    "false": "write it as a choice: 1 if $a else 0",
    "null": "give the parameter a value, or guard it: 0 if $a == null else $a",
    "a list": "take an item of the list: $a[0]",
}


class Evaluation:
    """An evaluation, with the parameters' values, and with the text and its names for messages."""

    __slots__ = ("reads", "text", "values")

    def __init__(self, text: str, reads: Iterable[str], values: Values) -> None:
        self.text = text
        self.reads = reads
        self.values = values

    def of(self, node: Node) -> Any:
        """The value of an expression's tree."""
        return _VALUE[node.kind](self, node)

    def wrong(self, what: str, token: Token, *, label: str = "", help: str = _HELP) -> BadArithmetic:
        values = {name: self.values[name] for name in self.reads}
        return BadArithmetic(what, self.text, token.at, len(token.text), values=values, label=label, help=help)

    def number(self, value: Any, token: Token) -> Number:
        """A value as an exact number, as the operator or function `token` needs; else raises."""
        if type(value) is int or (isinstance(value, int | Fraction) and not isinstance(value, bool)):
            return value
        if isinstance(value, float) and math.isfinite(value):
            return _whole(Fraction(repr(value)))
        what = "infinity" if isinstance(value, float) else kind(value)
        help = _NOT_NUMBERS.get(what, "give a number")
        raise self.wrong(f"`{token.text}` takes numbers, not {what}", token, help=help)

    def truth(self, value: Any, token: Token) -> bool:
        if isinstance(value, bool):
            return value
        help = "compare it: `$a > 0`, `$a != null`"
        raise self.wrong(f"`{token.text}` takes true or false, not {kind(value)}", token, help=help)

    def result(self, number: Number, token: Token) -> Number:
        """The result of `token`, checked to be in range."""
        if not -LARGEST <= number <= LARGEST:
            raise self.wrong(f"the result of `{token.text}` is beyond ±2^63", token, help="use smaller numbers")
        return _whole(number) if isinstance(number, Fraction) else number


def _whole(number: Fraction) -> Number:
    """The number as an int where it is whole, else unchanged."""
    return number.numerator if number.denominator == 1 else number


def _arithmetic(run: Evaluation, node: Node) -> Any:
    first, *others = node.parts
    total = _VALUE[first.kind](run, first)
    for token, part in zip(node.words, others, strict=True):
        right = run.number(_VALUE[part.kind](run, part), token)
        left = run.number(total, token)
        if right == 0 and token.text in ("/", "//", "%"):
            help = "give another value than 0, or guard it: $a // $b if $b != 0 else 1"
            raise run.wrong("division by zero", token, label=f"{left} {token.text} 0", help=help)
        total = run.result(_ARITHMETIC[token.text](left, right), token)
    return total


def _power(run: Evaluation, node: Node) -> Any:
    (token,) = node.words
    base, exponent = (run.number(_VALUE[part.kind](run, part), token) for part in node.parts)
    if not isinstance(exponent, int):
        help = "round it: $a ** round($b)"
        raise run.wrong("an exponent must be whole", token, label=f"this is {written(float(exponent))}", help=help)
    if base == 0 and exponent < 0:
        help = "give another value than 0, or an exponent from 0"
        raise run.wrong("division by zero", token, label=f"0 ** {exponent}", help=help)
    if is_too_long(base, exponent):
        raise run.wrong("the result of `**` has too many digits", token, help="use a smaller exponent")
    return run.result(Fraction(base) ** exponent, token)


def is_too_long(base: Number, exponent: int) -> bool:
    """Whether a power has more digits than are worked out."""
    longest = max(abs(base.numerator), base.denominator)
    return longest > 1 and longest.bit_length() * abs(exponent) > MOST_BITS


def _sign(run: Evaluation, node: Node) -> Any:
    (part,) = node.parts
    value = _VALUE[part.kind](run, part)
    for token in reversed(node.words):
        number = run.number(value, token)
        value = run.result(-number if token.text == "-" else number, token)
    return value


def _not(run: Evaluation, node: Node) -> Any:
    (part,) = node.parts
    value = _VALUE[part.kind](run, part)
    for token in node.words:
        value = not run.truth(value, token)
    return value


def _logic(run: Evaluation, node: Node) -> bool:
    """The value of `a and b` or `a or b`: the right side is evaluated only where the left does not decide."""
    first, *others = node.parts
    value = run.truth(_VALUE[first.kind](run, first), node.words[0])
    for token, part in zip(node.words, others, strict=True):
        if value is (token.text == "or"):
            break
        value = run.truth(_VALUE[part.kind](run, part), token)
    return value


def _comparison(run: Evaluation, node: Node) -> bool:
    """The value of `a < b <= c`, which compares each neighbour with the next."""
    values = [_VALUE[part.kind](run, part) for part in node.parts]
    return all(_holds(run, *pair) for pair in zip(node.words, values, values[1:], strict=False))


def _holds(run: Evaluation, token: Token, left: Any, right: Any) -> bool:
    if _is_number(left) and _is_number(right):
        left, right = run.number(left, token), run.number(right, token)
    elif type(left) is not type(right):
        if token.text in _ORDERS:
            raise run.wrong(f"`{token.text}` cannot compare {kind(left)} with {kind(right)}", token)
        return token.text == "!="
    if token.text in _ORDERS:
        if not _is_number(left) and not isinstance(left, str):
            raise run.wrong(f"`{token.text}` takes numbers or texts, not {kind(left)}", token)
        return _ORDERS[token.text](left, right)
    return (left == right) is (token.text == "==")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Fraction) and not isinstance(value, bool)


def _choice(run: Evaluation, node: Node) -> Any:
    condition, chosen, other = node.parts
    part = chosen if run.truth(_VALUE[condition.kind](run, condition), node.words[0]) else other
    return _VALUE[part.kind](run, part)


def _item(run: Evaluation, node: Node) -> Any:
    """The value of `$list[0]`; negative numbers count from the end, as in Python."""
    first, *indices = node.parts
    items = _VALUE[first.kind](run, first)
    for token, part in zip(node.words, indices, strict=True):
        index = run.number(_VALUE[part.kind](run, part), token)
        if not isinstance(items, list | tuple):
            raise run.wrong(f"`[…]` takes an item of a list, not of {kind(items)}", token)
        if not isinstance(index, int):
            raise run.wrong("the number of an item must be whole", token, label=f"this is {written(float(index))}")
        if not -len(items) <= index < len(items):
            there = f"its items are 0 to {len(items) - 1}" if items else "it is empty"
            help = "choose one that is there, or make the list longer"
            raise run.wrong(f"the list has no item {index}", token, label=there, help=help)
        items = items[index]
    return items


def _call(run: Evaluation, node: Node) -> Number:
    (token,) = node.words
    function = FUNCTIONS[token.text]
    arguments = [_VALUE[part.kind](run, part) for part in node.parts]
    if function.takes_numbers:
        arguments = [run.number(each, token) for each in arguments]
    try:
        return run.result(function.call(*arguments), token)
    except RefusedError as error:
        raise run.wrong(str(error), token) from None


# The functions above look one another up here, instead of calling `Evaluation.of`, to be half as deep.
_VALUE: dict[TokenKind, Callable[[Evaluation, Node], Any]] = {
    "constant": lambda run, node: node.value,
    "parameter": lambda run, node: run.values[node.value],
    "sign": _sign,
    "not": _not,
    "arithmetic": _arithmetic,
    "power": _power,
    "comparison": _comparison,
    "logic": _logic,
    "choice": _choice,
    "item": _item,
    "call": _call,
}
