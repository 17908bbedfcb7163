"""Expressions of the emitted code: values that know how they are written, and what they come to for given parameters.

An expression is a tree: an operator and what it is applied to. The operators `const`, `name` and `text` have values of
Python as their only argument; all others have expressions.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Set
from functools import cache
from typing import Any, NamedTuple

NOTHING: frozenset[str] = frozenset()
_LEAVES = frozenset({"const", "lost", "name", "text"})


class _Expr(NamedTuple):
    op: str
    args: tuple[Any, ...]
    assumed: frozenset[str]
    size: int


class Expr(_Expr):
    """An expression: its operator and what it is applied to.

    assumed  the names whose values were taken as they are when it, or a part of it, was made, though it does not read
             them: it is right for these values alone. `#0` stands for the spatial size of the first input, `^width` for
             a parameter of the model that one of a block hides.
    size     how many operators it has
    """

    __slots__ = ()

    def __new__(cls, op: str, args: tuple[Any, ...], assumed: frozenset[str] = NOTHING) -> Expr:
        size = 0
        if op not in _LEAVES:
            size = 1
            for each in args:
                size += each.size
                if each.assumed:
                    assumed |= each.assumed
        return super().__new__(cls, op, args, assumed, size)

    def assuming(self, names: Set[str]) -> Expr:
        """The same for these values of some names alone."""
        return self if names <= self.assumed else self._replace(assumed=self.assumed | names)

    def __str__(self) -> str:
        return _written(self)[0]

    @property
    def parts(self) -> tuple[Expr, ...]:
        return () if self.op in _LEAVES else self.args

    def all_parts(self) -> Iterator[Expr]:
        """The expression and all that it is made of."""
        yield self
        for part in self.parts:
            yield from part.all_parts()

    @property
    def names(self) -> set[str]:
        """The names that it reads."""
        if self.op == "name":
            return {self.args[0]}
        return set().union(*(part.names for part in self.parts))

    @property
    def functions(self) -> set[str]:
        """The functions that it calls."""
        own = {self.op.removesuffix("()")} if self.op.endswith("()") else set()
        return own.union(*(part.functions for part in self.parts))

    @property
    def is_const(self) -> bool:
        return self.op == "const"

    @property
    def is_whole(self) -> bool:
        return self.op == "const" and type(self.args[0]) is int

    def is_name(self, text: str) -> bool:
        return self.op == "name" and self.args[0] == text

    def is_value(self, value: object) -> bool:
        """Whether it is this constant, an int not being a bool nor a float."""
        return self.op == "const" and same(self.args[0], value)


class UnusableError(Exception):
    """What cannot be written in Python, or does not come to what the plan has."""


def same(a: object, b: object) -> bool:
    """Equal and of the same type; floats that differ in their last digits are equal."""
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-12) or a is b
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


# Making expressions


def const(value: object, assumed: frozenset[str] = NOTHING) -> Expr:
    """A value of a model file: a number, a text, true, false, null, or a list of them."""
    if isinstance(value, list | tuple):
        return Expr("tuple", tuple(map(const, value)), assumed)
    # The type belongs to it: 1, 1.0 and True are equal in Python.
    return Expr("const", (value, type(value)), assumed)


@cache
def name(text: str) -> Expr:
    return Expr("name", (text,))


def text(code: str) -> Expr:
    """Code as it stands, such as the name of a class."""
    return Expr("text", (code,))


ONE = const(1)


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
    """The terms of a sum, each with how often it is taken."""
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
    if a.op == "neg":
        return _part(a, 0)
    return const(-a.args[0]) if a.is_const else Expr("neg", (a,))


def binary(op: str, a: Expr, b: Expr) -> Expr:
    """An operator on whole numbers, put simply."""
    return _binary(op, a, b).assuming(a.assumed | b.assumed)


def _binary(op: str, a: Expr, b: Expr) -> Expr:
    if op in "+-":
        return add(a, b, 1 if op == "+" else -1)
    if op == "*":
        return multiply(a, b)
    return _quotient(a, b) if op == "//" else Expr(op, (a, b))


def _quotient(a: Expr, b: Expr) -> Expr:
    return _divided(a, b) or Expr("//", (a, b))


def _divided(a: Expr, b: Expr) -> Expr | None:
    """The quotient of what one surely divides: 4 · width by 2, or by width."""
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
    """One of two expressions; one alone where the condition is decided, or both are written alike.

    `either` is a choice that was made for what may be absent; `if` is one of the file's.
    """
    if condition.is_const:
        return then if condition.args[0] else other
    if str(then) == str(other):
        return then.assuming(other.assumed)
    return Expr(op, (condition, then, other))


def lost(number: int, *origins: Expr) -> Expr:
    """A number that is no longer written as it was worked out; nor is what is worked out from it."""
    return Expr("lost", (number, int), NOTHING.union(*(each.names | each.assumed for each in origins)))


# Emitted as it stands here, by programs that call it. The plan has its own, which computes exactly.
def make_divisible(value: float, divisor: int, least: int | None = None) -> int:
    """The multiple of divisor nearest to value, but not below 90 % of it."""
    nearest = max(least or divisor, int(value + divisor / 2) // divisor * divisor)
    return nearest if nearest >= 0.9 * value else nearest + divisor


NUMBERS: dict[str, Callable[..., Any]] = {
    "neg": operator.neg,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
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
    "make_divisible()": make_divisible,
}
"""What Python makes of numbers."""


def _number(expr: Expr) -> int | float | None:
    """What an expression of numbers alone comes to; None for one of anything else."""
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
    """The expression with other ones for names; what comes to a number is then one."""
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
    if expr.op == "item" and new[0].op == "tuple" and new[1].is_const:
        return _part(new[0], new[1].args[0])
    if expr.op in _DECIDED and all(part.is_const for part in new):
        return const(_DECIDED[expr.op](*(part.args[0] for part in new)), changed.assumed)
    if expr.op == "len()" and new[0].op == "tuple":
        return const(len(new[0].args), changed.assumed)
    if expr.op.endswith("()") and (number := _number(changed)) is not None:
        return const(number, changed.assumed)
    if expr.op == "neg":
        return negative(*new)
    if expr.op not in ("+", "-", "*", "//"):
        return changed
    return binary(expr.op, *new).assuming(assumed)


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
    """The names that are meant where other expressions stand for some."""
    found: set[str] = set()
    for each in assumed:
        found |= by[each].names | by[each].assumed if each in by else {each}
    return frozenset(found)


# How an expression is written

BINDS = {
    "if": 1,
    "either": 1,
    "or": 2,
    "and": 3,
    "not": 4,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), 5),
    **dict.fromkeys("+-", 6),
    **dict.fromkeys(("*", "/", "//", "%", "@"), 7),
    "neg": 8,
    "**": 9,
}
"""How tightly an operator of Python binds."""
ATOM = 10
SIGNS = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "truediv": "/",
    "floordiv": "//",
    "mod": "%",
    "pow": "**",
    "matmul": "@",
}
"""The operators of Python's module `operator` that are written between tensors."""
_HOMES = {"ceil": "math.ceil", "floor": "math.floor"}


