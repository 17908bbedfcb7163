"""Expressions of the emitted code: trees of operators, which know how they are written in Python.

An expression is a tree: an operator and what it is applied to. The operators `const`, `name` and `text` have values of
Python as their only argument; all others have expressions.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Set
from functools import cache
from typing import Any, NamedTuple

NOTHING: frozenset[str] = frozenset()
_LEAVES = frozenset({"const", "lost", "name", "text"})


class _ExprFields(NamedTuple):
    op: str
    args: tuple[Any, ...]
    assumed: frozenset[str]
    size: int


class Expr(_ExprFields):
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
        """This expression, noted to be right only for the values that some names have here."""
        return self if names <= self.assumed else self._replace(assumed=self.assumed | names)

    def __str__(self) -> str:
        return _written(self)[0]

    @property
    def written(self) -> tuple[str, int]:
        """The text, and how tightly its loosest operator binds."""
        return _written(self)

    @property
    def parts(self) -> tuple[Expr, ...]:
        return () if self.op in _LEAVES else self.args

    def all_parts(self) -> Iterator[Expr]:
        """The expression with all of its parts, at any depth."""
        yield self
        for part in self.parts:
            yield from part.all_parts()

    @property
    def names(self) -> set[str]:
        """The names that the expression reads."""
        if self.op == "name":
            return {self.args[0]}
        return set().union(*(part.names for part in self.parts))

    @property
    def depends_on(self) -> frozenset[str]:
        """The names that the expression reads or takes for granted."""
        return self.assumed | self.names

    @property
    def functions(self) -> set[str]:
        """The functions that the expression calls."""
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
        """Whether the expression is this constant, an int not being a bool nor a float."""
        return self.op == "const" and same(self.args[0], value)


class UnusableError(Exception):
    """Python cannot compute an expression with some values: it divides by zero, or asks for an item that is missing.

    An exception, since None is a value that an expression may have.
    """


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
    # With its type, since 1, 1.0 and True are equal in Python.
    return Expr("const", (value, type(value)), assumed)


@cache
def name(text: str) -> Expr:
    """A name in sight."""
    return Expr("name", (text,))


def text(code: str) -> Expr:
    """Code as it stands, such as the name of a class."""
    return Expr("text", (code,))


ONE = const(1)


def lost(number: int, *origins: Expr) -> Expr:
    """A number of which the code no longer says how it was worked out; nor does what is worked out from that number."""
    return Expr("lost", (number, int), NOTHING.union(*(each.depends_on for each in origins)))


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
OF_ONE = {"gt": ">", "neg": "-"}
"""Those that are written before a single tensor, or between one and a number."""
_SIMPLE_END = re.compile(r"-?\w*")
"""An end of a slice beside which formatters put no spaces."""
_SIMPLE = re.compile(r"([-.\w]|(?<=\de)-)+(\*\*([-.\w])+)+")
"""A power of names and numbers."""
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
    """An operator of Python with its operands."""
    binds = BINDS[op]
    if op in ("if", "either"):
        condition, then, other = args
        return f"{_wrapped(then, 2)} if {_wrapped(condition, 2)} else {_wrapped(other, 1)}"
    if op in ("not", "neg"):
        return f"{'not ' if op == 'not' else '-'}{_wrapped(args[0], ATOM if args[0].op == '**' else binds)}"
    if op in ("==", "!=") and args[1].is_value(None):
        return f"{_wrapped(args[0], 6)} is {'not ' if op == '!=' else ''}None"
    if op == "**":  # a sign after `**` binds more tightly; formatters put no spaces between simple operands
        base, exponent = _wrapped(args[0], ATOM), _wrapped(args[1], BINDS["neg"])
        return f"{base}**{exponent}" if _SIMPLE.fullmatch(f"{base}**{exponent}") else f"{base} ** {exponent}"
    first, *others = args
    tight = binds + 1 if op in ("==", "!=", "<", "<=", ">", ">=") else binds
    return f" {op} ".join([_wrapped(first, tight), *(_wrapped(each, binds + 1) for each in others)])


def _slice(start: Expr, stop: Expr, step: Expr) -> str:
    ends = ["" if each.is_value(None) else str(each) for each in (start, stop, step)]
    first, last, by = ends
    if all(_SIMPLE_END.fullmatch(end) for end in ends):
        return f"{first}:{last}:{by}" if by else f"{first}:{last}"
    written = f"{first} :".lstrip() + f" {last}".rstrip()  # as formatters put spaces beside longer ends
    return written + (f"{' ' if last else ''}: {by}" if by else "")


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
    "list": lambda *items: f"[{_listed(items)}]",
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
