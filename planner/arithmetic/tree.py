"""The tree of an expression: its nodes, and where in the text each operator stands."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

TokenKind = Literal[
    "constant",  # `3`, `'same'`, `true`: the value
    "parameter",  # `$width`, or a size as `$input.channels`: the value is its name
    "sign",  # `-a`, `--a`: words before one part
    "not",  # `not a`: likewise
    "arithmetic",  # `a + b - c`: the words stand between the parts, which are taken from left to right
    "power",  # `a ** b`: the word stands between the parts
    "comparison",  # `a < b <= c`: likewise
    "logic",  # `a and b and c`: likewise; the words are all `and`, or all `or`
    "choice",  # `a if b else c`: the parts are b, a and c, the word is `if`
    "item",  # `a[b][c]`: the first part is the list, the words are the opening brackets
    "call",  # `max(a, b)`: the word is the function, the parts are its arguments
]


class Token(NamedTuple):
    """A token of an expression, with its place in the text."""

    kind: str
    text: str
    at: int

    @property
    def end(self) -> int:
        return self.at + len(self.text)


class Node(NamedTuple):
    """A part of an expression.

    Operators that bind equally tightly stand in one node. So a tree is only as deep as brackets, exponents, or a `not`
    behind a tighter operator, stand within one another, however long the text is, and functions that go through it may
    call themselves.
    """

    kind: TokenKind
    parts: tuple[Node, ...] = ()
    words: tuple[Token, ...] = ()
    value: Any = None