def _written(expr: Expr) -> tuple[str, int]:
    """The text of an expression, and how tightly its loosest operator binds."""
    op, args = expr.op, expr.args
    if op in ("name", "text"):
        return args[0], ATOM
    if op in ("const", "lost"):
        return literal(args[0]), 8 if isinstance(args[0], int | float) and args[0] < 0 else ATOM
    if op in BINDS:
        return _operation(op, args), BINDS[op]
    if op in _BRACKETS:
        return _BRACKETS[op](*args), ATOM
    if op.startswith("keyword "):
        return f"{op.removeprefix('keyword ')}={args[0]}", ATOM
    function = op.removesuffix("()")
    return f"{_HOMES.get(function, function)}({_listed(args)})", ATOM


def _operation(op: str, args: tuple[Expr, ...]) -> str:
    binds = BINDS[op]
    if op in ("if", "either"):
        condition, then, other = args
        return f"{_wrapped(then, 2)} if {_wrapped(condition, 2)} else {_wrapped(other, 1)}"
    if op in ("not", "neg"):
        return f"{'not ' if op == 'not' else '-'}{_wrapped(args[0], binds)}"
    if op in ("==", "!=") and args[1].is_value(None):
        return f"{_wrapped(args[0], 6)} is {'not ' if op == '!=' else ''}None"
    first, *others = args
    tight = binds + 1 if op in ("==", "!=", "<", "<=", ">", ">=", "**") else binds
    return f" {op} ".join([_wrapped(first, tight), *(_wrapped(each, binds + 1) for each in others)])


def _slice(start: Expr, stop: Expr, step: Expr) -> str:
    written = ["" if each.is_value(None) else str(each) for each in (start, stop, step)]
    return ":".join(written if written[2] else written[:2])


def _formatted(*pieces: Expr) -> str:
    """An f-string."""
    inside = (_escaped(str(each.args[0])) if each.is_const else f"{{{each}}}" for each in pieces)
    return f'f"{"".join(inside)}"'


def _from_end(items: Expr, index: Expr) -> str:
    """The place of an item, counted from the end where it is written so: `-1` for `len(items) - 1`."""
    if index.op == "-" and index.args[0] == Expr("len()", (items,)) and index.args[1].is_whole:
        return f"-{index.args[1]}"
    return str(index)


def _listed(args: tuple[Expr, ...]) -> str:
    return ", ".join(map(str, args))


_BRACKETS: dict[str, Callable[..., str]] = {
    "call": lambda function, *args: f"{function}({_listed(args)})",
    "new": lambda kind, *args: f"{kind}({_listed(args)})",
    "f": _formatted,
    "item": lambda items, index: f"{_wrapped(items, ATOM)}[{_from_end(items, index)}]",
    "size": lambda tensor, dim: f"{tensor}.shape[{dim}]",
    "slice": _slice,
    "tuple": lambda *items: f"({_listed(items)}{',' if len(items) == 1 else ''})",
}


def _wrapped(expr: Expr, least: int) -> str:
    written, binds = _written(expr)
    return written if binds >= least else f"({written})"


def literal(value: object) -> str:
    """A value as Python writes it, texts in double quotes unless that needs more backslashes."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(value)


def quoted(value: str) -> str:
    """A text as a literal of Python, in the quotes that a formatter would choose."""
    written = repr(value)
    if written[0] == "'" and '"' not in value:
        return f'"{written[1:-1]}"'
    if written[0] == "'" and "'" in value and value.count('"') <= value.count("'"):
        inside = written[1:-1].replace("\\'", "'")
        return '"' + re.sub(r'(\\.)|"', lambda found: found[1] or '\\"', inside) + '"'
    return written


def _escaped(part: str) -> str:
    """A literal part of an f-string in double quotes."""
    return "".join('\\"' if char == '"' else repr(char)[1:-1] for char in part).replace("{", "{{").replace("}", "}}")
